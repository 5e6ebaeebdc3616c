package overture

import "time"

// State of a message. Stored as a rank: a message only ever moves to a higher rank (writers take the maximum), except by the two
// explicit operator actions, retry of a failed and resend of a held message.
type State int16

// Ranks of the states. Attempting and Unknown are never stored in the message row: they are read from its in-flight marker.
const (
	Queued      State = 0  // written by outbound/schedule; waiting for due time, rate or window
	Attempting  State = 10 // marker committed, a send may have happened
	Unknown     State = 12 // marker exists, the outcome is not known yet
	Canceled    State = 20 // outbound/campaign: ended before a send
	Expired     State = 21 // outbound/dispatch: validity over before a send
	Suppressed  State = 22 // outbound/dispatch: opted out, so never handed to a provider
	Failed      State = 30 // outbound/dispatch: definite refusal, or attempts exhausted
	Held        State = 40 // outbound/dispatch: cannot be proven; a person resolves it
	Accepted    State = 50 // outbound/dispatch: the provider gave its id
	Sent        State = 60 // outbound/receipt: the carrier took it
	Undelivered State = 65 // outbound/receipt: later word: not delivered, with a code
	Delivered   State = 70 // outbound/receipt: handset receipt
	Read        State = 80 // outbound/receipt: channels that tell
)

var stateNames = map[State]string{
	Queued: "queued", Attempting: "attempting", Unknown: "unknown", Canceled: "canceled", Expired: "expired", Suppressed: "suppressed",
	Failed: "failed", Held: "held", Accepted: "accepted", Sent: "sent", Undelivered: "undelivered", Delivered: "delivered", Read: "read",
}

// States lists every state in rank order.
func States() []State {
	return []State{Queued, Attempting, Unknown, Canceled, Expired, Suppressed, Failed, Held, Accepted, Sent, Undelivered, Delivered, Read}
}

func (s State) String() string {
	if n, ok := stateNames[s]; ok {
		return n
	}
	return "state(?)"
}

// ParseState reads the word of a state.
func ParseState(word string) (State, error) {
	for s, n := range stateNames {
		if n == word {
			return s, nil
		}
	}
	return 0, ErrInvalid("unknown_state", "there is no message state "+clip(word))
}

// Final tells whether the engine has nothing more to do for the message. Held is final for the engine, not for people.
func (s State) Final() bool { return s >= Canceled }

// WasAccepted tells whether a provider certainly has the message.
func (s State) WasAccepted() bool { return s >= Accepted }

// WasSent tells whether the message was handed to a provider and came to an end: accepted, refused, or held because nobody knows.
func (s State) WasSent() bool { return s >= Failed }

// Message is one outbound message: a recipient's leg in a campaign, or an agent's answer.
type Message struct {
	ID          MessageID
	AccountID   AccountID
	CampaignID  CampaignID  // zero for an agent's answer and a test send
	RecipientID RecipientID // zero for an agent's answer and a test send
	EntryID     EntryID     // set for an agent's answer
	SenderID    SenderID
	LaneID      LaneID
	Leg         int
	Address     Address // E.164 with plus
	Body        string  // empty for campaign messages: rendered from the frozen content and the recipient's variables
	State       State
	Attempts    int
	Segments    int
	ProviderID  string
	Code        int    // the provider's last error code, 0 when none
	Reason      string // closed list, see Reason… constants
	AcceptedAt  time.Time
	UpdatedAt   time.Time
}

// Reasons that stand beside a state. Closed list; documented in docs/MESSAGE-LIFECYCLE.md.
const (
	ReasonOptedOut         = "opted_out"         // the person stopped the brand
	ReasonAddressRefused   = "address_refused"   // provider: the number cannot receive this
	ReasonContentRefused   = "content_refused"   // provider: the text cannot be sent
	ReasonPolicyRefused    = "policy_refused"    // provider or carrier policy
	ReasonSenderRefused    = "sender_refused"    // credentials or from-number: the sender is stopped
	ReasonAttemptsUsedUp   = "attempts_used_up"  // definite non-sends, too often
	ReasonValidityOver     = "validity_over"     // the campaign's validity ended first
	ReasonNoOpenWindow     = "no_open_window"    // no moment within two weeks lies inside the window of every candidate zone
	ReasonCampaignCancel   = "campaign_canceled" // a person canceled the campaign
	ReasonNotProven        = "not_proven"        // outcome unknown and cannot be settled
	ReasonSettledByPerson  = "settled_by_person" // a held message resolved by hand
	ReasonOpenConversation = "open_conversation" // the person is in a conversation and the campaign says skip
	ReasonCapped           = "capped"            // over a frequency cap when it was due
	ReasonUndelivered      = "undelivered"       // carrier's later word
)

// Attempt is one try to hand a message to a provider. Append-only.
type Attempt struct {
	MessageID  MessageID
	N          int
	Token      string // correlation token, random, travels out and comes back in receipts (R6)
	StartedAt  time.Time
	EndedAt    time.Time
	Outcome    string // accepted, refused, sender_refused, throttled, not_sent, unknown, found, absent, held
	HTTPStatus int
	Code       int
	ProviderID string
}

// Receipt is the provider's later word about a message it accepted.
type Receipt struct {
	Provider   string
	AccountRef string    // the provider's account, for cross-checks
	AccountID  AccountID // of the sender whose webhook it came to: a receipt touches only that sender's messages
	SenderID   SenderID
	MessageID  MessageID
	Token      string
	ProviderID string
	State      State
	Code       int
	OptOut     bool // the code says that the person stopped the brand at the provider (J1)
	ReceivedAt time.Time
}

// ReceiptTally says what became of a batch of receipts.
type ReceiptTally struct {
	Raised   int // messages that moved to a higher state
	Settled  int // attempts whose outcome a receipt proved before the answer or a lookup did (R6)
	Repeated int // nothing new
	Orphaned int // about a message or attempt that is not known here (yet)
	Foreign  int // about another sender's message: changed nothing
	OptOuts  int // people the provider says have stopped the brand
}

// Add sums two tallies.
func (t ReceiptTally) Add(o ReceiptTally) ReceiptTally {
	return ReceiptTally{t.Raised + o.Raised, t.Settled + o.Settled, t.Repeated + o.Repeated, t.Orphaned + o.Orphaned, t.Foreign + o.Foreign, t.OptOuts + o.OptOuts}
}
