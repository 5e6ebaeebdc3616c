package retention_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/retention"
)

// fake is a store with people to delete. Each deletion takes a while.
type fake struct {
	people  map[overture.CampaignID]int // of account 1
	other   map[string]int
	took    time.Duration
	sending bool
	turns   int // how many claims are granted; below zero: all
	fail    error
	ran     []string
	steps   []time.Time
	due     bool
	days    int
}

func (f *fake) ClaimRetention(context.Context, string, time.Duration) (bool, error) {
	f.turns--
	return f.turns != -1, nil
}
func (f *fake) ReleaseRetention(context.Context, string) error { return nil }

func (f *fake) RetentionDue(context.Context, time.Time) ([]overture.AccountID, error) {
	if f.due {
		return []overture.AccountID{1}, nil
	}
	return nil, nil
}

func (f *fake) Retention(context.Context, overture.AccountID) (overture.Retention, error) {
	r := overture.Retention{AccountID: 1, Version: 3, Days: map[overture.RetentionClass]int{}}
	for _, c := range overture.RetentionClasses() {
		r.Days[c] = f.days
	}
	return r, nil
}

func (f *fake) RetentionRan(_ context.Context, _ overture.AccountID, version int, deleted string, _ time.Time) error {
	if version != 3 {
		return errors.New("another version")
	}
	f.ran, f.due = append(f.ran, deleted), false
	return nil
}

func (f *fake) SendersWithWork(context.Context) ([]overture.SenderID, error) {
	if f.sending {
		return []overture.SenderID{1}, nil
	}
	return nil, nil
}

func (f *fake) OldCampaigns(context.Context, overture.Retention, time.Time) (ids []overture.CampaignID, err error) {
	for id, n := range f.people {
		if n > 0 {
			ids = append(ids, id)
		}
	}
	return ids, nil
}

func (f *fake) DeletePeople(_ context.Context, _ overture.AccountID, id overture.CampaignID, now time.Time) (int, bool, error) {
	f.steps = append(f.steps, now)
	if f.fail != nil && len(f.steps) == 3 {
		return 0, false, f.fail
	}
	time.Sleep(f.took)
	n := min(100, f.people[id])
	f.people[id] -= n
	return n, n > 0, nil
}

func (f *fake) some(what string) (int, bool, error) {
	n := f.other[what]
	f.other[what] = 0
	return n, n > 0, nil
}

func (f *fake) DeleteSingles(_ context.Context, _ overture.AccountID, after overture.MessageID, _ time.Time) (int, overture.MessageID, bool, error) {
	n, more, err := f.some("singles")
	return n, after + 1, more, err
}

func (f *fake) DeleteConversations(_ context.Context, _ overture.AccountID, after overture.ConversationID, _ time.Time) (int, overture.ConversationID, bool, error) {
	n, more, err := f.some("conversations")
	return n, after + 1, more, err
}

func (f *fake) DeleteInbounds(_ context.Context, _ overture.AccountID, after overture.InboundID, _ time.Time) (int, overture.InboundID, bool, error) {
	n, more, err := f.some("inbounds")
	return n, after + 1, more, err
}

func (f *fake) OldDrafts(context.Context, overture.Retention, time.Time) ([]overture.CampaignID, error) {
	return []overture.CampaignID{7}, nil
}

func (f *fake) DeleteUpload(context.Context, overture.AccountID, overture.CampaignID, time.Time) (int, error) {
	n, _, err := f.some("uploads")
	return n, err
}

func (f *fake) DeleteAudit(_ context.Context, _ overture.AccountID, after overture.AuditID, _ time.Time) (int, overture.AuditID, bool, error) {
	n, more, err := f.some("audit")
	return n, after + 1, more, err
}

type observed struct {
	deleted map[overture.RetentionClass]int
	ran     time.Time
}

func (o *observed) Deleted(c overture.RetentionClass, n int) { o.deleted[c] += n }
func (o *observed) Ran(at time.Time)                         { o.ran = at }

func newSweeper(f *fake, log *slog.Logger) (*retention.Sweeper, *observed) {
	o := &observed{deleted: map[overture.RetentionClass]int{}}
	return &retention.Sweeper{Store: f, Owner: "me", Observer: o, Log: log}, o
}

func TestEverythingOldGoesAndIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		f := &fake{people: map[overture.CampaignID]int{1: 250, 2: 30}, other: map[string]int{"singles": 2, "conversations": 3, "inbounds": 4, "uploads": 5, "audit": 6}, due: true, days: 90, turns: -1}
		s, o := newSweeper(f, slog.New(slog.NewTextHandler(&log, nil)))
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- s.Run(ctx) }()
		time.Sleep(10 * time.Minute)
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		want := map[overture.RetentionClass]int{overture.RetainMessages: 282, overture.RetainConversations: 7, overture.RetainUploads: 5, overture.RetainAudit: 6}
		for c, n := range want {
			if o.deleted[c] != n {
				t.Errorf("%s: %d counted, want %d", c, o.deleted[c], n)
			}
		}
		const told = "messages: 282, conversations: 7, uploads: 5, audit: 6"
		if len(f.ran) != 1 || f.ran[0] != told || o.ran.IsZero() {
			t.Errorf("ran %q at %v", f.ran, o.ran)
		}
		if strings.Count(log.String(), "\n") != 1 || !strings.Contains(log.String(), told) {
			t.Errorf("log:\n%s", log.String())
		}
	})
}

// A fifth of the time while nothing is sent, a twentieth while something is.
func TestItLeavesTheDatabaseToOthers(t *testing.T) {
	for name, c := range map[string]struct {
		sending bool
		share   int
	}{"idle": {false, 5}, "sending": {true, 20}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := &fake{people: map[overture.CampaignID]int{1: 10_000}, other: map[string]int{}, due: true, days: 90, turns: -1, took: 8 * time.Millisecond, sending: c.sending}
				s, _ := newSweeper(f, slog.New(slog.DiscardHandler))
				if err := s.Round(t.Context()); err != nil {
					t.Fatal(err)
				}
				if len(f.steps) < 100 {
					t.Fatalf("%d deletions", len(f.steps))
				}
				for i := 1; i < len(f.steps); i++ {
					if gap := f.steps[i].Sub(f.steps[i-1]); gap != time.Duration(c.share)*f.took {
						t.Fatalf("%v from one deletion of %v to the next, want %v", gap, f.took, time.Duration(c.share)*f.took)
					}
				}
			})
		})
	}
}

func TestWhatIsKeptForEverIsNotLookedAt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{people: map[overture.CampaignID]int{1: 10}, other: map[string]int{"audit": 1}, due: true, turns: -1}
		s, o := newSweeper(f, slog.New(slog.DiscardHandler))
		if err := s.Round(t.Context()); err != nil || len(o.deleted) != 0 {
			t.Errorf("deleted %v, %v", o.deleted, err)
		}
	})
}

// Another node took the turn: this one stops in the middle, and the account stays due.
func TestALostTurnEndsTheWork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{people: map[overture.CampaignID]int{1: 100_000}, other: map[string]int{"audit": 1}, due: true, days: 90, turns: 2, took: 100 * time.Millisecond}
		s, o := newSweeper(f, slog.New(slog.DiscardHandler))
		if err := s.Round(t.Context()); err != nil {
			t.Fatal(err)
		}
		if len(f.ran) != 0 || !f.due || o.deleted[overture.RetainAudit] != 0 || f.people[1] == 0 {
			t.Errorf("ran %q, deleted %v", f.ran, o.deleted)
		}
		if last := f.steps[len(f.steps)-1].Sub(f.steps[0]); last > 21*time.Second {
			t.Errorf("it went on for %v without its turn", last)
		}
	})
}

func TestAnErrorIsLoggedAndTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		f := &fake{people: map[overture.CampaignID]int{1: 1000}, other: map[string]int{}, due: true, days: 90, turns: -1, fail: errors.New("disk full")}
		s, _ := newSweeper(f, slog.New(slog.NewTextHandler(&log, nil)))
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- s.Run(ctx) }()
		time.Sleep(90 * time.Second)
		cancel()
		<-done
		if f.people[1] != 0 || len(f.ran) != 1 || !strings.Contains(log.String(), "disk full") {
			t.Errorf("%d people left, ran %q, log:\n%s", f.people[1], f.ran, log.String())
		}
	})
}
