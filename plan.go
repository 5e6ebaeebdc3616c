package overture

import "time"

// Planning is a launched campaign whose recipients have not all become messages yet.
type Planning struct {
	CampaignID CampaignID
	AccountID  AccountID
	SenderID   SenderID
	Window     Window
	LaunchAt   time.Time
	ExpiresAt  time.Time
	Rules      *Rules      // frozen at launch; nil: none
	Through    RecipientID // the last recipient that became a message; says where to go on, never who was sent (R13)
}

// QueuedMessage is a queued message whose slot was found under rules that are not the campaign's any more.
type QueuedMessage struct {
	Place
	NotAfter time.Time
	Address  Address
	Zones    []string
	Attempts int
	Busy     bool // a marker says that a send may have happened: it must not be moved
	Current  bool // its slot was found under the campaign's rules: nothing to do
}

// Replan is the new slot of a queued message. NewDue may be what it was.
type Replan struct {
	Place
	NewDue   time.Time
	NotAfter time.Time // zero: no moment is allowed; dispatch ends the message when it is due
}

// PlannedMessage is the slot of one recipient.
type PlannedMessage struct {
	RecipientID RecipientID
	Address     Address
	Segments    int
	Due         time.Time
	NotAfter    time.Time // zero: no moment is allowed; dispatch ends the message when it is due
}
