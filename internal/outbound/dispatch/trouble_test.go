package dispatch_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/outbound/dispatch"
	"github.com/overture-im/overture/internal/store/storetest"
)

// poisoned is a database that refuses every settlement, for a reason that is not its health.
type poisoned struct{ dispatch.Store }

func (p poisoned) Commit(ctx context.Context, now time.Time, work []overture.SenderWork) ([]overture.CommitResult, error) {
	for _, w := range work {
		if len(w.Settlements) > 0 {
			return nil, errors.New("a value that the database does not take")
		}
	}
	return p.Store.Commit(ctx, now, work)
}

func TestASettlementTheDatabaseRefusesDoesNotHoldTheSenderForever(t *testing.T) {
	inTime(t, func(t *testing.T) {
		h := build(t, 1)
		h.around = func(s dispatch.Store) dispatch.Store { return poisoned{s} }
		stop := h.run("a", short)
		h.until("sent", func() bool { return h.provider.accepted(address(0)) == 1 })
		stopped := make(chan struct{})
		go func() { defer close(stopped); stop() }()
		select {
		case <-stopped:
		case <-time.After(30 * time.Second):
			t.Fatal("the engine did not stop: its runner waits for a settlement that was given up")
		}
		if n := h.number(`SELECT COUNT(*) FROM inflight`); n != 1 {
			t.Errorf("%d markers; the one of the unsettled attempt must stay to be looked up", n)
		}
	})
}

// frozen is a database that, from the nth call of each question on, leaves calls unanswered until its owner thaws it. Callers that gave up
// are let go.
type frozen struct {
	dispatch.Store
	mu   sync.Mutex
	cold bool
	left int // calls that were left without an answer
}

func (f *frozen) freeze(cold bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.cold = cold
}

func (f *frozen) ask(ctx context.Context) error {
	f.mu.Lock()
	cold := f.cold
	if cold {
		f.left++
	}
	f.mu.Unlock()
	if cold {
		<-ctx.Done() // a connection that was cut without a word never answers, whatever the database does later
	}
	return ctx.Err()
}

func (f *frozen) AcquireLease(ctx context.Context, id overture.SenderID, owner string, ttl time.Duration) (overture.Lease, bool, error) {
	if err := f.ask(ctx); err != nil {
		return overture.Lease{}, false, err
	}
	return f.Store.AcquireLease(ctx, id, owner, ttl)
}

func (f *frozen) OpenLanes(ctx context.Context, id overture.SenderID) ([]overture.Lane, error) {
	if err := f.ask(ctx); err != nil {
		return nil, err
	}
	return f.Store.OpenLanes(ctx, id)
}

func (f *frozen) SendersWithWork(ctx context.Context) ([]overture.SenderID, error) {
	if err := f.ask(ctx); err != nil {
		return nil, err
	}
	return f.Store.SendersWithWork(ctx)
}

func (f *frozen) DueMessages(ctx context.Context, id overture.LaneID, now time.Time, after overture.Place, limit int) ([]overture.DueMessage, overture.Place, bool, error) {
	if err := f.ask(ctx); err != nil {
		return nil, after, false, err
	}
	return f.Store.DueMessages(ctx, id, now, after, limit)
}

func (f *frozen) InflightCount(ctx context.Context, id overture.SenderID) (int, error) {
	if err := f.ask(ctx); err != nil {
		return 0, err
	}
	return f.Store.InflightCount(ctx, id)
}

func (f *frozen) SenderForDispatch(ctx context.Context, id overture.SenderID) (overture.Sender, error) {
	if err := f.ask(ctx); err != nil {
		return overture.Sender{}, err
	}
	return f.Store.SenderForDispatch(ctx, id)
}

// F-PG5: connections that are cut without a word answer nobody, ever. The engine gives them up and goes on over new ones.
func TestQuestionsThatAreNeverAnsweredAreGivenUp(t *testing.T) {
	if storetest.OnPostgres() {
		t.Skip("the database here is a fake that does not answer, and the waiting is minutes of real time")
	}
	inTime(t, func(t *testing.T) {
		h := build(t, 300)
		h.exec(`UPDATE lane SET rate = 100 WHERE id = $1`, lane)
		book := &frozen{}
		h.around = func(s dispatch.Store) dispatch.Store { book.Store = s; return book }
		h.run("a", short)
		h.until("some sent", func() bool { return h.number(`SELECT COUNT(*) FROM attempt`) > 20 })
		book.freeze(true)
		time.Sleep(time.Second)
		book.freeze(false)
		h.until("the rest, soon after", h.drained)
		if book.left == 0 {
			t.Error("no call was left without an answer: the test tests nothing")
		}
		h.sums(map[overture.State]int{overture.Accepted: 300})
	})
}

func TestDoubtsOfAProviderThisNodeDoesNotKnowAreHeld(t *testing.T) {
	inTime(t, func(t *testing.T) {
		h := build(t, 1)
		now := time.Now().UnixMilli()
		h.exec(`INSERT INTO inflight (message_id, lane_id, sender_id, due_at, not_after, epoch, attempt, token, started_at, state, lookups, next_lookup_at)
			SELECT message_id, lane_id, $1, due_at, not_after, 0, 1, 'old', $2, 'attempting', 0, $2 FROM dispatch`, sender, now)
		h.provider = nil
		h.run("a", short)
		h.until("held", func() bool { return h.state(0) == overture.Held })
		h.sums(map[overture.State]int{overture.Held: 1})
	})
}
