package api

import (
	"context"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/access"
)

// railsBody is the guard rails of one campaign.
type railsBody struct {
	Canary   *canaryBody `json:"canary,omitempty" doc:"Begin with a few, wait, go on only when they went well. They are the head of the queue: whose window opens first, in the order of the list"`
	Ramp     *rampBody   `json:"ramp,omitempty" doc:"Raise the rate in steps"`
	Segments int64       `json:"segments,omitempty" minimum:"0" doc:"Spend limit: the campaign pauses before it sends more segments than these"`
	Spend    int64       `json:"spend,omitempty" minimum:"0" maximum:"1000000000000000" doc:"Spend limit in money, millionths of the currency of the price table: the campaign pauses before it costs more. Every destination needs a price"`
}

type canaryBody struct {
	Recipients      int `json:"recipients,omitempty" minimum:"0" maximum:"1000000" doc:"How many; or"`
	Percent         int `json:"percent,omitempty" minimum:"0" maximum:"100" doc:"how many of a hundred, rounded up"`
	WaitMinutes     int `json:"wait_minutes,omitempty" minimum:"0" maximum:"10080" doc:"From the last of them to the verdict"`
	FailedPercent   int `json:"failed_percent,omitempty" minimum:"0" maximum:"100" doc:"At most so many of them refused or not delivered"`
	OptedOutPercent int `json:"opted_out_percent,omitempty" minimum:"0" maximum:"100" doc:"At most so many who stopped the brand in answer"`
	UnknownPercent  int `json:"unknown_percent,omitempty" minimum:"0" maximum:"100" doc:"At most so many in doubt or held"`
}

type rampBody struct {
	Percents    []int `json:"percents" minItems:"1" maxItems:"20" doc:"Of the campaign's rate, rising, such as 10, 25, 50, 100"`
	StepMinutes int   `json:"step_minutes" minimum:"1" maximum:"10080"`
}

type guardBody struct {
	Phase      string    `json:"phase,omitempty" enum:"canary,verdict,ramp" doc:"canary: it goes out; verdict: its outcomes are awaited; absent: free"`
	CanarySize int       `json:"canary_size,omitempty"`
	VerdictAt  time.Time `json:"verdict_at,omitzero"`
	RampStep   int       `json:"ramp_step,omitempty" doc:"From 0"`
	PausedBy   string    `json:"paused_by,omitempty" enum:"campaign_spend,day_spend,campaign_money,day_money,unpriced,prefix,canary,failed,opted_out,unknown" doc:"The guard rail that paused it; resume acknowledges"`
}

func wireRails(r overture.CampaignRails) *railsBody {
	b := &railsBody{Segments: r.Segments, Spend: r.Spend}
	if r.Canary != (overture.Canary{}) {
		k := canaryBody(r.Canary)
		b.Canary = &k
	}
	if len(r.Ramp.Percents) > 0 {
		p := rampBody(r.Ramp)
		b.Ramp = &p
	}
	if *b == (railsBody{}) {
		return nil
	}
	return b
}

// rails is nil when nothing was sent.
func (b *railsBody) rails() *overture.CampaignRails {
	if b == nil {
		return nil
	}
	out := &overture.CampaignRails{Segments: b.Segments, Spend: b.Spend}
	if b.Canary != nil {
		out.Canary = overture.Canary(*b.Canary)
	}
	if b.Ramp != nil {
		out.Ramp = overture.Ramp(*b.Ramp)
	}
	return out
}

func wireGuard(w overture.Watch) *guardBody {
	b := guardBody{Phase: string(w.Phase), CanarySize: w.CanarySize, VerdictAt: w.VerdictAt, RampStep: w.Step, PausedBy: w.PausedBy}
	if b == (guardBody{}) {
		return nil
	}
	return &b
}

// accountRailsBody is the guard rails of an account: what applies, 0 where a rail is off.
type accountRailsBody struct {
	UndoSeconds          int    `json:"undo_seconds" doc:"Of new campaigns"`
	SegmentsPerDay       int64  `json:"segments_per_day" doc:"Spend limit of all campaigns per UTC day; the campaigns pause, answers to people go on"`
	SpendPerDay          int64  `json:"spend_per_day" doc:"The same in money, millionths of spend_currency. Every destination needs a price"`
	SpendCurrency        string `json:"spend_currency,omitempty" doc:"That of the price table when spend_per_day was set"`
	PrefixDigits         int    `json:"prefix_digits" doc:"Digits after the plus that make a prefix"`
	PrefixPerHour        int    `json:"prefix_per_hour" doc:"Different numbers of one prefix outside campaigns (answers, tests, single messages); what is over waits"`
	PrefixPerDay         int    `json:"prefix_per_day" doc:"The same in 24 hours"`
	CampaignPrefixPerDay int    `json:"campaign_prefix_per_day" doc:"Different numbers of one prefix in campaigns; above it a campaign pauses"`
	FailedPercent        int    `json:"failed_percent" doc:"A campaign pauses when more of its last outcomes were refused or not delivered"`
	OptedOutPercent      int    `json:"opted_out_percent" doc:"The same for people who stopped the brand in answer"`
	UnknownPercent       int    `json:"unknown_percent" doc:"The same for messages in doubt or held"`
	Sample               int    `json:"sample" doc:"How many outcomes are judged at a time, and needed"`
}

// accountRailsChange changes what is named; 0 switches a rail off.
type accountRailsChange struct {
	UndoSeconds          *int   `json:"undo_seconds,omitempty" minimum:"0" maximum:"3600"`
	SegmentsPerDay       *int64 `json:"segments_per_day,omitempty" minimum:"0"`
	SpendPerDay          *int64 `json:"spend_per_day,omitempty" minimum:"0" maximum:"1000000000000000" doc:"In millionths of the currency of the price table, which must be there"`
	PrefixDigits         *int   `json:"prefix_digits,omitempty" minimum:"1" maximum:"14"`
	PrefixPerHour        *int   `json:"prefix_per_hour,omitempty" minimum:"0" maximum:"1000"`
	PrefixPerDay         *int   `json:"prefix_per_day,omitempty" minimum:"0" maximum:"5000"`
	CampaignPrefixPerDay *int   `json:"campaign_prefix_per_day,omitempty" minimum:"0" maximum:"5000"`
	FailedPercent        *int   `json:"failed_percent,omitempty" minimum:"0" maximum:"100"`
	OptedOutPercent      *int   `json:"opted_out_percent,omitempty" minimum:"0" maximum:"100"`
	UnknownPercent       *int   `json:"unknown_percent,omitempty" minimum:"0" maximum:"100"`
	Sample               *int   `json:"sample,omitempty" minimum:"20" maximum:"100000"`
}

func wireAccountRails(r overture.Rails) accountRailsBody { return accountRailsBody(r.WithDefaults()) }

// over lays the change over the rails as they are set.
func (c *accountRailsChange) over(r overture.Rails) overture.Rails {
	for _, x := range []struct{ to, from *int }{
		{&r.UndoSeconds, c.UndoSeconds},
		{&r.PrefixDigits, c.PrefixDigits},
		{&r.PrefixPerHour, c.PrefixPerHour},
		{&r.PrefixPerDay, c.PrefixPerDay},
		{&r.CampaignPrefixPerDay, c.CampaignPrefixPerDay},
		{&r.FailedPercent, c.FailedPercent},
		{&r.OptedOutPercent, c.OptedOutPercent},
		{&r.UnknownPercent, c.UnknownPercent},
		{&r.Sample, c.Sample},
	} {
		switch {
		case x.from == nil:
		case *x.from == 0:
			*x.to = -1
		default:
			*x.to = *x.from
		}
	}
	if c.SegmentsPerDay != nil {
		r.SegmentsPerDay = *c.SegmentsPerDay
	}
	if c.SpendPerDay != nil {
		r.SpendPerDay = *c.SpendPerDay
	}
	return r
}

type stopAccountInput struct {
	Body *struct {
		Reason string `json:"reason,omitempty" maxLength:"200" doc:"Shown to everybody who looks why nothing moves"`
	}
}

func (a *API) registerKillSwitch() {
	register(a, access.AccountWrite, operation{
		Method: "POST", Path: "/v1/account/stop", Summary: "Kill switch: stop everything the account sends", Tag: "account",
		Description: "From the answer on no send of a campaign, answer or test begins, on any node; what is in flight ends by itself. Nothing is lost: start lets it go on.",
	}, a.stopAccount)
	register(a, access.AccountWrite, operation{Method: "POST", Path: "/v1/account/start", Summary: "Let the account send again", Tag: "account"}, a.startAccount)
}

func (a *API) stopAccount(ctx context.Context, who access.Identity, in *stopAccountInput) (*accountOutput, error) {
	reason := ""
	if in.Body != nil {
		reason = in.Body.Reason
	}
	account, err := a.deps.Accounts.SetStopped(ctx, who.Actor(), true, reason)
	return accountAnswer(account, err)
}

func (a *API) startAccount(ctx context.Context, who access.Identity, _ *struct{}) (*accountOutput, error) {
	account, err := a.deps.Accounts.SetStopped(ctx, who.Actor(), false, "")
	return accountAnswer(account, err)
}

func accountAnswer(account overture.Account, err error) (*accountOutput, error) {
	if err != nil {
		return nil, err
	}
	return &accountOutput{Body: wireAccount(account)}, nil
}
