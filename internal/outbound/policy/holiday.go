package policy

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// Holiday is one banned date.
type Holiday struct {
	Date time.Time // UTC midnight of the local date
	Name string
}

// holyFile is a day that returns every year: a date, a weekday of a month (nth, from the end when negative), or days after Easter Sunday.
type holyFile struct {
	Name     string   `json:"name"`
	Month    int      `json:"month"`
	Day      int      `json:"day"`
	Weekday  string   `json:"weekday"`
	Nth      int      `json:"nth"`
	Easter   *int     `json:"easter"`
	Observed observed `json:"observed"`
}

// observed says which other day is banned as well when a date falls on a weekend.
type observed string

const (
	observedNever     observed = ""
	observedNearest   observed = "nearest"   // Saturday: the Friday before; Sunday: the Monday after
	observedMonday    observed = "monday"    // Saturday and Sunday: the Monday after
	observedSunday    observed = "sunday"    // Sunday only: the Monday after
	observedChristmas observed = "christmas" // Saturday: Monday; Sunday: Tuesday, because Monday is Boxing Day
	observedBoxing    observed = "boxing"    // Saturday: Monday; Sunday: Tuesday
)

// shift gives how many days later the day is observed; zero: on no other day.
func (o observed) shift(d time.Weekday) int {
	switch o {
	case observedNearest:
		return map[time.Weekday]int{time.Saturday: -1, time.Sunday: 1}[d]
	case observedMonday:
		return map[time.Weekday]int{time.Saturday: 2, time.Sunday: 1}[d]
	case observedSunday:
		return map[time.Weekday]int{time.Sunday: 1}[d]
	case observedChristmas, observedBoxing:
		return map[time.Weekday]int{time.Saturday: 2, time.Sunday: 2}[d]
	case observedNever:
	}
	return 0
}

// The years for which holidays are computed.
const firstYear, lastYear = 2020, 2100

// holidays are the banned dates of firstYear to lastYear, by days since 1970-01-01.
type holidays map[int64]string

func (h holidays) closed(day int64) (name string, closed bool) {
	name, closed = h[day]
	return name, closed
}

func (h holidays) of(year int) []Holiday {
	var out []Holiday
	for d := date(year, 1, 1); d.Year() == year; d = d.AddDate(0, 0, 1) {
		if name, ok := h.closed(days(d)); ok {
			out = append(out, Holiday{Date: d, Name: name})
		}
	}
	return out
}

func readHolidays(files []holyFile) (holidays, error) {
	out := holidays{}
	for _, f := range files {
		if f.Name == "" {
			return nil, errors.New("a holiday has a name")
		}
		// A year more on both sides: a day may be observed in the year before.
		for year := firstYear - 1; year <= lastYear+1; year++ {
			d, err := f.in(year)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", f.Name, err)
			}
			out[days(d)] = f.Name
			if shift := f.Observed.shift(d.Weekday()); shift != 0 {
				if other := d.AddDate(0, 0, shift); out[days(other)] == "" {
					out[days(other)] = f.Name + " (observed)"
				}
			}
		}
	}
	return out, nil
}

func (f holyFile) in(year int) (time.Time, error) {
	if !slices.Contains([]observed{observedNever, observedNearest, observedMonday, observedSunday, observedChristmas, observedBoxing}, f.Observed) {
		return time.Time{}, fmt.Errorf("observed is not %q", f.Observed)
	}
	switch {
	case f.Easter != nil && f.Month == 0:
		return easter(year).AddDate(0, 0, *f.Easter), nil
	case f.Month < 1 || f.Month > 12:
		return time.Time{}, errors.New("a month is 1 to 12")
	case f.Weekday == "" && f.Day >= 1 && date(year, f.Month, f.Day).Day() == f.Day:
		return date(year, f.Month, f.Day), nil
	}
	w := slices.Index(weekdays, f.Weekday)
	if w < 0 || f.Nth == 0 || f.Nth < -1 || f.Nth > 4 || f.Day != 0 {
		return time.Time{}, errors.New("a day is a date, a weekday of a month, or counted from Easter")
	}
	if f.Nth < 0 {
		last := date(year, f.Month+1, 0)
		return last.AddDate(0, 0, -((int(last.Weekday()) - w + 7) % 7)), nil
	}
	first := date(year, f.Month, 1)
	return first.AddDate(0, 0, (w-int(first.Weekday())+7)%7+7*(f.Nth-1)), nil
}

// easter gives Easter Sunday of the Gregorian calendar by the algorithm that Nature printed in 1876.
func easter(year int) time.Time {
	a, b, c := year%19, year/100, year%100
	d, e := b/4, b%4
	f := (b + 8) / 25
	g := (b - f + 1) / 3
	h := (19*a + b - d - g + 15) % 30
	i, k := c/4, c%4
	l := (32 + 2*e + 2*i - h - k) % 7
	m := (a + 11*h + 22*l) / 451
	n := h + l - 7*m + 114
	return date(year, n/31, n%31+1)
}

func date(year, month, day int) time.Time {
	return time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC)
}

// days since 1970-01-01 of a UTC midnight.
func days(d time.Time) int64 {
	const day = 24 * 60 * 60
	return d.Unix() / day
}
