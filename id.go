package overture

import (
	"fmt"
	"strconv"
	"strings"
)

// Kind of a thing that has an id. The prefix is what makes an id readable on the wire: "msg_1x9k…".
type idKind interface{ prefix() string }

// ID is a time-ordered 63-bit number that knows what it names. Ids of different things do not mix at compile time.
// The zero ID names nothing.
type ID[K idKind] int64

// String gives the wire form: prefix, underscore, base-36 number.
func (id ID[K]) String() string {
	var k K
	return k.prefix() + "_" + strconv.FormatInt(int64(id), 36)
}

// ParseID reads the wire form. Anything else is Invalid; an id of another kind is Invalid too.
func ParseID[K idKind](s string) (ID[K], error) {
	var k K
	num, ok := strings.CutPrefix(s, k.prefix()+"_")
	if ok {
		if n, err := strconv.ParseInt(num, 36, 64); err == nil && n > 0 && strconv.FormatInt(n, 36) == num {
			return ID[K](n), nil
		}
	}
	return 0, &Error{Kind: Invalid, Message: fmt.Sprintf("%q is not the id of a %s", clip(s), k.prefix())}
}

// Parse reads the wire form into id, as ParseID does. It is not UnmarshalText: ids stay numbers for every encoder but the API's.
func (id *ID[K]) Parse(s string) error {
	parsed, err := ParseID[K](s)
	if err != nil {
		return err
	}
	*id = parsed
	return nil
}

func clip(s string) string {
	if len(s) > 40 {
		return s[:40] + "…"
	}
	return s
}

type (
	accountKind      struct{}
	brandKind        struct{}
	userKind         struct{}
	sessionKind      struct{}
	apiKeyKind       struct{}
	skillKind        struct{}
	senderKind       struct{}
	campaignKind     struct{}
	importKind       struct{}
	recipientKind    struct{}
	laneKind         struct{}
	messageKind      struct{}
	inboundKind      struct{}
	conversationKind struct{}
	entryKind        struct{}
	auditKind        struct{}
	heldOrderKind    struct{}
)

func (accountKind) prefix() string      { return "acc" }
func (brandKind) prefix() string        { return "brd" }
func (userKind) prefix() string         { return "usr" }
func (sessionKind) prefix() string      { return "ses" }
func (apiKeyKind) prefix() string       { return "key" }
func (skillKind) prefix() string        { return "skl" }
func (senderKind) prefix() string       { return "snd" }
func (campaignKind) prefix() string     { return "cmp" }
func (importKind) prefix() string       { return "imp" }
func (recipientKind) prefix() string    { return "rcp" }
func (laneKind) prefix() string         { return "lan" }
func (messageKind) prefix() string      { return "msg" }
func (inboundKind) prefix() string      { return "inb" }
func (conversationKind) prefix() string { return "cnv" }
func (entryKind) prefix() string        { return "ent" }
func (auditKind) prefix() string        { return "aud" }
func (heldOrderKind) prefix() string    { return "hld" }

// The ids of the vocabulary, one type per noun.
type (
	AccountID      = ID[accountKind]
	BrandID        = ID[brandKind]
	UserID         = ID[userKind]
	SessionID      = ID[sessionKind]
	APIKeyID       = ID[apiKeyKind]
	SkillID        = ID[skillKind]
	SenderID       = ID[senderKind]
	CampaignID     = ID[campaignKind]
	ImportID       = ID[importKind]
	RecipientID    = ID[recipientKind]
	LaneID         = ID[laneKind]
	MessageID      = ID[messageKind]
	InboundID      = ID[inboundKind]
	ConversationID = ID[conversationKind]
	EntryID        = ID[entryKind]
	AuditID        = ID[auditKind]
	HeldOrderID    = ID[heldOrderKind]
)
