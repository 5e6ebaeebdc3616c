package campaign

import (
	"fmt"
	"strings"
	"time"

	"github.com/overture-im/overture"
)

// The versions of the rules of guard rails and stops.
const (
	ruleStop       = "kill-switch/1"
	ruleQuarantine = "quarantine/1"
	ruleUndo       = "undo-window/1"
	ruleCanary     = "canary/1"
	ruleSpend      = "spend-limit/1"
	rulePrefix     = "prefix-limit/1"
)

const inQuarantine = "the installation is in quarantine: nothing goes before an operator releases it"

// whyRails tells which stops and guard rails keep a message back. Rails that the campaign does not have are left out.
func whyRails(f overture.Facts, now time.Time) []Reason {
	out := []Reason{whyStop(f)}
	if f.Railed.Quarantined {
		words := overture.Say(inQuarantine)
		if f.Campaign.State == overture.CampaignCanceled {
			words = overture.Say("the installation is in quarantine: it may have been sent already, and is canceled only when that was looked up and an operator releases the quarantine")
		}
		out = append(out, waitsUnlessOver(f, Reason{Check: "quarantine", Rule: ruleQuarantine, Words: words}))
	}
	if !f.Campaign.UndoUntil.IsZero() {
		out = append(out, whyUndo(f, now))
	}
	if f.Campaign.Watch.CanarySize > 0 {
		out = append(out, whyCanary(f))
	}
	if f.Campaign.Rails.Segments > 0 || f.Campaign.Rails.Spend > 0 || f.Railed.Limits.SegmentsPerDay > 0 || f.Railed.Limits.SpendPerDay > 0 {
		out = append(out, whySpend(f))
	}
	if f.Railed.Limits.CampaignPrefixPerDay > 0 {
		out = append(out, whyPrefix(f))
	}
	return out
}

// waitsUnlessOver makes a reason wait, or pass for a message that has gone or ended.
func waitsUnlessOver(f overture.Facts, r Reason) Reason {
	if r.Answer = Waits; f.Message != nil && f.Message.State != overture.Queued {
		r.Answer = Passes
	}
	return r
}

func whyStop(f overture.Facts) Reason {
	r := Reason{Check: "stop", Rule: ruleStop, Input: map[string]string{"installation": yes(f.Railed.AllStopped), "account": yes(f.Railed.AccountStopped)}}
	switch {
	case f.Railed.AllStopped:
		r.Words = overture.Say(allStopped)
	case f.Railed.AccountStopped:
		r.Words = accountStopped(f.Railed.StopWords)
	default:
		r.Answer, r.Words = Passes, overture.Say("nobody stopped the account or the installation")
		return r
	}
	return waitsUnlessOver(f, r)
}

func whyUndo(f overture.Facts, now time.Time) Reason {
	until := f.Campaign.UndoUntil.UTC().Format(time.RFC3339)
	r := Reason{Check: "undo", Rule: ruleUndo, Input: map[string]string{"undo_until": until}}
	if now.Before(f.Campaign.UndoUntil) {
		r.Answer, r.Words = Waits, overture.Say("the launch can be undone until %s; nothing goes before", exactly(f.Campaign.UndoUntil))
		return r
	}
	r.Answer, r.Words = Passes, overture.Say("the launch could be undone until %s", exactly(f.Campaign.UndoUntil))
	return r
}

func whyCanary(f overture.Facts) Reason {
	w := f.Campaign.Watch
	r := Reason{Check: "canary", Rule: ruleCanary, Input: map[string]string{"size": fmt.Sprint(w.CanarySize)}}
	switch {
	case w.Phase == overture.PhaseVerdict && w.PausedBy == "":
		r.Input["verdict_at"] = w.VerdictAt.UTC().Format(time.RFC3339)
		r.Words = overture.Say("the canary of %d went out; the others go at %s if it went well", w.CanarySize, exactly(w.VerdictAt))
	case w.Phase == overture.PhaseVerdict:
		r.Words = overture.Say("the canary of %d did not go well; a resume lets the others go", w.CanarySize)
	case w.Phase == overture.PhaseCanary && f.Railed.Allowance != nil:
		r.Input["left"] = fmt.Sprint(*f.Railed.Allowance)
		r.Words = overture.Say("only the first %d go before the canary's verdict, and %d of them are left", w.CanarySize, *f.Railed.Allowance)
	default:
		r.Answer, r.Words = Passes, overture.Say("the canary of %d is over", w.CanarySize)
		return r
	}
	return waitsUnlessOver(f, r)
}

func whySpend(f overture.Facts) Reason {
	x, rails := f.Railed, f.Campaign.Rails
	r := Reason{Check: "spend", Rule: ruleSpend, Input: map[string]string{}}
	var left []overture.Sentence
	room := func(name, limit, rest string, words overture.Sentence) {
		r.Input[name], r.Input[name+"_left"] = limit, rest
		left = append(left, words)
	}
	if rails.Segments > 0 && x.SegmentsLeft != nil {
		room("segments", fmt.Sprint(rails.Segments), fmt.Sprint(*x.SegmentsLeft), overture.Say("%d of %s", int(*x.SegmentsLeft), segmentsOf(int(rails.Segments))))
	}
	if rails.Spend > 0 && x.MoneyLeft != nil {
		limit := overture.Money(rails.Spend) + " " + x.Currency
		room("spend", limit, overture.Money(*x.MoneyLeft), overture.Say("%s of %s", overture.Sum{Micros: *x.MoneyLeft}, overture.Sum{Micros: rails.Spend, Currency: x.Currency}))
	}
	if n := x.Limits.SegmentsPerDay; n > 0 {
		rest := int(max(0, n-x.SpentToday))
		room("segments_per_day", fmt.Sprint(n), fmt.Sprint(rest), overture.Say("%d of %s of the account today", rest, segmentsOf(int(n))))
	}
	if n := x.Limits.SpendPerDay; n > 0 {
		limit := overture.Money(n) + " " + x.Limits.SpendCurrency
		rest := overture.Sum{Micros: max(0, n-x.MoneyToday)}
		room("spend_per_day", limit, rest.String(), overture.Say("%s of %s of the account today", rest, overture.Sum{Micros: n, Currency: x.Limits.SpendCurrency}))
	}
	switch by := railOf(f); by {
	case overture.BarrierCampaignSpend, overture.BarrierDaySpend, overture.BarrierCampaignMoney, overture.BarrierDayMoney, overture.BarrierUnpriced:
		r.Input["rail"] = by
		r.Words = andLeft(overture.Say("a spend limit stopped the campaign (%s)", overture.Written(strings.ReplaceAll(by, "_", " "))), left)
		return waitsUnlessOver(f, r)
	}
	r.Answer, r.Words = Passes, andLeft(overture.Say("inside the spend limits"), left)
	return r
}

func andLeft(words overture.Sentence, left []overture.Sentence) overture.Sentence {
	if len(left) == 0 {
		return words
	}
	return overture.Say("%s; left: %s", words, overture.Joined(", ", left...))
}

// railOf is the rail that closed the lane or paused the campaign; empty: none.
func railOf(f overture.Facts) string {
	if f.Railed.Barrier != "" {
		return f.Railed.Barrier
	}
	return f.Campaign.Watch.PausedBy
}

func whyPrefix(f overture.Facts) Reason {
	limits := f.Railed.Limits
	r := Reason{Check: "prefix", Rule: rulePrefix, Input: map[string]string{
		"prefix": "+" + limits.Prefix(f.Recipient.Address), "numbers_per_day": fmt.Sprint(limits.CampaignPrefixPerDay),
	}}
	if railOf(f) == overture.BarrierPrefix {
		r.Words = overture.Say("more than %d different numbers of one prefix within a day stopped the campaign", limits.CampaignPrefixPerDay)
		return waitsUnlessOver(f, r)
	}
	r.Answer, r.Words = Passes, overture.Say("at most %d different numbers that begin with %s in a day", limits.CampaignPrefixPerDay, r.Input["prefix"])
	return r
}
