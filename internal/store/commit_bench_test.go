package store_test

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/store"
	"github.com/overture-im/overture/internal/store/storetest"
)

// queued is a store with n messages of one campaign in the queue, and the lease of their sender.
func queued(b testing.TB, n int) (*store.Store, overture.Lease, overture.Lane) {
	b.Helper()
	s := storetest.Open(b)
	for _, q := range []string{
		`INSERT INTO account (id, name, enabled, settings, created_at) VALUES (1, 'a', TRUE, '{}', 0)`,
		`INSERT INTO brand (id, account_id, name, created_at) VALUES (2, 1, 'b', 0)`,
		`INSERT INTO sender (id, account_id, brand_id, name, channel, provider, address, base_url, account_sid, sealed_credentials, messaging_service_sid, webhook_key,
			rate, stopped, stop_reason, created_at) VALUES (3, 1, 2, 's', 'sms', 'twilio', '+15005550006', '', '', '', '', 'k', 1, FALSE, '', 0)`,
		`INSERT INTO lane (id, account_id, sender_id, campaign_id, kind, state, rate, weight) VALUES (70, 1, 3, 7, 'campaign', 'open', 1, 1)`,
		fmt.Sprintf(`INSERT INTO message (id, account_id, campaign_id, recipient_id, entry_id, sender_id, lane_id, leg, address, body, state, attempts, segments,
			provider_id, code, reason, updated_at)
			WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)
			SELECT i, 1, 7, i, 0, 3, 70, 0, '+1' || CAST(2005550000 + i AS TEXT), '', 0, 0, 1, '', 0, '', 0 FROM n`, n),
		fmt.Sprintf(`INSERT INTO recipient (id, account_id, campaign_id, import_id, row_number, address, zones, zone_source, text, vars, segments)
			WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)
			SELECT i, 1, 7, 0, i, '+1' || CAST(2005550000 + i AS TEXT), 'America/New_York', 'number', '', '["P00000001"]', 1 FROM n`, n),
		`INSERT INTO dispatch (lane_id, due_at, message_id, not_after) SELECT 70, 1000, id, 9000000000000 FROM message`,
		fmt.Sprintf(`INSERT INTO campaign_count (campaign_id, state, n) VALUES (7, 0, %d)`, n),
	} {
		if _, err := s.DB().Write.ExecContext(b.Context(), q); err != nil {
			b.Fatal(err)
		}
	}
	lease, ok, err := s.AcquireLease(b.Context(), 3, "bench", time.Hour)
	if err != nil || !ok {
		b.Fatal(ok, err)
	}
	return s, lease, overture.Lane{ID: 70, BrandID: 2, AccountID: 1, Channel: "sms"}
}

func processorTime() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u) // never fails for oneself
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkCommit is the engine's transaction as it is at full speed: 80 marks with the results of the 80 marks before.
func BenchmarkCommit(b *testing.B) {
	const batch = 80
	n := b.N * batch
	s, lease, lane := queued(b, n)
	var settled []overture.Settlement
	next := 1
	b.ResetTimer()
	before := processorTime()
	for range b.N {
		now := time.Now()
		work := overture.SenderWork{Lease: lease, BrandID: lane.BrandID, AccountID: lane.AccountID, Channel: lane.Channel, Settlements: settled}
		for range batch {
			place := overture.Place{LaneID: lane.ID, Due: time.UnixMilli(1000), MessageID: overture.MessageID(next)}
			work.Marks = append(work.Marks, overture.Mark{
				Place: place, Attempt: 1, Token: fmt.Sprintf("token%017d", next), Address: overture.Address(fmt.Sprintf("+1%d", 2005550000+next)), LookupAt: now.Add(time.Minute),
			})
			next++
		}
		results, err := s.Commit(b.Context(), now, []overture.SenderWork{work})
		if err != nil {
			b.Fatal(err)
		}
		settled = settled[:0:0]
		for i, m := range work.Marks {
			if results[0].Verdicts[i] != overture.Marked {
				b.Fatalf("message %d: verdict %v", m.MessageID, results[0].Verdicts[i])
			}
			settled = append(settled, overture.Settlement{
				Place: m.Place, Attempt: 1, Token: m.Token, StartedAt: now, Outcome: "accepted", State: overture.Accepted,
				ProviderID: fmt.Sprintf("SM%032d", m.MessageID), HTTPStatus: 201,
			})
		}
	}
	b.StopTimer()
	b.ReportMetric(float64((processorTime()-before).Microseconds())/float64(n), "cpu-µs/msg")
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(n), "µs/msg")
}

// BenchmarkDueMessages is the engine's read.
func BenchmarkDueMessages(b *testing.B) {
	n := 20_000
	s, _, lane := queued(b, n)
	var after overture.Place
	b.ResetTimer()
	before := processorTime()
	read := 0
	for range b.N {
		due, last, more, err := s.DueMessages(b.Context(), lane.ID, time.Now(), after, 500)
		if err != nil {
			b.Fatal(err)
		}
		read += len(due)
		if after = last; !more {
			after = overture.Place{}
		}
	}
	b.ReportMetric(float64((processorTime()-before).Microseconds())/float64(max(read, 1)), "cpu-µs/msg")
}
