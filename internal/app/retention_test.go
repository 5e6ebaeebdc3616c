package app_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/app"
	"github.com/overture-im/overture/internal/store"
	"github.com/overture-im/overture/internal/store/storetest"
)

const oldCampaign = overture.CampaignID(100)

// fillOldCampaign writes a campaign of n people that ended 200 days ago: everybody was accepted and delivered.
func fillOldCampaign(tb testing.TB, s *store.Store, made app.MadeAccount, n int) {
	tb.Helper()
	exec := func(query string, args ...any) {
		tb.Helper()
		if _, err := s.DB().Write.ExecContext(tb.Context(), query, args...); err != nil {
			tb.Fatalf("%s: %v", query, err)
		}
	}
	var hash overture.ListHash
	for i := range n {
		hash = hash.Plus(overture.RowHash(&overture.Recipient{Address: overture.Address(fmt.Sprint("+1", 2120000000+i)), Zones: []string{"UTC"}}))
	}
	at := time.Now().Add(-200 * 24 * time.Hour).UnixMilli()
	exec(`INSERT INTO sender (id, account_id, brand_id, name, channel, provider, address, base_url, account_sid, sealed_credentials, messaging_service_sid, webhook_key, rate, stopped, stop_reason, created_at)
		VALUES (20, $1, $2, 's', 'sms', 'twilio', '+15005550006', '', '', '', '', 'k', 1, FALSE, '', 0)`, made.Account, made.Brand)
	exec(`INSERT INTO lane (id, account_id, sender_id, campaign_id, kind, state, rate, weight) VALUES (21, $1, 20, $2, 'campaign', 'done', 1, 1)`, made.Account, oldCampaign)
	exec(`INSERT INTO list_import (id, account_id, campaign_id, state, source, file_name, encoding, delimiter, header, row_count, valid, rejected, duplicates, opted_out, worst_row, worst_segments, segments, list_hash, error, created_at)
		VALUES (50, $1, $2, 'done', 'csv', '', '', '', '', $3, $3, 0, 0, 0, 0, 0, 0, '', '', 0)`, made.Account, oldCampaign, n)
	exec(`INSERT INTO campaign (id, account_id, brand_id, name, channel, sender_id, skill_id, text, opt_out_text, smart_encoding, state, send_window, rate, lookback, policy, open_conversation, reason,
		recipient_count, list_hash, content_hash, created_by, created_at, updated_at, launched_at, completed_at, planned_through, planning)
		VALUES ($1, $2, $3, 'Long ago', 'sms', 20, 0, 'Hi', 'STOP', FALSE, 'completed', '{}', 1, 3600000, 'safe', 'skip', '', $4, $5, '', 5, 0, 0, 1, $6, 0, FALSE)`,
		oldCampaign, made.Account, made.Brand, n, hash.String(), at)
	const batch = 20_000
	for from := 0; from < n; from += batch {
		to := min(from+batch, n) - 1
		for _, into := range []string{
			`INSERT INTO recipient (id, account_id, campaign_id, import_id, row_number, address, zones, zone_source, text, vars, segments) %s
				SELECT 1000 + i, CAST($3 AS BIGINT), 100, 50, i + 1, '+1' || CAST(2120000000 + i AS TEXT), 'UTC', '', '', '', 1 FROM n WHERE CAST($4 AS BIGINT) > 0`,
			`INSERT INTO recipient_address (address, campaign_id, recipient_id) %s
				SELECT '+1' || CAST(2120000000 + i AS TEXT), 100, 1000 + i FROM n WHERE CAST($3 AS BIGINT) + CAST($4 AS BIGINT) > 0`,
			`INSERT INTO message (id, account_id, campaign_id, recipient_id, entry_id, sender_id, lane_id, leg, address, body, state, attempts, segments, provider_id, code, reason, accepted_at, updated_at) %s
				SELECT 1000 + i, CAST($3 AS BIGINT), 100, 1000 + i, 0, 20, 21, 0, '+1' || CAST(2120000000 + i AS TEXT), '', 70, 1, 1, 'SM' || CAST(i AS TEXT), 0, '', CAST($4 AS BIGINT) + i, CAST($4 AS BIGINT) + i FROM n`,
			`INSERT INTO attempt (message_id, n, token, epoch, started_at, ended_at, outcome, http_status, code, provider_id) %s
				SELECT 1000 + i, 1, 'token', 1, CAST($4 AS BIGINT) + i, CAST($4 AS BIGINT) + i, 'accepted', 201, 0, 'SM' || CAST(i AS TEXT) FROM n WHERE CAST($3 AS BIGINT) > 0`,
			`INSERT INTO receipt (message_id, state, code, provider_id, received_at) %s
				SELECT 1000 + i, 70, 0, 'SM' || CAST(i AS TEXT), CAST($4 AS BIGINT) + i FROM n WHERE CAST($3 AS BIGINT) > 0`,
		} {
			numbers := `WITH RECURSIVE n (i) AS (SELECT CAST($1 AS BIGINT) UNION ALL SELECT i + 1 FROM n WHERE i < CAST($2 AS BIGINT))`
			exec(fmt.Sprintf(into, numbers), from, to, made.Account, at)
		}
	}
	exec(`INSERT INTO campaign_count (campaign_id, state, n) VALUES (100, 70, $1)`, n)
	storetest.Backfill(tb, s)
}

func keepForNinetyDays(tb testing.TB, s *store.Store, account overture.AccountID) {
	tb.Helper()
	if err := s.SetRetention(tb.Context(), overture.Actor{AccountID: account}, map[overture.RetentionClass]int{overture.RetainMessages: 90}, -1, time.Now()); err != nil {
		tb.Fatal(err)
	}
}

func peopleLeft(tb testing.TB, s *store.Store) (n int) {
	tb.Helper()
	if err := s.DB().Read.QueryRowContext(tb.Context(), `SELECT COUNT(*) FROM recipient`).Scan(&n); err != nil {
		tb.Fatal(err)
	}
	return n
}

// A server that starts with old data deletes it, also when it is stopped in the middle, and its promises hold at every moment.
func TestAServerDeletesWhatIsOld(t *testing.T) {
	const people = 2000
	o := options(t)
	made, err := app.CreateAccount(t.Context(), o, app.NewAccount{Name: "Alpha", Email: "a@alpha.example", Password: "a long enough password"})
	if err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(t.Context(), store.Options{DataDir: o.DataDir, DatabaseURL: o.DatabaseURL, Sealer: storetest.Plain{}})
	if err != nil {
		t.Fatal(err)
	}
	fillOldCampaign(t, s, made, people)
	keepForNinetyDays(t, s, made.Account)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for starts := 1; ; starts++ {
		a := begin(t, o)
		left := peopleLeft(t, a.Book())
		if starts == 1 { // stop it in the middle
			for left == people {
				left = peopleLeft(t, a.Book())
			}
		} else {
			for left > 0 {
				left = peopleLeft(t, a.Book())
			}
			for n := 0; n == 0; {
				if err := a.Book().DB().Read.QueryRowContext(t.Context(), `SELECT COUNT(*) FROM deletion WHERE finished_at IS NOT NULL`).Scan(&n); err != nil {
					t.Fatal(err)
				}
			}
		}
		found, err := a.Book().BrokenInvariants(t.Context())
		if err != nil || len(found) > 0 {
			t.Errorf("with %d of %d people left: %+v, %v", left, people, found, err)
		}
		_, metrics, err := get(t, a.URL()+"/metrics")
		if err != nil || !strings.Contains(metrics, `overture_retention_deleted_total{class="messages"}`) {
			t.Errorf("no metric of what was deleted (%v)", err)
		}
		if err := a.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
		if starts == 2 {
			return
		}
	}
}

// BenchmarkRetention deletes the people of an old campaign ($RETENTION_PEOPLE, else 20,000) on SQLite while API calls are timed, half of which
// write, and compares them with the same calls before. $RETENTION_DIR keeps the database and goes on with what is left there; $RETENTION_FOR ends
// it after a time.
func BenchmarkRetention(b *testing.B) {
	people, limit, dir := 20_000, time.Hour, os.Getenv("RETENTION_DIR")
	if text := os.Getenv("RETENTION_PEOPLE"); text != "" {
		people, _ = strconv.Atoi(text)
	}
	if text := os.Getenv("RETENTION_FOR"); text != "" {
		limit, _ = time.ParseDuration(text)
	}
	for b.Loop() {
		if dir == "" {
			dir = b.TempDir()
		}
		measureRetention(b, dir, people, limit)
	}
}

func measureRetention(b *testing.B, dir string, people int, limit time.Duration) {
	b.Helper()
	o := app.Options{DataDir: dir, Listen: "127.0.0.1:0", Log: slog.New(slog.DiscardHandler)}
	keyFile := filepath.Join(dir, "key")
	key, err := os.ReadFile(keyFile)
	if err != nil {
		made, err := app.CreateAccount(b.Context(), o, app.NewAccount{Name: "Alpha", Email: "a@alpha.example", Password: "a long enough password", WithAPIKey: true})
		if err != nil {
			b.Fatal(err)
		}
		s, err := store.Open(b.Context(), store.Options{DataDir: dir, Sealer: storetest.Plain{}})
		if err != nil {
			b.Fatal(err)
		}
		fillOldCampaign(b, s, made, people)
		key = []byte(made.APIKey.Reveal())
		if err := os.WriteFile(keyFile, key, 0o600); err != nil {
			b.Fatal(err)
		}
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
	}
	a, err := app.New(o)
	if err != nil {
		b.Fatal(err)
	}
	if err := a.Start(b.Context()); err != nil {
		b.Fatal(err)
	}
	defer func() { _ = a.Stop(context.WithoutCancel(b.Context())) }()
	s := a.Book()
	if _, err := s.DB().Write.ExecContext(b.Context(), `UPDATE retention SET messages_days = 0`); err != nil {
		b.Fatal(err)
	}
	const calm = 20 * time.Second
	before := timeCalls(b, a.URL(), string(key), func(at time.Time) bool { return time.Since(at) < calm })
	var account overture.AccountID
	if err := s.DB().Read.QueryRowContext(b.Context(), `SELECT id FROM account`).Scan(&account); err != nil {
		b.Fatal(err)
	}
	keepForNinetyDays(b, s, account)
	start := peopleLeft(b, s)
	for peopleLeft(b, s) == start { // the sweeper looks once a minute
		time.Sleep(100 * time.Millisecond)
	}
	start = peopleLeft(b, s)
	left, began := start, time.Now()
	during := timeCalls(b, a.URL(), string(key), func(at time.Time) bool {
		if err := s.DB().Read.QueryRowContext(b.Context(), `SELECT COALESCE((SELECT $1 - people FROM deletion WHERE campaign_id = 100), $1)`, people).Scan(&left); err != nil {
			b.Fatal(err)
		}
		return left > 0 && time.Since(at) < limit
	})
	took := time.Since(began)
	for kind, at := range map[string]float64{"p50": .5, "p99": .99, "max": 1} {
		for _, c := range []string{"read", "write"} {
			b.ReportMetric(quantile(before[c], at), "ms/"+c+"_"+kind+"_before")
			b.ReportMetric(quantile(during[c], at), "ms/"+c+"_"+kind+"_during")
		}
	}
	b.ReportMetric(float64(start-left)/took.Seconds(), "people/s")
	b.ReportMetric(float64(left), "people_left")
	b.ReportMetric(float64(len(during["write"])), "writes_timed")
}

// timeCalls makes a read and a write of the API 20 times a second each while going says so, and gives how long they took in milliseconds.
func timeCalls(b *testing.B, url, key string, going func(since time.Time) bool) map[string][]float64 {
	b.Helper()
	var mu sync.Mutex
	var calls sync.WaitGroup
	took := map[string][]float64{}
	call := func(kind, method, path, body string) {
		req, err := http.NewRequestWithContext(b.Context(), method, url+path, strings.NewReader(body))
		if err != nil {
			b.Error(err)
			return
		}
		req.Header.Set("Authorization", "Bearer "+key)
		req.Header.Set("Content-Type", "application/json")
		began := time.Now()
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			b.Error(err)
			return
		}
		raw, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			b.Errorf("%s %s: %d %s", method, path, resp.StatusCode, raw)
			return
		}
		mu.Lock()
		defer mu.Unlock()
		took[kind] = append(took[kind], float64(time.Since(began).Microseconds())/1000)
	}
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	began := time.Now()
	for n := 0; going(began); n++ {
		<-tick.C
		calls.Go(func() { call("read", "GET", "/v1/campaigns", "") })
		calls.Go(func() { call("write", "PATCH", "/v1/account", fmt.Sprintf(`{"help_text":"help %d"}`, n)) })
	}
	calls.Wait()
	return took
}

func quantile(values []float64, at float64) float64 {
	if len(values) == 0 {
		return 0
	}
	slices.Sort(values)
	return values[min(int(at*float64(len(values))), len(values)-1)]
}
