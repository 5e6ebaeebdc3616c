package analytics

import (
	"fmt"
	"time"

	"github.com/overture-im/overture"
)

// A Range names a period as people pick it; Custom has dates of its own.
type Range string

// The ranges. Weeks begin on Monday; "last n days" are today and the n−1 days before.
const (
	Today       Range = "today"
	Yesterday   Range = "yesterday"
	ThisWeek    Range = "this_week"
	ThisMonth   Range = "this_month"
	Last7Days   Range = "last_7_days"
	Last30Days  Range = "last_30_days"
	Last60Days  Range = "last_60_days"
	Last90Days  Range = "last_90_days"
	YearToDate  Range = "year_to_date"
	CustomRange Range = "custom"
)

// Ranges lists them all.
func Ranges() []Range {
	return []Range{Today, Yesterday, ThisWeek, ThisMonth, Last7Days, Last30Days, Last60Days, Last90Days, YearToDate, CustomRange}
}

// maxDays bounds a custom range: three years and a day.
const maxDays = 3*366 + 1

// Date is a day of the calendar, without a zone.
type Date struct {
	Year  int
	Month time.Month
	Day   int
}

// ParseDate reads 2026-11-20.
func ParseDate(text string) (Date, error) {
	t, err := time.Parse(time.DateOnly, text)
	return dateOf(t), err
}

func dateOf(t time.Time) Date {
	y, m, d := t.Date()
	return Date{y, m, d}
}

func (d Date) String() string { return fmt.Sprintf("%04d-%02d-%02d", d.Year, d.Month, d.Day) }

// add counts in days of the calendar.
func (d Date) add(days int) Date { return dateOf(d.utc().AddDate(0, 0, days)) }

func (d Date) utc() time.Time { return time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, time.UTC) }

func (d Date) until(e Date) (days int) { return int(e.utc().Sub(d.utc()) / (24 * time.Hour)) }

// begin is the first quarter of an hour of the day in a zone: midnight, except where clocks jump over it.
func (d Date) begin(zone *time.Location) time.Time {
	// time.Date may name a moment of the day before, where midnight does not exist; from two hours before on the first that is on the day counts.
	t := time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, zone).Add(-2 * time.Hour).Truncate(quarter)
	for dateOf(t.In(zone)).until(d) > 0 {
		t = t.Add(quarter)
	}
	return t
}

const quarter = 15 * time.Minute

// Period is whole days of a zone, cut off at Cut: what lies after it has not happened yet.
type Period struct {
	First, Last Date // both inclusive
	Zone        *time.Location
	Cut         time.Time // zero: not cut
}

// From is the beginning of the period.
func (p Period) From() time.Time { return p.First.begin(p.Zone) }

// To is the end of the period as it is on the calendar, exclusive.
func (p Period) To() time.Time { return p.Last.add(1).begin(p.Zone) }

// Until is where counting ends: To, or Cut when that is earlier.
func (p Period) Until() time.Time {
	if to := p.To(); p.Cut.IsZero() || p.Cut.After(to) {
		return to
	}
	return p.Cut
}

// Days the period covers on the calendar.
func (p Period) Days() int { return p.First.until(p.Last) + 1 }

// periodOf finds the days of a range. now must be in the zone.
func periodOf(r Range, first, last Date, now time.Time) (Period, error) {
	today := dateOf(now)
	p := Period{First: today, Last: today, Zone: now.Location()}
	switch r {
	case Today:
	case Yesterday:
		p.First, p.Last = today.add(-1), today.add(-1)
	case ThisWeek:
		p.First = today.add(-(int(now.Weekday()) + 6) % 7)
		p.Last = p.First.add(6)
	case ThisMonth:
		p.First = Date{today.Year, today.Month, 1}
		p.Last = dateOf(p.First.utc().AddDate(0, 1, -1))
	case Last7Days:
		p.First = today.add(-6)
	case Last30Days:
		p.First = today.add(-29)
	case Last60Days:
		p.First = today.add(-59)
	case Last90Days:
		p.First = today.add(-89)
	case YearToDate:
		p.First = Date{today.Year, time.January, 1}
	case CustomRange:
		p.First, p.Last = first, last
		if p.Days() < 1 || p.Days() > maxDays {
			return p, badRange("query.to", fmt.Sprintf("must be the first day or later, at most %d days", maxDays))
		}
	default:
		return p, badRange("query.range", "is none of the ranges")
	}
	// The quarter that is under way counts whole.
	if cut := now.Add(quarter - 1).Truncate(quarter); cut.Before(p.To()) && cut.After(p.From()) {
		p.Cut = cut
	}
	return p, nil
}

func badRange(location, message string) error {
	return &overture.Error{Kind: overture.Invalid, Code: "bad_range", Message: "the range: " + message, Fields: []overture.Field{{Location: location, Message: message}}}
}

// before is what a range is compared with: the same days of the week, month or year before, or as many days directly before; and of a
// period that is not over only as much as has passed of it, by the clock of the zone.
func (p Period) before(r Range) Period {
	q := Period{Zone: p.Zone}
	back := func(d Date) Date { return d.add(-p.Days()) }
	switch r {
	case ThisMonth:
		back = func(d Date) Date { return d.monthsBefore(1) }
	case YearToDate:
		back = func(d Date) Date { return d.monthsBefore(12) }
	default:
	}
	q.First, q.Last = back(p.First), back(p.Last)
	if r == ThisMonth {
		q.Last = p.First.add(-1)
	}
	if !p.Cut.IsZero() {
		cut := p.Cut.In(p.Zone)
		day := back(dateOf(cut))
		h, m, _ := cut.Clock()
		q.Cut = time.Date(day.Year, day.Month, day.Day, h, m, 0, 0, p.Zone).Truncate(quarter)
	}
	return q
}

// monthsBefore is the same day of an earlier month, or its last day.
func (d Date) monthsBefore(n int) Date {
	first := time.Date(d.Year, d.Month-time.Month(n), 1, 0, 0, 0, 0, time.UTC)
	last := first.AddDate(0, 1, -1).Day()
	return Date{first.Year(), first.Month(), min(d.Day, last)}
}

// hours are the beginnings of the hours of the period by the clock of its zone. Hours of zones with other offsets than whole hours begin
// at :15, :30 or :45 of UTC; where clocks jump by half an hour, one of them is longer or shorter.
func (p Period) hours() []time.Time {
	var out []time.Time
	hour := -1
	for t, end := p.From(), p.To(); t.Before(end); t = t.Add(quarter) {
		local := t.In(p.Zone)
		if local.Minute() == 0 || local.Hour() != hour {
			out = append(out, t)
		}
		hour = local.Hour()
	}
	return out
}

// days are the beginnings of the days of the period.
func (p Period) days() []time.Time {
	out := make([]time.Time, 0, p.Days())
	for d := p.First; p.Last.until(d) <= 0; d = d.add(1) {
		out = append(out, d.begin(p.Zone))
	}
	return out
}
