package overture

import "time"

// Unconfirmed is a message that the provider accepted and about which it has said no last word yet.
type Unconfirmed struct {
	MessageID  MessageID
	State      State // Accepted or Sent
	ProviderID string
	Token      string // of the attempt that was accepted; empty when only the provider's record knows it
	AcceptedAt time.Time
	At         SweepPosition
}

// ReceiptSweep is how far the search for lost receipts of one sender has come. One node at a time holds it, as a lease.
type ReceiptSweep struct {
	SenderID SenderID
	Owner    string
	Since    time.Time     // where the last whole sweep began; zero: nobody looked for a while, everything unconfirmed is looked at
	Until    time.Time     // where the sweep under way began; zero: none is under way
	At       SweepPosition // what the sweep under way has behind it
	NextAt   time.Time     // nothing is done before
}

// SweepPosition is a place in the order campaign, recipient, leg.
type SweepPosition struct {
	CampaignID  CampaignID
	RecipientID RecipientID
	Leg         int
}
