package dispatch

import (
	"context"
	"log/slog"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/outbound/dispatch/core"
)

// Observer is told what the engine does, as it happens. Its methods are called from many goroutines and must not block.
type Observer interface {
	// Marked: a commit made marks durable, after it had waited and written for took.
	Marked(sender overture.SenderID, marks int, took time.Duration)
	// Attempted: a marked message ended with an outcome of the attempt's history (overture.Settlement.Outcome); code is the provider's, 0 for none.
	Attempted(sender overture.SenderID, campaign overture.CampaignID, outcome string, code int, took time.Duration)
	// LookedUp: the provider's record was asked about a doubt; outcome as above: found, absent, held, or unknown for later. Also
	// resent_without_proof: must_reach did not ask.
	LookedUp(sender overture.SenderID, outcome string)
}

// nobody observes nothing.
type nobody struct{}

func (nobody) Marked(overture.SenderID, int, time.Duration)                                 {}
func (nobody) Attempted(overture.SenderID, overture.CampaignID, string, int, time.Duration) {}
func (nobody) LookedUp(overture.SenderID, string)                                           {}

// Snapshot tells how the senders stand that this node works for, in no order, each at most a moment old.
func (e *Engine) Snapshot() []core.Snapshot {
	e.mu.Lock()
	defer e.mu.Unlock()
	out := make([]core.Snapshot, 0, len(e.runners))
	for _, r := range e.runners {
		if s := r.stood.Load(); s != nil {
			out = append(out, *s)
		}
	}
	return out
}

// Status tells why a sender is slow, in words for the campaign page; empty when nothing is in the way.
func (e *Engine) Status(id overture.SenderID) string {
	e.mu.Lock()
	r := e.runners[id]
	e.mu.Unlock()
	if r == nil {
		return ""
	}
	if s := r.stood.Load(); s != nil {
		return s.Why
	}
	return ""
}

// tellRecord logs that lookups stopped going through, or go through again.
func (r *runner) tellRecord(mute bool) {
	if mute {
		r.e.Log.Warn("the provider's record does not answer; one doubt is looked up every few seconds until it does", "sender_id", r.id.String())
		return
	}
	r.e.Log.Info("the provider's record answers again", "sender_id", r.id.String())
}

// tell logs one step of one message, so that it can be followed by its id. What went well is for debugging; everything else is rare enough
// to be told always. No address and no text is ever logged.
func (e *Engine) tell(sender overture.SenderID, campaign overture.CampaignID, s *overture.Settlement) {
	level := slog.LevelInfo
	if s.Outcome == "accepted" || s.Outcome == "throttled" {
		level = slog.LevelDebug
	}
	ctx := context.Background()
	if !e.Log.Enabled(ctx, level) {
		return
	}
	e.Log.LogAttrs(ctx, level, "attempt", slog.String("message_id", s.MessageID.String()), slog.Int("attempt", s.Attempt), slog.String("outcome", s.Outcome),
		slog.String("state", s.State.String()), slog.String("campaign_id", campaign.String()), slog.String("sender_id", sender.String()),
		slog.String("provider_id", s.ProviderID), slog.Int("code", s.Code), slog.Int("http_status", s.HTTPStatus))
}
