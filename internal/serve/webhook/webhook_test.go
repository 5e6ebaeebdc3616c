package webhook_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/kit/twiliosign"
	"github.com/overture-im/overture/internal/outbound/receipt"
	"github.com/overture-im/overture/internal/provider/twilio"
	"github.com/overture-im/overture/internal/pubsub"
	"github.com/overture-im/overture/internal/serve/webhook"
	"github.com/overture-im/overture/internal/store"
	"github.com/overture-im/overture/internal/store/storetest"
)

const (
	public  = "https://overture.example.test"
	account = "ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	token   = "s3cr3t-token"
	older   = "0ld3r-token"
	person  = "+12125550123"
	sid     = "SM0123456789abcdef0123456789abcdef"
)

// house is a store with one sender and one accepted message, the receipt room and the door.
type house struct {
	t       testing.TB
	s       *store.Store
	sender  overture.Sender
	mux     *http.ServeMux
	log     *bytes.Buffer
	lookups atomic.Int32
	replies *replies
	clock   time.Time
}

// replies stands for the inbound room: it keeps what it was given, or fails.
type replies struct {
	mu   sync.Mutex
	got  []overture.Inbound
	fail error
}

func (r *replies) Receive(_ context.Context, _ overture.Sender, in overture.Inbound) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.fail == nil {
		r.got = append(r.got, in)
	}
	return r.fail
}

// counted counts how often the door asks the store.
type counted struct{ h *house }

func (c counted) SenderByWebhookKey(ctx context.Context, key string) (overture.Sender, error) {
	c.h.lookups.Add(1)
	return c.h.s.SenderByWebhookKey(ctx, key)
}

func open(t testing.TB) *house {
	t.Helper()
	h := &house{t: t, s: storetest.Open(t), log: &bytes.Buffer{}, replies: &replies{}, clock: time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)}
	h.exec(`INSERT INTO account (id, name, enabled, settings, created_at) VALUES (1, 'a', TRUE, '{}', 0)`)
	h.exec(`INSERT INTO brand (id, account_id, name, created_at) VALUES (11, 1, 'b', 0)`)
	h.sender = overture.Sender{
		ID: 21, AccountID: 1, BrandID: 11, Name: "s", Channel: overture.SMS, Provider: "twilio", Address: "+15005550006",
		BaseURL: "https://api.example.com", AccountSID: account, AuthToken: token, SecondAuthToken: older, WebhookKey: "wk_Unguessable-1", Rate: 1, CreatedAt: h.clock,
	}
	if err := h.s.CreateSender(t.Context(), overture.Actor{AccountID: 1}, h.sender); err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.NewTextHandler(h.log, nil))
	intake := receipt.NewIntake(receipt.Deps{Store: h.s, Wakes: pubsub.New(), Log: log, Now: time.Now})
	ctx, cancel := context.WithCancel(context.Background()) // ends before the store does
	done := make(chan struct{})
	go func() { defer close(done); _ = intake.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	h.mux = h.door(intake, log)
	return h
}

func (h *house) door(receipts webhook.Receipts, log *slog.Logger) *http.ServeMux {
	mux := http.NewServeMux()
	webhook.New(webhook.Deps{
		PublicURL: public + "/", Senders: counted{h}, Receipts: receipts, Inbound: h.replies,
		Twilio: webhook.Parser{Status: twilio.ParseStatus, Inbound: twilio.ParseInbound}, Batches: true, Log: log, Now: func() time.Time { return h.clock },
	}).Mount(mux)
	return mux
}

func (h *house) exec(query string, args ...any) {
	h.t.Helper()
	if _, err := h.s.DB().Write.ExecContext(h.t.Context(), query, args...); err != nil {
		h.t.Fatalf("%s: %v", query, err)
	}
}

func (h *house) number(query string, args ...any) int {
	h.t.Helper()
	var n int
	if err := h.s.DB().Read.QueryRowContext(h.t.Context(), query, args...).Scan(&n); err != nil {
		h.t.Fatalf("%s: %v", query, err)
	}
	return n
}

// rows counts everything a webhook could write.
func (h *house) rows() int {
	h.t.Helper()
	return h.number(`SELECT (SELECT COUNT(*) FROM receipt) + (SELECT COUNT(*) FROM orphan_receipt) + (SELECT COUNT(*) FROM opt_out) + (SELECT COUNT(*) FROM inbound)`) + len(h.replies.got)
}

// accepted writes a message that the provider has.
func (h *house) accepted(id int64) {
	h.t.Helper()
	h.exec(`INSERT INTO message (id, account_id, campaign_id, recipient_id, entry_id, sender_id, lane_id, leg, address, body, state, attempts, segments,
		provider_id, code, reason, updated_at) VALUES ($1, 1, 0, 0, 0, 21, 1, 0, $2, '', 50, 1, 1, $3, 0, '', 0)`, id, person, sid)
	h.exec(`INSERT INTO attempt (message_id, n, token, epoch, started_at, ended_at, outcome, http_status, code, provider_id)
		VALUES ($1, 1, 'tok', 1, 0, 0, 'accepted', 201, 0, $2)`, id, sid)
}

func statusForm(status string) url.Values {
	return url.Values{
		"AccountSid": {account}, "MessageSid": {sid}, "SmsSid": {sid}, "MessageStatus": {status}, "SmsStatus": {status},
		"From": {"+15005550006"}, "To": {person}, "ApiVersion": {"2010-04-01"},
	}
}

func inboundForm() url.Values {
	return url.Values{"AccountSid": {account}, "MessageSid": {sid}, "From": {person}, "To": {"+15005550006"}, "Body": {"Sí, más 👍"}, "NumMedia": {"0"}}
}

const (
	statusPath  = "/hooks/twilio/wk_Unguessable-1/status?m=msg_2s&t=tok" // msg_2s is 100
	inboundPath = "/hooks/twilio/wk_Unguessable-1/inbound"
)

func signed(path string, form url.Values, with string) *http.Request {
	r := httptest.NewRequestWithContext(context.Background(), http.MethodPost, path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=UTF-8")
	r.Header.Set(twiliosign.Header, twiliosign.Sign(with, public+path, form))
	return r
}

func (h *house) do(r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.mux.ServeHTTP(w, r)
	return w
}

func TestStatus(t *testing.T) {
	h := open(t)
	h.accepted(100)
	for range 3 { // retries of the provider
		if w := h.do(signed(statusPath, statusForm("delivered"), token)); w.Code != http.StatusNoContent || w.Body.Len() != 0 {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		if n := h.number(`SELECT COUNT(*) FROM message WHERE id = 100 AND state = 70`); n != 1 {
			t.Error("answered before the message was delivered")
		}
	}
	if n := h.rows(); n != 1 {
		t.Errorf("%d rows, want one receipt", n)
	}
	if n := h.lookups.Load(); n != 1 {
		t.Errorf("the sender was read %d times, want once", n)
	}
}

func TestTokenRotation(t *testing.T) {
	h := open(t)
	h.accepted(100)
	if w := h.do(signed(statusPath, statusForm("sent"), older)); w.Code != http.StatusNoContent {
		t.Errorf("the second token: %d", w.Code)
	}
	_, err := h.s.UpdateSender(t.Context(), overture.Actor{AccountID: 1}, h.sender.ID, h.clock, func(s *overture.Sender) (string, error) {
		s.AuthToken, s.SecondAuthToken = "n3w-token", token
		return "token", nil
	})
	if err != nil {
		t.Fatal(err)
	}
	h.clock = h.clock.Add(6 * time.Second)
	for with, want := range map[string]int{"n3w-token": 204, token: 204, older: 403} {
		if w := h.do(signed(statusPath, statusForm("sent"), with)); w.Code != want {
			t.Errorf("signed with %s: %d, want %d", with, w.Code, want)
		}
	}
}

// TestRefused is threat T17: nothing that is not signed by the provider for this very request leaves a row.
func TestRefused(t *testing.T) {
	h := open(t)
	h.accepted(100)
	change := func(path string, form url.Values, f func(*http.Request)) *http.Request {
		r := signed(path, form, token)
		f(r)
		return r
	}
	body := func(form url.Values) func(*http.Request) {
		return func(r *http.Request) {
			text := form.Encode()
			r.Body, r.ContentLength = io.NopCloser(strings.NewReader(text)), int64(len(text))
		}
	}
	twice := statusForm("delivered")
	twice["MessageStatus"] = []string{"delivered", "failed"}
	otherAccount := statusForm("delivered")
	otherAccount.Set("AccountSid", "ACbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb")
	large := inboundForm()
	large.Set("Body", strings.Repeat("x", 65<<10))
	for name, tc := range map[string]struct {
		r    *http.Request
		want int
	}{
		"no signature":               {change(statusPath, statusForm("delivered"), func(r *http.Request) { r.Header.Del(twiliosign.Header) }), 403},
		"another token":              {signed(statusPath, statusForm("delivered"), "guess"), 403},
		"an empty token":             {signed(statusPath, statusForm("delivered"), ""), 403},
		"another field value":        {change(statusPath, statusForm("sent"), body(statusForm("delivered"))), 403},
		"an added field":             {change(statusPath, statusForm("sent"), body(url.Values{"X": {"1"}})), 403},
		"another message id":         {change(statusPath, statusForm("sent"), func(r *http.Request) { r.URL.RawQuery = "m=msg_2t&t=tok" }), 403},
		"another token in the query": {change(statusPath, statusForm("sent"), func(r *http.Request) { r.URL.RawQuery = "m=msg_2s&t=tol" }), 403},
		"signature of the other path": {change(inboundPath, inboundForm(), func(r *http.Request) {
			r.Header.Set(twiliosign.Header, twiliosign.Sign(token, public+statusPath, inboundForm()))
		}), 403},
		"signed over the Host header": {change(statusPath, statusForm("sent"), func(r *http.Request) {
			r.Host = "evil.example"
			for _, name := range []string{"X-Forwarded-Host", "X-Forwarded-Proto", "Forwarded", "X-Original-Url"} {
				r.Header.Set(name, "evil.example")
			}
			r.Header.Set(twiliosign.Header, twiliosign.Sign("", "https://evil.example"+statusPath, statusForm("sent")))
		}), 403},
		"a repeated field":       {signed(statusPath, twice, token), 403},
		"another account's word": {signed(statusPath, otherAccount, token), 403},
		"a broken form":          {change(statusPath, statusForm("sent"), func(r *http.Request) { r.Body = io.NopCloser(strings.NewReader("a=%zz")) }), 403},
		"a broken query":         {change(statusPath, statusForm("sent"), func(r *http.Request) { r.URL.RawQuery = "m=%zz" }), 403},
		"an unknown key":         {signed("/hooks/twilio/wk_other/status?m=msg_2s&t=tok", statusForm("sent"), token), 404},
		"an impossible key":      {signed("/hooks/twilio/%2e%2e%00/status?m=msg_2s", statusForm("sent"), token), 404},
		"JSON":                   {change(statusPath, statusForm("sent"), func(r *http.Request) { r.Header.Set("Content-Type", "application/json") }), 400},
		"no content type":        {change(statusPath, statusForm("sent"), func(r *http.Request) { r.Header.Del("Content-Type") }), 400},
		"a large body":           {signed(inboundPath, large, token), 413},
		"GET":                    {change(statusPath, statusForm("sent"), func(r *http.Request) { r.Method = http.MethodGet }), 405},
		"no such hook":           {signed("/hooks/twilio/wk_Unguessable-1/other", statusForm("sent"), token), 404},
		"a status without a sid": {signed(statusPath, url.Values{"AccountSid": {account}, "MessageStatus": {"sent"}}, token), 400},
		"an inbound status":      {signed(statusPath, statusForm("received"), token), 400},
		"an inbound without From": {signed(inboundPath, func() url.Values {
			form := inboundForm()
			form.Del("From")
			return form
		}(), token), 400},
	} {
		t.Run(name, func(t *testing.T) {
			h.clock = h.clock.Add(time.Second) // one line a second
			said := h.log.Len()
			w := h.do(tc.r)
			if w.Code != tc.want {
				t.Errorf("%d %s, want %d", w.Code, w.Body, tc.want)
			}
			words := map[int]string{403: "a webhook was refused", 400: "a webhook could not be read", 413: "a webhook could not be read"}[tc.want]
			if line := h.log.String()[said:]; !strings.Contains(line, words) || words == "" && line != "" {
				t.Errorf("the log says %q, want %q", line, words)
			}
			if w.Code != 405 && !strings.Contains(w.Body.String(), "detail") && name != "no such hook" {
				t.Errorf("the answer does not say what to do: %s", w.Body)
			}
		})
	}
	if n := h.rows(); n != 0 {
		t.Errorf("%d rows were written", n)
	}
	if n := h.number(`SELECT COUNT(*) FROM message WHERE state <> 50`); n != 0 {
		t.Error("a message changed")
	}
	for _, secret := range []string{token, older, person, person[1:]} {
		if strings.Contains(h.log.String(), secret) {
			t.Errorf("the log shows %q: %s", secret, h.log)
		}
	}
}

func TestUnknownMessageIsKept(t *testing.T) {
	h := open(t)
	if w := h.do(signed(statusPath, statusForm("delivered"), token)); w.Code != http.StatusNoContent {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if n := h.number(`SELECT COUNT(*) FROM orphan_receipt WHERE account_id = 1 AND sender_id = 21 AND message_id = 100`); n != 1 || h.rows() != 1 {
		t.Errorf("%d orphans, %d rows, want 1", n, h.rows())
	}
	if w := h.do(signed("/hooks/twilio/wk_Unguessable-1/status", statusForm("delivered"), token)); w.Code != http.StatusNoContent || h.rows() != 1 {
		t.Errorf("a callback without our query: %d, %d rows", w.Code, h.rows())
	}
}

func TestInbound(t *testing.T) {
	h := open(t)
	w := h.do(signed(inboundPath, inboundForm(), token))
	if w.Code != 200 || w.Header().Get("Content-Type") != "text/xml" || w.Body.String() != "<Response/>" {
		t.Errorf("%d %s %s", w.Code, w.Header().Get("Content-Type"), w.Body)
	}
	want := overture.Inbound{AccountID: 1, SenderID: 21, Provider: "twilio", ProviderID: sid, From: person, To: "+15005550006", Body: "Sí, más 👍", ReceivedAt: h.clock}
	if len(h.replies.got) != 1 || h.replies.got[0] != want {
		t.Errorf("%+v, want %+v", h.replies.got, want)
	}
	h.replies.fail = &overture.Error{Kind: overture.Unavailable, Code: "database_full", Message: "the disk is full"}
	if w := h.do(signed(inboundPath, inboundForm(), token)); w.Code != 503 || w.Header().Get("Retry-After") == "" || !strings.Contains(w.Body.String(), "the disk is full") {
		t.Errorf("not stored: %d %v %s", w.Code, w.Header(), w.Body)
	}
	h.replies.fail = errors.New("secret detail")
	if w := h.do(signed(inboundPath, inboundForm(), token)); w.Code != 500 || strings.Contains(w.Body.String(), "secret detail") {
		t.Errorf("not stored: %d %s", w.Code, w.Body)
	}
	if len(h.replies.got) != 1 {
		t.Errorf("%d messages stored, want 1", len(h.replies.got))
	}
}

type refusing struct{ err error }

func (r refusing) Add(context.Context, overture.Receipt) error { return r.err }

func (r refusing) AddAll(context.Context, []overture.Receipt) error { return r.err }

func TestReceiptThatIsNotStored(t *testing.T) {
	h := open(t)
	log := slog.New(slog.NewTextHandler(h.log, nil))
	for _, err := range []error{
		&overture.Error{Kind: overture.Unavailable, Code: "receipts_busy", Message: "too many receipts wait"},
		&overture.Error{Kind: overture.Unavailable, Code: "database_gone", Message: "the database is gone"},
	} {
		h.mux = h.door(refusing{err}, log)
		if w := h.do(signed(statusPath, statusForm("sent"), token)); w.Code != 503 || w.Header().Get("Retry-After") == "" {
			t.Errorf("%v: %d %v, want 503 with Retry-After", err, w.Code, w.Header())
		}
	}
}

func TestDatabaseGone(t *testing.T) {
	h := open(t)
	h.accepted(100)
	h.do(signed(statusPath, statusForm("sent"), token)) // the sender is known now
	if err := h.s.Close(); err != nil {
		t.Fatal(err)
	}
	if w := h.do(signed(statusPath, statusForm("delivered"), token)); w.Code < 500 {
		t.Errorf("%d %s, want an answer that makes the provider send again", w.Code, w.Body)
	}
}

func TestSenderIsForgotten(t *testing.T) {
	h := open(t)
	h.accepted(100)
	ask := func(after time.Duration, want int, lookups int32) {
		t.Helper()
		h.clock = h.clock.Add(after)
		if w := h.do(signed(statusPath, statusForm("sent"), token)); w.Code != want || h.lookups.Load() != lookups {
			t.Errorf("%d after %d lookups, want %d after %d", w.Code, h.lookups.Load(), want, lookups)
		}
	}
	ask(0, 204, 1)
	ask(4*time.Second, 204, 1)
	ask(2*time.Second, 204, 2)
	h.exec(`UPDATE sender SET provider = 'other' WHERE id = 21`)
	ask(6*time.Second, 404, 3)
	ask(0, 404, 4) // not remembered
	h.exec(`DELETE FROM sender WHERE id = 21`)
	ask(0, 404, 5)
}
