package dispatch

import (
	"context"
	"errors"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/kit/crashpoint"
	"github.com/overture-im/overture/internal/outbound/dispatch/core"
)

// lookUp asks the provider's record about one doubt.
func (r *runner) lookUp(ctx context.Context, l core.Lookup) {
	record, err := r.record(ctx, &l)
	if ctx.Err() != nil {
		return // a lookup that was cut off says nothing, and must not count as one that failed
	}
	record.Failed = err != nil
	if send, ok := errors.AsType[*overture.SendError](err); ok {
		record.Rest = send.RetryAfter
	}
	crashpoint.Pass("CP11")
	r.tell(func(now core.Moment) {
		s := r.machine.TookRecord(&l, record, now)
		r.e.Observer.LookedUp(r.id, s.Outcome)
		r.e.tell(r.id, l.Doubt.CampaignID, &s)
		if err != nil {
			r.e.Log.DebugContext(ctx, "a lookup failed", "sender_id", r.id.String(), "message_id", l.Doubt.MessageID.String(), "error", err)
		}
	})
}

var (
	errNoProvider = errors.New("this node is set up without the sender's provider")
	errUnwritten  = errors.New("what the provider accepted is not written yet")
)

func (r *runner) record(ctx context.Context, l *core.Lookup) (rec core.Record, err error) {
	sender, err := r.currentSender(ctx)
	if err != nil {
		return rec, err
	}
	if rec.Wanted, err = r.textOf(ctx, l); err != nil {
		return rec, err
	}
	provider := r.e.Providers[sender.Provider]
	if provider == nil {
		return rec, errNoProvider
	}
	whole := false
	if l.Together {
		if rec.Found, whole, err = r.listedSince(ctx, sender, provider, l, rec.Wanted); err != nil {
			return rec, err
		}
	}
	if !whole {
		if rec.Found, err = provider.Find(ctx, sender, l.Doubt.Address, l.Doubt.Since.Add(-core.RecordMargin)); err != nil {
			return rec, err
		}
	}
	if len(rec.Found) == 0 {
		return rec, nil
	}
	// An entry that is not young was answered before the record was read. Its settlement must be in what is known, or it would pass for the doubt.
	select {
	case <-r.resultsWritten():
	case <-time.After(patience):
		return rec, errUnwritten
	case <-ctx.Done():
		return rec, ctx.Err()
	}
	rec.Known, err = r.e.Store.KnownProviderIDs(ctx, sender.ID, l.Doubt.Address)
	return rec, err
}

// textOf renders what the attempt sent.
func (r *runner) textOf(ctx context.Context, l *core.Lookup) (string, error) {
	m := l.Doubt.DueMessage
	if m.Body != "" {
		return m.Body, nil
	}
	if l.Lane == nil {
		return "", overture.ErrNotFound("lane")
	}
	names, err := r.headers.of(ctx, m.ImportID)
	if err != nil {
		return "", err
	}
	m.Personal.Names = names
	return core.Text(l.Lane, &m, r.e.Smart)
}
