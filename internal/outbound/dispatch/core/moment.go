package core

import "time"

// Moment is one reading of both clocks of a node. Rows carry wall time; every deadline and grace is measured on the clock that cannot be set.
type Moment struct {
	Mono time.Duration // since the process began; never set, never backwards, but it may stand still while the machine sleeps
	Wall time.Time     // what people call the time; may jump either way; carries no monotonic reading
}

// Add gives the moment d later on both clocks.
func (m Moment) Add(d time.Duration) Moment { return Moment{m.Mono + d, m.Wall.Add(d)} }

// Age is how long ago m was at now, as the clock says that saw more time pass: for deadlines, where too much is safe. The monotonic clock
// stands still while a machine is suspended, the wall clock does not.
func (m Moment) Age(now Moment) time.Duration { return max(now.Mono-m.Mono, now.Wall.Sub(m.Wall)) }

// at gives the wall time of a moment on the monotonic clock, as seen now: for rows.
func (m Moment) at(mono time.Duration) time.Time { return m.Wall.Add(mono - m.Mono) }

// until gives the monotonic time of a wall time, as seen now: for what stands in rows.
func (m Moment) until(wall time.Time) time.Duration { return m.Mono + wall.Sub(m.Wall) }
