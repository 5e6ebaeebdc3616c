package simulator

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/outbound/schedule"
)

// calendar is shared by all runs of the process: it is pure, and its pages are worth keeping.
var calendar = schedule.NewCalendar()

// Outcome is what a run came to.
type Outcome struct {
	Broken     []Violation
	Hash       uint64 // the same for the same scenario
	Messages   int
	Accepted   int // by the provider, messages
	Held       int
	Lost       int // in the books as sent, but never taken; or never ended
	Duplicated int // taken twice although the promise forbids it
	Repeated   int // taken twice, and allowed: must_reach, a person's decision, an acceptance beyond the grace
	Steps      int
	Time       time.Duration // virtual
}

// Run plays one scenario. say hears what happens; nil: nobody does.
func Run(sc Scenario, say func(format string, args ...any)) (out Outcome) {
	w := newWorld(sc, calendar)
	if say != nil {
		w.say = say
	}
	defer func() { // a panic of the engine is a finding like any other
		if r := recover(); r != nil {
			out = w.outcome()
			out.Broken = append(out.Broken, Violation{Rule: "panic", Says: fmt.Sprint(r), At: w.now.Milliseconds()})
		}
	}()
	w.run()
	return w.outcome()
}

func (w *world) outcome() Outcome {
	out := Outcome{Broken: w.oracle.broken, Hash: w.hash, Messages: len(w.db.book.messages), Steps: w.steps, Time: w.now}
	for i := range w.db.book.messages {
		m := &w.db.book.messages[i]
		if m.sender == 0 {
			continue
		}
		n := w.oracle.accepts[m.who()]
		if n > 0 {
			out.Accepted++
		}
		switch {
		case m.state == overture.Held:
			out.Held++
		case n == 0 && m.state.WasAccepted() && !w.oracle.byPerson[m.who()], !m.state.Final():
			out.Lost++
		}
		switch {
		case n < 2:
		case w.oracle.mayRepeat(m):
			out.Repeated++
		default:
			out.Duplicated++
		}
	}
	return out
}

// Batch is many runs, one per seed.
type Batch struct {
	Seeds   int
	From    uint64
	Workers int    // 0: one per processor
	Mode    string // empty: perfect and full by turns
	// Stop ends the batch after the first seed that fails; otherwise all are run.
	Stop bool
}

// Tally is the last line of a batch.
type Tally struct {
	Seeds      int      `json:"seeds"`
	Messages   int      `json:"messages"`
	Lost       int      `json:"lost"`
	Duplicated int      `json:"duplicated"`
	Held       int      `json:"held"`
	Accepted   int      `json:"accepted"`
	Repeated   int      `json:"repeated_as_allowed"`
	Violations int      `json:"violations"`
	Failing    []uint64 `json:"failing_seeds,omitempty"`
	Mode       string   `json:"mode"`
	From       uint64   `json:"from"`
	Steps      int64    `json:"steps"`
	Hours      int64    `json:"simulated_hours"`
	Seconds    float64  `json:"seconds"`
}

// failingListed bounds the list of failing seeds in the last line.
const failingListed = 20

// Play runs the batch. failed is called for every seed that breaks a promise, by one goroutine at a time.
func (b Batch) Play(ctx context.Context, failed func(seed uint64, sc Scenario, out Outcome)) Tally {
	began := time.Now()
	defer debug.SetGCPercent(debug.SetGCPercent(800)) // runs are small and short-lived
	workers := b.Workers
	if workers == 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	t := Tally{Mode: cmpOr(b.Mode, "perfect and full"), From: b.From}
	var mu sync.Mutex
	var next atomic.Int64
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			own := Tally{}
			for ctx.Err() == nil {
				i := next.Add(1) - 1
				if i >= int64(b.Seeds) {
					break
				}
				seed := b.From + uint64(i)
				sc := Generate(seed, b.Mode)
				out := Run(sc, nil)
				own.add(out)
				if len(out.Broken) == 0 {
					continue
				}
				mu.Lock()
				own.Violations++
				if len(t.Failing) < failingListed {
					t.Failing = append(t.Failing, seed)
				}
				failed(seed, sc, out)
				mu.Unlock()
				if b.Stop {
					next.Store(int64(b.Seeds))
				}
			}
			mu.Lock()
			defer mu.Unlock()
			t.sum(own)
		})
	}
	wg.Wait()
	t.Seconds = float64(time.Since(began).Milliseconds()) / 1000
	return t
}

func (t *Tally) add(o Outcome) {
	t.Seeds++
	t.Messages += o.Messages
	t.Lost += o.Lost
	t.Duplicated += o.Duplicated
	t.Held += o.Held
	t.Accepted += o.Accepted
	t.Repeated += o.Repeated
	t.Steps += int64(o.Steps)
	t.Hours += int64(o.Time / time.Hour)
}

func (t *Tally) sum(o Tally) {
	t.Seeds += o.Seeds
	t.Messages += o.Messages
	t.Lost += o.Lost
	t.Duplicated += o.Duplicated
	t.Held += o.Held
	t.Accepted += o.Accepted
	t.Repeated += o.Repeated
	t.Violations += o.Violations
	t.Steps += o.Steps
	t.Hours += o.Hours
}

// ReadScenario reads a scenario as a shrunk failure is written.
func ReadScenario(r io.Reader) (Scenario, error) {
	var sc Scenario
	d := json.NewDecoder(r)
	d.DisallowUnknownFields()
	if err := d.Decode(&sc); err != nil {
		return sc, fmt.Errorf("read events: %w", err)
	}
	return sc, sc.check()
}

// check refuses what would not be a run.
func (sc Scenario) check() error {
	if sc.Nodes < 1 || len(sc.Skew) == 0 || len(sc.Rates) == 0 || sc.Slots < 1 || len(sc.Campaigns) == 0 {
		return errors.New("a scenario needs nodes, their skew, rates, connections and campaigns")
	}
	for _, c := range sc.Campaigns {
		if c.Sender < 0 || c.Sender >= len(sc.Rates) || c.Messages < 1 || c.Messages > 900 || c.Segments < 1 {
			return errors.New("a campaign needs a sender that has a rate, 1 to 900 messages and segments")
		}
	}
	for _, e := range sc.Events {
		if e.Campaign < 0 || e.Campaign >= len(sc.Campaigns) {
			return fmt.Errorf("an event %q of campaign %d, of %d", e.Kind, e.Campaign, len(sc.Campaigns))
		}
	}
	return nil
}
