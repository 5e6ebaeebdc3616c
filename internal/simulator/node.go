package simulator

import (
	"fmt"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/kit/mutant"
	"github.com/overture-im/overture/internal/outbound/dispatch/core"
)

// node is the model of one process: what internal/app and the shell of outbound/dispatch do around the core, with everything in memory lost
// when it dies. A process is frozen between two of its steps, never inside one.
type node struct {
	w        *world
	id       int
	skew     time.Duration // of its wall clock
	jump     time.Duration
	crashes  map[int]time.Duration // after so many steps it dies, and is back after
	pauses   map[int]time.Duration // after so many steps it is frozen for
	steps    int
	life     int // how often it has started
	up       bool
	stopping bool
	frozen   time.Duration // until
	born     time.Duration
	owner    string

	tenures  []*tenure // by sender
	taking   []bool
	planning []bool // by campaign
	housing  bool
	marks    committer     // also of moves
	results  committer     // unused where one transaction writes everything
	scanAt   time.Duration // the next look is already on its way; never: none is
	back     time.Duration // after a stop
	matched  time.Duration // orphans, last
}

const never = time.Duration(1<<63 - 1)

func newNode(w *world, id int) *node {
	n := &node{w: w, id: id, skew: ms(w.sc.Skew[id%len(w.sc.Skew)]), crashes: map[int]time.Duration{}, pauses: map[int]time.Duration{}, frozen: -1}
	for _, e := range w.sc.Events {
		if e.Kind == evCrashAt && e.Node == id {
			n.crashes[e.N] = ms(e.For)
		}
		if e.Kind == evPauseAt && e.Node == id {
			n.pauses[e.N] = ms(e.For)
		}
	}
	return n
}

// after lets f happen later in this process, if it still lives then. A frozen process does it when it wakes.
func (n *node) after(d time.Duration, f func()) {
	life := n.life
	n.w.after(d, func() { n.step(life, f) })
}

func (n *node) step(life int, f func()) {
	if !n.up || n.life != life {
		return
	}
	if n.frozen > n.w.now {
		n.w.after(n.frozen-n.w.now+n.w.between(0, 2*time.Millisecond), func() { n.step(life, f) })
		return
	}
	n.steps++
	f()
	if pause, sleeps := n.pauses[n.steps]; sleeps {
		n.frozen = max(n.frozen, n.w.now+pause)
		n.w.say("%s node %d is frozen after step %d for %v", n.w.stamp(), n.id, n.steps, pause)
	}
	if back, dies := n.crashes[n.steps]; dies && n.up {
		n.crash(back)
	}
}

func (n *node) now() core.Moment {
	return core.Moment{Mono: n.w.now - n.born, Wall: n.wall()}
}

func (n *node) wall() time.Time { return n.w.time().Add(n.skew + n.jump) }

func (n *node) start() {
	if n.up {
		return
	}
	n.up, n.stopping, n.born, n.frozen = true, false, n.w.now, -1
	n.life++
	n.owner = fmt.Sprintf("n%d.%d", n.id, n.life)
	n.tenures, n.taking = make([]*tenure, len(n.w.sc.Rates)), make([]bool, len(n.w.sc.Rates))
	n.planning = make([]bool, len(n.w.sc.Campaigns))
	n.marks = committer{n: n, pending: make([]*pendingWork, len(n.w.sc.Rates))}
	n.results = committer{n: n, pending: make([]*pendingWork, len(n.w.sc.Rates))}
	n.scanAt, n.housing = never, false
	n.w.note('u', int64(n.id), int64(n.life))
	n.scanIn(n.w.between(0, 300*time.Millisecond))
}

// crash is SIGKILL.
func (n *node) crash(back time.Duration) {
	if !n.up {
		return
	}
	n.w.say("%s node %d dies", n.w.stamp(), n.id)
	n.w.note('k', int64(n.id), int64(n.steps))
	n.up = false
	n.w.after(back, n.start)
}

// terminate is SIGTERM: what is in flight is finished and settled, leases are given back.
func (n *node) terminate(back time.Duration) {
	if !n.up || n.stopping {
		return
	}
	n.w.say("%s node %d stops", n.w.stamp(), n.id)
	n.stopping, n.back = true, back
	for _, t := range n.tenures {
		if t != nil {
			t.m.Stop()
			t.tick()
		}
	}
	n.goneWhenDone()
}

func (n *node) goneWhenDone() {
	if !n.stopping || !n.up {
		return
	}
	for i := range n.tenures {
		if n.tenures[i] != nil || n.taking[i] {
			return
		}
	}
	n.crash(n.back)
}

// wake says that there may be new work.
func (n *node) wake() {
	if !n.up {
		return
	}
	n.scanIn(n.w.between(time.Millisecond, 20*time.Millisecond))
	for _, t := range n.tenures {
		if t != nil {
			n.after(n.w.between(0, 5*time.Millisecond), func() {
				t.m.Woken()
				t.tick()
			})
		}
	}
}

func (n *node) scanIn(d time.Duration) {
	if at := n.w.now + d; at < n.scanAt {
		n.scanAt = at
		n.after(d, func() {
			if n.w.now >= n.scanAt {
				n.scanAt = never
				n.scan()
			}
		})
	}
}

// receipt is the webhook for receipts: answered when it is durable (R10).
func (n *node) receipt(r overture.Receipt, done func(ok bool)) {
	r.ReceivedAt = n.wall()
	n.store(func() { n.w.db.book.ApplyReceipts([]overture.Receipt{r}, r.ReceivedAt) }, func(ok bool) {
		if ok {
			n.w.oracle.ackReceipt(r)
		}
		done(ok)
	})
}

// inbound is the webhook for what people write.
func (n *node) inbound(in inboundRow, done func(ok bool)) {
	at := n.wall().UnixMilli()
	n.store(func() { n.w.db.book.StoreInbound(in, at) }, func(ok bool) {
		if ok {
			n.w.oracle.ackInbound(in.providerID)
			n.scanIn(10 * time.Millisecond)
		}
		done(ok)
	})
}

func (n *node) store(tx func(), done func(ok bool)) {
	if n.stopping {
		done(false)
		return
	}
	n.after(n.w.between(0, 3*time.Millisecond), func() { // the batch
		if mutant.On(mutant.OKBeforeCommit) {
			done(true)
			n.w.db.write(n, tx, func(bool) {})
			return
		}
		n.w.db.write(n, tx, done)
	})
}

// settler writes settlements: with the marks, or beside them where the database can.
func (n *node) settler() *committer {
	if n.w.sc.Beside {
		return &n.results
	}
	return &n.marks
}

// committer merges the work of all senders into one transaction at a time. Settlements are kept until they are written.
type committer struct {
	n       *node
	pending []*pendingWork // by sender
	busy    bool
	failing bool
	armed   bool
	last    time.Duration
}

type pendingWork struct {
	work    overture.SenderWork
	batches []markBatch
	waiters []func()
}

type markBatch struct {
	t     *tenure
	tasks []core.Task
}

func (c *committer) of(l overture.Lease) *pendingWork {
	i := l.SenderID - 1
	if p := c.pending[i]; p != nil && p.work.Lease == l {
		return p
	}
	p := &pendingWork{work: overture.SenderWork{Lease: l, BrandID: 1, AccountID: 1, Channel: overture.SMS}}
	if old := c.pending[i]; old != nil { // of an earlier lease: superseded anyway
		p.waiters = old.waiters
	}
	c.pending[i] = p
	return p
}

// written calls f when everything of a lease is written.
func (c *committer) written(l overture.Lease, f func()) {
	p := c.of(l)
	p.waiters = append(p.waiters, f)
	c.arm(0)
}

func (c *committer) arm(d time.Duration) {
	if c.busy || c.armed {
		return
	}
	c.armed = true
	c.n.after(max(d, c.last+c.n.w.cfg.CommitEvery-c.n.w.now), func() {
		c.armed = false
		c.flush()
	})
}

func (c *committer) flush() {
	var batch []*pendingWork
	var work []overture.SenderWork
	for i, p := range c.pending {
		if p != nil {
			c.pending[i] = nil
			batch, work = append(batch, p), append(work, p.work)
		}
	}
	if len(batch) == 0 {
		return
	}
	c.busy, c.last = true, c.n.w.now
	began := c.n.now()
	var results []overture.CommitResult
	c.n.w.db.write(c.n, func() { results = c.n.w.db.commit(began.Wall, work) }, func(ok bool) {
		c.busy, c.failing = false, !ok
		for i, p := range batch {
			if !ok {
				p.answer(false, nil, began, c.n.now())
				c.keep(p)
				continue
			}
			p.answer(true, results[i].Verdicts, began, c.n.now())
			for _, f := range p.waiters {
				f()
			}
		}
		if ok {
			c.arm(0)
		} else {
			c.arm(200 * time.Millisecond)
		}
	})
}

// answer hands the verdicts of a batch back, none when the commit failed.
func (p *pendingWork) answer(ok bool, verdicts []overture.Verdict, began, now core.Moment) {
	var told []*tenure
	for _, b := range p.batches {
		b.t.n.w.oracle.verdicts(b.t.id, b.tasks, verdicts, ok)
		if !ok {
			b.t.m.TookVerdicts(b.tasks, nil, began, true, now)
		} else {
			b.t.m.TookVerdicts(b.tasks, verdicts[:len(b.tasks)], began, false, now)
			verdicts = verdicts[len(b.tasks):]
		}
		told = append(told, b.t)
	}
	for _, t := range told { // when all have been told, as the runner does with what has arrived at once
		t.tick()
	}
	p.batches, p.work.Marks = nil, nil
}

// keep puts what was not written back, before what has come since.
func (c *committer) keep(p *pendingWork) {
	i := p.work.Lease.SenderID - 1
	now := c.pending[i]
	switch {
	case now == nil:
		c.pending[i] = p
	case now.work.Lease != p.work.Lease:
		now.waiters = append(p.waiters, now.waiters...)
	default:
		now.work.Settlements = append(p.work.Settlements, now.work.Settlements...)
		now.work.Moves = append(p.work.Moves, now.work.Moves...)
		now.waiters = append(p.waiters, now.waiters...)
	}
}
