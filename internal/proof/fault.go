package proof

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/overture-im/overture/internal/lab"
)

// Fault is one row of the fault matrix (docs/FAULTS.md): what goes wrong, and what must be true then. Without more it means that a
// campaign is under way while the fault happens, that it ends by itself after the fault, and that verify finds nothing.
type Fault struct {
	ID       string // as in docs/FAULTS.md
	Name     string
	Engines  []string // where it says something; nil: SQLite
	Full     bool     // not in the bounded set
	Quiet    bool     // it measures time: runs alone, after the others
	Rig      RigOptions
	Profile  lab.Profile // how the carrier behaves from the beginning until Inject has returned
	Keep     bool        // the carrier stays so to the end
	Messages int         // of the campaign that is under way; 0: Inject launches what it needs
	Prepare  func(ctx context.Context, s *Scene) error
	Inject   func(ctx context.Context, s *Scene) error
	Expect   func(ctx context.Context, s *Scene) error // after verify
	// Alone is the whole fault, for those that need no running server; the fields from Rig on are not used then.
	Alone func(ctx context.Context, s *Scene) error
}

// Engines of a fault.
const (
	onSQLite   = "sqlite"
	onPostgres = "postgres"
)

//nolint:gochecknoglobals // a constant list
var onBoth = []string{onSQLite, onPostgres}

// Scene is one fault at work.
type Scene struct {
	*Rig
	Dir      string
	Engine   string
	Options  RigOptions // Prepare may change them
	Random   *rand.Rand
	Campaign string // the one under way
	Launched int    // recipients of everything launched
	Report   Report // after verify
	notes    []string
	longest  map[string]time.Duration
	pg       *cluster // of its own
	standby  *cluster
	dblink   *Link // between servers and PostgreSQL
	undo     []func()
	full     bool
}

// Note adds words to the fault's line.
func (s *Scene) Note(format string, args ...any) {
	s.notes = append(s.notes, fmt.Sprintf(format, args...))
}

// NoteLongest adds a duration to the fault's line; of several under the same words the longest.
func (s *Scene) NoteLongest(words string, d time.Duration) {
	s.longest[words] = max(s.longest[words], d)
}

// Undo registers what must happen at the end, last first.
func (s *Scene) Undo(f func()) { s.undo = append(s.undo, f) }

// Times gives how often to repeat something in the bounded and in the full set.
func (s *Scene) Times(bounded, full int) int {
	if s.full {
		return full
	}
	return bounded
}

// Go launches a campaign to n more recipients.
func (s *Scene) Go(ctx context.Context, n int) (string, error) {
	c, err := s.Launch(ctx, fmt.Sprintf("Fault %d", s.Launched), s.Launched, n)
	if err == nil {
		s.Launched += n
	}
	return c, err
}

// skip says why a fault cannot be injected on this machine.
type skip struct{ why string }

func (s *skip) Error() string { return "skipped: " + s.why }

// FaultOptions bound a run of the matrix.
type FaultOptions struct {
	Binary      string
	DatabaseURL string // empty: rows for PostgreSQL are skipped
	Only        string // comma-separated ids, or the beginning of ids
	Full        bool
	Parallel    int // servers at once; 0: 4
	Seed        uint64
	Keep        bool
}

// FaultResult is the last line of a run.
type FaultResult struct {
	Faults     int      `json:"faults"`
	Passed     int      `json:"passed"`
	Skipped    int      `json:"skipped"`
	Failed     []string `json:"failed"`
	Messages   int      `json:"messages"`
	Lost       int      `json:"lost"`
	Duplicated int      `json:"duplicated"`
	Held       int      `json:"held"`
	Seconds    int      `json:"seconds"`
	Seed       uint64   `json:"seed"`
}

// faultFlags are the send protocol in small, quicker than torture's.
//
//nolint:gochecknoglobals // a constant list
var faultFlags = []string{
	"--connections", "8", "--client-timeout", "700ms", "--send-deadline", "300ms", "--provider-delay", "500ms", "--grace", "1500ms",
	"--lookup-spacing", "300ms", "--lease-ttl", "1s",
}

// matrix is every fault there is, family by family.
func matrix() []Fault {
	return slices.Concat(processFaults(), nodeFaults(), diskFaults(), providerFaults(), webhookFaults(), listFaults(), postgresFaults())
}

// Faults runs the matrix, prints one line per fault and a line of JSON, and returns an error when one failed.
func Faults(ctx context.Context, o FaultOptions, out io.Writer) (FaultResult, error) {
	return runFaults(ctx, o, matrix(), out)
}

func runFaults(ctx context.Context, o FaultOptions, faults []Fault, out io.Writer) (FaultResult, error) {
	began := time.Now()
	if o.Parallel == 0 {
		o.Parallel = 4
	}
	result := FaultResult{Failed: []string{}, Seed: o.Seed}
	var mu sync.Mutex
	play := func(f Fault, engine string) {
		at := time.Now()
		s, err := o.run(ctx, f, engine)
		mu.Lock()
		defer mu.Unlock()
		result.take(s, f, engine, err)
		words := "ok"
		if err != nil {
			words = "FAILED: " + err.Error()
			if why := (*skip)(nil); errors.As(err, &why) {
				words = why.Error()
			}
		}
		fmt.Fprintf(out, "%-6s %-8s %5.1f s  %s: %s%s\n", f.ID, engine, time.Since(at).Seconds(), f.Name, words, notesOf(s))
	}
	for _, quiet := range []bool{false, true} {
		atOnce := o.Parallel
		if quiet {
			atOnce = 1
		}
		var wg sync.WaitGroup
		servers := semaphore.NewWeighted(int64(atOnce))
		for f, engine := range rows(o, faults, quiet) {
			n := int64(min(max(f.Rig.Nodes, 1), atOnce))
			if servers.Acquire(ctx, n) != nil {
				break
			}
			wg.Go(func() {
				defer servers.Release(n)
				play(f, engine)
			})
		}
		wg.Wait()
	}
	result.Seconds = int(time.Since(began).Seconds())
	line, err := json.Marshal(result)
	if err != nil {
		return result, fmt.Errorf("result: %w", err)
	}
	fmt.Fprintln(out, string(line))
	if len(result.Failed) > 0 {
		return result, fmt.Errorf("faults: %s did not go as it must; see above", strings.Join(result.Failed, ", "))
	}
	return result, ctx.Err()
}

// rows are the chosen faults on each of their engines.
func rows(o FaultOptions, faults []Fault, quiet bool) iter.Seq2[Fault, string] {
	return func(yield func(Fault, string) bool) {
		for _, f := range faults {
			if f.Quiet != quiet || !chosen(o, f) {
				continue
			}
			for _, engine := range cmpEngines(f.Engines) {
				if !yield(f, engine) {
					return
				}
			}
		}
	}
}

func chosen(o FaultOptions, f Fault) bool {
	if o.Only == "" {
		return o.Full || !f.Full
	}
	return slices.ContainsFunc(strings.Split(o.Only, ","), func(id string) bool { return strings.HasPrefix(f.ID, strings.TrimSpace(id)) })
}

func cmpEngines(engines []string) []string {
	if engines == nil {
		return []string{onSQLite}
	}
	return engines
}

func notesOf(s *Scene) string {
	notes := slices.Clone(s.notes)
	for _, words := range slices.Sorted(maps.Keys(s.longest)) {
		notes = append(notes, fmt.Sprintf("%s %v", words, s.longest[words].Round(10*time.Millisecond)))
	}
	if len(notes) == 0 {
		return ""
	}
	return " (" + strings.Join(notes, "; ") + ")"
}

func (r *FaultResult) take(s *Scene, f Fault, engine string, err error) {
	r.Faults++
	why := (*skip)(nil)
	switch {
	case err == nil:
		r.Passed++
	case errors.As(err, &why):
		r.Skipped++
	default:
		r.Failed = append(r.Failed, f.ID+" "+engine)
	}
	if s != nil {
		r.Messages += s.Report.Messages
		r.Lost += s.Report.Lost
		r.Duplicated += s.Report.Duplicated
		r.Held += s.Report.Held
	}
}

// run plays one fault on one engine from the beginning to verify.
func (o FaultOptions) run(ctx context.Context, f Fault, engine string) (*Scene, error) {
	limit := 6 * time.Minute
	if o.Full {
		limit = 15 * time.Minute
	}
	ctx, cancel := context.WithTimeout(ctx, limit) // a fault that hangs is a failure, not a hung run
	defer cancel()
	s := &Scene{Engine: engine, longest: map[string]time.Duration{}, Options: f.Rig, full: o.Full, Random: rand.New(rand.NewPCG(o.Seed, 2))}
	if engine == onPostgres {
		if s.Options.DatabaseURL = o.DatabaseURL; o.DatabaseURL == "" {
			return s, &skip{"no PostgreSQL was named"}
		}
	}
	dir, err := os.MkdirTemp("", "overture-fault-")
	if err != nil {
		return s, fmt.Errorf("fault folder: %w", err)
	}
	s.Dir = dir
	defer func() {
		for _, f := range slices.Backward(s.undo) {
			f()
		}
		if !o.Keep {
			_ = os.RemoveAll(dir)
		}
	}()
	s.Options.Binary, s.Options.Dir = o.Binary, dir
	if s.Options.ServeFlags == nil {
		s.Options.ServeFlags = faultFlags
	}
	if f.Alone != nil {
		return s, f.Alone(ctx, s)
	}
	if f.Prepare != nil {
		if err := f.Prepare(ctx, s); err != nil {
			return s, err
		}
	}
	if s.Rig, err = NewRig(ctx, s.Options); err != nil {
		return s, err
	}
	defer s.Close()
	err = s.play(ctx, f)
	if err != nil && o.Keep {
		err = fmt.Errorf("%w (folder %s)", err, dir)
	}
	return s, err
}

func (s *Scene) play(ctx context.Context, f Fault) error {
	if err := s.Lab.SetProfile(ctx, "", f.Profile); err != nil {
		return err
	}
	if f.Messages > 0 {
		var err error
		if s.Campaign, err = s.Go(ctx, f.Messages); err != nil {
			return err
		}
	}
	if f.Inject != nil {
		if err := f.Inject(ctx, s); err != nil {
			return err
		}
	}
	if !f.Keep {
		if err := s.Lab.SetProfile(ctx, "", lab.Profile{}); err != nil {
			return err
		}
	}
	if err := s.Start(ctx); err != nil {
		return fmt.Errorf("after the fault: %w", err)
	}
	if err := s.Settled(ctx, 90*time.Second); err != nil {
		return err
	}
	return s.judge(ctx, f)
}

// Settled waits until no campaign is under way.
func (s *Scene) Settled(ctx context.Context, within time.Duration) error {
	deadline := time.Now().Add(within)
	for {
		open := ""
		campaigns, err := s.API.Campaigns(ctx, 1000)
		if err == nil {
			for _, c := range campaigns {
				if c.State == "running" || c.State == "scheduled" {
					open = c.ID
				}
			}
			if open == "" {
				return nil
			}
		}
		if time.Now().After(deadline) {
			p, _ := s.API.Progress(ctx, open) // for the words only
			return fmt.Errorf("campaign %s did not end within %v after the fault: %v (%s); list: %w", open, within, p.Counts, p.Reason, err)
		}
		if err := pause(ctx, 100*time.Millisecond); err != nil {
			return err
		}
	}
}

// judge stops the servers the friendly way and compares the books with the lab's ledger.
func (s *Scene) judge(ctx context.Context, f Fault) error {
	if _, err := s.Lab.Drain(ctx, 20*time.Second); err != nil {
		return err
	}
	if err := s.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	var err error
	if s.Report, err = s.Verify(ctx); err != nil {
		return fmt.Errorf("verify: %w", err)
	}
	var words strings.Builder
	if r := s.Report; !r.Clean() || r.Unsettled != 0 || r.Messages != s.Launched {
		r.Write(&words)
		return fmt.Errorf("launched %d; verify: %s", s.Launched, strings.ReplaceAll(words.String(), "\n", "; "))
	}
	if f.Expect != nil {
		return f.Expect(ctx, s)
	}
	return nil
}

// Until asks again and again until f says yes; otherwise the error says what was waited for.
func Until(ctx context.Context, what string, within time.Duration, f func() (bool, error)) error {
	deadline := time.Now().Add(within)
	for {
		ok, err := f()
		if ok && err == nil {
			return nil
		}
		if time.Now().After(deadline) {
			return errors.Join(fmt.Errorf("not within %v: %s", within, what), err)
		}
		if err := pause(ctx, 10*time.Millisecond); err != nil {
			return err
		}
	}
}

// Accepted waits until the lab has accepted at least n messages.
func (s *Scene) Accepted(ctx context.Context, n int, within time.Duration) error {
	return Until(ctx, fmt.Sprintf("the lab accepts %d messages", n), within, func() (bool, error) {
		sum, err := s.Lab.Summary(ctx)
		return err == nil && sum.Accepted >= int64(n), err
	})
}
