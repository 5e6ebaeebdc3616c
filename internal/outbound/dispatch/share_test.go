package dispatch_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/outbound/dispatch"
	"github.com/overture-im/overture/internal/store/storetest"
)

// secondSender is the id of a sender of its own, with a campaign of n messages in a lane of its own; its messages come after h.ids.
const (
	secondSender   = 13
	secondCampaign = 14
	secondLane     = 15
)

func (h *house) addSender(n int) {
	h.t.Helper()
	now := time.Now().UnixMilli()
	h.exec(`INSERT INTO sender (id, account_id, brand_id, name, channel, provider, address, base_url, account_sid, sealed_credentials,
		messaging_service_sid, webhook_key, rate, stopped, stop_reason, created_at) VALUES ($1, $2, $3, 's2', 'sms', 'fake', '+15005550007', '', '', '', '', 'k2', 1000, FALSE, '', $4)`,
		secondSender, account, brand, now)
	h.exec(`INSERT INTO campaign (id, account_id, brand_id, name, channel, sender_id, skill_id, text, opt_out_text, smart_encoding, state, send_window, rate, lookback,
		policy, open_conversation, reason, recipient_count, list_hash, content_hash, created_by, created_at, updated_at, planned_through, planning)
		VALUES ($1, $2, $3, 'c2', 'sms', $4, 0, 'Ho', '', FALSE, 'running', '', 0, 0, 'safe', 'skip', '', $5, '', '', 0, $6, $6, 0, FALSE)`,
		secondCampaign, account, brand, secondSender, n, now)
	h.exec(`INSERT INTO lane (id, account_id, sender_id, campaign_id, kind, state, rate, weight) VALUES ($1, $2, $3, $4, 'campaign', 'open', 0, 1)`,
		secondLane, account, secondSender, secondCampaign)
	h.inTx(func(exec func(string, ...any)) {
		for i := range n {
			id := int64(500_000 + i)
			exec(`INSERT INTO message (id, account_id, campaign_id, recipient_id, entry_id, sender_id, lane_id, leg, address, body, state, attempts, segments,
				provider_id, code, reason, updated_at) VALUES ($1, $2, $3, $1, 0, $4, $5, 0, $6, 'Ho', 0, 0, 1, '', 0, '', $7)`,
				id, account, secondCampaign, secondSender, secondLane, fmt.Sprintf("+1646%07d", 5550000+i), now)
			exec(`INSERT INTO dispatch (lane_id, due_at, message_id, not_after) VALUES ($1, $2, $3, $4)`, secondLane, now, id, now+3_600_000)
		}
	})
	h.exec(`INSERT INTO campaign_count (campaign_id, state, n) VALUES ($1, 0, $2)`, secondCampaign, n)
}

// each sender has its own row.
type manySenders struct{ senders }

func (s manySenders) SenderForDispatch(ctx context.Context, id overture.SenderID) (overture.Sender, error) {
	out, err := s.senders.SenderForDispatch(ctx, id)
	out.ID = id
	return out, err
}

// Connections, rate and turns in the commit are each sender's own: a small one beside a big one takes no more than 1.2× the time it takes
// alone (E4).
func TestABigSenderDoesNotDelayASmallOne(t *testing.T) {
	if storetest.OnPostgres() {
		t.Skip("measures time, on a fake clock")
	}
	small := func(t *testing.T, big int) (took time.Duration) {
		t.Helper()
		inTime(t, func(t *testing.T) {
			h := build(t, big)
			h.provider.delay = 20 * time.Millisecond
			h.addSender(200)
			if big == 0 {
				h.exec(`UPDATE lane SET state = 'paused' WHERE id = $1`, lane)
			}
			h.around = func(s dispatch.Store) dispatch.Store { return manySenders{s.(senders)} }
			cfg := short
			cfg.Connections = 8
			began := time.Now()
			stop := h.run("a", cfg)
			h.until("the small one is sent", func() bool {
				return h.number(`SELECT COUNT(*) FROM message WHERE sender_id = $1 AND state = 50`, secondSender) == 200
			})
			took = time.Since(began)
			if left := h.number(`SELECT COUNT(*) FROM dispatch WHERE lane_id = $1`, lane); big > 0 && left == 0 {
				t.Error("the big one was done before; the test tests nothing")
			}
			stop()
		})
		return took
	}
	alone, beside := small(t, 0), small(t, 4000)
	if limit := alone*12/10 + 20*time.Millisecond; beside > limit {
		t.Errorf("%v beside a big sender, %v alone", beside, alone)
	}
}
