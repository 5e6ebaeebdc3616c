package forecast

import (
	"context"
	"math"
	"slices"
	"time"

	"github.com/overture-im/overture"
)

// scene is everything a run needs. Runs of one census differ in it.
type scene struct {
	census     *census
	windows    Windows
	window     overture.Window
	start      time.Time // when the clock starts, to the millisecond
	launchAt   time.Time // zero or in the past: at the start
	expiresAt  time.Time
	rate       int // of the campaign, segments per second
	senderRate int
	others     []overture.LaneLoad
	rails      rails
}

// bin holds the recipients whose messages become due at one moment, as positions in census.order.
type bin struct {
	due    int64 // Unix milliseconds
	ids    []uint32
	sorted bool
	ends   map[uint32]int64 // by place: no message after this, Unix milliseconds; 0: no moment is allowed
	moved  map[uint32]slot  // by place: where those go that missed it
}

// slot is the planner's answer for a place.
type slot struct {
	due, end int64
	expired  bool
}

// run is a scene being played.
type run struct {
	scene
	tally  *tally
	bins   []*bin // by due time; the first is the next
	now    float64
	base   int64 // start in Unix milliseconds
	sender bucket
	own    *lane
	lanes  []*lane // all of them, ours first
	turn   int

	shutUntil float64 // our lane is closed by its canary until then, seconds since the start
	nextStep  float64 // when the ramp goes on
	stop      *Stop
}

// checkEvery is how many messages pass between two looks whether the caller has gone.
const checkEvery = 1 << 16

// play lets the campaign go from start to end. It is pure but for ctx: the same scene gives the same tally.
func play(ctx context.Context, s scene) (*tally, error) {
	r := &run{scene: s, base: s.start.UnixMilli(), sender: bucket{rate: float64(s.senderRate)}}
	r.tally = newTally(s.census, r.base)
	r.own = &lane{bucket: bucket{rate: float64(s.rate)}, weight: 1, left: len(s.census.order)}
	r.lanes = []*lane{r.own}
	for _, o := range s.others {
		r.lanes = append(r.lanes, otherLane(o, s.start))
	}
	r.plan()
	r.beginRails()
	ready := make([]*lane, 0, len(r.lanes))
	for steps := 0; len(r.bins) > 0 && r.stop == nil; steps++ {
		if steps%checkEvery == 0 {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
		}
		r.climb()
		var next float64
		ready, next = r.ready(ready[:0])
		if len(ready) == 0 {
			r.idle(next)
			continue
		}
		chosen := whose(ready, r.turn)
		if at := r.sender.readyAt(chosen.segments, r.now); at > r.now {
			r.now = at
			if len(r.lanes) > 1 || !r.inTime() {
				continue // others may have become ready meanwhile, or our window may have closed
			}
		}
		r.goes(chosen)
	}
	r.tally.stop = r.stop
	r.tally.finish()
	return r.tally, nil
}

// plan gives everybody their first slot, as the planner does when the campaign is launched.
func (r *run) plan() {
	slots := make([]slot, len(r.census.places))
	for i := range slots {
		slots[i] = r.next(r.start, uint32(i)) //nolint:gosec // as many as there are places
		r.tally.opens(i, slots[i])
	}
	byDue := map[int64]*bin{}
	for i, g := range r.census.order {
		at := r.census.groups[g].place
		r.put(byDue, slots[at], at, uint32(i)) //nolint:gosec // lists have fewer than four thousand million rows
	}
}

// put files one recipient under its slot. byDue finds bins while many are filed; nil: look in the list of bins.
func (r *run) put(byDue map[int64]*bin, s slot, at, id uint32) {
	b := byDue[s.due]
	if b == nil {
		i, found := slices.BinarySearchFunc(r.bins, s.due, func(b *bin, due int64) int { return int(b.due - due) })
		if !found {
			r.bins = slices.Insert(r.bins, i, &bin{due: s.due, sorted: true, ends: map[uint32]int64{}, moved: map[uint32]slot{}})
		}
		b = r.bins[i]
		if byDue != nil {
			byDue[s.due] = b
		}
	}
	if n := len(b.ids); n > 0 && b.ids[n-1] > id {
		b.sorted = false
	}
	b.ids = append(b.ids, id)
	if _, known := b.ends[at]; !known {
		b.ends[at] = s.end
	}
}

// next asks the planner. One who may never go is due at once, and ends when its turn comes.
func (r *run) next(now time.Time, at uint32) slot {
	p := &r.census.places[at]
	due, notAfter, expired, _ := r.windows.Next(now, p.names, r.window.Under(p.ruling), r.launchAt, r.expiresAt)
	if expired {
		return slot{due: max(now.UnixMilli(), r.launchMilli()), expired: true}
	}
	return slot{due: due.UnixMilli(), end: notAfter.UnixMilli()}
}

func (r *run) launchMilli() int64 {
	if r.launchAt.After(r.start) {
		return r.launchAt.UnixMilli()
	}
	return r.base
}

func (r *run) seconds(ms int64) float64 { return float64(ms-r.base) / 1000 }

// milli is the moment now, in Unix milliseconds.
func (r *run) milli() int64 { return r.base + int64(r.now*1000) }

// ready lists the lanes that have a message to go now. Without any, next is when there will be one.
func (r *run) ready(out []*lane) (lanes []*lane, next float64) {
	next = math.Inf(1)
	for _, l := range r.lanes {
		has, at := l.head(r.now)
		if l == r.own {
			has, at = r.head()
		}
		if !has {
			l.busy, next = false, min(next, at)
			continue
		}
		join(l, r.lanes)
		if at := l.bucket.readyAt(l.segments, r.now); at > r.now {
			next = min(next, at)
			continue
		}
		out = append(out, l)
	}
	return out, next
}

// head brings our lane's next message forward: those whose window has closed are moved or end on the way.
func (r *run) head() (ready bool, next float64) {
	if r.now < r.shutUntil {
		return false, r.shutUntil
	}
	for len(r.bins) > 0 {
		b := r.bins[0]
		if len(b.ids) == 0 {
			r.bins = r.bins[1:]
			continue
		}
		if due := r.seconds(b.due); due > r.now {
			return false, due
		}
		if !b.sorted {
			slices.Sort(b.ids)
			b.sorted = true
		}
		if r.inTime() {
			r.own.segments = float64(r.census.groups[r.census.order[b.ids[0]]].segments)
			return true, r.now
		}
		r.move(b)
	}
	return false, math.Inf(1)
}

// inTime tells whether our next message may go now, as the attempt checks it.
func (r *run) inTime() bool {
	b := r.bins[0]
	g := &r.census.groups[r.census.order[b.ids[0]]]
	now := r.milli()
	return now < b.ends[g.place] && (r.expiresAt.IsZero() || now < r.expiresAt.UnixMilli())
}

// move gives our next message another slot, or ends it.
func (r *run) move(b *bin) {
	r.tally.turnTo(r.now, r.bins)
	id := b.ids[0]
	b.ids = b.ids[1:]
	n := r.census.order[id]
	at := r.census.groups[n].place
	to, known := b.moved[at]
	if !known {
		to = r.next(time.UnixMilli(r.milli()+1), at)
		b.moved[at] = to
	}
	if !to.expired {
		r.put(nil, to, at, id)
		return
	}
	reason := overture.ReasonNoOpenWindow
	if !r.expiresAt.IsZero() && r.milli() >= r.expiresAt.UnixMilli() {
		reason = overture.ReasonValidityOver
	}
	r.own.left--
	r.tally.skipped(r.now, n, reason)
}

// restful is after how long without work a sender is given back; whoever takes it up again starts with an empty bucket.
const restful = 3

// idle lets the clock run until something is ready.
func (r *run) idle(next float64) {
	if len(r.bins) == 0 {
		return
	}
	working := false
	for _, l := range r.lanes {
		working = working || l.busy
	}
	rested := !working && (next-r.now > restful || r.now == 0)
	r.now = max(next, r.now)
	if rested {
		r.sender.empty(r.now)
		for _, l := range r.lanes {
			l.bucket.empty(r.now)
		}
	}
}

// goes takes the chosen lane's next message.
func (r *run) goes(l *lane) {
	r.turn++
	l.left--
	l.served += 1 / l.weight
	if l != r.own {
		r.sender.take(l.segments)
		l.bucket.take(l.segments)
		l.pop()
		return
	}
	r.tally.turnTo(r.now, r.bins)
	b := r.bins[0]
	id := b.ids[0]
	n := r.census.order[id]
	b.ids = b.ids[1:]
	g := &r.census.groups[n]
	skip := g.skip
	if over, hold := r.underCap(g); over && skip == "" {
		if skip = overture.ReasonCapped; hold {
			l.left++
			r.put(nil, r.next(time.UnixMilli(g.capped), g.place), g.place, id)
			return
		}
	}
	if skip != "" { // ends at the last look, and gives back what it took of the rate
		r.tally.skipped(r.now, n, skip)
		return
	}
	if r.overSpend(g) {
		l.left++
		return
	}
	r.sender.take(l.segments)
	l.bucket.take(l.segments)
	r.tally.sent(r.now, n)
	r.afterSend()
}
