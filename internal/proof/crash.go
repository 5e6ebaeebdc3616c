package proof

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/overture-im/overture/internal/kit/crashpoint"
	"github.com/overture-im/overture/internal/lab"
	"github.com/overture-im/overture/internal/store"
)

// crashCase is one place at which the real binary is killed, and what must be true afterwards (docs/FAULTS.md, crash points). In every
// case nothing is lost and nothing goes out twice.
type crashCase struct {
	point   string
	says    string
	turns   []int // at which passing; the first is the bounded set's
	profile lab.Profile
	// provoke makes the point pass, besides the campaign; nil: the campaign does.
	provoke func(ctx context.Context, s *Scene) error
	// wire kills from the link between server and lab, at the n-th request.
	wire func(s *Scene, turn int) func(n int) Watch
	want outcome
}

// outcome is what must have become of the message under way.
type outcome int

const (
	anyOutcome outcome = iota
	sentOnce           // nothing was in doubt: it is sent later, once
	absentOnce         // it is in doubt, proven absent and sent once
	inDoubt            // the carrier has it: never a second acceptance
)

func crashCases() []crashCase {
	slow := lab.Profile{LatencyMS: 15}
	doubtful := lab.Profile{AcceptReset: 0.3, ReceiptLost: 1}
	few, many := []int{2, 1, 3}, []int{9, 1, 30}
	return []crashCase{
		{point: "CP1", says: "before the lease", turns: []int{1, 1, 1}, profile: slow, want: sentOnce},
		{point: "CP2", says: "before the marks' transaction", turns: few, profile: slow},
		{point: "CP2b", says: "marks written, not committed", turns: few, profile: slow},
		{point: "CP3", says: "marks committed, nothing sent", turns: many, profile: slow, want: absentOnce},
		{point: "CP4", says: "connected, nothing written", turns: few, profile: slow, wire: connected, want: absentOnce},
		{point: "CP5", says: "headers written", turns: many, profile: slow, wire: headersWritten, want: absentOnce},
		{point: "CP6", says: "body written, no answer", turns: many, profile: slow, wire: bodyWritten, want: inDoubt},
		{point: "CP7", says: "answer partly read", turns: many, profile: slow, wire: answerBegun, want: inDoubt},
		{point: "CP8", says: "answer read, result not committed", turns: many, profile: slow, want: inDoubt},
		{point: "CP9", says: "result committed, nobody knows", turns: few, profile: slow},
		{point: "CP10", says: "result committed, nothing woken", turns: few, profile: slow},
		{point: "CP11", says: "looked up, not decided", turns: few, profile: doubtful, want: inDoubt},
		{point: "CP12a", says: "receipt before its commit", turns: many, profile: slow},
		{point: "CP12b", says: "receipt committed, not answered", turns: many, profile: slow},
		{point: "CP12c", says: "receipt about to be answered", turns: many, profile: slow},
		{point: "CP12d", says: "answer of a person stored, not acknowledged", turns: []int{1, 2, 3}, profile: slow, provoke: peopleWrite},
		{point: "CP13a", says: "launch written, not committed", turns: []int{1, 1, 1}, profile: slow},
		{point: "CP13b", says: "launch committed, not answered", turns: []int{1, 1, 1}, profile: slow},
		{point: "CP13c", says: "part of the list planned", turns: []int{1, 2, 1}, profile: slow},
		{point: "CP14a", says: "part of the list stored", turns: []int{1, 2, 1}, profile: slow},
		{point: "CP14b", says: "list stored, not indexed", turns: []int{1, 1, 1}, profile: slow},
		{point: "CP16", says: "in the middle of a friendly stop", turns: []int{3, 1, 6, 9}, profile: slow, provoke: told},
	}
}

// CrashPoints kills the real binary at every point and verifies. Full runs each at three passings on both engines; the bounded set once
// on SQLite. The binary must be built with the tag crashpoints.
func CrashPoints(ctx context.Context, o FaultOptions, out io.Writer) (FaultResult, error) {
	if !crashpoint.Built {
		return FaultResult{}, errors.New("this binary has no crash points: build it with -tags crashpoints, as make crash-points does")
	}
	var faults []Fault
	engines := []string{onSQLite}
	if o.DatabaseURL != "" {
		engines = onBoth
	}
	for _, c := range crashCases() {
		turns := c.turns
		if !o.Full {
			turns = turns[:1]
		}
		for _, turn := range turns {
			faults = append(faults, c.fault(turn, engines))
		}
	}
	faults = append(faults, Fault{ID: "CP15", Name: "killed at each statement of a migration", Engines: engines, Alone: migrationKilled})
	if o.Parallel == 0 {
		o.Parallel = 4 // they mostly wait for grace periods
	}
	return runFaults(ctx, o, faults, out)
}

const crashRecipients = 700 // more than one part of a list

func (c crashCase) fault(turn int, engines []string) Fault {
	f := Fault{ID: c.point, Name: fmt.Sprintf("%s, passing %d", c.says, turn), Engines: engines, Profile: c.profile, Keep: true}
	f.Rig.Env = []string{fmt.Sprintf("OVERTURE_CRASH_AT=%s:%d", c.point, turn)}
	if c.wire != nil {
		f.Rig.Env, f.Rig.ViaLink = nil, true
	}
	f.Inject = func(ctx context.Context, s *Scene) error {
		if c.wire != nil {
			s.Wire.Plan(c.wire(s, turn))
		}
		launched := make(chan error, 1)
		go func() { launched <- s.launchThroughDeath(ctx) }()
		if c.provoke != nil {
			if err := c.provoke(ctx, s); err != nil {
				return err
			}
		}
		if err := s.Gone(0, 30*time.Second); err != nil {
			return fmt.Errorf("the point was not passed %d times: %w", turn, err)
		}
		if s.Wire != nil {
			s.Wire.Plan(nil)
		}
		if err := s.StartNode(ctx, 0); err != nil {
			return err
		}
		return <-launched
	}
	f.Expect = func(ctx context.Context, s *Scene) error { return c.outcome(ctx, s) }
	return f
}

// launchThroughDeath launches a campaign although the server dies meanwhile, as a program does that repeats its calls.
func (s *Scene) launchThroughDeath(ctx context.Context) error {
	s.Launched += crashRecipients
	var err error
	for range 40 {
		var c string
		if c, err = s.Draft(ctx, "Crash", 0); err != nil {
			continue
		}
		file := io.NewSectionReader(listOf(0, crashRecipients), 0, crashRecipients*listRow)
		if _, err = s.API.Upload(ctx, c, file, "people.csv", nil, nil); err != nil {
			if pause(ctx, 250*time.Millisecond) != nil {
				return err
			}
			continue // another draft: what became of the first one does not matter before its launch
		}
		if _, err = s.API.Launch(ctx, c, true, nil, "launch-"+c); err == nil {
			return nil
		}
		// Launched or not? Asking decides, not guessing.
		seen, asked := s.API.Campaign(ctx, c)
		if asked == nil && seen.LaunchedAt != nil {
			return nil
		}
	}
	return fmt.Errorf("launch through a crash: %w", err)
}

// outcome checks what became of the messages that were under way.
func (c crashCase) outcome(ctx context.Context, s *Scene) error {
	if s.Report.Accepted != s.Launched {
		return fmt.Errorf("%d of %d accepted", s.Report.Accepted, s.Launched)
	}
	book, err := s.Store(ctx)
	if err != nil {
		return err
	}
	defer book.Close()
	got, err := book.AttemptOutcomes(ctx)
	if err != nil {
		return err
	}
	s.Note("%v", got)
	switch c.want {
	case sentOnce:
		if got["absent"] > 0 { // "found" is also what a receipt says that was quicker than the answer
			return errors.New("something was proven absent, and nothing can have been sent")
		}
	case absentOnce:
		if got["absent"] == 0 {
			return errors.New("nothing was proven absent: the kill came at another place")
		}
	case inDoubt, anyOutcome: // verify has compared with the ledger
	}
	return nil
}

func peopleWrite(ctx context.Context, s *Scene) error {
	for i := range 3 {
		if _, err := s.Lab.Write(ctx, fmt.Sprintf("+1201555%04d", 190+i), rigNumber, "Hello?"); err != nil {
			return err
		}
	}
	return nil
}

// told stops the server the friendly way while it is sending.
func told(ctx context.Context, s *Scene) error {
	if err := s.Accepted(ctx, 20, 20*time.Second); err != nil {
		return err
	}
	return s.Tell(0, syscall.SIGTERM)
}

// kill ends the server from the wire.
func (s *Scene) kill() { _ = s.Tell(0, syscall.SIGKILL) }

// connected kills when the n-th connection is there, before a byte of it passes.
func connected(s *Scene, turn int) func(n int) Watch {
	return func(n int) Watch {
		if n == turn {
			s.kill()
			return func(bool, []byte) (int, Fate) { return 0, Stall }
		}
		return nil
	}
}

// atRequest finds the n-th request of all connections.
func atRequest(turn int, act func(seen *bool) Watch) func(n int) Watch {
	var requests atomic.Int64
	return func(int) Watch {
		mine := false
		inner := act(&mine)
		return func(up bool, chunk []byte) (int, Fate) {
			if up && bytes.HasPrefix(chunk, []byte("POST ")) && requests.Add(1) == int64(turn) {
				mine = true
			}
			return inner(up, chunk)
		}
	}
}

func headersWritten(s *Scene, turn int) func(n int) Watch {
	return atRequest(turn, func(mine *bool) Watch {
		return func(up bool, chunk []byte) (int, Fate) {
			if *mine && up {
				end := bytes.Index(chunk, []byte("\r\n\r\n"))
				s.kill()
				return end + 4, Stall
			}
			return len(chunk), Pass
		}
	})
}

func bodyWritten(s *Scene, turn int) func(n int) Watch {
	return atRequest(turn, func(mine *bool) Watch {
		return func(up bool, chunk []byte) (int, Fate) {
			if *mine && !up { // the lab has it; the answer goes nowhere
				s.kill()
				return 0, Stall
			}
			return len(chunk), Pass
		}
	})
}

func answerBegun(s *Scene, turn int) func(n int) Watch {
	return atRequest(turn, func(mine *bool) Watch {
		begun := false
		return func(up bool, chunk []byte) (int, Fate) {
			switch {
			case !*mine || up:
				return len(chunk), Pass
			case begun:
				return 0, Stall
			}
			begun = true
			time.AfterFunc(5*time.Millisecond, s.kill) // the first bytes are read by then
			return min(40, len(chunk)), Stall
		}
	})
}

// migrationKilled kills a migration before its first, second, third … statement, until one runs through. After each kill the next start
// completes it. In the bounded set it takes steps.
func migrationKilled(ctx context.Context, s *Scene) error {
	step := s.Times(9, 1)
	killed := 0
	for n := 1; ; n += step {
		dir := filepath.Join(s.Dir, fmt.Sprintf("at%d", n))
		args := []string{"migrate", "--data-dir", dir}
		o := store.Options{DataDir: dir}
		if s.Engine == onPostgres {
			url, drop, err := store.ScratchSchema(ctx, s.Options.DatabaseURL)
			if err != nil {
				return err
			}
			s.Undo(drop)
			o.DatabaseURL, args = url, append(args, "--database-url", url)
		}
		migrate := func(env ...string) error {
			cmd := exec.CommandContext(ctx, s.Options.Binary, args...)
			cmd.Env = append(os.Environ(), env...)
			out, err := cmd.CombinedOutput()
			if err != nil {
				return fmt.Errorf("migrate: %w: %s", err, out)
			}
			return nil
		}
		err := migrate(fmt.Sprintf("OVERTURE_CRASH_AT=CP15:%d", n))
		if err == nil {
			break
		}
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.Exited() {
			return fmt.Errorf("at statement %d: %w", n, err)
		}
		killed++
		if err := migrate(); err != nil {
			return fmt.Errorf("after a kill at statement %d: %w", n, err)
		}
		book, err := store.Open(ctx, o)
		if err != nil {
			return fmt.Errorf("after a kill at statement %d: %w", n, err)
		}
		report, err := Verify(ctx, book, nil)
		if err := errors.Join(err, book.Close()); err != nil || !report.Clean() {
			return fmt.Errorf("after a kill at statement %d: %w, %v", n, err, report.Findings)
		}
	}
	s.Note("%d kills", killed)
	if killed == 0 {
		return errors.New("no kill: this proves nothing")
	}
	return nil
}
