package dispatch

import (
	"context"
	"sort"
	"time"

	"github.com/overture-im/overture"
)

// doubtsPerRound bounds the lookups of one sender and round; providers limit their list endpoint too.
const doubtsPerRound = 50

// settleDoubts looks up attempts whose outcome is unknown, after the grace period (R7), until ctx ends or the lease is lost.
func (r *runner) settleDoubts(ctx context.Context, t *tenure) {
	every := min(max(r.e.cfg.LookupSpacing/4, 50*time.Millisecond), time.Second)
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if t.lost.Load() {
			return
		}
		r.doubtRound(ctx, t)
	}
}

func (r *runner) doubtRound(ctx context.Context, t *tenure) {
	now := time.Now()
	doubts, err := r.e.Store.Doubts(ctx, t.lease, now, doubtsPerRound)
	if err != nil || len(doubts) == 0 {
		return
	}
	sender, err := r.currentSender(ctx)
	if err != nil {
		return
	}
	inDoubt, err := r.e.Store.LanesInDoubt(ctx, r.id)
	if err != nil {
		return
	}
	lanes := map[overture.LaneID]overture.Lane{}
	for _, l := range inDoubt {
		lanes[l.ID] = l
	}
	taken := map[string]bool{} // provider ids that proved another doubt of this round
	for _, d := range doubts {
		if ctx.Err() != nil || !t.valid(time.Now()) {
			return
		}
		settled := r.lookUp(ctx, sender, lanes, d, taken)
		if ctx.Err() != nil {
			return // a lookup that was cut off says nothing, and must not count as one that failed
		}
		r.e.committer.settle(r.head(), settled)
	}
	select {
	case <-r.e.committer.flushed(r.head()):
	case <-ctx.Done():
	}
	r.poke()
}

// lookUp asks the provider's record about one doubt and decides.
func (r *runner) lookUp(ctx context.Context, sender overture.Sender, lanes map[overture.LaneID]overture.Lane, d overture.Doubt, taken map[string]bool) overture.Settlement {
	now := time.Now()
	s := overture.Settlement{Place: d.Place, Attempt: d.Attempt, Token: d.Token, StartedAt: d.StartedAt, NotAfter: d.NotAfter, Lookups: d.Lookups}
	lane := lanes[d.LaneID]
	if lane.Policy == overture.MustReach && now.Sub(d.StartedAt) >= r.e.cfg.MustReachGrace {
		s.Outcome, s.State, s.RetryAt = "resent_without_proof", overture.Queued, now
		return s
	}
	wanted, err := r.textOf(ctx, lane, d)
	if err != nil {
		return later(s, now, r.e.cfg)
	}
	provider := r.e.Providers[sender.Provider]
	if provider == nil { // this node is set up without it
		return later(s, now, r.e.cfg)
	}
	found, err := provider.Find(ctx, sender, d.Address, d.StartedAt.Add(-time.Minute))
	if err != nil {
		return later(s, now, r.e.cfg)
	}
	known, err := r.e.Store.KnownProviderIDs(ctx, sender.ID, d.Address)
	if err != nil {
		return later(s, now, r.e.cfg)
	}
	sort.Slice(found, func(i, j int) bool { return found[i].CreatedAt.Before(found[j].CreatedAt) })
	for _, f := range found {
		if f.Body == wanted && !known[f.ProviderID] && !taken[f.ProviderID] && !f.CreatedAt.Before(d.StartedAt.Add(-time.Minute)) {
			taken[f.ProviderID] = true
			s.Outcome, s.State, s.ProviderID = "found", overture.Accepted, f.ProviderID
			return s
		}
	}
	return absent(s, now, r.e.cfg)
}

// absent decides after a lookup that found nothing: once is not enough, twice is proof.
func absent(s overture.Settlement, now time.Time, cfg Config) overture.Settlement {
	if s.Lookups++; s.Lookups < 2 {
		s.Outcome, s.State, s.LookupAt = "unknown", overture.Unknown, now.Add(cfg.LookupSpacing)
		return s
	}
	s.Outcome, s.State, s.RetryAt = "absent", overture.Queued, now
	return s
}

// later keeps a doubt that could not be looked up; after HoldAfter a person has to decide.
func later(s overture.Settlement, now time.Time, cfg Config) overture.Settlement {
	if now.Sub(s.StartedAt) >= cfg.HoldAfter {
		s.Outcome, s.State, s.Reason = "held", overture.Held, overture.ReasonNotProven
		return s
	}
	s.Outcome, s.State, s.LookupAt = "unknown", overture.Unknown, now.Add(cfg.LookupSpacing)
	return s
}

// textOf renders what the attempt sent.
func (r *runner) textOf(ctx context.Context, lane overture.Lane, d overture.Doubt) (string, error) {
	m := d.DueMessage
	if m.Body == "" {
		if lane.ID == 0 {
			return "", overture.ErrNotFound("lane")
		}
		names, err := r.headers.of(ctx, m.ImportID)
		if err != nil {
			return "", err
		}
		m.Personal.Names = names
	}
	return finalText(lane, m, r.e.Smart)
}
