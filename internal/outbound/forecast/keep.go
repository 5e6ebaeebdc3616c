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

// Run makes the forecasts of launches until ctx ends. Each is made once, from the frozen list, on a clock that starts at the launch.
func (s *Service) Run(ctx context.Context) error {
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
	pending, err := s.Store.PendingForecasts(ctx, 20)
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

// Keep makes one forecast of a launch.
func (s *Service) Keep(ctx context.Context, k overture.KeptForecast) error {
	c, err := s.Store.Campaign(ctx, k.AccountID, k.CampaignID)
	if err != nil {
		return err
	}
	f, err := s.forecast(ctx, c, Wish{}, k.LaunchedAt, true)
	if kind := overture.KindOf(err); err != nil && (errors.Is(err, context.Canceled) || kind == overture.Unavailable || kind == overture.Internal) {
		return err // another time
	}
	k.State, k.MadeAt = overture.ForecastKept, s.Now()
	if err != nil {
		s.Log.WarnContext(ctx, "a launch has no forecast", slog.String("campaign_id", c.ID.String()), slog.Any("error", err))
		k.State = overture.ForecastFailed
		return s.Store.KeepForecast(ctx, k)
	}
	k.FinishAt = f.FinishAt
	if k.Forecast, err = json.Marshal(f); err != nil {
		return fmt.Errorf("encode the forecast of %s: %w", c.ID, err)
	}
	return s.Store.KeepForecast(ctx, k)
}
