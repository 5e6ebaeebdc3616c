package overture

import "time"

// HeldMessage is a message of which nobody can prove whether the provider has it: a person decides.
type HeldMessage struct {
	Ended
	CampaignName string
	Attempt      int
	AttemptedAt  time.Time // when the request went out that may have arrived
	HeldAt       time.Time
	Lookups      int // answers of the provider's record that did not settle it
	HTTPStatus   int // of the answer that proved nothing; 0: no answer could be read
	Code         int // the provider's code in that answer; 0: none
}

// Doubt says in words why it is not known whether the provider has the message.
func (m HeldMessage) Doubt() Sentence {
	switch {
	case m.HTTPStatus >= 500:
		return Say("the provider answered with a server error, which may come after it took the message")
	case m.HTTPStatus != 0:
		return Say("the provider's answer does not say whether it took the message")
	}
	return Say("the request may have arrived and no readable answer came: a time-out, a cut connection, or this server ended in mid-send")
}

// HeldFilter narrows the held messages of an account. Zero fields do not narrow.
type HeldFilter struct {
	AccountID       AccountID
	CampaignID      CampaignID
	SenderID        SenderID
	Messages        []MessageID
	AttemptedBefore time.Time
	HeldBefore      time.Time
	After           MessageID // the page's beginning
	Limit           int
}

// HeldOrder is the decision of a person about many held messages. It is carried out in chunks and goes on after a crash where it was.
type HeldOrder struct {
	ID         HeldOrderID
	By         Actor
	How        Resolution
	Filter     HeldFilter // HeldBefore is at most the time of the order: what becomes held later is not meant
	Through    MessageID  // the cursor
	Matched    int        // when the order was given
	Resolved   int
	LeftHeld   int // settled by somebody else meanwhile, or not to be sent again: canceled campaign, validity over
	CreatedAt  time.Time
	FinishedAt time.Time
}

// HeldDecision is one message of an order. TooLate: Resend was asked for and no window opens before the validity ends.
type HeldDecision struct {
	Ended
	Place   Requeue
	TooLate bool
}
