package simulator

import (
	"fmt"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/outbound/dispatch/core"
)

// tenure carries out what one core.Machine orders, as outbound/dispatch's runner does: with the models instead of a database and a network.
type tenure struct {
	n      *node
	id     overture.SenderID
	m      *core.Machine
	lease  overture.Lease
	queue  []core.Task // marked, waiting for a connection; answers first
	busy   int         // connections
	wakeAt time.Duration
	over   bool
	deep   bool // inside tick
	again  bool // something came in meanwhile
}

// take asks for a sender.
func (n *node) take(id overture.SenderID) {
	n.taking[id-1] = true
	asked := n.now()
	var lease overture.Lease
	var got bool
	n.w.db.write(n, func() { lease, got = n.w.db.book.AcquireLease(id, n.owner, n.w.cfg.LeaseTTL) }, func(ok bool) {
		n.taking[id-1] = false
		if !ok || !got {
			n.goneWhenDone()
			n.scanIn(scanEvery)
			return
		}
		n.w.say("%s node %d owns sender %d, epoch %d", n.w.stamp(), n.id, id, lease.Epoch)
		t := &tenure{n: n, id: id, lease: lease, wakeAt: never}
		t.m = core.New(n.w.cfg, lease, asked, n.now(), n.w.cal, t.token)
		n.tenures[id-1] = t
		if n.stopping {
			t.m.Stop()
		}
		t.tick()
	})
}

func (t *tenure) token() string {
	t.n.w.oracle.tokens++
	return fmt.Sprintf("t%d", t.n.w.oracle.tokens)
}

// tick asks the Machine what to do until it has nothing more to say at this moment.
func (t *tenure) tick() {
	if t.over {
		return
	}
	if t.deep {
		t.again = true
		return
	}
	t.deep = true
	for t.again = true; t.again && !t.over; {
		t.again = false
		if t.n.settler().failing {
			t.m.ResultsUnwritten(t.n.now())
		}
		o := t.m.Tick(t.n.now())
		t.carryOut(o)
		if o.Done {
			t.finish(o.Release)
			break
		}
		if !t.again {
			t.wakeIn(o.WakeIn)
		}
	}
	t.deep = false
}

func (t *tenure) wakeIn(d time.Duration) {
	d = min(d, time.Hour) // for ever is not a time
	at := t.n.w.now + d
	if at >= t.wakeAt {
		return
	}
	t.wakeAt = at
	t.n.after(d, func() {
		if t.n.w.now >= t.wakeAt {
			t.wakeAt = never
			t.tick()
		}
	})
}

func (t *tenure) carryOut(o *core.Orders) {
	if len(o.Settlements) > 0 {
		c := t.n.settler()
		p := c.of(t.lease)
		p.work.Settlements = append(p.work.Settlements, o.Settlements...)
		c.arm(0)
	}
	if len(o.Moves)+len(o.Marks) > 0 {
		c := &t.n.marks
		p := c.of(t.lease)
		p.work.Moves = append(p.work.Moves, o.Moves...)
		for _, v := range o.Moves {
			t.n.w.say("%s node %d moves %s to %v after step %d", t.n.w.stamp(), t.n.id, v.MessageID, v.State, t.n.steps)
		}
		if len(o.Marks) > 0 {
			now := t.n.now()
			for i := range o.Marks {
				t.n.w.oracle.asked(o.Marks[i].Token, t.lease.Epoch)
				p.work.Marks = append(p.work.Marks, t.m.Mark(&o.Marks[i], now))
			}
			p.batches = append(p.batches, markBatch{t, o.Marks})
		}
		c.arm(0)
	}
	for _, task := range o.Sends {
		t.send(task)
	}
	if o.Adopt {
		t.adopt()
	}
	if o.Renew {
		t.renew()
	}
	t.reads(o)
	for _, l := range o.Lookups {
		t.lookUp(l)
	}
	if o.StopSender != "" {
		t.n.w.db.write(t.n, func() { t.n.w.db.book.setStopped(t.id, true) }, func(ok bool) {
			t.m.TookStop(!ok)
			t.tick()
		})
	}
}

func (t *tenure) adopt() {
	count, now := 0, t.n.now()
	t.n.w.db.write(t.n, func() { count = t.n.w.db.book.AdoptInflight(t.lease, now.Wall, t.n.w.cfg.Grace) }, func(ok bool) {
		t.m.Adopted(count, !ok, t.n.now())
		t.tick()
	})
}

func (t *tenure) renew() {
	asked := t.n.now()
	var lease overture.Lease
	var got bool
	t.n.w.db.write(t.n, func() { lease, got = t.n.w.db.book.AcquireLease(t.id, t.n.owner, t.n.w.cfg.LeaseTTL) }, func(ok bool) {
		t.m.Renewed(lease, got, !ok, asked, t.n.now())
		t.tick()
	})
}

// reads asks the database what the Machine wants to know.
func (t *tenure) reads(o *core.Orders) {
	n, b := t.n, t.n.w.db.book
	if o.ReadLanes {
		n.w.db.read(n, func() func(bool) {
			lanes, s := b.OpenLanes(t.id), b.sender(t.id)
			rate, stopped := s.rate, s.stopped
			return t.took(func(failed bool, now core.Moment) {
				t.m.TookLanes(core.LanesRead{Lanes: lanes, Rate: rate, Stopped: stopped, Failed: failed}, now)
			})
		})
	}
	if o.Count {
		n.w.db.read(n, func() func(bool) {
			count := b.InflightCount(t.id)
			return t.took(func(failed bool, now core.Moment) { t.m.TookCount(count, failed, now) })
		})
	}
	for _, read := range o.Pages {
		n.w.db.read(n, func() func(bool) {
			p := core.Page{Lane: read.Lane}
			p.Due, p.Last, p.More = b.DueMessages(read.Lane, n.wall(), read.After, min(read.Limit, pageLimit))
			if len(p.Due) == 0 && !p.More {
				p.NextDue, _ = b.NextDue(read.Lane)
			}
			return t.took(func(failed bool, now core.Moment) {
				p.Failed = failed
				t.m.TookPage(p, now)
			})
		})
	}
	if limit := o.ReadDoubts; limit > 0 {
		n.w.db.read(n, func() func(bool) {
			doubts := b.Doubts(t.lease, n.wall(), limit)
			var lanes []overture.Lane
			if len(doubts) > 0 {
				lanes = b.LanesInDoubt(t.id)
			}
			return t.took(func(failed bool, now core.Moment) { t.m.TookDoubts(doubts, lanes, failed, now) })
		})
	}
}

// pageLimit makes pages short, so that lists of forty have several.
const pageLimit = 7

// took wraps an answer: it is told to the Machine while the tenure lasts, and makes it think again.
func (t *tenure) took(f func(failed bool, now core.Moment)) func(failed bool) {
	return func(failed bool) {
		if !t.over {
			f(failed, t.n.now())
			t.tick()
		}
	}
}

func (t *tenure) lookUp(l core.Lookup) {
	n := t.n
	since := l.Doubt.Since.Add(-core.RecordMargin)
	n.after(n.w.between(20*time.Millisecond, 800*time.Millisecond), func() {
		r := core.Record{}
		if l.Lane != nil {
			r.Wanted, _ = core.Text(l.Lane, &l.Doubt.DueMessage, nil)
		}
		var ok bool
		if r.Found, ok = n.w.provider.find(t.id, l.Doubt.Address, since); !ok {
			r.Failed = true
		}
		known := func() {
			n.w.db.read(n, func() func(bool) {
				r.Known = n.w.db.book.KnownProviderIDs(t.id, l.Doubt.Address)
				return t.took(func(failed bool, now core.Moment) {
					r.Failed = r.Failed || failed
					s := t.m.TookRecord(&l, r, now)
					n.w.say("%s node %d looks %s up: %s %v", n.w.stamp(), n.id, l.Doubt.MessageID, s.Outcome, s.State)
				})
			})
		}
		if len(r.Found) == 0 || t.over {
			known()
			return
		}
		n.settler().written(t.lease, known)
	})
}

// send hands a task to a connection, or lets it wait for one.
func (t *tenure) send(task core.Task) {
	if t.busy < t.n.w.cfg.Connections {
		t.busy++
		t.n.after(t.n.w.between(0, time.Millisecond), func() { t.attempt(task) })
		return
	}
	at := len(t.queue)
	if task.Lane.Reply() {
		for at = 0; at < len(t.queue) && t.queue[at].Lane.Reply(); at++ {
		}
	}
	t.queue = append(t.queue, core.Task{})
	copy(t.queue[at+1:], t.queue[at:])
	t.queue[at] = task
}

// attempt sends one marked message. It asks the deadline and writes in one step: the process is not frozen between the two.
func (t *tenure) attempt(task core.Task) {
	n := t.n
	began := n.now()
	text, err := core.Text(task.Lane, &task.Message, nil)
	switch {
	case err != nil:
		t.ended(task, core.Result{Unsendable: true}, 0)
		return
	case !n.w.cfg.MaySend(&task, t.m.LeaseUntil(), began):
		t.ended(task, core.Result{}, 0)
		return
	}
	m := n.w.db.book.ever(task.Message.MessageID)
	r := n.w.provider.send(request{message: m, sender: t.id, body: text, token: task.Token, node: n})
	t.n.after(r.after, func() {
		result := core.Result{Tried: true, Accepted: r.accepted, Error: r.err}
		if n.now().Mono-began.Mono > n.w.cfg.ClientTimeout && n.w.random.IntN(2) == 0 { // it slept: answer and time-out are both there
			result = core.Result{Tried: true, Error: failed(overture.SendUnknown, 0, 0)}
		}
		t.ended(task, result, 0)
	})
}

func (t *tenure) ended(task core.Task, r core.Result, in time.Duration) {
	t.n.after(in, func() {
		t.m.TookEnding(&task, r, t.n.now())
		t.tick()
	})
	if len(t.queue) > 0 { // the connection takes the next one by itself
		next := t.queue[0]
		t.queue = t.queue[1:]
		t.n.after(0, func() { t.attempt(next) })
		return
	}
	t.busy--
}

// finish writes what is left and gives the lease back.
func (t *tenure) finish(release bool) {
	t.over = true
	n := t.n
	end := func(bool) {
		if n.tenures[t.id-1] == t {
			n.tenures[t.id-1] = nil
		}
		n.goneWhenDone()
		n.scanIn(n.w.between(0, 500*time.Millisecond))
	}
	letGo := func() {
		if release {
			n.w.db.write(n, func() { n.w.db.book.ReleaseLease(t.lease) }, end)
			return
		}
		end(true)
	}
	n.marks.written(t.lease, func() {
		if n.settler() == &n.marks {
			letGo()
			return
		}
		n.results.written(t.lease, letGo)
	})
}
