package dispatch

import (
	"context"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/outbound/dispatch/core"
)

// held is a database whose commits wait to be let go, with or without an error.
type held chan error

func (h held) Commit(_ context.Context, _ time.Time, work []overture.SenderWork) ([]overture.CommitResult, error) {
	return make([]overture.CommitResult, len(work)), <-h
}

func (held) WritersRunBeside() bool { return true }

// A committer is stuck while a transaction takes long, and from one that fails to the next that does not.
func TestACommitterThatIsStuckSaysSo(t *testing.T) {
	var mono atomic.Int64
	now := func() core.Moment { return core.Moment{Mono: time.Duration(mono.Load()), Wall: time.Unix(0, 0)} }
	db := make(held)
	c := newCommitter(db, time.Millisecond, now, slog.New(slog.DiscardHandler))
	go c.run()
	head := overture.SenderWork{Lease: overture.Lease{SenderID: 1, Owner: "o", Epoch: 1}}
	until := func(stuck bool, when string) {
		t.Helper()
		for end := time.Now().Add(5 * time.Second); c.stuck(now()) != stuck; time.Sleep(time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("%s: stuck %v", when, !stuck)
			}
		}
	}
	c.settle(head, overture.Settlement{})
	for c.began.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	until(false, "a transaction that has just begun")
	mono.Add(int64(longCommit) + 2)
	until(true, "a transaction that takes long")
	db <- &overture.Error{Kind: overture.Unavailable, Code: "database_busy"}
	until(true, "after one that failed")
	db <- nil // it tries again
	until(false, "after one that was written")
	close(db)
	c.stop()
}
