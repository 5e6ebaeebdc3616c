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

// SentFilter selects what was sent in a time, by the campaigns that sent it. Empty fields do not narrow.
type SentFilter struct {
	AccountID AccountID
	From, To  time.Time // on quarters of an hour; To is exclusive
	Skills    []SkillID
	Channels  []Channel
	Senders   []SenderID
	Campaigns []CampaignID
}

// In gives the filter for a time.
func (f SentFilter) In(from, to time.Time) SentFilter {
	f.From, f.To = from, to
	return f
}

// SentCounts are the messages that were sent in a time, by their state of now (State.WasSent), and how their people answered.
type SentCounts struct {
	Counts   Counts
	Replied  int // messages with a response
	Answered int // of these, certainly accepted by the provider
	OptedOut int
}

// Add sums two counts.
func (c SentCounts) Add(o SentCounts) SentCounts {
	sum := SentCounts{Counts{}, c.Replied + o.Replied, c.Answered + o.Answered, c.OptedOut + o.OptedOut}
	for s, n := range c.Counts {
		sum.Counts[s] += n
	}
	for s, n := range o.Counts {
		sum.Counts[s] += n
	}
	return sum
}

// Figures are the counters for the rates.
func (c SentCounts) Figures() FigureCounts {
	return FigureCounts{Counts: c.Counts, Replied: c.Replied, OptedOut: c.OptedOut}
}

// CampaignSent is what one campaign sent in a time.
type CampaignSent struct {
	ID      CampaignID
	Name    string
	Channel Channel
	State   CampaignState
	SentCounts
	PeopleDeletedAt time.Time // retention deleted the rows: proven from counters
}
