package dispatch_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
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

// rowless is a database that has lost the sender's row, until it is put back.
type rowless struct {
	dispatch.Store
	back  atomic.Bool
	asked atomic.Int32
}

func (r *rowless) SenderForDispatch(ctx context.Context, id overture.SenderID) (overture.Sender, error) {
	if r.asked.Add(1); !r.back.Load() {
		return overture.Sender{}, overture.ErrNotFound("sender")
	}
	return r.Store.SenderForDispatch(ctx, id)
}

// told counts log lines by level.
type told struct {
	slog.Handler
	mu    sync.Mutex
	lines map[slog.Level][]string
}

func (o *told) Handle(_ context.Context, r slog.Record) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.lines[r.Level] = append(o.lines[r.Level], r.Message)
	return nil
}

func (o *told) at(level slog.Level) []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.lines[level])
}

func (o *told) Enabled(context.Context, slog.Level) bool { return true }

func TestASenderWithoutARowIsToldOnce(t *testing.T) {
	inTime(t, func(t *testing.T) {
		h := build(t, 1)
		log := &told{Handler: slog.DiscardHandler, lines: map[slog.Level][]string{}}
		book := &rowless{}
		h.log = slog.New(log)
		h.around = func(s dispatch.Store) dispatch.Store { book.Store = s; return book }
		h.run("a", short)
		h.until("looked for it again and again", func() bool { return book.asked.Load() > 5 })
		if lines := log.at(slog.LevelError); len(lines) != 1 || !strings.Contains(lines[0], "Restore a backup") {
			t.Errorf("told %q", lines)
		}
		if n := h.number(`SELECT COUNT(*) FROM sender_lease`); n != 0 {
			t.Error("it takes the lease of a sender that it cannot work for")
		}
		book.back.Store(true)
		h.until("sent", func() bool { return h.provider.accepted(address(0)) == 1 })
		if lines := log.at(slog.LevelInfo); !slices.Contains(lines, "sender works again") || len(log.at(slog.LevelError)) != 1 {
			t.Errorf("told %q", lines)
		}
	})
}

// A campaign is launched while its sender works for another one. Its first message goes at once.
func TestALaunchDoesNotWaitForTheNextLookAtLanes(t *testing.T) {
	if storetest.OnPostgres() {
		t.Skip("needs a clock that stands still while the engine works")
	}
	synctest.Test(t, func(t *testing.T) {
		h := build(t, 1)
		h.wake = make(chan struct{}, 1)
		h.run("a", short)
		h.until("the first is sent", func() bool { return h.provider.accepted(address(0)) == 1 })
		for i := range 12 { // whenever the lanes were read last
			time.Sleep(time.Duration(270+20*i) * time.Millisecond) // shorter than a tenure without work
			id, now := int64(5000+i), time.Now()
			h.exec(`INSERT INTO campaign (id, account_id, brand_id, name, channel, sender_id, skill_id, text, opt_out_text, smart_encoding, state, send_window, rate, lookback,
				policy, open_conversation, reason, recipient_count, list_hash, content_hash, created_by, created_at, updated_at, planned_through, planning)
				SELECT $1, account_id, brand_id, name, channel, sender_id, skill_id, 'Hi', opt_out_text, smart_encoding, state, send_window, rate, lookback,
				policy, open_conversation, reason, recipient_count, list_hash, content_hash, created_by, created_at, updated_at, planned_through, planning FROM campaign WHERE id = $2`, id, campaign)
			h.exec(`INSERT INTO lane (id, account_id, sender_id, campaign_id, kind, state, rate, weight) VALUES ($1, $2, $3, $1, 'campaign', 'open', 0, 1)`, id, account, sender)
			h.exec(`INSERT INTO message (id, account_id, campaign_id, recipient_id, entry_id, sender_id, lane_id, leg, address, body, state, attempts, segments,
				provider_id, code, reason, updated_at) VALUES ($1, $2, $1, $1, 0, $3, $1, 0, $4, '', 0, 0, 1, '', 0, '', $5)`, id, account, sender, string(address(100+i)), now.UnixMilli())
			h.exec(`INSERT INTO dispatch (lane_id, due_at, message_id, not_after) VALUES ($1, $2, $1, $3)`, id, now.UnixMilli(), now.Add(time.Hour).UnixMilli())
			h.exec(`INSERT INTO campaign_count (campaign_id, state, n) VALUES ($1, 0, 1)`, id)
			h.wake <- struct{}{}
			h.until("the launched one is sent", func() bool { return h.provider.accepted(address(100+i)) == 1 })
			if took := time.Since(now); took > 50*time.Millisecond {
				t.Errorf("launch %d: the first request came after %v", i, took)
			}
		}
	})
}

// Everything is stopped while the engine is in full swing: what was marked before goes, nothing is marked after, and what waits stays where it is.
func TestStopAllAgainstSending(t *testing.T) {
	inTime(t, func(t *testing.T) {
		h := build(t, 3000)
		h.run("a", short)
		h.until("many are sent", func() bool { return h.number(`SELECT COUNT(*) FROM attempt`) > 300 })
		if err := h.s.SetEverythingStopped(t.Context(), true, "incident", time.Now()); err != nil {
			t.Fatal(err)
		}
		at := time.Now().UnixMilli()
		marked := h.number(`SELECT (SELECT COUNT(*) FROM attempt) + (SELECT COUNT(*) FROM inflight)`)
		if marked == 3000 {
			t.Fatal("all were marked before the stop: this test sees nothing")
		}
		h.until("what was marked has ended", func() bool { return h.number(`SELECT COUNT(*) FROM inflight`) == 0 })
		time.Sleep(2 * time.Second) // several looks at lanes and senders
		sent := h.number(`SELECT COUNT(*) FROM attempt`)
		late := 0
		if storetest.OnPostgres() { // a transaction that was open at the stop may have made one more batch of marks
			late = 100
		}
		if sent < marked || sent > marked+late || h.number(`SELECT COUNT(*) FROM attempt WHERE started_at > $1`, at+1000) != 0 {
			t.Errorf("%d were marked when everything was stopped, and %d were attempted", marked, sent)
		}
		if left := h.number(`SELECT COUNT(*) FROM dispatch`); left != 3000-h.number(`SELECT COUNT(*) FROM message WHERE state > 0`) {
			t.Errorf("%d wait", left)
		}
		if err := h.s.SetEverythingStopped(t.Context(), false, "", time.Now()); err != nil {
			t.Fatal(err)
		}
		h.until("the rest is sent", h.drained)
	})
}

// deaf is a database that writes marks beside settlements and, while it is full, no settlement.
type deaf struct {
	dispatch.Store
	full atomic.Bool
}

func (*deaf) WritersRunBeside() bool { return true }

func (d *deaf) Commit(ctx context.Context, now time.Time, work []overture.SenderWork) ([]overture.CommitResult, error) {
	for _, w := range work {
		if len(w.Settlements) > 0 && d.full.Load() {
			return nil, &overture.Error{Kind: overture.Unavailable, Code: "database_full"}
		}
	}
	return d.Store.Commit(ctx, now, work)
}

// While settlements cannot be written beside the marks, marking stops: what a crash would leave in doubt does not grow.
func TestMarksStopWhileSettlementsCannotBeWritten(t *testing.T) {
	inTime(t, func(t *testing.T) {
		const all = 3000
		h := build(t, all)
		db := &deaf{}
		db.full.Store(true)
		h.around = func(s dispatch.Store) dispatch.Store { db.Store = s; return db }
		h.run("a", dispatch.Config{Connections: 4})
		time.Sleep(2 * time.Second)
		early := h.number(`SELECT COUNT(*) FROM inflight`)
		time.Sleep(10 * time.Second) // at 1,000 a second all would have gone
		late := h.number(`SELECT COUNT(*) FROM inflight`)
		if early == 0 || late > all/3 {
			t.Errorf("%d markers after two seconds, %d after twelve", early, late)
		}
		db.full.Store(false)
		h.until("all are sent", h.drained)
		h.sums(map[overture.State]int{overture.Accepted: all})
	})
}
