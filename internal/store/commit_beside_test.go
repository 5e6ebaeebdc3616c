package store_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/overture-im/overture"
)

// A node marks for two senders and settles for both at the same time, the settlements with opt-outs and with messages that go back to their
// limits: brands and lanes are locked in one order, whatever the order of accounts. SQLite writes them one after the other.
func TestMarksBesideSettlementsOfTwoSenders(t *testing.T) {
	d := newCapDesk(t, 7, 1) // sender 11 of account 7, sender 12 of account 1, whose turn comes first
	d.exec(`INSERT INTO brand (id, account_id, name, created_at) VALUES (3, 7, 'b', 0)`)
	d.exec(`INSERT INTO brand (id, account_id, name, created_at) VALUES (4, 1, 'b4', 0)`)
	d.exec(`UPDATE sender SET brand_id = id - 8`) // 3 and 4
	d.exec(`UPDATE lane SET allowance = 1000, budget = 1000`)
	work := func(sender int64) overture.SenderWork {
		var w overture.SenderWork
		for range 4 {
			one, m := d.ask(sender, overture.Address(fmt.Sprintf("+121255%05d", (d.n+1)%100_000)), nil)
			w.Lease, w.AccountID, w.Channel, w.BrandID = one.Lease, one.AccountID, one.Channel, overture.BrandID(sender-8)
			w.Marks = append(w.Marks, m)
		}
		return w
	}
	const rounds = 20
	var marks, ends [][]overture.SenderWork
	for range rounds {
		var end []overture.SenderWork
		for _, sender := range []int64{11, 12} {
			w := work(sender)
			d.commit(w)
			for i, m := range w.Marks {
				x := overture.Settlement{Place: m.Place, Attempt: 1, Token: m.Token, StartedAt: d.now, NotAfter: d.now.Add(time.Hour)}
				if i%2 == 0 {
					x.Outcome, x.State, x.OptOut, x.Code, x.Reason = "refused", overture.Suppressed, true, 21610, overture.ReasonOptedOut
				} else {
					x.Outcome, x.State, x.RetryAt = "throttled", overture.Queued, d.now.Add(time.Minute)
				}
				w.Settlements = append(w.Settlements, x)
			}
			w.Marks = nil
			end = append(end, w)
		}
		marks, ends = append(marks, []overture.SenderWork{work(11), work(12)}), append(ends, end)
	}
	var wg sync.WaitGroup
	for _, side := range [][][]overture.SenderWork{marks, ends} {
		wg.Go(func() {
			for i, w := range side {
				if _, err := d.s.Commit(t.Context(), d.now, w); err != nil {
					t.Errorf("round %d: %v", i, err)
					return
				}
			}
		})
	}
	wg.Wait()
	if n := d.number(`SELECT COUNT(*) FROM inflight`); n != 8*rounds {
		t.Errorf("%d markers, want %d", n, 8*rounds)
	}
	if n := d.number(`SELECT COUNT(*) FROM opt_out`); n != 4*rounds {
		t.Errorf("%d opt-outs, want %d", n, 4*rounds)
	}
	for lane, want := range map[int]int64{211: 1000 - 6*rounds, 212: 1000 - 6*rounds} { // marked, and not given back
		if n := d.number(`SELECT allowance FROM lane WHERE id = $1`, lane); n != want {
			t.Errorf("lane %d has %d left, want %d", lane, n, want)
		}
	}
}
