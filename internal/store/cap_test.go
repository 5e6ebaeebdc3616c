package store_test

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/store"
	"github.com/overture-im/overture/internal/store/storetest"
)

// capDesk is a store in which every message can be marked: one account, brand 2, a lane per sender and campaign, a lease per sender.
type capDesk struct {
	t   *testing.T
	s   *store.Store
	now time.Time
	n   int64
}

const capPerson = overture.Address("+12125550123")

func newCapDesk(t *testing.T, accounts ...int) *capDesk {
	t.Helper()
	d := &capDesk{t: t, s: storetest.Open(t), now: time.Date(2026, 11, 20, 17, 0, 0, 0, time.UTC), n: 1_000_000}
	for _, account := range []int{1, 7} {
		d.exec(`INSERT INTO account (id, name, enabled, settings, created_at) VALUES ($1, 'a', TRUE, '{}', 0)`, account)
	}
	d.exec(`INSERT INTO brand (id, account_id, name, created_at) VALUES (2, 1, 'b', 0)`)
	for i, account := range accounts {
		sender := 11 + i
		d.exec(`INSERT INTO account (id, name, enabled, settings, created_at) VALUES ($1, 'a', TRUE, '{}', 0) ON CONFLICT DO NOTHING`, account)
		d.exec(`INSERT INTO sender (id, account_id, brand_id, name, channel, provider, address, base_url, account_sid, sealed_credentials,
			messaging_service_sid, webhook_key, rate, stopped, stop_reason, created_at)
			VALUES ($1, $2, 2, 's', 'sms', 'fake', $3, '', '', '', '', $4, 100, FALSE, '', 0)`, sender, account, fmt.Sprint(sender), fmt.Sprint(sender))
		d.exec(`INSERT INTO sender_lease (sender_id, owner, epoch, expires_at) VALUES ($1, 'o', 1, $2)`, sender, d.now.Add(1000*time.Hour).UnixMilli())
		d.exec(`INSERT INTO campaign (id, account_id, brand_id, name, channel, sender_id, skill_id, text, opt_out_text, smart_encoding, state, launch_at,
			send_window, rate, lookback, policy, open_conversation, reason, recipient_count, list_hash, content_hash, created_by, created_at,
			updated_at, launched_at, planned_through, planning)
			VALUES ($1, $2, 2, 'c', 'sms', $3, 9, 'Hi', '', FALSE, 'running', 1, '{}', 1, 0, 'safe', 'skip', '', 0, '', '', 1, 0, 0, 1, 0, FALSE)`,
			100+sender, account, sender)
		d.exec(`INSERT INTO lane (id, account_id, sender_id, campaign_id, kind, state, rate, weight) VALUES ($1, $2, $3, $4, 'campaign', 'open', 0, 1)`,
			200+sender, account, sender, 100+sender)
	}
	return d
}

func (d *capDesk) exec(query string, args ...any) {
	d.t.Helper()
	if _, err := d.s.DB().Write.ExecContext(d.t.Context(), query, args...); err != nil {
		d.t.Fatalf("%s: %v", query, err)
	}
}

// ask puts a message to the person into a sender's queue and gives the work that asks for its mark.
func (d *capDesk) ask(sender int64, to overture.Address, r *overture.Ruling) (overture.SenderWork, overture.Mark) {
	d.t.Helper()
	d.n++
	campaign := d.n // one of its own, so that a person may have several messages through one sender
	d.exec(`INSERT INTO campaign (id, account_id, brand_id, name, channel, sender_id, skill_id, text, opt_out_text, smart_encoding, state, launch_at,
		send_window, rate, lookback, policy, open_conversation, reason, recipient_count, list_hash, content_hash, created_by, created_at,
		updated_at, launched_at, planned_through, planning)
		SELECT $1, account_id, 2, 'c', 'sms', sender_id, 9, 'Hi', '', FALSE, 'running', 1, '{}', 1, 0, 'safe', 'skip', '', 0, '', '', 1, 0, 0, 1, 0, FALSE
		FROM campaign WHERE id = $2`, campaign, 100+sender)
	d.exec(`INSERT INTO recipient_address (address, campaign_id, recipient_id) VALUES ($1, $2, $3)`, string(to), campaign, d.n)
	d.exec(`INSERT INTO message (id, account_id, campaign_id, recipient_id, entry_id, sender_id, lane_id, leg, address, body, state, attempts, segments,
		provider_id, code, reason, updated_at)
		SELECT $1, account_id, $2, $1, 0, sender_id, $3, 0, $4, '', 0, 0, 1, '', 0, '', 0 FROM campaign WHERE id = $2`, d.n, campaign, 200+sender, string(to))
	d.exec(`INSERT INTO dispatch (lane_id, due_at, message_id, not_after) VALUES ($1, $2, $3, $4)`, 200+sender, d.now.UnixMilli(), d.n, d.now.Add(time.Hour).UnixMilli())
	m := overture.Mark{
		Place:   overture.Place{LaneID: overture.LaneID(200 + sender), Due: d.now, MessageID: overture.MessageID(d.n)},
		Attempt: 1, Token: fmt.Sprint("t", d.n), Address: to, LookupAt: d.now.Add(time.Hour), Ruling: r,
	}
	account := overture.AccountID(d.number(`SELECT account_id FROM sender WHERE id = $1`, sender))
	return overture.SenderWork{
		Lease: overture.Lease{SenderID: overture.SenderID(sender), Owner: "o", Epoch: 1}, BrandID: 2, AccountID: account, Channel: overture.SMS,
		Marks: []overture.Mark{m},
	}, m
}

func (d *capDesk) number(query string, args ...any) int64 {
	d.t.Helper()
	var n int64
	if err := d.s.DB().Write.QueryRowContext(d.t.Context(), query, args...).Scan(&n); err != nil {
		d.t.Fatalf("%s: %v", query, err)
	}
	return n
}

func (d *capDesk) commit(work ...overture.SenderWork) []overture.CommitResult {
	d.t.Helper()
	out, err := d.s.Commit(d.t.Context(), d.now, work)
	if err != nil {
		d.t.Fatal(err)
	}
	return out
}

// try asks for one mark and gives the verdict.
func (d *capDesk) try(sender int64, r *overture.Ruling) (overture.Verdict, overture.Mark) {
	d.t.Helper()
	w, m := d.ask(sender, capPerson, r)
	return d.commit(w)[0].Verdicts[0], m
}

func (d *capDesk) settle(sender int64, m overture.Mark, state overture.State) {
	d.t.Helper()
	d.commit(overture.SenderWork{
		Lease: overture.Lease{SenderID: overture.SenderID(sender), Owner: "o", Epoch: 1}, BrandID: 2, AccountID: 1, Channel: overture.SMS,
		Settlements: []overture.Settlement{{Place: m.Place, Attempt: 1, Token: m.Token, StartedAt: d.now, Outcome: "x", State: state, RetryAt: d.now.Add(time.Minute), NotAfter: d.now.Add(time.Hour)}},
	})
}

func (d *capDesk) reason(m overture.Mark) string {
	d.t.Helper()
	var state overture.State
	var reason string
	if err := d.s.DB().Write.QueryRowContext(d.t.Context(), `SELECT state, reason FROM message WHERE id = $1`, m.MessageID).Scan(&state, &reason); err != nil {
		d.t.Fatal(err)
	}
	return state.String() + " " + reason
}

func capOf(n int, per time.Duration) *overture.Ruling {
	return &overture.Ruling{Caps: []overture.Cap{{Max: n, Per: per, Rule: "account-cap/1"}}}
}

// What was handed to a provider, or may have been, counts; what certainly was not does not. Over the cap a message is suppressed.
func TestCapCountsWhatAProviderMayHave(t *testing.T) {
	d := newCapDesk(t, 1, 1)
	two := capOf(2, 24*time.Hour)
	step := func(want overture.Verdict, sender int64) overture.Mark {
		t.Helper()
		got, m := d.try(sender, two)
		if got != want {
			t.Fatalf("verdict %d, want %d", got, want)
		}
		d.now = d.now.Add(time.Minute)
		return m
	}
	d.settle(11, step(overture.Marked, 11), overture.Failed) // refused
	d.settle(11, step(overture.Marked, 11), overture.Queued) // not sent, tries again later
	d.settle(11, step(overture.Marked, 11), overture.Accepted)
	first := d.now
	d.settle(12, step(overture.Marked, 12), overture.Held) // through another sender, and nobody knows
	capped := step(overture.Capped, 11)
	if got := d.reason(capped); got != "suppressed capped" {
		t.Errorf("the message is %s", got)
	}
	if n := d.number(`SELECT COUNT(*) FROM dispatch WHERE message_id = $1`, capped.MessageID); n != 0 {
		t.Error("a suppressed message is still queued")
	}
	if got, _ := d.try(11, nil); got != overture.Marked {
		t.Errorf("a message without a cap got verdict %d", got)
	}
	d.now = d.now.Add(time.Hour)
	step(overture.Capped, 12) // the one without a cap is in flight and counts as well
	d.now = first.Add(30 * time.Hour)
	if n := d.number(`SELECT COUNT(*) FROM inflight`); n != 1 {
		t.Fatalf("%d in flight", n)
	}
	step(overture.Marked, 11) // the accepted one is 24 hours old; the marker of the free one counts until it is settled
}

func TestCapWithinOneTransaction(t *testing.T) {
	d := newCapDesk(t, 1, 1)
	one := capOf(1, 24*time.Hour)
	a, first := d.ask(11, capPerson, one)
	_, second := d.ask(11, capPerson, one)
	_, other := d.ask(11, "+12125550199", one)
	a.Marks = append(a.Marks, second, other)
	b, third := d.ask(12, capPerson, one)
	got := d.commit(a, b)
	if v := got[0].Verdicts; v[0] != overture.Marked || v[1] != overture.Capped || v[2] != overture.Marked || got[1].Verdicts[0] != overture.Capped {
		t.Errorf("verdicts %v", got)
	}
	for m, want := range map[overture.MessageID]string{first.MessageID: "queued ", second.MessageID: "suppressed capped", third.MessageID: "suppressed capped"} {
		if got := d.reason(overture.Mark{Place: overture.Place{MessageID: m}}); got != want {
			t.Errorf("%d is %s, want %s", m, got, want)
		}
	}
}

func TestCapHolds(t *testing.T) {
	d := newCapDesk(t, 1)
	r := capOf(1, 24*time.Hour)
	r.Hold = true
	v, sent := d.try(11, r)
	d.settle(11, sent, overture.Accepted)
	accepted := d.now
	d.now = d.now.Add(2 * time.Hour)
	if v2, m := d.try(11, r); v != overture.Marked || v2 != overture.Gone || d.reason(m) != "queued " {
		t.Errorf("verdicts %d %d, %s", v, v2, d.reason(m))
	} else if due := d.number(`SELECT due_at FROM dispatch WHERE message_id = $1`, m.MessageID); due != accepted.Add(24*time.Hour).UnixMilli() {
		t.Errorf("held until %v, want a day after %v", time.UnixMilli(due).UTC(), accepted)
	} else if n := d.number(`SELECT not_after FROM dispatch WHERE message_id = $1`, m.MessageID); n != d.now.Add(time.Hour).UnixMilli() {
		t.Error("its not_after was changed")
	}
}

// Accounts are sealed from each other, and so are their caps.
func TestCapsOfAccountsAreApart(t *testing.T) {
	d := newCapDesk(t, 1, 7)
	one := capOf(1, 24*time.Hour)
	for _, sender := range []int64{11, 12} {
		if got, _ := d.try(sender, one); got != overture.Marked {
			t.Errorf("sender %d: verdict %d", sender, got)
		}
		if got, _ := d.try(sender, one); got != overture.Capped {
			t.Errorf("sender %d, again: verdict %d", sender, got)
		}
	}
	found, err := d.s.Contacts(t.Context(), 7, []overture.Address{capPerson, "+12125550199"}, d.now.Add(-time.Hour))
	if err != nil || len(found) != 1 || len(found[capPerson]) != 1 {
		t.Errorf("contacts of account 7: %v %v", found, err)
	}
}

// Two nodes ask at once, again and again: never do both get through.
func TestCapBetweenNodes(t *testing.T) {
	d := newCapDesk(t, 1, 1)
	one := capOf(1, 24*time.Hour)
	for i := range 20 {
		to := overture.Address(fmt.Sprintf("+121255501%02d", i))
		a, _ := d.ask(11, to, one)
		b, _ := d.ask(12, to, one)
		_, second := d.ask(11, "+12125550188", one) // both also want the same second person, in the other order
		a.Marks = append(a.Marks, second)
		_, third := d.ask(12, "+12125550188", one)
		b.Marks = append([]overture.Mark{third}, b.Marks...)
		var wg sync.WaitGroup
		for _, w := range []overture.SenderWork{a, b} {
			wg.Go(func() {
				if _, err := d.s.Commit(t.Context(), d.now, []overture.SenderWork{w}); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if n := d.number(`SELECT COUNT(*) FROM inflight f JOIN message m ON m.id = f.message_id WHERE m.address = $1`, string(to)); n != 1 {
			t.Fatalf("%d messages to %s are on their way under a cap of one", n, to)
		}
	}
	if n := d.number(`SELECT COUNT(*) FROM inflight f JOIN message m ON m.id = f.message_id WHERE m.address = '+12125550188'`); n != 1 {
		t.Errorf("%d messages to the second person", n)
	}
}

// A message without a cap counts towards the cap of another one, also while its own transaction is still open on another node.
func TestAnUncappedMessageIsSeenByAnotherNodesCap(t *testing.T) {
	if !storetest.OnPostgres() {
		t.Skip("SQLite has one writer")
	}
	d := newCapDesk(t, 1, 1)
	d.exec(`INSERT INTO rules (id, account_id, tzdata, policy, created_at) VALUES (1, 1, 'x', '{"cap_max":1,"cap_hours":24}', 0)`)
	_, earlier := d.try(11, nil) // its end will hold up the transaction that marks the next one
	d.exec(`UPDATE message SET campaign_id = 0 WHERE id = $1`, earlier.MessageID)
	holder, err := d.s.DB().Write.BeginTx(t.Context(), nil)
	must(t, err)
	defer func() { _ = holder.Rollback() }()
	_, err = holder.ExecContext(t.Context(), `SELECT 1 FROM inflight WHERE message_id = $1 FOR UPDATE`, earlier.MessageID)
	must(t, err)
	uncapped, _ := d.ask(11, capPerson, nil)
	uncapped.Settlements = []overture.Settlement{{
		Place: earlier.Place, Attempt: 1, Token: earlier.Token, StartedAt: d.now, Outcome: "refused", State: overture.Failed,
	}}
	capped, _ := d.ask(12, capPerson, capOf(1, 24*time.Hour))
	verdict := func(w overture.SenderWork) chan overture.Verdict {
		done := make(chan overture.Verdict, 1)
		go func() {
			r, err := d.s.Commit(context.WithoutCancel(t.Context()), d.now, []overture.SenderWork{w})
			if err != nil {
				t.Error(err)
				close(done)
				return
			}
			done <- r[0].Verdicts[0]
		}()
		return done
	}
	first := verdict(uncapped)
	for d.number(`SELECT COUNT(*) FROM pg_stat_activity a WHERE cardinality(pg_blocking_pids(a.pid)) > 0 AND a.pid IN
		(SELECT l.pid FROM pg_locks l JOIN pg_class c ON c.oid = l.relation WHERE c.relnamespace = current_schema()::regnamespace)`) == 0 {
		runtime.Gosched()
	}
	second := verdict(capped)
	for len(second) == 0 && d.number(`SELECT COUNT(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted`) == 0 {
		runtime.Gosched()
	}
	must(t, holder.Rollback())
	if a, b := <-first, <-second; a != overture.Marked || b == overture.Marked {
		t.Errorf("the uncapped one was %v and the capped one %v: the person has two messages, one is allowed", a, b)
	}
}
