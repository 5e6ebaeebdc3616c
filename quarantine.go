package overture

import "time"

// Quarantine is the time in which nothing is sent because the database is older than the world (R11): it was restored from a backup, or a
// standby that had not heard of every commit took over. What was queued may have gone out in the window, so it is looked up first.
type Quarantine struct {
	Active  bool
	Since   time.Time // the moment up to which the database surely knows everything
	Until   time.Time // when the quarantine began: nothing was sent from the lost time after it; zero: it begins when a server starts
	Reason  string
	BeganAt time.Time

	// What is left to do before it may be released.
	Planning int // campaigns launched before, whose messages are still being written
	ToCheck  int // queued messages that may have been sent and have no marker yet
	InDoubt  int // messages with a marker, waiting for the provider's record
	// What nobody can look up: drafts that existed, and may have been launched in the lost time.
	Drafts int
}

// Begun tells whether a server has started on the database since it was restored: before that nothing is looked up.
func (q Quarantine) Begun() bool { return !q.Until.IsZero() }

// Clear tells whether everything that may have been sent has been looked up.
func (q Quarantine) Clear() bool {
	return q.Begun() && q.Planning == 0 && q.ToCheck == 0 && q.InDoubt == 0
}

// QuarantineOrder begins a quarantine.
type QuarantineOrder struct {
	Since  time.Time
	Reason string
}

// EpochLeap is how far a quarantine moves every epoch ahead at least: more owners than any lost time can have seen. To the present in
// milliseconds, when that is further: a backup may be restored twice.
const EpochLeap = 1 << 20
