package proof

import (
	"context"
	"fmt"
	"time"

	"github.com/overture-im/overture/internal/lab"
)

// cpuGrowth compares the server's processor time per message of a large campaign with that of small ones, on SQLite, from the launch to
// the last message: planning, sending and recording together. The import has a figure of its own. The ceiling is the small campaign; the
// figure is good below 1.15.
func (b *bench) cpuGrowth(ctx context.Context, dir string) error {
	small, large := 10_000, b.o.Recipients
	rig, err := NewRig(ctx, RigOptions{
		Binary: b.o.Binary, Dir: dir, SenderRate: 100_000, ServeFlags: append([]string{"--connections", "200"}, b.profileFlags("cpu_growth")...),
	})
	if err != nil {
		return err
	}
	defer rig.Close()
	if err := rig.Lab.SetProfile(ctx, "", lab.Profile{LatencyMS: 20, ReceiptLost: 1}); err != nil {
		return err
	}
	var each []float64
	for i := range b.o.Repeat + 1 { // the first warms the server up
		cost, err := b.costOf(ctx, rig, i, small)
		if err != nil {
			return err
		}
		if i > 0 {
			each = append(each, cost)
		}
	}
	cost, err := b.costOf(ctx, rig, 0, large)
	if err != nil {
		return err
	}
	b.say("  %.0f µs per message of %d, %.0f µs of %d", median(each), small, cost, large)
	b.add("cpu_growth", cost, "µs/message", median(each))
	return b.verified(ctx, rig)
}

// costOf sends a whole campaign and gives the server's processor time per message in microseconds.
func (b *bench) costOf(ctx context.Context, rig *Rig, i, n int) (float64, error) {
	c, err := rig.Draft(ctx, fmt.Sprintf("Growth %d of %d", i, n), 0)
	if err != nil {
		return 0, err
	}
	if err := rig.uploadRows(ctx, c, 0, n); err != nil {
		return 0, err
	}
	start, err := rig.Lab.Summary(ctx)
	if err != nil {
		return 0, err
	}
	cpu := cpuOf(rig.PID())
	if _, err := rig.API.Launch(ctx, c, true, nil, "launch-"+c); err != nil {
		return 0, fmt.Errorf("launch: %w", err)
	}
	for deadline := time.Now().Add(15 * time.Minute); ; {
		s, err := rig.Lab.Summary(ctx)
		if err != nil {
			return 0, err
		}
		if s.Accepted-start.Accepted >= int64(n) {
			break
		}
		if time.Now().After(deadline) {
			return 0, fmt.Errorf("%d of %d messages after 15 minutes", s.Accepted-start.Accepted, n)
		}
		if err := pause(ctx, 50*time.Millisecond); err != nil {
			return 0, err
		}
	}
	if err := pause(ctx, 100*time.Millisecond); err != nil { // the last results
		return 0, err
	}
	return perMessage(cpuOf(rig.PID())-cpu, int64(n)), nil
}
