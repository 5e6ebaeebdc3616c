package schedule

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/overture-im/overture"
)

// Store is what the planner needs of the database.
type Store interface {
	// Plannings lists the launched campaigns whose recipients are not all messages; beside an error it may give those it could read.
	Plannings(ctx context.Context) ([]overture.Planning, error)
	// RecipientsToPlan gives the next recipients after p.Through, in the order of their ids.
	RecipientsToPlan(ctx context.Context, p overture.Planning, limit int) ([]overture.Recipient, error)
	// WritePlan makes them messages in one transaction; ok is false when another node was faster and nothing changed.
	WritePlan(ctx context.Context, p overture.Planning, messages []overture.PlannedMessage, last bool, now time.Time) (ok bool, err error)
	// StartScheduled lets the campaigns run whose launch time has come.
	StartScheduled(ctx context.Context, now time.Time) ([]overture.CampaignID, error)
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
	failing map[overture.CampaignID]time.Time // when to try again; said once in the log
	trouble bool                              // the database's, said once in the log
}

// New gives a planner; Run makes it work.
func New(d Deps) *Planner { return &Planner{deps: d, failing: map[overture.CampaignID]time.Time{}} }

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
	plannings, err2 := p.deps.Store.Plannings(ctx)
	if err = errors.Join(err, err2); err != nil && !p.trouble && ctx.Err() == nil {
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
	messages := make([]overture.PlannedMessage, len(recipients))
	for i, r := range recipients {
		messages[i] = p.place(planning, r, now)
	}
	last := len(recipients) < chunk
	ok, err := p.deps.Store.WritePlan(ctx, planning, messages, last, now)
	if err != nil {
		return false, fmt.Errorf("write messages: %w", err)
	}
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
func (p *Planner) place(planning overture.Planning, r overture.Recipient, now time.Time) overture.PlannedMessage {
	s := p.deps.Calendar.Plan(now, Input{Zones: r.Zones, Window: planning.Window, LaunchAt: planning.LaunchAt, ExpiresAt: planning.ExpiresAt})
	if s.Expired {
		s.Due, s.NotAfter = time.UnixMilli(earliestMilli(now, planning.LaunchAt)), time.Time{}
	}
	return overture.PlannedMessage{RecipientID: r.ID, Address: r.Address, Segments: r.Segments, Due: s.Due, NotAfter: s.NotAfter}
}
