package dispatch_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/overture-im/overture"
)

// Many doubts are looked up by reading the whole record, and the rules of proof are the same: twice, apart, each entry proves one message.
func TestManyDoubtsAreLookedUpTogether(t *testing.T) {
	inTime(t, func(t *testing.T) {
		const n = 40
		h := build(t, n)
		h.exec(`INSERT INTO sender_lease (sender_id, owner, epoch, expires_at) VALUES ($1, 'before', 7, $2)`, sender, time.Now().Add(time.Hour).UnixMilli())
		for i := 0; i < n; i += 2 { // every other one went out; one in ten with another text
			body := fmt.Sprintf("Hi P%d Reply STOP", i)
			if i%10 == 0 {
				body = "something else"
			}
			h.provider.record[address(i)] = []overture.FoundSend{{ProviderID: fmt.Sprintf("SM%032d", i), Body: body, State: overture.Delivered, CreatedAt: time.Now().Add(-time.Hour)}}
		}
		// What belongs to another message proves nothing.
		h.exec(`INSERT INTO message (id, account_id, campaign_id, recipient_id, entry_id, sender_id, lane_id, leg, address, body, state, attempts, segments,
			provider_id, code, reason, updated_at) VALUES (77, $1, 0, 0, 0, $2, $3, 0, $4, 'x', 50, 1, 1, $5, 0, '', 1)`, account, sender, lane, string(address(2)), fmt.Sprintf("SM%032d", 2))
		if err := h.s.BeginQuarantine(t.Context(), overture.QuarantineOrder{Since: time.Now().Add(-4 * time.Hour), Reason: "a test"}, time.Now()); err != nil {
			t.Fatal(err)
		}
		cfg := short
		cfg.ManyDoubts = 1
		h.run("a", cfg)
		began := time.Now()
		if marked, err := h.s.Doubt(t.Context(), short.Grace); err != nil || marked != n {
			t.Fatalf("%d in doubt, %v", marked, err)
		}
		h.until("looked up", func() bool {
			q, err := h.s.Quarantine(t.Context())
			return err == nil && q.Clear()
		})
		if took := time.Since(began); took < short.Grace+short.LookupSpacing {
			t.Errorf("absence was proven after %v, want at least grace and spacing", took)
		}
		h.sums(map[overture.State]int{overture.Accepted: 15, overture.Queued: 25})
		if h.state(2) != overture.Queued {
			t.Error("an entry of another message was taken for proof")
		}
		if lists, finds := h.provider.lists, h.provider.finds; lists < 2 || lists > 6 || finds > 4 {
			t.Errorf("the record was read %d times and asked %d times about one message; want it read a few times", lists, finds)
		}
		if broken, err := h.s.BrokenInvariants(t.Context()); err != nil || len(broken) != 0 {
			t.Error(broken, err)
		}
	})
}

// The doubts that a killed process leaves come in any order, each a moment older or younger than the one before: one reading answers them all.
func TestDoubtsOfOneMomentShareAReading(t *testing.T) {
	inTime(t, func(t *testing.T) {
		const n = 40
		h := build(t, n)
		now := time.Now()
		for i := range n {
			h.exec(`INSERT INTO inflight (message_id, lane_id, sender_id, due_at, not_after, epoch, attempt, token, started_at, state, lookups, next_lookup_at)
				SELECT message_id, lane_id, $1, due_at, not_after, 0, 1, 'old', $2, 'attempting', 0, $2 FROM dispatch WHERE message_id = $3`,
				sender, now.Add(-time.Duration(i)*time.Millisecond).UnixMilli(), int64(h.ids[i]))
			h.provider.record[address(i)] = []overture.FoundSend{{ProviderID: fmt.Sprintf("SM%032d", i), Body: fmt.Sprintf("Hi P%d Reply STOP", i), State: overture.Delivered, CreatedAt: now}}
		}
		cfg := short
		cfg.ManyDoubts = 1
		h.run("a", cfg)
		h.until("settled", h.drained)
		h.sums(map[overture.State]int{overture.Accepted: n})
		h.provider.mu.Lock()
		defer h.provider.mu.Unlock()
		if h.provider.lists != 1 || h.provider.finds > 4 {
			t.Errorf("the record was read %d times and asked %d times about one message, want one reading", h.provider.lists, h.provider.finds)
		}
	})
}

// A record that fails is not asked by every doubt at once and again and again (a provider in trouble must not be hammered), and the lookups go on when it answers.
func TestARecordThatFailsIsLeftAlone(t *testing.T) {
	inTime(t, func(t *testing.T) {
		h := quarantined(t, overture.Safe)
		h.provider.findErr = errors.New("no record today")
		cfg := short
		cfg.HoldAfter, cfg.LookupSpacing = time.Hour, 20*time.Millisecond
		h.run("a", cfg)
		if _, err := h.s.Doubt(t.Context(), short.Grace); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Second)
		h.provider.mu.Lock()
		if n := h.provider.finds; n < 11 || n > 30 {
			t.Errorf("asked %d times in 10 s; without a breaker it is asked some 3,000 times", n)
		}
		h.provider.findErr = nil
		h.provider.mu.Unlock()
		h.until("looked up", func() bool {
			q, err := h.s.Quarantine(t.Context())
			return err == nil && q.Clear()
		})
	})
}
