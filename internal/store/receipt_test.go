package store_test

import (
	"database/sql"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/store"
	"github.com/overture-im/overture/internal/store/storetest"
)

// post is a store with two accounts: account 1 has brand 11 and the senders 21 and 22, account 2 has brand 12 and sender 23.
type post struct {
	t testing.TB
	s *store.Store
}

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

const (
	epoch    = 7
	campaign = overture.CampaignID(31)
)

func newPost(t testing.TB) *post {
	t.Helper()
	p := &post{t, storetest.Open(t)}
	for i := range 2 {
		p.exec(`INSERT INTO account (id, name, enabled, settings, created_at) VALUES ($1, 'a', TRUE, '{}', 0)`, i+1)
		p.exec(`INSERT INTO brand (id, account_id, name, created_at) VALUES ($1, $2, 'b', 0)`, 11+i, i+1)
	}
	for i, account := range []int{1, 1, 2} {
		id := 21 + i
		p.exec(`INSERT INTO sender (id, account_id, brand_id, name, channel, provider, address, base_url, account_sid, sealed_credentials, messaging_service_sid,
			webhook_key, rate, stopped, stop_reason, created_at) VALUES ($1, $2, $3, 's', 'sms', 'twilio', $4, '', '', '', '', $5, 1, FALSE, '', 0)`,
			id, account, 10+account, fmt.Sprintf("+1500555%04d", id), fmt.Sprint("key", id))
		p.exec(`INSERT INTO sender_lease (sender_id, owner, epoch, expires_at) VALUES ($1, 'me', $2, 0)`, id, epoch)
		p.exec(`INSERT INTO lane (id, account_id, sender_id, campaign_id, kind, state, rate, weight) VALUES ($1, $2, $1, $3, 'campaign', 'open', 0, 1)`, id, account, campaign)
	}
	return p
}

func (p *post) exec(query string, args ...any) {
	p.t.Helper()
	if _, err := p.s.DB().Write.ExecContext(p.t.Context(), query, args...); err != nil {
		p.t.Fatalf("%s: %v", query, err)
	}
}

// letter is one message of sender 21 with what the test knows about it.
type letter struct {
	id    overture.MessageID
	place overture.Place
	to    overture.Address
}

func (p *post) queue(n int) []letter {
	p.t.Helper()
	out := make([]letter, n)
	err := p.s.DB().Transact(p.t.Context(), func(tx *sql.Tx) error {
		for i := range out {
			id := p.s.NewID()
			l := letter{
				id: overture.MessageID(id), to: overture.Address(fmt.Sprintf("+1212%07d", id%10_000_000)),
				place: overture.Place{LaneID: 21, MessageID: overture.MessageID(id), Due: noon},
			}
			if _, err := tx.Exec(`INSERT INTO message (id, account_id, campaign_id, recipient_id, entry_id, sender_id, lane_id, leg, address, body, state, attempts,
				segments, provider_id, code, reason, updated_at) VALUES ($1, 1, $2, $1, 0, 21, 21, 0, $3, '', 0, 0, 1, '', 0, '', 0)`, id, campaign, string(l.to)); err != nil {
				return err
			}
			if _, err := tx.Exec(`INSERT INTO dispatch (lane_id, due_at, message_id, not_after) VALUES (21, $1, $2, $3)`,
				noon.UnixMilli(), id, noon.Add(time.Hour).UnixMilli()); err != nil {
				return err
			}
			out[i] = l
		}
		_, err := tx.Exec(`INSERT INTO campaign_count (campaign_id, state, n) VALUES ($1, 0, $2)
			ON CONFLICT (campaign_id, state) DO UPDATE SET n = campaign_count.n + excluded.n`, campaign, n)
		return err
	})
	if err != nil {
		p.t.Fatal(err)
	}
	return out
}

func (p *post) commit(w overture.SenderWork) overture.CommitResult {
	p.t.Helper()
	w.Lease, w.BrandID, w.AccountID, w.Channel = overture.Lease{SenderID: 21, Owner: "me", Epoch: epoch}, 11, 1, overture.SMS
	r, err := p.s.Commit(p.t.Context(), noon, []overture.SenderWork{w})
	if err != nil {
		p.t.Fatal(err)
	}
	return r[0]
}

func tokenOf(l letter, attempt int) string { return fmt.Sprintf("tok-%d-%d", l.id, attempt) }

func sidOf(l letter, attempt int) string { return fmt.Sprintf("SM%030d%02d", l.id, attempt) }

// mark writes the marker of an attempt, as the engine does before it sends.
func (p *post) mark(l letter, attempt int) {
	p.t.Helper()
	r := p.commit(overture.SenderWork{Marks: []overture.Mark{{Place: l.place, Attempt: attempt, Token: tokenOf(l, attempt), Address: l.to, LookupAt: noon.Add(time.Minute)}}})
	if r.Verdicts[0] != overture.Marked {
		p.t.Fatalf("attempt %d of %s was not marked: %v", attempt, l.id, r.Verdicts[0])
	}
}

// flush writes the result of an attempt and tells whether its marker was still there.
func (p *post) flush(l letter, attempt int, state overture.State, outcome string) bool {
	p.t.Helper()
	x := overture.Settlement{Place: l.place, Attempt: attempt, Token: tokenOf(l, attempt), StartedAt: noon, State: state, Outcome: outcome}
	switch state {
	case overture.Accepted:
		x.ProviderID, x.HTTPStatus = sidOf(l, attempt), 201
	case overture.Queued:
		x.RetryAt, x.NotAfter = noon.Add(time.Second), noon.Add(time.Hour)
	}
	return p.commit(overture.SenderWork{Settlements: []overture.Settlement{x}}).Superseded == 0
}

func word(l letter, attempt int, state overture.State, code int) overture.Receipt {
	return overture.Receipt{
		Provider: "twilio", AccountID: 1, SenderID: 21, MessageID: l.id, Token: tokenOf(l, attempt), ProviderID: sidOf(l, attempt),
		State: state, Code: code, ReceivedAt: noon,
	}
}

func (p *post) apply(receipts ...overture.Receipt) overture.ReceiptTally {
	p.t.Helper()
	tally, err := p.s.ApplyReceipts(p.t.Context(), receipts, noon.Add(time.Minute))
	if err != nil {
		p.t.Fatal(err)
	}
	return tally
}

// rows gives everything that receipts may change about a message, except times and how an attempt's end was learned.
func (p *post) rows(l letter) string {
	p.t.Helper()
	ctx := p.t.Context()
	var out strings.Builder
	list := func(query string, columns int) {
		rows, err := p.s.DB().Read.QueryContext(ctx, query, l.id)
		if err != nil {
			p.t.Fatalf("%s: %v", query, err)
		}
		defer rows.Close()
		for rows.Next() {
			values := make([]any, columns)
			for i := range values {
				values[i] = new(any)
			}
			if err := rows.Scan(values...); err != nil {
				p.t.Fatal(err)
			}
			for _, v := range values {
				fmt.Fprintf(&out, "%v ", *v.(*any))
			}
			out.WriteString("\n")
		}
		if err := rows.Err(); err != nil {
			p.t.Fatal(err)
		}
	}
	list(`SELECT 'message', state, code, reason, provider_id, attempts, accepted_at IS NOT NULL FROM message WHERE id = $1`, 7)
	list(`SELECT 'queued', due_at FROM dispatch WHERE message_id = $1`, 2)
	list(`SELECT 'marker', attempt FROM inflight WHERE message_id = $1`, 2)
	list(`SELECT 'attempt', n, token, provider_id FROM attempt WHERE message_id = $1 ORDER BY n`, 4)
	list(`SELECT 'receipt', provider_id, state, code FROM receipt WHERE message_id = $1 ORDER BY provider_id, state`, 4)
	list(`SELECT 'orphan', token, state FROM orphan_receipt WHERE message_id = $1 ORDER BY token, state`, 3)
	// The same story about two messages must read the same.
	return strings.NewReplacer(fmt.Sprint(int64(l.id)), "ID", fmt.Sprintf("%030d", l.id), "ID").Replace(out.String())
}

// sound fails the test when an invariant of verify is broken.
func (p *post) sound() {
	p.t.Helper()
	findings, err := p.s.BrokenInvariants(p.t.Context())
	if err != nil {
		p.t.Fatal(err)
	}
	for _, f := range findings {
		if f.Says == "no message points at a recipient that is not on its campaign's list" {
			continue // these tests have no list
		}
		p.t.Errorf("%s %s: %d rows", f.Rule, f.Says, f.Count)
	}
}

func (p *post) number(query string, args ...any) int {
	p.t.Helper()
	var n int
	if err := p.s.DB().Read.QueryRowContext(p.t.Context(), query, args...).Scan(&n); err != nil {
		p.t.Fatalf("%s: %v", query, err)
	}
	return n
}

func TestReceiptsSettleAnAttempt(t *testing.T) {
	p := newPost(t)
	l := p.queue(1)[0]
	p.mark(l, 1)
	if got, want := p.apply(word(l, 1, overture.Sent, 0)), (overture.ReceiptTally{Raised: 1, Settled: 1}); got != want {
		t.Errorf("tally %+v, want %+v", got, want)
	}
	want := "message 60 0  SMID01 1 true \nattempt 1 tok-ID-1 SMID01 \nreceipt SMID01 60 0 \n"
	if got := normal(p.rows(l)); got != want {
		t.Errorf("rows:\n%s\nwant:\n%s", got, want)
	}
	if p.flush(l, 1, overture.Accepted, "accepted") {
		t.Error("the result that came later found something to do")
	}
	if got := normal(p.rows(l)); got != want {
		t.Errorf("rows after the late result:\n%s\nwant:\n%s", got, want)
	}
	if n := p.number(`SELECT COUNT(*) FROM attempt WHERE message_id = $1 AND outcome = 'found'`, l.id); n != 1 {
		t.Error("the attempt is not written as found")
	}
	p.sound()
}

// An answer named another message. The receipt names its own by the token, so the question about a lost receipt goes to the right id.
func TestReceiptsCorrectTheProvidersID(t *testing.T) {
	p := newPost(t)
	all := p.queue(2)
	for _, l := range all {
		p.mark(l, 1)
	}
	p.flush(all[0], 1, overture.Accepted, "accepted")
	wrong := overture.Settlement{
		Place: all[1].place, Attempt: 1, Token: tokenOf(all[1], 1), StartedAt: noon, State: overture.Accepted, Outcome: "accepted",
		ProviderID: sidOf(all[0], 1), HTTPStatus: 201,
	}
	if r := p.commit(overture.SenderWork{Settlements: []overture.Settlement{wrong}}); r.Superseded > 0 {
		t.Fatal("the wrong answer was not written")
	}
	p.apply(word(all[0], 1, overture.Sent, 0), word(all[1], 1, overture.Sent, 0))
	for _, l := range all {
		if n := p.number(`SELECT COUNT(*) FROM message WHERE id = $1 AND provider_id = $2`, l.id, sidOf(l, 1)); n != 1 {
			t.Errorf("%s is not called what the provider calls it:\n%s", l.id, p.rows(l))
		}
	}
	// Word about an older attempt says nothing about the id of the latest.
	again := p.queue(1)[0]
	p.mark(again, 1)
	p.flush(again, 1, overture.Queued, "not_sent")
	again.place.Due = noon.Add(time.Second)
	p.mark(again, 2)
	p.flush(again, 2, overture.Accepted, "accepted")
	p.apply(word(again, 1, overture.Delivered, 0))
	if n := p.number(`SELECT COUNT(*) FROM message WHERE id = $1 AND state = 70 AND provider_id = $2`, again.id, sidOf(again, 2)); n != 1 {
		t.Errorf("word about the first attempt:\n%s", p.rows(again))
	}
	p.sound()
}

// normal makes SQLite and PostgreSQL read the same.
func normal(rows string) string {
	return strings.ReplaceAll(rows, " 1 1 \nattempt", " 1 true \nattempt")
}

func TestLateFailureIsHistory(t *testing.T) {
	p := newPost(t)
	l := p.queue(1)[0]
	p.mark(l, 1)
	p.flush(l, 1, overture.Accepted, "accepted")
	p.apply(word(l, 1, overture.Delivered, 0))
	if got := p.apply(word(l, 1, overture.Undelivered, 30003)); got != (overture.ReceiptTally{}) {
		t.Errorf("a late failure: %+v, want no effect but history", got)
	}
	if state := p.number(`SELECT state FROM message WHERE id = $1`, l.id); state != int(overture.Delivered) {
		t.Errorf("state %d after a late failure, want delivered", state)
	}
	if n := p.number(`SELECT COUNT(*) FROM receipt WHERE message_id = $1`, l.id); n != 2 {
		t.Errorf("%d receipts in the history, want 2", n)
	}
	p.sound()
}

func TestReceiptsOfOthersChangeNothing(t *testing.T) {
	p := newPost(t)
	ls := p.queue(2)
	p.mark(ls[0], 1)
	before := p.rows(ls[0])
	good := word(ls[0], 1, overture.Delivered, 0)
	for name, spoil := range map[string]func(*overture.Receipt){
		"another sender of the account": func(r *overture.Receipt) { r.SenderID = 22 },
		"another account's sender":      func(r *overture.Receipt) { r.AccountID, r.SenderID = 2, 23 },
		"another account":               func(r *overture.Receipt) { r.AccountID = 2 },
		"no message id":                 func(r *overture.Receipt) { r.MessageID = 0 },
	} {
		r := good
		spoil(&r)
		r.OptOut = true
		if got := p.apply(r); got != (overture.ReceiptTally{Foreign: 1}) {
			t.Errorf("%s: %+v, want foreign", name, got)
		}
	}
	for name, token := range map[string]string{"a made-up token": "nope", "no token": "", "another message's token": tokenOf(ls[1], 1)} {
		r := good
		r.Token, r.OptOut = token, true
		if got := p.apply(r); got.Raised+got.Settled+got.OptOuts > 0 {
			t.Errorf("%s: %+v, want no effect", name, got)
		}
	}
	p.exec(`DELETE FROM orphan_receipt`)
	if after := p.rows(ls[0]); after != before {
		t.Errorf("rows:\n%s\nwant as before:\n%s", after, before)
	}
	if n := p.number(`SELECT COUNT(*) FROM opt_out`); n != 0 {
		t.Error("an opt-out was recorded")
	}
	p.sound()
}

func TestOrphansAreMatchedLater(t *testing.T) {
	p := newPost(t)
	l := letter{id: overture.MessageID(p.s.NewID())}
	early := []overture.Receipt{word(l, 1, overture.Sent, 0), word(l, 1, overture.Delivered, 0), word(l, 1, overture.Sent, 0)}
	if got := p.apply(early...); got.Orphaned != 3 {
		t.Errorf("%+v, want 3 orphans", got)
	}
	if n := p.number(`SELECT COUNT(*) FROM orphan_receipt`); n != 2 {
		t.Errorf("%d orphans kept, want 2 different ones", n)
	}
	match := func(after time.Duration) overture.ReceiptTally {
		t.Helper()
		tally, err := p.s.MatchOrphans(t.Context(), noon.Add(after))
		if err != nil {
			t.Fatal(err)
		}
		return tally
	}
	if got := match(time.Hour); got != (overture.ReceiptTally{}) {
		t.Errorf("matched without a message: %+v", got)
	}
	known := p.queue(1)[0]
	p.exec(`UPDATE dispatch SET message_id = $1`, l.id)
	p.exec(`UPDATE message SET id = $1 WHERE id = $2`, l.id, known.id)
	l.place, l.to = known.place, known.to
	l.place.MessageID = l.id
	if got := match(2 * time.Hour); got != (overture.ReceiptTally{}) {
		t.Errorf("matched a message that was never attempted: %+v", got)
	}
	p.mark(l, 1)
	if got := match(3 * time.Hour); got.Raised != 1 || got.Settled != 1 {
		t.Errorf("%+v, want the attempt settled", got)
	}
	if state := p.number(`SELECT state FROM message WHERE id = $1`, l.id); state != int(overture.Delivered) {
		t.Errorf("state %d, want delivered", state)
	}
	if n := p.number(`SELECT COUNT(*) FROM orphan_receipt`); n != 0 {
		t.Errorf("%d orphans left", n)
	}
	p.apply(word(letter{id: 5}, 1, overture.Sent, 0))
	match(24*time.Hour - time.Minute)
	if n := p.number(`SELECT COUNT(*) FROM orphan_receipt`); n != 1 {
		t.Error("an orphan was dropped before a day had passed")
	}
	match(24*time.Hour + time.Minute)
	if n := p.number(`SELECT COUNT(*) FROM orphan_receipt`); n != 0 {
		t.Error("an orphan outlived its day")
	}
	p.sound()
}

func TestOptOutInAReceipt(t *testing.T) {
	p := newPost(t)
	ls := p.queue(2)
	l := ls[0]
	p.mark(l, 1)
	p.flush(l, 1, overture.Accepted, "accepted")
	r := word(l, 1, overture.Undelivered, 21610)
	r.OptOut = true
	if got, want := p.apply(r), (overture.ReceiptTally{Raised: 1, OptOuts: 1}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if n := p.number(`SELECT COUNT(*) FROM opt_out WHERE account_id = 1 AND brand_id = 11 AND channel = 'sms' AND address = $1 AND source = 'provider'`, string(l.to)); n != 1 {
		t.Error("the brand-wide opt-out is missing")
	}
	if n := p.number(`SELECT COUNT(*) FROM message WHERE id = $1 AND state = 65 AND code = 21610 AND reason = 'opted_out'`, l.id); n != 1 {
		t.Errorf("rows:\n%s", p.rows(l))
	}
	// The person comes back; the provider repeats itself. An old word must not stop the person again.
	if _, err := p.s.OptIn(t.Context(), overture.Actor{AccountID: 1}, overture.OptOut{AccountID: 1, BrandID: 11, Channel: overture.SMS, Address: l.to, Source: overture.OptOutKeyword, CreatedAt: noon}); err != nil {
		t.Fatal(err)
	}
	if got := p.apply(r, r); got.OptOuts != 0 || got.Repeated != 2 {
		t.Errorf("repeated: %+v", got)
	}
	if n := p.number(`SELECT COUNT(*) FROM opt_out`); n != 0 {
		t.Error("a repeated receipt stopped the person again")
	}
	if n := p.number(`SELECT COUNT(*) FROM consent_event WHERE kind = 'opt_out'`); n != 1 {
		t.Errorf("%d opt-out events, want 1", n)
	}
	p.sound()
}

// TestOptOutBesideAnotherCode: a provider says two things about one failed message, and one of them is that the person stopped the brand. The
// person is stopped once, and the higher code stands, whichever came first, together or apart, about a message known or not yet known.
func TestOptOutBesideAnotherCode(t *testing.T) {
	for _, stop := range []int{21610, 30010} { // below and above the other code
		for _, order := range []string{"stop first", "stop last"} {
			for _, arrival := range []string{"together", "apart", "as orphans together", "as orphans apart"} {
				t.Run(fmt.Sprintf("%d %s %s", stop, order, arrival), func(t *testing.T) {
					p := newPost(t)
					l := p.queue(1)[0]
					said := []overture.Receipt{word(l, 1, overture.Undelivered, stop), word(l, 1, overture.Undelivered, 30005)}
					said[0].OptOut = true
					if order == "stop last" {
						slices.Reverse(said)
					}
					together, orphans := strings.Contains(arrival, "together"), strings.Contains(arrival, "orphans")
					apply := func() (stopped int) {
						if together {
							return p.apply(said...).OptOuts
						}
						return p.apply(said[0]).OptOuts + p.apply(said[1]).OptOuts
					}
					attempt := func() {
						p.mark(l, 1)
						p.flush(l, 1, overture.Accepted, "accepted")
					}
					stopped := 0
					if orphans { // the answer to the attempt is later than the receipts about it
						stopped = apply()
						if n := p.number(`SELECT COUNT(*) FROM orphan_receipt`); n != 1 || stopped != 0 {
							t.Errorf("%d orphans kept and %d people stopped before the attempt is known, want 1 and 0", n, stopped)
						}
						attempt()
						tally, err := p.s.MatchOrphans(t.Context(), noon.Add(time.Hour))
						if err != nil {
							t.Fatal(err)
						}
						stopped = tally.OptOuts
					} else {
						attempt()
						stopped = apply()
					}
					if stopped != 1 {
						t.Errorf("%d people stopped, want 1", stopped)
					}
					if n := p.number(`SELECT COUNT(*) FROM opt_out WHERE address = $1 AND source = 'provider'`, string(l.to)); n != 1 {
						t.Error("the opt-out is missing")
					}
					if n := p.number(`SELECT COUNT(*) FROM receipt WHERE message_id = $1 AND code = $2 AND opt_out`, l.id, max(stop, 30005)); n != 1 {
						t.Errorf("the receipt lost what it said:\n%s", p.rows(l))
					}
					if n := p.number(`SELECT COUNT(*) FROM message WHERE id = $1 AND code = $2`, l.id, max(stop, 30005)); n != 1 {
						t.Errorf("rows:\n%s", p.rows(l))
					}
					stopped = apply()
					if stopped != 0 {
						t.Error("a repeated receipt stopped the person again")
					}
					p.sound()
				})
			}
		}
	}
}

// TestReceiptOfAnAttemptThatWasNotBelieved: the engine was sure that attempt 1 did not happen, and a receipt proves that it did.
func TestReceiptOfAnAttemptThatWasNotBelieved(t *testing.T) {
	for _, tc := range []struct {
		name   string
		remark bool // the second attempt is under way
	}{{"queued again", false}, {"second attempt in flight", true}} {
		t.Run(tc.name, func(t *testing.T) {
			p := newPost(t)
			l := p.queue(1)[0]
			p.mark(l, 1)
			p.flush(l, 1, overture.Queued, "absent")
			l.place.Due = noon.Add(time.Second)
			if tc.remark {
				p.mark(l, 2)
			}
			if got := p.apply(word(l, 1, overture.Sent, 0)); got.Raised != 1 {
				t.Errorf("%+v, want the message raised", got)
			}
			if n := p.number(`SELECT COUNT(*) FROM dispatch`) + p.number(`SELECT COUNT(*) FROM inflight`); n != 0 {
				t.Error("the message would be sent again")
			}
			if p.flush(l, 2, overture.Queued, "throttled") {
				t.Error("the second attempt's result put the message back into the queue")
			}
			p.sound()
		})
	}
}

// TestReceiptOfAForgottenAttempt: the database went back to a backup in which attempt 1 was on its way; attempt 2 came later and was accepted. A person
// held the message, and then the provider speaks of attempt 2.
func TestReceiptOfAForgottenAttempt(t *testing.T) {
	for _, early := range []bool{false, true} { // before it is held, as an orphan
		p := newPost(t)
		l := p.queue(1)[0]
		r := word(l, 2, overture.Delivered, 0)
		p.mark(l, 1)
		if early {
			if got := p.apply(r); got.Orphaned != 1 {
				t.Errorf("%+v, want an orphan: nobody knows the attempt yet", got)
			}
		}
		p.flush(l, 1, overture.Held, "held")
		var got overture.ReceiptTally
		if early {
			var err error
			if got, err = p.s.MatchOrphans(t.Context(), noon.Add(time.Hour)); err != nil {
				t.Fatal(err)
			}
		} else {
			got = p.apply(r)
		}
		if got.Raised != 1 || got.Orphaned != 0 {
			t.Errorf("early %v: %+v, want the message raised", early, got)
		}
		if n := p.number(`SELECT COUNT(*) FROM message WHERE id = $1 AND state = $2 AND provider_id = $3`, l.id, overture.Delivered, r.ProviderID); n != 1 {
			t.Errorf("early %v:\n%s", early, p.rows(l))
		}
		p.sound()
	}
}

// TestReceiptsAboutAnEarlierRound: a person had a delivered-then-failed message sent again; old words must not end the new round.
func TestReceiptsAboutAnEarlierRound(t *testing.T) {
	p := newPost(t)
	l := p.queue(1)[0]
	p.mark(l, 1)
	p.flush(l, 1, overture.Accepted, "accepted")
	p.apply(word(l, 1, overture.Undelivered, 30003))
	p.exec(`UPDATE message SET state = 0, code = 0, reason = '' WHERE id = $1`, l.id)
	p.exec(`INSERT INTO dispatch (lane_id, due_at, message_id, not_after) VALUES (21, $1, $2, $3)`, l.place.Due.UnixMilli(), l.id, noon.Add(time.Hour).UnixMilli())
	p.exec(`UPDATE campaign_count SET n = CASE state WHEN 0 THEN 1 ELSE 0 END WHERE campaign_id = $1`, campaign)
	for _, marked := range []bool{false, true} {
		if marked {
			p.mark(l, 2)
		}
		if got := p.apply(word(l, 1, overture.Undelivered, 30003), word(l, 1, overture.Sent, 0)); got.Raised+got.Settled != 0 {
			t.Errorf("marked %v: %+v, want history only", marked, got)
		}
	}
	if got := p.apply(word(l, 2, overture.Delivered, 0)); got.Raised != 1 || got.Settled != 1 {
		t.Errorf("the new round's receipt: %+v", got)
	}
	if n := p.number(`SELECT COUNT(*) FROM message WHERE id = $1 AND provider_id = $2`, l.id, sidOf(l, 2)); n != 1 {
		t.Errorf("rows:\n%s", p.rows(l))
	}
}

// TestReceiptOrderDoesNotMatter is I5 and I6: any order, any repetition, any batches, and the engine's own result anywhere between, end
// in the rows of the orderly story.
func TestReceiptOrderDoesNotMatter(t *testing.T) {
	p := newPost(t)
	rapid.Check(t, func(rt *rapid.T) {
		ls := p.queue(2)
		orderly, wild := ls[0], ls[1]
		p.mark(orderly, 1)
		p.mark(wild, 1)
		kinds := []overture.Receipt{
			word(wild, 1, overture.Accepted, 0), word(wild, 1, overture.Sent, 0), word(wild, 1, overture.Undelivered, 30003),
			word(wild, 1, overture.Undelivered, 30008), word(wild, 1, overture.Delivered, 0), word(wild, 1, overture.Read, 0),
		}
		chosen := rapid.SliceOfN(rapid.SampledFrom(kinds), 0, 12).Draw(rt, "receipts")
		flushAt := rapid.IntRange(0, len(chosen)).Draw(rt, "flush at")
		for i := 0; i <= len(chosen); {
			if i == flushAt {
				p.flush(wild, 1, overture.Accepted, "accepted")
			}
			if i == len(chosen) {
				break
			}
			end := rapid.IntRange(i+1, len(chosen)).Draw(rt, "batch end")
			if i < flushAt {
				end = min(end, flushAt)
			}
			p.apply(chosen[i:end]...)
			i = end
		}
		p.flush(orderly, 1, overture.Accepted, "accepted")
		seen := map[overture.Receipt]bool{}
		for _, k := range kinds {
			if slices.Contains(chosen, k) && !seen[k] {
				seen[k] = true
				k.MessageID, k.Token, k.ProviderID = orderly.id, tokenOf(orderly, 1), sidOf(orderly, 1)
				p.apply(k)
			}
		}
		if got, want := p.rows(wild), p.rows(orderly); got != want {
			rt.Errorf("receipts %v, flush at %d:\n%s\nwant:\n%s", chosen, flushAt, got, want)
		}
	})
	p.sound()
}

// TestConcurrentReceipts lets receipts and the engine's results race; every message must end delivered, nothing may be left over.
func TestConcurrentReceipts(t *testing.T) {
	p := newPost(t)
	ls := p.queue(60)
	for _, l := range ls {
		p.mark(l, 1)
	}
	var all sync.WaitGroup
	for worker := range 4 {
		all.Go(func() {
			order := rand.Perm(len(ls))
			if worker == 0 {
				for chunk := range slices.Chunk(order, 7) {
					var w overture.SenderWork
					for _, i := range chunk {
						w.Settlements = append(w.Settlements, overture.Settlement{
							Place: ls[i].place, Attempt: 1, Token: tokenOf(ls[i], 1), StartedAt: noon,
							State: overture.Accepted, Outcome: "accepted", ProviderID: sidOf(ls[i], 1),
						})
					}
					p.commitUntilDone(w)
				}
				return
			}
			for chunk := range slices.Chunk(order, 11) {
				var receipts []overture.Receipt
				for _, i := range chunk {
					r := word(ls[i], 1, []overture.State{overture.Sent, overture.Delivered, overture.Undelivered}[worker-1], 0)
					r.OptOut = worker == 3 && i%5 == 0
					receipts = append(receipts, r)
				}
				if _, err := p.s.ApplyReceipts(t.Context(), receipts, noon); err != nil {
					t.Errorf("apply: %v", err)
				}
			}
		})
	}
	all.Wait()
	if n := p.number(`SELECT COUNT(*) FROM message WHERE state = 70`); n != len(ls) {
		t.Errorf("%d messages delivered, want %d", n, len(ls))
	}
	if n := p.number(`SELECT COUNT(*) FROM opt_out`); n != 12 {
		t.Errorf("%d opt-outs, want 12", n)
	}
	p.sound()
}

// commitUntilDone repeats a commit that PostgreSQL chose as the victim of a deadlock, as the engine does.
func (p *post) commitUntilDone(w overture.SenderWork) {
	w.Lease, w.BrandID, w.AccountID, w.Channel = overture.Lease{SenderID: 21, Owner: "me", Epoch: epoch}, 11, 1, overture.SMS
	for try := 0; ; try++ {
		_, err := p.s.Commit(p.t.Context(), noon, []overture.SenderWork{w})
		if err == nil {
			return
		}
		if overture.KindOf(err) != overture.Unavailable || try == 20 {
			p.t.Errorf("commit: %v", err)
			return
		}
	}
}

// A receipt may prove that an attempt was sent which we took for certainly not sent. Its share of the limits was given back, and is taken again, once.
func TestAReceiptTakesAgainWhatWasGivenBack(t *testing.T) {
	for _, outcome := range []string{"absent", "not_sent", "throttled", "given_back", "sender_refused", "resent_without_proof"} {
		t.Run(outcome, func(t *testing.T) {
			p := newPost(t)
			p.exec(`UPDATE account SET settings = '{"rails":{"segments_per_day":50}}' WHERE id = 1`)
			p.limited(5, 10)
			ls := p.queue(2)
			for _, l := range ls {
				p.mark(l, 1)
			}
			p.flush(ls[0], 1, overture.Accepted, "accepted")
			p.flush(ls[1], 1, overture.Queued, outcome)
			left := func() string {
				return fmt.Sprint(p.number(`SELECT allowance FROM lane WHERE id = 21`), p.number(`SELECT budget FROM lane WHERE id = 21`), p.number(`SELECT SUM(spent) FROM account_spend WHERE account_id = 1`))
			}
			if want := map[bool]string{false: "4 9 1", true: "3 8 2"}[outcome == "resent_without_proof"]; left() != want {
				t.Fatalf("%s left before the receipt, want %s", left(), want)
			}
			p.apply(word(ls[1], 1, overture.Sent, 0), word(ls[1], 1, overture.Delivered, 0))
			p.apply(word(ls[1], 1, overture.Read, 0))
			if left() != "3 8 2" {
				t.Errorf("%s left after the receipts", left())
			}
			if p.number(`SELECT COUNT(*) FROM dispatch WHERE message_id = $1`, ls[1].id) != 0 || p.number(`SELECT state FROM message WHERE id = $1`, ls[1].id) != int(overture.Read) {
				t.Error("the message would be sent again")
			}
			if outcome != "resent_without_proof" && p.number(`SELECT COUNT(*) FROM attempt WHERE message_id = $1 AND outcome = 'found' AND provider_id = $2`, ls[1].id, sidOf(ls[1], 1)) != 1 {
				t.Error("the history still says that it was not sent")
			}
			p.limitsHold()
		})
	}
}

// The same while a later attempt is on its way: both may have been sent, and both are taken.
func TestAReceiptTakesAgainBesideALaterAttempt(t *testing.T) {
	p := newPost(t)
	p.limited(5, 10)
	l := p.queue(1)[0]
	p.mark(l, 1)
	p.flush(l, 1, overture.Queued, "absent")
	l.place.Due = noon.Add(time.Second)
	r, err := p.s.Commit(t.Context(), noon.Add(time.Minute), []overture.SenderWork{{
		Lease: overture.Lease{SenderID: 21, Owner: "me", Epoch: epoch}, BrandID: 11, AccountID: 1, Channel: overture.SMS,
		Marks: []overture.Mark{{Place: l.place, Attempt: 2, Token: tokenOf(l, 2), Address: l.to, LookupAt: noon.Add(time.Hour)}},
	}})
	if err != nil || r[0].Verdicts[0] != overture.Marked {
		t.Fatal(err, r)
	}
	p.apply(word(l, 1, overture.Delivered, 0))
	if n := p.number(`SELECT budget FROM lane WHERE id = 21`); n != 8 {
		t.Errorf("%d left of 10 after two attempts", n)
	}
	p.limitsHold()
}

// limited gives lane 21 a canary and a spend limit.
func (p *post) limited(canary, segments int) {
	p.t.Helper()
	p.exec(`INSERT INTO campaign (id, account_id, brand_id, name, channel, sender_id, skill_id, text, opt_out_text, smart_encoding, state, send_window, rate, lookback, policy,
		open_conversation, reason, recipient_count, list_hash, content_hash, created_by, created_at, updated_at, planned_through, planning, watch)
		VALUES ($1, 1, 11, 'c', 'sms', 21, 0, 'Hi', '', FALSE, 'running', '', 1, 0, 'safe', 'skip', '', 0, '', '', 1, 1, 1, 0, FALSE, $2)`,
		campaign, fmt.Sprintf(`{"phase":"canary","canary_size":%d}`, canary))
	p.exec(`UPDATE lane SET allowance = $1, budget = $2, granted = $2 WHERE id = 21`, canary, segments)
}

// limitsHold runs the recount of verify.
func (p *post) limitsHold() {
	p.t.Helper()
	findings, err := p.s.BrokenInvariants(p.t.Context())
	if err != nil {
		p.t.Fatal(err)
	}
	for _, f := range findings {
		if f.Rule == "F2" {
			p.t.Errorf("%s: %d", f.Says, f.Count)
		}
	}
}
