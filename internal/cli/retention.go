package cli

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/overture-im/overture/internal/client"
)

func retentionCommand(s Streams) *cobra.Command {
	var a serverAddress
	c := &cobra.Command{
		Use:   "retention",
		Short: "How long data is kept, what would be deleted now, and what is on legal hold",
		Args:  cobra.NoArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	a.add(c.PersistentFlags())
	c.AddCommand(showRetentionCommand(s, &a), setRetentionCommand(s, &a), holdCommand(s, &a), releaseCommand(s, &a))
	return c
}

func showRetentionCommand(s Streams, a *serverAddress) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "show",
		Short: "The periods, what was deleted so far, what would be deleted now, and the legal holds",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			api, err := a.client()
			if err != nil {
				return err
			}
			r, err := api.Retention(c.Context())
			if err != nil {
				return err
			}
			preview, err := api.PreviewRetention(c.Context(), nil)
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(s.Out, struct {
					client.Retention
					Preview []client.RetentionPreview `json:"preview"`
				}{r, preview})
			}
			return printRetention(s.Out, r, preview)
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

func printRetention(out io.Writer, r client.Retention, preview []client.RetentionPreview) error {
	now := map[string]client.RetentionPreview{}
	for _, p := range preview {
		now[p.Class] = p
	}
	w := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "DATA\tKEPT\tAT LEAST\tWOULD GO NOW\tDELETED SO FAR\tLAST")
	for _, c := range r.Classes {
		fmt.Fprintf(w, "%s\t%s\t%d days\t%s\t%d %s\t%s\n", c.Class, keptFor(c.Days), c.MinimumDays, goes(now[c.Class]), c.Deleted, thingsOf(c.Class), local(c.LastDeletedAt))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, h := range r.Holds {
		what := "the account"
		if h.Campaign != "" {
			what = h.Campaign + " " + printable(h.CampaignName)
		}
		fmt.Fprintf(out, "legal hold on %s since %s: %s\n", what, local(&h.Since), printable(h.Reason))
	}
	return nil
}

func keptFor(days int) string {
	if days == 0 {
		return "for ever"
	}
	return strconv.Itoa(days) + " days"
}

// thingsOf is what is counted of a class.
func thingsOf(class string) string {
	switch class {
	case "conversations":
		return "conversations"
	case "audit":
		return "entries"
	}
	return "people"
}

func goes(p client.RetentionPreview) string {
	text := fmt.Sprintf("%d %s", p.Items, thingsOf(p.Class))
	if p.Campaigns > 0 {
		text += fmt.Sprintf(" of %d campaigns", p.Campaigns)
	}
	for _, w := range []struct {
		n   int
		why string
	}{{p.WaitingOnHold, "on legal hold"}, {p.WaitingHeld, "with held messages"}, {p.WaitingLookback, "inside their lookback"}} {
		if w.n > 0 {
			text += fmt.Sprintf(", %d %s stay", w.n, w.why)
		}
	}
	return text
}

func setRetentionCommand(s Streams, a *serverAddress) *cobra.Command {
	var dryRun, yes bool
	given := map[string]*string{}
	c := &cobra.Command{
		Use:   "set",
		Short: "Choose how long data is kept",
		Long: "A period is a number of days, or for-ever; what is not named stays as it is. Before a shorter period deletes something at once it says\n" +
			"how much, and asks. What is deleted does not come back. Campaigns with their counters and figures, opt-outs and consent events stay.",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			wanted, err := periods(given)
			if err != nil {
				return err
			}
			api, err := a.client()
			if err != nil {
				return err
			}
			preview, err := api.PreviewRetention(c.Context(), wanted)
			if err != nil {
				return err
			}
			if dryRun {
				for _, p := range preview {
					fmt.Fprintf(s.Out, "%s, kept %s: %s\n", p.Class, keptFor(p.Days), goes(p))
				}
				return nil
			}
			if err := confirmDeletion(s, preview, wanted, yes); err != nil {
				return err
			}
			now, err := api.Retention(c.Context())
			if err != nil {
				return err
			}
			for _, x := range now.Classes {
				if _, named := wanted[x.Class]; !named {
					wanted[x.Class] = x.Days
				}
			}
			done, err := api.SetRetention(c.Context(), wanted, now.Version)
			if err != nil {
				return err
			}
			for _, x := range done.Classes {
				fmt.Fprintf(s.Out, "%s: kept %s\n", x.Class, keptFor(x.Days))
			}
			return nil
		},
	}
	for _, f := range []struct{ class, doc string }{
		{"messages", "people, messages and receipts of finished campaigns: days (at least 35), or for-ever"},
		{"conversations", "closed conversations and inbound messages: days (at least 35), or for-ever"},
		{"uploads", "lists of drafts that nobody touches: days (at least 7), or for-ever"},
		{"audit", "the audit log: days (at least 366), or for-ever"},
	} {
		given[f.class] = c.Flags().String(f.class, "", f.doc)
	}
	c.Flags().BoolVar(&dryRun, "dry-run", false, "only say what would be deleted now")
	c.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return c
}

// periods reads what was typed.
func periods(given map[string]*string) (map[string]int, error) {
	out := map[string]int{}
	for class, text := range given {
		switch days, err := strconv.Atoi(*text); {
		case *text == "":
		case *text == "for-ever":
			out[class] = 0
		case err != nil || days < 1:
			return nil, &usage{fmt.Errorf("--%s %q: a number of days, or for-ever", class, *text)}
		default:
			out[class] = days
		}
	}
	if len(out) == 0 {
		return nil, &usage{errors.New("name a period, such as --messages 90; see overture retention set --help")}
	}
	return out, nil
}

// confirmDeletion asks before something is deleted at once.
func confirmDeletion(s Streams, preview []client.RetentionPreview, wanted map[string]int, yes bool) error {
	var lost []string
	for _, p := range preview {
		if _, named := wanted[p.Class]; named && p.Items > 0 {
			lost = append(lost, p.Class+": "+goes(p))
		}
	}
	if len(lost) == 0 || yes {
		return nil
	}
	fmt.Fprintf(s.Err, "This deletes at once and for good:\n  %s\nType delete: ", strings.Join(lost, "\n  "))
	answer, err := bufio.NewReader(s.In).ReadString('\n')
	if strings.TrimSpace(answer) != "delete" {
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("read the answer: %w", err)
		}
		return &usage{errors.New("nothing was changed; type delete, or say --yes")}
	}
	return nil
}

func holdCommand(s Streams, a *serverAddress) *cobra.Command {
	var reason string
	c := &cobra.Command{
		Use:   "hold [CAMPAIGN]",
		Short: "Put the account, or one campaign, on legal hold: nothing of it is deleted",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if reason == "" {
				return &usage{errors.New("say why with --reason; it stands in the audit log")}
			}
			api, err := a.client()
			if err != nil {
				return err
			}
			if _, err := api.HoldData(c.Context(), strings.Join(args, ""), reason); err != nil {
				return err
			}
			fmt.Fprintf(s.Out, "%s is on legal hold; overture retention release ends it\n", heldThing(args))
			return nil
		},
	}
	c.Flags().StringVar(&reason, "reason", "", "why, for the audit log")
	return c
}

func releaseCommand(s Streams, a *serverAddress) *cobra.Command {
	return &cobra.Command{
		Use:   "release [CAMPAIGN]",
		Short: "End a legal hold",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			api, err := a.client()
			if err != nil {
				return err
			}
			if _, err := api.ReleaseData(c.Context(), strings.Join(args, "")); err != nil {
				return err
			}
			fmt.Fprintf(s.Out, "the legal hold on %s is over\n", heldThing(args))
			return nil
		},
	}
}

func heldThing(args []string) string {
	if len(args) == 0 {
		return "the account"
	}
	return args[0]
}
