package store_test

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/overture-im/overture"
)

// What an owner left in doubt who is gone is told apart from what the provider left in doubt: in the counts of the guard, and in what a resume
// acknowledges.
func TestAdoptedDoubtsAreToldApart(t *testing.T) {
	p := newPost(t)
	p.launched()
	window, err := json.Marshal(overture.AlwaysOpen())
	if err != nil {
		t.Fatal(err)
	}
	p.exec(`UPDATE campaign SET send_window = $1`, string(window))
	ls := p.queue(5)
	for _, l := range ls {
		p.mark(l, 1)
	}
	doubt := overture.Settlement{Place: ls[0].place, Attempt: 1, Token: tokenOf(ls[0], 1), StartedAt: noon, State: overture.Unknown, Outcome: "unknown", LookupAt: noon.Add(time.Minute)}
	if r := p.commit(overture.SenderWork{Settlements: []overture.Settlement{doubt}}); r.Superseded != 0 {
		t.Fatal("the doubt was superseded")
	}
	guarded := func() overture.Guarded {
		t.Helper()
		all, err := p.s.GuardedCampaigns(t.Context())
		if err != nil || len(all) != 1 {
			t.Fatalf("%d campaigns: %v", len(all), err)
		}
		return all[0]
	}
	if g := guarded(); g.Counts[overture.Unknown] != 1 || g.Adopted != 0 {
		t.Errorf("%d in doubt, %d of them adopted, want 1 and 0", g.Counts[overture.Unknown], g.Adopted)
	}
	next := overture.Lease{SenderID: 21, Owner: "you", Epoch: epoch + 1}
	p.exec(`UPDATE sender_lease SET owner = $1, epoch = $2 WHERE sender_id = 21`, next.Owner, next.Epoch)
	if n, err := p.s.AdoptInflight(t.Context(), next, noon, time.Minute); err != nil || n != len(ls) {
		t.Fatalf("%d adopted: %v", n, err)
	}
	if g := guarded(); g.Counts[overture.Unknown] != 5 || g.Adopted != 4 {
		t.Errorf("%d in doubt, %d of them adopted, want 5 and 4", g.Counts[overture.Unknown], g.Adopted)
	}
	by := overture.Actor{AccountID: 1}
	if _, err := p.s.PauseCampaign(t.Context(), by, campaign, "a look", noon); err != nil {
		t.Fatal(err)
	}
	if _, err := p.s.ResumeCampaign(t.Context(), by, campaign, noon); err != nil {
		t.Fatal(err)
	}
	if known := guarded().Watch.Known.Unknown; known != 1 {
		t.Errorf("a resume acknowledges %d doubts, want the provider's 1", known)
	}
}

// Every node asks for every sender with work, twice a second. Asking must not wait for the owner's marks, which lock the lease's row, and must not
// lock it against them. SQLite has one node.
func TestAskingForAHeldSenderWaitsForNobody(t *testing.T) {
	p := newPost(t)
	if !p.s.DB().Postgres() {
		t.Skip("several nodes need PostgreSQL")
	}
	if _, ok, err := p.s.AcquireLease(t.Context(), 21, "me", time.Minute); err != nil || !ok {
		t.Fatalf("mine: %v %v", ok, err)
	}
	tx, err := p.s.DB().Write.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback() }()
	if _, err := tx.ExecContext(t.Context(), `SELECT 1 FROM sender_lease WHERE sender_id = 21 FOR SHARE`); err != nil {
		t.Fatal(err)
	}
	soon, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if lease, ok, err := p.s.AcquireLease(soon, 21, "you", time.Minute); err != nil || ok {
		t.Errorf("a held sender beside the owner's marks: %v %v %v", lease, ok, err)
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	p.exec(`UPDATE sender_lease SET expires_at = 1`)
	if lease, ok, err := p.s.AcquireLease(t.Context(), 21, "you", time.Minute); err != nil || !ok || lease.Epoch != epoch+1 {
		t.Errorf("a lease that ran out: %v %v %v", lease, ok, err)
	}
}
