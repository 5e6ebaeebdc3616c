// Package client speaks Overture's own REST API for the command line, the demo and the tests. It knows nothing the API does not say.
//
// Every POST carries an Idempotency-Key, so a request whose answer was lost is repeated safely; 429 and 503 are repeated after the time
// the server names.
package client

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/overture-im/overture"
)

// Options of New.
type Options struct {
	URL    string          // where the server is, as http://127.0.0.1:8080
	APIKey overture.Secret // ovk_…; empty: sign in with SignIn
	HTTP   *http.Client    // nil: a client of its own
	Tries  int             // how often a request is tried at most; 0 means 5
}

// Client of one server, as one key or user. Safe for concurrent use after SignIn.
type Client struct {
	base   *url.URL
	key    overture.Secret
	http   *http.Client
	tries  int
	cookie http.CookieJar
}

// New checks the options. It does not call the server.
func New(o Options) (*Client, error) {
	base, err := url.Parse(strings.TrimRight(o.URL, "/"))
	if err != nil || base.Host == "" || (base.Scheme != "http" && base.Scheme != "https") {
		return nil, overture.ErrInvalid("server_url", "the server's address must look like http://127.0.0.1:8080; set OVERTURE_URL or --url")
	}
	c := &Client{base: base, key: o.APIKey, http: o.HTTP, tries: o.Tries}
	if c.http == nil {
		c.http = &http.Client{}
	}
	if c.tries == 0 {
		c.tries = 5
	}
	if c.cookie, err = cookiejar.New(nil); err != nil {
		return nil, fmt.Errorf("cookie jar: %w", err)
	}
	return c, nil
}

// request is one call of the API.
type request struct {
	method string
	path   string
	query  url.Values
	body   any           // sent as JSON
	file   io.ReadSeeker // sent as it is, instead of body
	sent   func(n int64) // told how much of file went out
	key    string        // idempotency key; empty: a random one for this call
	out    any           // JSON answer goes here; nil: ignored
	stream io.Writer     // the answer's bytes go here instead of out
}

// do calls the API, repeating what is safe to repeat, and turns every refusal into an *overture.Error with the server's words.
func (c *Client) do(ctx context.Context, r request) error {
	var payload []byte
	if r.body != nil {
		var err error
		if payload, err = json.Marshal(r.body); err != nil {
			return fmt.Errorf("encode %s %s: %w", r.method, r.path, err)
		}
	}
	if r.method == http.MethodPost && r.key == "" {
		r.key = rand.Text()
	}
	var last error
	for try := range c.tries {
		if try > 0 {
			if err := pause(ctx, delayOf(last, try)); err != nil {
				return last
			}
		}
		last = c.once(ctx, r, payload)
		if last == nil || ctx.Err() != nil || !repeatable(r, last) {
			return last
		}
	}
	return last
}

func (c *Client) once(ctx context.Context, r request, payload []byte) error {
	u := *c.base
	u.Path += r.path
	u.RawQuery = r.query.Encode()
	var body io.Reader
	contentType := ""
	switch {
	case r.file != nil:
		if _, err := r.file.Seek(0, io.SeekStart); err != nil {
			return fmt.Errorf("read the file from its beginning: %w", err)
		}
		body, contentType = io.NopCloser(&counting{from: r.file, told: r.sent}), "text/csv"
	case payload != nil:
		body, contentType = bytes.NewReader(payload), "application/json"
	}
	req, err := http.NewRequestWithContext(ctx, r.method, u.String(), body)
	if err != nil {
		return fmt.Errorf("%s %s: %w", r.method, r.path, err)
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	if r.key != "" {
		req.Header.Set("Idempotency-Key", r.key)
	}
	req.Header.Set("Accept", "application/json, application/problem+json, text/csv")
	if c.key != "" {
		req.Header.Set("Authorization", "Bearer "+c.key.Reveal())
	}
	for _, cookie := range c.cookie.Cookies(&u) {
		req.AddCookie(cookie)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return &overture.Error{
			Kind: overture.Unavailable, Code: "server_unreachable",
			Message: "the server at " + c.base.Host + " does not answer; is it running, and is OVERTURE_URL right?", Err: err,
		}
	}
	defer resp.Body.Close()
	c.cookie.SetCookies(&u, resp.Cookies())
	if resp.StatusCode >= 300 {
		return problemOf(resp)
	}
	switch {
	case r.stream != nil:
		if _, err := io.Copy(r.stream, resp.Body); err != nil {
			return fmt.Errorf("read the answer of %s: %w", r.path, err)
		}
	case r.out != nil:
		if err := json.NewDecoder(resp.Body).Decode(r.out); err != nil {
			return fmt.Errorf("read the answer of %s: %w", r.path, err)
		}
	}
	return nil
}

// AnswerError is what the server said besides words: for callers that count or wait.
type AnswerError struct {
	Status     int
	RetryAfter time.Duration
	RequestID  string
}

func (r *AnswerError) Error() string {
	if r.RequestID != "" {
		return fmt.Sprintf("http %d, request %s", r.Status, r.RequestID)
	}
	return fmt.Sprintf("http %d", r.Status)
}

func problemOf(resp *http.Response) error {
	var p struct {
		Title  string `json:"title"`
		Detail string `json:"detail"`
		Code   string `json:"code"`
		Errors []struct {
			Location string `json:"location"`
			Message  string `json:"message"`
		} `json:"errors"`
	}
	raw, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<20)) // a torn answer still has its status
	_ = json.Unmarshal(raw, &p)
	e := &overture.Error{Kind: kindOf(resp.StatusCode), Code: p.Code, Message: p.Detail, Err: &AnswerError{
		Status: resp.StatusCode, RetryAfter: retryAfter(resp.Header.Get("Retry-After")), RequestID: resp.Header.Get("X-Request-Id"),
	}}
	if e.Message == "" {
		e.Message = p.Title
	}
	if e.Message == "" {
		e.Message = fmt.Sprintf("the server answered %d %s", resp.StatusCode, http.StatusText(resp.StatusCode))
	}
	for _, f := range p.Errors {
		e.Fields = append(e.Fields, overture.Field{Location: f.Location, Message: f.Message})
	}
	return e
}

func kindOf(status int) overture.Kind {
	switch status {
	case http.StatusBadRequest, http.StatusUnprocessableEntity, http.StatusUnsupportedMediaType:
		return overture.Invalid
	case http.StatusUnauthorized:
		return overture.Unauthorized
	case http.StatusForbidden:
		return overture.Forbidden
	case http.StatusNotFound, http.StatusMethodNotAllowed:
		return overture.NotFound
	case http.StatusConflict, http.StatusPreconditionFailed:
		return overture.Conflict
	case http.StatusRequestEntityTooLarge:
		return overture.TooLarge
	case http.StatusTooManyRequests:
		return overture.TooMany
	case http.StatusServiceUnavailable, http.StatusBadGateway, http.StatusGatewayTimeout:
		return overture.Unavailable
	default:
		return overture.Internal
	}
}

// repeatable tells whether the same request may go out again: the server said "later", or nobody knows and repeating changes nothing.
func repeatable(r request, err error) bool {
	if r.stream != nil {
		return false // part of the answer may be written already
	}
	switch overture.KindOf(err) {
	case overture.TooMany, overture.Unavailable:
		return r.method != http.MethodPost || r.key != ""
	default:
		return false
	}
}

// longestWait bounds what a Retry-After may ask of a person in front of a terminal.
const longestWait = 30 * time.Second

func delayOf(err error, try int) time.Duration {
	var refusal *AnswerError
	if errors.As(err, &refusal) && refusal.RetryAfter > 0 {
		return min(refusal.RetryAfter, longestWait)
	}
	return min(100*time.Millisecond<<try, 5*time.Second)
}

func retryAfter(header string) time.Duration {
	if seconds, err := strconv.Atoi(header); err == nil && seconds >= 0 {
		return time.Duration(seconds) * time.Second
	}
	return 0
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// counting tells how much of a file was read by the transport.
type counting struct {
	from io.Reader
	told func(n int64)
	n    int64
}

func (c *counting) Read(p []byte) (int, error) {
	n, err := c.from.Read(p)
	c.n += int64(n)
	if c.told != nil {
		c.told(c.n)
	}
	return n, err
}
