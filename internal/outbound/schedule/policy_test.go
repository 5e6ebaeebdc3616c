package schedule_test

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/kit/phone"
	"github.com/overture-im/overture/internal/outbound/policy"
	"github.com/overture-im/overture/internal/outbound/schedule"
)

func packs(t testing.TB, p overture.Policy) *overture.Rules {
	t.Helper()
	p.Packs = []overture.PackRef{{Name: "us-states", Version: "2026.11"}, {Name: "countries", Version: "2026.11"}}
	r, err := policy.Rulings(p)
	if err != nil {
		t.Fatal(err)
	}
	return &overture.Rules{ID: 1, Policy: p, Rulings: r}
}

// allowed is the slow oracle: it looks at the clock on the wall of every zone and at the pack's own row, and shares nothing with the planner.
func allowed(t *rapid.T, r *overture.Ruling, zones []string, at time.Time) (rule string, ok bool) {
	if r == nil {
		return "", true
	}
	for _, z := range zones {
		local := at.In(load(t, z))
		for _, x := range r.Rules {
			h, seconds := x.Days[local.Weekday()], local.Hour()*3600+local.Minute()*60+local.Second()
			closed := false
			if x.Closed != nil {
				_, closed = x.Closed(time.Date(local.Year(), local.Month(), local.Day(), 0, 0, 0, 0, time.UTC).Unix() / 86400)
			}
			if closed || seconds < h.From*60 || seconds >= h.To*60 {
				return x.Ref() + " in " + z + " at " + local.Format(time.RFC1123), false
			}
		}
	}
	return "", true
}

var numbers = []overture.Address{
	"+12055550123", "+13055550123", "+14015550123", "+12125550123", "+18505550123", "+12085550123", "+19075550123", "+17015550123", "+18085550123",
	"+18885550123", "+17875550123", "+16055550123", "+14165550123", "+13065550123", "+16001234567", "+447700900123", "+33612345678", "+5511987654321",
	"+61412345678", "+919876543210", "+27821234567", "+525512345678", "+34612345678", "+81901234567", "+6421123456", "+97798123456",
}

// Never a due time, nor a moment up to its end, inside a quiet hour of any rule that applies; and with packs never earlier than without.
func TestPacksNarrow(t *testing.T) {
	rules := packs(t, overture.Policy{})
	calendar := schedule.NewCalendar()
	rapid.Check(t, func(t *rapid.T) {
		s := draw(t)
		to := rapid.SampledFrom(numbers).Draw(t, "to")
		if s.in.Zones = phone.Zones(string(to)); rapid.IntRange(0, 3).Draw(t, "own zone") == 0 {
			s.in.Zones = []string{rapid.SampledFrom(zones).Draw(t, "zone")}
		}
		if rapid.Bool().Draw(t, "usual window") {
			s.in.Window = overture.DefaultWindow()
		}
		if rapid.IntRange(0, 2).Draw(t, "around a holiday") == 0 {
			s.now = time.Date(s.now.Year(), 12, rapid.IntRange(22, 31).Draw(t, "day"), rapid.IntRange(0, 23).Draw(t, "hour"), 30, 0, 0, time.UTC)
			s.in.LaunchAt, s.in.ExpiresAt = time.Time{}, time.Time{}
		}
		f := schedule.Frame{Window: s.in.Window, LaunchAt: s.in.LaunchAt, ExpiresAt: s.in.ExpiresAt}
		without := calendar.Decide(s.now, schedule.Person{Address: to, Zones: s.in.Zones}, f)
		f.Rules = rules
		with := calendar.Decide(s.now, schedule.Person{Address: to, Zones: s.in.Zones}, f)
		if with.Expired {
			return
		}
		if without.Expired || with.Due.Before(without.Due) {
			t.Fatalf("with packs %v, without %v (expired %t)", with.Due, without.Due, without.Expired)
		}
		ruling := rules.For(to)
		last := with.NotAfter.Add(schedule.SendMargin - time.Millisecond)
		for at := with.Due; !at.After(last); at = at.Add(time.Minute) {
			if rule, ok := allowed(t, ruling, s.in.Zones, at); !ok {
				t.Fatalf("%s: %v of %v … %v is quiet by %s", to, at, with.Due, with.NotAfter, rule)
			}
			if at.Sub(with.Due) > 30*time.Hour {
				break
			}
		}
		if rule, ok := allowed(t, ruling, s.in.Zones, last); !ok {
			t.Fatalf("%s: the end %v is quiet by %s", to, last, rule)
		}
	})
}

// Named days and places.
func TestPackCases(t *testing.T) {
	calendar, rules := schedule.NewCalendar(), packs(t, overture.Policy{})
	for _, tc := range []struct{ name, to, now, due, until, rule string }{
		{"Texas Sunday opens at noon", "+12145550123", "2026-11-22T14:30:00Z", "2026-11-22T18:00:00Z", "2026-11-23T03:00:00Z", "us-states/2026.11/US-TX"},
		{"no Sunday in Alabama", "+12055550123", "2026-11-22T16:00:00Z", "2026-11-23T14:00:00Z", "2026-11-24T02:00:00Z", "us-states/2026.11/US-AL"},
		{"Thanksgiving in Alabama", "+12055550123", "2026-11-26T16:00:00Z", "2026-11-27T14:00:00Z", "2026-11-28T02:00:00Z", "us-states/2026.11/US-AL"},
		{"Independence Day 2026 is a Saturday, and observed on Friday; then a Sunday", "+12055550123", "2026-07-03T15:00:00Z", "2026-07-06T13:00:00Z", "2026-07-07T01:00:00Z", "us-states/2026.11/US-AL"},
		{"Florida Panhandle: both zones", "+18505550123", "2026-11-20T13:30:00Z", "2026-11-20T14:00:00Z", "2026-11-21T01:00:00Z", ""},
		{"toll-free: strictest everywhere", "+18885550123", "2026-11-23T12:00:00Z", "2026-11-23T20:00:00Z", "2026-11-23T21:30:00Z", "us-states/2026.11/US-unknown"},
		{"All Saints' in France, a Sunday", "+33612345678", "2026-11-01T10:00:00Z", "2026-11-02T07:00:00Z", "2026-11-02T20:00:00Z", "countries/2026.11/FR"},
		{"Bastille Day", "+33612345678", "2026-07-14T10:00:00Z", "2026-07-15T06:00:00Z", "2026-07-15T19:00:00Z", "countries/2026.11/FR"},
		{"India opens at ten", "+919876543210", "2026-11-20T03:00:00Z", "2026-11-20T04:30:00Z", "2026-11-20T15:30:00Z", "countries/2026.11/IN"},
		{"end exclusive: 20:00 in Seattle", "+12065550123", "2026-11-21T04:00:00Z", "2026-11-21T16:00:00Z", "2026-11-22T04:00:00Z", "us-states/2026.11/US-WA"},
		{"the margin: four seconds before the end are too few", "+12065550123", "2026-11-21T03:59:56Z", "2026-11-21T16:00:00Z", "2026-11-22T04:00:00Z", ""},
		{"the margin: five are enough", "+12065550123", "2026-11-21T03:59:55Z", "2026-11-21T03:59:55Z", "2026-11-21T04:00:00Z", ""},
		{"a place without a rule", "+4791234567", "2026-11-22T10:00:00Z", "2026-11-22T10:00:00Z", "2026-11-22T20:00:00Z", ""},
	} {
		p := schedule.Person{Address: overture.Address(tc.to), Zones: phone.Zones(tc.to)}
		d := calendar.Decide(at(t, tc.now), p, schedule.Frame{Window: overture.DefaultWindow(), Rules: rules})
		if d.Expired || !d.Due.Equal(at(t, tc.due)) || !d.NotAfter.Add(schedule.SendMargin).Equal(at(t, tc.until)) || d.Rule != tc.rule {
			t.Errorf("%s: %v … %v by %q (%s), want %s … %s by %q", tc.name, d.Due, d.NotAfter.Add(schedule.SendMargin), d.Rule, d.Why, tc.due, tc.until, tc.rule)
		}
	}
	d := calendar.Decide(at(t, "2026-11-20T17:00:00Z"), schedule.Person{Address: "+80012345678"}, schedule.Frame{Window: overture.DefaultWindow(), Rules: rules})
	if !d.Expired || d.Skip != overture.ReasonNoOpenWindow {
		t.Errorf("nobody knows where: %+v", d)
	}
}

// Decide under a cap: suppressed, or moved to the moment at which one more fits and the window is open.
func TestDecideUnderACap(t *testing.T) {
	calendar := schedule.NewCalendar()
	now := at(t, "2026-11-20T17:00:00Z")
	person := schedule.Person{Address: "+12125550123", Zones: []string{"America/New_York"}, Contacts: []time.Time{now.Add(-20 * time.Hour), now.Add(-10 * time.Hour)}}
	policyOf := func(max int, over overture.OverCap) schedule.Frame {
		return schedule.Frame{Window: overture.DefaultWindow(), Rules: packs(t, overture.Policy{Cap: overture.Cap{Max: max, Per: 24 * time.Hour}, OverCap: over})}
	}
	if d := calendar.Decide(now, person, policyOf(3, overture.OverCapSuppress)); d.Skip != "" || !d.Due.Equal(now) {
		t.Errorf("two of three: %+v", d)
	}
	if d := calendar.Decide(now, person, policyOf(2, overture.OverCapSuppress)); d.Skip != overture.ReasonCapped || d.Rule != policy.AccountCap {
		t.Errorf("two of two: %+v", d)
	}
	if d := calendar.Decide(now, person, policyOf(2, overture.OverCapHold)); d.Skip != "" || !d.Due.Equal(now.Add(4*time.Hour)) {
		t.Errorf("held until the first is a day old: %+v", d)
	}
	// The second is a day old at 02:00 in the night: the window opens at 08:00.
	if d := calendar.Decide(now, person, policyOf(1, overture.OverCapHold)); d.Skip != "" || !d.Due.Equal(at(t, "2026-11-21T13:00:00Z")) {
		t.Errorf("held until the second is a day old, and the window: %+v", d)
	}
	if d := calendar.Decide(now.Add(24*time.Hour), person, policyOf(1, overture.OverCapSuppress)); d.Skip != "" {
		t.Errorf("rolled on: %+v", d)
	}
}

func BenchmarkDecideWithPacks(b *testing.B) {
	rules, calendar := packs(b, overture.Policy{}), schedule.NewCalendar()
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	people := make([]schedule.Person, 0, 400)
	for code := 201; code < 990; code++ {
		to := fmt.Sprintf("+1%d5550123", code)
		if z := phone.Zones(to); z != nil {
			people = append(people, schedule.Person{Address: overture.Address(to), Zones: z})
		}
	}
	for _, r := range []*overture.Rules{nil, rules} {
		b.Run(fmt.Sprintf("packs=%t", r != nil), func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				calendar.Decide(now, people[i%len(people)], schedule.Frame{Window: overture.DefaultWindow(), Rules: r})
			}
		})
	}
}
