// Package receipt takes in what providers say later about messages they accepted.
//
//	Does:   gathers receipts of all webhooks into one transaction per 500 or 3 ms and answers each when it is durable (R10);
//	        once a minute matches those that came before their message; asks providers about messages whose last word did not come (lost.go)
//	Reads:  message, inflight, attempt, orphan_receipt; campaign, campaign_count, receipt_sweep
//	Writes: receipt, orphan_receipt, receipt_sweep; message states sent, undelivered, delivered, read (and accepted, where a receipt proves it);
//	        attempts found; opt-outs the provider reports
//	Wakes:  "campaign" when messages moved
package receipt

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/kit/crashpoint"
)

// Store applies receipts; the same ones again, or in another order, must end in the same rows.
type Store interface {
	ApplyReceipts(ctx context.Context, receipts []overture.Receipt, now time.Time) (overture.ReceiptTally, error)
	MatchOrphans(ctx context.Context, now time.Time) (overture.ReceiptTally, error)
}

// Waker tells who waits for a topic that there is something to look at.
type Waker interface{ Publish(topic string) }

const topicCampaign = "campaign"

const (
	batchLimit    = 500                  // receipts per transaction
	batchWait     = 3 * time.Millisecond // how long the first receipt of a batch waits for others
	commitTimeout = 10 * time.Second     // the provider's own time-out is 15 s
	orphanEvery   = time.Minute
	// QueueLimit is how many receipts may wait; above it callers are told to come back.
	QueueLimit = 4096
)

// Deps of an Intake.
type Deps struct {
	Store Store
	Wakes Waker
	Log   *slog.Logger
	Now   func() time.Time
}

// Intake is the batcher. Safe for concurrent use; it works while Run does.
type Intake struct {
	deps    Deps
	queue   chan *arrival
	waiting atomic.Int64 // receipts in the queue
	stopped chan struct{}
}

// arrival is what one post brought.
type arrival struct {
	receipts []overture.Receipt
	done     chan error // buffered: nobody waits for a caller who has gone
}

// NewIntake makes the batcher.
func NewIntake(d Deps) *Intake {
	return &Intake{deps: d, queue: make(chan *arrival, QueueLimit), stopped: make(chan struct{})}
}

// Add stores one receipt and returns when it is durable. An error means that it may not be: the provider must send it again.
// Unavailable: the queue is full, the database does not answer, or the server is stopping.
func (i *Intake) Add(ctx context.Context, r overture.Receipt) error {
	return i.AddAll(ctx, []overture.Receipt{r})
}

// AddAll stores what one post of a provider brought, as Add does. After an error some of it may be durable: storing it again changes nothing.
func (i *Intake) AddAll(ctx context.Context, receipts []overture.Receipt) error {
	if len(receipts) == 0 {
		return nil
	}
	a := &arrival{receipts: receipts, done: make(chan error, 1)}
	select {
	case <-i.stopped:
		return errStopped()
	default:
	}
	busy := &overture.Error{Kind: overture.Unavailable, Code: "receipts_busy", Message: "too many receipts wait to be stored; send this one again in a moment"}
	n := int64(len(receipts))
	if i.waiting.Add(n) > QueueLimit && n < QueueLimit {
		i.waiting.Add(-n)
		return busy
	}
	select {
	case i.queue <- a:
	default:
		i.waiting.Add(-n)
		return busy
	}
	select {
	case err := <-a.done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	case <-i.stopped:
		select {
		case err := <-a.done: // it was in the last batch
			return err
		default:
			return errStopped()
		}
	}
}

func errStopped() error {
	return &overture.Error{Kind: overture.Unavailable, Code: "stopping", Message: "the server is stopping; send this again in a moment"}
}

// Run commits batches until ctx ends, then what still waits, and returns nil.
func (i *Intake) Run(ctx context.Context) error {
	var matching sync.WaitGroup
	matching.Go(func() { i.matchOrphans(ctx) })
	defer matching.Wait()
	defer close(i.stopped)
	batch := make([]*arrival, 0, batchLimit)
	for {
		select {
		case <-ctx.Done():
			for batch = i.gather(batch[:0], nil); len(batch) > 0; batch = i.gather(batch[:0], nil) {
				i.commit(ctx, batch)
			}
			return nil
		case first := <-i.queue:
			wait := time.NewTimer(batchWait)
			batch = i.gather(append(batch[:0], first), wait.C)
			wait.Stop()
			i.commit(ctx, batch)
		}
	}
}

// gather takes what waits, up to a batch; with a timer it also waits for more until that fires.
func (i *Intake) gather(batch []*arrival, wait <-chan time.Time) []*arrival {
	n := 0
	for _, a := range batch {
		n += len(a.receipts)
	}
	for n < batchLimit {
		if wait == nil {
			select {
			case a := <-i.queue:
				batch = append(batch, a)
				n += len(a.receipts)
			default:
				return batch
			}
			continue
		}
		select {
		case a := <-i.queue:
			batch = append(batch, a)
			n += len(a.receipts)
		case <-wait:
			return batch
		}
	}
	return batch
}

// commit stores a batch and answers its callers. A batch that fails for another reason than the database being away is halved, so that
// one impossible receipt does not take the others with it.
func (i *Intake) commit(ctx context.Context, batch []*arrival) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), commitTimeout)
	defer cancel()
	receipts := batch[0].receipts
	if len(batch) > 1 {
		receipts = make([]overture.Receipt, 0, batchLimit)
		for _, a := range batch {
			receipts = append(receipts, a.receipts...)
		}
	}
	i.waiting.Add(-int64(len(receipts)))
	for at, err := range i.store(ctx, batch, receipts) {
		batch[at].done <- err
	}
}

// store writes what arrived and gives one result per arrival.
func (i *Intake) store(ctx context.Context, batch []*arrival, receipts []overture.Receipt) []error {
	results := make([]error, len(batch))
	crashpoint.Pass("CP12a")
	tally, err := i.deps.Store.ApplyReceipts(ctx, receipts, i.deps.Now())
	crashpoint.Pass("CP12b")
	if err == nil {
		i.report(tally)
		return results
	}
	if len(receipts) > 1 && overture.KindOf(err) != overture.Unavailable && ctx.Err() == nil {
		if len(batch) == 1 {
			half := len(receipts) / 2
			first := i.store(ctx, batch, receipts[:half])
			second := i.store(ctx, batch, receipts[half:])
			return []error{errors.Join(first[0], second[0])}
		}
		half, n := len(batch)/2, 0
		for _, a := range batch[:half] {
			n += len(a.receipts)
		}
		return append(i.store(ctx, batch[:half], receipts[:n]), i.store(ctx, batch[half:], receipts[n:])...)
	}
	i.deps.Log.Error("receipts were not stored", "count", len(receipts), "message_id", receipts[0].MessageID.String(), "error", err)
	for at := range results {
		results[at] = err
	}
	return results
}

func (i *Intake) report(tally overture.ReceiptTally) {
	if tally.Raised > 0 {
		i.deps.Wakes.Publish(topicCampaign)
	}
	if tally.Foreign > 0 {
		i.deps.Log.Warn("receipts about messages of another sender were ignored", "count", tally.Foreign)
	}
	if tally.Orphaned > 0 {
		i.deps.Log.Info("receipts about unknown messages are kept for a day", "count", tally.Orphaned)
	}
}

func (i *Intake) matchOrphans(ctx context.Context) {
	tick := time.NewTicker(orphanEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		tally, err := i.deps.Store.MatchOrphans(ctx, i.deps.Now())
		if err != nil && ctx.Err() == nil {
			i.deps.Log.Error("receipts that wait for their message could not be matched", "error", err)
		}
		i.report(tally)
	}
}
