package overture

import (
	"fmt"
	"strings"
	"time"
)

// RulesID names a row of the rules that decided about messages: what a message was planned under, long after newer rules are in use.
// A small number, because every message carries it. Zero: before rules were recorded.
type RulesID int64

// Rules are what narrows the window of a launched campaign and caps its messages: the packs frozen at launch, and the time-zone data in use.
type Rules struct {
	ID     RulesID
	TZData string // version of the time-zone database, such as "2026f"
	Policy Policy
	// Rulings finds what the packs say about a number; nil: no pack is active and there is no cap.
	Rulings Rulings
}

// Rulings are active packs in the form in which they are asked. Safe for concurrent use; it never fails and never waits.
type Rulings interface {
	// For gives the ruling for a number in E.164, the same pointer for all numbers of one place; nil: nothing applies.
	For(to Address) *Ruling
}

// For gives what applies to a number; nil: nothing.
func (r *Rules) For(to Address) *Ruling {
	if r == nil || r.Rulings == nil {
		return nil
	}
	return r.Rulings.For(to)
}

// Policy is an account's choice of packs, and its frequency cap. The zero value narrows nothing.
type Policy struct {
	Packs         []PackRef
	MinConfidence Confidence // rules that are less certain are left out; empty: all apply
	Cap           Cap        // Max 0: none
	OverCap       OverCap    // what happens to a message over a cap; empty: OverCapSuppress
}

// IsZero tells whether the policy neither narrows nor caps anything.
func (p Policy) IsZero() bool { return len(p.Packs) == 0 && p.Cap.Max == 0 }

// PackRef names a version of a policy pack. Versions stay in the program for good: what was decided under one can be explained later.
type PackRef struct{ Name, Version string }

func (r PackRef) String() string { return r.Name + "/" + r.Version }

// Confidence says how sure the source of a rule is. Rules below high are courtesy defaults, not law as written.
type Confidence string

// The confidences.
const (
	ConfidenceLow    Confidence = "low"
	ConfidenceMedium Confidence = "medium"
	ConfidenceHigh   Confidence = "high"
)

// Rank orders confidences; unknown words and the empty one are lowest.
func (c Confidence) Rank() int {
	switch c {
	case ConfidenceHigh:
		return 3
	case ConfidenceMedium:
		return 2
	case ConfidenceLow:
		return 1
	}
	return 0
}

// Cap is a frequency cap: at most Max messages of the account's campaigns reach a person's provider within any stretch of Per (E6).
type Cap struct {
	Max  int
	Per  time.Duration
	Rule string // who asks for it: "account" or the rule of a pack, "us-states/2026.11/US-FL"
}

// Over tells whether one more message at a moment would be over the cap, and if so, when the earliest moment is at which it is not.
// contacts are the moments of earlier messages, in any order.
func (c Cap) Over(contacts []time.Time, at time.Time) (until time.Time, over bool) {
	if c.Max <= 0 {
		return at, false
	}
	var inside []time.Time
	for _, t := range contacts {
		if t.After(at.Add(-c.Per)) {
			inside = append(inside, t)
		}
	}
	if len(inside) < c.Max {
		return at, false
	}
	// So many must fall out of the stretch that one more fits.
	for range len(inside) - c.Max + 1 {
		oldest := 0
		for i := range inside {
			if inside[i].Before(inside[oldest]) {
				oldest = i
			}
		}
		until = inside[oldest].Add(c.Per)
		inside[oldest] = inside[len(inside)-1]
		inside = inside[:len(inside)-1]
	}
	return until, true
}

func (c Cap) String() string { return fmt.Sprintf("%d in %s", c.Max, Hours24(c.Per)) }

// Hours24 writes a period as people say it: "24 hours", "7 days".
func Hours24(d time.Duration) string {
	if d >= 48*time.Hour && d%(24*time.Hour) == 0 {
		return fmt.Sprintf("%d days", d/(24*time.Hour))
	}
	return fmt.Sprintf("%g hours", d.Hours())
}

// OverCap decides what happens to a message over a cap.
type OverCap string

// What happens over a cap.
const (
	OverCapSuppress OverCap = "suppress" // default: it ends suppressed with reason capped
	OverCapHold     OverCap = "hold"     // it waits until the stretch has rolled on
)

// PackRule is one rule of a pack: when messages may go to people of an area.
type PackRule struct {
	Pack PackRef
	ID   string // within the pack: "US-FL", "FR", "US-unknown"
	Area string // in words: "Florida", "France"
	Days [7]Hours
	// Closed tells whether a local date, in days since 1970-01-01, is a banned holiday, and which; nil: holidays are not banned, or
	// their calendar is not known (Gap says so).
	Closed     func(day int64) (name string, closed bool)
	Holidays   bool   // the source bans holidays
	Calendar   string // of the holidays; empty with Holidays: not known
	Gap        string // what the rule cannot see, in words
	Cap        Cap    // Max 0: none
	Confidence Confidence
	Cite       string
	Source     string
	Texts      string // whether the source covers text messages: yes, unclear …
	Note       string
}

// Ref names the rule with pack and version, as why / why-not and the forecast do: "us-states/2026.11/US-FL".
func (r PackRule) Ref() string { return r.Pack.String() + "/" + r.ID }

// Ruling is what the active packs say about the numbers of one place. All rules must be open at once. Never changed after it was made;
// two rulings are the same exactly when their pointers are.
type Ruling struct {
	Place string // in words: "US-FL", "US, state unknown"
	Rules []PackRule
	Caps  []Cap
	Hold  bool // over a cap the message waits instead of being suppressed
}

// Longest gives the longest stretch of the ruling's caps; zero when it has none.
func (r *Ruling) Longest() time.Duration {
	var longest time.Duration
	if r != nil {
		for _, c := range r.Caps {
			longest = max(longest, c.Per)
		}
	}
	return longest
}

// Over tells whether one more message at a moment would be over any cap, over which, and until when.
func (r *Ruling) Over(contacts []time.Time, at time.Time) (c Cap, until time.Time, over bool) {
	if r == nil {
		return c, at, false
	}
	for _, x := range r.Caps {
		if u, is := x.Over(contacts, at); is && (!over || u.After(until)) {
			c, until, over = x, u, true
		}
	}
	return c, until, over
}

// Refs names the rules: "us-states/2026.11/US-FL, countries/2026.11/US".
func (r *Ruling) Refs() string {
	if r == nil {
		return ""
	}
	refs := make([]string, len(r.Rules))
	for i, x := range r.Rules {
		refs[i] = x.Ref()
	}
	return strings.Join(refs, ", ")
}
