// Package guard watches running campaigns and stops those that go wrong (adr/0013).
//
//	Does:   pauses a campaign that hit a spend or prefix limit, whose canary went badly, or of whose last outcomes too many were refused, in doubt, or
//	        made people stop; lets a good canary go on; raises the rate of a ramp step by step; says when a prefix limit was hit
//	Reads:  running campaigns, their counters and lanes
//	Writes: campaign and lane state (paused), the campaign's watch, the lane's rate and allowance
//	Wakes:  "campaign" and "dispatch" after a change
//
// What must be exact stands elsewhere: how many may go is a number in the lane that the attempt's transaction takes from (store/rail.go). Here is
// what may take a second. Every node runs a guard; each change is conditional on what was read, so it happens once.
package guard

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"sync"
	"time"

	"github.com/overture-im/overture"
)

// Store is what the guard reads and changes.
type Store interface {
	GuardedCampaigns(ctx context.Context) ([]overture.Guarded, error)
	OptedOutCount(ctx context.Context, id overture.CampaignID) (int, error)
	PauseByItself(ctx context.Context, c overture.Campaign, rail, reason string, now time.Time) (done bool, err error)
	AdvanceWatch(ctx context.Context, c overture.Campaign, next overture.Watch, audit string, now time.Time) (done bool, err error)
	PrefixAlerts(ctx context.Context, now time.Time) ([]overture.PrefixAlert, error)
	ForgetTouches(ctx context.Context, now time.Time) error
}

// Guard is the worker.
type Guard struct {
	store Store
	wake  func(topic string)
	log   *slog.Logger

	tracks map[overture.CampaignID]*track
	alerts map[overture.PrefixAlert]bool
	swept  time.Time
	clock  func() time.Time // of this round: a pause is written at its own time, not at the round's beginning

	mu     sync.Mutex
	pauses map[string]int // by rail, since the start
	pumped int
}

// New makes the worker. wake may be nil.
func New(s Store, wake func(topic string), log *slog.Logger) *Guard {
	if wake == nil {
		wake = func(string) {}
	}
	return &Guard{store: s, wake: wake, log: log, tracks: map[overture.CampaignID]*track{}, alerts: map[overture.PrefixAlert]bool{}, pauses: map[string]int{}}
}

// Pauses tells how many campaigns this node paused by themselves since its start, by rail.
func (g *Guard) Pauses() map[string]int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return maps.Clone(g.pauses)
}

// PrefixAlerts tells how often a prefix limit was hit, per account, prefix and hour, since this node's start.
func (g *Guard) PrefixAlerts() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.pumped
}

// Run works until ctx ends, and gives nil then.
func (g *Guard) Run(ctx context.Context) error {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	trouble := false
	for {
		err := g.Once(ctx, time.Now())
		if err != nil && ctx.Err() == nil && !trouble {
			g.log.WarnContext(ctx, "the guard cannot look at campaigns; limits inside the attempt's transaction still hold", slog.Any("error", err))
		}
		trouble = err != nil
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// lookEvery is how often the guard looks: what it decides may be that late.
const lookEvery = 500 * time.Millisecond

// Once looks at every running campaign. Trouble with one leaves no other unguarded.
func (g *Guard) Once(ctx context.Context, now time.Time) error {
	began := time.Now()
	g.clock = func() time.Time { return now.Add(time.Since(began)) }
	campaigns, err := g.store.GuardedCampaigns(ctx)
	if err != nil {
		return err
	}
	seen := map[overture.CampaignID]bool{}
	var errs []error
	for _, c := range campaigns {
		seen[c.ID] = true
		if err := g.look(ctx, c, now); err != nil {
			errs = append(errs, fmt.Errorf("guard of %s: %w", c.ID, err))
		}
	}
	for id := range g.tracks {
		if !seen[id] {
			delete(g.tracks, id)
		}
	}
	return errors.Join(append(errs, g.watchPrefixes(ctx, now))...)
}

func (g *Guard) watchPrefixes(ctx context.Context, now time.Time) error {
	alerts, err := g.store.PrefixAlerts(ctx, now)
	if err != nil {
		return err
	}
	for _, a := range alerts {
		if g.alerts[a] {
			continue
		}
		g.alerts[a] = true
		g.mu.Lock()
		g.pumped++
		g.mu.Unlock()
		g.log.WarnContext(ctx, "a prefix limit was hit outside campaigns: the account's sending may be abused for number pumping",
			slog.String("account_id", a.AccountID.String()), slog.String("prefix", a.Prefix))
	}
	if now.Sub(g.swept) < time.Minute {
		return nil
	}
	g.swept = now
	for a := range g.alerts {
		if a.Hour < now.Add(-2*time.Hour).UnixMilli()/time.Hour.Milliseconds() {
			delete(g.alerts, a)
		}
	}
	return g.store.ForgetTouches(ctx, now)
}
