package api

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/overture-im/overture"
)

// windowBody is a sending window on the wire: for each weekday ["08:00","21:00"], end exclusive, or [] for closed.
// An end before the start crosses midnight.
type windowBody struct {
	Mon      []string `json:"mon,omitempty" maxItems:"2" doc:"[\"08:00\",\"21:00\"]: from, to (exclusive) in the recipient's own time; absent or empty: closed"`
	Tue      []string `json:"tue,omitempty" maxItems:"2"`
	Wed      []string `json:"wed,omitempty" maxItems:"2"`
	Thu      []string `json:"thu,omitempty" maxItems:"2"`
	Fri      []string `json:"fri,omitempty" maxItems:"2"`
	Sat      []string `json:"sat,omitempty" maxItems:"2"`
	Sun      []string `json:"sun,omitempty" maxItems:"2"`
	Holidays []string `json:"holidays,omitempty" maxItems:"400" doc:"Closed dates in the recipient's own time, such as 2026-12-25"`
}

var clock = regexp.MustCompile(`^([01][0-9]|2[0-3]):([0-5][0-9])$|^24:00$`)

// days gives pointers by time.Weekday: 0 is Sunday.
func (b *windowBody) days() [7]*[]string {
	return [7]*[]string{&b.Sun, &b.Mon, &b.Tue, &b.Wed, &b.Thu, &b.Fri, &b.Sat}
}

var dayNames = [7]string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

// window reads the body; location is where it stands in the request, such as "body.window".
func (b *windowBody) window(location string) (overture.Window, error) {
	var w overture.Window
	for d, hours := range b.days() {
		if len(*hours) == 0 {
			continue
		}
		if len(*hours) != 2 || !clock.MatchString((*hours)[0]) || !clock.MatchString((*hours)[1]) {
			return w, errWindow(location+"."+dayNames[d], `hours are two times, such as ["08:00","21:00"]`)
		}
		w.Days[d] = overture.Hours{From: minutes((*hours)[0]), To: minutes((*hours)[1])}
		if w.Days[d].From == w.Days[d].To || w.Days[d].From == 24*60 {
			return w, errWindow(location+"."+dayNames[d], "the window would never be open; leave the day out to close it")
		}
	}
	if w.IsZero() {
		return w, errWindow(location, "the window is closed on every day; open at least one")
	}
	for i, day := range b.Holidays {
		if _, err := time.Parse(time.DateOnly, day); err != nil {
			return w, errWindow(fmt.Sprintf("%s.holidays[%d]", location, i), "a holiday is a date such as 2026-12-25")
		}
	}
	w.Holidays = slices.Compact(slices.Sorted(slices.Values(b.Holidays)))
	return w, nil
}

// wireWindow writes a window.
func wireWindow(w overture.Window) windowBody {
	b := windowBody{Holidays: w.Holidays}
	for d, hours := range b.days() {
		if h := w.Days[d]; h.From != h.To {
			*hours = []string{clockText(h.From), clockText(h.To)}
		}
	}
	return b
}

func minutes(text string) int {
	hour, _ := strconv.Atoi(text[:2]) // clock has matched
	minute, _ := strconv.Atoi(text[3:])
	return hour*60 + minute
}

func clockText(minutes int) string { return fmt.Sprintf("%02d:%02d", minutes/60, minutes%60) }

func errWindow(location, message string) error {
	return &overture.Error{
		Kind: overture.Invalid, Code: "bad_window", Message: "the sending window is not right: " + message,
		Fields: []overture.Field{{Location: location, Message: message}},
	}
}
