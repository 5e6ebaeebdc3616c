package dispatch_test

import (
	"context"
	"testing"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/store/storetest"
)

// commit writes one sender's work and fails the test when that does not go.
func (h *house) commit(w overture.SenderWork) overture.CommitResult {
	h.t.Helper()
	res, err := h.s.Commit(h.t.Context(), time.Now(), []overture.SenderWork{w})
	if err != nil {
		h.t.Fatal(err)
	}
	return res[0]
}

// lease takes the sender for an owner, also from another one.
func (h *house) lease(owner string) overture.SenderWork {
	h.t.Helper()
	h.exec(`UPDATE sender_lease SET expires_at = 0`)
	lease, ok, err := h.s.AcquireLease(h.t.Context(), sender, owner, time.Minute)
	if err != nil || !ok {
		h.t.Fatal(ok, err)
	}
	return overture.SenderWork{Lease: lease, BrandID: brand, AccountID: account, Channel: overture.SMS}
}

func (h *house) due() []overture.DueMessage {
	h.t.Helper()
	due, _, _, err := h.s.DueMessages(h.t.Context(), lane, time.Now(), overture.Place{}, 10)
	if err != nil {
		h.t.Fatal(err)
	}
	return due
}

// A move has no marker of its own, so nothing but the lease fences it. An old owner that moved the dispatch row of a message which the new
// owner has marked would leave a row behind that the settlement does not find, and the person would get the message twice.
func TestAMoveNeverTouchesAnothersOrAMarkedMessage(t *testing.T) {
	inTime(t, func(t *testing.T) {
		h := build(t, 2)
		old := h.lease("a")
		due := h.due()
		later := due[0].Due.Add(10 * time.Minute)
		now := h.lease("b")
		mark := now
		mark.Marks = []overture.Mark{{Place: due[0].Place, Attempt: 1, Token: "t", Address: due[0].Address, LookupAt: time.Now().Add(time.Minute)}}
		if v := h.commit(mark).Verdicts[0]; v != overture.Marked {
			t.Fatalf("verdict %v", v)
		}
		moves := []overture.Move{
			{Place: due[0].Place, State: overture.Queued, NewDue: later, NotAfter: later.Add(time.Hour)},
			{Place: due[1].Place, State: overture.Queued, NewDue: later, NotAfter: later.Add(time.Hour)},
		}
		old.Moves = moves
		h.commit(old)
		old.Moves = []overture.Move{{Place: due[1].Place, State: overture.Expired, Reason: overture.ReasonValidityOver}}
		h.commit(old)
		if n := h.number(`SELECT COUNT(*) FROM dispatch WHERE due_at = $1`, due[0].Due.UnixMilli()); n != 2 {
			t.Errorf("%d messages stand where they were after an old owner's moves, want 2", n)
		}
		own := now // the new owner's own move of a message that was read before it was marked
		own.Moves = moves
		h.commit(own)
		if n := h.number(`SELECT COUNT(*) FROM dispatch WHERE message_id = $1 AND due_at = $2`, int64(h.ids[0]), due[0].Due.UnixMilli()); n != 1 {
			t.Errorf("a marked message was moved")
		}
		end := now
		end.Settlements = []overture.Settlement{{Place: due[0].Place, Attempt: 1, Token: "t", StartedAt: time.Now(), Outcome: "accepted", State: overture.Accepted, ProviderID: "SM1"}}
		h.commit(end)
		if n := h.number(`SELECT COUNT(*) FROM dispatch WHERE message_id = $1`, int64(h.ids[0])); n != 0 {
			t.Errorf("an accepted message is still in the queue: it would be sent again")
		}
		if n := h.number(`SELECT COUNT(*) FROM dispatch WHERE message_id = $1 AND due_at = $2`, int64(h.ids[1]), later.UnixMilli()); n != 1 {
			t.Errorf("the owner's move of a queued message did nothing")
		}
		h.sums(map[overture.State]int{overture.Accepted: 1, overture.Queued: 1})
	})
}

// I7 on PostgreSQL: an opt-out that the provider reports waits, like every other, for the attempts that other nodes are committing for the
// brand, so that none of them commits after it.
func TestAProvidersOptOutWaitsForAttemptsOfOtherNodes(t *testing.T) {
	if !storetest.OnPostgres() {
		t.Skip("SQLite has one writer")
	}
	h := build(t, 1)
	w := h.lease("a")
	due := h.due()
	mark := w
	mark.Marks = []overture.Mark{{Place: due[0].Place, Attempt: 1, Token: "t", Address: due[0].Address, LookupAt: time.Now().Add(time.Minute)}}
	h.commit(mark)
	other, err := h.s.DB().Write.BeginTx(t.Context(), nil) // what another node's marks hold until they are durable
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = other.Rollback() }()
	if _, err := other.ExecContext(t.Context(), `SELECT 1 FROM brand WHERE id = $1 FOR SHARE`, brand); err != nil {
		t.Fatal(err)
	}
	refused := w
	refused.Settlements = []overture.Settlement{{
		Place: due[0].Place, Attempt: 1, Token: "t", StartedAt: time.Now(), Outcome: "refused",
		State: overture.Suppressed, Reason: overture.ReasonOptedOut, OptOut: true,
	}}
	done := make(chan error, 1)
	go func() {
		_, err := h.s.Commit(context.Background(), time.Now(), []overture.SenderWork{refused}) //nolint:usetesting // may outlive a failed test
		done <- err
	}()
	select {
	case err := <-done:
		t.Fatalf("the opt-out was committed under another node's attempt: %v", err)
	case <-time.After(300 * time.Millisecond):
	}
	if err := other.Commit(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if n := h.number(`SELECT COUNT(*) FROM opt_out`); n != 1 {
		t.Errorf("%d opt-outs, want 1", n)
	}
}

// Receipts lock markers in the order of their ids. Settlements must too, whatever their outcomes, or the two wait for each other until
// PostgreSQL ends one after a second, in which no sender of the node marks anything.
func TestSettlementsAndReceiptsNeverWaitForEachOther(t *testing.T) {
	if !storetest.OnPostgres() {
		t.Skip("SQLite has one writer")
	}
	accepted := overture.Settlement{Attempt: 1, Token: "t", StartedAt: time.Now(), Outcome: "accepted", State: overture.Accepted, ProviderID: "SM1", HTTPStatus: 201}
	doubt := overture.Settlement{Attempt: 1, Token: "t", StartedAt: time.Now(), Outcome: "unknown", State: overture.Unknown, LookupAt: time.Now().Add(time.Minute)}
	t.Run("both accepted", func(t *testing.T) { settleAgainstReceipts(t, accepted, accepted) })
	t.Run("one in doubt", func(t *testing.T) { settleAgainstReceipts(t, doubt, accepted) })
}

// settleAgainstReceipts settles two messages, the second first, while receipts of both come in order.
func settleAgainstReceipts(t *testing.T, first, second overture.Settlement) {
	t.Helper()
	h := build(t, 2)
	w := h.lease("a")
	due := h.due()
	mark := w
	for i, m := range due {
		mark.Marks = append(mark.Marks, overture.Mark{Place: m.Place, Attempt: 1, Token: "t", Address: address(i), LookupAt: time.Now().Add(time.Minute)})
	}
	h.commit(mark)
	receipts, err := h.s.DB().Write.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = receipts.Rollback() }()
	lock := func(id overture.MessageID) error {
		_, err := receipts.ExecContext(t.Context(), `SELECT 1 FROM inflight WHERE message_id = $1 FOR UPDATE`, id)
		return err
	}
	if err := lock(h.ids[0]); err != nil {
		t.Fatal(err)
	}
	end := w
	first.Place, second.Place = due[0].Place, due[1].Place
	end.Settlements = []overture.Settlement{second, first}
	done := make(chan error, 1)
	go func() {
		_, err := h.s.Commit(context.Background(), time.Now(), []overture.SenderWork{end}) //nolint:usetesting // may outlive a failed test
		done <- err
	}()
	h.until("the settlements wait for the receipts", func() bool {
		return h.number(`SELECT COUNT(*) FROM pg_locks WHERE NOT granted AND transactionid IS NOT NULL`) > 0
	})
	if err := lock(h.ids[1]); err != nil {
		t.Fatalf("receipts: %v", err)
	}
	if err := receipts.Commit(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatalf("settlements: %v", err)
	}
}
