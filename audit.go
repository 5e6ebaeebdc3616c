package overture

import "time"

// Actor is who asks for a change: a user, an API key, or the program itself. Rooms pass it on to the audit log.
type Actor struct {
	AccountID AccountID
	UserID    UserID
	KeyID     APIKeyID
	RequestID string
}

// String names the actor without saying who the person is: the user's or key's id, or "system".
func (a Actor) String() string {
	switch {
	case a.KeyID != 0:
		return a.KeyID.String()
	case a.UserID != 0:
		return a.UserID.String()
	}
	return "system"
}

// AuditEntry is one privileged change (A4). It is written in the same transaction as the change and never altered.
type AuditEntry struct {
	ID        AuditID
	AccountID AccountID
	Actor     string // as Actor.String gives it
	Action    string // "user.created", "sender.stopped" …
	Subject   string // id of the changed thing
	Detail    string // names the changed fields; never holds secrets, texts or addresses
	RequestID string
	At        time.Time
}

// AuditFilter selects entries; what is zero does not narrow.
type AuditFilter struct {
	AccountID AccountID
	Action    string // how the action begins: "sender." finds all about senders
	Actor     string
	Subject   string
	From      time.Time
	Until     time.Time // exclusive
	Before    AuditID   // older than this one
	Limit     int
}
