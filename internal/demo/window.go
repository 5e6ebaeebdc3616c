package demo

import (
	"fmt"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/kit/tz"
)

// window is open all day but for three hours before and after London's present time of day, in every recipient's own time. So at whatever
// hour the demo is run, people in Europe wait for their window and people in America do not.
func window(now time.Time) (overture.Window, error) {
	var w overture.Window
	london, err := tz.Load("Europe/London")
	if err != nil {
		return w, fmt.Errorf("time zone of the demo: %w", err)
	}
	local := now.In(london)
	minute := local.Hour()*60 + local.Minute()
	const day = 24 * 60
	h := overture.Hours{From: (minute + 3*60) % day, To: (minute - 3*60 + day) % day}
	for d := range w.Days {
		w.Days[d] = h
	}
	return w, nil
}

// wireWindow is the window as the API takes it.
func wireWindow(w overture.Window) map[string]any {
	names := [7]string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}
	out := map[string]any{}
	for d, h := range w.Days {
		out[names[d]] = []string{clock(h.From), clock(h.To)}
	}
	return out
}

func clock(minute int) string { return fmt.Sprintf("%02d:%02d", minute/60, minute%60) }
