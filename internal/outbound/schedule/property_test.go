package schedule_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/kit/tz"
	"github.com/overture-im/overture/internal/outbound/schedule"
)

var zones = []string{
	"America/New_York", "America/Chicago", "America/Los_Angeles", "America/St_Johns", "America/Havana", "Pacific/Honolulu", "Europe/London",
	"Europe/Berlin", "Asia/Kolkata", "Asia/Kathmandu", "Australia/Lord_Howe", "Australia/Eucla", "Pacific/Chatham", "Pacific/Apia",
	"Africa/Casablanca", "Africa/Cairo", "America/Santiago", "Atlantic/Azores", "Asia/Beirut", "Pacific/Kiritimati", "Etc/GMT+12", "America/Nuuk",
}

type situation struct {
	now time.Time
	in  schedule.Input
}

func draw(t *rapid.T) situation {
	var s situation
	// Half of the moments lie near a change of clocks.
	s.now = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(rapid.Int64Range(0, 4*366*24*3600_000).Draw(t, "now")) * time.Millisecond)
	s.in.Zones = rapid.SliceOfNDistinct(rapid.SampledFrom(zones), 1, 3, rapid.ID).Draw(t, "zones")
	if rapid.Bool().Draw(t, "near a change") {
		if _, end := s.now.In(load(t, s.in.Zones[0])).ZoneBounds(); !end.IsZero() {
			s.now = end.Add(time.Duration(rapid.Int64Range(-30*3600_000, 6*3600_000).Draw(t, "around")) * time.Millisecond).UTC()
		}
	}
	minute := rapid.OneOf(rapid.IntRange(0, 1440), rapid.SampledFrom([]int{0, 60, 90, 120, 150, 180, 480, 1260, 1440}))
	for d := range s.in.Window.Days {
		if rapid.IntRange(0, 5).Draw(t, "closed") > 0 {
			s.in.Window.Days[d] = overture.Hours{From: minute.Draw(t, "from"), To: minute.Draw(t, "to")}
		}
	}
	for range rapid.IntRange(0, 2).Draw(t, "holidays") {
		s.in.Window.Holidays = append(s.in.Window.Holidays, s.now.AddDate(0, 0, rapid.IntRange(-1, 4).Draw(t, "holiday")).Format(time.DateOnly))
	}
	if rapid.Bool().Draw(t, "later") {
		s.in.LaunchAt = s.now.Add(time.Duration(rapid.Int64Range(-3600, 40*24*3600).Draw(t, "launch")) * time.Second)
	}
	if rapid.Bool().Draw(t, "limited") {
		s.in.ExpiresAt = s.now.Add(time.Duration(rapid.Int64Range(-3600, 20*24*3600).Draw(t, "validity")) * time.Second)
	}
	return s
}

func load(t *rapid.T, zone string) *time.Location {
	loc, err := tz.Load(zone)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

// inside is the rule of the window said another way: look at the clock on the wall.
func inside(w overture.Window, loc *time.Location, at time.Time) bool {
	local := at.In(loc)
	closed := func(day time.Time) bool {
		for _, h := range w.Holidays {
			if h == day.Format(time.DateOnly) {
				return true
			}
		}
		return false
	}
	if closed(local) {
		return false
	}
	seconds := local.Hour()*3600 + local.Minute()*60 + local.Second()
	today := w.Of(local.Weekday())
	if today.From < today.To && seconds >= today.From*60 && seconds < today.To*60 || today.From > today.To && seconds >= today.From*60 {
		return true
	}
	noon := time.Date(local.Year(), local.Month(), local.Day()-1, 12, 0, 0, 0, time.UTC)
	before := w.Of(noon.Weekday())
	return before.From > before.To && seconds < before.To*60 && !closed(noon)
}

func TestNeverInsideAClosedWindow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := draw(t)
		got := schedule.Plan(s.now, s.in)
		if got.Expired {
			return
		}
		if got.Due.Before(s.now) || got.Due.Before(s.in.LaunchAt) || got.NotAfter.Before(got.Due) {
			t.Fatalf("slot %v … %v, asked at %v for %v", got.Due, got.NotAfter, s.now, s.in.LaunchAt)
		}
		last := got.NotAfter.Add(schedule.SendMargin - time.Millisecond)
		if !s.in.ExpiresAt.IsZero() && !last.Before(s.in.ExpiresAt) {
			t.Fatalf("%v is after the validity %v", last, s.in.ExpiresAt)
		}
		length := min(last.Sub(got.Due), 48*time.Hour)
		for _, moment := range []time.Time{got.Due, got.NotAfter, last, got.Due.Add(time.Duration(rapid.Int64Range(0, int64(length)).Draw(t, "between")))} {
			for _, z := range s.in.Zones {
				if !inside(s.in.Window, load(t, z), moment) {
					t.Fatalf("%v is %v in %s, outside the window; slot %v … %v", moment, moment.In(load(t, z)), z, got.Due, got.NotAfter)
				}
			}
		}
	})
}

func TestEarliestPossible(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := draw(t)
		s.in.ExpiresAt = time.Time{}
		got := schedule.Plan(s.now, s.in)
		from, to := s.now, got.Due
		if s.in.LaunchAt.After(from) {
			from = s.in.LaunchAt
		}
		if got.Expired {
			to = from.Add(schedule.Horizon - time.Minute)
		}
	moments:
		for moment := from; moment.Before(to.Add(-time.Minute)); moment = moment.Truncate(time.Minute).Add(time.Minute) {
			for _, z := range s.in.Zones {
				loc := load(t, z)
				// Around a change of clocks the window opens late and closes early on purpose.
				begin, end := moment.In(loc).ZoneBounds()
				if !begin.IsZero() && moment.Sub(begin) < 2*time.Hour || !end.IsZero() && end.Sub(moment) < 2*time.Hour ||
					!inside(s.in.Window, loc, moment) || !inside(s.in.Window, loc, moment.Add(schedule.SendMargin)) {
					continue moments
				}
			}
			t.Fatalf("%v is open in all of %v, but due is %v (%s)", moment, s.in.Zones, got.Due, got.Why)
		}
	})
}

func TestLaterNeverMeansEarlier(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := draw(t)
		first := schedule.Plan(s.now, s.in)
		later := schedule.Plan(s.now.Add(time.Duration(rapid.Int64Range(0, 10*24*3600).Draw(t, "wait"))*time.Second), s.in)
		if !first.Expired && !later.Expired && (later.Due.Before(first.Due) || later.NotAfter.Before(first.NotAfter)) {
			t.Fatalf("asked later, %v … %v comes before %v … %v", later.Due, later.NotAfter, first.Due, first.NotAfter)
		}
		again := s
		again.in.Zones = append(again.in.Zones, rapid.SampledFrom(zones).Draw(t, "one more zone"))
		if narrower := schedule.Plan(s.now, again.in); !narrower.Expired && (first.Expired && first.Why != "" && s.in.ExpiresAt.IsZero() || narrower.Due.Before(first.Due)) {
			t.Fatalf("with one more candidate zone it goes earlier: %v before %v", narrower.Due, first.Due)
		}
	})
}

func TestCalendarAgreesWithPlan(t *testing.T) {
	calendar := schedule.NewCalendar()
	rapid.Check(t, func(t *rapid.T) {
		s := draw(t)
		if rapid.IntRange(0, 9).Draw(t, "unknown") == 0 {
			s.in.Zones = nil
		}
		for range 2 { // computed and remembered
			want, got := schedule.Plan(s.now, s.in), calendar.Plan(s.now, s.in)
			if got != want {
				t.Fatalf("calendar says %+v, Plan %+v", got, want)
			}
			due, notAfter, expired, why := calendar.Next(s.now, s.in.Zones, s.in.Window, s.in.LaunchAt, s.in.ExpiresAt)
			if (schedule.Slot{Due: due, NotAfter: notAfter, Expired: expired, Why: why}) != want {
				t.Fatalf("Next says %v %v %t %s, Plan %+v", due, notAfter, expired, why, want)
			}
			s.now = s.now.Add(time.Duration(rapid.Int64Range(0, 3*24*3600).Draw(t, "wait")) * time.Second)
		}
	})
}

func BenchmarkPlan(b *testing.B) {
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	in := schedule.Input{Zones: []string{"America/New_York", "America/Chicago"}, Window: overture.DefaultWindow()}
	b.ReportAllocs()
	for b.Loop() {
		schedule.Plan(now, in)
	}
}

func BenchmarkCalendarOneZone(b *testing.B) {
	benchmarkCalendar(b, []string{"America/New_York"})
}

func BenchmarkCalendarThreeZones(b *testing.B) {
	benchmarkCalendar(b, []string{"America/Regina", "America/Edmonton", "America/Winnipeg"})
}

func benchmarkCalendar(b *testing.B, zones []string) {
	b.Helper()
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	in := schedule.Input{Zones: zones, Window: overture.DefaultWindow()}
	calendar := schedule.NewCalendar()
	b.ReportAllocs()
	for b.Loop() {
		calendar.Plan(now, in)
	}
}
