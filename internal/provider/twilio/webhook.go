package twilio

import (
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/overture-im/overture"
)

// ParseStatus reads a status callback: the form that Twilio posts and the query that our StatusCallback URL carried. The caller has
// checked the signature and adds account, sender and time. A callback without our query comes back with MessageID zero and is nobody's.
func ParseStatus(form, query url.Values) (overture.Receipt, error) {
	r := overture.Receipt{Provider: Provider, AccountRef: form.Get("AccountSid"), ProviderID: form.Get("MessageSid")}
	if !isMessageSID(r.ProviderID) {
		return overture.Receipt{}, overture.ErrInvalid("bad_message_sid", "MessageSid must be SM or MM and 32 hexadecimal digits")
	}
	status := form.Get("MessageStatus")
	if status == "" {
		return overture.Receipt{}, overture.ErrInvalid("no_message_status", "MessageStatus is missing")
	}
	state, outbound := stateOf(status)
	if !outbound {
		return overture.Receipt{}, overture.ErrInvalid("not_a_status", "this is an inbound message; point the number's messaging webhook at /inbound")
	}
	r.State = state
	if r.State == overture.Undelivered {
		r.Code, _ = digits(form.Get("ErrorCode"))
		r.OptOut = saysOptOut(r.Code)
	}
	if id := query.Get("m"); id != "" {
		if err := r.MessageID.Parse(id); err != nil {
			return overture.Receipt{}, err //nolint:wrapcheck // it is our own Invalid
		}
	}
	if r.Token = query.Get("t"); !isToken(r.Token) {
		return overture.Receipt{}, overture.ErrInvalid("bad_token", "the callback URL's t is not a token")
	}
	return r, nil
}

// isToken accepts what dispatch makes: letters, digits, - and _, at most 64; empty when the callback is not ours.
func isToken(s string) bool {
	if len(s) > 64 {
		return false
	}
	for _, r := range s {
		if (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && r != '-' && r != '_' {
			return false
		}
	}
	return true
}

// ParseInbound reads a message that a person sent. The caller has checked the signature and adds id, account, sender and time.
// Unknown fields are ignored; text is made valid UTF-8 without NUL, which databases refuse.
func ParseInbound(form url.Values) (overture.Inbound, error) {
	in := overture.Inbound{
		Provider:   Provider,
		ProviderID: form.Get("MessageSid"),
		From:       overture.Address(form.Get("From")),
		To:         overture.Address(form.Get("To")),
		Body:       clean(form.Get("Body"), maxBody),
		City:       clean(form.Get("FromCity"), maxPlace),
		Country:    clean(form.Get("FromCountry"), maxPlace),
	}
	if !isMessageSID(in.ProviderID) {
		return overture.Inbound{}, overture.ErrInvalid("bad_message_sid", "MessageSid must be SM or MM and 32 hexadecimal digits")
	}
	if !isAddress(in.From) || !isAddress(in.To) {
		return overture.Inbound{}, overture.ErrInvalid("bad_address", "From and To must be addresses")
	}
	switch word := form.Get("OptOutType"); word {
	case "STOP", "START", "HELP":
		in.OptOutType = word
	}
	return in, nil
}

const (
	maxBody  = 16 << 10 // bytes; Twilio joins at most 1,600 characters
	maxPlace = 100
)

// clean cuts at a character's border.
func clean(s string, limit int) string {
	if !utf8.ValidString(s) || strings.IndexByte(s, 0) >= 0 {
		s = strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "")
	}
	if len(s) <= limit {
		return s
	}
	for limit > 0 && !utf8.RuneStart(s[limit]) {
		limit--
	}
	return s[:limit]
}

// isAddress accepts visible ASCII: a number, a short code, a name, or a channel prefix and one of them.
func isAddress(a overture.Address) bool {
	if a == "" || len(a) > 100 {
		return false
	}
	for i := range len(a) {
		if a[i] <= ' ' || a[i] > '~' {
			return false
		}
	}
	return true
}
