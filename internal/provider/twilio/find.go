package twilio

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/overture-im/overture"
)

const (
	// slack widens the searched time: Twilio's dates have whole seconds and its clock is not ours.
	slack = 60 * time.Second
	// pageSize keeps a page of the longest messages below the cap of one answer.
	pageSize = "50"
	// maxPages of one scan: five hundred messages to one person since an attempt began cannot be.
	maxPages = 10
	// longPage is Twilio's largest; a thousand rows of the longest messages, every character escaped, have 11 MB.
	longPage     = "1000"
	maxLongPages = 10_000
)

// LongestAnswer in bytes is what the outgoing client must let through: a long page of the list. All other answers are bounded to 1 MiB here.
const LongestAnswer = 16 << 20

// Find reads Twilio's own record of what this sender sent to a person since a moment (less a minute for clocks): the proof that settles
// unknown outcomes. An empty list without error means Twilio has nothing; a list that could not be read to its end is an error, never a
// short list. The error is always an *overture.SendError.
//
// Two scans are joined, because Twilio's date filter looks at date_sent, which is empty until a message left its queue: one filtered by
// date, one of the person's newest messages. With a messaging service the sender is not filtered, since Twilio picks the number.
func (c *Client) Find(ctx context.Context, s overture.Sender, to overture.Address, since time.Time) ([]overture.FoundSend, error) {
	e, err := c.endpoint(s)
	if err != nil {
		return nil, &overture.SendError{Class: overture.Refused, Refusal: overture.RefusedSender, Detail: err.Error()}
	}
	since = since.Add(-slack).UTC().Truncate(time.Second)
	query := url.Values{"To": {string(to)}, "PageSize": {pageSize}}
	if s.MessagingServiceSID == "" {
		query.Set("From", string(s.Address))
	}
	f := finder{client: c, endpoint: e, since: since, maxPages: maxPages, maxBytes: maxAnswer}
	var found []overture.FoundSend
	seen := map[string]bool{}
	take := func(x overture.ListedSend) error {
		if x.To == to && !seen[x.ProviderID] {
			seen[x.ProviderID] = true
			found = append(found, x.FoundSend)
		}
		return nil
	}
	if err := f.both(ctx, query, take); err != nil {
		return nil, err
	}
	return found, nil
}

// List reads all that this sender sent since a moment (less a minute for clocks), newest first, a thousand rows at a time, and gives each row
// to take: to settle many unknown outcomes by one reading. The same row may be given twice. It ends with take's error as it is; every other
// error is an *overture.SendError and means that what was given is not all. Scans and rules are those of Find.
func (c *Client) List(ctx context.Context, s overture.Sender, since time.Time, take func(overture.ListedSend) error) error {
	e, err := c.endpoint(s)
	if err != nil {
		return &overture.SendError{Class: overture.Refused, Refusal: overture.RefusedSender, Detail: err.Error()}
	}
	query := url.Values{"PageSize": {longPage}}
	if s.MessagingServiceSID == "" {
		query.Set("From", string(s.Address))
	}
	f := finder{client: c, endpoint: e, since: since.Add(-slack).UTC().Truncate(time.Second), maxPages: maxLongPages, maxBytes: LongestAnswer}
	return f.both(ctx, query, take)
}

type finder struct {
	client   *Client
	endpoint *endpoint
	since    time.Time
	maxPages int
	maxBytes int64
}

// both joins the two scans.
func (f *finder) both(ctx context.Context, query url.Values, take func(overture.ListedSend) error) error {
	if err := f.scan(ctx, query, take); err != nil {
		return err
	}
	query.Set("DateSent>", f.since.Truncate(24*time.Hour).Format(time.RFC3339))
	return f.scan(ctx, query, take)
}

type row struct {
	SID         string    `json:"sid"`
	Direction   string    `json:"direction"`
	To          string    `json:"to"`
	Body        string    `json:"body"`
	Status      string    `json:"status"`
	ErrorCode   laxNumber `json:"error_code"`
	DateCreated string    `json:"date_created"`
}

// scan follows the pages of one query until the end, or until rows that come newest first are older than the searched time.
func (f *finder) scan(ctx context.Context, query url.Values, take func(overture.ListedSend) error) error {
	at := *f.endpoint.messages
	at.RawQuery = query.Encode()
	last := time.Time{}
	descending := true
	for range f.maxPages {
		nextURI, err := f.get(ctx, &at, func(m *row) error {
			created, err := time.Parse(time.RFC1123Z, m.DateCreated)
			state, outbound := stateOf(m.Status)
			if err != nil || !isMessageSID(m.SID) {
				return unreadable("a row of the list has no id or date")
			}
			if !last.IsZero() && created.After(last) {
				descending = false
			}
			last = created
			if created.Before(f.since) || !outbound || strings.HasPrefix(m.Direction, "inbound") {
				return nil
			}
			return take(overture.ListedSend{To: overture.Address(m.To), FoundSend: overture.FoundSend{
				ProviderID: m.SID, Body: m.Body, State: state, Code: int(m.ErrorCode), CreatedAt: created.UTC(),
			}})
		})
		if err != nil {
			return err
		}
		if nextURI == "" || descending && !last.IsZero() && last.Before(f.since) {
			return nil
		}
		next, err := url.Parse(nextURI)
		if err != nil || next.IsAbs() || next.Host != "" || next.Path != f.endpoint.path {
			return unreadable("the list's next page is somewhere else")
		}
		at.RawQuery = next.RawQuery
	}
	return unreadable("the list has too many pages to prove what is in it")
}

// get reads one page, row by row: a page of a thousand long messages has ten megabytes.
func (f *finder) get(ctx context.Context, at *url.URL, take func(*row) error) (next string, err error) {
	req := &http.Request{Method: http.MethodGet, URL: at, Host: at.Host, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: f.endpoint.get}
	resp, err := f.client.http.Do(req.WithContext(ctx))
	if err != nil {
		return "", noAnswer(err)
	}
	if resp.StatusCode != http.StatusOK {
		return "", f.client.read(resp, func(body []byte, err error) error {
			_, err = classify(resp.StatusCode, resp.Header, body, err)
			var e *overture.SendError
			if !errors.As(err, &e) {
				return unreadable("the list was answered as if it created something")
			}
			return e
		})
	}
	defer resp.Body.Close()
	body := &bounded{from: resp.Body, left: f.maxBytes}
	next, err = readPage(json.NewDecoder(body), take)
	if body.err != nil {
		return "", unreadable("the list could not be read: " + cause(body.err))
	}
	return next, err
}

// bounded reads at most so many bytes, and remembers why reading ended when it was not the end.
type bounded struct {
	from io.Reader
	left int64
	err  error
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		b.err = errTooLarge
		return 0, b.err
	}
	n, err := b.from.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	if err != nil && !errors.Is(err, io.EOF) {
		b.err = err
	}
	return n, err
}

// readPage takes the rows of a page one by one and gives the address of the next page. A page is only whole when its JSON is.
func readPage(d *json.Decoder, take func(*row) error) (next string, err error) {
	bad := unreadable("the list is not readable JSON")
	open := func(want json.Delim) bool { t, err := d.Token(); return err == nil && t == want }
	if !open('{') {
		return "", bad
	}
	rows := false
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return "", bad
		}
		switch key {
		case "messages":
			if rows = open('['); !rows {
				return "", bad
			}
			for d.More() {
				var m row
				if d.Decode(&m) != nil {
					return "", bad
				}
				if err := take(&m); err != nil {
					return "", err
				}
			}
			if !open(']') {
				return "", bad
			}
		case "next_page_uri":
			var uri *string
			if d.Decode(&uri) != nil {
				return "", bad
			}
			if uri != nil {
				next = *uri
			}
		default:
			var skipped json.RawMessage
			if d.Decode(&skipped) != nil {
				return "", bad
			}
		}
	}
	if !open('}') || !rows {
		return "", bad
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) { // also an answer that was cut off after its last brace
		return "", bad
	}
	return next, nil
}

func unreadable(why string) *overture.SendError {
	return &overture.SendError{Class: overture.SendUnknown, Detail: why}
}
