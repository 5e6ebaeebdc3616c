package campaign

import (
	"fmt"
	"strings"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/kit/tz"
)

// tzdataOf is the version the message was planned with; for one that is not planned, the program's own.
func tzdataOf(f overture.Facts) string {
	if f.Rules == nil {
		return tz.Version()
	}
	return f.Rules.TZData
}

// whyPolicy tells what each rule of the packs says that the message was planned under: not today's packs, if those are others.
func whyPolicy(f overture.Facts, now time.Time) []Reason {
	none := Reason{Check: "policy", Rule: rulePolicy, Answer: Passes, TZData: tzdataOf(f), Input: map[string]string{"packs": packsOf(f.Rules)}}
	ruling := f.Rules.For(f.Recipient.Address)
	switch {
	case f.Rules == nil:
		none.Words = overture.Say("the message was planned before policies were recorded")
		return []Reason{none}
	case len(f.Rules.Policy.Packs) == 0:
		none.Words = overture.Say("no policy pack applied to the campaign")
		return []Reason{none}
	case ruling == nil || len(ruling.Rules) == 0:
		none.Words = overture.Say("the packs have no rule for the place of this number")
		return []Reason{none}
	}
	at := policyMoment(f, now)
	var out []Reason
	for _, r := range ruling.Rules {
		x := Reason{Check: "policy", Rule: r.Ref(), Pack: r.Pack.String(), TZData: tzdataOf(f), Input: map[string]string{
			"place": ruling.Place, "area": r.Area, "confidence": string(r.Confidence), "cite": r.Cite, "source": r.Source, "hours": hoursOf(r, at, f.Recipient.Zones),
		}}
		if r.Gap != "" {
			x.Input["gap"] = r.Gap
		}
		x.Answer, x.Words = ruleVerdict(f, r, at)
		out = append(out, x)
	}
	return out
}

// policyMoment is when the rules decided or will: at the send, at its due time, or now.
func policyMoment(f overture.Facts, now time.Time) time.Time {
	if accepted, sent := past(f); sent {
		return accepted
	}
	if f.Message != nil && f.Message.State.Final() {
		return f.Message.UpdatedAt
	}
	return now
}

func ruleVerdict(f overture.Facts, r overture.PackRule, at time.Time) (Answer, overture.Sentence) {
	_, sent := past(f)
	closed, where := closedIn(r, at, f.Recipient.Zones)
	switch {
	case len(f.Recipient.Zones) == 0:
		return Passes, overture.Say("%s: the zone is unknown, so these hours must be open everywhere", r.Area)
	case closed.IsZero() && sent:
		return Passes, overture.Say("%s: it was allowed when it was sent", r.Area)
	case closed.IsZero():
		return Passes, overture.Say("%s: allowed at %s", r.Area, localTimes(at, f.Recipient.Zones))
	case sent: // the send had its margin; the moment of acceptance may lie behind it
		return Passes, overture.Say("%s: the provider took it when it was %s in %s", r.Area, closed, where)
	case f.Message != nil && f.Message.State.Final():
		return Passes, overture.Say("%s: %s in %s when the message ended; see what ended it below", r.Area, closed, where)
	}
	return Waits, overture.Say("%s: %s now in %s", r.Area, closed, where)
}

// closedIn tells in words why a rule is closed at a moment, and in which zone; zero when it is open in all.
func closedIn(r overture.PackRule, at time.Time, zones []string) (why overture.Sentence, where string) {
	for _, name := range zones {
		loc, err := tz.Load(name)
		if err != nil {
			continue
		}
		local := at.In(loc)
		if r.Closed != nil {
			const day = 24 * 60 * 60
			date := time.Date(local.Year(), local.Month(), local.Day(), 0, 0, 0, 0, time.UTC)
			if holiday, closed := r.Closed(date.Unix() / day); closed {
				return overture.Say("closed for %s", holiday), name
			}
		}
		h, minute := r.Days[local.Weekday()], local.Hour()*60+local.Minute()
		switch {
		case h.From == h.To:
			return overture.Say("closed on %s", overture.Written(local.Weekday().String())), name
		case minute < h.From || minute >= h.To:
			return overture.Say("closed at %s", overture.At(local, "15:04")), name
		}
	}
	return why, ""
}

// hoursOf writes the hours of the weekday at a moment.
func hoursOf(r overture.PackRule, at time.Time, zones []string) string {
	local := at.UTC()
	if len(zones) > 0 {
		if loc, err := tz.Load(zones[0]); err == nil {
			local = at.In(loc)
		}
	}
	h := r.Days[local.Weekday()]
	if h.From == h.To {
		return local.Weekday().String() + ": closed"
	}
	return fmt.Sprintf("%s: %02d:%02d to %02d:%02d", local.Weekday(), h.From/60, h.From%60, h.To/60, h.To%60)
}

func packsOf(r *overture.Rules) string {
	if r == nil || len(r.Policy.Packs) == 0 {
		return "none"
	}
	var out []string
	for _, p := range r.Policy.Packs {
		out = append(out, p.String())
	}
	return strings.Join(out, ", ")
}

// whyCaps tells how many messages count against each cap of the rules that the message was planned under.
func whyCaps(f overture.Facts, now time.Time) []Reason {
	ruling := f.Rules.For(f.Recipient.Address)
	capped := f.Message != nil && f.Message.Reason == overture.ReasonCapped
	if ruling == nil || len(ruling.Caps) == 0 {
		r := Reason{Check: "cap", Rule: ruleCap, Answer: Passes, Words: overture.Say("no frequency cap applies"), Input: map[string]string{}}
		return []Reason{r}
	}
	at := policyMoment(f, now)
	var out []Reason
	for _, c := range ruling.Caps {
		n := 0
		for _, t := range f.Contacts {
			if t.After(at.Add(-c.Per)) && !t.After(at) {
				n++
			}
		}
		r := Reason{Check: "cap", Rule: c.Rule, Input: map[string]string{"max": fmt.Sprint(c.Max), "period": overture.Hours24(c.Per), "had": fmt.Sprint(n)}}
		if pack, _, found := cutLast(c.Rule, "/"); found && strings.Contains(pack, "/") {
			r.Pack = pack
		}
		_, sent := past(f)
		switch over := n >= c.Max; {
		case capped && over:
			r.Answer, r.Words = Stops, overture.Say("the person had %d messages in %s when this one was due; the cap is %d", n, overture.Written(overture.Hours24(c.Per)), c.Max)
		case sent || capped || !over:
			r.Answer, r.Words = Passes, overture.Say("%d of %d messages in %s", n, c.Max, overture.Written(overture.Hours24(c.Per)))
		case ruling.Hold:
			r.Answer, r.Words = Waits, overture.Say("the person has had %d messages in %s; it waits until fewer than %d are left", n, overture.Written(overture.Hours24(c.Per)), c.Max)
		default:
			r.Answer, r.Words = Stops, overture.Say("the person has had %d messages in %s; the cap is %d, and a message over it is suppressed when it is due", n, overture.Written(overture.Hours24(c.Per)), c.Max)
		}
		out = append(out, r)
	}
	return out
}

func cutLast(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}
