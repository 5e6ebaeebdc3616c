package app

import (
	"context"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/outbound/dispatch/core"
	"github.com/overture-im/overture/internal/serve/api"
	"github.com/overture-im/overture/internal/serve/ops"
	"github.com/overture-im/overture/internal/store"
	"github.com/overture-im/overture/internal/store/sqldb"
)

// standing puts together what the engine and the database know, for administrators of one account.
type standing struct {
	options Options
	db      *store.Store
	engine  func() []core.Snapshot
	pulse   *pulse
	checks  func(context.Context) (ready bool, all []ops.Standing)
	owner   string
	began   time.Time
}

// SenderHealth tells how the account's senders stand.
func (s *standing) SenderHealth(ctx context.Context, account overture.AccountID, after overture.SenderID, limit int) ([]api.SenderHealth, error) {
	senders, err := s.db.SenderStandings(ctx, account, after, limit)
	if err != nil {
		return nil, err
	}
	running := map[overture.SenderID]core.Snapshot{}
	for _, x := range s.engine() {
		running[x.SenderID] = x
	}
	now := time.Now()
	out := make([]api.SenderHealth, 0, len(senders))
	for _, x := range senders {
		shot, here := running[x.ID]
		h := healthOf(x, shot, here && x.LeaseOwner == s.owner, now)
		h.Sent = s.pulse.rate(x.ID, now)
		out = append(out, h)
	}
	return out, nil
}

// healthOf judges one sender. here: this node sends for it, and shot is what it knows.
func healthOf(x overture.SenderStanding, shot core.Snapshot, here bool, now time.Time) api.SenderHealth {
	h := api.SenderHealth{Sender: x.ID, State: "idle", Here: here, Rate: x.Rate, Waiting: x.Waiting, InDoubt: x.InDoubt}
	if x.LeaseUntil.After(now) {
		h.LeaseUntil = x.LeaseUntil
	}
	due := !x.FirstDue.IsZero() && !x.FirstDue.After(now)
	if due {
		h.OldestDue = x.FirstDue
	}
	if here {
		h.Why, h.RateAllowed = overture.Written(shot.Why), shot.Rate
	}
	switch {
	case x.Stopped:
		h.State, h.Why = "stopped", overture.Written(x.StopReason)
	case here && shot.Why != "" && (shot.BreakerOpen || shot.Speed >= 0.95):
		h.State = "troubled"
	case here && shot.Why != "":
		h.State = "slowed"
	case !h.LeaseUntil.IsZero() && due:
		h.State = "sending"
	case x.Waiting > 0 || due:
		h.State = "waiting"
	}
	return h
}

// ServerHealth tells how the server and the account's queue stand.
func (s *standing) ServerHealth(ctx context.Context, account overture.AccountID) (api.ServerHealth, error) {
	h := api.ServerHealth{
		Version: version(), Engine: engineName(s.options), Schema: sqldb.KnownSchema(), Since: s.began, DiskThreshold: s.options.MinFreeDisk,
	}
	ready, checks := s.checks(ctx)
	h.Ready = ready
	for _, c := range checks {
		h.Checks = append(h.Checks, api.HealthCheck{Name: c.Name, Means: overture.Written(c.Means), OK: c.OK})
	}
	if free, err := freeSpace(s.options.DataDir); err == nil {
		h.DiskFree = free
	}
	var err error
	if h.Quarantine, err = s.db.InQuarantine(ctx); err != nil {
		return h, err
	}
	if h.EmergencyStop, err = s.db.EmergencyStopped(ctx); err != nil {
		return h, err
	}
	if h.LastBackup, err = s.db.LastBackup(ctx); err != nil {
		return h, err
	}
	h.Queue, err = s.db.AccountQueue(ctx, account, time.Now())
	return h, err
}
