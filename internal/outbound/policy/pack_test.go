package policy_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/outbound/policy"
)

func all() overture.Policy {
	return overture.Policy{Packs: []overture.PackRef{{Name: "us-states", Version: "2026.11"}, {Name: "countries", Version: "2026.11"}}}
}

func rulings(t *testing.T, p overture.Policy) overture.Rulings {
	t.Helper()
	r, err := policy.Rulings(p)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestPacksAreWhole(t *testing.T) {
	packs := policy.Packs()
	if len(packs) != 2 || packs[0].String() != "countries/2026.11" || packs[1].String() != "us-states/2026.11" {
		t.Fatalf("packs: %v", packs)
	}
	states, countries := packs[1], packs[0]
	if len(states.Rules) != 53 || len(countries.Rules) != 17 { // 51 with the District, default, unknown; 16, unknown
		t.Fatalf("%d rules of states, %d of countries", len(states.Rules), len(countries.Rules))
	}
	for _, p := range packs {
		for _, r := range p.Rules {
			if r.Days == [7]overture.Hours{} {
				t.Errorf("%s is never open", r.Ref())
			}
			if r.Holidays && r.Closed == nil && r.Gap == "" {
				t.Errorf("%s bans holidays it does not know, and does not say so", r.Ref())
			}
		}
	}
}

// No state is stricter than the row for an unknown state, and no country than the one for an unknown country: unknown is never an advantage.
func TestUnknownIsStrictest(t *testing.T) {
	for _, p := range policy.Packs() {
		i := slices.IndexFunc(p.Rules, func(r policy.Rule) bool { return r.Match == policy.MatchUnknown })
		unknown := p.Rules[i]
		for _, r := range p.Rules {
			for d := range r.Days {
				if u := unknown.Days[d]; u.From != u.To && (u.From < r.Days[d].From || u.To > r.Days[d].To) {
					t.Errorf("%s is stricter than %s on %s", r.Ref(), unknown.Ref(), time.Weekday(d))
				}
			}
			if r.Country == "US" && r.Holidays && !unknown.Holidays {
				t.Errorf("%s bans holidays, %s does not", r.Ref(), unknown.Ref())
			}
			if r.Cap.Max > 0 && (unknown.Cap.Max == 0 || unknown.Cap.Max > r.Cap.Max || unknown.Cap.Per < r.Cap.Per) {
				t.Errorf("%s has a stricter cap than %s", r.Ref(), unknown.Ref())
			}
		}
	}
}

func TestRulingsFindThePlace(t *testing.T) {
	book := rulings(t, all())
	for number, want := range map[string]string{
		"+12125550123": "us-states/2026.11/US-NY, countries/2026.11/US", "+13055550123": "us-states/2026.11/US-FL, countries/2026.11/US",
		"+18505550123": "us-states/2026.11/US-FL, countries/2026.11/US", // two zones, one state
		"+17875550123": "us-states/2026.11/US-default, countries/2026.11/US",
		"+18885550123": "us-states/2026.11/US-unknown, countries/2026.11/US",
		"+14165550123": "countries/2026.11/CA", "+16001234567": "countries/2026.11/CA", "+33612345678": "countries/2026.11/FR",
		"+447700900123": "countries/2026.11/GB", "+5511987654321": "countries/2026.11/BR", "+919876543210": "countries/2026.11/IN",
		"+18765550123": "", "+4915112345678": "countries/2026.11/DE", "+4791234567": "",
		"+80012345678": "countries/2026.11/unknown", "+15555550123": "countries/2026.11/unknown", "": "countries/2026.11/unknown",
	} {
		if got := book.For(overture.Address(number)).Refs(); got != want {
			t.Errorf("%s: %q, want %q", number, got, want)
		}
	}
	if book.For("+13055550123") != book.For("+19545550199") {
		t.Error("two numbers of Florida have two rulings: the calendar remembers by their pointer")
	}
	if c := book.For("+13055550123").Caps; len(c) != 1 || c[0].Max != 3 || c[0].Per != 24*time.Hour || c[0].Rule != "us-states/2026.11/US-FL" {
		t.Errorf("caps of Florida: %v", c)
	}
}

func TestConfidence(t *testing.T) {
	p := all()
	p.MinConfidence = overture.ConfidenceHigh
	book := rulings(t, p)
	for number, want := range map[string]string{
		"+13055550123": "us-states/2026.11/US-FL, countries/2026.11/US",      // high
		"+12055550123": "us-states/2026.11/US-default, countries/2026.11/US", // Alabama is medium
		"+18885550123": "us-states/2026.11/US-unknown, countries/2026.11/US", // always
		"+14165550123": "", "+33612345678": "countries/2026.11/FR",
	} {
		if got := book.For(overture.Address(number)).Refs(); got != want {
			t.Errorf("%s: %q, want %q", number, got, want)
		}
	}
	if r, err := policy.Rulings(overture.Policy{MinConfidence: overture.ConfidenceHigh}); r != nil || err != nil {
		t.Errorf("no pack and no cap is no ruling: %v %v", r, err)
	}
	if _, err := policy.Rulings(overture.Policy{Packs: []overture.PackRef{{Name: "us-states", Version: "2031.01"}}}); err == nil {
		t.Error("a pack of a newer program was left out without a word")
	}
}

func TestHolidays(t *testing.T) {
	calendars := map[string]policy.Calendar{}
	for _, p := range policy.Packs() {
		for _, c := range p.Calendars {
			calendars[c.ID] = c
		}
	}
	for _, tc := range []struct {
		id   string
		year int
		want string
	}{
		{"US", 2026, "01-01 01-19 02-16 05-25 06-19 07-03 07-04 09-07 10-12 11-11 11-26 12-25"},
		{"US", 2027, "01-01 01-18 02-15 05-31 06-18 06-19 07-04 07-05 09-06 10-11 11-11 11-25 12-24 12-25 12-31"}, // New Year 2028 is a Saturday
		{"FR", 2026, "01-01 04-06 05-01 05-08 05-14 05-25 07-14 08-15 11-01 11-11 12-25"},
		{"ES", 2027, "01-01 01-06 03-26 05-01 08-15 10-12 11-01 12-06 12-08 12-25"},
		{"IT", 2026, "01-01 01-06 04-05 04-06 04-25 05-01 06-02 08-15 10-04 11-01 12-08 12-25 12-26"},
		{"BR", 2026, "01-01 04-03 04-21 05-01 09-07 10-12 11-02 11-15 11-20 12-25"},
		{"AU", 2027, "01-01 01-26 03-26 03-29 04-25 12-25 12-26 12-27 12-28"}, // Christmas on Saturday, Boxing Day on Sunday
		{"ZA", 2027, "01-01 03-21 03-22 03-26 03-29 04-27 05-01 06-16 08-09 09-24 12-16 12-25 12-26 12-27"},
		{"MX", 2026, "01-01 02-02 03-16 05-01 09-16 11-16 12-25"},
	} {
		var got []string
		for _, h := range calendars[tc.id].On(tc.year) {
			got = append(got, h.Date.Format("01-02"))
		}
		if strings.Join(got, " ") != tc.want {
			t.Errorf("%s %d:\n got %s\nwant %s", tc.id, tc.year, strings.Join(got, " "), tc.want)
		}
	}
}

func TestCheck(t *testing.T) {
	got, err := policy.Check(overture.Policy{Packs: []overture.PackRef{{Name: "us-states"}, {Name: "countries", Version: "2026.11"}}})
	if err != nil || len(got.Packs) != 2 || got.Packs[1] != (overture.PackRef{Name: "us-states", Version: "2026.11"}) {
		t.Fatalf("%+v %v", got, err)
	}
	for name, p := range map[string]overture.Policy{
		"no such pack":    {Packs: []overture.PackRef{{Name: "moon"}}},
		"no such version": {Packs: []overture.PackRef{{Name: "countries", Version: "1"}}},
		"twice":           {Packs: []overture.PackRef{{Name: "countries"}, {Name: "countries", Version: "2026.11"}}},
		"confidence":      {MinConfidence: "sure"},
		"over cap":        {OverCap: "send"},
		"cap of nothing":  {Cap: overture.Cap{Max: -1, Per: time.Hour}},
		"cap too long":    {Cap: overture.Cap{Max: 1, Per: 32 * 24 * time.Hour}},
		"cap in minutes":  {Cap: overture.Cap{Max: 1, Per: 90 * time.Minute}},
		"period alone":    {Cap: overture.Cap{Per: time.Hour}},
	} {
		if _, err := policy.Check(p); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
}

func BenchmarkRulings(b *testing.B) {
	for b.Loop() {
		_, _ = policy.Rulings(all())
	}
}

func BenchmarkFor(b *testing.B) {
	book, _ := policy.Rulings(all())
	b.ReportAllocs()
	for b.Loop() {
		book.For("+12125550123")
		book.For("+5511987654321")
	}
}
