package lab_test

import (
	"net/http"
	"testing"

	"github.com/overture-im/overture/internal/lab"
)

func TestReceiptsFollowTheMessage(t *testing.T) {
	t.Parallel()
	b := start(t, lab.Options{})
	sid := b.send(t, person).sid()
	b.drain(t)
	equal(t, "statuses", b.product.statuses(), []string{"sending", "sent", "delivered"})
	for _, h := range b.product.all("/status") {
		if !h.signed {
			t.Errorf("%s is not signed", h.form.Get("MessageStatus"))
		}
		if h.query.Get("m") != "msg_1" || h.query.Get("t") != "tok1" {
			t.Errorf("query = %v, want the one of StatusCallback", h.query)
		}
		for field, want := range map[string]string{
			"MessageSid": sid, "SmsSid": sid, "SmsStatus": h.form.Get("MessageStatus"), "AccountSid": accountSID, "From": ours, "To": person, "ApiVersion": "2010-04-01",
		} {
			if h.form.Get(field) != want {
				t.Errorf("%s = %q, want %q", field, h.form.Get(field), want)
			}
		}
	}
	e := b.ledger(t)[0]
	equal(t, "acknowledged", e.Acknowledged, []string{"sending", "sent", "delivered"})
	if e.SID != sid || e.MessageID != "msg_1" || e.Token != "tok1" || e.Status != "delivered" || e.AcceptedAt < e.RequestedAt || e.UpdatedAt <= e.AcceptedAt {
		t.Errorf("entry = %+v", e)
	}
}

func TestOutcomesByScript(t *testing.T) {
	t.Parallel()
	b := start(t, lab.Options{})
	must(t, b.Client.SetScripts(t.Context(), []lab.Rule{
		{Suffix: "03", Undelivered: 30003},
		{Suffix: "06", Undelivered: 30006},
		{Suffix: "08", Failed: 30008},
		{Suffix: "14", Refuse: 21614},
		{Suffix: "20", NoReceipt: true},
		{Number: "+447700900222", Twice: true},
	}))
	for _, tt := range []struct {
		to       string
		create   int
		statuses []string
		code     string
		arrives  int // copies on the handset
	}{
		{"+447700900103", 201, []string{"sending", "sent", "undelivered"}, "30003", 0},
		{"+447700900106", 201, []string{"sending", "sent", "undelivered"}, "30006", 0},
		{"+447700900108", 201, []string{"sending", "failed"}, "30008", 0},
		{"+447700900114", 400, nil, "", 0},
		{"+447700900120", 201, []string{"sending", "sent"}, "", 1},
		{"+447700900222", 201, []string{"sending", "sent", "delivered", "delivered"}, "", 2},
		{"+447700900130", 201, []string{"sending", "sent", "delivered"}, "", 1},
	} {
		t.Run(tt.to, func(t *testing.T) {
			must(t, b.Client.Reset(t.Context(), false))
			b.product.forget()
			if got := b.send(t, tt.to); got.status != tt.create {
				t.Fatalf("create: %s", got.raw)
			}
			b.drain(t)
			equal(t, "statuses", b.product.statuses(), tt.statuses)
			if hits := b.product.all("/status"); len(hits) > 0 && hits[len(hits)-1].form.Get("ErrorCode") != tt.code {
				t.Errorf("ErrorCode = %q, want %q", hits[len(hits)-1].form.Get("ErrorCode"), tt.code)
			}
			phone, err := b.Client.Phone(t.Context(), tt.to)
			must(t, err)
			copies := 0
			for _, e := range phone.Thread {
				copies += e.Copies
			}
			if copies != tt.arrives {
				t.Errorf("the handset shows %d copies, want %d", copies, tt.arrives)
			}
		})
	}
}

func (p *product) forget() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hits = nil
}

// TestCallbackRetries: by default only when no connection came about; with #rc= and rp= as the URL says.
func TestCallbackRetries(t *testing.T) {
	t.Parallel()
	b := start(t, lab.Options{})
	for _, tt := range []struct {
		name, fragment string
		failures       int // calls answered with 500 before 204
		want           []string
		failed         int64
	}{
		{"default: a 500 is not retried", "", 1, []string{"sending", "sent", "delivered"}, 1},
		{"rc=5 rp=all", "#rc=5&rp=all", 3, []string{"sending", "sending", "sent", "sent", "sent", "delivered"}, 0},
		{"rc=1 rp=5xx", "#rc=1&rp=5xx", 9, []string{"sending", "sending", "sent", "sent", "delivered", "delivered"}, 3},
		{"rp=4xx does not cover 500", "#rc=5&rp=4xx", 1, []string{"sending", "sent", "delivered"}, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			must(t, b.Client.Reset(t.Context(), false))
			b.product.forget()
			b.product.answers(func(n int, _ hit) int {
				if n <= tt.failures {
					return http.StatusInternalServerError
				}
				return http.StatusNoContent
			})
			b.send(t, person, "StatusCallback", b.product.URL+"/status?m=msg_2&t=tok2"+tt.fragment)
			b.drain(t)
			tries := map[string]int{}
			tokens := map[string]map[string]bool{}
			for _, h := range b.product.all("/status") {
				status := h.form.Get("MessageStatus")
				tries[status]++
				if tokens[status] == nil {
					tokens[status] = map[string]bool{}
				}
				tokens[status][h.header.Get("I-Twilio-Idempotency-Token")] = true
				if !h.signed {
					t.Error("not signed over the URL without its fragment")
				}
			}
			if got := len(b.product.all("/status")); got != len(tt.want) {
				t.Errorf("%d calls %v, want %d", got, tries, len(tt.want))
			}
			for status, seen := range tokens {
				if len(seen) != 1 || seen[""] {
					t.Errorf("%s: idempotency tokens %v, want one for all tries", status, seen)
				}
			}
			s, err := b.Client.Summary(t.Context())
			must(t, err)
			if s.CallbacksFailed != tt.failed || s.CallbacksTried != int64(len(tt.want)) || s.CallbacksSent != 3-tt.failed {
				t.Errorf("tried %d, sent %d, failed %d", s.CallbacksTried, s.CallbacksSent, s.CallbacksFailed)
			}
		})
	}
}

func TestCallbackToNobody(t *testing.T) {
	t.Parallel()
	b := start(t, lab.Options{})
	b.product.Close()
	b.send(t, person)
	b.drain(t)
	s, err := b.Client.Summary(t.Context())
	must(t, err)
	if s.CallbacksTried != 6 || s.CallbacksFailed != 3 || s.ByStatus["delivered"] != 1 {
		t.Errorf("tried %d, failed %d, by status %v; want 6 (one retry each), 3 and delivered", s.CallbacksTried, s.CallbacksFailed, s.ByStatus)
	}
}
