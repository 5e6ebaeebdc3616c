package policy

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/overture-im/overture"
)

// Effect counts what a policy does to recipients.
type Effect struct {
	Recipients int
	Shifted    int // go later than without the policy
	Blocked    int // would not go at all: no moment within two weeks, or only after the validity
	Capped     int // have had as many messages as a cap allows
	Until      time.Time
}

// RuleEffect is what one rule does. A recipient under several rules is counted with the one that decides; who is blocked is counted with
// every rule of the place, because it takes them together.
type RuleEffect struct {
	Ref    string
	Area   string
	Rule   *overture.PackRule // nil: the account's own cap
	Effect Effect
}

// Simulation is what a policy would do to the list of a campaign, compared with no policy at all.
type Simulation struct {
	Policy overture.Policy // with the newest versions where none was named
	Start  time.Time       // when the campaign is taken to start
	Total  Effect
	Rules  []RuleEffect // those that are for somebody in the list, most shifted and blocked first
	Gaps   []string     // what the rules in use cannot see
}

// page is how many recipients are read at once.
const page = 2000

// Simulate runs the real planner over the whole list with and without a policy and writes nothing, on a clock that starts with the campaign:
// at the given moment, at its own launch time, or now. What it tells hangs on that moment: rules that are open by then change nothing. The
// rate is not part of it: it tells the earliest moment for each person, as the forecast of a campaign with an endless rate would.
func (s *Service) Simulate(ctx context.Context, account overture.AccountID, campaign overture.CampaignID, p overture.Policy, at *time.Time) (Simulation, error) {
	p, err := Check(p)
	if err != nil {
		return Simulation{}, err
	}
	if s.deps.Turn != nil {
		done, err := s.deps.Turn(ctx)
		if err != nil {
			return Simulation{}, err
		}
		defer done()
	}
	c, err := s.deps.Store.Campaign(ctx, account, campaign)
	if err != nil {
		return Simulation{}, fmt.Errorf("simulate policy: %w", err)
	}
	book, err := Rulings(p)
	if err != nil {
		return Simulation{}, fmt.Errorf("simulate policy: %w", err)
	}
	now := s.deps.Now()
	if at != nil {
		c.LaunchAt = *at
	}
	if c.LaunchAt.Before(now) {
		c.LaunchAt = now
	}
	now = c.LaunchAt
	run := simulation{
		service: s, campaign: c, now: now, rules: &overture.Rules{Policy: p, Rulings: book}, known: map[knownKey]change{}, effects: map[string]*RuleEffect{},
	}
	through := overture.Planning{CampaignID: campaign, AccountID: account}
	for {
		recipients, err := s.deps.Store.RecipientsToPlan(ctx, through, page)
		if err == nil && len(recipients) > 0 {
			err = run.add(ctx, recipients)
		}
		if err != nil {
			return Simulation{}, fmt.Errorf("simulate policy: %w", err)
		}
		if len(recipients) < page {
			break
		}
		through.Through = recipients[len(recipients)-1].ID
	}
	return run.result(p), nil
}

type simulation struct {
	service  *Service
	campaign overture.Campaign
	now      time.Time
	rules    *overture.Rules
	known    map[knownKey]change // people in one place and the same zones fare alike, unless they have had messages
	effects  map[string]*RuleEffect
	total    Effect
}

type knownKey struct {
	ruling *overture.Ruling
	zones  string
}

// change is what the policy does to one recipient.
type change struct {
	shifted, blocked, capped bool
	due                      time.Time
	rule                     string
}

func (s *simulation) add(ctx context.Context, recipients []overture.Recipient) error {
	contacts, err := s.contacts(ctx, recipients)
	if err != nil {
		return err
	}
	for _, r := range recipients {
		ruling, had := s.rules.For(r.Address), contacts[r.Address]
		key := knownKey{ruling: ruling, zones: strings.Join(r.Zones, ",")}
		x, known := s.known[key]
		if !known || len(had) > 0 {
			x = s.change(r, had)
			if len(had) == 0 {
				s.known[key] = x
			}
		}
		s.count(ruling, x)
	}
	return nil
}

func (s *simulation) contacts(ctx context.Context, recipients []overture.Recipient) (map[overture.Address][]time.Time, error) {
	var people []overture.Address
	var stretch time.Duration
	for _, r := range recipients {
		if long := s.rules.For(r.Address).Longest(); long > 0 {
			people, stretch = append(people, r.Address), max(stretch, long)
		}
	}
	if len(people) == 0 {
		return map[overture.Address][]time.Time{}, nil
	}
	return s.service.deps.Store.Contacts(ctx, s.campaign.AccountID, people, s.now.Add(-stretch))
}

func (s *simulation) change(r overture.Recipient, had []time.Time) change {
	without := s.service.deps.Decide(s.now, r, nil, s.campaign, nil)
	with := s.service.deps.Decide(s.now, r, had, s.campaign, s.rules)
	return change{
		capped:  with.Skip == overture.ReasonCapped,
		blocked: with.Skip != "" && with.Skip != overture.ReasonCapped && without.Skip == "",
		shifted: with.Skip == "" && without.Skip == "" && with.Due.After(without.Due),
		due:     with.Due, rule: with.Rule,
	}
}

func (s *simulation) count(ruling *overture.Ruling, x change) {
	s.total.note(x)
	if ruling == nil {
		return
	}
	for i := range ruling.Rules {
		r := &ruling.Rules[i]
		e := s.effect(r.Ref(), r.Area, r)
		e.Effect.Recipients++
		if x.blocked {
			e.Effect.Blocked++
		}
	}
	if x.rule != "" && (x.shifted || x.capped) {
		if x.rule == AccountCap {
			s.effect(AccountCap, "everywhere", nil).Effect.Recipients++
		}
		e := &s.effect(x.rule, "", nil).Effect
		n := e.Recipients
		e.note(x)
		e.Recipients = n
	}
}

func (s *simulation) effect(ref, area string, rule *overture.PackRule) *RuleEffect {
	if s.effects[ref] == nil {
		s.effects[ref] = &RuleEffect{Ref: ref, Area: area, Rule: rule}
	}
	return s.effects[ref]
}

func (e *Effect) note(x change) {
	e.Recipients++
	switch {
	case x.capped:
		e.Capped++
	case x.blocked:
		e.Blocked++
	case x.shifted:
		e.Shifted++
		if x.due.After(e.Until) {
			e.Until = x.due
		}
	}
}

func (s *simulation) result(p overture.Policy) Simulation {
	out := Simulation{Policy: p, Start: s.campaign.LaunchAt, Total: s.total}
	for _, e := range s.effects {
		out.Rules = append(out.Rules, *e)
		if e.Rule != nil && e.Rule.Gap != "" {
			out.Gaps = append(out.Gaps, e.Ref+": "+e.Rule.Gap)
		}
	}
	slices.SortFunc(out.Rules, func(a, b RuleEffect) int {
		if d := b.Effect.weight() - a.Effect.weight(); d != 0 {
			return d
		}
		return strings.Compare(a.Ref, b.Ref)
	})
	slices.Sort(out.Gaps)
	return out
}

func (e *Effect) weight() int { return e.Blocked + e.Capped + e.Shifted }
