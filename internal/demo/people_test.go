package demo

import (
	"flag"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/kit/phone"
	"github.com/overture-im/overture/internal/kit/tz"
)

var update = flag.Bool("update", false, "write people.csv anew")

// fictional are the ranges that regulators reserve for fiction: nobody can be called by accident.
var fictional = regexp.MustCompile(`^\+(1\d{3}55501\d\d|447700900\d{3}|49176040690\d\d|46701740(60[5-9]|6[1-9]\d))$`)

func TestPeople(t *testing.T) {
	if *update {
		if err := os.WriteFile("people.csv", []byte(writePeople()), 0o600); err != nil {
			t.Fatal(err)
		}
		peopleCSV = writePeople()
	}
	if peopleCSV != writePeople() {
		t.Fatal("people.csv is not what the generator writes; run: go test ./internal/demo -run TestPeople -update")
	}
	rows := strings.Split(strings.TrimSpace(peopleCSV), "\n")[1:]
	if len(rows) != rowsInFile {
		t.Errorf("the list has %d rows, want %d", len(rows), rowsInFile)
	}
	seen, bad, twice, europe := map[string]bool{}, 0, 0, 0
	for _, row := range rows {
		cell, _, _ := strings.Cut(row, ",")
		n, err := phone.Parse(cell)
		switch {
		case err != nil:
			bad++
			continue
		case seen[n.E164]:
			twice++
			continue
		case !fictional.MatchString(n.E164):
			t.Errorf("%s lies in no range reserved for fiction", cell)
		}
		seen[n.E164] = true
		if n.CallingCode != 1 {
			europe++
		}
	}
	if bad != invalid || twice != duplicates || europe != sleepers {
		t.Errorf("%d invalid, %d duplicate, %d in Europe; want %d, %d, %d", bad, twice, europe, invalid, duplicates, sleepers)
	}
	for _, number := range optedOutBefore() {
		if !seen[number] {
			t.Errorf("%s opted out before but is not in the list", number)
		}
	}
}

// Whoever the demo wants awake is awake, and whoever it wants asleep is asleep, at every hour of every season.
func TestWindowTreatsPlacesAlikeAtAnyHour(t *testing.T) {
	for hour := range 366 * 24 {
		now := time.Date(2026, 1, 1, hour, 17, 0, 0, time.UTC)
		w, err := window(now)
		if err != nil {
			t.Fatal(err)
		}
		check := func(places []place, open bool) {
			for _, p := range places {
				for _, zone := range phone.Zones(p.number(0)) {
					if got := isOpen(t, w, now, zone); got != open {
						t.Fatalf("at %v %s (%s): open is %v, want %v", now, p.city, zone, got, open)
					}
				}
			}
		}
		check(awake, true)
		check(asleep, false)
	}
}

// isOpen is a second, simple reading of a window, with two hours to spare on both sides.
func isOpen(t *testing.T, w overture.Window, now time.Time, zone string) bool {
	t.Helper()
	l, err := tz.Load(zone)
	if err != nil {
		t.Fatal(err)
	}
	const spare = 30
	local := now.In(l)
	minute := local.Hour()*60 + local.Minute()
	hours := w.Of(local.Weekday())
	inside := func(m int) bool {
		m = (m + 1440) % 1440
		if hours.From <= hours.To {
			return m >= hours.From && m < hours.To
		}
		return m >= hours.From || m < hours.To
	}
	before, at, after := inside(minute-spare), inside(minute), inside(minute+spare)
	if before != at || at != after {
		t.Fatalf("%s at %v is too near the edge of the window", zone, now)
	}
	return at
}
