package twilio

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/overture-im/overture"
)

// codeNotFound is Twilio's word for an id it has no record of (any more).
const codeNotFound = 20404

type fetched struct {
	SID       string    `json:"sid"`
	Status    string    `json:"status"`
	Direction string    `json:"direction"`
	ErrorCode laxNumber `json:"error_code"`
}

// Fetch reads Twilio's own record of one message that it accepted, as the receipt that its status callback would have brought. The caller
// adds account, sender, message, token and time. found is false when Twilio says that it has no such message: nothing is known then. The
// error is always an *overture.SendError; nothing is sent either way.
func (c *Client) Fetch(ctx context.Context, s overture.Sender, providerID string) (r overture.Receipt, found bool, err error) {
	e, wrong := c.endpoint(s)
	if wrong != nil {
		return r, false, &overture.SendError{Class: overture.Refused, Refusal: overture.RefusedSender, Detail: wrong.Error()}
	}
	if !isMessageSID(providerID) {
		return r, false, unreadable("the message's id is not one of Twilio's")
	}
	at := *e.messages
	at.Path = strings.TrimSuffix(at.Path, ".json") + "/" + providerID + ".json"
	req := &http.Request{Method: http.MethodGet, URL: &at, Host: at.Host, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: e.get}
	resp, wrong := c.http.Do(req.WithContext(ctx))
	if wrong != nil {
		return r, false, noAnswer(wrong)
	}
	var m fetched
	err = c.read(resp, func(body []byte, err error) error {
		if resp.StatusCode != http.StatusOK {
			_, err = classify(resp.StatusCode, resp.Header, body, err)
			var refusal *overture.SendError
			if !errors.As(err, &refusal) {
				return unreadable("the record was answered as if it created something")
			}
			return refusal
		}
		if err != nil {
			return unreadable("the record could not be read: " + cause(err))
		}
		if json.Unmarshal(body, &m) != nil {
			return unreadable("the record is not readable JSON")
		}
		return nil
	})
	if refusal, ok := err.(*overture.SendError); ok && refusal.HTTPStatus == http.StatusNotFound && refusal.Code == codeNotFound { //nolint:errorlint // the contract is the type itself
		return r, false, nil
	}
	if err != nil {
		return r, false, err
	}
	state, outbound := stateOf(m.Status)
	if m.SID != providerID || m.Status == "" || !outbound || strings.HasPrefix(m.Direction, "inbound") {
		return r, false, unreadable("the record is not that of the message")
	}
	r = overture.Receipt{Provider: Provider, AccountRef: s.AccountSID, ProviderID: m.SID, State: state}
	if state == overture.Undelivered {
		r.Code = int(m.ErrorCode)
		r.OptOut = saysOptOut(r.Code)
	}
	return r, true, nil
}
