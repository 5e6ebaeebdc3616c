package cli

import (
	"errors"
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/overture-im/overture/internal/client"
)

func heldCommand(s Streams) *cobra.Command {
	var a serverAddress
	c := &cobra.Command{
		Use:   "held",
		Short: "Messages that may have been sent and cannot be proven: list them, decide about them",
		Args:  cobra.NoArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	a.add(c.PersistentFlags())
	c.AddCommand(heldListCommand(s, &a), heldResolveCommand(s, &a))
	return c
}

func heldChoice(f *pflag.FlagSet, h *client.HeldChoice) {
	f.StringVar(&h.Campaign, "campaign", "", "of this campaign")
	f.StringVar(&h.Sender, "sender", "", "of this sender")
	f.IntVar(&h.OlderThanHours, "older-than-hours", 0, "attempted at least so long ago")
}

func heldListCommand(s Streams, a *serverAddress) *cobra.Command {
	var choice client.HeldChoice
	var limit int
	var asJSON, asCSV bool
	c := &cobra.Command{
		Use:   "list",
		Short: "Held messages with what is known about each",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			api, err := a.client()
			if err != nil {
				return err
			}
			if asCSV {
				return api.ExportHeld(c.Context(), choice, s.Out)
			}
			all, err := api.Held(c.Context(), choice, limit)
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(s.Out, all)
			}
			w := tabwriter.NewWriter(s.Out, 0, 4, 2, ' ', 0)
			fmt.Fprintln(w, "MESSAGE\tATTEMPTED\tNUMBER\tLOOKUPS\tANSWER\tCAMPAIGN")
			for _, m := range all {
				fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%s\t%s %s\n", m.Message, local(&m.AttemptedAt), m.Address, m.Lookups, answered(m), m.Campaign, printable(m.CampaignName))
			}
			return w.Flush()
		},
	}
	heldChoice(c.Flags(), &choice)
	c.Flags().IntVar(&limit, "limit", 50, "how many at most; the CSV has all")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	c.Flags().BoolVar(&asCSV, "csv", false, "write all of them as CSV")
	return c
}

func answered(m client.Held) string {
	switch {
	case m.HTTPStatus == 0:
		return "none"
	case m.Code == 0:
		return fmt.Sprintf("HTTP %d", m.HTTPStatus)
	}
	return fmt.Sprintf("HTTP %d, code %d", m.HTTPStatus, m.Code)
}

func heldResolveCommand(s Streams, a *serverAddress) *cobra.Command {
	var choice client.HeldChoice
	c := &cobra.Command{
		Use:   "resolve treat_as_sent|resend|give_up [MESSAGE …]",
		Short: "Decide about held messages, one or many",
		Long: "treat_as_sent counts them as accepted, give_up as failed. resend sends them again: a person whose first message did arrive gets it\n" +
			"twice. A resend passes opt-out, window, validity and pause like a first send. Without messages or a choice, say --all.",
		Args: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return &usage{errors.New("say what to do with them: treat_as_sent, resend or give_up")}
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			api, err := a.client()
			if err != nil {
				return err
			}
			choice.Messages = args[1:]
			o, err := api.ResolveHeld(c.Context(), args[0], choice)
			if err != nil {
				return err
			}
			fmt.Fprintf(s.Out, "%s: %d of %d, %d left as they are\n", o.Action, o.Resolved, o.Matched, o.Left)
			return nil
		},
	}
	heldChoice(c.Flags(), &choice)
	c.Flags().BoolVar(&choice.All, "all", false, "every held message of the account")
	return c
}
