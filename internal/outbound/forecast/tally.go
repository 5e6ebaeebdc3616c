package forecast

import (
	"maps"
	"slices"
	"time"

	"github.com/overture-im/overture"
)

// Cell is what happens in one hour, or in one zone, or in one zone in one hour.
type Cell struct {
	Sent     int
	Segments int
	Cost     overture.Cost
	Skipped  map[string]int // by reason; nil: none
}

func (c *Cell) skip(reason string, n int) {
	if c.Skipped == nil {
		c.Skipped = map[string]int{}
	}
	c.Skipped[reason] += n
}

func (c *Cell) add(o Cell) {
	c.Sent, c.Segments, c.Cost = c.Sent+o.Sent, c.Segments+o.Segments, c.Cost.Plus(o.Cost)
	for reason, n := range o.Skipped {
		c.skip(reason, n)
	}
}

// Hour is one hour of UTC.
type Hour struct {
	Start time.Time
	Cell
	Held   int // at its end: wait for their window to open
	Queued int // at its end: wait for their turn at the rate
}

// Zone is one set of zones in which recipients may live.
type Zone struct {
	Zones      []string // empty: unknown
	Recipients int
	Held       int       // of them, those whose window is closed at the start
	HeldUntil  time.Time // when it opens for them; zero when none is held, or it never opens
	Cell
	FirstSendAt time.Time // zero: nobody is sent to
	LastSendAt  time.Time
	Hours       []ZoneHour // those in which something happens
}

// ZoneHour is what happens in a zone in one hour of UTC.
type ZoneHour struct {
	Start time.Time
	Cell
}

const hourMs = 3_600_000

// tally counts what happens in a run. Seconds since the start go in; times come out.
type tally struct {
	census *census
	base   int64 // Unix milliseconds of the start

	hour    int64  // hours since 1970 of the hour being counted
	now     []Cell // of that hour, by place
	dirty   bool   // something happened in it
	hours   []Hour
	zones   []zoneTally // by place
	total   Cell
	left    int
	endedAt float64 // seconds

	verdictAt float64 // of the canary, seconds; 0: none in this run
	stop      *Stop
}

type zoneTally struct {
	recipients, held int
	heldUntil        int64
	first, last      int64 // Unix milliseconds; 0: none
	hours            []ZoneHour
}

func newTally(c *census, base int64) *tally {
	t := &tally{census: c, base: base, hour: base / hourMs, now: make([]Cell, len(c.places)), zones: make([]zoneTally, len(c.places)), left: len(c.order)}
	for _, g := range c.order {
		t.zones[c.groups[g].place].recipients++
	}
	return t
}

// opens notes a place's first slot.
func (t *tally) opens(place int, s slot) {
	if z := &t.zones[place]; s.due > t.base || s.expired {
		if z.held = z.recipients; !s.expired {
			z.heldUntil = s.due
		}
	}
}

// sent and skipped count one message in the hour that turnTo has turned to.
func (t *tally) sent(now float64, group uint32) {
	g := &t.census.groups[group]
	c := &t.now[g.place]
	c.Sent++
	c.Segments += int(g.segments)
	c.Cost.Add(int(g.segments), g.micros, g.priced)
	t.left--
	t.endedAt, t.dirty = now, true
	z := &t.zones[g.place]
	if z.last = t.base + int64(now*1000); z.first == 0 {
		z.first = z.last
	}
}

func (t *tally) skipped(now float64, group uint32, reason string) {
	t.now[t.census.groups[group].place].skip(reason, 1)
	t.left--
	t.endedAt, t.dirty = now, true
}

// turnTo closes the hours before now. bins are what waits, the next message among it.
func (t *tally) turnTo(now float64, bins []*bin) {
	if hour := (t.base + int64(now*1000)) / hourMs; hour > t.hour {
		t.closeHour(bins)
		for t.hour++; t.hour < hour; t.hour++ {
			t.closeHour(bins) // nothing happened in it, but somebody waits
		}
	}
}

// closeHour writes down the hour. bins are what still waits, and among it what is not due yet.
func (t *tally) closeHour(bins []*bin) {
	h := Hour{Start: time.UnixMilli(t.hour * hourMs).UTC()}
	for place := range t.now {
		c := &t.now[place]
		if c.Sent == 0 && c.Skipped == nil {
			continue
		}
		h.add(*c)
		t.zones[place].hours = append(t.zones[place].hours, ZoneHour{h.Start, *c})
		*c = Cell{}
	}
	for _, b := range bins {
		if b.due >= (t.hour+1)*hourMs {
			h.Held += len(b.ids)
		}
	}
	h.Queued = max(0, t.left-h.Held)
	t.total.add(h.Cell)
	t.hours, t.dirty = append(t.hours, h), false
}

// finish closes the last hour.
func (t *tally) finish() {
	if t.dirty {
		t.closeHour(nil)
	}
}

// zonesOf gives the tally by set of zones, the largest first. Places that differ only in a policy's ruling are one.
func (t *tally) zonesOf() []Zone {
	at := func(ms int64) time.Time {
		if ms == 0 {
			return time.Time{}
		}
		return time.UnixMilli(ms).UTC()
	}
	byZones := map[string]*Zone{}
	for i, z := range t.zones {
		p := t.census.places[i]
		out := byZones[p.zones]
		if out == nil {
			out = &Zone{Zones: p.names}
			byZones[p.zones] = out
		}
		out.Recipients, out.Held = out.Recipients+z.recipients, out.Held+z.held
		out.HeldUntil = earlier(out.HeldUntil, at(z.heldUntil))
		out.FirstSendAt = earlier(out.FirstSendAt, at(z.first))
		if last := at(z.last); last.After(out.LastSendAt) {
			out.LastSendAt = last
		}
		for _, h := range z.hours {
			out.add(h.Cell)
			out.Hours = append(out.Hours, h)
		}
	}
	out := make([]Zone, 0, len(byZones))
	for _, key := range slices.Sorted(maps.Keys(byZones)) {
		z := byZones[key]
		if z.Recipients > 0 {
			z.Hours = merged(z.Hours)
			out = append(out, *z)
		}
	}
	slices.SortStableFunc(out, func(a, b Zone) int { return b.Recipients - a.Recipients })
	return out
}

// merged sorts hours and adds up those of one start.
func merged(hours []ZoneHour) []ZoneHour {
	slices.SortStableFunc(hours, func(a, b ZoneHour) int { return a.Start.Compare(b.Start) })
	out := hours[:0]
	for _, h := range hours {
		if n := len(out); n > 0 && out[n-1].Start.Equal(h.Start) {
			out[n-1].add(h.Cell)
			continue
		}
		out = append(out, h)
	}
	return out
}

// earlier gives the earlier of two times; a zero time is none.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
