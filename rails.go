package overture

import (
	"strings"
	"time"
)

// Rails are the guard rails of an account. Zero means the default, -1 off.
type Rails struct {
	UndoSeconds          int    `json:"undo_seconds,omitempty"`            // of new campaigns; default 0
	SegmentsPerDay       int64  `json:"segments_per_day,omitempty"`        // all campaigns together, per UTC day; default off
	SpendPerDay          int64  `json:"spend_per_day,omitempty"`           // the same in money, millionths of SpendCurrency; default off
	SpendCurrency        string `json:"spend_currency,omitempty"`          // of the price table when SpendPerDay was set; prices in another one are no prices
	PrefixDigits         int    `json:"prefix_digits,omitempty"`           // digits after the plus that make a prefix
	PrefixPerHour        int    `json:"prefix_per_hour,omitempty"`         // different numbers of one prefix, outside campaigns
	PrefixPerDay         int    `json:"prefix_per_day,omitempty"`          // the same in 24 hours
	CampaignPrefixPerDay int    `json:"campaign_prefix_per_day,omitempty"` // different numbers of one prefix, campaigns; default off
	FailedPercent        int    `json:"failed_percent,omitempty"`          // of the last Sample outcomes: more pauses the campaign
	OptedOutPercent      int    `json:"opted_out_percent,omitempty"`
	UnknownPercent       int    `json:"unknown_percent,omitempty"`
	Sample               int    `json:"sample,omitempty"` // outcomes judged at a time
}

// The defaults. Seven digits are a country code, an area code and an exchange in North America: ten thousand numbers. A sample of 200 tells 25 % from an
// accident; a quarter of refusals, a tenth of people who stop, or half in doubt is never an ordinary campaign.
const (
	DefaultPrefixDigits    = 7
	DefaultPrefixPerHour   = 50
	DefaultPrefixPerDay    = 200
	DefaultFailedPercent   = 25
	DefaultOptedOutPercent = 10
	DefaultUnknownPercent  = 50
	DefaultSample          = 200
)

// WithDefaults gives what applies: zero where a rail is off.
func (r Rails) WithDefaults() Rails {
	fill := func(v *int, def int) {
		switch {
		case *v == 0:
			*v = def
		case *v < 0:
			*v = 0
		}
	}
	fill(&r.UndoSeconds, 0)
	fill(&r.PrefixDigits, DefaultPrefixDigits)
	fill(&r.PrefixPerHour, DefaultPrefixPerHour)
	fill(&r.PrefixPerDay, DefaultPrefixPerDay)
	fill(&r.CampaignPrefixPerDay, 0)
	fill(&r.FailedPercent, DefaultFailedPercent)
	fill(&r.OptedOutPercent, DefaultOptedOutPercent)
	fill(&r.UnknownPercent, DefaultUnknownPercent)
	fill(&r.Sample, DefaultSample)
	r.SegmentsPerDay, r.SpendPerDay = max(r.SegmentsPerDay, 0), max(r.SpendPerDay, 0)
	return r
}

// Prefix is the beginning of a number that the prefix limits count by.
func (r Rails) Prefix(a Address) string {
	digits := strings.TrimPrefix(string(a), "+")
	return digits[:min(len(digits), r.PrefixDigits)]
}

// CampaignRails are the guard rails of one campaign. Zero values: none.
type CampaignRails struct {
	Canary   Canary `json:"canary,omitzero"`
	Ramp     Ramp   `json:"ramp,omitzero"`
	Segments int64  `json:"segments,omitempty"` // spend limit: more segments than these are not sent
	Spend    int64  `json:"spend,omitempty"`    // the same in money, millionths of the currency of the prices it is launched with
}

// Canary lets a campaign begin with a few, and go on only when they went well.
type Canary struct {
	Recipients      int `json:"recipients,omitempty"` // how many; or
	Percent         int `json:"percent,omitempty"`    // how many of a hundred, rounded up
	WaitMinutes     int `json:"wait_minutes,omitempty"`
	FailedPercent   int `json:"failed_percent,omitempty"` // at most, refused and undelivered
	OptedOutPercent int `json:"opted_out_percent,omitempty"`
	UnknownPercent  int `json:"unknown_percent,omitempty"` // in doubt or held
}

// Size is how many messages the canary is of a list; 0: no canary.
func (c Canary) Size(recipients int) int {
	n := c.Recipients
	if c.Percent > 0 {
		n = (recipients*c.Percent + 99) / 100
	}
	return min(n, recipients)
}

// Wait is how long the canary's outcomes are awaited.
func (c Canary) Wait() time.Duration { return time.Duration(c.WaitMinutes) * time.Minute }

// Ramp raises a campaign's rate in steps.
type Ramp struct {
	Percents    []int `json:"percents,omitempty"` // of the campaign's rate, such as 10, 25, 50, 100
	StepMinutes int   `json:"step_minutes,omitempty"`
}

// RateAt is the rate of a step; the full rate after the last.
func (r Ramp) RateAt(step, rate int) int {
	if step >= len(r.Percents) {
		return rate
	}
	return max(1, rate*r.Percents[step]/100)
}

// What closed a lane by itself, or keeps a campaign waiting.
const (
	BarrierCampaignSpend = "campaign_spend"
	BarrierDaySpend      = "day_spend"
	BarrierCampaignMoney = "campaign_money"
	BarrierDayMoney      = "day_money"
	BarrierUnpriced      = "unpriced" // a limit in money, and no price for a destination
	BarrierPrefix        = "prefix"
)

// Phase of a campaign under guard.
type Phase string

// The phases: canary → verdict → ramp → free. A campaign without canary or ramp begins later, or free.
const (
	PhaseFree    Phase = ""
	PhaseCanary  Phase = "canary"  // the canary goes out
	PhaseVerdict Phase = "verdict" // its outcomes are awaited
	PhaseRamp    Phase = "ramp"
)

// Watch is what the guard remembers about a campaign, in its row.
type Watch struct {
	Phase      Phase     `json:"phase,omitempty"`
	CanarySize int       `json:"canary_size,omitempty"`
	VerdictAt  time.Time `json:"verdict_at,omitzero"`
	Step       int       `json:"step,omitempty"` // of the ramp
	StepAt     time.Time `json:"step_at,omitzero"`
	PausedBy   string    `json:"paused_by,omitempty"` // the rail that paused it; empty: a person, or not paused
	Known      Outcomes  `json:"known,omitzero"`      // acknowledged by a resume: evidence that does not pause again
}

// Outcomes are the counters that the guard judges. They only rise, but for retries of failed messages; Unknown is of the moment.
type Outcomes struct {
	Accepted    int `json:"accepted,omitempty"` // or later, undelivered included
	Refused     int `json:"refused,omitempty"`
	Undelivered int `json:"undelivered,omitempty"`
	Held        int `json:"held,omitempty"`
	OptedOut    int `json:"opted_out,omitempty"` // people who stopped the brand in answer
	Unknown     int `json:"unknown,omitempty"`   // in doubt
}

// OutcomesOf reads the outcomes from counters.
func OutcomesOf(c Counts, optedOut int) Outcomes {
	return Outcomes{Accepted: c.AcceptedOrLater(), Refused: c[Failed], Undelivered: c[Undelivered], Held: c[Held], OptedOut: optedOut, Unknown: c[Unknown]}
}

// Total is how many attempts have an outcome, a doubt included.
func (o Outcomes) Total() int { return o.Accepted + o.Refused + o.Held + o.Unknown }

// Since gives what happened after an earlier look; doubts that were settled since do not count against it.
func (o Outcomes) Since(was Outcomes) Outcomes {
	return Outcomes{
		Accepted: max(0, o.Accepted-was.Accepted), Refused: max(0, o.Refused-was.Refused), Undelivered: max(0, o.Undelivered-was.Undelivered),
		Held: max(0, o.Held-was.Held), OptedOut: max(0, o.OptedOut-was.OptedOut), Unknown: max(0, o.Unknown-was.Unknown),
	}
}

// Guarded is a running campaign as the guard sees it.
type Guarded struct {
	Campaign
	LaneID    LaneID
	LaneRate  int
	Barrier   string
	Allowance int  // messages that may still be marked; meaningful when Bounded
	Bounded   bool // a canary is under way
	Flying    int  // attempts under way
	Adopted   int  // of the doubts in Counts, those that an owner left who is gone: no word about the provider
	Counts    Counts
	Limits    Rails  // of the account
	Currency  string // of the prices it was launched with; empty: none
}

// PrefixAlert says that an account went over a prefix limit within an hour.
type PrefixAlert struct {
	AccountID AccountID
	Prefix    string
	Hour      int64
}
