package store_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/store/storetest"
)

// BenchmarkContacts is what a cap costs per batch of 100 marks: people who were in many campaigns of the last years, four of them in the
// period.
func BenchmarkContacts(b *testing.B) {
	for _, campaigns := range []int{4, 40} {
		b.Run(fmt.Sprintf("in %d campaigns", campaigns), func(b *testing.B) {
			s := storetest.Open(b)
			now := time.Date(2026, 11, 20, 17, 0, 0, 0, time.UTC)
			exec := func(query string, args ...any) {
				if _, err := s.DB().Write.ExecContext(b.Context(), query, args...); err != nil {
					b.Fatal(err)
				}
			}
			people := make([]overture.Address, 100)
			for p := range people {
				people[p] = overture.Address(fmt.Sprintf("+1212555%04d", p))
			}
			for c := range campaigns {
				at := now.Add(-time.Duration(c/4) * 48 * time.Hour).UnixMilli()
				exec(`INSERT INTO campaign (id, account_id, brand_id, name, channel, sender_id, skill_id, text, opt_out_text, smart_encoding, state, launch_at,
					send_window, rate, lookback, policy, open_conversation, reason, recipient_count, list_hash, content_hash, created_by, created_at,
					updated_at, launched_at, completed_at, planned_through, planning)
					VALUES ($1, 1, 2, 'c', 'sms', 3, 9, 'Hi', '', FALSE, 'completed', 1, '{}', 1, 0, 'safe', 'skip', '', 0, '', '', 1, 0, 0, 1, $2, 0, FALSE)`, c+1, at)
				for p, to := range people {
					id := c*1000 + p + 1
					exec(`INSERT INTO recipient_address (address, campaign_id, recipient_id) VALUES ($1, $2, $3)`, string(to), c+1, id)
					exec(`INSERT INTO message (id, account_id, campaign_id, recipient_id, entry_id, sender_id, lane_id, leg, address, body, state, attempts,
						segments, provider_id, code, reason, accepted_at, updated_at)
						VALUES ($1, 1, $2, $1, 0, 3, 4, 0, $3, '', 50, 1, 1, '', 0, '', $4, 0)`, id, c+1, string(to), at)
				}
			}
			for b.Loop() {
				got, err := s.Contacts(b.Context(), 1, people, now.Add(-24*time.Hour))
				if err != nil || len(got) != len(people) || len(got[people[7]]) != 4 {
					b.Fatal(len(got), err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/float64(len(people)), "µs/mark")
		})
	}
}
