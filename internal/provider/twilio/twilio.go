// Package twilio hands messages to Twilio's Programmable Messaging API and reads its webhooks.
//
//	Does:   creates messages, looks them up in Twilio's record, classifies every ending once (R5), parses status and inbound webhooks
//	Reads:  Twilio's API at the sender's base URL
//	Writes: nothing
//	Wakes:  nobody
//
// Twilio takes no idempotency key: a create request whose outcome is not certain is reported as unknown and never repeated here.
package twilio

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/kit/egress"
)

// Provider is the value of overture.Sender.Provider that this adapter serves.
const Provider = "twilio"

// maxAnswer bounds what is read of one answer, in bytes: the client's cap may be higher. A page of the list is asked to stay below it.
const maxAnswer = 1 << 20

// Client is the adapter. Safe for concurrent use.
type Client struct {
	http      *egress.Client
	buffers   sync.Pool
	endpoints sync.Map // endpointKey → *endpoint; one per sender and credentials, so it stays small
}

// New makes an adapter over the outgoing client, whose time-out is the client time-out of R7 (15 s by default).
func New(client *egress.Client) *Client {
	return &Client{http: client, buffers: sync.Pool{New: func() any { return new(bytes.Buffer) }}}
}

type endpointKey struct{ base, account, token string }

// endpoint is what all requests of one sender share, prepared once: this is the hot path.
type endpoint struct {
	messages *url.URL
	path     string      // of the message list, without the base URL's own path
	post     http.Header // never written after it was made
	get      http.Header
}

func (c *Client) endpoint(s overture.Sender) (*endpoint, error) {
	key := endpointKey{s.BaseURL, s.AccountSID, s.AuthToken.Reveal()}
	if e, ok := c.endpoints.Load(key); ok {
		return e.(*endpoint), nil //nolint:forcetypeassert // nothing else is stored
	}
	if !hasShape(s.AccountSID, "AC") {
		return nil, errors.New("the sender's account SID is not AC and 32 hexadecimal digits")
	}
	if s.AuthToken == "" {
		return nil, errors.New("the sender has no auth token")
	}
	base, err := url.Parse(strings.TrimRight(s.BaseURL, "/"))
	if err != nil || base.Host == "" || base.RawQuery != "" {
		return nil, errors.New("the sender's base URL is not a URL")
	}
	auth := []string{"Basic " + base64.StdEncoding.EncodeToString([]byte(s.AccountSID+":"+s.AuthToken.Reveal()))}
	accept, agent := []string{"application/json"}, []string{"Overture"}
	e := &endpoint{
		path: "/2010-04-01/Accounts/" + s.AccountSID + "/Messages.json",
		post: http.Header{"Authorization": auth, "Accept": accept, "User-Agent": agent, "Content-Type": {"application/x-www-form-urlencoded"}},
		get:  http.Header{"Authorization": auth, "Accept": accept, "User-Agent": agent},
	}
	messages := *base
	messages.Path, messages.RawPath = base.Path+e.path, ""
	e.messages = &messages
	c.endpoints.Store(key, e)
	return e, nil
}

var errTooLarge = fmt.Errorf("the answer is larger than %d bytes", maxAnswer)

// read takes a whole answer, bounded, and gives it to use; the bytes are not valid afterwards.
func (c *Client) read(resp *http.Response, use func(body []byte, err error) error) error {
	buf := c.buffers.Get().(*bytes.Buffer) //nolint:forcetypeassert // the pool holds nothing else
	buf.Reset()
	n, err := buf.ReadFrom(io.LimitReader(resp.Body, maxAnswer+1))
	if err == nil && n > maxAnswer {
		err = errTooLarge
	}
	_ = resp.Body.Close() // what matters was read
	err = use(buf.Bytes(), err)
	if buf.Cap() <= 64<<10 {
		c.buffers.Put(buf)
	}
	return err
}

// hasShape tells whether s is the prefix and 32 hexadecimal digits, the shape of Twilio's ids.
func hasShape(s, prefix string) bool {
	if len(s) != len(prefix)+32 || s[:len(prefix)] != prefix {
		return false
	}
	for _, r := range s[len(prefix):] {
		if (r < '0' || r > '9') && (r < 'a' || r > 'f') && (r < 'A' || r > 'F') {
			return false
		}
	}
	return true
}

// isMessageSID is ^(SM|MM)[0-9a-fA-F]{32}$.
func isMessageSID(s string) bool { return hasShape(s, "SM") || hasShape(s, "MM") }

// stateOf maps Twilio's status words; false for words that say nothing about an outbound message. An unknown word still proves that
// Twilio has the message, so it counts as accepted. "failed" comes after a 201, so it is a later word about an accepted message.
func stateOf(status string) (overture.State, bool) {
	switch status {
	case "receiving", "received":
		return 0, false
	case "sent", "partially_delivered":
		return overture.Sent, true
	case "delivered":
		return overture.Delivered, true
	case "read":
		return overture.Read, true
	case "undelivered", "failed", "canceled":
		return overture.Undelivered, true
	}
	return overture.Accepted, true // accepted, scheduled, queued, sending
}

// retryAfter reads the header's seconds or date; the date is taken against the answer's own Date so that clocks need not agree.
// At most a day, whatever the answer says.
func retryAfter(h http.Header) time.Duration {
	value := h.Get("Retry-After")
	var d time.Duration
	if n, ok := digits(value); ok {
		d = time.Duration(min(n, 86_400)) * time.Second
	} else if at, err := http.ParseTime(value); err == nil {
		if date, err := http.ParseTime(h.Get("Date")); err == nil {
			d = at.Sub(date)
		}
	}
	return max(0, min(d, 24*time.Hour))
}

// digits reads an unsigned decimal number of at most nine digits.
func digits(s string) (int, bool) {
	if s == "" || len(s) > 9 {
		return 0, false
	}
	n := 0
	for _, r := range s {
		if r < '0' || r > '9' {
			return 0, false
		}
		n = n*10 + int(r-'0')
	}
	return n, true
}
