package receipt

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/overture-im/overture"
)

// asker puts the questions of one sweep.
type asker struct {
	*Seeker
	sender overture.Sender
	source Source
	next   time.Time // not before: the rate
}

// answers are what came of one chunk of questions.
type answers struct {
	mu       sync.Mutex
	receipts []overture.Receipt
	again    []overture.Unconfirmed // failed: asked once more
	bad      int                    // in a row
	stop     error                  // the provider is left alone: why
	atLeast  time.Duration          // for that long, as it said
}

// askAll asks for those of a page that are due, in chunks; after each the answers are durable and the place is written. What failed is asked
// once more, then again at the message's next age. An error leaves the place at the last whole chunk.
func (a *asker) askAll(ctx context.Context, w *overture.ReceiptSweep, found []overture.Unconfirmed) error {
	found = slices.DeleteFunc(found, func(m overture.Unconfirmed) bool { return !a.due(*w, m) })
	for len(found) > 0 {
		sending, err := a.Store.SenderIsSending(ctx, a.sender.ID, time.Now())
		if err != nil {
			return err
		}
		rate, size := LookupRate, chunk
		if sending {
			rate, size = LookupRateSending, chunkSending
		}
		some := found[:min(size, len(found))]
		found = found[len(some):]
		got := a.askSome(ctx, some, time.Second/time.Duration(rate))
		if again := got.again; len(again) > 0 && got.stop == nil {
			first := got.receipts
			got = a.askSome(ctx, again, time.Second/time.Duration(rate))
			got.receipts = append(got.receipts, first...)
		}
		if err := a.deliver(ctx, got.receipts); err != nil {
			return err
		}
		if got.stop != nil {
			w.NextAt = time.Now().Add(a.restFor(a.sender.ID, got.atLeast))
			return errors.Join(fmt.Errorf("the provider is left alone until %s: %w", w.NextAt.UTC().Format(time.RFC3339), got.stop), a.save(ctx, *w))
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		w.At = some[len(some)-1].At
		if err := a.save(ctx, *w); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// askSome puts one question per spacing, a few at once, until all are answered or the provider should be left alone.
func (a *asker) askSome(ctx context.Context, some []overture.Unconfirmed, spacing time.Duration) *answers {
	got := &answers{}
	slots := make(chan struct{}, lookupsAtOnce)
	var asking sync.WaitGroup
	for _, m := range some {
		if now := time.Now(); a.next.Before(now) {
			a.next = now
		}
		if !wait(ctx, time.Until(a.next)) || got.stopped() {
			break
		}
		a.next = a.next.Add(spacing)
		slots <- struct{}{}
		asking.Go(func() {
			defer func() { <-slots }()
			r, has, err := a.source.Fetch(ctx, a.sender, m.ProviderID)
			a.take(ctx, got, m, r, has, err)
		})
	}
	asking.Wait()
	return got
}

func (g *answers) stopped() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.stop != nil
}

// take notes one answer.
func (a *asker) take(ctx context.Context, got *answers, m overture.Unconfirmed, r overture.Receipt, has bool, err error) {
	got.mu.Lock()
	defer got.mu.Unlock()
	if err != nil {
		if ctx.Err() != nil {
			return
		}
		outcome := "failed"
		got.bad++
		var e *overture.SendError
		if errors.As(err, &e) && (e.Class == overture.Throttled || e.Class == overture.Refused) {
			got.stop, got.atLeast = err, max(got.atLeast, e.RetryAfter)
			if e.Class == overture.Throttled {
				outcome = "throttled"
			}
		} else if got.bad >= badInARow {
			got.stop = err
		}
		got.again = append(got.again, m)
		a.Asked(outcome)
		return
	}
	got.bad = 0
	switch {
	case !has:
		a.Asked("gone")
	case r.State <= m.State:
		a.Asked("same")
	default:
		a.Asked("raised")
		r.AccountID, r.SenderID, r.MessageID, r.Token, r.ReceivedAt = a.sender.AccountID, a.sender.ID, m.MessageID, m.Token, time.Now()
		got.receipts = append(got.receipts, r)
	}
}

// deliver puts answers through the receipts' own door. A full queue or a database that is away is waited for by asking again later; what
// cannot be stored at all was logged there and must not hold up the others.
func (a *asker) deliver(ctx context.Context, receipts []overture.Receipt) error {
	err := a.Receipts.AddAll(ctx, receipts)
	if err == nil || overture.KindOf(err) == overture.Unavailable || ctx.Err() != nil {
		return err
	}
	a.Log.ErrorContext(ctx, "an answer to a question for a lost receipt cannot be stored", slog.Any("error", err))
	return nil
}
