package overture

import "time"

// SenderStanding is a sender with what the database knows about its work.
type SenderStanding struct {
	Sender
	LeaseOwner string
	LeaseUntil time.Time // zero: nobody has owned it
	Waiting    int       // queued messages of campaigns
	InDoubt    int
	FirstDue   time.Time // of everything queued in an open lane, also in the future; zero: nothing is
}

// AccountQueue is what waits in an account.
type AccountQueue struct {
	Waiting       int       // queued messages of campaigns
	OldestDue     time.Time // zero: nothing is due
	InDoubt       int
	OldestInDoubt time.Time
	Held          int
	Planning      int // launched campaigns whose messages are being written
	Answers       int // that wait to be matched
}
