package dispatch_test

import (
	"errors"
	"testing"
	"time"

	"github.com/overture-im/overture"
)

// quarantined puts a house back in time: its rows are those of four hours ago, and messages 0 and 1 were sent since.
func quarantined(t *testing.T, policy overture.SendPolicy) *house {
	t.Helper()
	h := build(t, 6)
	h.exec(`UPDATE campaign SET policy = $1`, string(policy))
	h.exec(`INSERT INTO sender_lease (sender_id, owner, epoch, expires_at) VALUES ($1, 'before', 7, $2)`, sender, time.Now().Add(time.Hour).UnixMilli())
	for i := range 2 {
		h.provider.acceptLocked(overture.Outgoing{To: address(i), Body: []string{"Hi P0 Reply STOP", "Hi P1 Reply STOP"}[i]})
		h.provider.record[address(i)][0].CreatedAt = time.Now().Add(-3 * time.Hour)
		h.provider.record[address(i)][0].ProviderID = []string{"SM0", "SM1"}[i]
	}
	if err := h.s.BeginQuarantine(t.Context(), overture.QuarantineOrder{Since: time.Now().Add(-4 * time.Hour), Reason: "a test"}, time.Now()); err != nil {
		t.Fatal(err)
	}
	return h
}

// R11: a message that may have been sent since the backup is looked up twice before it may go, whatever its campaign's policy.
func TestARestoredQueueIsLookedUpBeforeItIsSent(t *testing.T) {
	for _, policy := range []overture.SendPolicy{overture.Safe, overture.MustReach} {
		t.Run(string(policy), func(t *testing.T) {
			inTime(t, func(t *testing.T) {
				h := quarantined(t, policy)
				cfg := short
				cfg.MustReachGrace = cfg.Grace // so that must_reach would resend instead of asking
				h.run("a", cfg)
				time.Sleep(500 * time.Millisecond)
				if n, err := h.s.Doubt(t.Context(), short.Grace); err != nil || n != 6 {
					t.Fatalf("%d messages in doubt, %v; want all 6", n, err)
				}
				if err := h.s.ReleaseQuarantine(t.Context(), "a test", false, time.Now()); overture.KindOf(err) != overture.Conflict {
					t.Errorf("released before anything was looked up: %v", err)
				}
				h.until("looked up", func() bool {
					q, err := h.s.Quarantine(t.Context())
					if err != nil || !q.Active {
						t.Fatal(q, err)
					}
					return q.Clear()
				})
				time.Sleep(500 * time.Millisecond)
				if n := len(h.provider.calls); n != 0 {
					t.Fatalf("%d messages were sent in quarantine", n)
				}
				h.sums(map[overture.State]int{overture.Accepted: 2, overture.Queued: 4})
				if h.provider.finds < 2*4+2 {
					t.Errorf("the record was asked %d times; absence takes two questions each", h.provider.finds)
				}
				if n, err := h.s.Doubt(t.Context(), short.Grace); err != nil || n != 0 {
					t.Errorf("%d messages are in doubt again after they were looked up, %v", n, err)
				}
				if err := h.s.ReleaseQuarantine(t.Context(), "a test", false, time.Now()); err != nil {
					t.Fatal(err)
				}
				h.until("the rest sent", h.drained)
				h.sums(map[overture.State]int{overture.Accepted: 6})
				for i := range 6 {
					if n := h.provider.accepted(address(i)); n != 1 {
						t.Errorf("recipient %d got %d messages", i, n)
					}
				}
				if broken, err := h.s.BrokenInvariants(t.Context()); err != nil || len(broken) != 0 {
					t.Error(broken, err)
				}
				if e := h.number(`SELECT epoch FROM sender_lease WHERE sender_id = $1`, sender); e <= overture.EpochLeap {
					t.Errorf("epoch %d: the quarantine leaps far ahead of what was given in the lost time", e)
				}
				if n := h.number(`SELECT COUNT(*) FROM audit WHERE action LIKE 'quarantine.%'`); n != 2 {
					t.Errorf("%d audit entries, want the beginning and the release", n)
				}
			})
		})
	}
}

func TestWhatCannotBeLookedUpIsHeldForAPerson(t *testing.T) {
	inTime(t, func(t *testing.T) {
		h := quarantined(t, overture.MustReach)
		h.provider.findErr = errors.New("no record today")
		h.run("a", short)
		if _, err := h.s.Doubt(t.Context(), short.Grace); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		if err := h.s.ReleaseQuarantine(t.Context(), "a test", true, time.Now()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(3 * time.Second)
		h.sums(map[overture.State]int{overture.Held: 6})
		if n := h.number(`SELECT COUNT(*) FROM held`); n != 6 {
			t.Errorf("%d on the list of what is held, want 6", n)
		}
		if !h.drained() || len(h.provider.calls) != 0 {
			t.Errorf("drained %v, sent %d", h.drained(), len(h.provider.calls))
		}
	})
}

// Messages planned after the restore, for campaigns that were launched before it, may have been sent under other ids.
func TestWhatIsPlannedLateIsInDoubtToo(t *testing.T) {
	inTime(t, func(t *testing.T) {
		h := quarantined(t, overture.Safe)
		h.exec(`UPDATE campaign SET launched_at = $1, planning = TRUE`, time.Now().Add(-5*time.Hour).UnixMilli())
		h.exec(`DELETE FROM dispatch`)
		late := h.s.NewID()
		h.exec(`UPDATE message SET state = $1`, int(overture.Canceled))
		h.exec(`UPDATE message SET id = $1, state = 0 WHERE id = $2`, late, int64(h.ids[1]))
		h.exec(`INSERT INTO dispatch (lane_id, due_at, message_id, not_after) VALUES ($1, $2, $3, $2)`, lane, time.Now().Add(time.Hour).UnixMilli(), late)
		q, err := h.s.Quarantine(t.Context())
		if err != nil || q.Planning != 1 || q.ToCheck != 1 {
			t.Fatalf("%+v, %v; want one campaign to plan and one message to check", q, err)
		}
		if n, err := h.s.Doubt(t.Context(), short.Grace); err != nil || n != 1 {
			t.Errorf("%d in doubt, %v", n, err)
		}
	})
}

// A failover is told a little early, so an attempt may have begun after "since". Its history must not say that it began before (I8), and the
// second of two quarantines changes nothing about it.
func TestAnAttemptKeepsItsBeginningInQuarantine(t *testing.T) {
	inTime(t, func(t *testing.T) {
		h := build(t, 1)
		began := time.Now().Add(-time.Minute).UnixMilli()
		h.exec(`INSERT INTO inflight (message_id, lane_id, sender_id, due_at, not_after, epoch, attempt, token, started_at, state, lookups, next_lookup_at, since)
			SELECT message_id, lane_id, $1, due_at, not_after, 7, 1, 'a token', $2, 'attempting', 0, 0, 0 FROM dispatch`, sender, began)
		for _, since := range []time.Duration{4 * time.Hour, 3 * time.Hour} {
			if err := h.s.BeginQuarantine(t.Context(), overture.QuarantineOrder{Since: time.Now().Add(-since), Reason: "a test"}, time.Now()); err != nil {
				t.Fatal(err)
			}
			if got := h.number(`SELECT since FROM inflight`); int64(got) != began {
				t.Errorf("the attempt began %d ms earlier than it did", began-int64(got))
			}
		}
	})
}
