package overture

import "time"

// LaneState gates a lane: pause, resume and cancel of a campaign are one row.
type LaneState string

// The states of a lane.
const (
	LaneOpen     LaneState = "open"
	LanePaused   LaneState = "paused"
	LaneCanceled LaneState = "canceled"
	LaneDone     LaneState = "done" // its campaign is completed
)

// Lane is the stream of messages of one campaign through one sender. The reply lane of a sender has no campaign and goes first.
type Lane struct {
	ID               LaneID
	AccountID        AccountID
	BrandID          BrandID
	SenderID         SenderID
	CampaignID       CampaignID // zero: the reply lane
	Channel          Channel
	Rate             int // segments per second of this campaign; 0: only the sender's rate
	Weight           int
	Queued           int // messages of the campaign that are still queued, by its counters; 0 for the reply lane
	Content          Content
	Window           Window
	LaunchAt         time.Time
	ExpiresAt        time.Time
	Policy           SendPolicy
	OpenConversation OpenConversationPolicy
	Rules            *Rules // frozen at launch; nil: none
}

// WindowFor gives the window of one recipient: the campaign's, narrowed by the rules for the place of the number.
func (l Lane) WindowFor(to Address) Window { return l.Window.Under(l.Rules.For(to)) }

// Reply tells whether this is the sender's lane for answers and test sends.
func (l Lane) Reply() bool { return l.CampaignID == 0 }

// Lease says that a node owns a sender. Epoch rises with every new owner and fences what an old owner still wants to write (R3).
type Lease struct {
	SenderID SenderID
	Owner    string
	Epoch    int64
}

// Place of a message in the queue: the key of its dispatch row.
type Place struct {
	LaneID    LaneID
	Due       time.Time
	MessageID MessageID
}

// DueMessage is a queued message with all that an attempt needs.
type DueMessage struct {
	Place
	NotAfter   time.Time // no send after this: the window closes or the validity ends
	CampaignID CampaignID
	ImportID   ImportID // whose header names the variables; zero for answers
	Address    Address
	Body       string // set for answers and test sends; campaign messages are rendered from Personal
	Personal   Personal
	Zones      []string
	Segments   int
	Attempts   int
	// NotSent counts the attempts that certainly never left, and NotSentSince is when the first of them was made.
	NotSent      int
	NotSentSince time.Time
	Unreadable   bool // the row's variables are damaged: it cannot be rendered, and fails by itself
}

// Mark asks to record durably that a send is about to happen (R1). Only a message whose mark came back as Marked may be sent.
type Mark struct {
	Place
	Attempt   int
	Token     string
	Address   Address
	LookupAt  time.Time // when an unsettled marker must be looked up: start plus grace (R7)
	SkipTalks bool      // suppress when the person is in an open conversation (G3)
	HoldTalks bool      // leave it queued for later when the person is in an open conversation
	Ruling    *Ruling   // whose caps the attempt's transaction checks once more; nil: none
}

// Verdict on a mark, decided inside the attempt's transaction (R9).
type Verdict int

// The verdicts.
const (
	Gone       Verdict = iota // no longer queued, already in flight, past its NotAfter, or moved behind a cap: nothing to do
	Marked                    // committed: send it now
	OptedOut                  // suppressed in the same transaction
	InTalk                    // in an open conversation: suppressed or, with HoldTalks, left queued
	Capped                    // over a frequency cap: suppressed in the same transaction
	LaneClosed                // paused, canceled, or the sender is stopped
	LeaseLost                 // another node owns the sender
	NotStored                 // the database refuses this one mark, and takes others
)

// Settlement is the end of an attempt. It changes something only while the marker still carries the lease's epoch (R3).
type Settlement struct {
	Place
	Attempt    int
	Token      string
	StartedAt  time.Time
	Outcome    string        // word of the attempt's history: accepted, refused, sender_refused, throttled, not_sent, given_up, given_back, unknown, found, absent, resent_without_proof, held
	State      State         // Accepted, Failed, Suppressed or Held; Queued to try again at RetryAt; Unknown to keep the marker
	RetryAt    time.Time     // for Queued: new due time
	NotAfter   time.Time     // for Queued
	LookupAt   time.Time     // for Unknown: next lookup
	Lookups    int           // for Unknown: lookups done
	FailedFor  time.Duration // for Unknown: how long lookups have failed while a node was trying
	ProviderID string
	Code       int
	HTTPStatus int
	Reason     string
	OptOut     bool // the provider says the person stopped: record a brand-wide opt-out in the same transaction
}

// Move changes the place of a queued message without an attempt: a new window, or the end of its validity.
type Move struct {
	Place
	State    State // Queued: NewDue and NotAfter; Expired: it ends
	NewDue   time.Time
	NotAfter time.Time
	Reason   string
}

// Doubt is an attempt whose outcome is not known, due for a lookup.
type Doubt struct {
	DueMessage
	Attempt   int
	Token     string
	StartedAt time.Time
	Lookups   int
	FailedFor time.Duration // how long lookups have failed while a node was trying

	Since       time.Time // the earliest moment at which a provider may have taken it; StartedAt, but in a quarantine long before
	Quarantined bool      // the proof is asked for whatever the campaign's policy
}

// SenderWork is one sender's share of a commit.
type SenderWork struct {
	Lease       Lease
	BrandID     BrandID
	AccountID   AccountID
	Channel     Channel
	Marks       []Mark
	Settlements []Settlement
	Moves       []Move
}

// CommitResult answers a SenderWork: one verdict per mark, and how many settlements were superseded by a newer owner or a receipt.
type CommitResult struct {
	Verdicts   []Verdict
	Superseded int
}
