package proof

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"syscall"
	"time"

	"github.com/overture-im/overture/internal/lab"
	"github.com/overture-im/overture/internal/store"
)

// TortureOptions bound a torture run.
type TortureOptions struct {
	Binary      string
	DatabaseURL string // empty: SQLite
	Cycles      int    // kills
	PerCampaign int    // recipients of each campaign; 0: 400
	Nodes       int    // servers on one PostgreSQL, of which one is killed in each cycle; 0: 3 on PostgreSQL, 1 on SQLite
	Seed        uint64
	Keep        bool // leave the folder for a look
}

// TortureResult is the last line of a torture run.
type TortureResult struct {
	Engine     string `json:"engine"`
	Nodes      int    `json:"nodes"`
	Cycles     int    `json:"cycles"`
	InFlight   int    `json:"in_flight"` // requests under way at the moments of the kills, all together
	Idle       int    `json:"idle"`      // kills that found no request under way
	Messages   int    `json:"messages"`
	Accepted   int    `json:"accepted"`
	Failed     int    `json:"failed"`
	Lost       int    `json:"lost"`
	Duplicated int    `json:"duplicated"`
	Held       int    `json:"held"`
	Unsettled  int    `json:"unsettled"`
	Findings   int    `json:"findings"`
	Seconds    int    `json:"seconds"`
	Seed       uint64 `json:"seed"`
}

// tortureFaults make the provider as bad as a bad day: slow, cutting connections after accepting, answering 5xx for accepted messages,
// late, and losing, doubling and mixing up receipts. Late acceptance stays below the run's grace period, as it must (R7).
var tortureFaults = lab.Profile{
	LatencyMS: 5, JitterMS: 20, ResetBefore: 0.01, ServerErrorRefused: 0.01, Throttle: 0.02, AcceptTimeout: 0.01, HangMS: 1500,
	AcceptReset: 0.02, ServerErrorAccepted: 0.01, EmptyAnswer: 0.01, BadJSON: 0.01, LateAccept: 0.005, LateAcceptMS: 900,
	ReceiptLost: 0.2, ReceiptDuplicated: 0.1, ReceiptLate: 0.05, ReceiptLateMS: 3000, ReceiptReordered: 0.1,
}

// tortureGrace is how long after the last kill the first lookups come.
const tortureGrace = 2500 * time.Millisecond

// tortureFlags are the send protocol in small: the same order of times as in earnest, grace ≥ deadline + client time-out + provider delay.
var tortureFlags = []string{"--connections", "16", "--client-timeout", "700ms", "--send-deadline", "300ms", "--provider-delay", "1500ms", "--grace", tortureGrace.String(), "--lookup-spacing", "600ms", "--lease-ttl", "1s"}

// Torture kills the real server with SIGKILL in mid-campaign, again and again, against a lab that misbehaves, then lets it finish and
// verifies the database against the lab's ledger. On PostgreSQL it kills one of several nodes while the others go on. It returns an
// error when a promise was broken.
func Torture(ctx context.Context, o TortureOptions, out io.Writer) (TortureResult, error) {
	began := time.Now()
	if o.PerCampaign == 0 {
		o.PerCampaign = 400
	}
	result := TortureResult{Engine: "sqlite", Nodes: 1, Cycles: o.Cycles, Seed: o.Seed}
	if o.DatabaseURL != "" {
		result.Engine, result.Nodes = "postgres", 3
		if o.Nodes > 0 {
			result.Nodes = o.Nodes
		}
	}
	dir, err := os.MkdirTemp("", "overture-torture-")
	if err != nil {
		return result, fmt.Errorf("torture folder: %w", err)
	}
	if !o.Keep {
		defer os.RemoveAll(dir)
	}
	rig, err := NewRig(ctx, RigOptions{
		Binary: o.Binary, Dir: dir, DatabaseURL: o.DatabaseURL, ServeFlags: tortureFlags, Nodes: result.Nodes, Senders: result.Nodes,
	})
	if err != nil {
		return result, err
	}
	defer rig.Close()
	if err := rig.Lab.SetProfile(ctx, "", tortureFaults); err != nil {
		return result, err
	}
	// Doubts are what kills are for: no guard rail may pause a campaign for them.
	if _, err := rig.API.SetLimits(ctx, map[string]int64{"unknown_percent": 0, "failed_percent": 0}); err != nil {
		return result, err
	}
	t := &torturer{rig: rig, random: rand.New(rand.NewPCG(o.Seed, 1)), result: &result, per: o.PerCampaign}
	if o.DatabaseURL != "" {
		if t.book, err = rig.Store(ctx); err != nil {
			return result, err
		}
		defer t.book.Close()
	}
	for cycle := range o.Cycles {
		if err := t.cycle(ctx, cycle+1); err != nil {
			return result, fmt.Errorf("cycle %d: %w (server log in %s)", cycle+1, err, dir)
		}
		if (cycle+1)%10 == 0 {
			fmt.Fprintf(out, "%d kills in %.0f s, %d requests under way at them, %d recipients launched\n", cycle+1, time.Since(began).Seconds(), result.InFlight, t.launched)
		}
	}
	if err := settle(ctx, rig, out); err != nil {
		return result, err
	}
	report, err := rig.Verify(ctx)
	if err != nil {
		return result, err
	}
	report.Write(out)
	result.Messages, result.Accepted, result.Lost, result.Duplicated = report.Messages, report.Accepted, report.Lost, report.Duplicated
	result.Held, result.Unsettled, result.Findings = report.Held, report.Unsettled, len(report.Findings)
	result.Failed, result.Seconds = report.Messages-report.Accepted-report.Held-report.Unsettled, int(time.Since(began).Seconds())
	if report.Messages != t.launched {
		result.Lost += t.launched - report.Messages
	}
	line, err := json.Marshal(result)
	if err != nil {
		return result, fmt.Errorf("result: %w", err)
	}
	fmt.Fprintln(out, string(line))
	if !report.Clean() || result.Lost != 0 || result.Unsettled != 0 {
		return result, errors.New("torture: a promise was broken; see above")
	}
	if result.Idle*2 > result.Cycles {
		return result, fmt.Errorf("torture: %d of %d kills found nothing under way: this proves little", result.Idle, result.Cycles)
	}
	return result, nil
}

type torturer struct {
	rig      *Rig
	random   *rand.Rand
	result   *TortureResult
	book     *store.Store // nil on SQLite, whose file belongs to the server alone
	per      int
	launched int
}

// peaceEvery is how often nobody kills for a while: in turn until the doubts of the kills before have become due, so that the kill hits
// their lookups, and until nearly all of them are settled.
const peaceEvery = 10

// cycle waits a random time, kills a node that has requests under way, and starts it again.
func (t *torturer) cycle(ctx context.Context, number int) error {
	if err := t.feed(ctx); err != nil {
		return err
	}
	wait := 50*time.Millisecond + time.Duration(t.random.IntN(350))*time.Millisecond
	switch {
	case number%(2*peaceEvery) == 0:
		if err := t.fewDoubts(ctx); err != nil {
			return err
		}
	case number%peaceEvery == 0:
		wait += tortureGrace + time.Duration(t.random.IntN(1500))*time.Millisecond
	}
	if err := pause(ctx, wait); err != nil {
		return err
	}
	victim, busy, err := t.victim(ctx)
	if err != nil {
		return err
	}
	if err := t.rig.SignalNode(victim, syscall.SIGKILL); err != nil {
		return err
	}
	if t.result.InFlight += busy; busy == 0 {
		t.result.Idle++
	}
	if err := t.rig.StartNode(ctx, victim); err != nil {
		return fmt.Errorf("after the kill: %w", err)
	}
	return nil
}

// victim chooses the node to kill, and waits a while until it has requests under way. Two of three kills hit a node that is sending; the
// others hit any, which may be planning, receiving or idle.
func (t *torturer) victim(ctx context.Context) (node, busy int, err error) {
	any := t.random.IntN(t.result.Nodes)
	choosy := t.random.IntN(3) > 0
	for range 300 {
		if t.book == nil {
			s, err := t.rig.Lab.Summary(ctx)
			if err != nil {
				return 0, 0, err
			}
			if busy = int(s.Pending.Requests); busy > 0 {
				return 0, busy, nil
			}
		} else {
			owners, err := t.book.OpenMarkers(ctx)
			if err != nil {
				return 0, 0, err
			}
			all := 0
			for owner, n := range owners {
				var number int
				if _, err := fmt.Sscanf(owner, "node %d ", &number); err != nil {
					return 0, 0, fmt.Errorf("owner %q: %w", owner, err)
				}
				if all += n; choosy && (busy == 0 || number == any) {
					node, busy = number, n
				}
			}
			if choosy && busy > 0 {
				return node, busy, nil
			}
			if !choosy && all > 0 {
				return any, all, nil
			}
		}
		if err := pause(ctx, 5*time.Millisecond); err != nil {
			return 0, 0, err
		}
	}
	return any, 0, nil
}

// fewDoubts waits until lookups have settled nearly all doubts, half a minute at most. New campaigns go out meanwhile.
func (t *torturer) fewDoubts(ctx context.Context) error {
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); {
		queued, unknown, err := t.open(ctx)
		if err != nil {
			return err
		}
		if unknown < 20 {
			return nil
		}
		if queued == 0 {
			if err := t.feed(ctx); err != nil {
				return err
			}
		}
		if err := pause(ctx, 100*time.Millisecond); err != nil {
			return err
		}
	}
	return nil
}

// open tells how many messages can be sent, and how many are in doubt.
func (t *torturer) open(ctx context.Context) (queued, unknown int, err error) {
	campaigns, err := t.rig.API.Campaigns(ctx, 50*len(t.rig.Senders))
	if err != nil {
		return 0, 0, fmt.Errorf("list campaigns: %w", err)
	}
	for _, c := range campaigns {
		if c.State != "running" {
			continue
		}
		p, err := t.rig.API.Progress(ctx, c.ID)
		if err != nil {
			return 0, 0, fmt.Errorf("progress: %w", err)
		}
		queued, unknown = queued+p.Counts["queued"], unknown+p.Counts["unknown"]
	}
	return queued, unknown, nil
}

// feed launches another campaign when what can still be sent will not last for the next kill. What is in doubt does not count: every kill
// makes more of it, and it is looked up only when nobody kills for a while. Senders take turns.
func (t *torturer) feed(ctx context.Context) error {
	queued, _, err := t.open(ctx)
	if err != nil {
		return err
	}
	for ; queued <= t.per/2*len(t.rig.Senders); queued += t.per {
		sender := t.rig.Senders[t.launched/t.per%len(t.rig.Senders)]
		if _, err := t.rig.LaunchFrom(ctx, sender, fmt.Sprintf("Torture %d", t.launched), t.launched, t.per, nil); err != nil {
			return err
		}
		t.launched += t.per
	}
	return nil
}

// settle waits until nothing is under way, then stops the server the friendly way.
func settle(ctx context.Context, rig *Rig, out io.Writer) error {
	faultless := tortureFaults
	faultless.Throttle, faultless.ResetBefore, faultless.ServerErrorRefused = 0, 0, 0
	if err := rig.Lab.SetProfile(ctx, "", faultless); err != nil {
		return err
	}
	deadline := time.Now().Add(3 * time.Minute)
	for {
		running := 0
		campaigns, err := rig.API.Campaigns(ctx, 5000)
		if err != nil {
			return fmt.Errorf("list campaigns: %w", err)
		}
		for _, c := range campaigns {
			if c.State == "running" || c.State == "scheduled" {
				running++
			}
		}
		if running == 0 {
			break
		}
		if time.Now().After(deadline) {
			fmt.Fprintf(out, "%d campaigns did not finish in time\n", running)
			break
		}
		if err := pause(ctx, 200*time.Millisecond); err != nil {
			return err
		}
	}
	if _, err := rig.Lab.Drain(ctx, 20*time.Second); err != nil {
		return err
	}
	return rig.Signal(syscall.SIGTERM)
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
