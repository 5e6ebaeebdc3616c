package overture

import "time"

// CampaignFilter narrows the list of campaigns. Zero fields do not narrow.
type CampaignFilter struct {
	AccountID AccountID
	State     CampaignState
	Search    string     // part of the name, any case
	Archived  bool       // show the archived ones, which are hidden otherwise
	After     CampaignID // only campaigns older than this one
	Limit     int
}

// CampaignLine is a campaign with its counters, as the landing page lists it (B1).
type CampaignLine struct {
	Campaign
	Counts Counts
}

// Standing is what one look at the counters of a campaign tells. It costs the same for ten and for a million recipients.
type Standing struct {
	Campaign
	Counts           Counts // attempting and unknown told apart from queued; recipients not planned yet are queued
	Planning         bool   // recipients are still being given their times
	Planned          int    // recipients that have a message
	LaneID           LaneID // zero before launch
	LaneState        LaneState
	SenderRate       int // segments per second
	SenderStopped    bool
	SenderStopReason string
	LeaseUntil       time.Time // until when a running server owns the sender; zero: none ever did
	Segments         int64     // of all final texts of the list
	Replied          int       // messages with a response
	Barrier          string    // the guard rail that closed the lane a moment ago
	Resent           int       // messages sent again without proof (must_reach)
	AccountStopped   bool
	AccountStopWords string    // why; empty: nobody said
	AllStopped       bool      // by the operator
	Quarantined      bool      // the database is older than the world: nothing is sent, and nothing ends as canceled
	OptedOut         int       // people who stopped the brand in answer to this campaign
	ForecastFinishAt time.Time // by the forecast of the launch; zero: not made yet, or none
}

// Queue is what waits in a lane, by due time.
type Queue struct {
	Ready  int        // due now
	Groups []DueGroup // due later, earliest first; at most a few hundred
	Later  int        // due later, all of them
}

// DueGroup is how many messages become due at one instant.
type DueGroup struct {
	Due      time.Time
	NotAfter time.Time // of the first among them
	Messages int
}

// QueuedSample is one queued message of a sample: where the person is, and how the last attempt ended, empty when there was none.
type QueuedSample struct {
	Zones       []string
	LastOutcome string
}

// OpenCampaign is a campaign that is launched and not settled yet.
type OpenCampaign struct {
	ID        CampaignID
	AccountID AccountID
	SenderID  SenderID
	LaneID    LaneID
	State     CampaignState
	Planning  bool
}

// Requeue gives a message that ended a new place in the queue: a failed one to retry, a held one to send again.
type Requeue struct {
	MessageID MessageID
	Due       time.Time
	NotAfter  time.Time
}

// Ended is a message that ended without being accepted, with what a new plan for it needs.
type Ended struct {
	MessageID   MessageID
	CampaignID  CampaignID
	RecipientID RecipientID
	SenderID    SenderID
	State       State
	Reason      string
	Address     Address
	Zones       []string
}

// Resolution is what a person decides about a held message.
type Resolution string

// The three ways out of held.
const (
	TreatAsSent Resolution = "treat_as_sent" // counts as accepted
	Resend      Resolution = "resend"        // goes out again; the person may get it twice
	GiveUp      Resolution = "give_up"       // counts as failed
)

// Railed is what guard rails and stops say about a campaign's messages at this moment.
type Railed struct {
	AllStopped     bool // by the operator
	AccountStopped bool
	StopWords      string // why the account is stopped; empty: nobody said
	Quarantined    bool
	Barrier        string // the rail that closed the lane; empty: none
	Allowance      *int64 // messages that may still go before the canary's verdict; nil: no canary under way
	SegmentsLeft   *int64 // of the campaign's spend limit; nil: none
	MoneyLeft      *int64 // likewise, millionths of Currency
	Currency       string
	Limits         Rails // of the account
	SpentToday     int64 // segments of the account's campaigns, where it has a limit
	MoneyToday     int64 // likewise
}

// Facts are all that decides whether and when one recipient gets the message (G5), read at one time.
type Facts struct {
	Campaign         Campaign
	LaneState        LaneState
	Recipient        Recipient
	Message          *Message    // nil before planning; Attempting and Unknown are told apart
	Rules            *Rules      // the message was planned under; before: the campaign's, or those of a launch now. Nil: none were recorded
	Contacts         []time.Time // when other messages reached the person's provider, as far back as a cap looks
	RepliedAt        time.Time
	Due              time.Time // of the dispatch row; zero: nothing left to send
	NotAfter         time.Time
	SenderName       string
	SenderStopped    bool
	SenderStopReason string
	SenderRate       int
	LeaseUntil       time.Time
	Railed           Railed
	OptedOutAt       time.Time // when the person stopped the brand; zero: not opted out
	OptOutSource     OptOutSource
	TalkSince        time.Time // start of an open conversation with the brand; zero: none
	Attempts         []Attempt
	Receipts         []Receipt
	Inbounds         []Inbound // matched to the message
}
