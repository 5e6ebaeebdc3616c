package guard

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/overture-im/overture"
)

// look decides about one running campaign: barrier, canary, ramp, then the outcomes.
func (g *Guard) look(ctx context.Context, c overture.Guarded, now time.Time) error {
	if c.Barrier != "" {
		return g.pause(ctx, c, c.Barrier, barrierWords(c))
	}
	optedOut, err := g.optedOut(ctx, c, now)
	if err != nil {
		return err
	}
	outcomes := overture.OutcomesOf(c.Counts, optedOut)
	switch next, rail, words := advance(c, outcomes, now); {
	case rail != "":
		return g.pause(ctx, c, rail, words)
	case words != "":
		done, err := g.store.AdvanceWatch(ctx, c.Campaign, next, words, now)
		if done {
			g.log.InfoContext(ctx, "guard", slog.String("campaign_id", c.ID.String()), slog.String("says", words))
			g.wake("campaign")
			g.wake("dispatch")
		}
		return err
	}
	// What a killed node left in doubt says nothing about the provider; it pauses nothing by itself.
	outcomes.Unknown = max(outcomes.Unknown-c.Adopted, 0)
	if rail, words := g.track(c, now).judge(outcomes, c.Watch.Known, c.Limits, now); rail != "" {
		return g.pause(ctx, c, rail, words)
	}
	return nil
}

func barrierWords(c overture.Guarded) string {
	switch c.Barrier {
	case overture.BarrierCampaignSpend:
		return fmt.Sprintf("its spend limit of %d segments is reached; resume it to allow as many again", c.Rails.Segments)
	case overture.BarrierDaySpend:
		return fmt.Sprintf("the account's limit of %d segments a day is reached; raise it, or resume after midnight UTC", c.Limits.SegmentsPerDay)
	case overture.BarrierCampaignMoney:
		return fmt.Sprintf("its spend limit of %s %s is reached; resume it to allow as much again", overture.Money(c.Rails.Spend), c.Currency)
	case overture.BarrierDayMoney:
		return fmt.Sprintf("the account's limit of %s %s a day is reached; raise it, or resume after midnight UTC", overture.Money(c.Limits.SpendPerDay), c.Limits.SpendCurrency)
	case overture.BarrierUnpriced:
		return "a spend limit in money is set, and the prices it was launched with have none for a destination of its list; switch the account's limit off, or cancel it, complete the prices and launch a duplicate"
	case overture.BarrierPrefix:
		return fmt.Sprintf("more than %d different numbers of one prefix within a day; look whether the list is what you think", c.Limits.CampaignPrefixPerDay)
	}
	return "a guard rail closed it (" + c.Barrier + ")"
}

// advance moves canary and ramp on. words are empty when there is nothing to do; rail is set when the campaign must pause. Pure.
func advance(c overture.Guarded, o overture.Outcomes, now time.Time) (next overture.Watch, rail, words string) {
	next = c.Watch
	switch c.Watch.Phase {
	case overture.PhaseCanary:
		if !c.Bounded || c.Allowance > 0 || c.Flying > 0 {
			return next, "", ""
		}
		next.Phase, next.VerdictAt = overture.PhaseVerdict, now.Add(c.Rails.Canary.Wait()).UTC().Truncate(time.Millisecond)
		return next, "", fmt.Sprintf("the canary of %d went out; its verdict is at %s", c.Watch.CanarySize, next.VerdictAt.Format(time.RFC3339))
	case overture.PhaseVerdict:
		if now.Before(c.Watch.VerdictAt) {
			return next, "", ""
		}
		if words := canaryVerdict(c.Rails.Canary, c.Watch.CanarySize, o); words != "" {
			return next, "canary", words
		}
		next.Phase, next.VerdictAt = overture.PhaseFree, time.Time{}
		if len(c.Rails.Ramp.Percents) > 0 {
			next.Phase, next.Step, next.StepAt = overture.PhaseRamp, 0, now.UTC().Truncate(time.Millisecond)
		}
		return next, "", fmt.Sprintf("the canary of %d went well; the campaign goes on", c.Watch.CanarySize)
	case overture.PhaseRamp:
		if c.Watch.StepAt.IsZero() { // it has just begun
			next.StepAt = later(now, c.LaunchAt, c.UndoUntil).UTC().Truncate(time.Millisecond)
			return next, "", fmt.Sprintf("the ramp begins at %d %%", c.Rails.Ramp.Percents[0])
		}
		if now.Sub(c.Watch.StepAt) < time.Duration(c.Rails.Ramp.StepMinutes)*time.Minute {
			return next, "", ""
		}
		next.Step, next.StepAt = next.Step+1, now.UTC().Truncate(time.Millisecond)
		if next.Step >= len(c.Rails.Ramp.Percents) {
			next.Phase = overture.PhaseFree
			return next, "", "the ramp is over; the campaign has its full rate"
		}
		return next, "", fmt.Sprintf("the ramp goes to %d %%", c.Rails.Ramp.Percents[next.Step])
	case overture.PhaseFree:
	}
	return next, "", ""
}

func later(a time.Time, others ...time.Time) time.Time {
	for _, b := range others {
		if b.After(a) {
			a = b
		}
	}
	return a
}

// canaryVerdict is empty when the canary went well.
func canaryVerdict(k overture.Canary, size int, o overture.Outcomes) string {
	for _, x := range []struct {
		n, limit int
		what     string
	}{
		{o.Refused + o.Undelivered, k.FailedPercent, "were refused or not delivered"},
		{o.OptedOut, k.OptedOutPercent, "made the person stop the brand"},
		{o.Unknown + o.Held, k.UnknownPercent, "are in doubt"},
	} {
		if x.n*100 > x.limit*size {
			return fmt.Sprintf("%d of the canary's %d %s (%s %%), limit %d %%; resume it to go on all the same", x.n, size, x.what, percent(x.n, size), x.limit)
		}
	}
	return ""
}

func percent(n, of int) string {
	p := float64(n) * 100 / float64(max(of, 1))
	if p == float64(int(p)) {
		return fmt.Sprintf("%d", int(p))
	}
	return fmt.Sprintf("%.1f", p)
}

func (g *Guard) pause(ctx context.Context, c overture.Guarded, rail, words string) error {
	done, err := g.store.PauseByItself(ctx, c.Campaign, rail, words, g.clock())
	if err != nil || !done {
		return err
	}
	delete(g.tracks, c.ID)
	g.mu.Lock()
	g.pauses[rail]++
	g.mu.Unlock()
	g.log.WarnContext(ctx, "campaign paused by itself", slog.String("campaign_id", c.ID.String()), slog.String("rail", rail), slog.String("reason", words))
	g.wake("campaign")
	g.wake("dispatch")
	return nil
}
