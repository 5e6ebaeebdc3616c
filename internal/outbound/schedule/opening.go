package schedule

import (
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/kit/tz"
)

// opening is a stretch of time in which a window is open, in Unix milliseconds, the end exclusive.
type opening struct {
	from, to int64
	why      string // "waits for 08:00 in America/New_York": the zone that opened last
	rule     string // of a policy pack, when it opened last: "us-states/2026.11/US-TX"; empty: the campaign's own window did
}

// page holds the common openings of a set of zones for one week and the Horizon after it.
type page struct {
	openings []opening // sorted, disjoint
	whyNever string
}

const (
	minuteMs = 60_000
	dayMs    = 24 * 60 * minuteMs
	weekMs   = 7 * dayMs
	// marginDays cover that local dates run up to 14 hours ahead of UTC and 12 behind, and windows that cross midnight.
	marginDays = 3
)

func weekOf(ms int64) int64 { return floorDiv(ms, weekMs) }

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// next gives the first opening in which at least margin is left after earliest. Windows and clock changes fall on whole minutes, so no
// opening is shorter than the margin.
func (p *page) next(earliest, margin int64) (opening, bool) {
	i := sort.Search(len(p.openings), func(i int) bool { return p.openings[i].to-margin >= earliest })
	if i == len(p.openings) {
		return opening{}, false
	}
	return p.openings[i], true
}

// layer is one reason for being closed: the campaign's window, or a rule of a policy pack.
type layer struct {
	days   [7]overture.Hours
	closed func(day int64) bool
	rule   string
}

func layersOf(w overture.Window) []layer {
	out := []layer{{days: w.Days, closed: holidays(w)}}
	if w.Ruling() == nil {
		return out
	}
	for _, r := range w.Ruling().Rules {
		l := layer{days: r.Days, rule: r.Ref(), closed: func(int64) bool { return false }}
		if r.Closed != nil {
			l.closed = func(day int64) bool { _, closed := r.Closed(day); return closed }
		}
		out = append(out, l)
	}
	return out
}

// stretch is a common opening that a layer in a place began.
type stretch struct {
	from, to     int64
	place, layer int
}

// newPage computes the openings that all zones and all rules share, from the beginning of the week on.
func newPage(zones []string, w overture.Window, week int64) *page {
	places, known := placesOf(zones)
	first := floorDiv(week*weekMs, dayMs) - marginDays
	last := first + 7 + int64(Horizon/(24*time.Hour)) + 2*marginDays
	layers := layersOf(w)
	var common []stretch
	for i, loc := range places {
		for j, l := range layers {
			common = narrow(common, openDays(loc, l, first, last), i, j)
		}
	}
	p := &page{whyNever: whyNever(zones, known, w.Ruling())}
	for _, s := range common {
		o := opening{from: s.from, to: s.to, rule: layers[s.layer].rule}
		where := places[s.place].String()
		if !known {
			where = overture.Say("every time zone, because the recipient's is unknown").String()
		}
		if opens := overture.At(time.UnixMilli(s.from).In(places[s.place]), "15:04"); o.rule == "" {
			o.why = overture.Say("waits for %s in %s", opens, where).String()
		} else {
			o.why = overture.Say("waits for %s in %s by %s", opens, where, o.rule).String()
		}
		p.openings = append(p.openings, o)
	}
	return p
}

// narrow keeps what is open in both. The very first openings are taken as they are.
func narrow(common []stretch, own []opening, place, layer int) []stretch {
	var both []stretch
	if place == 0 && layer == 0 {
		for _, o := range own {
			both = append(both, stretch{o.from, o.to, place, layer})
		}
		return both
	}
	for a, b := 0, 0; a < len(common) && b < len(own); {
		x, y := common[a], own[b]
		s := stretch{x.from, min(x.to, y.to), x.place, x.layer}
		if y.from > x.from {
			s.from, s.place, s.layer = y.from, place, layer
		}
		if s.from < s.to {
			both = append(both, s)
		}
		if x.to < y.to {
			a++
		} else {
			b++
		}
	}
	return both
}

func whyNever(zones []string, known bool, ruling *overture.Ruling) string {
	if refs := ruling.Refs(); refs != "" {
		return overture.Say("no moment of the next 14 days is inside the sending window and allowed by %s in every zone the recipient may live in", refs).String()
	}
	switch {
	case !known:
		return overture.Say("no moment of the next 14 days is inside the sending window in every time zone of the earth, and the recipient's zone is unknown: give the list a time zone column").String()
	case len(zones) == 1:
		return overture.Say("no moment of the next 14 days is inside the sending window in %s", zones[0]).String()
	}
	return overture.Say("no moment of the next 14 days is inside the sending window in all zones the recipient may live in: %s", strings.Join(zones, ", ")).String()
}

// placesOf loads the zones. When there is none, or one that nobody knows, the answer is every quarter of an hour of the earth: a
// moment that is open in all of them is open wherever the person is (E3: strictest, never "send anyway").
func placesOf(zones []string) (places []*time.Location, known bool) {
	for _, z := range zones {
		loc, err := tz.Load(z)
		if err != nil {
			places = nil
			break
		}
		places = append(places, loc)
	}
	if len(places) > 0 {
		return places, true
	}
	const east, west, step = 14 * 60, -12 * 60, 15
	for offset := east; offset >= west; offset -= step {
		places = append(places, time.FixedZone(fmt.Sprintf("UTC%+03d:%02d", offset/60, max(offset, -offset)%60), offset*60))
	}
	return places, false
}

// holidays are the closed local dates, in days since 1970.
func holidays(w overture.Window) func(day int64) bool {
	closed := make(map[int64]bool, len(w.Holidays))
	for _, date := range w.Holidays {
		if d, err := time.Parse(time.DateOnly, date); err == nil {
			closed[floorDiv(d.UnixMilli(), dayMs)] = true
		}
	}
	return func(day int64) bool { return closed[day] }
}

// openDays turns the hours of a layer into instants for each local date of a zone, first to last in days since 1970. Windows are turned into
// instants date by date; comparing wall clocks would be wrong on days of 23 and 25 hours.
func openDays(loc *time.Location, l layer, first, last int64) []opening {
	var out []opening
	var endWall int64 // local minutes at which the last opening ends
	for day := first; day <= last; day++ {
		h := l.days[(day+4)%7] // 1970-01-01 was a Thursday
		if h.From == h.To || !inDay(h.From) || !inDay(h.To) || l.closed(day) {
			continue
		}
		fromWall := day*24*60 + int64(h.From)
		toWall := day*24*60 + int64(h.To)
		if h.From > h.To { // crosses midnight
			toWall += 24 * 60
			if l.closed(day + 1) {
				toWall = (day + 1) * 24 * 60
			}
		}
		if fromWall >= toWall {
			continue
		}
		to := instant(loc, toWall, false)
		if n := len(out); n > 0 && fromWall <= endWall {
			// The clock does not stop between the two, so neither a repeated nor a skipped hour comes between them.
			out[n-1].to = max(out[n-1].to, to)
			endWall = max(endWall, toWall)
			continue
		}
		from := instant(loc, fromWall, true)
		if from >= to {
			continue // the whole window falls into the hour that is skipped
		}
		out = append(out, opening{from: from, to: to})
		endWall = toWall
	}
	return slices.Clip(out)
}

func inDay(minute int) bool { return minute >= 0 && minute <= 24*60 }

// instant gives the Unix milliseconds of a wall clock, in minutes since 1970-01-01 00:00 local time. A wall clock that a zone shows
// twice means its later showing when start, else its earlier one: a window opens late and closes early. One that a zone skips means the
// moment of the skip: the first instant after the gap.
func instant(loc *time.Location, wall int64, start bool) int64 {
	const reach = 16 * 60 * 60 // seconds; no zone is farther from UTC
	asUTC := wall * 60
	found, gap := int64(-1), int64(-1)
	var before int64 // what the instant would be by the offset before the current one
	for at, firstRound := asUTC-reach, true; ; firstRound = false {
		t := time.Unix(at, 0).In(loc)
		_, offset := t.Zone()
		begin, end := t.ZoneBounds()
		candidate := asUTC - int64(offset)
		afterBegin := begin.IsZero() || candidate >= begin.Unix()
		if afterBegin && (end.IsZero() || candidate < end.Unix()) {
			if found < 0 || start {
				found = candidate
			}
		}
		if !firstRound && !afterBegin && before >= begin.Unix() {
			gap = begin.Unix()
		}
		if before = candidate; end.IsZero() || end.Unix() > asUTC+reach {
			break
		}
		at = end.Unix()
	}
	switch {
	case found >= 0:
		return found * 1000
	case gap >= 0:
		return gap * 1000
	}
	return before * 1000
}
