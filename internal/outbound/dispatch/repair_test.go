package dispatch_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/outbound/dispatch"
)

// A throttled attempt never counts towards the end of a message, in the rows too.
func TestThrottlesAreNotCountedAsNonSends(t *testing.T) {
	inTime(t, func(t *testing.T) {
		h := build(t, 2)
		h.provider.answers[address(0)] = func(call int) (overture.AcceptedSend, error) {
			if call <= 3 {
				return overture.AcceptedSend{}, &overture.SendError{Class: overture.Throttled, HTTPStatus: 429}
			}
			return overture.AcceptedSend{}, nil
		}
		h.provider.answers[address(1)] = refuse(overture.NotSent, "", 0)
		cfg := short
		cfg.FailAfter, cfg.FailTries = 2*time.Second, 3
		h.run("a", cfg)
		h.until("all ended", h.drained)
		h.sums(map[overture.State]int{overture.Accepted: 1, overture.Failed: 1})
		if n := h.number(`SELECT COUNT(*) FROM attempt WHERE message_id = $1 AND outcome = 'throttled'`, int64(h.ids[0])); n != 3 {
			t.Errorf("%d throttled attempts, want 3", n)
		}
		if n := h.number(`SELECT COUNT(*) FROM attempt WHERE message_id = $1 AND outcome = 'not_sent'`, int64(h.ids[1])); n < 2 {
			t.Errorf("%d tries before the message was given up", n)
		}
		if n := h.number(`SELECT COUNT(*) FROM attempt WHERE message_id = $1 AND outcome = 'given_up'`, int64(h.ids[1])); n != 1 {
			t.Errorf("given up %d times", n)
		}
		due := h.retried(1)
		if due.NotSent != 0 || !due.NotSentSince.IsZero() {
			t.Errorf("a person's retry starts with %d tries since %v", due.NotSent, due.NotSentSince)
		}
	})
}

// retried puts an ended message back into the queue, as a person does, and reads it.
func (h *house) retried(i int) overture.DueMessage {
	h.t.Helper()
	now := time.Now()
	h.exec(`UPDATE lane SET state = 'paused'`)
	h.exec(`INSERT INTO dispatch (lane_id, due_at, message_id, not_after) VALUES ($1, $2, $3, $4)`, lane, now.Add(-time.Second).UnixMilli(), int64(h.ids[i]), now.Add(time.Hour).UnixMilli())
	due, _, _, err := h.s.DueMessages(h.t.Context(), lane, now, overture.Place{}, 10)
	if err != nil || len(due) != 1 {
		h.t.Fatal(due, err)
	}
	return due[0]
}

// An adopted marker waits for a grace period from its adoption, whatever its owner's clock said.
func TestAdoptionDoesNotTrustTheOldOwnersClock(t *testing.T) {
	inTime(t, func(t *testing.T) {
		for _, skew := range []time.Duration{-time.Hour, time.Hour} {
			h := build(t, 1)
			began := time.Now()
			h.exec(`INSERT INTO inflight (message_id, lane_id, sender_id, due_at, not_after, epoch, attempt, token, started_at, state, lookups, next_lookup_at)
				SELECT message_id, lane_id, $1, due_at, not_after, 0, 1, 'old', $2, 'attempting', 0, $2 FROM dispatch`, sender, began.Add(skew).UnixMilli())
			sent := time.Time{}
			h.provider.answers[address(0)] = func(int) (overture.AcceptedSend, error) { sent = time.Now(); return overture.AcceptedSend{}, nil }
			stop := h.run("a", short)
			h.until("looked up and sent", h.drained)
			stop()
			if wait := sent.Sub(began); wait < short.Grace+short.LookupSpacing || wait > 20*time.Second {
				t.Errorf("a clock off by %v: sent again after %v", skew, wait)
			}
			if h.provider.finds < 2 {
				t.Errorf("%d lookups", h.provider.finds)
			}
		}
	})
}

// The provider's id of a test send, of an answer or of an automatic word proves nothing for a campaign message with the same text.
func TestATestSendProvesNothing(t *testing.T) {
	inTime(t, func(t *testing.T) {
		h := build(t, 1)
		now := time.Now()
		started := now.Add(-time.Minute)
		h.exec(`INSERT INTO message (id, account_id, campaign_id, recipient_id, entry_id, sender_id, lane_id, leg, address, body, state, attempts, segments,
			provider_id, code, reason, updated_at) VALUES (77, $1, 0, 0, 0, $2, 0, 0, $3, 'Hi P0 Reply STOP', 50, 1, 1, 'SMtest', 0, '', $4)`, account, sender, string(address(0)), now.UnixMilli())
		h.exec(`INSERT INTO inflight (message_id, lane_id, sender_id, due_at, not_after, epoch, attempt, token, started_at, state, lookups, next_lookup_at)
			SELECT message_id, lane_id, $1, due_at, not_after, 0, 1, 'old', $2, 'attempting', 0, $2 FROM dispatch`, sender, started.UnixMilli())
		h.provider.record[address(0)] = []overture.FoundSend{{ProviderID: "SMtest", Body: "Hi P0 Reply STOP", State: overture.Accepted, CreatedAt: started}}
		h.run("a", short)
		h.until("settled", h.drained)
		if n := len(h.provider.calls); n != 1 {
			t.Errorf("%d sends, want one: the test send's id was taken for the campaign's", n)
		}
	})
}

// A settlement that is written a second time, because the answer to its commit was lost, does not touch the next attempt of the same owner.
func TestALateRepetitionOfASettlementChangesNothing(t *testing.T) {
	inTime(t, func(t *testing.T) {
		h := build(t, 1)
		w := h.lease("a")
		due := h.due()[0]
		mark := func(attempt int, token string, p overture.Place) {
			m := w
			m.Marks = []overture.Mark{{Place: p, Attempt: attempt, Token: token, Address: due.Address, LookupAt: time.Now().Add(time.Minute)}}
			if v := h.commit(m).Verdicts[0]; v != overture.Marked {
				t.Fatalf("verdict %v", v)
			}
		}
		mark(1, "one", due.Place)
		first := w
		first.Settlements = []overture.Settlement{{
			Place: due.Place, Attempt: 1, Token: "one", StartedAt: time.Now(), Outcome: "throttled", State: overture.Queued,
			RetryAt: due.Due.Add(5 * time.Millisecond), NotAfter: due.NotAfter,
		}}
		h.commit(first)
		again := due.Place
		again.Due = due.Due.Add(5 * time.Millisecond)
		time.Sleep(10 * time.Millisecond)
		mark(2, "two", again)
		for _, state := range []overture.State{overture.Queued, overture.Unknown, overture.Held} {
			late := first
			late.Settlements = []overture.Settlement{first.Settlements[0]}
			late.Settlements[0].State, late.Settlements[0].LookupAt = state, time.Now()
			if r := h.commit(late); r.Superseded != 1 {
				t.Errorf("%v: %d superseded, want one", state, r.Superseded)
			}
		}
		if n := h.number(`SELECT COUNT(*) FROM inflight WHERE token = 'two' AND state = 'attempting'`); n != 1 {
			t.Error("the marker of the second attempt is gone or changed: it would be sent again")
		}
		if n := h.number(`SELECT COUNT(*) FROM held`); n != 0 {
			t.Error("a message that is being sent stands in the list of held ones")
		}
	})
}

// watcher counts what it is told.
type watcher struct {
	mu       sync.Mutex
	outcomes map[string]int
	marks    int
	lookups  int
}

func (w *watcher) Marked(_ overture.SenderID, n int, _ time.Duration) { w.add(func() { w.marks += n }) }

func (w *watcher) LookedUp(_ overture.SenderID, outcome string) {
	w.add(func() { w.lookups++; w.outcomes["looked up: "+outcome]++ })
}

func (w *watcher) Attempted(_ overture.SenderID, _ overture.CampaignID, outcome string, _ int, took time.Duration) {
	w.add(func() { w.outcomes[outcome]++ })
}

func (w *watcher) add(f func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f()
}

// What operators need: what happens as it happens, how each sender stands, and log lines by which one message can be followed.
func TestTheEngineTellsWhatItDoes(t *testing.T) {
	inTime(t, func(t *testing.T) {
		h := build(t, 30)
		h.provider.answers[address(3)] = once(refuse(overture.SendUnknown, "", 0))
		h.provider.delay = 20 * time.Millisecond
		var lines bytes.Buffer
		w := &watcher{outcomes: map[string]int{}}
		e, err := dispatch.New(dispatch.Deps{
			Store: senders{h.s, h}, Providers: h.providers(), Windows: &h.windows, Smart: func(s string) string { return s }, Owner: "a", Observer: w,
			Log:      slog.New(slog.NewJSONHandler(&lines, &slog.HandlerOptions{Level: slog.LevelDebug})),
			Callback: func(overture.Sender, overture.MessageID, string) string { return "https://example.test/" },
		}, short)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background()) //nolint:usetesting // stopped by the test
		done := make(chan struct{})
		go func() { defer close(done); _ = e.Run(ctx) }()
		h.until("in doubt", func() bool { return h.number(`SELECT COUNT(*) FROM inflight WHERE state = 'unknown'`) == 1 })
		h.until("counted", func() bool {
			all := e.Snapshot()
			return len(all) == 1 && all[0].SenderID == sender && all[0].Owner == "a" && all[0].Epoch == 1 && all[0].Doubts == 1 && all[0].Speed == 1
		})
		h.until("settled", h.drained)
		cancel()
		<-done
		if w.outcomes["accepted"] != 30 || w.outcomes["unknown"] != 1 || w.marks < 31 || w.lookups < 2 {
			t.Errorf("observed %+v", w)
		}
		var mine []string
		for _, line := range strings.Split(lines.String(), "\n") {
			if strings.Contains(line, fmt.Sprintf(`"message_id":%q`, h.ids[3])) {
				mine = append(mine, line)
			}
		}
		all := strings.Join(mine, "\n")
		for _, want := range []string{`"outcome":"unknown"`, `"outcome":"absent"`, `"outcome":"accepted"`, `"attempt":1`, `"attempt":2`, `"campaign_id":"cmp_4"`, `"sender_id":"snd_3"`, `"provider_id":"SM`} {
			if !strings.Contains(all, want) {
				t.Errorf("nothing says %s of the message:\n%s", want, all)
			}
		}
		if strings.Contains(lines.String(), "1212555") || strings.Contains(lines.String(), "Hi P") {
			t.Error("an address or a text in the log")
		}
	})
}

// must_reach sends again what it cannot prove, once the longer grace is over; operators count it, and the books say which policy allowed it.
func TestMustReachIsCountedWhenItResendsWithoutProof(t *testing.T) {
	inTime(t, func(t *testing.T) {
		h := build(t, 3)
		h.exec(`UPDATE campaign SET policy = 'must_reach'`)
		h.provider.answers[address(1)] = once(refuse(overture.SendUnknown, "", 0))
		h.provider.findErr = errors.New("no record today")
		w := &watcher{outcomes: map[string]int{}}
		h.observer = w
		stop := h.run("a", short)
		h.until("sent again", h.drained)
		stop()
		if n := h.provider.accepted(address(1)); n != 1 || w.outcomes["looked up: resent_without_proof"] != 1 {
			t.Errorf("sent %d times, observed %v; want one resend that is counted", n, w.outcomes)
		}
		h.sums(map[overture.State]int{overture.Accepted: 3})
		if broken, err := h.s.BrokenInvariants(t.Context()); err != nil || len(broken) != 0 {
			t.Error(broken, err)
		}
		h.exec(`UPDATE campaign SET policy = 'safe'`)
		if broken, err := h.s.BrokenInvariants(t.Context()); err != nil || len(broken) != 1 {
			t.Errorf("verify says %v, %v of a resend that the policy forbids", broken, err)
		}
	})
}
