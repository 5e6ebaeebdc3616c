package proof_test

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/proof"
	"github.com/overture-im/overture/internal/store"
	"github.com/overture-im/overture/internal/store/storetest"
)

// verified adds a constant list hash to the store: lists are another test's matter.
type verified struct{ *store.Store }

func (verified) RecountListHash(context.Context, overture.AccountID, overture.CampaignID) (string, int, error) {
	return "frozen", 4, nil
}

func ledger(entries ...proof.LedgerEntry) iter.Seq2[proof.LedgerEntry, error] {
	return func(yield func(proof.LedgerEntry, error) bool) {
		for _, e := range entries {
			if !yield(e, nil) {
				return
			}
		}
	}
}

// sound is a small database in which every promise holds: message 1 accepted, 2 queued, 3 failed, 4 suppressed.
var sound = []string{
	`INSERT INTO account (id, name, enabled, settings, created_at) VALUES (1, 'a', TRUE, '{}', 1)`,
	`INSERT INTO brand (id, account_id, name, created_at) VALUES (1, 1, 'b', 1)`,
	`INSERT INTO sender (id, account_id, brand_id, name, channel, provider, address, base_url, account_sid, sealed_credentials, messaging_service_sid, webhook_key, rate, stopped, stop_reason, created_at)
		VALUES (1, 1, 1, 's', 'sms', 'twilio', '+15005550006', '', '', '', '', 'k', 1, FALSE, '', 1)`,
	`INSERT INTO campaign (id, account_id, brand_id, name, channel, sender_id, skill_id, text, opt_out_text, smart_encoding, state, send_window, rate, lookback, policy, open_conversation, reason,
		recipient_count, list_hash, content_hash, created_by, created_at, updated_at, launched_at, planned_through, planning)
		VALUES (1, 1, 1, 'c', 'sms', 1, 0, 'Hi', 'STOP ends', FALSE, 'running', '', 1, 0, 'safe', 'skip', '', 4, 'frozen', '', 1, 1, 1, 1, 4, FALSE)`,
	`INSERT INTO lane (id, account_id, sender_id, campaign_id, kind, state, rate, weight) VALUES (1, 1, 1, 1, 'campaign', 'open', 1, 1)`,
	`INSERT INTO recipient (id, account_id, campaign_id, import_id, row_number, address, zones, zone_source, text, vars, segments) VALUES
		(1, 1, 1, 1, 1, '+12125550101', '', '', '', '', 1), (2, 1, 1, 1, 2, '+12125550102', '', '', '', '', 1),
		(3, 1, 1, 1, 3, '+12125550103', '', '', '', '', 1), (4, 1, 1, 1, 4, '+12125550104', '', '', '', '', 1)`,
	`INSERT INTO recipient_address (address, campaign_id, recipient_id) VALUES ('+12125550101', 1, 1), ('+12125550102', 1, 2), ('+12125550103', 1, 3), ('+12125550104', 1, 4)`,
	`INSERT INTO message (id, account_id, campaign_id, recipient_id, entry_id, sender_id, lane_id, leg, address, body, state, attempts, segments, provider_id, code, reason, updated_at) VALUES
		(1, 1, 1, 1, 0, 1, 1, 0, '+12125550101', '', 50, 1, 1, 'SM1', 0, '', 1), (2, 1, 1, 2, 0, 1, 1, 0, '+12125550102', '', 0, 0, 1, '', 0, '', 1),
		(3, 1, 1, 3, 0, 1, 1, 0, '+12125550103', '', 30, 1, 1, '', 21211, 'address_refused', 1), (4, 1, 1, 4, 0, 1, 1, 0, '+12125550104', '', 22, 0, 1, '', 0, 'opted_out', 1)`,
	`INSERT INTO dispatch (lane_id, due_at, message_id, not_after) VALUES (1, 1, 2, 9)`,
	`INSERT INTO attempt (message_id, n, token, epoch, started_at, ended_at, outcome, http_status, code, provider_id) VALUES (1, 1, 't', 1, 1, 1, 'accepted', 201, 0, 'SM1'), (3, 1, 'u', 1, 1, 1, 'refused', 400, 21211, '')`,
	`INSERT INTO campaign_count (campaign_id, state, n) VALUES (1, 50, 1), (1, 0, 1), (1, 30, 1), (1, 22, 1)`,
	`INSERT INTO sent_count (campaign_id, quarter, failed, held, accepted, sent, undelivered, delivered, read, replied, answered, stopped) VALUES (1, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0)`,
}

var got = proof.LedgerEntry{MessageID: 1, ProviderID: "SM1", Body: "Hi STOP ends"}

func check(t *testing.T, broken string, entries ...proof.LedgerEntry) proof.Report {
	t.Helper()
	return checkRows(t, append(append([]string{}, sound...), broken), entries...)
}

func checkRows(t *testing.T, rows []string, entries ...proof.LedgerEntry) proof.Report {
	t.Helper()
	s := storetest.Open(t)
	for _, q := range rows {
		if q == "" {
			continue
		}
		if _, err := s.DB().Write.ExecContext(t.Context(), q); err != nil {
			t.Fatalf("%s: %v", q, err)
		}
	}
	r, err := proof.Verify(t.Context(), verified{s}, ledger(entries...))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestSoundDatabaseIsClean(t *testing.T) {
	r := check(t, "", got)
	if !r.Clean() || r.Messages != 4 || r.Accepted != 1 || r.Unsettled != 1 || r.Ledger != 1 {
		t.Errorf("%+v", r)
	}
}

func TestEveryBrokenPromiseIsSeen(t *testing.T) {
	for _, c := range []struct {
		name, broken string
		rule         string
		entries      []proof.LedgerEntry
	}{
		{name: "recipient without message", broken: `DELETE FROM message WHERE id = 3`, rule: "I2"},
		{name: "queued but not in the queue", broken: `DELETE FROM dispatch`, rule: "I2"},
		{name: "in the queue after its end", broken: `INSERT INTO dispatch (lane_id, due_at, message_id, not_after) VALUES (1, 1, 1, 9)`, rule: "I2"},
		{name: "twice in the queue", broken: `INSERT INTO dispatch (lane_id, due_at, message_id, not_after) VALUES (1, 2, 2, 9)`, rule: "I2"},
		{name: "marker of a finished message", broken: `INSERT INTO inflight (message_id, lane_id, sender_id, due_at, not_after, epoch, attempt, token, started_at, state, lookups, next_lookup_at) VALUES (1, 1, 1, 1, 9, 1, 1, 't', 1, 'unknown', 0, 1)`, rule: "I3"},
		{name: "accepted without provider id", broken: `UPDATE message SET provider_id = '' WHERE id = 1`, rule: "I3"},
		{name: "accepted twice", broken: `INSERT INTO attempt (message_id, n, token, epoch, started_at, ended_at, outcome, http_status, code, provider_id) VALUES (1, 2, 'v', 1, 1, 1, 'found', 0, 0, 'SM9')`, rule: "I1"},
		{name: "one provider id for two", broken: `UPDATE message SET provider_id = 'SM1' WHERE id = 3`, rule: "I1"},
		{name: "suppressed and accepted", broken: `INSERT INTO attempt (message_id, n, token, epoch, started_at, ended_at, outcome, http_status, code, provider_id) VALUES (4, 1, 'v', 1, 1, 1, 'accepted', 201, 0, 'SM9')`, rule: "I4"},
		{name: "attempted after the opt-out", broken: `INSERT INTO opt_out (brand_id, channel, address, account_id, source, evidence, review, created_at) VALUES (1, 'sms', '+12125550101', 1, 'keyword', '', FALSE, -5000)`, rule: "I7"},
		{name: "below what the carrier said", broken: `INSERT INTO receipt (message_id, state, code, provider_id, received_at) VALUES (1, 70, 0, 'SM1', 1)`, rule: "I5"},
		{name: "attempted before the launch", broken: `UPDATE campaign SET launch_at = 99999999`, rule: "I8"},
		{name: "attempted after the validity", broken: `UPDATE campaign SET expires_at = -5000`, rule: "I8"},
		{name: "completed with work left", broken: `UPDATE campaign SET state = 'completed'`, rule: "I2"},
		{name: "attempted while paused", broken: `INSERT INTO audit (id, account_id, actor, action, subject, detail, request_id, at)
			VALUES (901, 1, '', 'campaign.paused', '` + overture.CampaignID(1).String() + `', '', '', -5000)`, rule: "I10"},
		{name: "sent in another quarter", broken: `UPDATE sent_count SET quarter = 1`, rule: "I16"},
		{name: "an answer nobody counted", broken: `UPDATE message SET replied_at = 5 WHERE id = 1`, rule: "I16"},
		{name: "a stop nobody counted", broken: `UPDATE message SET stopped_at = 5 WHERE id = 1`, rule: "I16"},
		{
			name: "a stop that does not stand at its message", rule: "I16",
			broken: `INSERT INTO inbound (id, account_id, sender_id, provider, provider_id, from_address, to_address, body, media, opt_out_type, city, country, wish, alone, message_id, received_at, processed_at)
				VALUES (9, 1, 1, 'twilio', 'SMin', '+12125550101', '', 'stop', 0, '', '', '', 'stop', TRUE, 1, 5, 6)`,
		},
		{name: "counter off by one", broken: `UPDATE campaign_count SET n = n + 1 WHERE state = 50`, rule: "I16"},
		{name: "list changed after launch", broken: `UPDATE campaign SET list_hash = 'other'`, rule: "F2"},
		{name: "provider never got it", rule: "I3", entries: []proof.LedgerEntry{}},
		{name: "provider got it twice", rule: "I1", entries: []proof.LedgerEntry{got, got}},
		{name: "provider has what would be sent again", rule: "I3", entries: []proof.LedgerEntry{got, {MessageID: 2}}},
		{name: "provider has what failed", rule: "I4", entries: []proof.LedgerEntry{got, {MessageID: 3}}},
		{name: "provider has what we do not know", rule: "I3", entries: []proof.LedgerEntry{got, {MessageID: 77}}},
		{name: "no opt-out text", rule: "I12", entries: []proof.LedgerEntry{{MessageID: 1, Body: "Hi"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.entries == nil {
				c.entries = []proof.LedgerEntry{got}
			}
			r := check(t, c.broken, c.entries...)
			if r.Clean() {
				t.Fatal("verify called it clean")
			}
			for _, f := range r.Findings {
				if f.Rule == c.rule {
					return
				}
			}
			t.Errorf("no finding of %s: %+v", c.rule, r.Findings)
		})
	}
}

// limited puts the sound database under limits: of three messages of its canary, twenty segments and a dollar, messages 1 and 3 took one of each for a
// cent; message 2 did not leave and gave its own back.
func limited(now time.Time) []string {
	at, day := now.UnixMilli(), now.UnixMilli()/(24*time.Hour).Milliseconds()
	return append(append([]string{}, sound...),
		`UPDATE account SET settings = '{"rails":{"segments_per_day":50,"spend_per_day":1000000,"spend_currency":"USD"}}'`,
		`INSERT INTO price_table (account_id, version, currency, prices, created_by, created_at) VALUES (1, 1, 'USD', '[{"channel":"sms","prefix":"1","micros":10000}]', '', 0)`,
		`UPDATE campaign SET price_version = 1, watch = '{"phase":"canary","canary_size":3}'`,
		`UPDATE lane SET allowance = 1, budget = 18, granted = 20, money = 980000, granted_money = 1000000`,
		fmt.Sprintf(`UPDATE attempt SET started_at = %d`, at),
		fmt.Sprintf(`INSERT INTO attempt (message_id, n, token, epoch, started_at, ended_at, outcome, http_status, code, provider_id) VALUES (2, 1, 'w', 1, %d, 1, 'not_sent', 0, 0, '')`, at),
		fmt.Sprintf(`INSERT INTO account_spend (account_id, day, spent, money) VALUES (1, %d, 2, 20000)`, day))
}

func TestLimitsThatDriftedAreSeen(t *testing.T) {
	now := time.Now()
	changed := fmt.Sprintf(`INSERT INTO audit (id, account_id, actor, action, subject, detail, request_id, at) VALUES (901, 1, '', 'account.changed', 'acc_1', '', '', %d)`, now.UnixMilli())
	marker := fmt.Sprintf(`INSERT INTO inflight (message_id, lane_id, sender_id, due_at, not_after, epoch, attempt, token, started_at, state, lookups, next_lookup_at)
		VALUES (2, 1, 1, 1, 9, 1, 2, 'x', %d, 'unknown', 0, 1)`, now.UnixMilli())
	for _, c := range []struct {
		name, tampered string
		more           string
		seen           bool
	}{
		{name: "as it is"},
		{name: "a canary with one more", tampered: `UPDATE lane SET allowance = allowance + 1`, seen: true},
		{name: "a canary with one less", tampered: `UPDATE lane SET allowance = allowance - 1`, seen: true},
		{name: "a spend limit with more left", tampered: `UPDATE lane SET budget = budget + 1`, seen: true},
		{name: "a spend limit with less left", tampered: `UPDATE lane SET budget = budget - 1`, seen: true},
		{name: "a spend limit that was raised with what is left", tampered: `UPDATE lane SET budget = budget + 5, granted = granted + 5`},
		{name: "money with more left", tampered: `UPDATE lane SET money = money + 1`, seen: true},
		{name: "money with less left", tampered: `UPDATE lane SET money = money - 1`, seen: true},
		{name: "a day with more", tampered: `UPDATE account_spend SET spent = spent + 1`, seen: true},
		{name: "a day with less", tampered: `UPDATE account_spend SET spent = spent - 1`, seen: true},
		{name: "a day with more money", tampered: `UPDATE account_spend SET money = money + 1`, seen: true},
		{name: "a day with less money", tampered: `UPDATE account_spend SET money = money - 1`, seen: true},
		{name: "a day that is gone", tampered: `DELETE FROM account_spend`, seen: true},
		{name: "another day", tampered: `UPDATE account_spend SET day = day - 1`, seen: true},
		{name: "an attempt that is gone", tampered: `DELETE FROM attempt WHERE message_id = 3`, seen: true},
		{name: "an attempt that was not given back", tampered: `UPDATE attempt SET outcome = 'unknown' WHERE message_id = 2`, seen: true},
		{name: "a marker that took nothing", tampered: marker, seen: true},
		{
			name:     "a marker that took its share",
			tampered: marker, more: `UPDATE lane SET allowance = 0, budget = 17, money = 970000; UPDATE account_spend SET spent = 3, money = 30000`,
		},
		{name: "a day that was counted from its middle", tampered: `UPDATE account_spend SET spent = 1, money = 10000`, more: changed},
		{name: "more than that day's attempts", tampered: `UPDATE account_spend SET spent = 3`, more: changed, seen: true},
		{
			name: "a day with a quarantine", tampered: `UPDATE account_spend SET spent = 9`,
			more: fmt.Sprintf(`INSERT INTO quarantine (id, since, until, first_id, reason, began_at, released_at, released_by) VALUES (1, %d, %d, 1, '', 1, %d, 'x')`, now.UnixMilli(), now.UnixMilli(), now.UnixMilli()),
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			rows := append(append(limited(now), c.tampered), strings.Split(c.more, "; ")...)
			r := checkRows(t, rows, got)
			var limits []store.Finding
			for _, f := range r.Findings {
				if f.Rule == "F2" {
					limits = append(limits, f)
				}
			}
			if c.seen != (len(limits) > 0) {
				t.Errorf("found %+v", limits)
			}
		})
	}
}

// purged is sound, completed, and its people were deleted: 1 was accepted, 2 was too, 3 failed, 4 was suppressed.
var purged = []string{
	`DELETE FROM dispatch`, `DELETE FROM message`, `DELETE FROM attempt`, `DELETE FROM recipient`, `DELETE FROM recipient_address`,
	`UPDATE campaign_count SET state = 50, n = 2 WHERE state = 50`, `DELETE FROM campaign_count WHERE state = 0`, `UPDATE sent_count SET accepted = 2`,
	`UPDATE campaign SET state = 'completed', completed_at = 5, people_deleted_at = 86400000`,
	`INSERT INTO deletion (account_id, campaign_id, people, messages, accepted, by_person, replied, stopped, resent, last_message_id, list_hash, began_at, finished_at)
		VALUES (1, 1, 4, 4, 2, 0, 0, 0, 0, 4, '', 86400000, 86400001)`,
	`INSERT INTO deleted_count (campaign_id, state, n) SELECT campaign_id, state, n FROM campaign_count`,
	`INSERT INTO deleted_sent SELECT * FROM sent_count`,
}

func TestADeletedCampaignIsProvenFromItsRecord(t *testing.T) {
	list := overture.RowHash(&overture.Recipient{Address: "+12125550101"}).String()
	for _, c := range []struct {
		name    string
		broken  string
		entries []proof.LedgerEntry
		rule    string // empty: clean
		lost    int
	}{
		{name: "as it was", entries: []proof.LedgerEntry{got, {MessageID: 2}}},
		{name: "the provider got fewer", entries: []proof.LedgerEntry{got}, rule: "I3", lost: 1},
		{name: "a person settled one", broken: `UPDATE deletion SET accepted = 1, by_person = 1`, entries: []proof.LedgerEntry{got}},
		{name: "the provider got more", entries: []proof.LedgerEntry{got, {MessageID: 2}, {MessageID: 3}}, rule: "I3"},
		{name: "the provider got a younger one", entries: []proof.LedgerEntry{got, {MessageID: 2}, {MessageID: 77}}, rule: "I3"},
		{name: "another list was deleted", broken: `UPDATE deletion SET list_hash = '` + overture.ListHash{1}.String() + `'`, entries: []proof.LedgerEntry{got, {MessageID: 2}}, rule: "F2"},
		{name: "a counter moved since", broken: `UPDATE campaign_count SET n = n + 1 WHERE state = 50`, entries: []proof.LedgerEntry{got, {MessageID: 2}}, rule: "I16"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := storetest.Open(t)
			statements := append(append(append([]string{}, sound...), purged...), `UPDATE campaign SET list_hash = '`+list+`'`, `UPDATE deletion SET list_hash = '`+list+`'`)
			if c.broken != "" {
				statements = append(statements, c.broken)
			}
			for _, q := range statements {
				if _, err := s.DB().Write.ExecContext(t.Context(), q); err != nil {
					t.Fatalf("%s: %v", q, err)
				}
			}
			r, err := proof.Verify(t.Context(), s, ledger(c.entries...))
			if err != nil {
				t.Fatal(err)
			}
			var out strings.Builder
			r.Write(&out)
			if !strings.Contains(out.String(), overture.CampaignID(1).String()+", 4 people: recounted from counters, deleted by retention on 1970-01-02") {
				t.Errorf("it does not say what was deleted:\n%s", out.String())
			}
			if r.Lost != c.lost || r.Clean() != (c.rule == "") || c.rule != "" && !slices.ContainsFunc(r.Findings, func(f store.Finding) bool { return f.Rule == c.rule }) {
				t.Errorf("lost %d, findings %+v; want lost %d and %q", r.Lost, r.Findings, c.lost, c.rule)
			}
		})
	}
}
