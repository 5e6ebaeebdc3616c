package campaign

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/overture-im/overture"
)

// HeldList keeps held messages and the orders about them.
type HeldList interface {
	HeldMessages(ctx context.Context, f overture.HeldFilter) ([]overture.HeldMessage, error)
	CountHeld(ctx context.Context, f overture.HeldFilter) (int, error)
	CreateHeldOrder(ctx context.Context, o overture.HeldOrder) (overture.HeldOrder, error)
	HeldOrder(ctx context.Context, account overture.AccountID, id overture.HeldOrderID) (overture.HeldOrder, error)
}

// HeldOrders carries orders about held messages out.
type HeldOrders interface {
	OpenHeldOrders(ctx context.Context) ([]overture.HeldOrder, error)
	HeldMessages(ctx context.Context, f overture.HeldFilter) ([]overture.HeldMessage, error)
	ResolveHeldChunk(ctx context.Context, o overture.HeldOrder, items []overture.HeldDecision, now time.Time) (next overture.HeldOrder, ok bool, err error)
	Campaign(ctx context.Context, account overture.AccountID, id overture.CampaignID) (overture.Campaign, error)
}

// MaxHeldIDs is how many messages one order can name; a filter has no limit.
const MaxHeldIDs = 500

// Held lists messages of which nobody can prove whether the provider has them, by message.
func (s *Service) Held(ctx context.Context, f overture.HeldFilter) ([]overture.HeldMessage, error) {
	if f.CampaignID != 0 {
		if _, err := s.store.Campaign(ctx, f.AccountID, f.CampaignID); err != nil {
			return nil, err
		}
	}
	return s.store.HeldMessages(ctx, f)
}

// HeldTotal tells how many held messages there are.
func (s *Service) HeldTotal(ctx context.Context, f overture.HeldFilter) (int, error) {
	return s.store.CountHeld(ctx, f)
}

// ResolveHeld decides about all held messages that a filter selects now. The Resolver carries it out; HeldOrder tells how far it is. A resend
// goes through every check of a first send: opt-out, window, validity, cap, pause.
func (s *Service) ResolveHeld(ctx context.Context, by overture.Actor, how overture.Resolution, f overture.HeldFilter) (overture.HeldOrder, error) {
	now := time.Now()
	if err := knownResolution(how); err != nil {
		return overture.HeldOrder{}, err
	}
	if len(f.Messages) > MaxHeldIDs {
		return overture.HeldOrder{}, overture.ErrInvalid("too_many_messages", "name at most 500 messages, or select them by campaign, sender or age")
	}
	if f.CampaignID != 0 {
		if _, err := s.store.Campaign(ctx, by.AccountID, f.CampaignID); err != nil {
			return overture.HeldOrder{}, err
		}
	}
	if f.SenderID != 0 {
		if _, err := s.store.Sender(ctx, by.AccountID, f.SenderID); err != nil {
			return overture.HeldOrder{}, err
		}
	}
	f.AccountID, f.HeldBefore, f.After = by.AccountID, now, 0
	o, err := s.store.CreateHeldOrder(ctx, overture.HeldOrder{By: by, How: how, Filter: f, CreatedAt: now})
	if err == nil {
		s.wake("held")
	}
	return o, err
}

// HeldOrder tells how far an order is.
func (s *Service) HeldOrder(ctx context.Context, account overture.AccountID, id overture.HeldOrderID) (overture.HeldOrder, error) {
	return s.store.HeldOrder(ctx, account, id)
}

// Resolver is the worker that carries out orders about held messages. Several nodes may run one: a chunk is carried out once.
type Resolver struct {
	Store   HeldOrders
	Windows Windows
	Woken   <-chan struct{} // topic "held"; nil: only the clock
	Wake    func(topic string)
	Log     *slog.Logger
}

// heldChunk is how many held messages one transaction settles: SQLite's writer is held for some milliseconds.
const heldChunk = 100

// Run works until ctx ends, and gives nil then.
func (r *Resolver) Run(ctx context.Context) error {
	return every(ctx, 2*time.Second, r.Woken, r.Log, "resolve held messages", r.Once)
}

// Once carries out every open order. One that cannot be carried out does not hold up those of other accounts.
func (r *Resolver) Once(ctx context.Context) error {
	open, err := r.Store.OpenHeldOrders(ctx)
	if err != nil {
		return err
	}
	var errs []error
	for _, o := range open {
		if err := r.carryOut(ctx, o); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", o.ID, err))
		}
		if r.Wake != nil {
			r.Wake("campaign")
			r.Wake("dispatch")
		}
	}
	return errors.Join(errs...)
}

func (r *Resolver) carryOut(ctx context.Context, o overture.HeldOrder) error {
	for o.FinishedAt.IsZero() {
		next, ok, err := r.chunk(ctx, o)
		if err != nil || !ok { // not ok: another node is at it
			return err
		}
		o = next
	}
	r.Log.InfoContext(ctx, "held messages resolved", slog.String("order_id", o.ID.String()), slog.String("action", string(o.How)),
		slog.Int("matched", o.Matched), slog.Int("resolved", o.Resolved), slog.Int("left", o.LeftHeld))
	return nil
}

func (r *Resolver) chunk(ctx context.Context, o overture.HeldOrder) (overture.HeldOrder, bool, error) {
	f := o.Filter
	f.Limit = heldChunk
	held, err := r.Store.HeldMessages(ctx, f)
	if err != nil {
		return o, false, err
	}
	now := time.Now()
	campaigns := map[overture.CampaignID]overture.Campaign{}
	items := make([]overture.HeldDecision, len(held))
	for i, m := range held {
		items[i] = overture.HeldDecision{Ended: m.Ended, Place: overture.Requeue{MessageID: m.MessageID, Due: now, NotAfter: now.Add(answerValidity)}}
		if o.How != overture.Resend || m.CampaignID == 0 {
			continue
		}
		c, known := campaigns[m.CampaignID]
		if !known {
			if c, err = r.Store.Campaign(ctx, o.By.AccountID, m.CampaignID); err != nil {
				return o, false, err
			}
			campaigns[m.CampaignID] = c
		}
		place := &items[i].Place
		place.Due, place.NotAfter, items[i].TooLate, _ = r.Windows.Next(now, m.Zones, c.WindowFor(m.Address), c.LaunchAt, c.ExpiresAt)
	}
	return r.Store.ResolveHeldChunk(ctx, o, items, now)
}
