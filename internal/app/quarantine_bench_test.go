package app_test

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/kit/egress"
	"github.com/overture-im/overture/internal/lab"
	"github.com/overture-im/overture/internal/lab/labtest"
	"github.com/overture-im/overture/internal/outbound/dispatch"
	"github.com/overture-im/overture/internal/provider/twilio"
	"github.com/overture-im/overture/internal/store"
	"github.com/overture-im/overture/internal/store/storetest"
)

// BenchmarkQuarantine settles a restored queue (100,000 messages, or $QUARANTINE_MESSAGES), half of which the carrier has, by the carrier lab's
// list over HTTP with 20 ms for each page. The waits of the protocol are a hundredth of the real ones; what is measured is the work.
func BenchmarkQuarantine(b *testing.B) {
	n := 100_000
	if s := os.Getenv("QUARANTINE_MESSAGES"); s != "" {
		n, _ = strconv.Atoi(s)
	}
	for b.Loop() {
		restored(b, n)
	}
}

const (
	benchFrom    = "+15005550006"
	benchAccount = "ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
)

func benchTo(i int) overture.Address { return overture.Address(fmt.Sprintf("+1212%07d", 2000000+i)) }

func restored(b *testing.B, n int) {
	b.Helper()
	carrier := labtest.Start(b, lab.Options{})
	web := egress.New(egress.Options{AllowLoopback: true, Timeout: 15 * time.Second, MaxBody: twilio.LongestAnswer, Connections: 64})
	b.Cleanup(web.Close)
	adapter := twilio.New(web)
	from := overture.Sender{ID: 3, AccountID: 1, BrandID: 2, Provider: twilio.Provider, Channel: overture.SMS, Address: benchFrom, BaseURL: carrier.URL, AccountSID: benchAccount, AuthToken: "token"}
	if err := carrier.Client.AddAccount(b.Context(), benchAccount, "token"); err != nil {
		b.Fatal(err)
	}
	if err := carrier.Client.SetNumber(b.Context(), lab.Number{Number: benchFrom, AccountSID: benchAccount}); err != nil {
		b.Fatal(err)
	}
	s := storetest.Open(b)
	queue(b, s, n)
	var sending sync.WaitGroup
	for w := range 64 {
		sending.Go(func() {
			for i := 2 * w; i < n; i += 128 {
				_, err := adapter.Send(context.Background(), from, overture.Outgoing{MessageID: overture.MessageID(1000 + i), Token: "t", To: benchTo(i), Body: "Hello"})
				if err != nil {
					b.Error(err)
				}
			}
		})
	}
	sending.Wait()
	if err := carrier.Client.SetProfile(b.Context(), "", lab.Profile{LatencyMS: 20}); err != nil {
		b.Fatal(err)
	}
	if err := s.BeginQuarantine(b.Context(), overture.QuarantineOrder{Since: time.Now().Add(-time.Hour), Reason: "a bench"}, time.Now()); err != nil {
		b.Fatal(err)
	}
	e, err := dispatch.New(dispatch.Deps{
		Store: benchBook{s, from}, Providers: map[string]dispatch.Provider{twilio.Provider: adapter}, Smart: func(s string) string { return s },
		Owner: "bench", Log: slog.New(slog.DiscardHandler), Callback: func(overture.Sender, overture.MessageID, string) string { return "" },
	}, dispatch.Config{
		SendDeadline: 200 * time.Millisecond, ClientTimeout: 500 * time.Millisecond, ProviderDelay: 500 * time.Millisecond,
		Grace: 1200 * time.Millisecond, MustReachGrace: 6 * time.Second, LookupSpacing: 600 * time.Millisecond,
	})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	defer func() { cancel(); <-done }()
	began := time.Now()
	go func() { defer close(done); _ = e.Run(ctx) }()
	if _, err := s.Doubt(b.Context(), 1200*time.Millisecond); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(time.Since(began).Seconds(), "s/marking")
	peak := uint64(0)
	for {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		peak = max(peak, m.HeapInuse)
		q, err := s.Quarantine(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		if q.Clear() {
			break
		}
		time.Sleep(time.Second)
	}
	b.ReportMetric(time.Since(began).Seconds(), "s/settled")
	b.ReportMetric(float64(peak)/(1<<20), "MiB/heap_with_lab")
	var accepted, queued int
	if err := s.DB().Read.QueryRow(`SELECT (SELECT COUNT(*) FROM message WHERE state = 50), (SELECT COUNT(*) FROM message WHERE state = 0)`).Scan(&accepted, &queued); err != nil {
		b.Fatal(err)
	}
	if accepted != (n+1)/2 || queued != n/2 {
		b.Errorf("%d accepted, %d queued; want half each of %d", accepted, queued, n)
	}
}

// benchBook knows its one sender's credentials.
type benchBook struct {
	*store.Store
	from overture.Sender
}

func (b benchBook) SenderForDispatch(context.Context, overture.SenderID) (overture.Sender, error) {
	return b.from, nil
}

func (b benchBook) StopSender(context.Context, overture.SenderID, string) error { return nil }

// queue plans n messages of one campaign.
func queue(b *testing.B, s *store.Store, n int) {
	b.Helper()
	now := time.Now().UnixMilli()
	err := s.DB().Transact(b.Context(), func(tx *sql.Tx) error {
		exec := func(query string, args ...any) {
			if _, err := tx.Exec(query, args...); err != nil { //nolint:noctx // a test
				b.Fatalf("%s: %v", query, err)
			}
		}
		exec(`INSERT INTO account (id, name, enabled, settings, created_at) VALUES (1, 'a', TRUE, '{}', $1)`, now)
		exec(`INSERT INTO brand (id, account_id, name, created_at) VALUES (2, 1, 'b', $1)`, now)
		exec(`INSERT INTO sender (id, account_id, brand_id, name, channel, provider, address, base_url, account_sid, sealed_credentials,
			messaging_service_sid, webhook_key, rate, stopped, stop_reason, created_at) VALUES (3, 1, 2, 's', 'sms', 'twilio', $1, '', '', '', '', 'k', 0, FALSE, '', $2)`, benchFrom, now)
		exec(`INSERT INTO campaign (id, account_id, brand_id, name, channel, sender_id, skill_id, text, opt_out_text, smart_encoding, state, send_window, rate, lookback,
			policy, open_conversation, reason, recipient_count, list_hash, content_hash, created_by, created_at, updated_at, planned_through, planning)
			VALUES (4, 1, 2, 'c', 'sms', 3, 0, 'Hello', '', FALSE, 'running', '', 0, 0, 'safe', 'skip', '', $1, '', '', 0, $2, $2, 0, FALSE)`, n, now)
		exec(`INSERT INTO lane (id, account_id, sender_id, campaign_id, kind, state, rate, weight) VALUES (5, 1, 3, 4, 'campaign', 'open', 0, 1)`)
		for i := range n {
			id, to := int64(1000+i), string(benchTo(i))
			exec(`INSERT INTO recipient (id, account_id, campaign_id, import_id, row_number, address, zones, zone_source, text, vars, segments)
				VALUES ($1, 1, 4, 0, $2, $3, 'UTC', 'number', '', '', 1)`, id, i+1, to)
			exec(`INSERT INTO recipient_address (address, campaign_id, recipient_id) VALUES ($1, 4, $2)`, to, id)
			exec(`INSERT INTO message (id, account_id, campaign_id, recipient_id, entry_id, sender_id, lane_id, leg, address, body, state, attempts, segments,
				provider_id, code, reason, updated_at) VALUES ($1, 1, 4, $1, 0, 3, 5, 0, $2, '', 0, 0, 1, '', 0, '', $3)`, id, to, now)
			exec(`INSERT INTO dispatch (lane_id, due_at, message_id, not_after) VALUES (5, $1, $2, $3)`, now, id, now+36_000_000)
		}
		exec(`INSERT INTO campaign_count (campaign_id, state, n) VALUES (4, 0, $1)`, n)
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
}
