package policy

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/overture-im/overture"
)

// Store is what the room needs of the database.
type Store interface {
	Account(ctx context.Context, id overture.AccountID) (overture.Account, error)
	UpdateAccount(ctx context.Context, by overture.Actor, now time.Time, change func(*overture.Account) (changed string, err error)) (overture.Account, error)
	Campaign(ctx context.Context, account overture.AccountID, id overture.CampaignID) (overture.Campaign, error)
	// RecipientsToPlan gives recipients after p.Through, in the order of their ids.
	RecipientsToPlan(ctx context.Context, p overture.Planning, limit int) ([]overture.Recipient, error)
	// Contacts gives when earlier messages were handed to a provider for these people, after since.
	Contacts(ctx context.Context, account overture.AccountID, people []overture.Address, since time.Time) (map[overture.Address][]time.Time, error)
}

// Slot is the real planner's answer for one recipient.
type Slot struct {
	Due  time.Time
	Skip string // the reason under which the message would end unsent; empty: it goes at Due
	Rule string // of a pack or a cap, when it decides
}

// Deps of the room; all but Turn are required.
type Deps struct {
	Store Store
	// Decide is the planner's decision about one recipient under rules (outbound/schedule).
	Decide func(now time.Time, r overture.Recipient, contacts []time.Time, c overture.Campaign, rules *overture.Rules) Slot
	// Turn bounds how many lists this node plays at once, together with forecasts; nil: it does not.
	Turn func(ctx context.Context) (done func(), err error)
	Log  *slog.Logger
	Now  func() time.Time
}

// Service is the room. Safe for concurrent use.
type Service struct{ deps Deps }

// New makes the room.
func New(d Deps) *Service { return &Service{deps: d} }

// Packs lists every version of every pack in the program.
func (s *Service) Packs() []Pack { return Packs() }

// Active gives the account's policy: what campaigns launched from now on are frozen with.
func (s *Service) Active(ctx context.Context, account overture.AccountID) (overture.Policy, error) {
	a, err := s.deps.Store.Account(ctx, account)
	if err != nil {
		return overture.Policy{}, fmt.Errorf("policy: %w", err)
	}
	return a.Settings.Policy, nil
}

// Activate makes a policy the account's own, with an audit entry. Launched campaigns keep theirs. Packs without a version get the newest.
func (s *Service) Activate(ctx context.Context, by overture.Actor, p overture.Policy) (overture.Policy, error) {
	p, err := Check(p)
	if err != nil {
		return p, err
	}
	_, err = s.deps.Store.UpdateAccount(ctx, by, s.deps.Now(), func(a *overture.Account) (string, error) {
		was, is := Words(a.Settings.Policy), Words(p)
		if was == is {
			return "", nil
		}
		a.Settings.Policy = p
		return "policy: " + is + " (was: " + was + ")", nil
	})
	if err != nil {
		return p, fmt.Errorf("activate policy: %w", err)
	}
	s.deps.Log.InfoContext(ctx, "policy activated", "account_id", by.AccountID.String(), "policy", Words(p))
	return p, nil
}

// Words says what a policy is, for the audit log and for people.
func Words(p overture.Policy) string {
	if p.IsZero() {
		return "none"
	}
	var out []string
	for _, x := range p.Packs {
		out = append(out, x.String())
	}
	if p.MinConfidence.Rank() > overture.ConfidenceLow.Rank() {
		out = append(out, "confidence "+string(p.MinConfidence)+" and up")
	}
	if p.Cap.Max > 0 {
		out = append(out, "at most "+p.Cap.String())
	}
	if p.OverCap == overture.OverCapHold {
		out = append(out, "over a cap: hold")
	}
	return strings.Join(out, ", ")
}
