package campaign

import (
	"context"
	"log/slog"
	"time"

	"github.com/overture-im/overture"
)

// Ends finds campaigns that are over.
type Ends interface {
	CampaignsToFinish(ctx context.Context) ([]overture.OpenCampaign, error)
	FinishCampaign(ctx context.Context, c overture.OpenCampaign, now time.Time) (bool, error)
	RunningCampaigns(ctx context.Context) ([]overture.OpenCampaign, error)
	AcceptedCounts(ctx context.Context, ids []overture.CampaignID) (map[overture.CampaignID]int, error)
}

// Finisher is the worker that completes campaigns with nothing left to send, and measures the speed of those that run. Several nodes may
// run one: each campaign is completed once.
type Finisher struct {
	Store Ends
	Speed *Speed // of the Service that shows it
	Wake  func(topic string)
	Log   *slog.Logger
}

// Run works until ctx ends, and gives nil then.
func (f *Finisher) Run(ctx context.Context) error {
	return every(ctx, time.Second, nil, f.Log, "complete campaigns", f.Once)
}

// Once completes what is complete now.
func (f *Finisher) Once(ctx context.Context) error {
	if err := f.measure(ctx); err != nil {
		return err
	}
	over, err := f.Store.CampaignsToFinish(ctx)
	if err != nil {
		return err
	}
	for _, c := range over {
		done, err := f.Store.FinishCampaign(ctx, c, time.Now())
		if err != nil {
			return err
		}
		if done {
			f.Log.InfoContext(ctx, "campaign settled", slog.String("campaign_id", c.ID.String()), slog.String("was", string(c.State)))
			if f.Wake != nil {
				f.Wake("campaign")
			}
		}
	}
	return nil
}

func (f *Finisher) measure(ctx context.Context) error {
	if f.Speed == nil {
		return nil
	}
	running, err := f.Store.RunningCampaigns(ctx)
	if err != nil || len(running) == 0 {
		return err
	}
	ids := make([]overture.CampaignID, len(running))
	for i, c := range running {
		ids[i] = c.ID
	}
	counts, err := f.Store.AcceptedCounts(ctx, ids)
	if err != nil {
		return err
	}
	now := time.Now()
	for _, id := range ids {
		f.Speed.Observe(id, counts[id], now)
	}
	return nil
}
