package schedule

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/kit/crashpoint"
)

// Store is what the planner needs of the database.
type Store interface {
	// Plannings lists the launched campaigns whose recipients are not all messages; beside an error it may give those it could read.
	Plannings(ctx context.Context) ([]overture.Planning, error)
	// RecipientsToPlan gives the next recipients after p.Through, in the order of their ids.
	RecipientsToPlan(ctx context.Context, p overture.Planning, limit int) ([]overture.Recipient, error)
	// WritePlan makes them messages in one transaction; ok is false when another node was faster and nothing changed.
	WritePlan(ctx context.Context, p overture.Planning, messages []overture.PlannedMessage, last bool, now time.Time) (ok bool, err error)
	// Contacts gives when earlier messages were handed to a provider for these people, after since.
	Contacts(ctx context.Context, account overture.AccountID, people []overture.Address, since time.Time) (map[overture.Address][]time.Time, error)
	// StartScheduled lets the campaigns run whose launch time has come.
	StartScheduled(ctx context.Context, now time.Time) ([]overture.CampaignID, error)
	Replanner
}

// Waker tells loops of this process that there are rows for them (internal/pubsub).
type Waker interface{ Publish(topic string) }

// Deps are the planner's surroundings; all are required but Wake.
type Deps struct {
	Store    Store
	Calendar *Calendar
	Waker    Waker
	Wake     <-chan struct{} // somebody launched a campaign; without it the planner only looks every scanEvery
	Log      *slog.Logger
}

// Planner turns recipients into messages, chunk by chunk and in turn for all campaigns, so that a list of a million delays nobody and
// needs no more memory than a list of ten. A crash between two chunks loses nothing: the next planner goes on behind the last chunk.
type Planner struct {
	deps    Deps
	replans map[overture.CampaignID]*replan   // how far planning again has come
	failing map[overture.CampaignID]time.Time // when to try again; said once in the log
	trouble bool                              // the database's, said once in the log
}

// New gives a planner; Run makes it work.
func New(d Deps) *Planner {
	return &Planner{deps: d, failing: map[overture.CampaignID]time.Time{}, replans: map[overture.CampaignID]*replan{}}
}

const (
	// chunk keeps a transaction on SQLite, whose one writer everybody shares, at about ten milliseconds; larger ones are not faster.
	chunk = 250
	// scanEvery bounds how late a campaign starts, how long the work of a node that died waits, and how soon a failure is tried again.
	scanEvery = time.Second
)

// Run plans until ctx ends.
func (p *Planner) Run(ctx context.Context) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-p.deps.Wake:
		case <-timer.C:
		}
		for more := true; more && ctx.Err() == nil; {
			more = p.Pass(ctx, time.Now())
		}
		timer.Reset(scanEvery)
	}
}

// Pass starts the campaigns whose launch time has come and plans one chunk of every campaign that waits for it. It tells whether there
// is more to plan right away. Trouble goes to the log; with one campaign it does not hold up the others. Only one goroutine may call it.
func (p *Planner) Pass(ctx context.Context, now time.Time) (more bool) {
	started, err := p.deps.Store.StartScheduled(ctx, now)
	for _, id := range started {
		p.deps.Log.InfoContext(ctx, "campaign started", "campaign_id", id.String())
	}
	if len(started) > 0 {
		p.deps.Waker.Publish("campaign")
	}
	again, err3 := p.replan(ctx, now)
	more = again
	plannings, err2 := p.deps.Store.Plannings(ctx)
	if err = errors.Join(err, err2, err3); err != nil && !p.trouble && ctx.Err() == nil {
		p.deps.Log.ErrorContext(ctx, "look for campaigns to plan", "error", err)
	}
	p.trouble = err != nil
	if len(plannings) == 0 {
		clear(p.failing)
	}
	for _, planning := range plannings {
		next, failed := p.failing[planning.CampaignID]
		if failed && now.Before(next) {
			continue
		}
		again, err := p.planChunk(ctx, planning, now)
		switch {
		case ctx.Err() != nil:
			return false
		case err == nil:
			delete(p.failing, planning.CampaignID)
			more = more || again
		default:
			p.failing[planning.CampaignID] = now.Add(scanEvery)
			if !failed {
				p.deps.Log.ErrorContext(ctx, "plan campaign", "campaign_id", planning.CampaignID.String(), "error", err)
			}
		}
	}
	return more
}

// planChunk plans the next recipients of one campaign; again tells whether there are more for us.
func (p *Planner) planChunk(ctx context.Context, planning overture.Planning, now time.Time) (again bool, err error) {
	recipients, err := p.deps.Store.RecipientsToPlan(ctx, planning, chunk)
	if err != nil {
		return false, fmt.Errorf("read recipients: %w", err)
	}
	contacts, err := p.contacts(ctx, planning, recipients, now)
	if err != nil {
		return false, err
	}
	messages := make([]overture.PlannedMessage, len(recipients))
	for i, r := range recipients {
		messages[i] = p.place(planning, r, contacts[r.Address], now)
	}
	last := len(recipients) < chunk
	ok, err := p.deps.Store.WritePlan(ctx, planning, messages, last, now)
	if err != nil {
		return false, fmt.Errorf("write messages: %w", err)
	}
	crashpoint.Pass("CP13c")
	if !ok { // another node plans this campaign: leave it to that one and look again later
		return false, nil
	}
	p.deps.Waker.Publish("dispatch")
	if last {
		p.deps.Waker.Publish("campaign")
		p.deps.Log.InfoContext(ctx, "campaign planned", "campaign_id", planning.CampaignID.String())
	}
	return !last, nil
}

// place gives a recipient its slot. Who has none gets a due time without any moment to go: dispatch, which is the only one to end
// messages unsent, finds that when the message is due.
func (p *Planner) place(planning overture.Planning, r overture.Recipient, contacts []time.Time, now time.Time) overture.PlannedMessage {
	d := p.deps.Calendar.Decide(now, Person{Address: r.Address, Zones: r.Zones, Contacts: contacts}, frameOf(planning))
	if d.Expired {
		d.Due, d.NotAfter = time.UnixMilli(earliestMilli(now, planning.LaunchAt)), time.Time{}
	}
	return overture.PlannedMessage{RecipientID: r.ID, Address: r.Address, Segments: r.Segments, Due: d.Due, NotAfter: d.NotAfter}
}

func frameOf(p overture.Planning) Frame {
	return Frame{Window: p.Window, Rules: p.Rules, LaunchAt: p.LaunchAt, ExpiresAt: p.ExpiresAt}
}

// contacts reads what the people of a chunk have had, when the campaign holds messages behind a cap: only then does it move a due time.
// Where it suppresses them instead, the attempt decides alone.
func (p *Planner) contacts(ctx context.Context, planning overture.Planning, recipients []overture.Recipient, now time.Time) (map[overture.Address][]time.Time, error) {
	if planning.Rules == nil || planning.Rules.Policy.OverCap != overture.OverCapHold {
		return nil, nil //nolint:nilnil // nobody asks
	}
	var people []overture.Address
	var stretch time.Duration
	for _, r := range recipients {
		if long := planning.Rules.For(r.Address).Longest(); long > 0 {
			people, stretch = append(people, r.Address), max(stretch, long)
		}
	}
	if len(people) == 0 {
		return nil, nil //nolint:nilnil // nobody asks
	}
	contacts, err := p.deps.Store.Contacts(ctx, planning.AccountID, people, now.Add(-stretch))
	if err != nil {
		return nil, fmt.Errorf("read contacts: %w", err)
	}
	return contacts, nil
}
