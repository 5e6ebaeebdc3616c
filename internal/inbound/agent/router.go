package agent

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/overture-im/overture"
)

// Queue is what the router needs of the database.
type Queue interface {
	FreeAgents(ctx context.Context) ([]overture.Agent, error)
	WaitingConversations(ctx context.Context, account overture.AccountID, skills []overture.SkillID, limit int) ([]overture.WaitingConversation, error)
	Assign(ctx context.Context, a overture.Assignment, now time.Time) (won bool, err error)
}

// pollEvery finds what other nodes did and what a crash left behind.
const pollEvery = time.Second

// roundLimit bounds how many conversations of an account one round looks at.
const roundLimit = 200

// Router is the worker that assigns waiting conversations. Several nodes may run one each: every assignment is conditional (I19).
type Router struct {
	queue Queue
	wakes Wakes
	log   *slog.Logger
	now   func() time.Time
}

// NewRouter makes the worker. now is the clock, time.Now outside tests.
func NewRouter(queue Queue, wakes Wakes, log *slog.Logger, now func() time.Time) *Router {
	return &Router{queue: queue, wakes: wakes, log: log, now: now}
}

// Run works until ctx ends.
func (r *Router) Run(ctx context.Context) {
	wake, cancel := r.wakes.Subscribe(topicInbound)
	defer cancel()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		for {
			n, err := r.Step(ctx)
			if err != nil && ctx.Err() == nil {
				r.log.ErrorContext(ctx, "assigning conversations", "error", err)
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

// Step does one round over all accounts and tells how many conversations found an agent.
func (r *Router) Step(ctx context.Context) (assigned int, err error) {
	free, err := r.queue.FreeAgents(ctx)
	if err != nil {
		return 0, err
	}
	teams := map[overture.AccountID][]overture.Agent{}
	for _, a := range free {
		teams[a.AccountID] = append(teams[a.AccountID], a)
	}
	for _, account := range slices.Sorted(maps.Keys(teams)) {
		n, err := r.account(ctx, account, teams[account])
		assigned += n
		if err != nil {
			return assigned, err
		}
	}
	return assigned, nil
}

func (r *Router) account(ctx context.Context, account overture.AccountID, team []overture.Agent) (assigned int, err error) {
	var skills []overture.SkillID
	room := 0
	for _, a := range team {
		skills = append(skills, a.Skills...)
		room += a.Capacity - a.Open
	}
	slices.Sort(skills)
	waiting, err := r.queue.WaitingConversations(ctx, account, slices.Compact(skills), min(room, roundLimit))
	if err != nil {
		return 0, err
	}
	now := r.now()
	for _, a := range Plan(account, waiting, team, now) {
		won, err := r.queue.Assign(ctx, a, now)
		if err != nil {
			return assigned, err
		}
		if won {
			assigned++
		}
	}
	return assigned, nil
}
