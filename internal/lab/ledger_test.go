package lab_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/overture-im/overture/internal/lab"
)

// TestLedgerEqualsWhatWasAccepted: many callers at once, with faults; the ledger has what got a 201 and everything whose answer was lost.
func TestLedgerEqualsWhatWasAccepted(t *testing.T) {
	t.Parallel()
	b := start(t, lab.Options{Seed: 3})
	must(t, b.Client.SetProfile(t.Context(), "", lab.Profile{ResetBefore: 0.1, AcceptReset: 0.1, ServerErrorRefused: 0.1, ServerErrorAccepted: 0.1, Throttle: 0.1}))
	const callers, each = 8, 50
	var mu sync.Mutex
	answered := map[string]bool{}
	var crew sync.WaitGroup
	for c := range callers {
		crew.Go(func() {
			for i := range each {
				id := fmt.Sprintf("msg_%d_%d", c, i)
				a, err := b.do(context.WithoutCancel(t.Context()), http.MethodPost, messages, b.form(fmt.Sprintf("+4477009%05d", c*each+i),
					"Body", "Hello "+id, "StatusCallback", b.product.URL+"/status?m="+id+"&t=tok_"+id))
				if err == nil && a.status == http.StatusCreated {
					mu.Lock()
					answered[a.sid()] = true
					mu.Unlock()
				}
			}
		})
	}
	crew.Wait()
	b.drain(t)
	rows := b.ledger(t)
	s, err := b.Client.Summary(t.Context())
	must(t, err)
	lost := s.Faults["accept_reset"] + s.Faults["server_error_accepted"]
	if int64(len(rows)) != int64(len(answered))+lost || s.Accepted != int64(len(rows)) || lost == 0 {
		t.Errorf("ledger %d, answered %d, answers lost %d, summary %d", len(rows), len(answered), lost, s.Accepted)
	}
	seen := map[string]bool{}
	for i, e := range rows {
		delete(answered, e.SID)
		hash := sha256.Sum256([]byte(e.Body))
		if e.N != int64(i+1) || e.Body != "Hello "+e.MessageID || e.Token != "tok_"+e.MessageID || e.BodyHash != hex.EncodeToString(hash[:16]) || seen[e.MessageID] {
			t.Fatalf("entry %+v", e)
		}
		seen[e.MessageID] = true
	}
	if len(answered) > 0 {
		t.Errorf("%d answered messages are not in the ledger", len(answered))
	}
	if want := 3 * int64(len(rows)); s.CallbacksSent != want || int64(len(b.product.all("/status"))) != want {
		t.Errorf("%d callbacks were answered and %d arrived, want %d", s.CallbacksSent, len(b.product.all("/status")), want)
	}
}

func TestLedgerPages(t *testing.T) {
	t.Parallel()
	b := start(t, lab.Options{})
	for range 5 {
		b.send(t, person)
	}
	count := 0
	for range b.Client.Ledger(t.Context(), 3) {
		count++
	}
	if count != 2 {
		t.Errorf("%d entries after 3, want 2", count)
	}
	a, err := b.do(t.Context(), http.MethodGet, "/lab/ledger?after=1&limit=3", nil)
	must(t, err)
	if rows, _ := a.body["entries"].([]any); len(rows) != 3 || a.body["next"] != 4.0 || a.body["more"] != true {
		t.Errorf("page: %s", a.raw)
	}
}

// TestKilledLabGoesOn: a lab that dies without a word is followed by one on the same file that knows everything and finishes the work.
func TestKilledLabGoesOn(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "ledger.ndjson")
	first := start(t, lab.Options{LedgerPath: path})
	must(t, first.Client.SetScripts(t.Context(), []lab.Rule{{Suffix: "06", Undelivered: 30006}}))
	must(t, first.Client.SetProfile(t.Context(), "", lab.Profile{UndeliveredCode: 30007}))
	first.send(t, person, "Body", `Ünï "quoted" \ and`+"\nnew line 👍")
	first.send(t, "+447700900106")
	first.write(t, "+447700900124", ours, "STOP")
	first.drain(t)
	must(t, first.Client.SetProfile(t.Context(), "", lab.Profile{SentAfterMS: 3_600_000}))
	waits := first.send(t, person, "Body", "still on its way").sid()
	eventually(t, func() bool { return first.ledger(t)[2].Status == "sending" })
	first.product.answers(func(int, hit) int { return http.StatusServiceUnavailable })
	first.write(t, person, ours, "not heard yet")
	before := first.ledger(t)
	raw, err := os.ReadFile(path)
	must(t, err)
	first.Stop() // its last moments do not count: the second lab reads what was there before

	must(t, os.WriteFile(path, append(raw, `{"kind":"accepted","n":4,"body":"`+strings.Repeat("x", 5000)...), 0o600)) // killed while it wrote a line
	second := &bench{Server: newServer(t, lab.Options{LedgerPath: path}), product: first.product}
	second.product.forget()
	second.product.answers(func(int, hit) int { return http.StatusOK })
	must(t, second.Client.SetProfile(t.Context(), "", lab.Profile{}))
	after := second.ledger(t)
	if len(after) != 3 {
		t.Fatalf("%d entries, want 3", len(after))
	}
	for i := range before {
		if a, b := before[i], after[i]; a.SID != b.SID || a.Body != b.Body || a.BodyHash != b.BodyHash || a.AcceptedAt != b.AcceptedAt ||
			a.RequestedAt != b.RequestedAt || a.MessageID != b.MessageID || a.Token != b.Token || a.ErrorCode != b.ErrorCode {
			t.Errorf("entry %d was %+v and is %+v", i+1, a, b)
		}
	}
	if after[0].Status != "delivered" || after[1].Status != "undelivered" || after[1].ErrorCode != 30006 {
		t.Errorf("statuses %s and %s %d", after[0].Status, after[1].Status, after[1].ErrorCode)
	}
	if got := second.send(t, "+447700900124"); got.code() != 21610 {
		t.Errorf("the opt-out is forgotten: code %d", got.code())
	}
	second.drain(t)
	if got, _ := second.list(t, "To="+url.QueryEscape(person)); len(got) != 2 {
		t.Errorf("listed %q", got)
	}
	for _, e := range second.ledger(t) {
		if e.SID == waits && e.Status != "delivered" {
			t.Errorf("the waiting message is %s", e.Status)
		}
	}
	heard := second.product.all("/inbound")
	if len(heard) != 1 || heard[0].form.Get("Body") != "not heard yet" {
		t.Errorf("inbound calls: %v", heard)
	}
	if n := len(second.phone(t, person).Thread); n != 3 {
		t.Errorf("the phone's thread has %d entries, want 3", n)
	}
	second.Stop()
	third := &bench{Server: newServer(t, lab.Options{LedgerPath: path}), product: first.product}
	if rows := third.ledger(t); len(rows) != 3 {
		t.Errorf("a third lab knows %d messages, want 3", len(rows))
	}
}

func TestResetEmptiesTheFileToo(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "ledger.ndjson")
	b := start(t, lab.Options{LedgerPath: path})
	old := b.send(t, person).sid()
	b.write(t, person, ours, "STOP")
	must(t, b.Client.Reset(t.Context(), false))
	kept := b.send(t, person, "Body", "after").sid()
	b.drain(t)
	if old == kept {
		t.Error("a SID came twice")
	}
	b.Stop()
	again := &bench{Server: newServer(t, lab.Options{LedgerPath: path}), product: b.product}
	if rows := again.ledger(t); len(rows) != 1 || rows[0].SID != kept || rows[0].Body != "after" {
		t.Errorf("ledger %+v", rows)
	}
	if got := again.send(t, person); got.status != 201 {
		t.Errorf("the account or number is forgotten, or the opt-out is not: %s", got.raw)
	}
}

func TestForeignFileIsNotTouched(t *testing.T) {
	t.Parallel()
	for _, content := range []string{"name,phone\nx,1\n", `{"kind":"accepted","n":1}` + "\n", `{"kind":"lab","key":1}` + "\n" + `{"kind":"accepted","n":2,"to":"+12125550123"}` + "\n"} {
		path := filepath.Join(t.TempDir(), "x")
		must(t, os.WriteFile(path, []byte(content), 0o600))
		if _, err := lab.New(lab.Options{LedgerPath: path}); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%q: error %v, want one that names the file", content, err)
		}
		if now, err := os.ReadFile(path); err != nil || !bytes.Equal(now, []byte(content)) {
			t.Errorf("%q became %q", content, now)
		}
	}
}

// TestOldBodies: beyond KeepBodies the oldest texts are forgotten, or read back from the file; a repeated text never is.
func TestOldBodies(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"", filepath.Join(t.TempDir(), "ledger.ndjson")} {
		b := start(t, lab.Options{KeepBodies: 10, LedgerPath: path})
		for i := range 30 {
			b.send(t, person, "Body", fmt.Sprint("text ", i))
			b.send(t, "+447700900124", "Body", "the same for all")
		}
		for i, e := range b.ledger(t) {
			want := fmt.Sprint("text ", i/2)
			switch {
			case i%2 == 1:
				want = "the same for all"
			case path == "" && i < 40:
				want = ""
			}
			if e.Body != want {
				t.Errorf("entry %d of lab with file %q has body %q, want %q", e.N, path, e.Body, want)
			}
		}
	}
}

// eventually looks again and again, through calls that take their time, until what the lab does in the background has happened.
func eventually(t *testing.T, happened func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !happened(); {
		if time.Now().After(end) {
			t.Fatal("it did not happen within 20 s")
		}
	}
}
