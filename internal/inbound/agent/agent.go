// Package agent knows who answers, and gives waiting conversations to them.
//
//	Does:   keeps presence and capacity; assigns the oldest waiting conversation to the least loaded available agent with its skill
//	Reads:  app_user, agent, agent_skill, conversation
//	Writes: agent; conversation.state assigned, conversation.agent_id
//	Wakes:  "inbound" when an agent becomes available
package agent

import (
	"context"
	"time"

	"github.com/overture-im/overture"
)

const topicInbound = "inbound"

// maxCapacity is far above what a person can follow; a program that answers may need it.
const maxCapacity = 100

// Store is what the room needs of the database for people.
type Store interface {
	Agents(ctx context.Context, account overture.AccountID, after overture.UserID, limit int) ([]overture.Agent, error)
	Agent(ctx context.Context, account overture.AccountID, user overture.UserID) (overture.Agent, error)
	SetPresence(ctx context.Context, account overture.AccountID, user overture.UserID, available bool, capacity int, now time.Time) error
}

// Wakes carries wake-ups between loops.
type Wakes interface {
	Publish(topic string)
	Subscribe(topic string) (wake <-chan struct{}, cancel func())
}

// Roster is the list of agents with their presence.
type Roster struct {
	store Store
	wakes Wakes
	now   func() time.Time
}

// NewRoster makes the roster. now is the clock, time.Now outside tests.
func NewRoster(store Store, wakes Wakes, now func() time.Time) *Roster {
	return &Roster{store: store, wakes: wakes, now: now}
}

// List gives the account's agents by id, after the given one.
func (r *Roster) List(ctx context.Context, account overture.AccountID, after overture.UserID, limit int) ([]overture.Agent, error) {
	return r.store.Agents(ctx, account, after, limit)
}

// Agent gives one agent. NotFound: the user's role does not answer.
func (r *Roster) Agent(ctx context.Context, account overture.AccountID, user overture.UserID) (overture.Agent, error) {
	return r.store.Agent(ctx, account, user)
}

// Presence is what an agent says about the own work. A zero capacity leaves it as it was.
type Presence struct {
	Available bool
	Capacity  int
}

// SetPresence keeps it. Who becomes unavailable keeps the conversations at hand and gets no new ones.
func (r *Roster) SetPresence(ctx context.Context, account overture.AccountID, user overture.UserID, p Presence) (overture.Agent, error) {
	if p.Capacity < 0 || p.Capacity > maxCapacity {
		return overture.Agent{}, overture.ErrInvalid("bad_capacity", "the capacity is how many conversations you take at once, from 1 to 100")
	}
	a, err := r.store.Agent(ctx, account, user)
	if err != nil {
		return a, err
	}
	a.Available = p.Available
	if p.Capacity > 0 {
		a.Capacity = p.Capacity
	}
	if err := r.store.SetPresence(ctx, account, user, a.Available, a.Capacity, r.now()); err != nil {
		return a, err
	}
	if a.Available {
		r.wakes.Publish(topicInbound)
	}
	return a, nil
}
