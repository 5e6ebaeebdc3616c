package twilio

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/kit/egress"
)

// callbackOverrides make Twilio retry a lost status callback five times on every kind of failure (R10); by default it tries once more
// and only after a failed connection. A fragment is not part of what Twilio calls or signs.
const callbackOverrides = "#rc=5&rp=all"

// Send creates one message, once. The error is always an *overture.SendError.
func (c *Client) Send(ctx context.Context, s overture.Sender, out overture.Outgoing) (overture.AcceptedSend, error) {
	e, err := c.endpoint(s)
	if err != nil {
		return overture.AcceptedSend{}, &overture.SendError{Class: overture.Refused, Refusal: overture.RefusedSender, Detail: err.Error()}
	}
	form := encode(s, out)
	req := &http.Request{
		Method: http.MethodPost, URL: e.messages, Host: e.messages.Host, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: e.post, Body: io.NopCloser(strings.NewReader(form)), ContentLength: int64(len(form)),
	}
	resp, err := c.http.Do(req.WithContext(ctx))
	if err != nil {
		return overture.AcceptedSend{}, noAnswer(err)
	}
	var accepted overture.AcceptedSend
	err = c.read(resp, func(body []byte, err error) error {
		accepted, err = classify(resp.StatusCode, resp.Header, body, err)
		return err
	})
	return accepted, err
}

// encode writes the form of a create request. Keys are fixed, values are escaped.
func encode(s overture.Sender, out overture.Outgoing) string {
	var b strings.Builder
	b.Grow(128 + len(out.Body) + len(out.Body)/2 + len(out.StatusCallback)*3/2)
	field := func(name, value string) {
		if b.Len() > 0 {
			b.WriteByte('&')
		}
		b.WriteString(name)
		b.WriteByte('=')
		b.WriteString(url.QueryEscape(value))
	}
	field("To", string(out.To))
	if s.MessagingServiceSID != "" {
		field("MessagingServiceSid", s.MessagingServiceSID)
	} else {
		field("From", string(s.Address))
	}
	field("Body", out.Body)
	if callback := out.StatusCallback; callback != "" {
		if !strings.Contains(callback, "#") {
			callback += callbackOverrides
		}
		field("StatusCallback", callback)
	}
	if out.ValidFor > 0 {
		seconds := max(1, min(36_000, int64(out.ValidFor/time.Second)))
		field("ValidityPeriod", strconv.FormatInt(seconds, 10))
	}
	return b.String()
}

type created struct {
	SID         string    `json:"sid"`
	NumSegments laxNumber `json:"num_segments"`
}

type failure struct {
	Code int `json:"code"`
}

// laxNumber reads a number or a string of digits; anything else is zero, because nothing depends on it.
type laxNumber int

// UnmarshalJSON never fails.
func (n *laxNumber) UnmarshalJSON(b []byte) error {
	v, _ := digits(strings.Trim(string(b), `"`))
	*n = laxNumber(v)
	return nil
}

// classify turns an answer into the closed list (R5). Only three things are certain: a 201 that names the message, a 429, and another
// 4xx with a code whose meaning is known. The rest may have been accepted.
func classify(status int, header http.Header, body []byte, readErr error) (overture.AcceptedSend, error) {
	if status == http.StatusCreated && readErr == nil {
		return classifyCreated(body)
	}
	var f failure
	readable := status >= 400 && readErr == nil && json.Unmarshal(body, &f) == nil
	if !readable {
		f.Code = 0
	}
	e := &overture.SendError{Class: overture.SendUnknown, Code: f.Code, HTTPStatus: status}
	v, c, isKnown := verdictOf(f.Code)
	switch {
	case status == http.StatusTooManyRequests:
		e.Class, e.Detail = overture.Throttled, "the provider did not process the request: too many"
	case readErr != nil:
		e.Detail = "the answer could not be read: " + cause(readErr)
	case status < 400 || status > 499:
		e.Detail = "the answer's status does not say what happened"
	case status == http.StatusRequestTimeout:
		e.Detail = "the provider gave up reading the request"
	case !readable:
		e.Detail = "the refusal is not readable JSON"
	case !isKnown:
		e.Detail = "the refusal's code is not known"
	default:
		e.Class, e.Refusal, e.Detail = v.class, v.refusal, c.meaning
	}
	if e.Class == overture.Throttled {
		if e.RetryAfter = retryAfter(header); e.RetryAfter == 0 {
			e.RetryAfter = c.wait
		}
	}
	return overture.AcceptedSend{}, e
}

func classifyCreated(body []byte) (overture.AcceptedSend, error) {
	if sid, segments, ok := readCreated(body); ok {
		return overture.AcceptedSend{ProviderID: sid, Segments: segments, HTTPStatus: http.StatusCreated}, nil
	}
	var m created
	e := &overture.SendError{Class: overture.SendUnknown, HTTPStatus: http.StatusCreated}
	if json.Unmarshal(body, &m) != nil {
		e.Detail = "the answer is not readable JSON"
		return overture.AcceptedSend{}, e
	}
	if !isMessageSID(m.SID) {
		e.Detail = "the answer names no message"
		return overture.AcceptedSend{}, e
	}
	return overture.AcceptedSend{ProviderID: m.SID, Segments: int(m.NumSegments), HTTPStatus: http.StatusCreated}, nil
}

// noAnswer classifies a request that got no response. Certain is only what the client proves: nothing of it was written (R5).
func noAnswer(err error) *overture.SendError {
	var e *egress.Error
	if errors.As(err, &e) && e.NothingSent {
		// Name resolution, dial and handshake errors: nothing of a request or an answer can be in them.
		return &overture.SendError{Class: overture.NotSent, Detail: e.Err.Error()}
	}
	return &overture.SendError{Class: overture.SendUnknown, Detail: fmt.Sprintf("no answer: %s", cause(err))}
}

// cause names an error in our own words: the original may quote what the other side wrote, and that may hold addresses and text.
func cause(err error) string {
	var timeout net.Error
	switch {
	case errors.Is(err, context.Canceled):
		return "given up by this server"
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return "time-out"
	case errors.Is(err, egress.ErrTooLarge), errors.Is(err, errTooLarge):
		return "larger than allowed"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return "connection reset"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "connection closed"
	}
	return "not readable"
}
