package reply

import (
	"context"
	"fmt"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/kit/segment"
)

// pollEvery finds what other nodes stored and what a crash left behind.
const pollEvery = time.Second

// retryAfter is how long a reply that could not be applied by itself is left alone, so that it does not hold up the others.
const retryAfter = time.Minute

// Matcher is the worker that brings stored inbound messages to conversations. What is done is told by inbound.processed_at, written in the
// same transaction, so it can die at any moment and go on. Several nodes may run one each.
type Matcher struct {
	deps     Deps
	deferred map[overture.InboundID]time.Time // until when; only this worker's goroutine uses it
}

// NewMatcher makes the worker.
func NewMatcher(d Deps) *Matcher {
	return &Matcher{deps: d, deferred: map[overture.InboundID]time.Time{}}
}

// Run works until ctx ends.
func (m *Matcher) Run(ctx context.Context) {
	wake, cancel := m.deps.Wakes.Subscribe(topicInbound)
	defer cancel()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		for {
			n, err := m.Step(ctx)
			if err != nil && ctx.Err() == nil {
				m.deps.Log.ErrorContext(ctx, "matching replies", "error", err)
			}
			if n == 0 || err != nil {
				break
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-wake:
		case <-tick.C:
		}
	}
}

// Step handles one batch and tells how many replies were applied.
func (m *Matcher) Step(ctx context.Context) (int, error) {
	pending, err := m.deps.Store.PendingReplies(ctx, batchLimit+len(m.deferred))
	if err != nil {
		return 0, err
	}
	now := m.deps.Now()
	replies := m.ready(pending, now)
	if len(replies) == 0 {
		return 0, nil
	}
	if err := m.match(ctx, replies); err != nil {
		return 0, err
	}
	applied, err := m.deps.Store.ApplyReplies(ctx, replies, now)
	if err != nil && overture.KindOf(err) != overture.Unavailable && ctx.Err() == nil {
		applied = m.oneByOne(ctx, replies, now)
		err = nil
	}
	if err != nil {
		return 0, err
	}
	if applied > 0 {
		m.deps.Wakes.Publish(topicInbound)
	}
	for _, r := range replies {
		m.deps.Log.DebugContext(ctx, "reply", "message_id", r.Outbound.MessageID.String(), "inbound_id", r.Inbound.ID, "provider_id", r.Inbound.ProviderID,
			"campaign_id", r.Outbound.CampaignID.String(), "sender_id", r.Inbound.SenderID.String())
	}
	for _, r := range replies {
		if r.Answer != "" {
			m.deps.Wakes.Publish(topicDispatch)
			break
		}
	}
	return applied, nil
}

// ready leaves out what failed lately.
func (m *Matcher) ready(pending []overture.Reply, now time.Time) []overture.Reply {
	var out []overture.Reply
	for _, r := range pending {
		if until, ok := m.deferred[r.Inbound.ID]; ok && now.Before(until) {
			continue
		}
		delete(m.deferred, r.Inbound.ID)
		if len(out) < batchLimit {
			out = append(out, r)
		}
	}
	return out
}

// oneByOne keeps one reply that cannot be applied from holding up the rest. It stays stored and is tried again later.
func (m *Matcher) oneByOne(ctx context.Context, replies []overture.Reply, now time.Time) (applied int) {
	for _, r := range replies {
		n, err := m.deps.Store.ApplyReplies(ctx, []overture.Reply{r}, now)
		if err != nil {
			m.deferred[r.Inbound.ID] = now.Add(retryAfter)
			m.deps.Log.ErrorContext(ctx, "applying a reply", "inbound_id", r.Inbound.ID, "error", err)
		}
		applied += n
	}
	return applied
}

// match completes the replies: the outbound each one answers, the skill it goes to, our answer to HELP.
func (m *Matcher) match(ctx context.Context, replies []overture.Reply) error {
	sent, err := m.sent(ctx, replies)
	if err != nil {
		return err
	}
	settings := map[overture.AccountID]overture.Settings{}
	for i := range replies {
		r := &replies[i]
		s, ok := settings[r.Inbound.AccountID]
		if !ok {
			a, err := m.deps.Accounts.Account(ctx, r.Inbound.AccountID)
			if err != nil {
				return fmt.Errorf("settings of %s: %w", r.Inbound.AccountID, err)
			}
			s = a.Settings
			settings[r.Inbound.AccountID] = s
		}
		route(r, sent[audience{r.Inbound.AccountID, r.BrandID}], s)
	}
	return nil
}

// audience is whom one question to the database can cover.
type audience struct {
	account overture.AccountID
	brand   overture.BrandID
}

func (m *Matcher) sent(ctx context.Context, replies []overture.Reply) (map[audience][]overture.Outbound, error) {
	people := map[audience][]overture.Address{}
	oldest := map[audience]time.Time{}
	for _, r := range replies {
		k := audience{r.Inbound.AccountID, r.BrandID}
		people[k] = append(people[k], r.Inbound.From)
		if at := r.Inbound.ReceivedAt; oldest[k].IsZero() || at.Before(oldest[k]) {
			oldest[k] = at
		}
	}
	out := map[audience][]overture.Outbound{}
	for k, addresses := range people {
		var err error
		if out[k], err = m.deps.Store.OutboundsTo(ctx, k.account, k.brand, addresses, oldest[k]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// route decides what one reply belongs to: the newest outbound inside its own campaign's lookback wins, and with it that campaign's skill;
// otherwise the account's default skill (I3).
func route(r *overture.Reply, sent []overture.Outbound, s overture.Settings) {
	r.SkillID = s.DefaultSkillID
	if o, ok := newest(sent, r.Inbound.From, r.Inbound.ReceivedAt); ok {
		o.Text = finalText(o)
		r.Outbound, r.SkillID = o, o.SkillID
	}
	if r.Wish.Kind == overture.WishHelp && !r.Wish.Answered {
		r.Answer = helpText(s, r.BrandName)
		r.Segments = segment.Measure(string(r.Answer)).Segments
	}
}

func newest(sent []overture.Outbound, from overture.Address, at time.Time) (best overture.Outbound, found bool) {
	for _, o := range sent {
		if o.Address == from && o.Answerable(at) && (!found || o.SentAt.After(best.SentAt) || o.SentAt.Equal(best.SentAt) && o.MessageID > best.MessageID) {
			best, found = o, true
		}
	}
	return best, found
}

// finalText is what the person read. A frozen list was checked at launch, so that it always renders; if it does not, the campaign's
// own text says more than nothing.
func finalText(o overture.Outbound) overture.Text {
	text, err := o.Content.For(o.Personal)
	if err != nil {
		text = o.Content.Text
	}
	if o.Content.SmartEncoding {
		text = segment.Smart(text)
	}
	return overture.Text(text)
}

// helpText is the account's own answer to HELP, or one with what carriers ask for (CTIA): brand, what to do, rates, how to stop.
func helpText(s overture.Settings, brand string) overture.Text {
	if s.HelpText != "" {
		return overture.Text(s.HelpText)
	}
	return overture.Text(brand + ": reply here with your question. Msg & data rates may apply. Reply STOP to stop messages.")
}
