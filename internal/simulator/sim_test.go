package simulator

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

// TestSeeds runs a few hundred seeds of every mode: no promise may break.
func TestSeeds(t *testing.T) {
	for mode, seeds := range map[string]int{"": 300, Late: 60, Failover: 100} {
		t.Run(cmpOr(mode, "perfect and full"), func(t *testing.T) {
			tally := Batch{Seeds: seeds, Mode: mode, From: 1_000_000}.Play(t.Context(), func(seed uint64, sc Scenario, out Outcome) {
				t.Errorf("seed %d (%s): %+v", seed, sc.Mode, out.Broken[0])
			})
			if tally.Seeds != seeds || tally.Messages < 20*seeds || tally.Accepted < tally.Messages/3 {
				t.Errorf("%+v", tally)
			}
			if mode == Late && tally.Repeated == 0 {
				t.Error("a provider that accepts after the grace period repeated nothing: the mode does not do what it says")
			}
		})
	}
}

// TestOldBugs plays the seeds that broke something once.
func TestOldBugs(t *testing.T) {
	f, err := os.Open("testdata/seeds.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	n := 0
	for s := bufio.NewScanner(f); s.Scan(); {
		line, _, _ := strings.Cut(s.Text(), "#")
		if strings.TrimSpace(line) == "" {
			continue
		}
		var mode string
		var seed uint64
		if _, err := fmt.Sscan(line, &mode, &seed); err != nil {
			t.Fatalf("%q: %v", s.Text(), err)
		}
		n++
		if out := Run(Generate(seed, mode), nil); len(out.Broken) > 0 {
			t.Errorf("%s: %+v", s.Text(), out.Broken[0])
		}
	}
	if n == 0 {
		t.Error("no seeds")
	}
}

// TestTheSameSeedGivesTheSameRun: without that a failure cannot be replayed. Batches run in parallel, so runs must not touch each other.
func TestTheSameSeedGivesTheSameRun(t *testing.T) {
	for seed := range uint64(40) {
		a, b, other := Run(Generate(seed, ""), nil), Run(Generate(seed, ""), nil), Run(Generate(seed+2, ""), nil)
		if a.Hash != b.Hash || a.Steps != b.Steps {
			t.Errorf("seed %d: %x after %d steps, then %x after %d", seed, a.Hash, a.Steps, b.Hash, b.Steps)
		}
		if a.Hash == other.Hash {
			t.Errorf("seeds %d and %d have the same hash", seed, seed+2)
		}
	}
}

// TestAScenarioReplaysFromItsText: what a failure writes is the whole run.
func TestAScenarioReplaysFromItsText(t *testing.T) {
	sc := Generate(7, Full)
	text, err := json.Marshal(sc)
	if err != nil {
		t.Fatal(err)
	}
	again, err := ReadScenario(strings.NewReader(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	if a, b := Run(sc, nil), Run(again, nil); a.Hash != b.Hash {
		t.Errorf("%x, from its text %x", a.Hash, b.Hash)
	}
	for _, bad := range []string{`{}`, `{"nodes":1,"what":2}`, `{"nodes":1,"skew":[0],"rates":[1],"connections":1,"campaigns":[{"sender":3,"messages":1,"segments":1}]}`} {
		if _, err := ReadScenario(strings.NewReader(bad)); err == nil {
			t.Errorf("%s was read", bad)
		}
	}
}

// TestCrashAtEveryStep kills the one node of a small run after each of its steps in turn (adr/0010): nothing is lost, nothing sent twice.
func TestCrashAtEveryStep(t *testing.T) {
	small := Scenario{
		Mode: Perfect, Begins: beginnings[0].UnixMilli(), Nodes: 1, Skew: []int64{0}, Rates: []int{50}, Slots: 4, QuietAt: 20_000,
		Campaigns: []CampaignPlan{{Messages: 6, Segments: 1}},
	}
	whole := Run(small, nil)
	if len(whole.Broken) > 0 || whole.Accepted != 6 {
		t.Fatalf("%+v", whole)
	}
	for n := 1; n < whole.Steps; n++ {
		sc := small
		sc.Events = []Event{{Kind: evCrashAt, N: n, For: 1500}}
		if out := Run(sc, nil); len(out.Broken) > 0 || out.Accepted != 6 {
			t.Fatalf("killed after step %d: %d accepted, %+v", n, out.Accepted, out.Broken)
		}
	}
}

// TestShrink finds the one event that matters: here the oracle is told that a refused number is a violation.
func TestShrink(t *testing.T) {
	sc := Generate(11, Full)
	sc.Events = append(sc.Events, Event{Kind: "nonsense that panics", At: -1})
	sc.Nodes = 3
	forbidden = func(e Event) bool { return e.Kind == "nonsense that panics" }
	defer func() { forbidden = nil }()
	small := Shrink(sc, "panic", 20*time.Second)
	if len(small.Events) != 1 || small.Nodes != 1 || len(small.Campaigns) != 1 || small.Campaigns[0].Messages != 1 {
		t.Errorf("%d events, %d nodes, %+v", len(small.Events), small.Nodes, small.Campaigns)
	}
}
