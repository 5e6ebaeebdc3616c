package overture

import (
	"fmt"
	"time"
)

// SendClass is how a send ended when it was not accepted. Classified once, inside provider/*, into this closed list (R5).
type SendClass string

// The classes. Everything that is not certainly one of the first three is Unknown.
const (
	NotSent     SendClass = "not_sent"  // certainly never left: DNS, refused, TLS, headers never written
	Throttled   SendClass = "throttled" // certainly not processed: 429 where the provider documents that
	Refused     SendClass = "refused"   // definite refusal: 4xx with a known code
	SendUnknown SendClass = "unknown"   // may have been accepted: 5xx, time-out, reset after write, unreadable answer
)

// Refusal says what a definite refusal is about.
type Refusal string

// The kinds of refusal.
const (
	RefusedAddress Refusal = "address" // this person, this channel
	RefusedContent Refusal = "content" // this text
	RefusedPolicy  Refusal = "policy"  // destination or policy
	RefusedSender  Refusal = "sender"  // credentials or from-number: no message of this sender can go
	RefusedOptOut  Refusal = "opt_out" // the provider knows the person stopped
	RefusedChannel Refusal = "channel" // definitely not on this channel: the next leg may start (R8)
)

// SendError is returned by a provider adapter for every send that was not accepted.
type SendError struct {
	Class      SendClass
	Refusal    Refusal // set when Class is Refused
	Code       int     // provider's code, 0 when none
	HTTPStatus int     // 0 when there was no answer
	RetryAfter time.Duration
	Detail     string // for operators; never contains addresses, text or secrets
}

func (e *SendError) Error() string {
	return fmt.Sprintf("send %s (http %d, code %d): %s", e.Class, e.HTTPStatus, e.Code, e.Detail)
}

// Outgoing is one request to a provider.
type Outgoing struct {
	MessageID MessageID
	Token     string // correlation token of this attempt
	To        Address
	Body      string
	// StatusCallback is the absolute public URL that receives receipts; it carries message id and token.
	StatusCallback string
	// ValidFor bounds how long the provider may queue the message; zero means the provider's default.
	ValidFor time.Duration
}

// AcceptedSend is the provider's word that it has the message.
type AcceptedSend struct {
	ProviderID string
	Segments   int
	HTTPStatus int
}

// FoundSend is one message in the provider's own record, used to settle unknown outcomes.
type FoundSend struct {
	ProviderID string
	Body       string
	State      State
	Code       int
	CreatedAt  time.Time
}

// ListedSend is one message of the provider's record when it is read as a whole.
type ListedSend struct {
	To Address
	FoundSend
}
