package proof

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"math/rand/v2"
	"os"
	"slices"
	"syscall"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/lab"
	"github.com/overture-im/overture/internal/store"
)

// SoakOptions bound a soak.
type SoakOptions struct {
	Binary      string
	DatabaseURL string // empty: SQLite
	Messages    int
	KillEvery   time.Duration // 0: never
	Seed        uint64
	Keep        bool
}

// SoakResult is the last line of a soak.
type SoakResult struct {
	Engine     string  `json:"engine"`
	Messages   int     `json:"messages"`
	Accepted   int     `json:"accepted"`
	Lost       int     `json:"lost"`
	Duplicated int     `json:"duplicated"`
	Held       int     `json:"held"`
	Unsettled  int     `json:"unsettled"`
	Findings   int     `json:"findings"`
	Kills      int     `json:"kills"`
	Receipts   int64   `json:"receipts"` // answered with 2xx
	Replies    int64   `json:"replies"`
	PerSecond  float64 `json:"messages_per_s"` // from the launch to the last outcome
	PeakMiB    float64 `json:"memory_peak_mib"`
	SlopeMiB   float64 `json:"memory_slope_mib_per_min"` // median over the lives between kills, without their first ten seconds
	Seconds    int     `json:"seconds"`
	Seed       uint64  `json:"seed"`
}

// soakFaults are torture's, but rare enough that a million messages go at speed.
//
//nolint:gochecknoglobals // constant
var soakFaults = lab.Profile{
	LatencyMS: 2, JitterMS: 6, ResetBefore: 0.0005, ServerErrorRefused: 0.0005, Throttle: 0.00001, AcceptTimeout: 0.0002, HangMS: 1500, AcceptReset: 0.001,
	ServerErrorAccepted: 0.0005, EmptyAnswer: 0.0005, BadJSON: 0.0005, LateAccept: 0.0002, LateAcceptMS: 900, HTMLAnswer: 0.0002, Redirect: 0.0002,
	ReceiptLost: 0.01, ReceiptDuplicated: 0.01, ReceiptLate: 0.01, ReceiptLateMS: 5000, ReceiptReordered: 0.01, QuietSending: true,
}

// Soak sends one large campaign through a misbehaving carrier, with receipts and answers, kills the server now and then, and verifies. The
// ledger is read while the campaign runs, so that the end does not wait for it.
func Soak(ctx context.Context, o SoakOptions, out io.Writer) (SoakResult, error) {
	began := time.Now()
	r := SoakResult{Engine: onSQLite, Seed: o.Seed}
	if o.DatabaseURL != "" {
		r.Engine = onPostgres
	}
	dir, err := os.MkdirTemp("", "overture-soak-")
	if err != nil {
		return r, fmt.Errorf("soak folder: %w", err)
	}
	if !o.Keep {
		defer os.RemoveAll(dir)
	}
	flags := append(slices.Clone(tortureFlags), "--connections", "64")
	rig, err := NewRig(ctx, RigOptions{Binary: o.Binary, Dir: dir, DatabaseURL: o.DatabaseURL, ServeFlags: flags, Texts: -1})
	if err != nil {
		return r, err
	}
	defer rig.Close()
	if err := errors.Join(rig.Lab.SetProfile(ctx, "", soakFaults), rig.Lab.SetScripts(ctx, []lab.Rule{
		{Name: "answers", Share: 0.005, Turns: [][]lab.Reply{{{Text: "Thank you, when?"}}}},
		{Name: "stops", Share: 0.001, Turns: [][]lab.Reply{{{Text: "STOP"}}}},
	})); err != nil {
		return r, err
	}
	s := &soak{o: o, rig: rig, out: out, result: &r, random: rand.New(rand.NewPCG(o.Seed, 3))}
	if err := s.run(ctx); err != nil {
		return r, fmt.Errorf("%w (server log: %s)", err, rig.LogTail(0))
	}
	if err := s.judge(ctx); err != nil {
		return r, err
	}
	r.Seconds = int(time.Since(began).Seconds())
	line, err := json.Marshal(r)
	if err != nil {
		return r, fmt.Errorf("result: %w", err)
	}
	fmt.Fprintln(out, string(line))
	if r.Findings != 0 || r.Lost != 0 || r.Duplicated != 0 || r.Unsettled != 0 || r.Messages != o.Messages {
		return r, errors.New("soak: a promise was broken; see above")
	}
	return r, nil
}

type soak struct {
	o      SoakOptions
	rig    *Rig
	out    io.Writer
	result *SoakResult
	random *rand.Rand
	ledger []LedgerEntry // read so far
	last   int64         // its last entry
	slopes []float64
	life   []sample // memory since the last start
}

type sample struct{ minutes, mib float64 }

// run launches the campaign and stays until it is over.
func (s *soak) run(ctx context.Context) error {
	c, err := s.rig.Launch(ctx, "Soak", 0, s.o.Messages)
	if err != nil {
		return err
	}
	launched := time.Now()
	fmt.Fprintf(s.out, "%d recipients launched\n", s.o.Messages)
	kill := s.nextKill(launched)
	read, told, started := launched, launched, launched
	for {
		if err := pause(ctx, time.Second); err != nil {
			return err
		}
		now := time.Now()
		s.life = append(s.life, sample{now.Sub(started).Minutes(), rss(s.rig.PID())})
		s.result.PeakMiB = max(s.result.PeakMiB, s.life[len(s.life)-1].mib)
		if now.Sub(read) > 10*time.Second {
			if err := s.readLedger(ctx); err != nil {
				return err
			}
			read = now
		}
		if s.o.KillEvery > 0 && now.After(kill) {
			s.endLife()
			if err := errors.Join(s.rig.Signal(syscall.SIGKILL), s.rig.Start(ctx)); err != nil {
				return err
			}
			s.result.Kills++
			started, kill = time.Now(), s.nextKill(time.Now())
		}
		if now.Sub(told) < 5*time.Second {
			continue
		}
		p, err := s.rig.API.Progress(ctx, c)
		if err != nil {
			return fmt.Errorf("progress: %w", err)
		}
		if now.Sub(told) > 15*time.Second || p.Settled() {
			fmt.Fprintf(s.out, "%4.0f s: %d accepted, %d waiting, %.0f MiB, %d kills\n", now.Sub(launched).Seconds(), p.Accepted, p.Waiting, rss(s.rig.PID()), s.result.Kills)
			told = now
		}
		if p.State == "paused" { // guard rails stay on: what a misbehaving carrier does here reaches none of them
			return fmt.Errorf("the campaign was paused by itself: %s", p.Reason)
		}
		if p.Settled() {
			s.endLife()
			s.result.PerSecond = round(float64(s.o.Messages) / now.Sub(launched).Seconds())
			return nil
		}
	}
}

func (s *soak) nextKill(now time.Time) time.Time {
	return now.Add(s.o.KillEvery/2 + time.Duration(s.random.Int64N(int64(s.o.KillEvery)+1)))
}

// endLife keeps the slope of the process's memory: least squares over its samples without the first ten seconds.
func (s *soak) endLife() {
	var n, x, y, xx, xy float64
	for _, p := range s.life {
		if p.minutes*60 < 10 {
			continue
		}
		n, x, y, xx, xy = n+1, x+p.minutes, y+p.mib, xx+p.minutes*p.minutes, xy+p.minutes*p.mib
	}
	if d := n*xx - x*x; n >= 10 && d > 0 {
		s.slopes = append(s.slopes, (n*xy-x*y)/d)
	}
	s.life = s.life[:0]
}

// readLedger takes what the carrier accepted since the last time.
func (s *soak) readLedger(ctx context.Context) error {
	for e, err := range s.rig.Lab.Ledger(ctx, s.last) {
		if err != nil {
			return err
		}
		s.last = e.N
		if entry, ours := entryOf(e); ours {
			s.ledger = append(s.ledger, entry)
		}
	}
	return nil
}

func (s *soak) judge(ctx context.Context) error {
	if _, err := s.rig.Lab.Drain(ctx, 5*time.Minute); err != nil {
		return err
	}
	sum, err := s.rig.Lab.Summary(ctx)
	if err != nil {
		return err
	}
	if err := errors.Join(s.rig.Signal(syscall.SIGTERM), s.readLedger(ctx)); err != nil {
		return err
	}
	book, err := s.rig.Store(ctx)
	if err != nil {
		return err
	}
	defer book.Close()
	report, err := Verify(ctx, book, s.entries())
	if err != nil {
		return err
	}
	report.Write(s.out)
	if report.Duplicated > 0 {
		s.tellRepeats(ctx, book)
	}
	r := s.result
	r.Messages, r.Accepted, r.Lost, r.Duplicated = report.Messages, report.Accepted, report.Lost, report.Duplicated
	r.Held, r.Unsettled, r.Findings = report.Held, report.Unsettled, len(report.Findings)
	r.Receipts, r.Replies = sum.CallbacksSent, sum.InboundSent
	if len(s.slopes) > 0 {
		slices.Sort(s.slopes)
		r.SlopeMiB = round(s.slopes[len(s.slopes)/2])
	}
	return nil
}

// tellRepeats prints what the carrier and our books say about the first messages that the carrier accepted more than once.
func (s *soak) tellRepeats(ctx context.Context, book *store.Store) {
	byMessage := map[overture.MessageID][]LedgerEntry{}
	for _, e := range s.ledger {
		byMessage[e.MessageID] = append(byMessage[e.MessageID], e)
	}
	told := 0
	for id, all := range byMessage {
		if len(all) < 2 || told == 10 {
			continue
		}
		told++
		fmt.Fprintf(s.out, "%s\n", id)
		for _, e := range all {
			fmt.Fprintf(s.out, "  carrier: asked for at %d, accepted at %d as %s\n", e.Asked, e.Accepted, e.ProviderID)
		}
		rows, err := book.DB().Read.QueryContext(ctx, `SELECT n, epoch, started_at, ended_at, outcome, provider_id FROM attempt WHERE message_id = $1 ORDER BY n, epoch`, id)
		if err != nil {
			fmt.Fprintln(s.out, " ", err)
			continue
		}
		for rows.Next() {
			var n, epoch, from, to int64
			var outcome, as string
			if err = rows.Scan(&n, &epoch, &from, &to, &outcome, &as); err != nil {
				break
			}
			fmt.Fprintf(s.out, "  attempt %d of epoch %d: from %d to %d, %s %s\n", n, epoch, from, to, outcome, as)
		}
		if err := errors.Join(err, rows.Err(), rows.Close()); err != nil {
			fmt.Fprintln(s.out, " ", err)
		}
	}
}

func (s *soak) entries() iter.Seq2[LedgerEntry, error] {
	return func(yield func(LedgerEntry, error) bool) {
		for _, e := range s.ledger {
			if !yield(e, nil) {
				return
			}
		}
	}
}
