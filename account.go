package overture

import "time"

// Account is a tenant. Accounts are sealed from each other (A3).
type Account struct {
	ID        AccountID
	Name      string
	Enabled   bool
	Settings  Settings
	CreatedAt time.Time

	Stopped    bool // kill switch: nothing of this account is sent
	StopReason string
	StoppedAt  time.Time
}

// Settings of an account, with good zero values: Defaults fills what is unset.
type Settings struct {
	OptOutText       string                 // mandatory text at the end of every SMS (C2)
	SMSLimit         int                    // characters including the opt-out text (C2)
	LengthPolicy     LengthPolicy           // what happens above the limit (C3)
	Window           Window                 // default sending window of new campaigns (E2)
	SendRate         int                    // segments per second of new campaigns (E4)
	Lookback         time.Duration          // how long a reply belongs to an outbound message (I3)
	DefaultSkillID   SkillID                // replies outside the lookback
	HelpText         string                 // answer to HELP; empty means a short one that names the brand and STOP
	TimeZone         string                 // for dates people type; IANA name
	OpenConversation OpenConversationPolicy // default for campaigns (G3)
	Policy           Policy                 // packs and frequency cap of campaigns launched from now on (E6)
	OrdinaryWords    []string               // keywords such as CANCEL, END, YES that are plain answers while a conversation is open
	Rails            Rails                  // guard rails; its own defaults
}

// OptOutTextDefault is the vendor guides' text of 42 characters, reserved under the limit of 140 (S, C2).
const OptOutTextDefault = "To stop receiving messages just reply STOP"

// WithDefaults fills unset settings with the source documents' defaults.
func (s Settings) WithDefaults() Settings {
	if s.OptOutText == "" {
		s.OptOutText = OptOutTextDefault
	}
	if s.SMSLimit == 0 {
		s.SMSLimit = 140
	}
	if s.LengthPolicy == "" {
		s.LengthPolicy = LengthWarn
	}
	if s.Window.IsZero() {
		s.Window = DefaultWindow()
	}
	if s.SendRate == 0 {
		s.SendRate = 1
	}
	if s.Lookback == 0 {
		s.Lookback = 30 * 24 * time.Hour
	}
	if s.TimeZone == "" {
		s.TimeZone = "UTC"
	}
	if s.OpenConversation == "" {
		s.OpenConversation = OpenConversationSkip
	}
	return s
}

// LengthPolicy decides what a text above the limit does (C3).
type LengthPolicy string

// The length policies.
const (
	LengthWarn       LengthPolicy = "warn"        // show segments and cost, allow
	LengthOneSegment LengthPolicy = "one_segment" // refuse more than one segment
	LengthStrict     LengthPolicy = "strict"      // refuse more than SMSLimit characters
)

// OpenConversationPolicy decides what happens to a recipient who is in a conversation with the brand (G3).
type OpenConversationPolicy string

// The policies for an open conversation.
const (
	OpenConversationSkip    OpenConversationPolicy = "skip"    // suppressed with reason open_conversation
	OpenConversationHold    OpenConversationPolicy = "hold"    // wait until it is closed
	OpenConversationDeliver OpenConversationPolicy = "deliver" // send into it
)

// Brand is a consumer-facing identity inside an account. Opt-outs are brand-wide (J1).
type Brand struct {
	ID        BrandID
	AccountID AccountID
	Name      string
	CreatedAt time.Time
}

// Role of a user (A1).
type Role string

// The four roles of the source documents.
const (
	Administrator   Role = "administrator"
	CampaignManager Role = "campaign_manager"
	AgentManager    Role = "agent_manager"
	AgentRole       Role = "agent"
)

// Roles lists the roles, most powerful first.
func Roles() []Role { return []Role{Administrator, CampaignManager, AgentManager, AgentRole} }

// Valid tells whether the role is one of the four.
func (r Role) Valid() bool {
	return r == Administrator || r == CampaignManager || r == AgentManager || r == AgentRole
}

// User is a person who signs in.
type User struct {
	ID             UserID
	AccountID      AccountID
	Email          string // lower case, unique over all accounts
	Name           string
	Role           Role
	Disabled       bool
	SessionVersion int // raised by password or role change; older sessions die
	CreatedAt      time.Time
}

// Skill is a routing target for conversations.
type Skill struct {
	ID         SkillID
	AccountID  AccountID
	Name       string
	ArchivedAt time.Time // zero: offered. An archived one keeps what it has and gets nothing new
}

// Archived tells whether the skill is offered no more.
func (k Skill) Archived() bool { return !k.ArchivedAt.IsZero() }

// SkillFilter selects skills by id.
type SkillFilter struct {
	AccountID AccountID
	Search    string // part of the name
	Archived  bool   // archived ones too
	After     SkillID
	Limit     int
}

// ErrSkillArchived says that nothing new goes to the skill.
func ErrSkillArchived() error {
	return ErrConflict("skill_archived", "the skill is archived and takes nothing new; choose another, or bring it back")
}

// Sender is a from-number of a brand at a provider.
type Sender struct {
	ID                  SenderID
	AccountID           AccountID
	BrandID             BrandID
	Name                string
	Channel             Channel
	Provider            string // "twilio"
	Address             Address
	BaseURL             string // provider's API; public https unless the server runs with the lab
	AccountSID          string
	AuthToken           Secret
	SecondAuthToken     Secret // accepted for signatures during rotation; empty otherwise
	MessagingServiceSID string
	WebhookKey          string // unguessable path segment of this sender's webhooks
	Rate                int    // segments per second
	Stopped             bool
	StopReason          string // what made the engine stop it, e.g. "the provider rejects the credentials (20003)"
	CreatedAt           time.Time
}

// Channel over which a consumer is reached.
type Channel string

// The channels.
const (
	SMS      Channel = "sms"
	WhatsApp Channel = "whatsapp"
	InApp    Channel = "in_app"
	Web      Channel = "web"
)
