package dispatch

import (
	"context"
	"time"

	"github.com/overture-im/overture"
)

// patience bounds every question of the engine to the database. Without it one that is never answered, because the server was frozen or the
// network was cut without a word, would hold up a sender, and the renewal of its lease, until the operating system gives up (F-PG5).
const patience = 10 * time.Second

// patient is a store that answers in time or with an error. Commit has a limit of its own.
type patient struct{ Store }

func soon(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, patience)
}

func (p patient) AcquireLease(ctx context.Context, sender overture.SenderID, owner string, ttl time.Duration) (overture.Lease, bool, error) {
	// A renewal that takes longer than the lease is worth nothing; the next one may go better.
	ctx, cancel := context.WithTimeout(ctx, min(ttl, patience))
	defer cancel()
	return p.Store.AcquireLease(ctx, sender, owner, ttl)
}

func (p patient) ReleaseLease(ctx context.Context, lease overture.Lease) error {
	ctx, cancel := soon(ctx)
	defer cancel()
	return p.Store.ReleaseLease(ctx, lease)
}

func (p patient) SendersWithWork(ctx context.Context) ([]overture.SenderID, error) {
	ctx, cancel := soon(ctx)
	defer cancel()
	return p.Store.SendersWithWork(ctx)
}

func (p patient) OpenLanes(ctx context.Context, sender overture.SenderID) ([]overture.Lane, error) {
	ctx, cancel := soon(ctx)
	defer cancel()
	return p.Store.OpenLanes(ctx, sender)
}

func (p patient) LanesInDoubt(ctx context.Context, sender overture.SenderID) ([]overture.Lane, error) {
	ctx, cancel := soon(ctx)
	defer cancel()
	return p.Store.LanesInDoubt(ctx, sender)
}

func (p patient) DueMessages(ctx context.Context, lane overture.LaneID, now time.Time, after overture.Place, limit int) ([]overture.DueMessage, overture.Place, bool, error) {
	ctx, cancel := soon(ctx)
	defer cancel()
	return p.Store.DueMessages(ctx, lane, now, after, limit)
}

func (p patient) NextDue(ctx context.Context, lane overture.LaneID) (time.Time, bool, error) {
	ctx, cancel := soon(ctx)
	defer cancel()
	return p.Store.NextDue(ctx, lane)
}

func (p patient) ImportHeader(ctx context.Context, id overture.ImportID) (map[string]int, error) {
	ctx, cancel := soon(ctx)
	defer cancel()
	return p.Store.ImportHeader(ctx, id)
}

func (p patient) AdoptInflight(ctx context.Context, lease overture.Lease, now time.Time, grace time.Duration) (int, error) {
	ctx, cancel := soon(ctx)
	defer cancel()
	return p.Store.AdoptInflight(ctx, lease, now, grace)
}

func (p patient) Doubts(ctx context.Context, lease overture.Lease, now time.Time, limit int) ([]overture.Doubt, error) {
	ctx, cancel := soon(ctx)
	defer cancel()
	return p.Store.Doubts(ctx, lease, now, limit)
}

func (p patient) InflightCount(ctx context.Context, sender overture.SenderID) (int, error) {
	ctx, cancel := soon(ctx)
	defer cancel()
	return p.Store.InflightCount(ctx, sender)
}

func (p patient) KnownProviderIDs(ctx context.Context, sender overture.SenderID, address overture.Address) (map[string]bool, error) {
	ctx, cancel := soon(ctx)
	defer cancel()
	return p.Store.KnownProviderIDs(ctx, sender, address)
}

func (p patient) SenderForDispatch(ctx context.Context, id overture.SenderID) (overture.Sender, error) {
	ctx, cancel := soon(ctx)
	defer cancel()
	return p.Store.SenderForDispatch(ctx, id)
}
