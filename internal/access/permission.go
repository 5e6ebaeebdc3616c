package access

import (
	"slices"

	"github.com/overture-im/overture"
)

// Permission is what a route asks for. Its text is also the scope of an API key.
type Permission string

// The permissions. Every route names exactly one.
const (
	Public   Permission = "public"    // nobody is known yet: sign-in, set-up, what the sign-in page must know
	Known    Permission = "known"     // any user and any API key: who am I
	SignedIn Permission = "signed_in" // any user with a session: sign out, the own password

	AccountRead  Permission = "account:read"
	AccountWrite Permission = "account:write"
	UsersRead    Permission = "users:read"
	UsersWrite   Permission = "users:write"
	KeysRead     Permission = "keys:read"
	KeysWrite    Permission = "keys:write"
	AuditRead    Permission = "audit:read"

	RetentionRead  Permission = "retention:read"
	RetentionWrite Permission = "retention:write" // how long data is kept: what is deleted does not come back

	BrandsRead   Permission = "brands:read"
	BrandsWrite  Permission = "brands:write"
	SkillsRead   Permission = "skills:read"
	SkillsWrite  Permission = "skills:write"
	SendersRead  Permission = "senders:read"
	SendersWrite Permission = "senders:write"
	PricesRead   Permission = "prices:read"
	PricesWrite  Permission = "prices:write"

	CampaignsRead    Permission = "campaigns:read"
	CampaignsWrite   Permission = "campaigns:write"  // compose, duplicate, archive
	CampaignsLaunch  Permission = "campaigns:launch" // launch, pause, resume, cancel, retry, test send
	RecipientsRead   Permission = "recipients:read"
	RecipientsWrite  Permission = "recipients:write"
	RecipientsExport Permission = "recipients:export" // T34: apart from reading, and audited
	MessagesResolve  Permission = "messages:resolve"  // decide what happens to a held message
	FiguresRead      Permission = "figures:read"

	OptOutsRead  Permission = "opt_outs:read"
	OptOutsWrite Permission = "opt_outs:write"

	ConversationsOwn Permission = "conversations:own" // one's own, and those that wait for one's skills
	ConversationsAll Permission = "conversations:all" // everybody's; includes conversations:own
	AgentsRead       Permission = "agents:read"
	AgentSelf        Permission = "agents:self" // one's own presence and capacity
)

// allowed is the one authorization table (A1, T1). A role that is not named for a permission does not have it.
var allowed = map[Permission][]overture.Role{
	SignedIn: {overture.Administrator, overture.CampaignManager, overture.AgentManager, overture.AgentRole},

	AccountRead:  {overture.Administrator, overture.CampaignManager},
	AccountWrite: {overture.Administrator},
	UsersRead:    {overture.Administrator},
	UsersWrite:   {overture.Administrator},
	KeysRead:     {overture.Administrator},
	KeysWrite:    {overture.Administrator},
	AuditRead:    {overture.Administrator},

	RetentionRead:  {overture.Administrator},
	RetentionWrite: {overture.Administrator},

	BrandsRead:   {overture.Administrator, overture.CampaignManager},
	BrandsWrite:  {overture.Administrator},
	SkillsRead:   {overture.Administrator, overture.CampaignManager, overture.AgentManager, overture.AgentRole},
	SkillsWrite:  {overture.Administrator},
	SendersRead:  {overture.Administrator, overture.CampaignManager},
	SendersWrite: {overture.Administrator},
	PricesRead:   {overture.Administrator, overture.CampaignManager},
	PricesWrite:  {overture.Administrator},

	CampaignsRead:    {overture.Administrator, overture.CampaignManager},
	CampaignsWrite:   {overture.Administrator, overture.CampaignManager},
	CampaignsLaunch:  {overture.Administrator, overture.CampaignManager},
	RecipientsRead:   {overture.Administrator, overture.CampaignManager},
	RecipientsWrite:  {overture.Administrator, overture.CampaignManager},
	RecipientsExport: {overture.Administrator, overture.CampaignManager},
	MessagesResolve:  {overture.Administrator, overture.CampaignManager},
	FiguresRead:      {overture.Administrator, overture.CampaignManager},

	OptOutsRead:  {overture.Administrator, overture.CampaignManager},
	OptOutsWrite: {overture.Administrator},

	ConversationsOwn: {overture.Administrator, overture.AgentManager, overture.AgentRole},
	ConversationsAll: {overture.Administrator, overture.AgentManager},
	AgentsRead:       {overture.Administrator, overture.AgentManager},
	AgentSelf:        {overture.Administrator, overture.AgentManager, overture.AgentRole},
}

// notForKeys are permissions no API key can hold: those that need a person, and those with which a stolen key could make itself
// a way back in (T6).
var notForKeys = []Permission{Public, SignedIn, AgentSelf, UsersWrite, KeysRead, KeysWrite}

// Permissions lists every permission of the table, sorted.
func Permissions() []Permission {
	all := make([]Permission, 0, len(allowed))
	for p := range allowed {
		all = append(all, p)
	}
	slices.Sort(all)
	return all
}

// Scopes lists the permissions an API key may hold, sorted.
func Scopes() []Permission {
	return slices.DeleteFunc(Permissions(), func(p Permission) bool { return slices.Contains(notForKeys, p) })
}

// Exists tells whether the permission stands in the table, or is one of the two that need no role.
func (p Permission) Exists() bool {
	_, ok := allowed[p]
	return ok || p == Public || p == Known
}

// Identity is who made a request: a user with a session, or an API key.
type Identity struct {
	AccountID overture.AccountID
	UserID    overture.UserID    // zero for an API key
	SessionID overture.SessionID // zero for an API key
	KeyID     overture.APIKeyID  // zero for a user
	Role      overture.Role      // empty for an API key
	Scopes    []Permission       // of the API key
	RequestID string
}

// Actor names the identity for rooms and the audit log.
func (i Identity) Actor() overture.Actor {
	return overture.Actor{AccountID: i.AccountID, UserID: i.UserID, KeyID: i.KeyID, RequestID: i.RequestID}
}

// Allows tells whether the identity has the permission. A key has its scopes and no role; a user has the role's permissions.
func Allows(who Identity, p Permission) bool {
	if who.AccountID == 0 || p == Public {
		return p == Public
	}
	if p == Known {
		return true
	}
	if who.KeyID != 0 {
		return !slices.Contains(notForKeys, p) &&
			(slices.Contains(who.Scopes, p) || p == ConversationsOwn && slices.Contains(who.Scopes, ConversationsAll))
	}
	return slices.Contains(allowed[p], who.Role)
}

// PermissionsOf lists what the identity may do, sorted, for pages that show or hide their parts.
func PermissionsOf(who Identity) []Permission {
	return slices.DeleteFunc(Permissions(), func(p Permission) bool { return !Allows(who, p) })
}
