package dispatch

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/kit/crashpoint"
	"github.com/overture-im/overture/internal/outbound/dispatch/core"
)

// committer merges the work of all senders into one transaction per interval, so that durable does not mean slow. Marks are answered by a
// callback; settlements are kept until they are written. A node has one for everything, or one for marks and moves and one for settlements
// (docs/adr/0020-two-committers.md).
type committer struct {
	record Record
	every  time.Duration
	now    func() core.Moment
	log    *slog.Logger

	began   atomic.Int64 // when the transaction that is being written began, on the monotonic clock; 0: none is
	failing atomic.Bool  // the last one could not be written

	mu      sync.Mutex
	pending map[overture.SenderID]*pendingWork
	last    map[overture.SenderID]batchSize // of the transaction before: the next is about as large
	wake    chan struct{}
	quit    chan struct{}
	done    chan struct{}
}

// pendingWork is what a sender wants written by the next transaction.
type pendingWork struct {
	work    overture.SenderWork
	answers []markAnswer
	waiters []chan<- struct{}
	tries   int
}

type batchSize struct{ marks, settlements int }

// markAnswer hands the verdicts of one batch of marks back. began is a moment before the commit began: the send deadline counts from it.
type markAnswer struct {
	n  int
	fn func(verdicts []overture.Verdict, began core.Moment, err error)
}

func newCommitter(record Record, every time.Duration, now func() core.Moment, log *slog.Logger) *committer {
	return &committer{
		record: record, every: every, now: now, log: log, pending: map[overture.SenderID]*pendingWork{}, last: map[overture.SenderID]batchSize{},
		wake: make(chan struct{}, 1), quit: make(chan struct{}), done: make(chan struct{}),
	}
}

// stop writes what is left and ends. Nobody may add work afterwards.
func (c *committer) stop() {
	close(c.quit)
	<-c.done
}

func (c *committer) of(head overture.SenderWork) *pendingWork {
	p := c.pending[head.Lease.SenderID]
	if p == nil || p.work.Lease != head.Lease {
		// A new lease of the same sender: what the old one left is superseded anyway.
		p = &pendingWork{work: head}
		if last := c.last[head.Lease.SenderID]; last.marks+last.settlements > 0 {
			p.work.Marks = make([]overture.Mark, 0, last.marks)
			p.work.Settlements = make([]overture.Settlement, 0, last.settlements)
		}
		c.pending[head.Lease.SenderID] = p
	}
	return p
}

func (c *committer) poke() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// mark asks for marks; fn is called once from the committer's goroutine and must not block.
func (c *committer) mark(head overture.SenderWork, marks []overture.Mark, fn func([]overture.Verdict, core.Moment, error)) {
	c.mu.Lock()
	p := c.of(head)
	p.work.Marks = append(p.work.Marks, marks...)
	p.answers = append(p.answers, markAnswer{n: len(marks), fn: fn})
	c.mu.Unlock()
	c.poke()
}

// settle records the end of an attempt, sooner or later.
func (c *committer) settle(head overture.SenderWork, xs ...overture.Settlement) {
	c.mu.Lock()
	p := c.of(head)
	p.work.Settlements = append(p.work.Settlements, xs...)
	c.mu.Unlock()
	c.poke()
}

// move changes places of queued messages.
func (c *committer) move(head overture.SenderWork, moves []overture.Move) {
	c.mu.Lock()
	p := c.of(head)
	p.work.Moves = append(p.work.Moves, moves...)
	c.mu.Unlock()
	c.poke()
}

// flushed returns a channel that closes when everything added for the sender before the call is written or given up.
func (c *committer) flushed(head overture.SenderWork) <-chan struct{} {
	ch := make(chan struct{}, 1)
	c.mu.Lock()
	p := c.of(head)
	p.waiters = append(p.waiters, ch)
	c.mu.Unlock()
	c.poke()
	return ch
}

func (c *committer) run() {
	defer close(c.done)
	timer := time.NewTimer(0)
	<-timer.C
	last := time.Time{}
	for quitting := false; ; {
		if !quitting {
			select {
			case <-c.wake:
			case <-c.quit:
				quitting = true
			}
		}
		if wait := c.every - time.Since(last); wait > 0 && !quitting {
			timer.Reset(wait)
			<-timer.C
		}
		last = time.Now()
		batch := c.take()
		if len(batch) == 0 {
			if quitting {
				return
			}
			continue
		}
		c.began.Store(int64(c.now().Mono) + 1)
		healthy := c.commit(batch)
		c.began.Store(0)
		c.failing.Store(!healthy)
		if !healthy {
			if quitting {
				return // markers of unwritten settlements stay and are looked up after the restart
			}
			timer.Reset(200 * time.Millisecond) // the database is in trouble: do not spin
			<-timer.C
		}
		if quitting {
			return
		}
	}
}

// longCommit is how long a transaction may take before nobody relies on it.
const longCommit = time.Second

// stuck tells whether what is handed in is not being written.
func (c *committer) stuck(now core.Moment) bool {
	began := c.began.Load()
	return c.failing.Load() || began > 0 && now.Mono-time.Duration(began) > longCommit
}

func (c *committer) take() []*pendingWork {
	c.mu.Lock()
	defer c.mu.Unlock()
	batch := make([]*pendingWork, 0, len(c.pending))
	clear(c.last)
	for id, p := range c.pending {
		delete(c.pending, id)
		c.last[id] = batchSize{len(p.work.Marks), len(p.work.Settlements)}
		if len(p.work.Marks)+len(p.work.Settlements)+len(p.work.Moves)+len(p.waiters) > 0 {
			batch = append(batch, p)
		}
	}
	return batch
}

// commit writes a batch; when the database refuses it for a reason that is not its health, it writes each sender alone and looks for what is
// refused, so that one bad row stops nobody.
func (c *committer) commit(batch []*pendingWork) (healthy bool) {
	err := c.write(batch)
	if err == nil {
		return true
	}
	healthy = true
	for i, p := range batch {
		switch {
		case unhealthy(err) || !healthy:
			c.failed(p, err)
			healthy = false
		case len(batch) > 1 && c.write(batch[i:i+1]) == nil:
		default:
			healthy = c.isolate(p, err)
		}
	}
	return healthy
}

func (c *committer) write(batch []*pendingWork) error {
	work := make([]overture.SenderWork, len(batch))
	for i, p := range batch {
		work[i] = p.work
	}
	began := c.now()
	// The context is not the runner's: what was sent must be recorded also while stopping.
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Second)
	defer cancel()
	results, err := c.record.Commit(ctx, began.Wall, work)
	if err != nil {
		return err
	}
	for i, p := range batch {
		if n := results[i].Superseded; n > 0 {
			c.log.Info("settlements superseded by a receipt or a newer owner", "sender_id", p.work.Lease.SenderID.String(), "count", n)
		}
		verdicts := results[i].Verdicts
		for _, a := range p.answers {
			a.fn(verdicts[:a.n], began, nil)
			verdicts = verdicts[a.n:]
		}
		p.letGo()
	}
	crashpoint.Pass("CP10")
	return nil
}

// letGo frees who waits until the work is written, or will never be. A runner that waited forever would keep its lease from everybody.
func (p *pendingWork) letGo() {
	for _, w := range p.waiters {
		close(w)
	}
	p.waiters = nil
}

// failed answers the marks with the error and keeps the rest for the next round: the database is not well.
func (c *committer) failed(p *pendingWork, err error) {
	for _, a := range p.answers {
		a.fn(nil, core.Moment{}, err)
	}
	if p.tries++; p.tries == 1 {
		c.log.Error("writing attempts", "sender_id", p.work.Lease.SenderID.String(), "settlements", len(p.work.Settlements), "error", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.pending[p.work.Lease.SenderID]
	if now == nil {
		now = &pendingWork{work: p.work}
		now.work.Marks, now.work.Settlements, now.work.Moves = nil, nil, nil
		c.pending[p.work.Lease.SenderID] = now
	}
	if now.work.Lease != p.work.Lease {
		p.letGo()
		return
	}
	now.work.Settlements = append(p.work.Settlements, now.work.Settlements...)
	now.work.Moves = append(p.work.Moves, now.work.Moves...)
	now.waiters = append(p.waiters, now.waiters...)
	now.tries = p.tries
	c.poke()
}
