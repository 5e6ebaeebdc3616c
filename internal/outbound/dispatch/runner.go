package dispatch

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/overture-im/overture"
)

// runner does all the work of one sender while this node owns it. Its loop is one goroutine; reads, sends and commits come back to it as
// messages on channels, so nothing here needs a lock but what status shows.
type runner struct {
	e      *Engine
	id     overture.SenderID
	tenure *tenure

	streams     map[overture.LaneID]*stream
	bucket      *bucket
	breaker     breaker
	headers     *headers
	pending     map[overture.MessageID]bool // read or marked or being sent
	outstanding int                         // marks asked for and not yet ended
	doubts      int
	throttled   time.Time // no marks before
	refusals    int       // 429s since the last acceptance
	stopped     bool      // the provider rejected the sender's credentials
	lanesAt     time.Time // when the lanes were read last; zero to read them now

	pages   chan page
	verdict chan markedBatch
	ended   chan ending
	tasks   chan task
	wake    chan struct{}
	workers int

	mu     sync.Mutex
	sender overture.Sender
	loaded time.Time
	words  string
}

type markedBatch struct {
	tasks    []task
	verdicts []overture.Verdict
	at       time.Time
	err      error
}

// ending tells the loop how one task ended.
type ending struct {
	id         overture.MessageID
	class      string // the settlement's outcome
	retryAfter time.Duration
	reason     string
	code       int
}

func newRunner(e *Engine, id overture.SenderID) *runner {
	return &runner{
		e: e, id: id, streams: map[overture.LaneID]*stream{}, pending: map[overture.MessageID]bool{},
		headers: &headers{queue: e.Store, known: map[overture.ImportID]map[string]int{}},
		pages:   make(chan page, 8), verdict: make(chan markedBatch, 2*e.cfg.Connections+16), ended: make(chan ending, 2*e.cfg.Connections+16),
		tasks: make(chan task, 4*e.cfg.Connections), wake: make(chan struct{}, 1),
	}
}

// window is how many messages may be marked and not yet ended: every connection busy, and as many waiting for a free one, so that
// no mark gets old.
func (r *runner) window() int { return r.e.cfg.Connections + max(r.e.cfg.Connections, 8) }

// lanesEvery is how often the open lanes are read again. Pause and cancel do not wait for it: the mark looks at the lane itself.
const lanesEvery = 250 * time.Millisecond

// idleFor is how long a sender without work keeps its runner.
const idleFor = 3 * time.Second

func (r *runner) head() overture.SenderWork {
	r.mu.Lock()
	defer r.mu.Unlock()
	return overture.SenderWork{Lease: r.tenure.lease, BrandID: r.sender.BrandID, AccountID: r.sender.AccountID, Channel: r.sender.Channel}
}

func (r *runner) run(ctx context.Context) error {
	t, ok, err := r.e.acquire(ctx, r.id)
	if err != nil || !ok {
		return err
	}
	r.tenure = t
	if _, err := r.currentSender(ctx); err != nil {
		return err
	}
	adopted, err := r.e.Store.AdoptInflight(ctx, t.lease, r.e.cfg.Grace)
	if err != nil {
		return err
	}
	if adopted > 0 {
		r.e.Log.InfoContext(ctx, "adopted attempts of an earlier owner; they will be looked up", "sender_id", r.id.String(), "count", adopted)
	}
	// Renewal and sends outlive ctx: stopping means finishing what is in flight under a lease that still holds.
	hold, release := context.WithCancel(context.WithoutCancel(ctx))
	var helpers, workers sync.WaitGroup
	helpers.Go(func() { r.e.renew(hold, t) })
	looking, stopLooking := context.WithCancel(ctx)
	helpers.Go(func() { r.settleDoubts(looking, t) })
	r.loop(ctx, hold, &workers)
	stopLooking()
	close(r.tasks)
	workers.Wait()
	<-r.e.committer.flushed(r.head())
	release()
	helpers.Wait()
	if !t.lost.Load() && ctx.Err() != nil {
		if err := r.e.Store.ReleaseLease(context.WithoutCancel(ctx), t.lease); err != nil {
			return fmt.Errorf("release lease: %w", err)
		}
	}
	return nil
}

// loop runs until ctx ends, the lease is lost, or the sender has had nothing to do for a while.
func (r *runner) loop(ctx, hold context.Context, workers *sync.WaitGroup) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	reading, stopReading := context.WithCancel(ctx) // so that no reader waits for a loop that is over
	defer stopReading()
	var countedAt time.Time
	quiet := time.Now()
	for ctx.Err() == nil && !r.tenure.lost.Load() {
		now := time.Now()
		if now.Sub(r.lanesAt) >= lanesEvery {
			r.refreshLanes(ctx, now)
			r.lanesAt = now
		}
		if now.Sub(countedAt) >= time.Second {
			if n, err := r.e.Store.InflightCount(ctx, r.id); err == nil {
				r.doubts = max(0, n-r.outstanding)
			}
			countedAt = now
		}
		r.startReads(reading, now)
		wait := r.markMore(now)
		if r.outstanding > 0 || r.doubts > 0 || r.anythingReady() {
			quiet = now
		} else if now.Sub(quiet) > idleFor {
			break
		}
		timer.Reset(min(max(wait, time.Millisecond), lanesEvery))
		r.await(ctx, hold, workers, timer)
	}
	// Marks that are still on their way come back as given back, because ctx has ended or the tenure is over.
	for r.outstanding > 0 {
		select {
		case b := <-r.verdict:
			r.tookVerdicts(hold, b, workers)
		case x := <-r.ended:
			r.tookEnding(x, time.Now())
		}
	}
}

// await takes one event and whatever else has already arrived.
func (r *runner) await(ctx, hold context.Context, workers *sync.WaitGroup, timer *time.Timer) {
	select {
	case p := <-r.pages:
		r.tookPage(p)
	case b := <-r.verdict:
		r.tookVerdicts(hold, b, workers)
	case x := <-r.ended:
		r.tookEnding(x, time.Now())
	case <-r.wake:
		for _, s := range r.streams {
			s.readAt = time.Time{}
		}
	case <-timer.C:
	case <-ctx.Done():
	}
	for range cap(r.ended) {
		select {
		case p := <-r.pages:
			r.tookPage(p)
		case b := <-r.verdict:
			r.tookVerdicts(hold, b, workers)
		case x := <-r.ended:
			r.tookEnding(x, time.Now())
		default:
			return
		}
	}
}

func (r *runner) poke() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

func (r *runner) refreshLanes(ctx context.Context, now time.Time) {
	sender, err := r.currentSender(ctx)
	if err != nil {
		return
	}
	lanes, err := r.e.Store.OpenLanes(ctx, r.id)
	if err != nil {
		return // the next refresh tries again; the mark looks at the lane itself
	}
	r.stopped = sender.Stopped
	if r.bucket == nil {
		r.bucket = newBucket(sender.Rate, now)
	}
	r.bucket.setRate(sender.Rate, now)
	open := map[overture.LaneID]bool{}
	for _, l := range lanes {
		open[l.ID] = true
		s := r.streams[l.ID]
		if s == nil {
			s = &stream{bucket: newBucket(l.Rate, now), served: r.leastServed()}
			r.streams[l.ID] = s
		}
		s.lane = l
		s.bucket.setRate(l.Rate, now)
	}
	for id, s := range r.streams {
		if !open[id] {
			for _, m := range s.ready {
				delete(r.pending, m.MessageID)
			}
			delete(r.streams, id)
		}
	}
}

// leastServed lets a new lane join the turns without catching up on the past.
func (r *runner) leastServed() float64 {
	least, any := 0.0, false
	for _, s := range r.streams {
		if !any || s.served < least {
			least, any = s.served, true
		}
	}
	return least
}

func (r *runner) anythingReady() bool {
	for _, s := range r.streams {
		if len(s.ready) > 0 {
			return true
		}
	}
	return false
}

func (r *runner) startReads(ctx context.Context, now time.Time) {
	for _, s := range r.streams {
		if !s.reading && len(s.ready) < readLimit/2 && !now.Before(s.readAt) {
			s.reading = true
			go r.e.read(ctx, &stream{lane: s.lane, cursor: s.cursor}, r.headers, r.pages)
		}
	}
}

func (r *runner) tookPage(p page) {
	s := r.streams[p.lane]
	if s == nil {
		return
	}
	if p.err != nil {
		r.e.Log.Warn("reading due messages", "sender_id", r.id.String(), "error", p.err)
	}
	s.took(p, r.pending, time.Now())
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
