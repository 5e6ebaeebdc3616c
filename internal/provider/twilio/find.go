package twilio

import (
	"context"
	"encoding/json"
	"errors"
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
)

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
	f := finder{client: c, endpoint: e, to: string(to), since: since, seen: map[string]bool{}}
	if err := f.scan(ctx, query); err != nil {
		return nil, err
	}
	query.Set("DateSent>", since.Truncate(24*time.Hour).Format(time.RFC3339))
	if err := f.scan(ctx, query); err != nil {
		return nil, err
	}
	return f.found, nil
}

type finder struct {
	client   *Client
	endpoint *endpoint
	to       string
	since    time.Time
	seen     map[string]bool
	found    []overture.FoundSend
}

type page struct {
	Messages *[]struct {
		SID         string    `json:"sid"`
		Direction   string    `json:"direction"`
		To          string    `json:"to"`
		Body        string    `json:"body"`
		Status      string    `json:"status"`
		ErrorCode   laxNumber `json:"error_code"`
		DateCreated string    `json:"date_created"`
	} `json:"messages"`
	NextPageURI string `json:"next_page_uri"`
}

// scan follows the pages of one query until the end, or until rows that come newest first are older than the searched time.
func (f *finder) scan(ctx context.Context, query url.Values) error {
	at := *f.endpoint.messages
	at.RawQuery = query.Encode()
	last := time.Time{}
	descending := true
	for range maxPages {
		p, err := f.get(ctx, &at)
		if err != nil {
			return err
		}
		for _, m := range *p.Messages {
			created, err := time.Parse(time.RFC1123Z, m.DateCreated)
			state, outbound := stateOf(m.Status)
			if err != nil || !isMessageSID(m.SID) {
				return unreadable("a row of the list has no id or date")
			}
			if !last.IsZero() && created.After(last) {
				descending = false
			}
			last = created
			if created.Before(f.since) || m.To != f.to || !outbound || strings.HasPrefix(m.Direction, "inbound") || f.seen[m.SID] {
				continue
			}
			f.seen[m.SID] = true
			f.found = append(f.found, overture.FoundSend{ProviderID: m.SID, Body: m.Body, State: state, Code: int(m.ErrorCode), CreatedAt: created.UTC()})
		}
		if p.NextPageURI == "" || descending && !last.IsZero() && last.Before(f.since) {
			return nil
		}
		next, err := url.Parse(p.NextPageURI)
		if err != nil || next.IsAbs() || next.Host != "" || next.Path != f.endpoint.path {
			return unreadable("the list's next page is somewhere else")
		}
		at.RawQuery = next.RawQuery
	}
	return unreadable("the list has too many pages to prove what is in it")
}

func (f *finder) get(ctx context.Context, at *url.URL) (page, error) {
	req := &http.Request{Method: http.MethodGet, URL: at, Host: at.Host, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: f.endpoint.get}
	resp, err := f.client.http.Do(req.WithContext(ctx))
	if err != nil {
		return page{}, noAnswer(err)
	}
	var p page
	err = f.client.read(resp, func(body []byte, err error) error {
		if resp.StatusCode != http.StatusOK {
			_, err = classify(resp.StatusCode, resp.Header, body, err)
			var e *overture.SendError
			if !errors.As(err, &e) {
				return unreadable("the list was answered as if it created something")
			}
			return e
		}
		if err != nil {
			return unreadable("the list could not be read: " + cause(err))
		}
		if json.Unmarshal(body, &p) != nil || p.Messages == nil {
			return unreadable("the list is not readable JSON")
		}
		return nil
	})
	return p, err
}

func unreadable(why string) *overture.SendError {
	return &overture.SendError{Class: overture.SendUnknown, Detail: why}
}
