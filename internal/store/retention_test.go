package store_test

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/kit/flake"
	"github.com/overture-im/overture/internal/store/storetest"
)

var (
	admin   = overture.Actor{AccountID: 1, UserID: 5}
	longAgo = noon.Add(-100 * 24 * time.Hour)
)

const listed = 300 // people of the old campaign: several transactions

// archive is a post with one campaign that ended a hundred days ago, with every state that a message can end in, answers, stops, attempts,
// receipts and rejected rows, and periods of 90 days.
func newArchive(t testing.TB) *post {
	t.Helper()
	p := newPost(t)
	p.exec(`INSERT INTO app_user (id, account_id, email, name, role, password_hash, disabled, session_version, created_at) VALUES (5, 1, 'a@alpha.example', 'a', 'administrator', '', FALSE, 1, 0)`)
	p.exec(`INSERT INTO list_import (id, account_id, campaign_id, state, source, file_name, encoding, delimiter, header, row_count, valid, rejected, duplicates, opted_out, worst_row,
		worst_segments, segments, list_hash, error, created_at) VALUES (50, 1, $1, 'done', 'csv', '', '', '', '', $2, $3, 700, 0, 0, 0, 0, 0, '', '', 0)`, campaign, listed+700, listed)
	states := []overture.State{overture.Canceled, overture.Expired, overture.Suppressed, overture.Failed, overture.Accepted, overture.Sent, overture.Undelivered, overture.Delivered, overture.Read}
	var hash overture.ListHash
	for i := range listed {
		id, state := 1000+i, states[i%len(states)]
		r := overture.Recipient{Address: overture.Address(fmt.Sprintf("+1212555%04d", i)), Zones: []string{"UTC"}}
		hash = hash.Plus(overture.RowHash(&r))
		p.exec(`INSERT INTO recipient (id, account_id, campaign_id, import_id, row_number, address, zones, zone_source, text, vars, segments) VALUES ($1, 1, $2, 50, $3, $4, 'UTC', '', '', '', 1)`,
			id, campaign, i+1, string(r.Address))
		p.exec(`INSERT INTO recipient_address (address, campaign_id, recipient_id) VALUES ($1, $2, $3)`, string(r.Address), campaign, id)
		var accepted, replied, stopped any
		provider, reason := "", ""
		at := longAgo.Add(time.Duration(i) * time.Minute).UnixMilli()
		if state.WasAccepted() {
			provider, accepted = fmt.Sprint("SM", id), at
		}
		switch {
		case i == 4: // accepted: a person said so
			provider, reason = "", overture.ReasonSettledByPerson
		case state == overture.Delivered:
			if replied = at + 5000; i%2 == 1 {
				stopped = at + 5000
			}
		}
		p.exec(`INSERT INTO message (id, account_id, campaign_id, recipient_id, entry_id, sender_id, lane_id, leg, address, body, state, attempts, segments, provider_id, code, reason,
			accepted_at, replied_at, stopped_at, updated_at) VALUES ($1, 1, $2, $1, 0, 21, 21, 0, $3, '', $4, 2, 1, $5, 0, $6, $7, $8, $9, $10)`,
			id, campaign, string(r.Address), state, provider, reason, accepted, replied, stopped, at)
		for n := range 2 {
			outcome := "throttled"
			if n == 1 && provider != "" {
				outcome = "accepted"
			}
			p.exec(`INSERT INTO attempt (message_id, n, token, epoch, started_at, ended_at, outcome, http_status, code, provider_id) VALUES ($1, $2, $3, 1, $4, $4, $5, 0, 0, $6)`,
				id, n+1, fmt.Sprint("t", id, n), at, outcome, provider)
		}
		if state >= overture.Sent {
			p.exec(`INSERT INTO receipt (message_id, state, code, provider_id, received_at) VALUES ($1, $2, 0, $3, $4)`, id, state, provider, at)
		}
	}
	for i := range 700 {
		p.exec(`INSERT INTO problem (import_id, row_number, column_name, code, reason, raw) VALUES (50, $1, '', 'invalid_number', '', 'somebody')`, 10_000+i)
	}
	p.exec(`INSERT INTO campaign (id, account_id, brand_id, name, channel, sender_id, skill_id, text, opt_out_text, smart_encoding, state, send_window, rate, lookback, policy, open_conversation, reason,
		recipient_count, list_hash, content_hash, created_by, created_at, updated_at, launched_at, completed_at, planned_through, planning)
		VALUES ($1, 1, 11, 'Spring', 'sms', 21, 0, 'Hi', 'STOP', FALSE, 'completed', '{}', 1, $2, 'safe', 'skip', '', $3, $4, '', 5, 0, 0, 1, $5, 0, FALSE)`,
		campaign, (30 * 24 * time.Hour).Milliseconds(), listed, hash.String(), longAgo.Add(24*time.Hour).UnixMilli()-1)
	p.exec(`UPDATE lane SET state = 'done' WHERE id = 21`)
	p.exec(`INSERT INTO campaign_count (campaign_id, state, n) SELECT campaign_id, state, COUNT(*) FROM message GROUP BY campaign_id, state`)
	p.exec(`INSERT INTO opt_out (brand_id, channel, address, account_id, source, evidence, review, created_at) VALUES (11, 'sms', '+12125550007', 1, 'keyword', 'in_1', FALSE, $1)`, noon.UnixMilli())
	p.exec(`INSERT INTO consent_event (id, account_id, brand_id, channel, address, kind, source, evidence, review, at) VALUES (60, 1, 11, 'sms', '+12125550007', 'opt_out', 'keyword', 'in_1', FALSE, 0)`)
	p.limit()
	storetest.Backfill(t, p.s)
	p.keep(90)
	p.allIsWell()
	return p
}

// limit puts the campaign under limits in messages, segments and money, and counts its days.
func (p *post) limit() {
	p.exec(`INSERT INTO price_table (account_id, version, currency, prices, created_by, created_at) VALUES (1, 1, 'USD', '[{"channel":"sms","prefix":"1","micros":10000}]', '', 0)`)
	p.exec(`UPDATE account SET settings = '{"rails":{"segments_per_day":5000,"spend_per_day":1000000000,"spend_currency":"USD"}}' WHERE id = 1`)
	p.exec(`UPDATE campaign SET price_version = 1, watch = '{"phase":"canary","canary_size":5000}'`)
	const took = `(SELECT COUNT(*) FROM attempt WHERE outcome <> 'throttled')`
	p.exec(`UPDATE lane SET allowance = 5000 - ` + took + `, granted = 9000, budget = 9000 - ` + took + `, granted_money = 900000000, money = 900000000 - 10000 * ` + took + ` WHERE id = 21`)
	p.exec(`INSERT INTO account_spend (account_id, day, spent, money) SELECT 1, started_at / 86400000, COUNT(*), 10000 * COUNT(*) FROM attempt WHERE outcome <> 'throttled' GROUP BY 2`)
}

// keep sets the period of every class, at least its shortest.
func (p *post) keep(days int) {
	p.t.Helper()
	all := map[overture.RetentionClass]int{}
	for _, c := range overture.RetentionClasses() {
		if days > 0 {
			all[c] = max(days, c.MinimumDays())
		}
	}
	must(p.t, p.s.SetRetention(p.t.Context(), admin, all, -1, noon))
}

func (p *post) allIsWell() {
	p.t.Helper()
	found, err := p.s.BrokenInvariants(p.t.Context())
	if err != nil || len(found) > 0 {
		p.t.Fatalf("%+v, %v", found, err)
	}
}

// deletable counts everything that retention may delete.
func (p *post) deletable() int {
	n := 0
	for _, table := range []string{"recipient", "recipient_address", "message", "attempt", "receipt", "problem", "inbound", "entry", "conversation"} {
		n += p.number(`SELECT COUNT(*) FROM ` + table)
	}
	return n
}

// people deletes the campaign's people as the sweeper does, and looks at every step.
func (p *post) people() (people int) {
	p.t.Helper()
	for step := 0; ; step++ {
		before := p.deletable()
		n, more, err := p.s.DeletePeople(p.t.Context(), 1, campaign, noon)
		must(p.t, err)
		if gone := before - p.deletable(); gone > 500 {
			p.t.Fatalf("%d rows in one transaction", gone)
		}
		p.allIsWell()
		if people += n; !more {
			return people
		}
		if step > 100 {
			p.t.Fatal("it does not end")
		}
	}
}

// shown is what people read about a campaign and its account, apart from recipients.
func (p *post) shown() string {
	p.t.Helper()
	standing, err := p.s.Standing(p.t.Context(), 1, campaign)
	must(p.t, err)
	figures, err := p.s.FigureCounts(p.t.Context(), overture.FigureFilter{AccountID: 1})
	must(p.t, err)
	series, err := p.s.SentSeries(p.t.Context(), overture.SentFilter{AccountID: 1, From: longAgo.Truncate(time.Hour), To: noon}, []time.Time{longAgo.Truncate(time.Hour)})
	must(p.t, err)
	records, err := p.s.CampaignRecords(p.t.Context(), 1, 0, 10)
	must(p.t, err)
	stopped, err := p.s.OptedOutCount(p.t.Context(), campaign)
	must(p.t, err)
	return fmt.Sprint(standing.Counts, standing.Replied, standing.OptedOut, standing.Planned, figures, series, records[0].Counts, records[0].Replied, records[0].OptedOut, stopped)
}

func TestPeopleOfAnOldCampaignAreDeleted(t *testing.T) {
	t.Parallel()
	p := newArchive(t)
	before := p.shown()
	if n := p.people(); n != listed {
		t.Errorf("%d people deleted, want %d", n, listed)
	}
	if left := p.deletable(); left != 0 {
		t.Errorf("%d rows are left", left)
	}
	if after := p.shown(); after != before {
		t.Errorf("people read something else:\n%s\n%s", before, after)
	}
	if n := p.number(`SELECT (SELECT COUNT(*) FROM opt_out) + (SELECT COUNT(*) FROM consent_event)`); n != 2 {
		t.Error("what protects a person is gone")
	}
	d, err := p.s.Deletions(t.Context())
	must(t, err)
	c, err := p.s.Campaign(t.Context(), 1, campaign)
	must(t, err)
	if len(d) != 1 || d[0].People != listed || d[0].Messages != listed || d[0].ByPerson != 1 || d[0].ListHash != c.ListHash || d[0].FinishedAt.IsZero() || !c.PeopleDeletedAt.Equal(noon) {
		t.Errorf("%+v of %+v", d, c)
	}
	if n, more, err := p.s.DeletePeople(t.Context(), 1, campaign, noon); n != 0 || more || err != nil {
		t.Errorf("once more: %d, %v, %v", n, more, err)
	}
	r, err := p.s.Retention(t.Context(), 1)
	must(t, err)
	if got := r.Tally[overture.RetainMessages]; got.Deleted != listed || !got.LastAt.Equal(noon) {
		t.Errorf("tally %+v", got)
	}
	if n := p.number(`SELECT COUNT(*) FROM audit WHERE action = 'retention.people_deleted' AND subject = '` + campaign.String() + `'`); n != 1 {
		t.Errorf("%d audit entries", n)
	}
	// What asks for the people is told when they went.
	_, err = p.s.RecipientFacts(t.Context(), 1, campaign, 1000)
	var known *overture.Error
	if !errors.As(err, &known) || known.Kind != overture.NotFound || known.Code != "people_deleted" || !strings.Contains(known.Message, "2026-11-20") {
		t.Errorf("facts of somebody who is gone: %v", err)
	}
	if _, err := p.s.RequeueFailed(t.Context(), admin, campaign, []overture.Requeue{{MessageID: 1003}}, "", noon); !errors.Is(err, overture.Conflict) {
		t.Errorf("retry: %v", err)
	}
	if _, err := p.s.CopyList(t.Context(), 1, campaign, p.draft(0)); !errors.Is(err, overture.Conflict) {
		t.Errorf("copy: %v", err)
	}
}

// draft writes an empty draft that was touched at a time, in Unix ms.
func (p *post) draft(touched int64) overture.CampaignID {
	p.t.Helper()
	id := overture.CampaignID(p.s.NewID())
	p.exec(`INSERT INTO campaign (id, account_id, brand_id, name, channel, sender_id, skill_id, text, opt_out_text, smart_encoding, state, send_window, rate, lookback, policy, open_conversation, reason,
		recipient_count, list_hash, content_hash, created_by, created_at, updated_at, planned_through, planning)
		VALUES ($1, 1, 11, 'd', 'sms', 21, 0, 'Hi', 'STOP', FALSE, 'draft', '{}', 1, 0, 'safe', 'skip', '', 0, '', '', 5, 0, $2, 0, FALSE)`, id, touched)
	return id
}

func TestWhatIsNotOldOrNotOverStays(t *testing.T) {
	t.Parallel()
	day := (24 * time.Hour).Milliseconds()
	for name, change := range map[string]func(p *post){
		"for ever":            func(p *post) { p.keep(0) },
		"a longer period":     func(p *post) { p.keep(100) },
		"it runs":             func(p *post) { p.exec(`UPDATE campaign SET state = 'running', completed_at = NULL`) },
		"it is being settled": func(p *post) { p.exec(`UPDATE campaign SET state = 'canceled', completed_at = NULL`) },
		"inside the lookback": func(p *post) { p.exec(`UPDATE campaign SET lookback = $1`, 100*day) },
		"a held message": func(p *post) {
			p.exec(`INSERT INTO held (message_id, account_id, campaign_id, sender_id, attempt, attempted_at, held_at, lookups, http_status, code) VALUES (1000, 1, $1, 21, 1, 0, 0, 0, 0, 0)`, campaign)
		},
		"something is queued": func(p *post) {
			p.exec(`INSERT INTO dispatch (lane_id, due_at, message_id, not_after) VALUES (21, 0, 1000, 1)`)
		},
		"a hold on it":  func(p *post) { must(p.t, p.s.HoldData(p.t.Context(), admin, campaign, "court", noon)) },
		"a hold on all": func(p *post) { must(p.t, p.s.HoldData(p.t.Context(), admin, 0, "court", noon)) },
		"a quarantine": func(p *post) {
			must(p.t, p.s.BeginQuarantine(p.t.Context(), overture.QuarantineOrder{Since: longAgo, Reason: "a restore"}, noon))
		},
		"another account's period": func(p *post) { p.exec(`UPDATE retention SET account_id = 2`) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newArchive(t)
			change(p)
			before := p.deletable()
			n, more, err := p.s.DeletePeople(t.Context(), 1, campaign, noon)
			if err != nil || n != 0 || more || p.deletable() != before {
				t.Errorf("%d deleted, more %v, %v; %d of %d rows left", n, more, err, p.deletable(), before)
			}
			r, err := p.s.Retention(t.Context(), 1)
			must(t, err)
			due, err := p.s.RetentionDue(t.Context(), noon)
			must(t, err)
			old, err := p.s.OldCampaigns(t.Context(), r, noon)
			must(t, err)
			if len(due) > 0 && due[0] == 1 && len(old) > 0 {
				t.Errorf("the sweeper would try %v", old)
			}
		})
	}
	t.Run("a message that is not over is an error", func(t *testing.T) {
		t.Parallel()
		p := newArchive(t)
		p.exec(`UPDATE message SET state = 40 WHERE id = 1000`) // and not in the list of held messages: the books are broken
		if _, _, err := p.s.DeletePeople(t.Context(), 1, campaign, noon); err == nil {
			t.Error("a held message was deleted")
		}
		if n := p.number(`SELECT COUNT(*) FROM message`); n != listed {
			t.Errorf("%d messages left", n)
		}
	})
}

// A hold in the middle stops it; after its release it goes on where it was.
func TestAHoldInTheMiddle(t *testing.T) {
	t.Parallel()
	p := newArchive(t)
	first, more, err := p.s.DeletePeople(t.Context(), 1, campaign, noon)
	if err != nil || first == 0 || !more {
		t.Fatal(first, more, err)
	}
	must(t, p.s.HoldData(t.Context(), admin, campaign, "court", noon))
	if n, more, err := p.s.DeletePeople(t.Context(), 1, campaign, noon); n != 0 || more || err != nil {
		t.Errorf("deleted %d under a hold: %v, %v", n, more, err)
	}
	p.allIsWell()
	if err := p.s.ReleaseData(t.Context(), admin, overture.CampaignID(p.s.NewID()), noon); !errors.Is(err, overture.NotFound) {
		t.Errorf("release of a campaign that is none: %v", err)
	}
	must(t, p.s.ReleaseData(t.Context(), admin, campaign, noon))
	if err := p.s.ReleaseData(t.Context(), admin, campaign, noon); !errors.Is(err, overture.Conflict) {
		t.Errorf("second release: %v", err)
	}
	if rest := p.people(); first+rest != listed {
		t.Errorf("%d and %d people, want %d", first, rest, listed)
	}
	if n := p.number(`SELECT COUNT(*) FROM audit WHERE action IN ('retention.held', 'retention.released')`); n != 2 {
		t.Errorf("%d audit entries", n)
	}
}

// One person with more rows than a transaction may delete still goes.
func TestAPersonWithManyAttempts(t *testing.T) {
	t.Parallel()
	p := newArchive(t)
	for n := range 600 {
		p.exec(`INSERT INTO attempt (message_id, n, token, epoch, started_at, ended_at, outcome, http_status, code, provider_id) VALUES (1000, $1, '', 1, 0, 0, 'throttled', 0, 0, '')`, n+10)
	}
	n, more, err := p.s.DeletePeople(t.Context(), 1, campaign, noon)
	if n != 1 || !more || err != nil {
		t.Errorf("%d, %v, %v", n, more, err)
	}
}

func TestVerifyMissesNothingThatADeletionHides(t *testing.T) {
	t.Parallel()
	for name, breaking := range map[string]string{
		"a counter of a deleted campaign":       `UPDATE campaign_count SET n = n + 1 WHERE state = 70`,
		"a quarter of an hour":                  `UPDATE sent_count SET delivered = delivered + 1 WHERE quarter = (SELECT MIN(quarter) FROM sent_count)`,
		"what a limit has left":                 `UPDATE lane SET budget = budget - 1 WHERE id = 21`,
		"what a canary has left":                `UPDATE lane SET allowance = allowance + 1 WHERE id = 21`,
		"what a day took":                       `UPDATE account_spend SET spent = spent + 1`,
		"the record":                            `UPDATE deletion SET messages = messages - 1`,
		"the campaign's mark":                   `UPDATE campaign SET people_deleted_at = NULL`,
		"a campaign that is not over":           `UPDATE campaign SET completed_at = NULL`,
		"a queued message that was deleted":     `UPDATE deleted_count SET state = 0 WHERE state = 20`,
		"fewer people than the list":            `UPDATE campaign SET recipient_count = recipient_count - 1`,
		"an attempt without a message":          `INSERT INTO attempt (message_id, n, token, epoch, started_at, ended_at, outcome, http_status, code, provider_id) VALUES (1000, 1, '', 1, 0, 0, 'x', 0, 0, '')`,
		"a receipt without a message":           `INSERT INTO receipt (message_id, state, code, provider_id, received_at) VALUES (1000, 70, 0, '', 1)`,
		"a number that stayed behind":           `INSERT INTO recipient_address (address, campaign_id, recipient_id) VALUES ('+12125550000', 31, 1000)`,
		"a recipient who stayed in a done list": `INSERT INTO recipient (id, account_id, campaign_id, import_id, row_number, address, zones, zone_source, text, vars, segments) VALUES (1000, 1, 31, 50, 1, '+12125550000', '', '', '', '', 1)`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newArchive(t)
			p.people()
			p.exec(breaking)
			if found, err := p.s.BrokenInvariants(t.Context()); err != nil || len(found) == 0 {
				t.Errorf("verify finds nothing (%v)", err)
			}
		})
	}
}

// talk writes a conversation of n entries: what was sent, the person's words and answers by turns.
func (p *post) talk(id, n int, state string, closed any) {
	p.t.Helper()
	p.exec(`INSERT INTO conversation (id, account_id, brand_id, sender_id, channel, address, skill_id, agent_id, campaign_id, message_id, source, state, city, country, unread, started_at, updated_at, closed_at)
		VALUES ($1, 1, 11, 21, 'sms', $2, 0, 0, $3, 1000, 'proactive', $4, '', '', 0, 0, 0, $5)`, id, fmt.Sprint("+1646", id), campaign, state, closed)
	for i := range n {
		entry := id*1000 + i
		author, message, inbound := "brand", 1000, 0
		switch {
		case i%2 == 1:
			author, message, inbound = "consumer", 0, entry
			wish := ""
			if i == 3 {
				wish = "stop"
			}
			p.exec(`INSERT INTO inbound (id, account_id, sender_id, provider, provider_id, from_address, to_address, body, media, opt_out_type, city, country, wish, alone, message_id, received_at, processed_at)
				VALUES ($1, 1, 21, 'twilio', $2, '', '', 'my secret', 0, '', '', '', $3, FALSE, 0, 5, 6)`, inbound, fmt.Sprint("in", inbound), wish)
		case i > 0:
			author, message = "agent", entry
			p.exec(`INSERT INTO message (id, account_id, campaign_id, recipient_id, entry_id, sender_id, lane_id, leg, address, body, state, attempts, segments, provider_id, code, reason, updated_at)
				VALUES ($1, 1, 0, 0, $1, 21, 22, 0, '', 'an answer', 70, 1, 1, $2, 0, '', 5)`, entry, fmt.Sprint("SM", entry))
			p.exec(`INSERT INTO attempt (message_id, n, token, epoch, started_at, ended_at, outcome, http_status, code, provider_id) VALUES ($1, 1, '', 1, 0, 0, 'accepted', 0, 0, $2)`, entry, fmt.Sprint("SM", entry))
		}
		p.exec(`INSERT INTO entry (id, conversation_id, account_id, author, user_id, message_id, inbound_id, text, created_at) VALUES ($1, $2, 1, $3, 0, $4, $5, 'words', 0)`, entry, id, author, message, inbound)
	}
}

func TestOldConversationsAreDeleted(t *testing.T) {
	t.Parallel()
	p := newArchive(t)
	closed := longAgo.UnixMilli()
	for id := 101; id < 160; id++ {
		p.talk(id, 8, "closed", closed)
	}
	p.talk(170, 700, "closed", closed)
	p.talk(171, 4, "waiting", nil)
	p.talk(172, 4, "closed", noon.UnixMilli())
	p.talk(173, 4, "closed", closed)
	p.exec(`UPDATE message SET state = 40 WHERE id = 173002`)
	p.exec(`INSERT INTO held (message_id, account_id, campaign_id, sender_id, attempt, attempted_at, held_at, lookups, http_status, code) VALUES (173002, 1, 0, 21, 1, 0, 0, 0, 0, 0)`)
	p.exec(`INSERT INTO conversation (id, account_id, brand_id, sender_id, channel, address, skill_id, agent_id, campaign_id, message_id, source, state, city, country, unread, started_at, updated_at, closed_at)
		VALUES (174, 2, 12, 23, 'sms', '', 0, 0, 0, 0, 'inbound', 'closed', '', '', 0, 0, 0, $1)`, closed)
	p.allIsWell()
	preview, err := p.s.PreviewRetention(t.Context(), p.retention(), noon)
	must(t, err)
	n, steps, more := 0, 0, true
	for after := overture.ConversationID(0); more; steps++ {
		before := p.deletable()
		var some int
		some, after, more, err = p.s.DeleteConversations(t.Context(), 1, after, noon)
		must(t, err)
		if n += some; before-p.deletable() > 500 {
			t.Fatalf("%d rows in one transaction", before-p.deletable())
		}
		p.allIsWell()
	}
	if n != 60 || preview[1].Items != 60 {
		t.Errorf("%d conversations deleted in %d steps, %d foretold, want 60", n, steps, preview[1].Items)
	}
	if left := p.number(`SELECT COUNT(*) FROM conversation`); left != 4 {
		t.Errorf("%d conversations left, want 4", left)
	}
	if left := p.number(`SELECT COUNT(*) FROM entry`); left != 12 {
		t.Errorf("%d entries left, want 12", left)
	}
	if left := p.number(`SELECT COUNT(*) FROM inbound WHERE wish = 'stop'`); left != 63 {
		t.Errorf("%d stops left, want all 63", left)
	}
	if left := p.number(`SELECT COUNT(*) FROM inbound WHERE wish = ''`); left != 3 {
		t.Errorf("%d other inbound messages left, want 3", left)
	}
	if left := p.number(`SELECT COUNT(*) FROM message WHERE campaign_id = 0`); left != 3 {
		t.Errorf("%d answers left, want 3", left)
	}
	if left := p.number(`SELECT COUNT(*) FROM message WHERE campaign_id > 0`); left != listed {
		t.Errorf("%d campaign messages left", left)
	}
	d, err := p.s.Deletions(t.Context())
	must(t, err)
	if want := 59*3 + 349; len(d) != 1 || d[0].CampaignID != 0 || d[0].Accepted != want {
		t.Errorf("%+v, want %d accepted outside campaigns", d, want)
	}
	// A transcript whose messages are gone does not call them queued.
	p.people()
	entries, err := p.s.Entries(t.Context(), 1, 172, 0, 10)
	must(t, err)
	if len(entries) != 4 || !entries[0].MessageDeleted || entries[1].MessageDeleted || entries[2].MessageDeleted {
		t.Errorf("%+v", entries)
	}
}

func (p *post) retention() overture.Retention {
	p.t.Helper()
	r, err := p.s.Retention(p.t.Context(), 1)
	must(p.t, err)
	return r
}

func TestLoneInboundsAndSingleMessagesAreDeleted(t *testing.T) {
	t.Parallel()
	p := newArchive(t)
	p.talk(101, 4, "waiting", nil)
	inbound := func(id int, wish string, processed any, received time.Time, message int) {
		p.exec(`INSERT INTO inbound (id, account_id, sender_id, provider, provider_id, from_address, to_address, body, media, opt_out_type, city, country, wish, alone, message_id, received_at, processed_at)
			VALUES ($1, 1, 21, 'twilio', $2, '', '', 'hello', 0, '', '', '', $3, TRUE, $4, $5, $6)`, id, fmt.Sprint("lone", id), wish, message, received.UnixMilli(), processed)
	}
	inbound(1, "help", 5, longAgo, 0)
	inbound(2, "", 5, longAgo, 0)
	inbound(3, "stop", 5, longAgo, 0)
	inbound(4, "", nil, longAgo, 0)
	inbound(5, "", 5, noon, 0)
	inbound(6, "", 5, longAgo, 1000) // of the campaign that is held below
	single := func(id, entry, state int, at time.Time) {
		p.exec(`INSERT INTO message (id, account_id, campaign_id, recipient_id, entry_id, sender_id, lane_id, leg, address, body, state, attempts, segments, provider_id, code, reason, updated_at)
			VALUES ($1, 1, 0, 0, $2, 21, 22, 0, '', 'a test', $3, 1, 1, $4, 0, '', $5)`, id, entry, state, fmt.Sprint("SM", id), at.UnixMilli())
	}
	single(1, 0, 70, longAgo)
	single(2, 0, 50, longAgo)
	single(3, 0, 50, noon)
	single(4, 999, 50, longAgo)
	single(5, 0, 40, longAgo)
	p.exec(`INSERT INTO held (message_id, account_id, campaign_id, sender_id, attempt, attempted_at, held_at, lookups, http_status, code) VALUES (5, 1, 0, 21, 1, 0, 0, 0, 0, 0)`)
	must(t, p.s.HoldData(t.Context(), admin, campaign, "court", noon))
	preview, err := p.s.PreviewRetention(t.Context(), p.retention(), noon)
	must(t, err)
	if preview[0].Items != 2 || preview[0].Campaigns != 0 || preview[0].Waiting.OnHold != 1 || preview[1].Items != 2 {
		t.Errorf("%+v", preview)
	}
	n, last, more, err := p.s.DeleteInbounds(t.Context(), 1, 0, noon)
	if n != 2 || last != 2 || !more || err != nil {
		t.Errorf("inbounds: %d, %d, %v, %v", n, last, more, err)
	}
	if n, _, more, err := p.s.DeleteInbounds(t.Context(), 1, last, noon); n != 0 || more || err != nil {
		t.Errorf("inbounds: %d, %v, %v", n, more, err)
	}
	m, at, more, err := p.s.DeleteSingles(t.Context(), 1, 0, noon)
	if m != 2 || at != 2 || !more || err != nil {
		t.Errorf("singles: %d, %d, %v, %v", m, at, more, err)
	}
	if n := p.number(`SELECT COUNT(*) FROM inbound WHERE id < 10`); n != 4 {
		t.Errorf("%d inbounds left, want 4", n)
	}
	if n := p.number(`SELECT COUNT(*) FROM message WHERE campaign_id = 0 AND id < 10`); n != 3 {
		t.Errorf("%d singles left, want 3", n)
	}
	p.allIsWell()
}

func TestOldAuditEntriesAreDeleted(t *testing.T) {
	t.Parallel()
	p := newArchive(t)
	p.exec(`DELETE FROM audit`)
	year := noon.Add(-400 * 24 * time.Hour)
	entry := func(account int, action, subject string, at time.Time) {
		p.exec(`INSERT INTO audit (id, account_id, actor, action, subject, detail, request_id, at) VALUES ($1, $2, '', $3, $4, '', '', $5)`,
			flake.Before(at)-int64(p.number(`SELECT COUNT(*) FROM audit`)), account, action, subject, at.UnixMilli())
	}
	for range 1200 {
		entry(1, "campaign.test_sent", "cmp_1", year)
	}
	entry(1, "campaign.paused", campaign.String(), year)
	entry(1, "retention.changed", "acc_1", year)
	entry(1, "user.signed_in", "", longAgo)
	entry(2, "user.signed_in", "", year)
	must(t, p.s.HoldData(t.Context(), admin, campaign, "court", noon))
	preview, err := p.s.PreviewRetention(t.Context(), p.retention(), noon)
	must(t, err)
	n, more := 0, true
	for after := overture.AuditID(0); more; {
		var some int
		some, after, more, err = p.s.DeleteAudit(t.Context(), 1, after, noon)
		must(t, err)
		if n += some; some > 500 {
			t.Errorf("%d in one transaction", some)
		}
	}
	if n != 1200 || preview[3].Items != 1200 {
		t.Errorf("%d deleted, %d foretold, want 1200", n, preview[3].Items)
	}
	if left := p.number(`SELECT COUNT(*) FROM audit WHERE action <> 'retention.held'`); left != 4 {
		t.Errorf("%d left, want 4", left)
	}
}

func TestListsOfOldDraftsAreDeleted(t *testing.T) {
	t.Parallel()
	p := newArchive(t)
	upload := func(draft overture.CampaignID, created time.Time) {
		im := p.s.NewID()
		p.exec(`INSERT INTO list_import (id, account_id, campaign_id, state, source, file_name, encoding, delimiter, header, row_count, valid, rejected, duplicates, opted_out, worst_row,
			worst_segments, segments, list_hash, error, created_at) VALUES ($1, 1, $2, 'done', 'csv', '', '', '', '', 40, 40, 0, 0, 0, 0, 0, 0, '', '', $3)`, im, draft, created.UnixMilli())
		for i := range 40 {
			r := p.s.NewID()
			p.exec(`INSERT INTO recipient (id, account_id, campaign_id, import_id, row_number, address, zones, zone_source, text, vars, segments) VALUES ($1, 1, $2, $3, $4, $5, '', '', '', '', 1)`,
				r, draft, im, i+1, fmt.Sprint("+1646555", 1000+i))
			p.exec(`INSERT INTO recipient_address (address, campaign_id, recipient_id) VALUES ($1, $2, $3)`, fmt.Sprint("+1646555", 1000+i), draft, r)
		}
		p.exec(`UPDATE campaign SET recipient_count = 40 WHERE id = $1`, draft)
	}
	old, touched, held := p.draft(longAgo.UnixMilli()), p.draft(noon.UnixMilli()), p.draft(longAgo.UnixMilli())
	upload(old, longAgo)
	upload(touched, longAgo)
	upload(held, longAgo)
	p.draft(longAgo.UnixMilli()) // without a list
	must(t, p.s.HoldData(t.Context(), admin, held, "court", noon))
	found, err := p.s.OldDrafts(t.Context(), p.retention(), noon)
	must(t, err)
	preview, err := p.s.PreviewRetention(t.Context(), p.retention(), noon)
	must(t, err)
	if !reflect.DeepEqual(found, []overture.CampaignID{old}) || preview[2].Items != 40 || preview[2].Campaigns != 1 {
		t.Fatalf("%v, %+v", found, preview[2])
	}
	for id, want := range map[overture.CampaignID]int{old: 40, touched: 0, held: 0} {
		if n, err := p.s.DeleteUpload(t.Context(), 1, id, noon); n != want || err != nil {
			t.Errorf("%d people of %s, %v, want %d", n, id, err, want)
		}
	}
	if left := p.number(`SELECT COUNT(*) FROM recipient WHERE campaign_id <> 31`); left != 80 {
		t.Errorf("%d people left on lists, want 80", left)
	}
	if left := p.number(`SELECT COUNT(*) FROM recipient_address WHERE campaign_id <> 31`); left != 80 {
		t.Errorf("%d addresses left, want 80", left)
	}
	p.allIsWell()
}

func TestPeriodsHaveAVersion(t *testing.T) {
	t.Parallel()
	p := newArchive(t)
	days := func(n int) map[overture.RetentionClass]int {
		return map[overture.RetentionClass]int{overture.RetainMessages: n}
	}
	must(t, p.s.SetRetention(t.Context(), admin, days(60), 1, noon))
	if err := p.s.SetRetention(t.Context(), admin, days(70), 1, noon); !errors.Is(err, overture.Conflict) {
		t.Errorf("an old version: %v", err)
	}
	r := p.retention()
	if r.Version != 2 || r.Days[overture.RetainMessages] != 60 || r.Days[overture.RetainAudit] != 0 || r.ChangedBy != admin.String() || !r.ChangedAt.Equal(noon) {
		t.Errorf("%+v", r)
	}
	if n := p.number(`SELECT COUNT(*) FROM audit WHERE action = 'retention.changed' AND detail LIKE '%messages: 90 days → 60 days%audit: 366 days → for ever%'`); n != 1 {
		t.Errorf("%d audit entries", n)
	}
	// A run under an old version does not count for the new one.
	must(t, p.s.RetentionRan(t.Context(), 1, 1, "", noon))
	if due, err := p.s.RetentionDue(t.Context(), noon); err != nil || len(due) != 1 {
		t.Errorf("%v, %v", due, err)
	}
	must(t, p.s.RetentionRan(t.Context(), 1, 2, "messages: 3", noon))
	if due, err := p.s.RetentionDue(t.Context(), noon); err != nil || len(due) != 0 {
		t.Errorf("%v, %v", due, err)
	}
	if err := p.s.HoldData(t.Context(), overture.Actor{AccountID: 2}, campaign, "not theirs", noon); !errors.Is(err, overture.NotFound) {
		t.Errorf("a hold on another account's campaign: %v", err)
	}
}

func TestOneNodeDeletesAtATime(t *testing.T) {
	t.Parallel()
	s := storetest.Open(t)
	claim := func(owner string) bool {
		ok, err := s.ClaimRetention(t.Context(), owner, time.Minute)
		must(t, err)
		return ok
	}
	if !claim("a") {
		t.Error("the first does not get it")
	}
	if !claim("a") {
		t.Error("it cannot be renewed")
	}
	if got := claim("b"); got == storetest.OnPostgres() {
		t.Errorf("another gets it: %v", got)
	}
	must(t, s.ReleaseRetention(t.Context(), "a"))
	if !claim("b") {
		t.Error("it is not free after its release")
	}
}

// Two sweepers that both think it is their turn delete everything once.
func TestTwoSweepersAtOnce(t *testing.T) {
	t.Parallel()
	p := newArchive(t)
	before := p.shown()
	type result struct {
		people int
		err    error
	}
	results := make(chan result)
	for range 2 {
		go func() {
			var r result
			for more := true; more && r.err == nil; {
				var n int
				n, more, r.err = p.s.DeletePeople(t.Context(), 1, campaign, noon)
				r.people += n
			}
			results <- r
		}()
	}
	a, b := <-results, <-results
	if a.err != nil || b.err != nil || a.people+b.people != listed {
		t.Errorf("%+v and %+v, want %d people", a, b, listed)
	}
	p.allIsWell()
	if after := p.shown(); after != before {
		t.Errorf("people read something else:\n%s\n%s", before, after)
	}
}
