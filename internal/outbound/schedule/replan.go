package schedule

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/overture-im/overture"
)

// Replanner is what planning again needs of the database.
type Replanner interface {
	// RefreshRules gives rules with this program's time-zone data to the campaigns that were planned with older data.
	RefreshRules(ctx context.Context, now time.Time) ([]overture.CampaignID, error)
	// Replannings lists the campaigns whose queued messages are to be planned again.
	Replannings(ctx context.Context) ([]overture.Planning, error)
	// QueuedToReplan reads the campaign's queue on from a place, soonest due first.
	QueuedToReplan(ctx context.Context, p overture.Planning, after overture.Place, limit int) (queued []overture.QueuedMessage, last overture.Place, more bool, err error)
	// WriteReplan moves what is still queued there and has no marker; ok is false when the campaign has other rules by now.
	WriteReplan(ctx context.Context, p overture.Planning, slots []overture.Replan) (ok bool, err error)
	// FinishReplan ends it; done is false while a message is left, and left counts those on their way to the provider.
	FinishReplan(ctx context.Context, p overture.Planning) (done bool, left int, err error)
}

// replan is how far planning again has come. It starts over after a restart: messages that have been looked at are known by their rules.
type replan struct {
	rules overture.RulesID
	after overture.Place
	next  time.Time // not before
}

// Waits of planning again.
const (
	// busyAgain is how long messages that are on their way to a provider are left alone before the queue is looked through again.
	busyAgain = 30 * time.Second
)

// replan plans one chunk of every campaign whose rules were renewed, because this program has newer time-zone data than the one that
// planned it. The soonest due come first. Messages with a marker are left where they are; they are looked at when they come back.
func (p *Planner) replan(ctx context.Context, now time.Time) (more bool, err error) {
	renewed, err := p.deps.Store.RefreshRules(ctx, now)
	for _, id := range renewed {
		p.deps.Log.InfoContext(ctx, "campaign is planned again with newer time-zone data", "campaign_id", id.String())
	}
	plannings, err2 := p.deps.Store.Replannings(ctx)
	err = errors.Join(err, err2)
	if len(plannings) == 0 {
		clear(p.replans)
	}
	for _, planning := range plannings {
		state := p.replans[planning.CampaignID]
		if state == nil || state.rules != planning.Rules.ID {
			state = &replan{rules: planning.Rules.ID}
			p.replans[planning.CampaignID] = state
		}
		if now.Before(state.next) {
			continue
		}
		again, failed := p.replanChunk(ctx, planning, state, now)
		if failed != nil {
			state.next = now.Add(scanEvery)
			err = errors.Join(err, fmt.Errorf("plan %s again: %w", planning.CampaignID, failed))
			continue
		}
		more = more || again
	}
	return more, err
}

func (p *Planner) replanChunk(ctx context.Context, planning overture.Planning, state *replan, now time.Time) (again bool, err error) {
	queued, last, more, err := p.deps.Store.QueuedToReplan(ctx, planning, state.after, chunk)
	if err != nil {
		return false, err
	}
	var slots []overture.Replan
	for _, m := range queued {
		if !m.Busy && !m.Current {
			slots = append(slots, p.slotAgain(planning, m, now))
		}
	}
	ok, err := p.deps.Store.WriteReplan(ctx, planning, slots)
	if err != nil || !ok {
		return false, err
	}
	if state.after = last; more {
		return true, nil
	}
	if len(slots) > 0 {
		p.deps.Waker.Publish("dispatch")
	}
	state.after = overture.Place{}
	done, left, err := p.deps.Store.FinishReplan(ctx, planning)
	switch {
	case err != nil:
		return false, err
	case done:
		delete(p.replans, planning.CampaignID)
		p.deps.Log.InfoContext(ctx, "campaign planned again", "campaign_id", planning.CampaignID.String())
	case left > 0:
		state.next = now.Add(busyAgain)
	default:
		state.next = now.Add(scanEvery)
	}
	return false, nil
}

// slotAgain finds the slot of a queued message under the campaign's rules. Messages that were tried wait for their backoff; those that are
// due keep their place in the queue while the window is open.
func (p *Planner) slotAgain(planning overture.Planning, m overture.QueuedMessage, now time.Time) overture.Replan {
	f := frameOf(planning)
	if m.Attempts > 0 && m.Due.After(f.LaunchAt) {
		f.LaunchAt = m.Due
	}
	d := p.deps.Calendar.Decide(now, Person{Address: m.Address, Zones: m.Zones}, f)
	out := overture.Replan{Place: m.Place, NewDue: d.Due, NotAfter: d.NotAfter}
	switch {
	case d.Expired: // dispatch, which is the only one to end messages unsent, finds that when it is due
		out.NewDue, out.NotAfter = m.Due, time.Time{}
	case !m.Due.After(now) && d.Due.UnixMilli() <= earliestMilli(now, time.Time{}):
		out.NewDue = m.Due
	}
	return out
}
