package store_test

import (
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/store"
	"github.com/overture-im/overture/internal/store/storetest"
)

// A backup is taken while messages are sent: no commit waits for it, and the copy is one moment of the database.
func TestABackupHoldsNobodyUp(t *testing.T) {
	if storetest.OnPostgres() {
		t.Skip("PostgreSQL has base backups")
	}
	p := newPost(t)
	p.limited(20_000, 20_000)
	must(t, p.s.FillFinished(t.Context(), store.Filling{Like: campaign, State: overture.Accepted, Messages: 300_000}, noon.UnixMilli()))
	letters := p.queue(20_000)
	sent := 0
	send := func() (slowest time.Duration) {
		l := letters[sent]
		sent++
		began := time.Now()
		p.mark(l, 1)
		slowest = time.Since(began)
		began = time.Now()
		p.flush(l, 1, overture.Accepted, "accepted")
		return max(slowest, time.Since(began))
	}
	var before, during []time.Duration
	for range 300 {
		before = append(before, send())
	}
	early := sent
	to := filepath.Join(t.TempDir(), "overture.db")
	done := make(chan error, 1)
	began := time.Now()
	go func() { done <- p.s.DB().Snapshot(t.Context(), to) }() // what comes after it works on the copy alone
	var err error
	for over := false; !over; {
		select {
		case err = <-done:
			over = true
		default:
			during = append(during, send())
		}
	}
	must(t, err)
	took := time.Since(began)
	calm, slow, worst := nearlyAll(before), nearlyAll(during), slices.Max(during)
	t.Logf("backup in %v; a commit took %v before it and %v during it, at worst %v", took, calm, slow, worst)
	// A commit that waited for the copy would have waited for half of it at least. Another program may hold up a single one.
	if len(during) < 5 || slow > max(50*time.Millisecond, 3*calm) || worst > max(50*time.Millisecond, took/2) {
		t.Errorf("%d commits while the backup was taken for %v: nine of ten within %v, the slowest %v", len(during), took, slow, worst)
	}

	copied, err := store.Open(t.Context(), store.Options{DataDir: filepath.Dir(to), Sealer: storetest.Plain{}})
	must(t, err)
	defer copied.Close()
	c := &post{t, copied}
	c.sound()
	c.limitsHold()
	if n := c.number(`SELECT COUNT(*) FROM attempt WHERE token LIKE 'tok-%'`); n < early || n > sent {
		t.Errorf("the copy has %d attempts; there were %d at its beginning and %d at its end", n, early, sent)
	}
}

// nearlyAll is what nine of ten stay below: there are a few dozen commits, and other programs on the machine.
func nearlyAll(d []time.Duration) time.Duration {
	sorted := slices.Sorted(slices.Values(d))
	return sorted[len(sorted)*9/10]
}
