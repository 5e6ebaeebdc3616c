// Package quarantine keeps a database that is older than the world from sending anything twice (R11, docs/adr/0014-operations.md).
//
//	Does:   puts every message that may have been sent in doubt, until nothing is left to put; says so in the log
//	Reads:  quarantine, dispatch, message, campaign
//	Writes: in-flight markers without a token; the engine's lookups do the rest
//	Wakes:  "dispatch" when markers were written
package quarantine

import (
	"context"
	"log/slog"
	"time"

	"github.com/overture-im/overture"
)

// Store finds what may have been sent.
type Store interface {
	InQuarantine(ctx context.Context) (bool, error)
	Doubt(ctx context.Context, grace time.Duration) (marked int, err error)
	Quarantine(ctx context.Context) (overture.Quarantine, error)
}

// Keeper works while a quarantine lasts.
type Keeper struct {
	Store Store
	Grace time.Duration // before the provider is asked: what was on its way may still appear in its record
	Wake  func(topic string)
	Log   *slog.Logger

	active bool
	told   time.Time
	next   time.Time // when the queue is gone through again after it held nothing new
}

const (
	every    = time.Second
	tellFor  = time.Minute
	patience = 30 * time.Second
	again    = 10 * time.Second // a long queue takes seconds to go through, and only planning adds to it
)

// Run looks every second whether there is a quarantine, until ctx ends.
func (k *Keeper) Run(ctx context.Context) error {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		if err := k.round(ctx); err != nil && ctx.Err() == nil {
			k.Log.WarnContext(ctx, "the quarantine could not be looked at; trying again", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

func (k *Keeper) round(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	active, err := k.Store.InQuarantine(ctx)
	if err != nil {
		return err
	}
	if !active {
		if k.active {
			k.Log.InfoContext(ctx, "the quarantine is over: sending goes on")
			k.Wake("dispatch")
		}
		k.active, k.next = false, time.Time{}
		return nil
	}
	if time.Now().Before(k.next) {
		return nil
	}
	marked, err := k.Store.Doubt(ctx, k.Grace)
	if marked > 0 {
		k.Wake("dispatch")
	}
	if err != nil {
		return err
	}
	if marked == 0 {
		k.next = time.Now().Add(again)
	}
	if k.active && marked == 0 && time.Since(k.told) < tellFor {
		return nil
	}
	k.active, k.told = true, time.Now()
	q, err := k.Store.Quarantine(ctx)
	if err != nil || !q.Active {
		return err
	}
	k.Log.WarnContext(ctx, "in quarantine: nothing is sent; see overture quarantine status", "reason", q.Reason, "since", q.Since, "clear", q.Clear(),
		"campaigns_to_plan", q.Planning, "messages_to_mark", q.ToCheck, "messages_in_doubt", q.InDoubt)
	return nil
}
