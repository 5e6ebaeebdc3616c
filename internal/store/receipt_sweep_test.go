package store_test

import (
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/store"
	"github.com/overture-im/overture/internal/store/storetest"
)

// accept has the provider accept messages, as the engine writes it.
func (p *post) accept(ls []letter) {
	p.t.Helper()
	for _, l := range ls {
		p.mark(l, 1)
		p.flush(l, 1, overture.Accepted, "accepted")
	}
}

// launched is the campaign of the queued messages, running.
func (p *post) launched() {
	p.t.Helper()
	p.exec(`INSERT INTO campaign (id, account_id, brand_id, name, channel, sender_id, skill_id, text, opt_out_text, smart_encoding, state, send_window, rate, lookback, policy,
		open_conversation, reason, recipient_count, list_hash, content_hash, created_by, created_at, updated_at, launched_at, planned_through, planning)
		VALUES ($1, 1, 11, 'c', 'sms', 21, 0, '', '', FALSE, 'running', '', 0, 0, 'safe', 'deliver', '', 0, '', '', 0, 0, 0, 1, 0, FALSE)`, campaign)
}

func TestUnconfirmedMessages(t *testing.T) {
	p := newPost(t)
	p.launched()
	ls := p.queue(7)
	launchedBefore := time.UnixMilli(2)
	campaigns := func(after time.Time) int {
		t.Helper()
		got, err := p.s.UnconfirmedCampaigns(t.Context(), launchedBefore, after)
		if err != nil {
			t.Fatal(err)
		}
		for sender, ids := range got {
			if sender != 21 || len(ids) != 1 || ids[0] != campaign {
				t.Errorf("%v of %v", ids, sender)
			}
		}
		return len(got)
	}
	if n := campaigns(noon); n != 0 {
		t.Errorf("%d senders before anything was accepted", n)
	}
	p.accept(ls[:6])
	p.apply(word(ls[1], 1, overture.Sent, 0), word(ls[2], 1, overture.Delivered, 0), word(ls[3], 1, overture.Undelivered, 30003))
	// One was accepted at the second attempt.
	p.exec(`UPDATE attempt SET n = 2 WHERE message_id = $1`, ls[4].id)
	p.exec(`UPDATE message SET attempts = 2 WHERE id = $1`, ls[4].id)
	p.exec(`INSERT INTO attempt (message_id, n, token, epoch, started_at, ended_at, outcome, http_status, code, provider_id) VALUES ($1, 1, 'first', 1, 0, 0, 'not_sent', 0, 0, '')`, ls[4].id)
	// One belongs to another sender: not this one's to ask for.
	p.exec(`UPDATE message SET sender_id = 22 WHERE id = $1`, ls[5].id)
	if n := campaigns(noon); n != 1 {
		t.Errorf("%d senders with messages that wait for receipts, want 1", n)
	}
	launchedBefore = time.UnixMilli(1)
	if n := campaigns(noon); n != 0 {
		t.Errorf("%d senders although the campaign was launched later", n)
	}
	launchedBefore = time.UnixMilli(2)

	var got []overture.Unconfirmed
	pages := 0
	for at, more := (overture.SweepPosition{CampaignID: campaign}), true; more; pages++ {
		var some []overture.Unconfirmed
		var err error
		if some, at, more, err = p.s.UnconfirmedMessages(t.Context(), 21, at, 2); err != nil {
			t.Fatal(err)
		}
		got = append(got, some...)
	}
	if pages != 4 {
		t.Errorf("%d pages of two for seven messages", pages)
	}
	want := []struct {
		letter
		state overture.State
	}{{ls[0], overture.Accepted}, {ls[1], overture.Sent}, {ls[4], overture.Accepted}}
	if len(got) != len(want) {
		t.Fatalf("%d messages %+v, want %d", len(got), got, len(want))
	}
	for i, w := range want {
		at := overture.SweepPosition{CampaignID: campaign, RecipientID: overture.RecipientID(w.id)}
		if m := got[i]; m.MessageID != w.id || m.State != w.state || m.Token != tokenOf(w.letter, 1) || m.ProviderID != sidOf(w.letter, 1) || m.AcceptedAt.IsZero() || m.At != at {
			t.Errorf("%+v, want message %s", m, w.id)
		}
	}

	// What the search finds goes the way of receipts.
	m := got[0]
	tally := p.apply(overture.Receipt{
		Provider: "twilio", AccountID: 1, SenderID: 21, MessageID: m.MessageID, Token: m.Token, ProviderID: m.ProviderID, State: overture.Delivered, ReceivedAt: noon,
	})
	if tally != (overture.ReceiptTally{Raised: 1}) {
		t.Errorf("%+v, want one raised", tally)
	}
	p.exec(`UPDATE campaign SET completed_at = $1 WHERE id = $2`, noon.UnixMilli(), campaign)
	if n := campaigns(noon.Add(-time.Second)); n != 1 {
		t.Error("a campaign that was completed lately is not looked at")
	}
	if n := campaigns(noon); n != 0 {
		t.Error("a campaign that was completed long ago is looked at")
	}
	still := p.queue(1)[0]
	p.mark(ls[6], 1)
	p.mark(still, 1)
	p.exec(`UPDATE inflight SET state = 'unknown' WHERE message_id = $1`, ls[6].id)
	for due, want := range map[time.Time]bool{noon.Add(-time.Second): false, noon.Add(time.Second): true} {
		if sending, err := p.s.SenderIsSending(t.Context(), 21, due); err != nil || sending != want {
			t.Errorf("sending %t at %v, %v", sending, due, err)
		}
	}
	p.exec(`UPDATE inflight SET state = 'unknown' WHERE message_id = $1`, still.id)
	if sending, err := p.s.SenderIsSending(t.Context(), 21, noon.Add(time.Second)); err != nil || sending {
		t.Errorf("messages in doubt count as sending (%v)", err)
	}
}

func TestOneNodeHoldsAReceiptSweep(t *testing.T) {
	s := storetest.Open(t)
	claim := func(owner string, want bool) overture.ReceiptSweep {
		t.Helper()
		w, ok, err := s.ClaimReceiptSweep(t.Context(), 21, owner, time.Minute)
		if err != nil || ok != want {
			t.Errorf("%s has the sweep: %t (%v), want %t", owner, ok, err, want)
		}
		return w
	}
	set := func(expires time.Time) {
		t.Helper()
		if _, err := s.DB().Write.ExecContext(t.Context(), `UPDATE receipt_sweep SET expires_at = $1`, expires.UnixMilli()); err != nil {
			t.Fatal(err)
		}
	}
	w := claim("a", true)
	if !w.Since.IsZero() || !w.Until.IsZero() || !w.NextAt.IsZero() {
		t.Errorf("a new sweep begins with %+v", w)
	}
	w.Since, w.Until, w.NextAt = noon, noon.Add(time.Hour), noon.Add(2*time.Hour)
	w.At = overture.SweepPosition{CampaignID: campaign, RecipientID: 7, Leg: 1}
	if ok, err := s.SaveReceiptSweep(t.Context(), w); err != nil || !ok {
		t.Fatal(ok, err)
	}
	same := func(got overture.ReceiptSweep) {
		t.Helper()
		if !got.Since.Equal(w.Since) || !got.Until.Equal(w.Until) || !got.NextAt.Equal(w.NextAt) || got.At != w.At {
			t.Errorf("%+v, want %+v", got, w)
		}
	}
	same(claim("a", true))
	if storetest.OnPostgres() {
		claim("b", false)
	}
	// A node that relieves another goes on where it stopped; the old one may change nothing any more.
	if err := s.ReleaseReceiptSweeps(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	same(claim("b", true))
	if ok, err := s.SaveReceiptSweep(t.Context(), w); err != nil || ok {
		t.Errorf("the old owner wrote its place: %t, %v", ok, err)
	}
	if ok, err := s.RenewReceiptSweep(t.Context(), w, time.Minute); err != nil || ok {
		t.Errorf("the old owner renewed: %t, %v", ok, err)
	}
	w.Owner = "b"
	if ok, err := s.RenewReceiptSweep(t.Context(), w, time.Minute); err != nil || !ok {
		t.Errorf("the owner could not renew: %t, %v", ok, err)
	}
	// Nobody looked for a while: everything anew, also by the process that froze.
	for i, owner := range []string{"b", "c"} {
		w.Owner = fmt.Sprint(owner)
		set(time.Now().Add(-2 * time.Minute))
		if i == 0 {
			if ok, err := s.RenewReceiptSweep(t.Context(), w, time.Minute); err != nil || ok {
				t.Errorf("a process that was frozen for long went on: %t, %v", ok, err)
			}
		}
		if got := claim(owner, true); !got.Since.IsZero() || !got.Until.IsZero() || !got.NextAt.IsZero() || got.At != (overture.SweepPosition{}) {
			t.Errorf("after nobody looked for a while the sweep goes on with %+v", got)
		}
		if ok, err := s.SaveReceiptSweep(t.Context(), w); err != nil || !ok {
			t.Fatal(ok, err)
		}
	}
}

// A page of the search is a walk along the key from its place on, however many messages there are: neither a sort nor a full scan.
func TestASweepWalksTheKey(t *testing.T) {
	s := storetest.Open(t)
	explain, want := `EXPLAIN QUERY PLAN `, []string{"USING INDEX message_campaign_id_recipient_id_leg (campaign_id=? AND (recipient_id,leg)>(?,?))"}
	if storetest.OnPostgres() {
		explain, want = `EXPLAIN `, []string{"using message_campaign_id_recipient_id_leg", "ROW(recipient_id, leg) > ROW("}
	}
	var plan strings.Builder
	err := s.DB().Transact(t.Context(), func(tx *sql.Tx) error {
		if storetest.OnPostgres() { // its tables are empty: say which plan is possible
			if _, err := tx.Exec(`SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off`); err != nil {
				return err
			}
		}
		rows, err := tx.Query(explain + strings.NewReplacer("$1", "7", "$2", "8", "$3", "0", "$4", "1000").Replace(store.UnconfirmedSQL))
		if err != nil {
			return err
		}
		defer rows.Close()
		columns, err := rows.Columns()
		for err == nil && rows.Next() {
			line := make([]any, len(columns))
			for i := range line {
				line[i] = new(any)
			}
			if err = rows.Scan(line...); err == nil {
				fmt.Fprintln(&plan, *line[len(line)-1].(*any))
			}
		}
		return errors.Join(err, rows.Err())
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range want {
		if !strings.Contains(plan.String(), w) {
			t.Errorf("the plan does not say %q:\n%s", w, &plan)
		}
	}
	for _, bad := range []string{"SCAN", "Seq Scan", "SORT", "Sort"} {
		if strings.Contains(plan.String(), bad) {
			t.Errorf("the plan says %q:\n%s", bad, &plan)
		}
	}
	t.Log(plan.String())
}
