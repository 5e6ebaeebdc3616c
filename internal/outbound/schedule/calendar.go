package schedule

import (
	"strings"
	"sync"
	"time"

	"github.com/overture-im/overture"
)

// Calendar answers like Plan and remembers the openings of each set of zones, window, ruling and week: a million recipients share a few hundred
// of them. Safe for concurrent use; the zero value does not work: use NewCalendar.
type Calendar struct {
	mu    sync.RWMutex
	pages map[pageKey]*page
}

type pageKey struct {
	zones    string
	days     [7]overture.Hours
	holidays string
	week     int64
	ruling   *overture.Ruling
}

// maxPages bounds the memory: a page is about 2 KB. A full calendar starts afresh, which costs microseconds per page.
const maxPages = 4096

// NewCalendar gives an empty calendar.
func NewCalendar() *Calendar { return &Calendar{pages: map[pageKey]*page{}} }

// Plan is the function Plan with memory.
func (c *Calendar) Plan(now time.Time, in Input) Slot {
	earliest := earliestMilli(now, in.LaunchAt)
	return slot(now, in, earliest, c.page(in, weekOf(earliest)))
}

// Next gives the next slot of a message that missed its last one, or never had one: Plan with the fields as arguments. When expired is
// true there is none, and why says so.
func (c *Calendar) Next(now time.Time, zones []string, w overture.Window, launchAt, expiresAt time.Time) (due, notAfter time.Time, expired bool, why string) {
	s := c.Plan(now, Input{Zones: zones, Window: w, LaunchAt: launchAt, ExpiresAt: expiresAt})
	return s.Due, s.NotAfter, s.Expired, s.Why
}

func (c *Calendar) page(in Input, week int64) *page {
	key := pageKey{days: in.Window.Days, week: week, ruling: in.Window.Ruling()}
	if len(in.Zones) == 1 { // the usual case needs no new string
		key.zones = in.Zones[0]
	} else {
		key.zones = strings.Join(in.Zones, ",")
	}
	if len(in.Window.Holidays) > 0 {
		key.holidays = strings.Join(in.Window.Holidays, ",")
	}
	c.mu.RLock()
	p := c.pages[key]
	c.mu.RUnlock()
	if p != nil {
		return p
	}
	p = newPage(in.Zones, in.Window, week)
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.pages) >= maxPages {
		clear(c.pages)
	}
	// The key must not keep the caller's row alive: a zone name may be a piece of a long line.
	key.zones, key.holidays = strings.Clone(key.zones), strings.Clone(key.holidays)
	c.pages[key] = p
	return p
}
