package dispatch

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/overture-im/overture"
)

// tenure is a lease with its local deadline. The deadline is a monotonic clock reading taken before the request plus the time to live: a
// process that was frozen sees at once that it is over (R2).
type tenure struct {
	lease    overture.Lease
	deadline atomic.Pointer[time.Time]
	lost     atomic.Bool
}

// valid tells whether a send may begin now.
func (t *tenure) valid(now time.Time) bool { return !t.lost.Load() && now.Before(*t.deadline.Load()) }

// acquire tries once; ok is false while another node owns the sender.
func (e *Engine) acquire(ctx context.Context, sender overture.SenderID) (*tenure, bool, error) {
	before := time.Now()
	lease, ok, err := e.Store.AcquireLease(ctx, sender, e.Owner, e.cfg.LeaseTTL)
	if err != nil || !ok {
		return nil, false, err
	}
	t := &tenure{lease: lease}
	deadline := before.Add(e.cfg.LeaseTTL)
	t.deadline.Store(&deadline)
	return t, true, nil
}

// renew keeps the lease in its own goroutine, because a busy runner must not let it starve. It returns when ctx ends or the lease is lost.
func (e *Engine) renew(ctx context.Context, t *tenure) {
	ticker := time.NewTicker(e.cfg.LeaseTTL / 4)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		before := time.Now()
		lease, ok, err := e.Store.AcquireLease(ctx, t.lease.SenderID, e.Owner, e.cfg.LeaseTTL)
		switch {
		case err != nil: // the deadline stands: without a renewal it ends the sends by itself
		case !ok || lease.Epoch != t.lease.Epoch:
			t.lost.Store(true)
			return
		default:
			deadline := before.Add(e.cfg.LeaseTTL)
			t.deadline.Store(&deadline)
		}
	}
}
