package overture

import "time"

// CampaignRecord is one line of the export of all campaigns (B3).
type CampaignRecord struct {
	CampaignLine
	SenderName    string
	SenderAddress Address
	SkillName     string
	CreatedByName string
	ConsentByName string
	Replied       int
	OptedOut      int
}

// RecipientRecord is one line of the export of a campaign's recipients and messages (B3).
type RecipientRecord struct {
	Recipient
	Message     *Message // nil before planning; Attempting and Unknown are told apart
	DeliveredAt time.Time
	RepliedAt   time.Time
}

// FigureFilter selects the campaigns whose figures are added up. Empty fields do not narrow.
type FigureFilter struct {
	AccountID AccountID
	From      time.Time // launched at or after
	To        time.Time // launched before
	Skills    []SkillID
	Campaigns []CampaignID
}

// FigureCounts are the counters behind the figures (H1).
type FigureCounts struct {
	Campaigns int
	Counts    Counts
	Replied   int // messages with a response
	OptedOut  int // people who stopped the brand in answer to a message
}
