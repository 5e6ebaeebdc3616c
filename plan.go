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
	Through    RecipientID // the last recipient that became a message; says where to go on, never who was sent (R13)
}

// PlannedMessage is the slot of one recipient.
type PlannedMessage struct {
	RecipientID RecipientID
	Address     Address
	Segments    int
	Due         time.Time
	NotAfter    time.Time // zero: no moment is allowed; dispatch ends the message when it is due
}
