package guard_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/outbound/guard"
)

// book has two campaigns over their limit; the first one's row cannot be written.
type book struct {
	guard.Store
	paused    []overture.CampaignID
	forgotten bool
}

func (*book) GuardedCampaigns(context.Context) ([]overture.Guarded, error) {
	return []overture.Guarded{
		{Campaign: overture.Campaign{ID: 1}, Barrier: overture.BarrierCampaignSpend},
		{Campaign: overture.Campaign{ID: 2}, Barrier: overture.BarrierCampaignSpend},
	}, nil
}

func (b *book) PauseByItself(_ context.Context, c overture.Campaign, _, _ string, _ time.Time) (bool, error) {
	if c.ID == 1 {
		return false, errors.New("this row cannot be written")
	}
	b.paused = append(b.paused, c.ID)
	return true, nil
}

func (*book) PrefixAlerts(context.Context, time.Time) ([]overture.PrefixAlert, error) {
	return nil, nil
}

func (b *book) ForgetTouches(context.Context, time.Time) error {
	b.forgotten = true
	return nil
}

func TestTroubleWithOneCampaignLeavesTheOthersGuarded(t *testing.T) {
	b := &book{}
	err := guard.New(b, nil, slog.New(slog.DiscardHandler)).Once(t.Context(), time.Now())
	if err == nil || len(b.paused) != 1 || b.paused[0] != 2 || !b.forgotten {
		t.Errorf("paused %v, forgotten %t, error %v", b.paused, b.forgotten, err)
	}
}
