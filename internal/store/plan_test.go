package store_test

import (
	"context"
	"runtime"
	"testing"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/store"
	"github.com/overture-im/overture/internal/store/sqldb"
	"github.com/overture-im/overture/internal/store/storetest"
)

// planned is a store with a launched campaign 7 of account 1 and recipients 11, 12, 13.
func planned(t *testing.T) (*store.Store, overture.Planning, []overture.PlannedMessage) {
	t.Helper()
	s := storetest.Open(t)
	for _, q := range []string{
		`INSERT INTO campaign (id, account_id, brand_id, name, channel, sender_id, skill_id, text, opt_out_text, smart_encoding, state, launch_at, expires_at,
			send_window, rate, lookback, policy, open_conversation, reason, recipient_count, list_hash, content_hash, created_by, created_at,
			updated_at, launched_at, planned_through, planning)
			VALUES (7, 1, 2, 'c', 'sms', 3, 9, 'Hi', '', FALSE, 'running', 5000, 9000, '{"Days":[{"From":0,"To":60},{},{},{},{},{},{}],"Holidays":["2026-12-25"]}',
			1, 0, 'safe', 'skip', '', 3, '', '', 1, 0, 0, 5000, 0, TRUE)`,
		`INSERT INTO lane (id, account_id, sender_id, campaign_id, kind, state, rate, weight) VALUES (70, 1, 3, 7, 'campaign', 'open', 1, 1)`,
		`INSERT INTO recipient (id, account_id, campaign_id, import_id, row_number, address, zones, zone_source, text, vars, segments) VALUES
			(11, 1, 7, 0, 1, '+12125550101', 'America/New_York', 'number', '', '', 1), (12, 1, 7, 0, 2, '+12125550102', 'America/New_York,America/Chicago', 'number', '', '', 2),
			(13, 1, 7, 0, 3, '+12125550103', '', 'unknown', '', '', 3)`,
	} {
		if _, err := s.DB().Write.ExecContext(t.Context(), q); err != nil {
			t.Fatal(err)
		}
	}
	plannings, err := s.Plannings(t.Context())
	if err != nil || len(plannings) != 1 {
		t.Fatalf("%d campaigns to plan, %v", len(plannings), err)
	}
	due := time.UnixMilli(6000)
	var messages []overture.PlannedMessage
	for id := overture.RecipientID(11); id <= 13; id++ {
		messages = append(messages, overture.PlannedMessage{RecipientID: id, Address: "+12125550101", Segments: 1, Due: due, NotAfter: due.Add(time.Second)})
	}
	return s, plannings[0], messages
}

func rows(t *testing.T, s *store.Store, table string) int {
	t.Helper()
	var n int
	if err := s.DB().Read.QueryRowContext(context.WithoutCancel(t.Context()), `SELECT COUNT(*) FROM `+table).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestPlanningReadsWhatWasFrozen(t *testing.T) {
	s, p, _ := planned(t)
	if p.CampaignID != 7 || p.AccountID != 1 || p.SenderID != 3 || p.Through != 0 || p.LaunchAt.UnixMilli() != 5000 || p.ExpiresAt.UnixMilli() != 9000 ||
		p.Window.Days[time.Sunday] != (overture.Hours{From: 0, To: 60}) || p.Window.Days[time.Monday] != (overture.Hours{}) || len(p.Window.Holidays) != 1 {
		t.Errorf("planning is %+v", p)
	}
	got, err := s.RecipientsToPlan(t.Context(), p, 2)
	if err != nil || len(got) != 2 || got[0].ID != 11 || got[1].Segments != 2 || len(got[1].Zones) != 2 || got[1].Zones[1] != "America/Chicago" {
		t.Errorf("recipients %+v, %v", got, err)
	}
	p.Through = 12
	if got, err = s.RecipientsToPlan(t.Context(), p, 2); err != nil || len(got) != 1 || got[0].ID != 13 || got[0].Zones != nil {
		t.Errorf("the rest %+v, %v", got, err)
	}
	p.AccountID = 2
	if got, err = s.RecipientsToPlan(t.Context(), p, 2); err != nil || len(got) != 0 {
		t.Errorf("another account sees %+v, %v", got, err)
	}
}

func TestOnlyTheFirstOfTwoNodesWrites(t *testing.T) {
	s, p, messages := planned(t)
	for i, want := range []bool{true, false} {
		ok, err := s.WritePlan(t.Context(), p, messages[:2], false, time.UnixMilli(5500))
		if err != nil || ok != want {
			t.Errorf("try %d: %t, %v; want %t", i, ok, err, want)
		}
	}
	other := p
	other.Through, other.AccountID = 12, 2
	if ok, err := s.WritePlan(t.Context(), other, messages[2:], true, time.UnixMilli(5500)); err != nil || ok {
		t.Errorf("another account writes: %t, %v", ok, err)
	}
	if m, d := rows(t, s, "message"), rows(t, s, "dispatch"); m != 2 || d != 2 {
		t.Errorf("%d messages, %d in the queue; want 2 and 2", m, d)
	}
}

func TestAFailedPlanLeavesNothing(t *testing.T) {
	s, p, messages := planned(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if ok, err := s.WritePlan(ctx, p, messages, true, time.UnixMilli(5500)); err == nil || ok {
		t.Errorf("a canceled call: %t, %v", ok, err)
	}
	if _, err := s.DB().Write.ExecContext(t.Context(), `UPDATE lane SET campaign_id = 8`); err != nil {
		t.Fatal(err)
	}
	if ok, err := s.WritePlan(t.Context(), p, messages, true, time.UnixMilli(5500)); err == nil || ok {
		t.Errorf("without a lane: %t, %v", ok, err)
	}
	if m, d, c := rows(t, s, "message"), rows(t, s, "dispatch"), rows(t, s, "campaign_count"); m != 0 || d != 0 || c != 0 {
		t.Errorf("%d messages, %d in the queue, %d counters; want none", m, d, c)
	}
	if left, err := s.Plannings(t.Context()); err != nil || len(left) != 1 || left[0].Through != 0 {
		t.Errorf("still to plan: %+v, %v", left, err)
	}
}

// After a hundred thousand new rows PostgreSQL is told to look at the tables again, without waiting for autovacuum.
func TestABigPlanBringsStatisticsUpToDate(t *testing.T) {
	s, p, messages := planned(t)
	if !storetest.OnPostgres() {
		t.Skip("plans of SQLite do not depend on statistics")
	}
	known := func(table string) bool {
		var n float64
		if err := s.DB().Read.QueryRowContext(t.Context(), `SELECT reltuples FROM pg_class WHERE oid = to_regclass($1)`, table).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n > 0
	}
	s.DB().Grew(sqldb.AnalyzeAfter-len(messages), "message", "dispatch")
	if known("message") {
		t.Fatal("the statistics are up to date before there is anything")
	}
	if ok, err := s.WritePlan(t.Context(), p, messages, true, time.Now()); err != nil || !ok {
		t.Fatal(ok, err)
	}
	for deadline := time.Now().Add(time.Minute / 2); !known("message") || !known("dispatch"); runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatal("nobody looked at the tables")
		}
	}
}
