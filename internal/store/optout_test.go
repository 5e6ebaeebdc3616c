package store_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/store"
	"github.com/overture-im/overture/internal/store/storetest"
)

// desk is one account with a brand and two numbers, written straight into the tables so that these tests stand on nothing else.
type desk struct {
	s       *store.Store
	account overture.AccountID
	brand   overture.BrandID
	senders [2]overture.Sender
}

func newDesk(t testing.TB, s *store.Store) desk {
	t.Helper()
	d := desk{s: s, account: overture.AccountID(s.NewID()), brand: overture.BrandID(s.NewID())}
	deskExec(t, s, `INSERT INTO account (id, name, enabled, settings, created_at) VALUES ($1, 'Acme', TRUE, '{}', 0)`, d.account)
	deskExec(t, s, `INSERT INTO brand (id, account_id, name, created_at) VALUES ($1, $2, 'Acme', 0)`, d.brand, d.account)
	for i := range d.senders {
		d.senders[i] = overture.Sender{
			ID: overture.SenderID(s.NewID()), AccountID: d.account, BrandID: d.brand, Channel: overture.SMS, Provider: "twilio",
			Address: overture.Address(fmt.Sprintf("+1212555010%d", i)), WebhookKey: fmt.Sprintf("key%d", s.NewID()),
		}
		deskExec(t, s, `INSERT INTO sender (id, account_id, brand_id, name, channel, provider, address, base_url, account_sid, sealed_credentials, messaging_service_sid,
			webhook_key, rate, stopped, stop_reason, created_at) VALUES ($1, $2, $3, 'main', 'sms', 'twilio', $4, '', '', '', '', $5, 1, FALSE, '', 0)`,
			d.senders[i].ID, d.account, d.brand, string(d.senders[i].Address), d.senders[i].WebhookKey)
	}
	return d
}

func deskExec(t testing.TB, s *store.Store, query string, args ...any) {
	t.Helper()
	if _, err := s.DB().Write.ExecContext(context.Background(), query, args...); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

func deskCount(t testing.TB, s *store.Store, query string, args ...any) int {
	t.Helper()
	var n int
	if err := s.DB().Read.QueryRowContext(context.Background(), query, args...).Scan(&n); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}

func (d desk) optOut(address string, at time.Time) overture.OptOut {
	return overture.OptOut{
		AccountID: d.account, BrandID: d.brand, Channel: overture.SMS, Address: overture.Address(address), Source: overture.OptOutAPI,
		Evidence: "asked by phone", CreatedAt: at,
	}
}

var deskNoon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

func TestOptOutAndBack(t *testing.T) {
	s := storetest.Open(t)
	d, other := newDesk(t, s), newDesk(t, s)
	ctx := t.Context()
	o := d.optOut("+12125550199", deskNoon)
	out := func(dd desk) bool {
		t.Helper()
		yes, err := s.IsOptedOut(ctx, dd.account, dd.brand, overture.SMS, o.Address)
		if err != nil {
			t.Fatal(err)
		}
		return yes
	}
	if fresh, err := s.OptOut(ctx, overture.Actor{AccountID: d.account}, o); err != nil || !fresh {
		t.Fatalf("first opt-out: %v, %v", fresh, err)
	}
	if fresh, err := s.OptOut(ctx, overture.Actor{AccountID: d.account}, o); err != nil || fresh {
		t.Fatalf("second opt-out: %v, %v", fresh, err)
	}
	if !out(d) || out(other) {
		t.Errorf("opted out of own brand %v, of another account's %v", out(d), out(other))
	}
	back := o
	back.Evidence = "signed form of March 3"
	if lifted, err := s.OptIn(ctx, overture.Actor{AccountID: d.account}, back); err != nil || !lifted {
		t.Fatalf("opt-in: %v, %v", lifted, err)
	}
	if lifted, err := s.OptIn(ctx, overture.Actor{AccountID: d.account}, back); err != nil || lifted {
		t.Fatalf("second opt-in: %v, %v", lifted, err)
	}
	if out(d) {
		t.Error("still opted out after the opt-in")
	}
	events, err := s.ConsentEvents(ctx, d.account, o.Address)
	if err != nil {
		t.Fatal(err)
	}
	var kinds []overture.ConsentKind
	for _, e := range events {
		kinds = append(kinds, e.Kind)
	}
	if fmt.Sprint(kinds) != "[opt_out opt_out opt_in opt_in]" {
		t.Errorf("ledger %v", kinds)
	}
	if events[2].Evidence != back.Evidence || events[2].Source != overture.OptOutAPI || !events[2].At.Equal(deskNoon) {
		t.Errorf("opt-in's evidence: %+v", events[2])
	}
}

func TestOptOutOfAnotherAccountsBrand(t *testing.T) {
	s := storetest.Open(t)
	d, other := newDesk(t, s), newDesk(t, s)
	o := d.optOut("+12125550199", deskNoon)
	o.BrandID = other.brand
	if _, err := s.OptOut(t.Context(), overture.Actor{AccountID: d.account}, o); !errors.Is(err, overture.NotFound) {
		t.Errorf("opt-out: %v, want not found", err)
	}
	if _, err := s.OptIn(t.Context(), overture.Actor{AccountID: d.account}, o); !errors.Is(err, overture.NotFound) {
		t.Errorf("opt-in: %v, want not found", err)
	}
	if n := deskCount(t, s, `SELECT (SELECT count(*) FROM opt_out) + (SELECT count(*) FROM consent_event)`); n != 0 {
		t.Errorf("%d rows were written", n)
	}
}

func TestOptOutReviewIsSettledByACertainOne(t *testing.T) {
	s := storetest.Open(t)
	d := newDesk(t, s)
	o := d.optOut("+12125550199", deskNoon)
	o.Review = true
	for range 2 {
		if _, err := s.OptOut(t.Context(), overture.Actor{AccountID: d.account}, o); err != nil {
			t.Fatal(err)
		}
	}
	waiting := overture.OptOutFilter{AccountID: d.account, Review: true, Limit: 10}
	if page, _, err := s.OptOuts(t.Context(), waiting); err != nil || len(page) != 1 || !page[0].Review {
		t.Fatalf("to review: %v, %v", page, err)
	}
	o.Review = false
	if _, err := s.OptOut(t.Context(), overture.Actor{AccountID: d.account}, o); err != nil {
		t.Fatal(err)
	}
	if page, _, err := s.OptOuts(t.Context(), waiting); err != nil || len(page) != 0 {
		t.Fatalf("still to review: %v, %v", page, err)
	}
	if n := deskCount(t, s, `SELECT count(*) FROM consent_event WHERE review`); n != 2 {
		t.Errorf("%d ledger lines are marked for review, want the 2 that were", n)
	}
}

func TestOptOutsPages(t *testing.T) {
	s := storetest.Open(t)
	d, other := newDesk(t, s), newDesk(t, s)
	for i := range 7 {
		// Three share a millisecond, so that the cursor must tell them apart.
		if _, err := s.OptOut(t.Context(), overture.Actor{AccountID: d.account}, d.optOut(fmt.Sprintf("+1212555010%d", i), deskNoon.Add(time.Duration(i/3)*time.Second))); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.OptOut(t.Context(), overture.Actor{AccountID: d.account}, other.optOut("+12125550109", deskNoon)); err != nil {
		t.Fatal(err)
	}
	f := overture.OptOutFilter{AccountID: d.account, Limit: 2}
	var seen []string
	for {
		page, next, err := s.OptOuts(t.Context(), f)
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range page {
			seen = append(seen, string(o.Address[len(o.Address)-1:]))
		}
		if next == "" {
			break
		}
		f.Cursor = next
	}
	if fmt.Sprint(seen) != "[6 3 4 5 0 1 2]" {
		t.Errorf("pages gave %v", seen)
	}
	for search, want := range map[string]int{"5550103": 1, "+1212": 7, "%": 0, "_": 0, "999": 0} {
		page, _, err := s.OptOuts(t.Context(), overture.OptOutFilter{AccountID: d.account, Search: search, Limit: 10})
		if err != nil || len(page) != want {
			t.Errorf("search %q found %d, %v; want %d", search, len(page), err, want)
		}
	}
	for _, cursor := range []string{"nonsense", "!!", "MTIz"} {
		if _, _, err := s.OptOuts(t.Context(), overture.OptOutFilter{AccountID: d.account, Cursor: cursor, Limit: 2}); !errors.Is(err, overture.Invalid) {
			t.Errorf("cursor %q: %v, want invalid", cursor, err)
		}
	}
}

// TestOptOutWaitsForCommittedAttempts: the dispatch engine holds the brand FOR SHARE while it marks attempts. An opt-out that comes in the
// meantime is not committed before those marks are, so that no mark after it can have missed it (I7).
func TestOptOutWaitsForCommittedAttempts(t *testing.T) {
	if !storetest.OnPostgres() {
		t.Skip("SQLite has one writer: nothing can be marked meanwhile")
	}
	s := storetest.Open(t)
	d := newDesk(t, s)
	ctx := t.Context()
	marks, err := s.DB().Write.BeginTx(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	var id int64
	if err := marks.QueryRowContext(ctx, `SELECT id FROM brand WHERE id = $1 FOR SHARE`, d.brand).Scan(&id); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		_, err := s.OptOut(ctx, overture.Actor{AccountID: d.account}, d.optOut("+12125550199", deskNoon))
		done <- err
	}()
	for deskCount(t, s, `SELECT count(*) FROM pg_locks WHERE NOT granted`) == 0 {
		select {
		case err := <-done:
			t.Fatalf("the opt-out did not wait: %v", err)
		default:
			runtime.Gosched()
		}
	}
	if err := marks.Commit(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}
