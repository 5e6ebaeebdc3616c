package cli

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

func whyCommand(s Streams, a *serverAddress) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "why CAMPAIGN NUMBER",
		Short: "Why one person got the message or did not: every check with the rule, pack and time-zone data it was decided with",
		Args:  exactly(2, "the id of a campaign and a number"),
		RunE: func(c *cobra.Command, args []string) error {
			api, err := a.client()
			if err != nil {
				return err
			}
			story, err := api.Why(c.Context(), args[0], args[1])
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(s.Out, story)
			}
			fmt.Fprintf(s.Out, "%s  row %d  %s %s\n", story.Recipient.Address, story.Recipient.Row, story.Recipient.State, story.Recipient.Reason)
			for _, m := range story.Timeline {
				fmt.Fprintf(s.Out, "  %s  %s\n", local(&m.At), printable(m.Message))
			}
			for _, r := range story.Why {
				by := r.Rule
				if r.TZData != "" {
					by += ", tzdata " + r.TZData
				}
				fmt.Fprintf(s.Out, "%-7s %-17s %s  [%s]\n", r.Verdict, r.Check, printable(r.Message), by)
				var inputs []string
				for _, k := range slices.Sorted(maps.Keys(r.Input)) {
					if r.Input[k] != "" {
						inputs = append(inputs, k+": "+printable(r.Input[k]))
					}
				}
				if len(inputs) > 0 {
					fmt.Fprintf(s.Out, "        %s\n", strings.Join(inputs, " · "))
				}
			}
			return nil
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}
