package overture

import "time"

// Session is a browser that is signed in. Its token is known to the browser alone; only a hash is kept.
type Session struct {
	ID             SessionID
	User           User // as the user is now
	AccountEnabled bool
	SessionVersion int // of the user when the session began
	CreatedAt      time.Time
	ExpiresAt      time.Time // whatever happens
	LastSeenAt     time.Time // to the minute
	Through        string    // how the user signed in, for the audit log; empty: with a password. Only known when it begins
}

// Live tells whether the session opens anything at this time: not too old, not idle too long, and nothing about the user that would have
// ended it has changed since (T8).
func (s Session) Live(now time.Time, idle time.Duration) bool {
	return now.Before(s.ExpiresAt) && now.Sub(s.LastSeenAt) < idle &&
		s.AccountEnabled && !s.User.Disabled && s.SessionVersion == s.User.SessionVersion
}
