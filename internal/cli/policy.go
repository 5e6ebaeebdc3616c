package cli

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/overture-im/overture/internal/client"
)

func policyCommand(s Streams) *cobra.Command {
	var a serverAddress
	c := &cobra.Command{
		Use:   "policy",
		Short: "Quiet hours by state and country, and how often a person is written to",
		Long: "A policy is a choice of packs, which narrow the sending window of campaigns, and a frequency cap per person. Try it on a list with\n" +
			"simulate before you activate it. Campaigns keep the policy they were launched under.",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	a.add(c.PersistentFlags())
	c.AddCommand(packsCommand(s, &a), showPolicyCommand(s, &a), simulatePolicyCommand(s, &a), activateCommand(s, &a))
	return c
}

type policyFlags struct {
	packs             []string
	confidence, limit string
	overCap           string
	none, asJSON      bool
}

func (f *policyFlags) add(c *cobra.Command) {
	c.Flags().StringSliceVar(&f.packs, "pack", nil, "a pack, NAME or NAME/VERSION; may be given several times")
	c.Flags().StringVar(&f.confidence, "min-confidence", "", "leave out rules that are less certain: low, medium or high")
	c.Flags().StringVar(&f.limit, "cap", "", "at most so many messages per person in a rolling period, such as 3/24h or 10/7d")
	c.Flags().StringVar(&f.overCap, "over-cap", "", "what happens to a message over a cap: suppress or hold")
	c.Flags().BoolVar(&f.asJSON, "json", false, "print JSON")
}

func (f *policyFlags) policy() (client.Policy, error) {
	p := client.Policy{Packs: []client.PackRef{}, MinConfidence: f.confidence, OverCap: f.overCap}
	for _, x := range f.packs {
		name, version, _ := strings.Cut(x, "/")
		p.Packs = append(p.Packs, client.PackRef{Name: name, Version: version})
	}
	if f.limit != "" {
		limit, err := readCap(f.limit)
		if err != nil {
			return p, &usage{err}
		}
		p.Cap = limit
	}
	if len(p.Packs) == 0 && p.Cap == nil && !f.none {
		return p, &usage{errors.New("say which packs with --pack (overture policy packs lists them), or give a --cap")}
	}
	return p, nil
}

// ask gives the chosen policy and the server to ask about it.
func (f *policyFlags) ask(a *serverAddress) (client.Policy, *client.Client, error) {
	p, err := f.policy()
	if err != nil {
		return p, nil, err
	}
	api, err := a.client()
	return p, api, err
}

// readCap reads "3/24h" and "10/7d".
func readCap(s string) (*client.Cap, error) {
	wrong := fmt.Errorf("a cap is written 3/24h or 10/7d, not %q", s)
	n, period, ok := strings.Cut(s, "/")
	limit, err := strconv.Atoi(n)
	if !ok || err != nil || len(period) < 2 {
		return nil, wrong
	}
	hours, err := strconv.Atoi(period[:len(period)-1])
	switch {
	case err != nil:
		return nil, wrong
	case strings.HasSuffix(period, "d"):
		hours *= 24
	case !strings.HasSuffix(period, "h"):
		return nil, wrong
	}
	return &client.Cap{Max: limit, Hours: hours}, nil
}

func packsCommand(s Streams, a *serverAddress) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "packs [NAME]",
		Short: "List the packs of the server, or the rules of one",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			api, err := a.client()
			if err != nil {
				return err
			}
			packs, err := api.Packs(c.Context())
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(s.Out, packs)
			}
			w := tabwriter.NewWriter(s.Out, 0, 4, 2, ' ', 0)
			if len(args) == 0 {
				fmt.Fprintln(w, "PACK\tRULES\tAS OF\tTITLE")
				for _, p := range packs {
					fmt.Fprintf(w, "%s/%s\t%d\t%s\t%s\n", p.Name, p.Version, len(p.Rules), p.AsOf, p.Title)
				}
				return w.Flush()
			}
			fmt.Fprintln(w, "RULE\tAREA\tMON–FRI\tSAT\tSUN\tHOLIDAYS\tCAP\tCONFIDENCE\tSOURCE")
			found := false
			for _, p := range packs {
				if args[0] == p.Name || args[0] == p.Name+"/"+p.Version {
					found = true
					writeRules(w, p)
				}
			}
			if !found {
				return &usage{fmt.Errorf("there is no pack %q", args[0])}
			}
			return w.Flush()
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON, with cites, notes and gaps")
	return c
}

func writeRules(w io.Writer, p client.Pack) {
	for _, r := range p.Rules {
		hours := func(day string) string {
			h, _ := r.Hours[day].([]any)
			if len(h) != 2 {
				return "closed"
			}
			return fmt.Sprintf("%v–%v", h[0], h[1])
		}
		holidays, limit, source := "", "", r.Cite
		if r.HolidaysBanned {
			holidays = "closed"
		}
		if r.Cap != nil {
			limit = fmt.Sprintf("%d/%dh", r.Cap.Max, r.Cap.Hours)
		}
		if source == "" {
			source = r.Source
		}
		fmt.Fprintf(w, "%s/%s/%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", p.Name, p.Version, r.ID, r.Area, hours("mon"), hours("sat"), hours("sun"), holidays, limit, r.Confidence, source)
	}
}

func showPolicyCommand(s Streams, a *serverAddress) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "show",
		Short: "The account's policy",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			api, err := a.client()
			if err != nil {
				return err
			}
			p, err := api.Policy(c.Context())
			if err != nil {
				return err
			}
			return printPolicy(s.Out, p, asJSON)
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

func printPolicy(w io.Writer, p client.Policy, asJSON bool) error {
	if asJSON {
		return printJSON(w, p)
	}
	if len(p.Packs) == 0 && p.Cap == nil {
		fmt.Fprintln(w, "no packs and no cap")
		return nil
	}
	for _, x := range p.Packs {
		fmt.Fprintf(w, "pack %s/%s\n", x.Name, x.Version)
	}
	if p.MinConfidence != "" {
		fmt.Fprintf(w, "rules of confidence %s and up\n", p.MinConfidence)
	}
	if p.Cap != nil {
		fmt.Fprintf(w, "at most %d messages per person in %d hours\n", p.Cap.Max, p.Cap.Hours)
	}
	if p.OverCap != "" {
		fmt.Fprintf(w, "over a cap: %s\n", p.OverCap)
	}
	return nil
}

func simulatePolicyCommand(s Streams, a *serverAddress) *cobra.Command {
	var f policyFlags
	var at string
	c := &cobra.Command{
		Use:   "simulate CAMPAIGN --pack PACK …",
		Short: "What a policy would do to the list of a campaign; changes nothing",
		Args:  exactly(1, "the id of a campaign"),
		RunE: func(c *cobra.Command, args []string) error {
			p, api, err := f.ask(a)
			if err != nil {
				return err
			}
			sim, err := api.SimulatePolicy(c.Context(), args[0], p, at)
			if err != nil {
				return err
			}
			if f.asJSON {
				return printJSON(s.Out, sim)
			}
			return printSimulation(s.Out, sim)
		},
	}
	f.add(c)
	c.Flags().StringVar(&at, "at", "", "launch time to try, as 2026-12-01T09:00:00+01:00, or now (default: the campaign's own); rules that are open then change nothing")
	return c
}

func printSimulation(out io.Writer, sim client.Simulation) error {
	fmt.Fprintf(out, "%d recipients, starting %s: %d go later (the last %s), %d are blocked, %d capped\n",
		sim.Total.Recipients, local(&sim.Start), sim.Total.Shifted, local(sim.Total.Until), sim.Total.Blocked, sim.Total.Capped)
	w := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "RULE\tAREA\tRECIPIENTS\tLATER\tUNTIL\tBLOCKED\tCAPPED\tCONFIDENCE\tCITE")
	for _, r := range sim.Rules {
		fmt.Fprintf(w, "%s\t%s\t%d\t%d\t%s\t%d\t%d\t%s\t%s\n", r.Rule, r.Area, r.Effect.Recipients, r.Effect.Shifted, local(r.Effect.Until), r.Effect.Blocked, r.Effect.Capped, r.Confidence, r.Cite)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, g := range sim.Gaps {
		fmt.Fprintln(out, "not seen by "+g)
	}
	return nil
}

func activateCommand(s Streams, a *serverAddress) *cobra.Command {
	var f policyFlags
	c := &cobra.Command{
		Use:   "activate --pack PACK …",
		Short: "Replace the account's policy for campaigns launched from now on (administrators)",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			p, api, err := f.ask(a)
			if err != nil {
				return err
			}
			p, err = api.ActivatePolicy(c.Context(), p)
			if err != nil {
				return err
			}
			return printPolicy(s.Out, p, f.asJSON)
		},
	}
	f.add(c)
	c.Flags().BoolVar(&f.none, "none", false, "activate no pack and no cap")
	return c
}
