package webhook_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/kit/egress"
	"github.com/overture-im/overture/internal/lab"
	"github.com/overture-im/overture/internal/lab/labtest"
	"github.com/overture-im/overture/internal/outbound/receipt"
	"github.com/overture-im/overture/internal/provider/twilio"
	"github.com/overture-im/overture/internal/pubsub"
	"github.com/overture-im/overture/internal/serve/webhook"
)

// TestAgainstTheLab sends one message through every fault of the carrier lab and lets its callbacks come through the real door. Whatever
// the adapter thought, the rows agree in the end with what the lab accepted, and the lookup agrees with both (R5, R6).
func TestAgainstTheLab(t *testing.T) {
	h := open(t)
	carrier := labtest.Start(t, lab.Options{Open: true})
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	defer server.Close()
	intake := receipt.NewIntake(receipt.Deps{Store: h.s, Wakes: pubsub.New(), Log: slog.New(slog.DiscardHandler), Now: time.Now})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); _ = intake.Run(ctx) }()
	defer func() { cancel(); <-done }()
	webhook.New(webhook.Deps{
		PublicURL: server.URL, Senders: h.s, Receipts: intake, Inbound: h.replies, Log: slog.New(slog.DiscardHandler), Now: time.Now,
		Twilio: webhook.Parser{Status: twilio.ParseStatus, Inbound: twilio.ParseInbound},
	}).Mount(mux)

	client := egress.New(egress.Options{AllowLoopback: true, Timeout: 2 * time.Second})
	defer client.Close()
	adapter := twilio.New(client)
	h.sender.BaseURL = carrier.URL
	if err := carrier.Client.AddAccount(t.Context(), account, token); err != nil {
		t.Fatal(err)
	}
	if err := carrier.Client.SetProfile(t.Context(), "", lab.Profile{HangMS: 3000, SlowByteMS: 1000, LateAcceptMS: 2500, RetryAfterS: 7, ReceiptLateMS: 50}); err != nil {
		t.Fatal(err)
	}
	cases := []struct {
		fault    string
		class    overture.SendClass // empty: accepted
		accepted bool               // by the lab
	}{
		{"", "", true},
		{"reset_before", overture.SendUnknown, false},
		{"server_error_refused", overture.SendUnknown, false},
		{"throttle", overture.Throttled, false},
		{"accept_timeout", overture.SendUnknown, true},
		{"accept_reset", overture.SendUnknown, true},
		{"server_error_accepted", overture.SendUnknown, true},
		{"empty_answer", overture.SendUnknown, true},
		{"bad_json", overture.SendUnknown, true},
		{"huge_answer", overture.SendUnknown, true},
		{"slow_answer", overture.SendUnknown, true},
		{"late_accept", overture.SendUnknown, true},
		{"receipt_duplicated", "", true},
		{"receipt_late", "", true},
		{"receipt_reordered", "", true},
	}
	var rules []lab.Rule
	to := func(i int) overture.Address { return overture.Address(fmt.Sprintf("+121255501%02d", i)) }
	for i, c := range cases {
		if c.fault != "" {
			rules = append(rules, lab.Rule{Number: string(to(i)), Fault: c.fault})
		}
	}
	if err := carrier.Client.SetScripts(t.Context(), rules); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	body := func(i int) string {
		return fmt.Sprintf("Hello number %d 👋 & more. To stop receiving messages just reply STOP", i)
	}
	send := func(i int) {
		c, id := cases[i], overture.MessageID(1000+i)
		accepted, err := adapter.Send(t.Context(), h.sender, overture.Outgoing{
			MessageID: id, Token: fmt.Sprint("tok", i), To: to(i), Body: body(i),
			StatusCallback: server.URL + "/hooks/twilio/" + h.sender.WebhookKey + "/status?m=" + id.String() + "&t=" + fmt.Sprint("tok", i), ValidFor: time.Hour,
		})
		var e *overture.SendError
		switch {
		case c.class == "" && (err != nil || accepted.Segments == 0):
			t.Errorf("%s: %+v, %v, want accepted", c.fault, accepted, err)
		case c.class != "" && (!errors.As(err, &e) || e.Class != c.class):
			t.Errorf("%s: %v, want %s", c.fault, err, c.class)
		case c.class == overture.Throttled && e.RetryAfter != 7*time.Second:
			t.Errorf("%s: retry after %v", c.fault, e.RetryAfter)
		}
	}
	for i := range cases {
		id := overture.MessageID(1000 + i)
		h.exec(`INSERT INTO message (id, account_id, campaign_id, recipient_id, entry_id, sender_id, lane_id, leg, address, body, state, attempts, segments,
			provider_id, code, reason, updated_at) VALUES ($1, 1, 0, 0, 0, 21, 1, 0, $2, '', 0, 0, 1, '', 0, '', 0)`, id, string(to(i)))
		h.exec(`INSERT INTO dispatch (lane_id, due_at, message_id, not_after) VALUES (1, 5, $1, 10)`, id)
		h.exec(`INSERT INTO inflight (message_id, lane_id, sender_id, due_at, not_after, epoch, attempt, token, started_at, state, lookups, next_lookup_at)
			VALUES ($1, 1, 21, 5, 10, 1, 1, $2, 0, 'attempting', 0, 0)`, id, fmt.Sprint("tok", i))
	}
	var all sync.WaitGroup
	for i := range cases {
		all.Go(func() { send(i) })
	}
	all.Wait()
	if _, err := carrier.Client.Drain(t.Context(), 30*time.Second); err != nil {
		t.Fatal(err)
	}
	for i, c := range cases {
		found, err := adapter.Find(t.Context(), h.sender, to(i), began)
		if err != nil || len(found) != 1 && c.accepted || len(found) != 0 && !c.accepted {
			t.Errorf("%s: found %d, %v; the lab accepted it: %v", c.fault, len(found), err, c.accepted)
		}
		if len(found) == 1 && found[0].Body != body(i) {
			t.Errorf("%s: found the body %q", c.fault, found[0].Body)
		}
		want := 0
		if c.accepted {
			want = int(overture.Delivered)
		}
		if state := h.number(`SELECT state FROM message WHERE id = $1`, 1000+i); state != want {
			t.Errorf("%s: state %d, want %d", c.fault, state, want)
		}
		if markers := h.number(`SELECT COUNT(*) FROM inflight WHERE message_id = $1`, 1000+i); (markers == 0) != c.accepted {
			t.Errorf("%s: %d markers left", c.fault, markers)
		}
		if len(found) == 1 && h.number(`SELECT COUNT(*) FROM message WHERE id = $1 AND provider_id = $2`, 1000+i, found[0].ProviderID) != 1 {
			t.Errorf("%s: another provider id than the lab's", c.fault)
		}
	}

	// The way back: a person writes, the lab calls our inbound hook.
	if err := carrier.Client.SetNumber(t.Context(), lab.Number{
		Number: string(h.sender.Address), AccountSID: account,
		InboundURL: server.URL + "/hooks/twilio/" + h.sender.WebhookKey + "/inbound",
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := carrier.Client.Write(t.Context(), string(to(0)), string(h.sender.Address), "Sí, más información 👍"); err != nil {
		t.Fatal(err)
	}
	if _, err := carrier.Client.Drain(t.Context(), 30*time.Second); err != nil {
		t.Fatal(err)
	}
	h.replies.mu.Lock()
	defer h.replies.mu.Unlock()
	if len(h.replies.got) != 1 || h.replies.got[0].Body != "Sí, más información 👍" || h.replies.got[0].From != to(0) {
		t.Errorf("inbound: %+v", h.replies.got)
	}
}
