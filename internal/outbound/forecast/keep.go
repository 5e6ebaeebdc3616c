package forecast

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/overture-im/overture"
)

// lookEvery is how long a launch waits for its forecast when a wake-up was lost.
const lookEvery = 5 * time.Second

// claimFor is for how long a node that makes a forecast keeps the others from it; it is renewed meanwhile.
const claimFor = time.Minute

// Run makes the forecasts of launches until ctx ends. Each is made once, by one node, from the frozen list, on a clock that starts at the launch.
func (s *Service) Run(ctx context.Context) error {
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
		defer cancel()
		_ = s.Store.ReleaseForecasts(ctx, s.Owner) // what is not released is free a minute later
	}()
	timer := time.NewTimer(0)
	defer timer.Stop()
	trouble := map[overture.CampaignID]bool{}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-s.Wake:
		case <-timer.C:
		}
		s.keepPending(ctx, trouble)
		timer.Reset(lookEvery)
	}
}

// keepPending makes what is missing. Trouble is logged once per campaign and tried again; what can never be made is marked so.
func (s *Service) keepPending(ctx context.Context, trouble map[overture.CampaignID]bool) {
	pending, err := s.Store.PendingForecasts(ctx, s.Owner, 20)
	if err != nil {
		if ctx.Err() == nil && !trouble[0] {
			s.Log.ErrorContext(ctx, "look for forecasts to make", slog.Any("error", err))
		}
		trouble[0] = true
		return
	}
	delete(trouble, 0)
	for _, k := range pending {
		err := s.Keep(ctx, k)
		if ctx.Err() != nil {
			return
		}
		if err != nil && !trouble[k.CampaignID] {
			trouble[k.CampaignID] = true
			s.Log.ErrorContext(ctx, "make the forecast of a launch", slog.String("campaign_id", k.CampaignID.String()), slog.Any("error", err))
		}
	}
}

// Keep makes one forecast of a launch, unless another node makes it.
func (s *Service) Keep(ctx context.Context, k overture.KeptForecast) error {
	ours, err := s.Store.ClaimForecast(ctx, k, s.Owner, claimFor)
	if err != nil || !ours {
		return err
	}
	working, done := s.keepClaim(ctx, k)
	defer done()
	c, err := s.Store.Campaign(ctx, k.AccountID, k.CampaignID)
	if err != nil {
		return err
	}
	f, err := s.forecast(working, c, Wish{}, k.LaunchedAt, true)
	if kind := overture.KindOf(err); err != nil && (errors.Is(err, context.Canceled) || kind == overture.Unavailable || kind == overture.Internal) {
		if working.Err() != nil && ctx.Err() == nil {
			return nil // another node makes it
		}
		return err // another time
	}
	k.State, k.MadeAt = overture.ForecastKept, s.Now()
	if err != nil {
		s.Log.WarnContext(ctx, "a launch has no forecast", slog.String("campaign_id", c.ID.String()), slog.Any("error", err))
		k.State = overture.ForecastFailed
		return s.Store.KeepForecast(ctx, k, s.Owner)
	}
	k.FinishAt = f.FinishAt
	if k.Forecast, err = json.Marshal(f); err != nil {
		return fmt.Errorf("encode the forecast of %s: %w", c.ID, err)
	}
	return s.Store.KeepForecast(ctx, k, s.Owner)
}

// keepClaim renews a claim while its forecast is made, and ends the work when another node has it.
func (s *Service) keepClaim(ctx context.Context, k overture.KeptForecast) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		tick := time.NewTicker(claimFor / 3)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				if ours, err := s.Store.ClaimForecast(ctx, k, s.Owner, claimFor); err == nil && !ours {
					cancel()
				}
			}
		}
	}()
	return ctx, cancel
}
