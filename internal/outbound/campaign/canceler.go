package campaign

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/overture-im/overture"
)

// Remains takes back what canceled campaigns still had to send.
type Remains interface {
	CampaignsToEmpty(ctx context.Context) ([]overture.OpenCampaign, error)
	CancelRemainder(ctx context.Context, c overture.OpenCampaign, limit int, now time.Time) (int, error)
}

// Canceler is the worker that ends the messages of canceled campaigns: their lane is closed already, so nothing of them is sent any more;
// it makes the rows say so. Several nodes may run one: a row is taken back once.
type Canceler struct {
	Store Remains
	Woken <-chan struct{} // topic "campaign"; nil: only the clock
	Log   *slog.Logger
}

// Run works until ctx ends, and gives nil then.
func (c *Canceler) Run(ctx context.Context) error {
	return every(ctx, time.Second, c.Woken, c.Log, "take back canceled messages", c.Once)
}

// Once takes back everything that can be taken back now.
func (c *Canceler) Once(ctx context.Context) error {
	open, err := c.Store.CampaignsToEmpty(ctx)
	if err != nil {
		return err
	}
	for _, campaign := range open {
		for {
			n, err := c.Store.CancelRemainder(ctx, campaign, chunk, time.Now())
			if err != nil {
				return fmt.Errorf("cancel %s: %w", campaign.ID, err)
			}
			if n == 0 {
				break
			}
		}
	}
	return nil
}

// every runs f at once, then at each tick and each wake-up, until ctx ends. Errors are logged here and tried again.
func every(ctx context.Context, pause time.Duration, woken <-chan struct{}, log *slog.Logger, what string, f func(context.Context) error) error {
	tick := time.NewTicker(pause)
	defer tick.Stop()
	for {
		if err := f(ctx); err != nil && ctx.Err() == nil {
			log.WarnContext(ctx, "campaign worker", slog.String("doing", what), slog.Any("error", err))
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		case <-woken:
		}
	}
}
