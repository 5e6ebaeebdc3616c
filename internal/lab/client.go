package lab

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Client runs a lab over its control API. Safe for concurrent use.
type Client struct {
	base string
	http doer
}

// doer sends one request: http.Client, or the client that guards URLs which users gave.
type doer interface {
	Do(req *http.Request) (*http.Response, error)
}

// NewClient makes a client of the lab at base, such as "http://127.0.0.1:4010".
func NewClient(base string) *Client {
	return NewClientOver(base, &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 8, IdleConnTimeout: time.Minute}})
}

// NewClientOver makes a client that sends its requests through over.
func NewClientOver(base string, over doer) *Client {
	return &Client{base: strings.TrimSuffix(base, "/"), http: over}
}

// Close drops idle connections.
func (c *Client) Close() {
	if idle, ok := c.http.(interface{ CloseIdleConnections() }); ok {
		idle.CloseIdleConnections()
	}
}

func (c *Client) send(ctx context.Context, method, path string, in any) (*http.Response, error) {
	var body io.Reader
	if in != nil {
		raw, err := json.Marshal(in)
		if err != nil {
			return nil, fmt.Errorf("encode a call to the lab: %w", err)
		}
		body = bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, body)
	if err != nil {
		return nil, fmt.Errorf("call the lab: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, fmt.Errorf("call the lab, is it running: %w", err)
	}
	if resp.StatusCode == http.StatusOK {
		return resp, nil
	}
	defer resp.Body.Close()
	raw, _ := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	var refused struct {
		Error string `json:"error"`
	}
	if json.Unmarshal(raw, &refused) == nil && refused.Error != "" {
		return nil, errors.New("the lab says: " + refused.Error)
	}
	return nil, fmt.Errorf("the lab answered %s %s with status %d", method, path, resp.StatusCode)
}

func (c *Client) do(ctx context.Context, method, path string, in, out any) error {
	resp, err := c.send(ctx, method, path, in)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if out == nil {
		_, err = io.Copy(io.Discard, resp.Body)
	} else {
		err = json.NewDecoder(resp.Body).Decode(out)
	}
	if err != nil {
		return fmt.Errorf("read the lab's answer: %w", err)
	}
	return nil
}

// Health tells whether the lab answers and can keep its ledger.
func (c *Client) Health(ctx context.Context) error {
	return c.do(ctx, http.MethodGet, "/lab/health", nil, nil)
}

// AddAccount registers an account, or gives it a new token.
func (c *Client) AddAccount(ctx context.Context, sid, token string) error {
	return c.do(ctx, http.MethodPost, "/lab/accounts", accountBody{sid, token}, nil)
}

// SetNumber registers a sending number of an account, or changes it.
func (c *Client) SetNumber(ctx context.Context, n Number) error {
	return c.do(ctx, http.MethodPut, "/lab/numbers/"+url.PathEscape(n.Number), n, nil)
}

// Profile gives how the carrier behaves towards a sender; "" is the global profile.
func (c *Client) Profile(ctx context.Context, sender string) (Profile, error) {
	var p Profile
	err := c.do(ctx, http.MethodGet, "/lab/profile?sender="+url.QueryEscape(sender), nil, &p)
	return p, err
}

// SetProfile replaces the profile of a sender; "" is the global profile.
func (c *Client) SetProfile(ctx context.Context, sender string, p Profile) error {
	return c.do(ctx, http.MethodPut, "/lab/profile?sender="+url.QueryEscape(sender), p, nil)
}

// Scripts gives the rules phones follow.
func (c *Client) Scripts(ctx context.Context) ([]Rule, error) {
	var out scriptsBody
	err := c.do(ctx, http.MethodGet, "/lab/scripts", nil, &out)
	return out.Rules, err
}

// SetScripts replaces the rules phones follow.
func (c *Client) SetScripts(ctx context.Context, rules []Rule) error {
	return c.do(ctx, http.MethodPut, "/lab/scripts", scriptsBody{rules}, nil)
}

// Ledger gives every accepted message after entry number after, in order of acceptance. An error ends it.
func (c *Client) Ledger(ctx context.Context, after int64) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		resp, err := c.send(ctx, http.MethodGet, "/lab/ledger?format=ndjson&after="+strconv.FormatInt(after, 10), nil)
		if err != nil {
			yield(Entry{}, err)
			return
		}
		defer resp.Body.Close()
		in := json.NewDecoder(resp.Body)
		for {
			var e Entry
			if err := in.Decode(&e); errors.Is(err, io.EOF) {
				return
			} else if err != nil {
				yield(Entry{}, fmt.Errorf("read the lab's ledger: %w", err))
				return
			}
			if !yield(e, nil) {
				return
			}
		}
	}
}

// Inbound gives everything phones wrote after entry number after. An error ends it.
func (c *Client) Inbound(ctx context.Context, after int64) iter.Seq2[InboundEntry, error] {
	return func(yield func(InboundEntry, error) bool) {
		for more := true; more; {
			var page InboundPage
			if err := c.do(ctx, http.MethodGet, "/lab/inbound?after="+strconv.FormatInt(after, 10), nil, &page); err != nil {
				yield(InboundEntry{}, err)
				return
			}
			for _, e := range page.Entries {
				if !yield(e, nil) {
					return
				}
			}
			after, more = page.Next, page.More
		}
	}
}

// Summary gives what happened so far.
func (c *Client) Summary(ctx context.Context) (Summary, error) {
	var s Summary
	err := c.do(ctx, http.MethodGet, "/lab/ledger/summary", nil, &s)
	return s, err
}

// Phone gives a phone and its thread.
func (c *Client) Phone(ctx context.Context, number string) (Phone, error) {
	var p Phone
	err := c.do(ctx, http.MethodGet, "/lab/phones/"+url.PathEscape(number), nil, &p)
	return p, err
}

// Write has the person with phone from write to one of our numbers. It gives the SID of the message.
func (c *Client) Write(ctx context.Context, from, to, body string) (string, error) {
	var out writtenBody
	err := c.do(ctx, http.MethodPost, "/lab/phones/"+url.PathEscape(from)+"/messages", writeBody{to, body}, &out)
	return out.SID, err
}

// Drain waits at most that long until nothing is pending in the lab.
func (c *Client) Drain(ctx context.Context, wait time.Duration) (Drained, error) {
	var out Drained
	err := c.do(ctx, http.MethodPost, "/lab/drain", drainBody{int(wait.Milliseconds())}, &out)
	return out, err
}

// Reset forgets messages, phones, opt-outs, counts and pending work; with all also accounts, numbers, profiles and scripts.
func (c *Client) Reset(ctx context.Context, all bool) error {
	return c.do(ctx, http.MethodPost, "/lab/reset", resetBody{all}, nil)
}
