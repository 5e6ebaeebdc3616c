package lab_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/overture-im/overture/internal/lab"
)

// TestRequestFaults: what the caller sees of each fault, and what the ledger says about it. Each is set by a script for one phone, plays
// once, and then the phone is an ordinary one; the same faults by share are drawn in TestProfileShares.
func TestRequestFaults(t *testing.T) {
	t.Parallel()
	b := start(t, lab.Options{})
	quick := lab.Profile{HangMS: 100, LateAcceptMS: 30, HugeMB: 2, SlowByteMS: 1, RetryAfterS: 7}
	must(t, b.Client.SetProfile(t.Context(), "", quick))
	for _, tt := range []struct {
		fault    string
		accepted bool
		seen     func(answer, error) bool
	}{
		{"reset_before", false, func(_ answer, err error) bool { return errors.Is(err, syscall.ECONNRESET) }},
		{"accept_reset", true, func(_ answer, err error) bool { return errors.Is(err, syscall.ECONNRESET) }},
		{"server_error_refused", false, func(a answer, err error) bool { return err == nil && a.status == 500 && a.code() == 20500 }},
		{"server_error_accepted", true, func(a answer, err error) bool { return err == nil && a.status == 500 && a.code() == 20500 }},
		{"throttle", false, func(a answer, err error) bool {
			return err == nil && a.status == 429 && a.code() == 20429 && a.header.Get("Retry-After") == "7"
		}},
		{"accept_timeout", true, func(_ answer, err error) bool { return errors.Is(err, io.EOF) }},
		{"empty_answer", true, func(a answer, _ error) bool { return a.status == 201 && a.raw == "" }},
		{"bad_json", true, func(a answer, err error) bool {
			var syntax *json.SyntaxError
			return a.status == 201 && errors.As(err, &syntax) && strings.HasPrefix(a.raw, `{"sid":"SM`)
		}},
		{"huge_answer", true, func(a answer, err error) bool { return a.status == 201 && err != nil && len(a.raw) > 2<<20 }},
		{"slow_answer", true, func(a answer, err error) bool { return err == nil && a.status == 201 }},
		{"late_accept", true, func(a answer, err error) bool { return err == nil && a.status == 201 }},
		{"html_answer", true, func(a answer, _ error) bool { return a.status == 200 && strings.Contains(a.raw, "<p>") }},
		{"same_sid", true, func(a answer, err error) bool { return err == nil && a.status == 201 }},
		{"redirect", false, func(a answer, _ error) bool {
			return a.status == 307 && strings.HasSuffix(a.header.Get("Location"), "/Messages.json")
		}},
	} {
		t.Run(tt.fault, func(t *testing.T) {
			must(t, b.Client.Reset(t.Context(), false))
			must(t, b.Client.SetScripts(t.Context(), []lab.Rule{{Suffix: "23", Fault: tt.fault}}))
			before := time.Now()
			a, err := b.do(t.Context(), http.MethodPost, messages, b.form(person))
			if !tt.seen(a, err) {
				t.Errorf("the caller saw status %d, %.200q, %v", a.status, a.raw, err)
			}
			if took := time.Since(before); tt.fault == "accept_timeout" && took < 100*time.Millisecond || tt.fault == "late_accept" && took < 30*time.Millisecond {
				t.Errorf("it took only %v", took)
			}
			b.drain(t)
			if got := len(b.ledger(t)); (got == 1) != tt.accepted {
				t.Errorf("the ledger has %d entries, accepted: %v", got, tt.accepted)
			}
			if got := b.send(t, person); got.status != 201 { // the fault plays once
				t.Errorf("second try: %s", got.raw)
			}
			s, err := b.Client.Summary(t.Context())
			must(t, err)
			if s.Faults[tt.fault] != 1 {
				t.Errorf("faults counted: %v", s.Faults)
			}
		})
	}
}

// TestAcceptedThoughTheCallerGaveUp: the caller's time-out comes first, and the message is in the ledger all the same.
func TestAcceptedThoughTheCallerGaveUp(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		p    lab.Profile
	}{
		{"timeout after acceptance", lab.Profile{AcceptTimeout: 1}},
		{"late acceptance", lab.Profile{LateAccept: 1, LateAcceptMS: 200}},
		{"latency", lab.Profile{LatencyMS: 200}},
		{"slow answer", lab.Profile{SlowAnswer: 1, SlowByteMS: 60_000}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := start(t, lab.Options{})
			must(t, b.Client.SetProfile(t.Context(), ours, tt.p))
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			defer cancel()
			if a, err := b.do(ctx, http.MethodPost, messages, b.form(person)); !errors.Is(err, context.DeadlineExceeded) {
				t.Fatalf("status %d, error %v; want the caller's deadline", a.status, err)
			}
			b.drain(t)
			if rows := b.ledger(t); len(rows) != 1 || rows[0].Status != "delivered" {
				t.Errorf("ledger %+v", rows)
			}
			equal(t, "statuses", b.product.statuses(), []string{"sending", "sent", "delivered"})
		})
	}
}

func TestProfileShares(t *testing.T) {
	t.Parallel()
	b := start(t, lab.Options{Seed: 7})
	must(t, b.Client.SetProfile(t.Context(), "", lab.Profile{Throttle: 0.2, ServerErrorAccepted: 0.2, ServerErrorRefused: 0.2, EmptyAnswer: 0.2}))
	seen := map[int]int{}
	for range 500 {
		a, _ := b.do(t.Context(), http.MethodPost, messages, b.form(person, "StatusCallback", ""))
		seen[a.status]++
		if a.status == 429 && a.header.Get("Retry-After") != "" {
			t.Error("Retry-After without retry_after_s")
		}
	}
	s, err := b.Client.Summary(t.Context())
	must(t, err)
	for _, f := range []string{"throttle", "server_error_accepted", "server_error_refused", "empty_answer"} {
		if n := s.Faults[f]; n < 60 || n > 140 {
			t.Errorf("%s %d times of 500, want about 100", f, n)
		}
	}
	want := 500 - s.Faults["throttle"] - s.Faults["server_error_refused"]
	if s.Accepted != want || s.Throttled != s.Faults["throttle"] || int64(seen[500]) != s.Faults["server_error_accepted"]+s.Faults["server_error_refused"] {
		t.Errorf("accepted %d want %d; throttled %d; statuses %v; faults %v", s.Accepted, want, s.Throttled, seen, s.Faults)
	}
}

func TestReceiptFaults(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name     string
		p        lab.Profile
		statuses []string
	}{
		{"lost", lab.Profile{ReceiptLost: 1}, nil},
		{"duplicated", lab.Profile{ReceiptDuplicated: 1}, []string{"sending", "sending", "sent", "sent", "delivered", "delivered"}},
		{"late", lab.Profile{ReceiptLate: 1, ReceiptLateMS: 600}, []string{"sending", "sent", "delivered"}},
		{"reordered", lab.Profile{ReceiptReordered: 1, QuietSending: true}, []string{"delivered", "sent"}},
		{"quiet sending", lab.Profile{QuietSending: true}, []string{"sent", "delivered"}},
		{"none", lab.Profile{}, []string{"sending", "sent", "delivered"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := start(t, lab.Options{})
			must(t, b.Client.SetProfile(t.Context(), "", tt.p))
			began := time.Now()
			b.send(t, person)
			b.drain(t)
			got := b.product.statuses()
			if tt.p.ReceiptDuplicated > 0 || tt.p.ReceiptLate > 0 { // on a slow machine a copy may meet the next status
				slices.Sort(got)
				slices.Sort(tt.statuses)
			}
			equal(t, "statuses", got, tt.statuses)
			if tt.p.ReceiptLateMS > 0 && time.Since(began) < ms(tt.p.ReceiptLateMS) {
				t.Error("a late receipt came early")
			}
			if rows := b.ledger(t); len(rows) != 1 || rows[0].Status != "delivered" {
				t.Errorf("ledger %+v", rows)
			}
		})
	}
}

func ms(n int) time.Duration { return time.Duration(n) * time.Millisecond }

func TestReceiptFaultByScript(t *testing.T) {
	t.Parallel()
	b := start(t, lab.Options{})
	must(t, b.Client.SetScripts(t.Context(), []lab.Rule{{Suffix: "99", Fault: "receipt_lost"}}))
	b.send(t, "+447700900199")
	b.send(t, person)
	b.drain(t)
	for _, h := range b.product.all("/status") {
		if h.form.Get("To") != person {
			t.Errorf("a receipt for %s", h.form.Get("To"))
		}
	}
	s, err := b.Client.Summary(t.Context())
	must(t, err)
	if s.CallbacksLost != 3 || s.CallbacksSent != 3 {
		t.Errorf("lost %d, sent %d; want 3 and 3", s.CallbacksLost, s.CallbacksSent)
	}
}
