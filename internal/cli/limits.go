package cli

import (
	"fmt"
	"io"
	"strconv"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/client"
)

// limit is one guard rail of an account as the command line names it.
type limit struct {
	flag, field string // of the command, of the API
	doc         string
	preset      int64 // what a new account has; 0: off
	always      bool  // cannot be switched off
	money       bool
	of          func(client.Limits) int64
}

// limits in the order in which they are shown.
func limits() []limit {
	return []limit{
		{flag: "undo-seconds", field: "undo_seconds", doc: "a launch can be undone for so long, of new campaigns", of: func(l client.Limits) int64 { return l.UndoSeconds }},
		{flag: "segments-per-day", field: "segments_per_day", doc: "campaigns pause above so many segments in a UTC day", of: func(l client.Limits) int64 { return l.SegmentsPerDay }},
		{flag: "spend-per-day", field: "spend_per_day", doc: "the same in money, such as 250 or 99.50, in the currency of the prices", money: true, of: func(l client.Limits) int64 { return l.SpendPerDay }},
		{flag: "failed-percent", field: "failed_percent", doc: "a campaign pauses when more of its last outcomes were refused or not delivered", preset: overture.DefaultFailedPercent, of: func(l client.Limits) int64 { return l.FailedPercent }},
		{flag: "opted-out-percent", field: "opted_out_percent", doc: "the same for people who stopped the brand", preset: overture.DefaultOptedOutPercent, of: func(l client.Limits) int64 { return l.OptedOutPercent }},
		{flag: "unknown-percent", field: "unknown_percent", doc: "the same for messages in doubt or held", preset: overture.DefaultUnknownPercent, of: func(l client.Limits) int64 { return l.UnknownPercent }},
		{flag: "sample", field: "sample", doc: "how many outcomes are judged at a time", preset: overture.DefaultSample, always: true, of: func(l client.Limits) int64 { return l.Sample }},
		{flag: "prefix-digits", field: "prefix_digits", doc: "digits after the plus that make a prefix", preset: overture.DefaultPrefixDigits, always: true, of: func(l client.Limits) int64 { return l.PrefixDigits }},
		{flag: "prefix-per-hour", field: "prefix_per_hour", doc: "different numbers of one prefix, outside campaigns; more wait", preset: overture.DefaultPrefixPerHour, of: func(l client.Limits) int64 { return l.PrefixPerHour }},
		{flag: "prefix-per-day", field: "prefix_per_day", doc: "the same in 24 hours", preset: overture.DefaultPrefixPerDay, of: func(l client.Limits) int64 { return l.PrefixPerDay }},
		{flag: "campaign-prefix-per-day", field: "campaign_prefix_per_day", doc: "the same for campaigns; more pause the campaign", of: func(l client.Limits) int64 { return l.CampaignPrefixPerDay }},
	}
}

// words shows a value of the limit.
func (x limit) words(v int64, currency string) string {
	switch {
	case v == 0:
		return "off"
	case x.money:
		return overture.Money(v) + " " + currency
	}
	return strconv.FormatInt(v, 10)
}

// read turns what was typed into what the API takes: a number, off, or default.
func (x limit) read(text string) (int64, error) {
	switch {
	case text == "default":
		return x.preset, nil
	case text == "off" && x.always:
		return 0, &usage{fmt.Errorf("--%s cannot be off; give a number, or default", x.flag)}
	case text == "off":
		return 0, nil
	case x.money:
		v, err := overture.ParseMoney(text)
		if err != nil {
			return 0, &usage{fmt.Errorf("--%s %q: an amount such as 250 or 99.50, off, or default", x.flag, text)}
		}
		return v, nil
	}
	v, err := strconv.ParseInt(text, 10, 64)
	if err != nil || v < 0 {
		return 0, &usage{fmt.Errorf("--%s %q: a number, off, or default", x.flag, text)}
	}
	return v, nil
}

func limitsCommand(s Streams, a *serverAddress) *cobra.Command {
	c := &cobra.Command{
		Use:   "limits",
		Short: "The account's guard rails: what pauses a campaign by itself, and what bounds a day",
		Args:  cobra.NoArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(showLimitsCommand(s, a), setLimitsCommand(s, a))
	return c
}

func showLimitsCommand(s Streams, a *serverAddress) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "show",
		Short: "What applies, beside the defaults",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			api, err := a.client()
			if err != nil {
				return err
			}
			now, err := api.Limits(c.Context())
			if err != nil {
				return err
			}
			return printLimits(s.Out, now, asJSON)
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

func printLimits(out io.Writer, now client.Limits, asJSON bool) error {
	if asJSON {
		return printJSON(out, now)
	}
	w := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "LIMIT\tVALUE\tDEFAULT\tMEANING")
	for _, x := range limits() {
		preset := x.words(x.preset, "")
		if x.of(now) == x.preset {
			preset = "–"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", x.flag, x.words(x.of(now), now.SpendCurrency), preset, x.doc)
	}
	return w.Flush()
}

func setLimitsCommand(s Streams, a *serverAddress) *cobra.Command {
	var asJSON bool
	typed := map[string]*string{}
	c := &cobra.Command{
		Use:   "set --LIMIT VALUE …",
		Short: "Change what is named (administrators); VALUE is a number, off, or default",
		Long: "Changes the limits that are named and leaves the others. VALUE is a number, off, or default. A limit holds from the next attempt on, for\n" +
			"campaigns that run already too; undo-seconds is for new campaigns.",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			change := map[string]int64{}
			for _, x := range limits() {
				if !c.Flags().Changed(x.flag) {
					continue
				}
				v, err := x.read(*typed[x.flag])
				if err != nil {
					return err
				}
				change[x.field] = v
			}
			if len(change) == 0 {
				return &usage{fmt.Errorf("say which limit to change, such as --%s 1000; see %s --help", limits()[1].flag, c.CommandPath())}
			}
			api, err := a.client()
			if err != nil {
				return err
			}
			now, err := api.SetLimits(c.Context(), change)
			if err != nil {
				return err
			}
			return printLimits(s.Out, now, asJSON)
		},
	}
	for _, x := range limits() {
		typed[x.flag] = c.Flags().String(x.flag, "", x.doc+" (default "+x.words(x.preset, "")+")")
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}
