package proof

import (
	"context"
	"fmt"
	"time"

	"github.com/overture-im/overture/internal/lab"
)

// launchBound is how long a campaign may take from the launch to its first request, in milliseconds.
const launchBound = 50

// launch measures the time from the call that launches a campaign to the moment at which the lab has its first message: once while the sender works
// for other campaigns, and once when it has been idle for so long that nobody holds its lease. Both on one node.
func (b *bench) launch(ctx context.Context, dir, databaseURL string) error {
	rig, err := NewRig(ctx, RigOptions{Binary: b.o.Binary, Dir: dir, DatabaseURL: databaseURL, SenderRate: 100_000})
	if err != nil {
		return err
	}
	defer rig.Close()
	if err := rig.Lab.SetProfile(ctx, "", lab.Profile{ReceiptLost: 1}); err != nil {
		return err
	}
	suffix := "_ms"
	if databaseURL != "" {
		suffix = "_postgres_ms"
	}
	for _, x := range []struct {
		name string
		rest time.Duration // before each launch; a tenure without work ends after 3 s
		n    int
	}{{"launch", 0, 40}, {"launch_idle", 4 * time.Second, 8}} {
		var took []time.Duration
		for i := range x.n {
			one, err := b.launchOne(ctx, rig, fmt.Sprintf("%s %d", x.name, i), x.rest)
			if err != nil {
				return err
			}
			took = append(took, one)
		}
		b.say("  %s: p50 %.1f ms, slowest %.1f ms of %d", x.name, percentile(took, 0.5), percentile(took, 1), x.n)
		b.add(x.name+suffix, percentile(took, 0.5), "ms", launchBound)
	}
	return b.verified(ctx, rig)
}

func (b *bench) launchOne(ctx context.Context, rig *Rig, name string, rest time.Duration) (time.Duration, error) {
	c, err := rig.Draft(ctx, name, 0)
	if err != nil {
		return 0, err
	}
	if err := rig.uploadRows(ctx, c, 0, 10); err != nil {
		return 0, err
	}
	if err := pause(ctx, rest); err != nil {
		return 0, err
	}
	before, err := rig.Lab.Summary(ctx)
	if err != nil {
		return 0, err
	}
	began := time.Now()
	if _, err := rig.API.Launch(ctx, c, true, nil, "launch-"+c); err != nil {
		return 0, fmt.Errorf("launch: %w", err)
	}
	for time.Since(began) < time.Minute {
		s, err := rig.Lab.Summary(ctx)
		if err != nil {
			return 0, err
		}
		if s.Accepted > before.Accepted {
			return time.Since(began), nil
		}
		if err := pause(ctx, time.Millisecond); err != nil {
			return 0, err
		}
	}
	return 0, fmt.Errorf("%s sent nothing within a minute", name)
}
