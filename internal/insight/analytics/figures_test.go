package analytics_test

import (
	"context"
	"database/sql"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/insight/analytics"
	"github.com/overture-im/overture/internal/store"
	"github.com/overture-im/overture/internal/store/storetest"
)

// world is two accounts with campaigns of several days and skills, messages in every state, and answers.
type world struct {
	t      *testing.T
	s      *store.Store
	tx     *sql.Tx
	random *rand.Rand
	skills []overture.SkillID
	sent   int // campaigns so far
}

func (w *world) exec(query string, args ...any) {
	w.t.Helper()
	if _, err := w.tx.ExecContext(context.Background(), query, args...); err != nil {
		w.t.Fatalf("%s: %v", query, err)
	}
}

var day = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, s: storetest.Open(t), random: rand.New(rand.NewPCG(1, 2))}
	tx, err := w.s.DB().Write.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	w.tx = tx
	for i := range 3 {
		id := overture.SkillID(w.s.NewID())
		w.skills = append(w.skills, id)
		w.exec(`INSERT INTO skill (id, account_id, name) VALUES ($1, $2, $3)`, id, 1, fmt.Sprint("skill ", i))
	}
	for i, account := range []int{1, 1, 2} {
		w.exec(`INSERT INTO sender (id, account_id, brand_id, name, channel, provider, address, base_url, account_sid, sealed_credentials, messaging_service_sid, webhook_key,
			rate, stopped, stop_reason, created_at) VALUES ($1, $2, 5, 's', 'sms', 'twilio', $3, '', '', '', '', $3, 1, FALSE, '', 0)`, 6+i, account, fmt.Sprint("+1500555000", i))
		if i > 0 {
			w.exec(`INSERT INTO account (id, name, enabled, settings, created_at) VALUES ($1, 'a', TRUE, '{"time_zone":"Asia/Kathmandu"}', 0)`, i)
		}
	}
	for i := range 12 {
		account := 1 + i%4/3 // one in four belongs to the other account
		w.campaign(account, w.skills[i%3], day.AddDate(0, 0, i), 40)
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	storetest.Backfill(t, w.s)
	return w
}

func (w *world) campaign(account int, skill overture.SkillID, launched time.Time, n int) {
	id := w.s.NewID()
	w.exec(`INSERT INTO campaign (id, account_id, brand_id, name, channel, sender_id, skill_id, text, opt_out_text, smart_encoding, state, send_window, rate,
			lookback, policy, open_conversation, reason, recipient_count, list_hash, content_hash, created_by, created_at, updated_at, launched_at, planned_through, planning)
		VALUES ($1, $2, 5, 'c', $6, $7, $3, '', '', FALSE, 'running', '{}', 1, 0, 'safe', 'skip', '', $4, '', '', 1, 1, 1, $5, 0, FALSE)`,
		id, account, skill, n, launched.UnixMilli(), []string{"sms", "whatsapp"}[w.sent/2%2], 6+w.sent%2)
	w.sent++
	counts := map[overture.State]int{}
	stored := []overture.State{
		overture.Queued, overture.Canceled, overture.Expired, overture.Suppressed, overture.Failed, overture.Held,
		overture.Accepted, overture.Sent, overture.Undelivered, overture.Delivered, overture.Read,
	}
	for i := range n {
		state := stored[w.random.IntN(len(stored))]
		counts[state]++
		message, address := w.s.NewID(), fmt.Sprintf("+1212555%04d", i)
		replied := any(nil)
		if state.WasAccepted() && w.random.IntN(2) == 0 {
			replied = launched.Add(time.Hour).UnixMilli()
			w.answer(account, message, address, launched)
		}
		ended := launched.Add(time.Duration(w.random.Int64N(int64(60 * time.Hour)))).UnixMilli()
		accepted := any(nil)
		if state.WasAccepted() {
			accepted = ended
			ended += 5_000_000
		}
		w.exec(`INSERT INTO message (id, account_id, campaign_id, recipient_id, entry_id, sender_id, lane_id, leg, address, body, state, attempts, segments,
				provider_id, code, reason, replied_at, updated_at, accepted_at) VALUES ($1, $2, $3, $4, 0, 6, 7, 0, $5, '', $6, 1, 1, '', 0, '', $7, $8, $9)`,
			message, account, id, i+1, address, state, replied, ended, accepted)
	}
	for state, c := range counts {
		w.exec(`INSERT INTO campaign_count (campaign_id, state, n) VALUES ($1, $2, $3)`, id, state, c)
	}
}

// answer stores what the person wrote: words, a stop, or words after which an agent recorded the stop in the conversation.
func (w *world) answer(account int, message int64, address string, launched time.Time) {
	wish := []string{"", "stop", "agent"}[w.random.IntN(3)]
	if wish == "agent" {
		wish = ""
		w.exec(`INSERT INTO conversation (id, account_id, brand_id, sender_id, channel, address, skill_id, agent_id, campaign_id, message_id, source, state, city, country,
			unread, started_at, updated_at, closed_at) VALUES ($1, $2, 5, 6, 'sms', $3, 1, 1, 1, $4, 'proactive', 'closed', '', '', 0, $5, $5, $6)`,
			w.s.NewID(), account, address, message, launched.UnixMilli(), launched.Add(2*time.Hour).UnixMilli())
		w.exec(`INSERT INTO consent_event (id, account_id, brand_id, channel, address, kind, source, evidence, review, at)
			VALUES ($1, $2, 5, 'sms', $3, 'opt_out', 'agent', '', FALSE, $4)`, w.s.NewID(), account, address, launched.Add(time.Hour).UnixMilli())
	}
	w.exec(`INSERT INTO inbound (id, account_id, sender_id, provider, provider_id, from_address, to_address, body, media, opt_out_type, city, country, wish, alone, message_id, received_at)
		VALUES ($1, $2, 6, 'twilio', $3, $4, '', '', 0, '', '', '', $5, TRUE, $6, $7)`, w.s.NewID(), account, fmt.Sprint("SM", message), address, wish, message, launched.UnixMilli())
}

// recount computes a figure from the rows, in another way than the counters.
func (w *world) recount(condition string, f overture.FigureFilter) (n int) {
	w.t.Helper()
	rows, err := w.s.DB().Read.QueryContext(w.t.Context(), `SELECT c.launched_at, c.skill_id, COUNT(*) FROM message m JOIN campaign c ON c.id = m.campaign_id
		WHERE c.account_id = $1 AND `+condition+` GROUP BY c.launched_at, c.skill_id`, f.AccountID)
	if err != nil {
		w.t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var at int64
		var skill overture.SkillID
		var c int
		if err := rows.Scan(&at, &skill, &c); err != nil {
			w.t.Fatal(err)
		}
		launched, wanted := time.UnixMilli(at), len(f.Skills) == 0
		for _, s := range f.Skills {
			wanted = wanted || s == skill
		}
		if wanted && (f.From.IsZero() || !launched.Before(f.From)) && (f.To.IsZero() || launched.Before(f.To)) {
			n += c
		}
	}
	return n
}

// Every figure equals a recount from the rows, for every filter.
func TestFiguresEqualARecount(t *testing.T) {
	w := newWorld(t)
	const stopped = `m.replied_at IS NOT NULL AND (m.id IN (SELECT message_id FROM inbound WHERE wish = 'stop') OR m.id IN
		(SELECT v.message_id FROM conversation v JOIN consent_event e ON e.address = v.address AND e.account_id = v.account_id AND e.at BETWEEN v.started_at AND v.closed_at))`
	for _, tc := range []struct {
		name   string
		filter overture.FigureFilter
	}{
		{"everything", overture.FigureFilter{AccountID: 1}},
		{"other account", overture.FigureFilter{AccountID: 2}},
		{"from", overture.FigureFilter{AccountID: 1, From: day.AddDate(0, 0, 4)}},
		{"range", overture.FigureFilter{AccountID: 1, From: day.AddDate(0, 0, 2), To: day.AddDate(0, 0, 9)}},
		{"one skill", overture.FigureFilter{AccountID: 1, Skills: w.skills[:1]}},
		{"two skills in a range", overture.FigureFilter{AccountID: 1, Skills: w.skills[:2], From: day.AddDate(0, 0, 1)}},
		{"nothing", overture.FigureFilter{AccountID: 1, From: day.AddDate(1, 0, 0)}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := analytics.New(w.s).Figures(t.Context(), tc.filter)
			if err != nil {
				t.Fatal(err)
			}
			accepted, sent := w.recount(`m.state >= 50`, tc.filter), w.recount(`(m.state >= 50 OR m.state IN (30, 40))`, tc.filter)
			for _, f := range []struct {
				name                   string
				figure                 analytics.Figure
				numerator, denominator int
			}{
				{"success", got.Success, accepted, sent},
				{"handset success", got.HandsetSuccess, w.recount(`m.state IN (70, 80)`, tc.filter), sent},
				{"response", got.Response, w.recount(`m.replied_at IS NOT NULL`, tc.filter), accepted},
				{"opt-outs", got.OptOuts, w.recount(stopped, tc.filter), accepted},
			} {
				if f.figure.Numerator != f.numerator || f.figure.Denominator != f.denominator || f.figure.Definition == "" {
					t.Errorf("%s: %d ÷ %d, want %d ÷ %d", f.name, f.figure.Numerator, f.figure.Denominator, f.numerator, f.denominator)
				}
				want := 0.0
				if f.denominator > 0 {
					want = float64(f.numerator) / float64(f.denominator)
				}
				if math.Abs(f.figure.Ratio-want) > 1e-12 || f.figure.Known != (f.denominator > 0) {
					t.Errorf("%s: ratio %v, want %v", f.name, f.figure.Ratio, want)
				}
			}
			if tc.name != "nothing" && (got.OptOuts.Numerator == 0 || got.Sent == 0) {
				t.Error("the test has nothing to count")
			}
		})
	}
}

func TestFiguresRefuse(t *testing.T) {
	w := newWorld(t)
	for name, tc := range map[string]struct {
		filter overture.FigureFilter
		kind   overture.Kind
	}{
		"empty range":              {overture.FigureFilter{AccountID: 1, From: day, To: day}, overture.Invalid},
		"skill of another account": {overture.FigureFilter{AccountID: 2, Skills: w.skills[:1]}, overture.NotFound},
		"unknown campaign":         {overture.FigureFilter{AccountID: 1, Campaigns: []overture.CampaignID{9}}, overture.NotFound},
	} {
		if _, err := analytics.New(w.s).Figures(t.Context(), tc.filter); overture.KindOf(err) != tc.kind {
			t.Errorf("%s: %v, want %s", name, err, tc.kind)
		}
	}
}
