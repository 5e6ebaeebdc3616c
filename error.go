package overture

import (
	"errors"
	"time"
)

// Kind is the class of an error that a caller may act on. It is itself an error, so errors.Is(err, overture.NotFound) works.
type Kind string

// Error makes a Kind usable with errors.Is.
func (k Kind) Error() string { return string(k) }

// The closed list of kinds. One table in serve/api turns them into HTTP statuses.
const (
	Invalid      Kind = "invalid"      // the input is wrong; the message says what to do (422)
	Unauthorized Kind = "unauthorized" // nobody is signed in, or the credentials are wrong (401)
	Forbidden    Kind = "forbidden"    // signed in, but this role or key may not (403)
	NotFound     Kind = "not_found"    // no such thing in this account (404)
	Conflict     Kind = "conflict"     // the thing is in a state that does not allow it (409)
	TooLarge     Kind = "too_large"    // body, row or list over its limit (413)
	TooMany      Kind = "too_many"     // rate limited; RetryAfter says when (429)
	Unavailable  Kind = "unavailable"  // database full, busy or gone; try again (503)
	Internal     Kind = "internal"     // anything else; details go to the operator only (500)
)

// Field names one wrong input, as "body.text" or "row 12, column phone".
type Field struct {
	Location string
	Message  string
}

// Error is what rooms return. Message is safe to show to the caller and says what to do; Err is for the operator's log.
type Error struct {
	Kind    Kind
	Code    string // stable machine word such as "campaign_not_draft"; empty means the kind itself
	Message string
	Fields  []Field
	// RetryAfter says how long to wait; zero where waiting does not help.
	RetryAfter time.Duration
	Err        error
}

func (e *Error) Error() string {
	if e.Err != nil {
		return e.Message + ": " + e.Err.Error()
	}
	return e.Message
}

// Unwrap exposes both the kind and the cause to errors.Is and errors.As.
func (e *Error) Unwrap() []error {
	if e.Err != nil {
		return []error{e.Kind, e.Err}
	}
	return []error{e.Kind}
}

// KindOf gives the kind of err, Internal when it carries none.
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	var k Kind
	if errors.As(err, &k) {
		return k
	}
	return Internal
}

func errorOf(kind Kind, code, message string) error {
	return &Error{Kind: kind, Code: code, Message: message}
}

// ErrInvalid reports wrong input. The message says what to do.
func ErrInvalid(code, message string) error { return errorOf(Invalid, code, message) }

// ErrConflict reports a thing in a state that does not allow the call.
func ErrConflict(code, message string) error { return errorOf(Conflict, code, message) }

// ErrNotFound reports that this account has no such thing; noun is "campaign", "sender" ….
func ErrNotFound(noun string) error {
	return errorOf(NotFound, noun+"_not_found", "there is no such "+noun+" in this account")
}
