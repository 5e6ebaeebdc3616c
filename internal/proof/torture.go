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
)

// TortureOptions bound a torture run.
type TortureOptions struct {
	Binary      string
	DatabaseURL string // empty: SQLite
	Cycles      int    // kills
	PerCampaign int    // recipients of each campaign; 0: 400
	Seed        uint64
	Keep        bool // leave the folder for a look
}

// TortureResult is the last line of a torture run.
type TortureResult struct {
	Engine     string `json:"engine"`
	Cycles     int    `json:"cycles"`
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

// tortureFlags are the send protocol in small: the same order of times as in earnest, grace ≥ deadline + client time-out + provider delay.
var tortureFlags = []string{"--connections", "16", "--client-timeout", "700ms", "--send-deadline", "300ms", "--provider-delay", "1500ms", "--grace", "2500ms", "--lookup-spacing", "600ms", "--lease-ttl", "1s"}

// Torture kills the real server with SIGKILL in mid-campaign, again and again, against a lab that misbehaves, then lets it finish and
// verifies the database against the lab's ledger. It returns an error when a promise was broken.
func Torture(ctx context.Context, o TortureOptions, out io.Writer) (TortureResult, error) {
	began := time.Now()
	if o.PerCampaign == 0 {
		o.PerCampaign = 400
	}
	result := TortureResult{Engine: "sqlite", Cycles: o.Cycles, Seed: o.Seed}
	if o.DatabaseURL != "" {
		result.Engine = "postgres"
	}
	dir, err := os.MkdirTemp("", "overture-torture-")
	if err != nil {
		return result, fmt.Errorf("torture folder: %w", err)
	}
	if !o.Keep {
		defer os.RemoveAll(dir)
	}
	rig, err := NewRig(ctx, RigOptions{Binary: o.Binary, Dir: dir, DatabaseURL: o.DatabaseURL, ServeFlags: tortureFlags})
	if err != nil {
		return result, err
	}
	defer rig.Close()
	if err := rig.Lab.SetProfile(ctx, "", tortureFaults); err != nil {
		return result, err
	}
	random := rand.New(rand.NewPCG(o.Seed, 1))
	launched := 0
	for cycle := range o.Cycles {
		if err := feed(ctx, rig, &launched, o.PerCampaign); err != nil {
			return result, fmt.Errorf("cycle %d: %w (server log in %s)", cycle, err, dir)
		}
		if err := pause(ctx, 50*time.Millisecond+time.Duration(random.IntN(350))*time.Millisecond); err != nil {
			return result, err
		}
		if err := rig.Signal(syscall.SIGKILL); err != nil {
			return result, err
		}
		if err := rig.Start(ctx); err != nil {
			return result, fmt.Errorf("after kill %d: %w", cycle+1, err)
		}
		if (cycle+1)%10 == 0 {
			fmt.Fprintf(out, "%d kills, %d recipients launched\n", cycle+1, launched)
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
	if report.Messages != launched {
		result.Lost += launched - report.Messages
	}
	line, err := json.Marshal(result)
	if err != nil {
		return result, fmt.Errorf("result: %w", err)
	}
	fmt.Fprintln(out, string(line))
	if !report.Clean() || result.Lost != 0 || result.Unsettled != 0 {
		return result, errors.New("torture: a promise was broken; see above")
	}
	return result, nil
}

// feed launches another campaign when what is under way will not last for the next kill.
func feed(ctx context.Context, rig *Rig, launched *int, per int) error {
	waiting := 0
	campaigns, err := rig.API.Campaigns(ctx, 5)
	if err != nil {
		return fmt.Errorf("list campaigns: %w", err)
	}
	for _, c := range campaigns {
		if c.State != "running" {
			continue
		}
		p, err := rig.API.Progress(ctx, c.ID)
		if err != nil {
			return fmt.Errorf("progress: %w", err)
		}
		waiting += p.Waiting
	}
	if waiting > per/2 {
		return nil
	}
	if _, err := rig.Launch(ctx, fmt.Sprintf("Torture %d", *launched), *launched, per); err != nil {
		return err
	}
	*launched += per
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
		campaigns, err := rig.API.Campaigns(ctx, 200)
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
