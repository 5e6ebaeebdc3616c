package tz_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/overture-im/overture/internal/kit/tz"
)

// The laws of 2026 that the toolchain's and most systems' databases do not know.
func TestOffsetsOfTheNewLaws(t *testing.T) {
	noon := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	for zone, hours := range map[string]int{
		"America/Vancouver":   -7,
		"America/Edmonton":    -6,
		"Africa/Casablanca":   0,
		"Africa/El_Aaiun":     0,
		"America/New_York":    -5,
		"Australia/Sydney":    11,
		"America/Yellowknife": -6, // an old name: follows Alberta
	} {
		loc, err := tz.Load(zone)
		if err != nil {
			t.Errorf("%s: %v", zone, err)
			continue
		}
		if _, got := noon.In(loc).Zone(); got != hours*3600 {
			t.Errorf("%s on 2026-11-20 is %+d s from UTC, want %+d h", zone, got, hours)
		}
	}
}

func TestVersionIsCurrentEnough(t *testing.T) {
	if v := tz.Version(); len(v) != 5 || v < "2026f" {
		t.Errorf("version is %q, want 2026f or newer", v)
	}
}

func TestOldNamesLoad(t *testing.T) {
	winter := time.Date(2027, 1, 15, 0, 0, 0, 0, time.UTC)
	for old, now := range map[string]string{
		"Asia/Calcutta":    "Asia/Kolkata",
		"America/Godthab":  "America/Nuuk",
		"Pacific/Ponape":   "Pacific/Guadalcanal",
		"US/Pacific":       "America/Los_Angeles",
		"Europe/Kiev":      "Europe/Kyiv",
		"GB":               "Europe/London",
		"Asia/Choibalsan":  "Asia/Ulaanbaatar",
		"America/New_York": "America/New_York",
	} {
		got, ok := tz.Canonical(old)
		if !ok || got != now && old != "Pacific/Ponape" { // Ponape is kept apart or not, depending on how the database was built
			t.Errorf("canonical name of %s is %q, want %s", old, got, now)
		}
		a, err := tz.Load(old)
		if err != nil {
			t.Errorf("%s: %v", old, err)
			continue
		}
		b, err := tz.Load(now)
		if err != nil {
			t.Errorf("%s: %v", now, err)
			continue
		}
		_, oa := winter.In(a).Zone()
		if _, ob := winter.In(b).Zone(); oa != ob {
			t.Errorf("%s and %s differ: %d and %d", old, now, oa, ob)
		}
		if a.String() != old {
			t.Errorf("location of %s calls itself %s", old, a)
		}
	}
}

func TestEveryZoneLoads(t *testing.T) {
	names := tz.Names()
	if len(names) < 300 || !slices.IsSorted(names) {
		t.Fatalf("%d names, sorted: %t", len(names), slices.IsSorted(names))
	}
	for _, n := range names {
		if _, err := tz.Load(n); err != nil {
			t.Error(err)
		}
	}
}

func TestUnknownZoneSaysWhatToDo(t *testing.T) {
	for _, name := range []string{"", "Local", "Mars/Olympus", "america/new_york", "../etc/passwd", "+VERSION", "Eastern", strings.Repeat("x", 500)} {
		_, err := tz.Load(name)
		if err == nil {
			t.Errorf("%q loads", name)
			continue
		}
		if !strings.Contains(err.Error(), "use an IANA name such as America/New_York") || len(err.Error()) > 200 {
			t.Errorf("%q: %v", name, err)
		}
		if tz.Valid(name) {
			t.Errorf("%q is called valid", name)
		}
	}
}

func TestSameNameSamePointer(t *testing.T) {
	a, _ := tz.Load("Europe/Berlin")
	b, _ := tz.Load("Europe/Berlin")
	if a == nil || a != b {
		t.Error("the cache does not hold")
	}
}
