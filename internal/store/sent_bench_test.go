package store_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/store/storetest"
)

// BenchmarkSentSeries reads a year of 10,000,000 messages by the day, and what each campaign sent: 1,000 campaigns of 10,000 at one message
// a second, which makes the most counters.
func BenchmarkSentSeries(b *testing.B) {
	s := storetest.Open(b)
	begin := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, q := range []string{
		fmt.Sprintf(`INSERT INTO campaign (id, account_id, brand_id, name, channel, sender_id, skill_id, text, opt_out_text, smart_encoding, state, send_window, rate,
				lookback, policy, open_conversation, reason, recipient_count, list_hash, content_hash, created_by, created_at, updated_at, launched_at, planned_through, planning)
			WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)
			SELECT i, 1, 5, 'Campaign', 'sms', 6, 1 + i %% 7, '', '', FALSE, 'completed', '{}', 1, 0, 'safe', 'skip', '', 10000, '', '', 1, 1, 1, %d, 0, FALSE FROM n`, begin.UnixMilli()),
		fmt.Sprintf(`INSERT INTO sent_count (campaign_id, quarter, failed, held, accepted, sent, undelivered, delivered, read, replied, answered, stopped)
			WITH RECURSIVE q (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM q WHERE i < 10)
			SELECT c.id, %d + c.id * 35 + q.i, 19, 3, 40, 130, 37, 680, 0, 45, 45, 4 FROM campaign c, q`, begin.UnixMilli()/900_000),
	} {
		if _, err := s.DB().Write.ExecContext(b.Context(), q); err != nil {
			b.Fatal(err)
		}
	}
	var days []time.Time
	for i := range 365 {
		days = append(days, begin.AddDate(0, 0, i))
	}
	f := overture.SentFilter{AccountID: 1}.In(begin, begin.AddDate(1, 0, 0))
	for _, tc := range []struct {
		name string
		run  func() error
	}{
		{"days", func() error { _, err := s.SentSeries(b.Context(), f, days); return err }},
		{"total", func() error { _, err := s.SentSeries(b.Context(), f, days[:1]); return err }},
		{"campaigns", func() error { _, _, err := s.SentByCampaign(b.Context(), f, 100); return err }},
		{"one day", func() error {
			_, err := s.SentSeries(b.Context(), f.In(days[200], days[201]), []time.Time{days[200], days[200].Add(12 * time.Hour)})
			return err
		}},
	} {
		b.Run(tc.name, func(b *testing.B) {
			for range b.N {
				if err := tc.run(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
