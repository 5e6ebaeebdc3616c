package analytics

import (
	"testing"
	"time"

	"github.com/overture-im/overture/internal/kit/tz"
)

// Ranges, where they begin and end, what they are compared with, and how many hours their day has. Written out by hand from the calendar.
func TestPeriods(t *testing.T) {
	for _, tc := range []struct {
		name, zone, now         string // now by the clock of the zone
		r                       Range
		first, last             string
		from, until             string // UTC
		beforeFirst, beforeLast string
		beforeUntil             string // UTC
		hours                   int
	}{
		{"today", "America/New_York", "2026-11-20 10:07", Today, "2026-11-20", "2026-11-20", "2026-11-20 05:00", "2026-11-20 15:15", "2026-11-19", "2026-11-19", "2026-11-19 15:15", 24},
		{"on a quarter", "UTC", "2026-11-20 10:15", Today, "2026-11-20", "2026-11-20", "2026-11-20 00:00", "2026-11-20 10:15", "2026-11-19", "2026-11-19", "2026-11-19 10:15", 24},
		{"yesterday is whole", "Asia/Kolkata", "2026-11-20 10:07", Yesterday, "2026-11-19", "2026-11-19", "2026-11-18 18:30", "2026-11-19 18:30", "2026-11-18", "2026-11-18", "2026-11-18 18:30", 24},
		{"25 hours", "America/New_York", "2026-11-02 09:00", Yesterday, "2026-11-01", "2026-11-01", "2026-11-01 04:00", "2026-11-02 05:00", "2026-10-31", "2026-10-31", "2026-11-01 04:00", 25},
		{"23 hours", "America/New_York", "2026-03-09 09:00", Yesterday, "2026-03-08", "2026-03-08", "2026-03-08 05:00", "2026-03-09 04:00", "2026-03-07", "2026-03-07", "2026-03-08 05:00", 23},
		{"a change by half an hour", "Australia/Lord_Howe", "2026-04-06 09:00", Yesterday, "2026-04-05", "2026-04-05", "2026-04-04 13:00", "2026-04-05 13:30", "2026-04-04", "2026-04-04", "2026-04-04 13:00", 24},
		{"no midnight", "Africa/Cairo", "2026-04-25 09:00", Yesterday, "2026-04-24", "2026-04-24", "2026-04-23 22:00", "2026-04-24 21:00", "2026-04-23", "2026-04-23", "2026-04-23 22:00", 23},
		{"quarter zone", "Asia/Kathmandu", "2026-11-20 00:10", Today, "2026-11-20", "2026-11-20", "2026-11-19 18:15", "2026-11-19 18:30", "2026-11-19", "2026-11-19", "2026-11-18 18:30", 24},
		{"a week on its Sunday", "UTC", "2026-11-22 12:00", ThisWeek, "2026-11-16", "2026-11-22", "2026-11-16 00:00", "2026-11-22 12:00", "2026-11-09", "2026-11-15", "2026-11-15 12:00", 0},
		{"a week on its Monday", "UTC", "2026-11-16 12:00", ThisWeek, "2026-11-16", "2026-11-22", "2026-11-16 00:00", "2026-11-16 12:00", "2026-11-09", "2026-11-15", "2026-11-09 12:00", 0},
		{"a month", "UTC", "2026-03-30 12:00", ThisMonth, "2026-03-01", "2026-03-31", "2026-03-01 00:00", "2026-03-30 12:00", "2026-02-01", "2026-02-28", "2026-02-28 12:00", 0},
		{"last 7", "UTC", "2026-11-20 12:00", Last7Days, "2026-11-14", "2026-11-20", "2026-11-14 00:00", "2026-11-20 12:00", "2026-11-07", "2026-11-13", "2026-11-13 12:00", 0},
		{"last 30", "UTC", "2026-11-20 12:00", Last30Days, "2026-10-22", "2026-11-20", "2026-10-22 00:00", "2026-11-20 12:00", "2026-09-22", "2026-10-21", "2026-10-21 12:00", 0},
		{"year in a leap year", "UTC", "2028-02-29 12:00", YearToDate, "2028-01-01", "2028-02-29", "2028-01-01 00:00", "2028-02-29 12:00", "2027-01-01", "2027-02-28", "2027-02-28 12:00", 0},
		{"custom, over", "Europe/London", "2026-11-20 12:00", CustomRange, "2026-10-20", "2026-10-29", "2026-10-19 23:00", "2026-10-30 00:00", "2026-10-10", "2026-10-19", "2026-10-19 23:00", 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			zone, err := tz.Load(tc.zone)
			if err != nil {
				t.Fatal(err)
			}
			now, err := time.ParseInLocation("2006-01-02 15:04", tc.now, zone)
			if err != nil {
				t.Fatal(err)
			}
			first, _ := ParseDate(tc.first)
			last, _ := ParseDate(tc.last)
			p, err := periodOf(tc.r, first, last, now)
			if err != nil {
				t.Fatal(err)
			}
			b := p.before(tc.r)
			utc := func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04") }
			for _, x := range []struct{ what, got, want string }{
				{"first", p.First.String(), tc.first},
				{"last", p.Last.String(), tc.last},
				{"from", utc(p.From()), tc.from},
				{"until", utc(p.Until()), tc.until},
				{"first before", b.First.String(), tc.beforeFirst},
				{"last before", b.Last.String(), tc.beforeLast},
				{"until before", utc(b.Until()), tc.beforeUntil},
			} {
				if x.got != x.want {
					t.Errorf("%s: %s, want %s", x.what, x.got, x.want)
				}
			}
			if tc.hours > 0 && len(p.hours()) != tc.hours {
				t.Errorf("%d hours, want %d: %v", len(p.hours()), tc.hours, p.hours())
			}
		})
	}
}

// Every zone of the database has an offset of whole quarters of an hour from now on, so that its hours and days are sums of counters.
func TestEveryZoneHasWholeQuarters(t *testing.T) {
	for _, name := range tz.Names() {
		zone, err := tz.Load(name)
		if err != nil {
			t.Fatal(err)
		}
		for at := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC); at.Year() < 2040; at = at.AddDate(0, 0, 7) {
			if _, offset := at.In(zone).Zone(); offset%int(quarter/time.Second) != 0 {
				t.Fatalf("%s is %d s from UTC at %v", name, offset, at)
			}
		}
	}
}
