package api

import (
	"context"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/access"
	"github.com/overture-im/overture/internal/outbound/campaign"
)

type launchInput struct {
	Campaign campaignRef `path:"campaign"`
	Body     struct {
		Consent  bool   `json:"consent,omitempty" doc:"Must be true: you are responsible for the opt-in consent of every recipient, for TCPA and GDPR"`
		LaunchAt string `json:"launch_at,omitempty" maxLength:"40" doc:"RFC 3339, or now; left out: the draft's own"`
	}
}

type stopInput struct {
	Campaign campaignRef `path:"campaign"`
	Body     *struct {
		Reason string `json:"reason,omitempty" maxLength:"200" doc:"Shown to everybody who looks at the campaign"`
	}
}

func (in *stopInput) reason() string {
	if in.Body == nil {
		return ""
	}
	return in.Body.Reason
}

type retryInput struct {
	Campaign campaignRef `path:"campaign"`
	Body     *struct {
		All bool `json:"all,omitempty" doc:"Every failure; left out: only those that may go well another time"`
	}
}

type retryOutput struct {
	Body struct {
		ID      campaignRef `json:"id"`
		State   string      `json:"state" enum:"running,paused,completed"`
		Retried int         `json:"retried" doc:"Queued again"`
		TooLate int         `json:"too_late" doc:"Still failed: no window opens before the validity ends"`
	}
}

type duplicateInput struct {
	Campaign campaignRef `path:"campaign"`
	Body     *struct {
		Name           string `json:"name,omitempty" maxLength:"255" doc:"Default: the name and (copy)"`
		WithRecipients bool   `json:"with_recipients,omitempty" doc:"Copy the list too"`
	}
}

type archiveInput struct {
	Campaign campaignRef `path:"campaign"`
	Body     *struct {
		Archived *bool `json:"archived,omitempty" doc:"false brings it back into the list; default true"`
	}
}

func (a *API) registerCampaignLife(op func(method, path, summary, description string) operation) {
	post := func(action, summary, description string) operation {
		return op("POST", campaignPath+"/"+action, summary, description)
	}
	register(a, access.CampaignsLaunch, post("launch", "Launch a draft, now or later",
		"Freezes content and list and records the consent. 422 with every failed check; 409 when it was launched already or changed meanwhile."), a.launchCampaign)
	register(a, access.CampaignsLaunch, post("undo", "Take a launch back while its undo window is open",
		"The campaign is a draft again and nothing of it was sent. 409 when the window is over: pause or cancel it then."), a.undoLaunch)
	register(a, access.CampaignsLaunch, post("pause", "Stop new sends", "From the answer on no send begins; what is in flight ends by itself."), a.pauseCampaign)
	register(a, access.CampaignsLaunch, post("resume", "Go on with a paused campaign",
		"One that paused itself goes on with the reason acknowledged: the same evidence pauses it no second time, and a spend limit begins anew."), a.resumeCampaign)
	register(a, access.CampaignsLaunch, post("cancel", "End a campaign for good", "What was not tried becomes canceled and stays visible."), a.cancelCampaign)
	register(a, access.CampaignsLaunch, post("retry-failed", "Queue failed messages again", "Only failed ones; a completed campaign runs again."), a.retryFailed)
	duplicate := post("duplicate", "Make a draft from a campaign", "")
	duplicate.Status = 201
	register(a, access.CampaignsWrite, duplicate, a.duplicateCampaign)
	register(a, access.CampaignsWrite, post("archive", "Hide a campaign from the list, or bring it back", ""), a.archiveCampaign)
}

func (a *API) launchCampaign(ctx context.Context, who access.Identity, in *launchInput) (*campaignOutput, error) {
	at, err := launchTime(in.Body.LaunchAt, "body.launch_at")
	if err != nil {
		return nil, err
	}
	c, err := a.deps.Campaigns.Launch(ctx, who.Actor(), in.Campaign.ID, campaign.Order{Consent: in.Body.Consent, LaunchAt: at})
	return campaignAnswer(c, err)
}

func (a *API) undoLaunch(ctx context.Context, who access.Identity, in *campaignInput) (*campaignOutput, error) {
	c, err := a.deps.Campaigns.Undo(ctx, who.Actor(), in.Campaign.ID)
	return campaignAnswer(c, err)
}

func (a *API) pauseCampaign(ctx context.Context, who access.Identity, in *stopInput) (*campaignOutput, error) {
	c, err := a.deps.Campaigns.Pause(ctx, who.Actor(), in.Campaign.ID, in.reason())
	return campaignAnswer(c, err)
}

func (a *API) resumeCampaign(ctx context.Context, who access.Identity, in *campaignInput) (*campaignOutput, error) {
	c, err := a.deps.Campaigns.Resume(ctx, who.Actor(), in.Campaign.ID)
	return campaignAnswer(c, err)
}

func (a *API) cancelCampaign(ctx context.Context, who access.Identity, in *stopInput) (*campaignOutput, error) {
	c, err := a.deps.Campaigns.Cancel(ctx, who.Actor(), in.Campaign.ID, in.reason())
	return campaignAnswer(c, err)
}

func (a *API) retryFailed(ctx context.Context, who access.Identity, in *retryInput) (*retryOutput, error) {
	done, err := a.deps.Campaigns.RetryFailed(ctx, who.Actor(), in.Campaign.ID, in.Body != nil && in.Body.All)
	if err != nil {
		return nil, err
	}
	c, err := a.deps.Campaigns.Campaign(ctx, who.AccountID, in.Campaign.ID)
	if err != nil {
		return nil, err
	}
	out := &retryOutput{}
	out.Body.ID, out.Body.State, out.Body.Retried, out.Body.TooLate = in.Campaign, string(c.State), done.Retried, done.TooLate
	return out, nil
}

func (a *API) duplicateCampaign(ctx context.Context, who access.Identity, in *duplicateInput) (*campaignOutput, error) {
	name, list := "", false
	if in.Body != nil {
		name, list = in.Body.Name, in.Body.WithRecipients
	}
	if list && !access.Allows(who, access.RecipientsWrite) {
		return nil, &overture.Error{Kind: overture.Forbidden, Code: "forbidden", Message: "copying recipients needs the permission recipients:write"}
	}
	c, err := a.deps.Campaigns.Duplicate(ctx, who.Actor(), in.Campaign.ID, name, list)
	return campaignAnswer(c, err)
}

func (a *API) archiveCampaign(ctx context.Context, who access.Identity, in *archiveInput) (*campaignOutput, error) {
	c, err := a.deps.Campaigns.Archive(ctx, who.Actor(), in.Campaign.ID, in.Body == nil || in.Body.Archived == nil || *in.Body.Archived)
	return campaignAnswer(c, err)
}
