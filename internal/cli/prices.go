package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/client"
)

func pricesCommand(s Streams) *cobra.Command {
	var a serverAddress
	c := &cobra.Command{
		Use:   "prices",
		Short: "What a segment costs, by destination: for forecasts and spend limits",
		Args:  cobra.NoArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	a.add(c.PersistentFlags())
	c.AddCommand(showPricesCommand(s, &a), setPricesCommand(s, &a))
	return c
}

func showPricesCommand(s Streams, a *serverAddress) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "show",
		Short: "The account's price table",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			api, err := a.client()
			if err != nil {
				return err
			}
			t, err := api.Prices(c.Context())
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(s.Out, t)
			}
			if t.Version == 0 {
				fmt.Fprintln(s.Out, "the account has no prices; set them with: overture prices set FILE")
				return nil
			}
			fmt.Fprintf(s.Out, "version %d, %s per segment; the longest prefix wins\n", t.Version, t.Currency)
			w := tabwriter.NewWriter(s.Out, 0, 4, 2, ' ', 0)
			fmt.Fprintln(w, "CHANNEL\tPROVIDER\tSENDER\tDESTINATION\tPRICE")
			for _, p := range t.Prices {
				to := "everywhere"
				switch {
				case p.Prefix != "":
					to = "+" + p.Prefix
				case p.Country != "":
					to = p.Country
				}
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", p.Channel, orAny(p.Provider), orAny(p.Sender), to, overture.Money(p.Micros))
			}
			return w.Flush()
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON, which set takes as its file")
	return c
}

func setPricesCommand(s Streams, a *serverAddress) *cobra.Command {
	return &cobra.Command{
		Use:   "set FILE",
		Short: "Replace the price table by a file",
		Long: "Replaces the price table. The file is JSON as `overture prices show --json` prints it; - is standard input:\n\n" +
			"  {\"currency\": \"USD\", \"prices\": [\n" +
			"    {\"channel\": \"sms\", \"prefix\": \"1\", \"micros\": 7900},\n" +
			"    {\"channel\": \"sms\", \"country\": \"GB\", \"micros\": 40000}]}\n\n" +
			"micros are millionths of the currency per segment. The longest prefix wins; a country counts as longer than its calling code. With a\n" +
			"version in the file, the table is only replaced when that version is still the newest.",
		Args: exactly(1, "a file"),
		RunE: func(c *cobra.Command, args []string) error {
			t, version, err := readPrices(s.In, args[0])
			if err != nil {
				return err
			}
			api, err := a.client()
			if err != nil {
				return err
			}
			done, err := api.SetPrices(c.Context(), t.Currency, t.Prices, version)
			if err != nil {
				return err
			}
			fmt.Fprintf(s.Out, "version %d: %d prices in %s; campaigns launched from now on use it\n", done.Version, len(done.Prices), done.Currency)
			return nil
		},
	}
}

// readPrices reads a price file; version is nil when the file has none.
func readPrices(in io.Reader, path string) (t client.Prices, version *int, err error) {
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return t, nil, overture.ErrInvalid("no_such_file", "cannot read "+path+": "+plain(err))
		}
		defer f.Close()
		in = f
	}
	raw, err := io.ReadAll(io.LimitReader(in, 4<<20))
	if err != nil {
		return t, nil, fmt.Errorf("read %s: %w", path, err)
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields() // a misspelt word would silently mean any
	if err := d.Decode(&t); err != nil {
		return t, nil, overture.ErrInvalid("prices_file", path+" is not a price table: "+err.Error()+"; see overture prices set --help")
	}
	if t.Prices == nil {
		t.Prices = []client.Price{}
	}
	if bytes.Contains(raw, []byte(`"version"`)) {
		version = &t.Version
	}
	return t, version, nil
}

func orAny(text string) string {
	if text == "" {
		return "any"
	}
	return text
}
