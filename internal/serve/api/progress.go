package api

import (
	"context"
	"math"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/access"
)

type progressOutput struct {
	Body struct {
		State            string            `json:"state" enum:"draft,scheduled,running,paused,completed,canceled"`
		Reason           overture.Sentence `json:"reason,omitzero"`
		Recipients       int               `json:"recipients"`
		Counts           countsBody        `json:"counts" doc:"Every recipient is in exactly one"`
		Accepted         int               `json:"accepted" doc:"The provider has them: accepted, sent, undelivered, delivered, read"`
		Delivered        int               `json:"delivered" doc:"With a receipt from the handset"`
		Failed           int               `json:"failed" doc:"Refused, or undelivered later"`
		Suppressed       int               `json:"suppressed"`
		Waiting          int               `json:"waiting" doc:"Not ended yet: queued, attempting, unknown"`
		Held             int               `json:"held"`
		Replied          int               `json:"replied" doc:"Messages with a response"`
		ResentNoProof    int               `json:"resent_without_proof" doc:"Sent again without proof, under must_reach: these people may have it twice"`
		OptedOut         int               `json:"opted_out" doc:"People who stopped the brand in answer"`
		ConfiguredRate   int               `json:"configured_rate" doc:"Segments per second"`
		ActualRate       float64           `json:"actual_rate" doc:"Segments per second accepted over the last 10 seconds; 0 also while nothing is known yet"`
		MinuteRate       float64           `json:"minute_rate" doc:"The same over the last 60 seconds"`
		FinishAt         time.Time         `json:"finish_at,omitzero" doc:"Estimate, windows included; absent when nothing is left or nothing moves"`
		ForecastFinishAt time.Time         `json:"forecast_finish_at,omitzero" doc:"By the forecast of the launch; absent in the seconds until it is made"`
		NextDueAt        time.Time         `json:"next_due_at,omitzero" doc:"When the next of those that wait for a time becomes due"`
		WaitingForWindow int               `json:"waiting_for_window" doc:"Messages whose time is still to come"`
		StalledReason    overture.Sentence `json:"stalled_reason,omitzero" doc:"Why nothing moves, or what the others wait for"`
	}
}

func (a *API) registerProgress() {
	register(a, access.CampaignsRead, operation{
		Method: "GET", Path: campaignPath + "/progress", Summary: "How a campaign gets on, and why it does not", Tag: "campaigns",
		Description: "Cheap at any size; the counters are at most half a second old.",
	}, a.progress)
}

func (a *API) progress(ctx context.Context, who access.Identity, in *campaignInput) (*progressOutput, error) {
	p, err := a.deps.Campaigns.Progress(ctx, who.AccountID, in.Campaign.ID)
	if err != nil {
		return nil, err
	}
	out := &progressOutput{}
	b := &out.Body
	b.State, b.Reason, b.Recipients, b.Counts = string(p.State), overture.Written(p.Reason), p.Recipients, wireCounts(p.Counts)
	b.Accepted, b.Delivered, b.Failed, b.Suppressed, b.Waiting, b.Held = p.Accepted, p.Delivered, p.Failed, p.Suppressed, p.Waiting, p.Held
	b.ResentNoProof = p.Resent
	b.Replied, b.OptedOut, b.ConfiguredRate, b.ActualRate, b.MinuteRate = p.Replied, p.OptedOut, p.ConfiguredRate, tenth(p.ActualRate), tenth(p.MinuteRate)
	b.ForecastFinishAt = p.ForecastFinishAt
	b.FinishAt, b.NextDueAt, b.WaitingForWindow, b.StalledReason = p.FinishAt, p.NextDueAt, p.WaitingForWindow, p.StalledReason
	return out, nil
}

func tenth(f float64) float64 { return math.Round(f*10) / 10 }

type resolveInput struct {
	Message messageRef `path:"message"`
	Body    struct {
		Action string `json:"action" enum:"treat_as_sent,resend,give_up" doc:"resend: the person may get it twice"`
	}
}

type resolveOutput struct {
	Body struct {
		Message messageRef `json:"message"`
		State   string     `json:"state" enum:"accepted,queued,failed"`
	}
}

func (a *API) registerMessages() {
	register(a, access.MessagesResolve, operation{
		Method: "POST", Path: "/v1/messages/{message}/resolve", Summary: "Decide about a held message", Tag: "messages",
		Description: "A send may have happened and the provider's record cannot tell. 409 when somebody has decided already.",
	}, a.resolve)
}

func (a *API) resolve(ctx context.Context, who access.Identity, in *resolveInput) (*resolveOutput, error) {
	state, err := a.deps.Campaigns.Resolve(ctx, who.Actor(), in.Message.ID, overture.Resolution(in.Body.Action))
	if err != nil {
		return nil, err
	}
	out := &resolveOutput{}
	out.Body.Message, out.Body.State = in.Message, state.String()
	return out, nil
}
