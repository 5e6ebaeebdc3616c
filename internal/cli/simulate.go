package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/overture-im/overture/internal/kit/mutant"
	"github.com/overture-im/overture/internal/simulator"
)

// simulation are the flags of simulate.
type simulation struct {
	seeds   int
	from    uint64
	workers int
	mode    string
	seed    uint64
	one     bool
	events  string
	quiet   bool
	shrink  time.Duration
	folder  string
	mutants bool
	mutant  string
}

func simulateCommand() *cobra.Command {
	s := simulation{}
	c := &cobra.Command{
		Use:   "simulate",
		Short: "Play the send protocol through faults of everything around it, and check every promise",
		Long: "Drives the engine's own decisions with models of database, provider, network, clocks, processes and people, on a virtual clock. Every run is a\n" +
			"function of its seed. A seed that breaks a promise is printed with the command that replays it, and with a list of events that was shrunk.\n" +
			"Ends with one JSON line; the exit code is not 0 when anything broke.\n\n" +
			"Modes: perfect (only crashes, pauses and clocks), full (every fault), late (a provider that accepts later than the grace period covers:\n" +
			"repeats are counted), failover (a database that fails over to a synchronous standby). Without --mode perfect and full take turns.",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			s.one = c.Flags().Changed("seed")
			switch {
			case s.mutants:
				return s.hunt(c.Context(), c.OutOrStdout())
			case s.one || s.events != "":
				return s.replay(c.OutOrStdout())
			}
			return s.batch(c.Context(), c.OutOrStdout())
		},
	}
	f := c.Flags()
	f.IntVar(&s.seeds, "seeds", 1000, "how many runs")
	f.Uint64Var(&s.from, "from", 0, "the first seed")
	f.IntVar(&s.workers, "workers", 0, "runs at once (default: one per processor)")
	f.StringVar(&s.mode, "mode", "", "perfect, full, late or failover (default: perfect and full by turns)")
	f.Uint64Var(&s.seed, "seed", 0, "play this one seed and tell what happens")
	f.StringVar(&s.events, "events", "", "play the scenario in this file, as a failure writes it, and tell what happens")
	f.BoolVar(&s.quiet, "quiet", false, "with --seed or --events: only the result")
	f.DurationVar(&s.shrink, "shrink", 20*time.Second, "how long to look for a smaller failure; 0: not at all")
	f.StringVar(&s.folder, "out", os.TempDir(), "folder for the scenarios of failures")
	f.BoolVar(&s.mutants, "mutants", false, "leave out one rule after the other and show that each is missed (needs a binary built with -tags mutants)")
	f.StringVar(&s.mutant, "mutant", "", "leave this rule out (needs a binary built with -tags mutants)")
	return c
}

func (s *simulation) check() error {
	if s.mutant != "" {
		if !mutant.Built || !slices.Contains(mutant.All(), mutant.Name(s.mutant)) {
			return fmt.Errorf("this binary has no mutant %q; build one with -tags mutants, and choose one of %v", s.mutant, mutant.All())
		}
		mutant.Use(mutant.Name(s.mutant))
	}
	switch s.mode {
	case "", simulator.Perfect, simulator.Full, simulator.Late, simulator.Failover:
		return nil
	}
	return fmt.Errorf("there is no mode %q: perfect, full, late or failover", s.mode)
}

func (s *simulation) batch(ctx context.Context, out io.Writer) error {
	if err := s.check(); err != nil {
		return err
	}
	shrunk := 0
	tally := simulator.Batch{Seeds: s.seeds, From: s.from, Workers: s.workers, Mode: s.mode}.Play(ctx, func(seed uint64, sc simulator.Scenario, o simulator.Outcome) {
		fmt.Fprintf(out, "seed %d (%s): %s: %s\n  replay: overture simulate --seed %d --mode %s\n", seed, sc.Mode, o.Broken[0].Rule, o.Broken[0].Says, seed, sc.Mode)
		if shrunk++; shrunk <= 3 && s.shrink > 0 { // the first few say enough
			s.write(out, simulator.Shrink(sc, o.Broken[0].Rule, s.shrink))
		}
	})
	return s.end(out, tally, tally.Violations)
}

// write keeps a shrunk scenario and prints its events.
func (s *simulation) write(out io.Writer, sc simulator.Scenario) {
	path := fmt.Sprintf("%s/overture-simulate-%d.json", s.folder, sc.Seed)
	text, err := json.MarshalIndent(sc, "", " ")
	if err == nil {
		err = os.WriteFile(path, text, 0o600)
	}
	if err != nil {
		fmt.Fprintln(out, "  the shrunk scenario could not be written:", err)
	}
	fmt.Fprintf(out, "  shrunk: %d nodes, %d campaigns, %d events; replay: overture simulate --events %s\n", sc.Nodes, len(sc.Campaigns), len(sc.Events), path)
	for _, e := range sc.Events {
		line, _ := json.Marshal(e)
		fmt.Fprintf(out, "    %s\n", line)
	}
}

func (s *simulation) replay(out io.Writer) error {
	if err := s.check(); err != nil {
		return err
	}
	sc := simulator.Generate(s.seed, s.mode)
	if s.events != "" {
		f, err := os.Open(s.events)
		if err != nil {
			return fmt.Errorf("open the scenario: %w", err)
		}
		defer f.Close()
		if sc, err = simulator.ReadScenario(f); err != nil {
			return err
		}
	}
	say := func(format string, args ...any) { fmt.Fprintf(out, format+"\n", args...) }
	if s.quiet {
		say = nil
	}
	o := simulator.Run(sc, say)
	for _, b := range o.Broken {
		fmt.Fprintf(out, "%s at %d ms: %s\n", b.Rule, b.At, b.Says)
	}
	return s.end(out, struct {
		Seed       uint64                `json:"seed"`
		Mode       string                `json:"mode"`
		Messages   int                   `json:"messages"`
		Lost       int                   `json:"lost"`
		Duplicated int                   `json:"duplicated"`
		Held       int                   `json:"held"`
		Steps      int                   `json:"steps"`
		Hash       string                `json:"hash"`
		Broken     []simulator.Violation `json:"broken,omitempty"`
	}{sc.Seed, sc.Mode, o.Messages, o.Lost, o.Duplicated, o.Held, o.Steps, fmt.Sprintf("%016x", o.Hash), o.Broken}, len(o.Broken))
}

func (s *simulation) hunt(ctx context.Context, out io.Writer) error {
	if !mutant.Built {
		return errors.New("this binary has no mutants: build one with `go build -tags mutants ./cmd/overture`, or run `make mutants`")
	}
	caught, names := 0, mutant.All()
	for _, name := range names {
		x := simulator.Hunt(ctx, name, s.seeds, s.workers)
		if !x.Caught {
			fmt.Fprintf(out, "%-28s SURVIVES %d seeds\n", name, s.seeds)
			continue
		}
		caught++
		fmt.Fprintf(out, "%-28s seed %4d (%s)  %s: %s\n", name, x.Seed, x.Mode, x.Broken.Rule, x.Broken.Says)
	}
	return s.end(out, struct {
		Mutants int `json:"mutants"`
		Caught  int `json:"caught"`
	}{len(names), caught}, len(names)-caught)
}

// end writes the last line, and an error when something broke.
func (s *simulation) end(out io.Writer, result any, broken int) error {
	line, err := json.Marshal(result)
	if err != nil {
		return fmt.Errorf("write the result: %w", err)
	}
	fmt.Fprintln(out, string(line))
	if broken > 0 {
		return &findings{"the simulation broke a promise; see above"}
	}
	return nil
}
