package overture

import "time"

// Window is the sending window in the recipient's own time, per weekday (E2). Minutes after local midnight, end exclusive.
type Window struct {
	Days [7]Hours // index is time.Weekday: 0 is Sunday
	// Closed dates in the recipient's zone, as "2006-01-02".
	Holidays []string

	ruling *Ruling
}

// Under gives the window of one recipient: this one, narrowed by what the active packs say about the recipient's place. A ruling never
// widens a window: both must be open. Nil narrows nothing.
func (w Window) Under(r *Ruling) Window {
	w.ruling = r
	return w
}

// Ruling gives what narrows the window; nil: nothing does.
func (w Window) Ruling() *Ruling { return w.ruling }

// Hours of one day. From == To means closed; From > To crosses midnight into the next day.
type Hours struct {
	From int // minutes after midnight, 0…1440
	To   int // minutes after midnight, exclusive, 0…1440
}

// IsZero tells whether no day was ever set.
func (w Window) IsZero() bool { return w.Days == [7]Hours{} }

// Of gives the hours of a weekday.
func (w Window) Of(d time.Weekday) Hours { return w.Days[d] }

// DefaultWindow is 08:00–21:00 every day, the source documents' default for SMS.
func DefaultWindow() Window {
	var w Window
	for d := range w.Days {
		w.Days[d] = Hours{From: 8 * 60, To: 21 * 60}
	}
	return w
}

// AlwaysOpen is a window without limits.
func AlwaysOpen() Window {
	var w Window
	for d := range w.Days {
		w.Days[d] = Hours{From: 0, To: 24 * 60}
	}
	return w
}
