package retention

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/overture-im/overture"
)

// Store deletes. Each deletion is one transaction that decides for itself whether it may.
type Store interface {
	ClaimRetention(ctx context.Context, owner string, ttl time.Duration) (ok bool, err error)
	ReleaseRetention(ctx context.Context, owner string) error
	RetentionDue(ctx context.Context, since time.Time) ([]overture.AccountID, error)
	Retention(ctx context.Context, account overture.AccountID) (overture.Retention, error)
	RetentionRan(ctx context.Context, account overture.AccountID, version int, deleted string, now time.Time) error
	SendersWithWork(ctx context.Context) ([]overture.SenderID, error)

	OldCampaigns(ctx context.Context, r overture.Retention, now time.Time) ([]overture.CampaignID, error)
	DeletePeople(ctx context.Context, account overture.AccountID, campaign overture.CampaignID, now time.Time) (n int, more bool, err error)
	DeleteSingles(ctx context.Context, account overture.AccountID, after overture.MessageID, now time.Time) (n int, last overture.MessageID, more bool, err error)
	DeleteConversations(ctx context.Context, account overture.AccountID, after overture.ConversationID, now time.Time) (n int, last overture.ConversationID, more bool, err error)
	DeleteInbounds(ctx context.Context, account overture.AccountID, after overture.InboundID, now time.Time) (n int, last overture.InboundID, more bool, err error)
	OldDrafts(ctx context.Context, r overture.Retention, now time.Time) ([]overture.CampaignID, error)
	DeleteUpload(ctx context.Context, account overture.AccountID, campaign overture.CampaignID, now time.Time) (n int, err error)
	DeleteAudit(ctx context.Context, account overture.AccountID, after overture.AuditID, now time.Time) (n int, last overture.AuditID, more bool, err error)
}

// Observer hears what was deleted.
type Observer interface {
	Deleted(class overture.RetentionClass, n int)
	Ran(at time.Time)
}

const (
	look      = time.Minute      // for accounts whose turn it is
	again     = time.Hour        // after which an account is looked at again; a change of its periods is seen at the next look
	turn      = 30 * time.Second // for which the turn is claimed
	renew     = 10 * time.Second // after which it is renewed
	askEvery  = time.Second      // whether anything is being sent
	leastRest = 2 * time.Millisecond
)

// How many times as long as a deletion took the sweeper rests after it: so it takes a fifth of the writer's time, and a twentieth while
// something is being sent.
const (
	restIdle    = 4
	restSending = 19
)

// Sweeper deletes what is old. On PostgreSQL one node at a time does.
type Sweeper struct {
	Store    Store
	Owner    string // of this process
	Observer Observer
	Log      *slog.Logger

	claimed, asked time.Time
	sending        bool
}

// Run looks every minute, until ctx ends.
func (s *Sweeper) Run(ctx context.Context) error {
	tick := time.NewTicker(look)
	defer tick.Stop()
	defer func() {
		if err := s.Store.ReleaseRetention(context.WithoutCancel(ctx), s.Owner); err != nil {
			s.Log.Debug("the turn to delete runs out by itself", "error", err)
		}
	}()
	for {
		if err := s.Round(ctx); err != nil && ctx.Err() == nil {
			s.Log.WarnContext(ctx, "retention was interrupted; it goes on in a minute where its rows say", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// Round deletes what is old of every account whose turn it is.
func (s *Sweeper) Round(ctx context.Context) error {
	accounts, err := s.Store.RetentionDue(ctx, time.Now().Add(-again))
	if err != nil || len(accounts) == 0 {
		return err
	}
	s.claimed = time.Time{}
	for _, account := range accounts {
		if err := s.account(ctx, account); err != nil {
			return err
		}
	}
	return nil
}

// account works through the classes of one account.
func (s *Sweeper) account(ctx context.Context, account overture.AccountID) error {
	r, err := s.Store.Retention(ctx, account)
	if err != nil {
		return err
	}
	w := &sweep{Sweeper: s, r: r, deleted: map[overture.RetentionClass]int{}}
	for _, part := range []func(context.Context) error{w.people, w.singles, w.conversations, w.inbounds, w.uploads, w.audit} {
		if err := part(ctx); err != nil {
			return err
		}
	}
	if w.lostTurn {
		return nil
	}
	now := time.Now()
	if err := s.Store.RetentionRan(ctx, account, r.Version, w.words(), now); err != nil {
		return err
	}
	s.Observer.Ran(now)
	if text := w.words(); text != "" {
		s.Log.InfoContext(ctx, "old data deleted by retention", "account_id", account.String(), "deleted", text)
	}
	return nil
}

// sweep is the work on one account.
type sweep struct {
	*Sweeper
	r        overture.Retention
	deleted  map[overture.RetentionClass]int
	lostTurn bool
}

// words tell what was deleted, without anybody's data.
func (w *sweep) words() string {
	var parts []string
	for _, c := range overture.RetentionClasses() {
		if n := w.deleted[c]; n > 0 {
			parts = append(parts, fmt.Sprintf("%s: %d", c, n))
		}
	}
	return strings.Join(parts, ", ")
}

// repeat deletes step by step until there is no more, the turn is lost or ctx ends, and rests after each step.
func (w *sweep) repeat(ctx context.Context, class overture.RetentionClass, step func(now time.Time) (n int, more bool, err error)) error {
	if w.r.Days[class] == 0 {
		return nil
	}
	for !w.lostTurn {
		mine, err := w.keepTurn(ctx)
		if err != nil {
			return err
		}
		if w.lostTurn = !mine; w.lostTurn {
			return nil
		}
		began := time.Now()
		n, more, err := step(began)
		if err != nil {
			return err
		}
		if n > 0 {
			w.deleted[class] += n
			w.Observer.Deleted(class, n)
		}
		if err := w.rest(ctx, time.Since(began)); err != nil || !more {
			return err
		}
	}
	return nil
}

// keepTurn claims or renews the turn when it is time.
func (s *Sweeper) keepTurn(ctx context.Context) (bool, error) {
	now := time.Now()
	if now.Sub(s.claimed) < renew {
		return true, nil
	}
	ok, err := s.Store.ClaimRetention(ctx, s.Owner, turn)
	if ok {
		s.claimed = now
	}
	return ok, err
}

// rest leaves the database to others.
func (s *Sweeper) rest(ctx context.Context, took time.Duration) error {
	if now := time.Now(); now.Sub(s.asked) >= askEvery {
		busy, err := s.Store.SendersWithWork(ctx)
		if err != nil {
			return err
		}
		s.asked, s.sending = now, len(busy) > 0
	}
	times := restIdle
	if s.sending {
		times = restSending
	}
	t := time.NewTimer(max(time.Duration(times)*took, leastRest))
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

func (w *sweep) people(ctx context.Context) error {
	old, err := w.Store.OldCampaigns(ctx, w.r, time.Now())
	if err != nil {
		return err
	}
	for _, id := range old {
		if err := w.repeat(ctx, overture.RetainMessages, func(now time.Time) (int, bool, error) {
			return w.Store.DeletePeople(ctx, w.r.AccountID, id, now)
		}); err != nil {
			return err
		}
	}
	return nil
}

func (w *sweep) uploads(ctx context.Context) error {
	old, err := w.Store.OldDrafts(ctx, w.r, time.Now())
	if err != nil {
		return err
	}
	for _, id := range old {
		if err := w.repeat(ctx, overture.RetainUploads, func(now time.Time) (int, bool, error) {
			n, err := w.Store.DeleteUpload(ctx, w.r.AccountID, id, now)
			return n, false, err
		}); err != nil {
			return err
		}
	}
	return nil
}

func (w *sweep) singles(ctx context.Context) error {
	var after overture.MessageID
	return w.repeat(ctx, overture.RetainMessages, func(now time.Time) (n int, more bool, err error) {
		n, after, more, err = w.Store.DeleteSingles(ctx, w.r.AccountID, after, now)
		return n, more, err
	})
}

func (w *sweep) conversations(ctx context.Context) error {
	var after overture.ConversationID
	return w.repeat(ctx, overture.RetainConversations, func(now time.Time) (n int, more bool, err error) {
		n, after, more, err = w.Store.DeleteConversations(ctx, w.r.AccountID, after, now)
		return n, more, err
	})
}

func (w *sweep) inbounds(ctx context.Context) error {
	var after overture.InboundID
	return w.repeat(ctx, overture.RetainConversations, func(now time.Time) (n int, more bool, err error) {
		n, after, more, err = w.Store.DeleteInbounds(ctx, w.r.AccountID, after, now)
		return n, more, err
	})
}

func (w *sweep) audit(ctx context.Context) error {
	var after overture.AuditID
	return w.repeat(ctx, overture.RetainAudit, func(now time.Time) (n int, more bool, err error) {
		n, after, more, err = w.Store.DeleteAudit(ctx, w.r.AccountID, after, now)
		return n, more, err
	})
}
