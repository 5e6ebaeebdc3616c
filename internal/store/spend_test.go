package store_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/overture-im/overture"
)

// Rows of account_spend are locked in one order because one file writes them. Reading is free.
func TestOneFileWritesWhatAccountsSpent(t *testing.T) {
	writes := regexp.MustCompile(`(?i)(INSERT\s+INTO|UPDATE|DELETE\s+FROM)\s+account_spend\b`)
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		n := len(writes.FindAll(text, -1))
		if n > 0 && name != "spend.go" {
			t.Errorf("%s writes account_spend %d times; spendDays does, in the order of accounts and days", name, n)
		}
		found += n
	}
	if found == 0 {
		t.Error("nobody writes account_spend: this test looks in the wrong place")
	}
}

// Two nodes take from the days of two accounts and give back to them, each the other way round, as often as they can.
func TestSpendOfTwoAccountsFromTwoNodes(t *testing.T) {
	d := newCapDesk(t, 1, 7, 1, 7) // senders 11 and 13 of account 1, 12 and 14 of account 7
	d.exec(`UPDATE account SET settings = '{"rails":{"segments_per_day":100000}}'`)
	work := func(sender int64, n int) overture.SenderWork {
		w, _ := d.ask(sender, overture.Address(fmt.Sprintf("+121255%05d", d.n%100_000)), nil)
		for range n - 1 {
			_, m := d.ask(sender, overture.Address(fmt.Sprintf("+121255%05d", d.n%100_000)), nil)
			w.Marks = append(w.Marks, m)
		}
		return w
	}
	// What each round gives back was marked before.
	const rounds = 40
	var marks, backs [2][]overture.SenderWork
	for range rounds {
		for node, senders := range [2][2]int64{{12, 11}, {13, 14}} { // takes from one account and gives back to the other
			marks[node] = append(marks[node], work(senders[0], 3))
			back := work(senders[1], 3)
			for _, v := range d.commit(back)[0].Verdicts {
				if v != overture.Marked {
					t.Fatal(v)
				}
			}
			for _, m := range back.Marks {
				back.Settlements = append(back.Settlements, overture.Settlement{
					Place: m.Place, Attempt: 1, Token: m.Token, StartedAt: d.now, Outcome: "throttled", State: overture.Queued, RetryAt: d.now.Add(time.Minute), NotAfter: d.now.Add(time.Hour),
				})
			}
			back.Marks = nil
			backs[node] = append(backs[node], back)
		}
	}
	var wg sync.WaitGroup
	for node := range 2 {
		wg.Go(func() {
			for i := range rounds {
				if _, err := d.s.Commit(t.Context(), d.now, []overture.SenderWork{marks[node][i], backs[node][i]}); err != nil {
					t.Errorf("node %d, round %d: %v", node, i, err)
					return
				}
			}
		})
	}
	wg.Wait()
	for _, account := range []int{1, 7} {
		if n := d.number(`SELECT spent FROM account_spend WHERE account_id = $1`, account); n != 3*rounds {
			t.Errorf("account %d spent %d, want %d", account, n, 3*rounds)
		}
	}
}
