package forecast

import (
	"container/heap"
	"math"
	"time"

	"github.com/overture-im/overture"
)

// bucket is dispatch's token bucket in segments, asked ahead of time: when will so many segments be there? Seconds since the run's start.
type bucket struct {
	rate   float64 // segments per second; 0: no limit
	tokens float64
	at     float64
}

// burst is how much the bucket holds: a tenth of a second's segments, at least one.
func (b *bucket) burst() float64 { return max(b.rate/10, 1) }

func (b *bucket) refill(now float64) {
	if now > b.at {
		b.tokens = min(b.tokens+(now-b.at)*b.rate, b.burst())
		b.at = now
	}
}

// readyAt tells when segments may go, not before now. A message larger than the bucket goes when it is full and leaves it in debt.
func (b *bucket) readyAt(segments, now float64) float64 {
	if b.rate == 0 {
		return now
	}
	b.refill(now)
	need := min(segments, b.burst())
	if b.tokens >= need-1e-9 {
		return now
	}
	return now + (need-b.tokens)/b.rate
}

func (b *bucket) take(segments float64) {
	if b.rate != 0 {
		b.tokens -= segments
	}
}

// empty is what a bucket is after its sender had nothing to do for a while: whoever takes it up again begins with nothing, and without debts.
func (b *bucket) empty(now float64) { b.tokens, b.at = 0, max(b.at, now) }

// lane is one campaign's stream through the sender.
type lane struct {
	bucket bucket
	weight float64
	served float64 // messages taken divided by weight
	left   int     // messages still in the queue
	busy   bool    // had something ready at the last look

	segments float64 // of the next message
	piles    piles   // what waits, of another campaign; empty for our own
}

// pile is messages of another campaign that become due together.
type pile struct {
	due, end float64 // seconds since the start; end: none goes after this, +Inf: no limit
	n        int
}

type piles []pile

func (p *piles) Len() int           { return len(*p) }
func (p *piles) Less(i, j int) bool { return (*p)[i].due < (*p)[j].due }
func (p *piles) Swap(i, j int)      { (*p)[i], (*p)[j] = (*p)[j], (*p)[i] }

// Push and Pop are for container/heap.
func (p *piles) Push(x any) { *p = append(*p, x.(pile)) } //nolint:forcetypeassert // only piles are pushed

// Pop takes the last one.
func (p *piles) Pop() any {
	last := (*p)[len(*p)-1]
	*p = (*p)[:len(*p)-1]
	return last
}

const aDay = 24 * 60 * 60

// otherLane makes a lane of what is known about another campaign: counts per due time, and the mean segments of its list.
func otherLane(l overture.LaneLoad, start time.Time) *lane {
	out := &lane{bucket: bucket{rate: float64(l.Rate)}, weight: float64(max(l.Weight, 1)), segments: max(l.MeanSegments, 1)}
	for _, g := range l.Groups {
		p := pile{due: max(0, g.Due.Sub(start).Seconds()), end: math.Inf(1), n: g.Messages}
		if g.NotAfter.After(g.Due) {
			p.end = g.NotAfter.Sub(start).Seconds()
		}
		if p.n > 0 {
			out.piles, out.left = append(out.piles, p), out.left+p.n
		}
	}
	heap.Init(&out.piles)
	return out
}

// head says whether a message of another campaign is ready now, or when the next one will be. What missed its window comes back a day later.
func (l *lane) head(now float64) (ready bool, next float64) {
	for len(l.piles) > 0 {
		p := &l.piles[0]
		if p.due > now {
			return false, p.due
		}
		if now < p.end {
			return true, now
		}
		p.due, p.end = p.due+aDay, p.end+aDay
		heap.Fix(&l.piles, 0)
	}
	return false, math.Inf(1)
}

// pop takes one message of another campaign.
func (l *lane) pop() {
	if l.piles[0].n--; l.piles[0].n == 0 {
		heap.Pop(&l.piles)
	}
}

// turnsOfShort of ten turns belong to the campaign with the fewest messages left, as in dispatch.
const turnsOfShort = 9

// whose is dispatch's rule of turns: nine of ten to the campaign with the fewest messages left, the tenth to the one served least for its
// weight.
func whose(ready []*lane, turn int) *lane {
	short, starved := ready[0], ready[0]
	for _, l := range ready[1:] {
		if l.left < short.left {
			short = l
		}
		if l.served < starved.served {
			starved = l
		}
	}
	if turn%10 >= turnsOfShort {
		return starved
	}
	return short
}

// join lets a lane that had nothing to do take its place without catching up on the past.
func join(l *lane, lanes []*lane) {
	if l.busy {
		return
	}
	l.busy = true
	least := math.Inf(1)
	for _, other := range lanes {
		if other.busy && other != l {
			least = min(least, other.served)
		}
	}
	if !math.IsInf(least, 1) {
		l.served = max(l.served, least)
	}
}
