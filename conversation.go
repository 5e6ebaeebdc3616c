package overture

import "time"

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

// Author of a transcript entry.
type Author string

// The authors.
const (
	AuthorBrand    Author = "brand" // the proactive outbound
	AuthorConsumer Author = "consumer"
	AuthorAgent    Author = "agent"
	AuthorSystem   Author = "system"
)

// Entry is one line of a transcript.
type Entry struct {
	ID             EntryID
	ConversationID ConversationID
	AccountID      AccountID
	Author         Author
	UserID         UserID // agent who wrote it
	MessageID      MessageID
	InboundID      InboundID
	Text           string
	CreatedAt      time.Time
}

// Agent is a user who answers: presence and capacity.
type Agent struct {
	UserID    UserID
	AccountID AccountID
	Name      string
	Available bool
	Capacity  int // open conversations at once
	Open      int
	Skills    []SkillID
}
