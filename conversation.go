package overture

import (
	"slices"
	"time"
)

// Inbound is a message a consumer sent, stored before the provider gets its 2xx (R10).
type Inbound struct {
	ID            InboundID
	AccountID     AccountID
	SenderID      SenderID // the number it came in on
	Provider      string
	ProviderID    string // unique per provider: the same id is one message, one conversation
	From          Address
	To            Address
	Body          string
	Media         int    // attachments; their content stays with the provider
	OptOutType    string // provider's own keyword verdict: STOP, START, HELP or empty
	City, Country string
	ReceivedAt    time.Time
}

// OptOutSource says how an opt-out or opt-in came about (J2).
type OptOutSource string

// The sources.
const (
	OptOutKeyword  OptOutSource = "keyword"
	OptOutProvider OptOutSource = "provider" // 21610 and its like, or the provider's OptOutType
	OptOutAgent    OptOutSource = "agent"
	OptOutImport   OptOutSource = "import"
	OptOutAPI      OptOutSource = "api"
)

// OptOut is a person's stop for a brand on a channel, over all its numbers (J1).
type OptOut struct {
	AccountID AccountID
	BrandID   BrandID
	Channel   Channel
	Address   Address
	Source    OptOutSource
	Evidence  string // id of the inbound message or the words of the person who recorded it
	Review    bool   // honoured on a phrase or a slip of the keyboard: a person should look at it
	CreatedAt time.Time
}

// ConversationState is the life of a conversation.
type ConversationState string

// The life: waiting for an agent → assigned → closed.
const (
	ConversationWaiting  ConversationState = "waiting"
	ConversationAssigned ConversationState = "assigned"
	ConversationClosed   ConversationState = "closed"
)

// Conversation is a thread with one consumer. It begins when the person writes (I6); its first entry is the outbound text (I2).
type Conversation struct {
	ID            ConversationID
	AccountID     AccountID
	BrandID       BrandID
	SenderID      SenderID
	Channel       Channel
	Address       Address
	SkillID       SkillID
	AgentID       UserID     // zero while waiting
	CampaignID    CampaignID // the outbound that was answered; zero when none was inside the lookback
	MessageID     MessageID
	Source        string // "proactive" or "inbound"
	State         ConversationState
	City, Country string
	Unread        int
	StartedAt     time.Time
	UpdatedAt     time.Time
	ClosedAt      time.Time
}

// ConversationCard is a conversation with what an agent sees beside it (I2).
type ConversationCard struct {
	Conversation
	BrandName    string
	SkillName    string // empty: any agent may take it
	CampaignName string
	AgentName    string
	Number       Address // the brand's number
	LastText     Text
	OptedOut     bool
	Outbounds    []Outbound // newest first, at most five of the last 30 days
}

// ConversationFilter narrows a list of conversations. Zero fields do not narrow, except that only open ones are listed unless State says
// otherwise.
type ConversationFilter struct {
	AccountID AccountID
	State     ConversationState
	AgentID   UserID
	Viewer    Viewer
	Before    ConversationID // the last of the page before; newest first
	Limit     int
}

// Viewer is who looks at conversations: an agent sees the own ones and those that wait for the own skills; All sees everything.
type Viewer struct {
	Actor
	All    bool
	Skills []SkillID
}

// Sees tells whether the viewer may know of the conversation.
func (v Viewer) Sees(c Conversation) bool {
	if v.All {
		return true
	}
	if c.State == ConversationWaiting {
		return c.SkillID == 0 || slices.Contains(v.Skills, c.SkillID)
	}
	return v.UserID != 0 && c.AgentID == v.UserID
}

// Author of a transcript entry.
type Author string

// The authors.
const (
	AuthorBrand    Author = "brand" // the proactive outbound
	AuthorConsumer Author = "consumer"
	AuthorAgent    Author = "agent"
	AuthorSystem   Author = "system"
)

// Entry is one line of a transcript. State, Code and Reason tell the delivery of what was sent; they mean nothing while MessageID is zero.
type Entry struct {
	ID             EntryID
	ConversationID ConversationID
	AccountID      AccountID
	Author         Author
	UserID         UserID // agent who wrote it; zero for a program
	MessageID      MessageID
	InboundID      InboundID
	Text           string
	CreatedAt      time.Time
	State          State
	Code           int
	Reason         string
	MessageDeleted bool // retention deleted what carried it: nothing is known of its delivery any more
}

// Answer is what an agent writes into a conversation.
type Answer struct {
	ConversationID ConversationID
	Text           string
	Segments       int
	OnlyAssigned   bool // refuse unless the conversation is assigned to the author
}

// DefaultCapacity is how many conversations an agent has at once unless the agent says otherwise.
const DefaultCapacity = 3

// Agent is a user who answers: presence and capacity.
type Agent struct {
	UserID     UserID
	AccountID  AccountID
	Name       string
	Role       Role
	Available  bool
	Capacity   int // open conversations at once
	Open       int
	Skills     []SkillID
	AssignedAt time.Time // when the last conversation came; zero: never
}

// WaitingConversation is one without an agent.
type WaitingConversation struct {
	ConversationID ConversationID
	SkillID        SkillID // zero: any agent
}

// Assignment gives a waiting conversation to an agent.
type Assignment struct {
	AccountID      AccountID
	ConversationID ConversationID
	AgentID        UserID
	SkillID        SkillID // for which it was planned; not looked at when ByHand
	ByHand         bool    // the agent took it: presence does not matter, capacity does
}
