package dispatch

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/kit/crashpoint"
	"github.com/overture-im/overture/internal/outbound/dispatch/core"
)

// runner does all the work of one sender while this node owns it. Everything is decided by its core.Machine, which only the loop touches;
// what the loop starts comes back to it on channels.
type runner struct {
	e       *Engine
	id      overture.SenderID
	machine *core.Machine
	lease   overture.Lease
	headers *headers

	verdicts chan markedBatch
	ended    chan ending
	news     chan func(now core.Moment) // what reads, renewals and lookups came to
	answers  chan core.Task             // sent before tasks
	tasks    chan core.Task
	wake     chan struct{}
	over     chan struct{} // closed when the loop is over: nobody takes news any more
	hired    int           // workers
	workers  sync.WaitGroup
	helpers  sync.WaitGroup

	readings readings

	until   atomic.Pointer[core.Moment] // the lease's local deadline, for the workers
	stood   atomic.Pointer[core.Snapshot]
	shownAt time.Duration

	mu     sync.Mutex
	sender overture.Sender
	loaded time.Time
}

func newRunner(e *Engine, id overture.SenderID) *runner {
	room := e.cfg.MostOutstanding() + 32 // more than can be outstanding at once, so that nobody who hands something back waits
	return &runner{
		e: e, id: id, headers: &headers{queue: e.Store, known: map[overture.ImportID]map[string]int{}},
		verdicts: make(chan markedBatch, room), ended: make(chan ending, room), news: make(chan func(core.Moment), 16),
		answers: make(chan core.Task, room), tasks: make(chan core.Task, room), wake: make(chan struct{}, 1), over: make(chan struct{}),
	}
}

// run takes the sender, if nobody else has it, and works until ctx ends, the lease is lost, or there has been nothing to do for a while.
func (r *runner) run(ctx context.Context) error {
	if _, err := r.currentSender(ctx); err != nil { // before the lease, which would keep another node from it
		return err
	}
	asked := r.e.now()
	crashpoint.Pass("CP1")
	lease, ok, err := r.e.Store.AcquireLease(ctx, r.id, r.e.Owner, r.e.cfg.LeaseTTL)
	if err != nil || !ok {
		return err
	}
	r.lease = lease
	r.machine = core.New(r.e.cfg, lease, asked, r.e.now(), r.e.Windows, newToken)
	r.e.worksAgain(ctx, r.id)
	// Renewal and sends outlive ctx: stopping means finishing what is in flight under a lease that still holds.
	hold, letGo := context.WithCancel(context.WithoutCancel(ctx))
	release := r.loop(ctx, hold)
	close(r.over)
	close(r.answers)
	close(r.tasks)
	r.workers.Wait()
	<-r.e.marks.flushed(r.head())
	<-r.resultsWritten()
	letGo()
	r.helpers.Wait()
	if release {
		if err := r.e.Store.ReleaseLease(context.WithoutCancel(ctx), lease); err != nil {
			return fmt.Errorf("release lease: %w", err)
		}
	}
	return nil
}

// loop asks the Machine what to do, has it done, and tells the Machine what it came to.
func (r *runner) loop(ctx, hold context.Context) (release bool) {
	reading, stopReading := context.WithCancel(hold)
	defer stopReading()
	timer := time.NewTimer(0)
	defer timer.Stop()
	stop := ctx.Done()
	for {
		now := r.e.now()
		if r.e.results.stuck(now) {
			r.machine.ResultsUnwritten(now)
		}
		orders := r.machine.Tick(now)
		until := r.machine.LeaseUntil()
		r.until.Store(&until)
		r.show(now)
		r.carryOut(ctx, reading, hold, orders)
		if orders.Done {
			return orders.Release
		}
		timer.Reset(orders.WakeIn)
		select {
		case b := <-r.verdicts:
			r.tookVerdicts(b)
		case x := <-r.ended:
			r.tookEnding(x)
		case f := <-r.news:
			f(r.e.now())
		case <-r.wake:
			r.machine.Woken()
		case <-timer.C:
		case <-stop:
			r.machine.Stop()
			stop = nil
		}
		r.takeWhatIsThere()
	}
}

// takeWhatIsThere takes everything that has already arrived, so that one look at the Machine serves many.
func (r *runner) takeWhatIsThere() {
	for range cap(r.ended) {
		select {
		case b := <-r.verdicts:
			r.tookVerdicts(b)
		case x := <-r.ended:
			r.tookEnding(x)
		case f := <-r.news:
			f(r.e.now())
		default:
			return
		}
	}
}

func (r *runner) tookVerdicts(b markedBatch) {
	now := r.e.now()
	if b.err == nil {
		r.e.Observer.Marked(r.id, len(b.tasks), now.Mono-b.began.Mono)
	}
	r.machine.TookVerdicts(b.tasks, b.verdicts, b.began, b.err != nil, now)
}

func (r *runner) tookEnding(x ending) {
	s := r.machine.TookEnding(&x.task, x.result, r.e.now())
	r.e.Observer.Attempted(r.id, x.task.Lane.CampaignID, s.Outcome, s.Code, x.took)
	r.e.tell(r.id, x.task.Lane.CampaignID, &s)
}

// tell hands news to the loop, or drops it when the loop is over.
func (r *runner) tell(f func(now core.Moment)) {
	select {
	case r.news <- f:
	case <-r.over:
	}
}

func (r *runner) poke() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// resultsWritten gives a channel that closes when all settlements up to now are written or given up.
func (r *runner) resultsWritten() <-chan struct{} { return r.e.results.flushed(r.head()) }

func (r *runner) head() overture.SenderWork {
	r.mu.Lock()
	defer r.mu.Unlock()
	return overture.SenderWork{Lease: r.lease, BrandID: r.sender.BrandID, AccountID: r.sender.AccountID, Channel: r.sender.Channel}
}

// showEvery is how old a snapshot may be.
const showEvery = 100 * time.Millisecond

func (r *runner) show(now core.Moment) {
	if r.stood.Load() == nil || now.Mono-r.shownAt >= showEvery {
		s := r.machine.Snapshot(now)
		if was := r.stood.Load(); was != nil && was.RecordMute != s.RecordMute {
			r.tellRecord(s.RecordMute)
		}
		r.stood.Store(&s)
		r.shownAt = now.Mono
		r.dropReading(now.Mono)
	}
}

// currentSender gives the sender with its credentials, at most two seconds old.
func (r *runner) currentSender(ctx context.Context) (overture.Sender, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if time.Since(r.loaded) < 2*time.Second {
		return r.sender, nil
	}
	s, err := r.e.Store.SenderForDispatch(ctx, r.id)
	if err != nil {
		if !r.loaded.IsZero() {
			return r.sender, nil
		}
		return s, err
	}
	r.sender, r.loaded = s, time.Now()
	return s, nil
}
