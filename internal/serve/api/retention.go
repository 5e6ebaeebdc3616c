package api

import (
	"context"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/access"
	"github.com/overture-im/overture/internal/retention"
)

// retentionRoom is what this resource needs of internal/retention.
type retentionRoom interface {
	Retention(ctx context.Context, account overture.AccountID) (overture.Retention, error)
	Set(ctx context.Context, by overture.Actor, p retention.Periods, was int) (overture.Retention, error)
	Preview(ctx context.Context, account overture.AccountID, p retention.Periods) ([]overture.RetentionPreview, error)
	Hold(ctx context.Context, by overture.Actor, campaign overture.CampaignID, reason string) (overture.Retention, error)
	Release(ctx context.Context, by overture.Actor, campaign overture.CampaignID) (overture.Retention, error)
}

type retentionClassBody struct {
	Class         string    `json:"class" enum:"messages,conversations,uploads,audit"`
	Days          int       `json:"days" doc:"0: for ever"`
	MinimumDays   int       `json:"minimum_days"`
	Deleted       int       `json:"deleted" doc:"So far: people and single messages; conversations and lone inbound messages; people on lists of drafts; entries"`
	LastDeletedAt time.Time `json:"last_deleted_at,omitzero"`
}

type legalHoldBody struct {
	Campaign     campaignRef `json:"campaign,omitzero" doc:"Absent: the whole account"`
	CampaignName string      `json:"campaign_name,omitempty"`
	Reason       string      `json:"reason"`
	By           string      `json:"by"`
	Since        time.Time   `json:"since"`
}

type retentionOutput struct {
	Body struct {
		Version   int                  `json:"version" doc:"Of the periods; 0: nobody ever chose, all is kept for ever"`
		Classes   []retentionClassBody `json:"classes"`
		Holds     []legalHoldBody      `json:"holds" doc:"Legal holds: nothing they name is deleted"`
		ChangedBy string               `json:"changed_by,omitempty"`
		ChangedAt time.Time            `json:"changed_at,omitzero"`
		LastRunAt time.Time            `json:"last_run_at,omitzero" doc:"When everything old was last looked for under these periods"`
	}
}

type setRetentionInput struct {
	Body struct {
		MessagesDays      int  `json:"messages_days" minimum:"0" maximum:"36500" doc:"People, messages, attempts and receipts of finished campaigns. 0: for ever; else 35 days or more"`
		ConversationsDays int  `json:"conversations_days" minimum:"0" maximum:"36500" doc:"Closed conversations and inbound messages. 0: for ever; else 35 days or more"`
		UploadsDays       int  `json:"uploads_days" minimum:"0" maximum:"36500" doc:"Lists of drafts that nobody touches. 0: for ever; else 7 days or more"`
		AuditDays         int  `json:"audit_days" minimum:"0" maximum:"36500" doc:"The audit log. 0: for ever; else 366 days or more"`
		Version           *int `json:"version,omitempty" minimum:"0" doc:"The version this replaces; 409 when there is a newer one. Left out: whatever there is"`
	}
}

// unchanged is what a query says that does not name a period.
const unchanged = -1

type previewRetentionInput struct {
	MessagesDays      int `query:"messages_days" default:"-1" minimum:"-1" maximum:"36500" doc:"-1: as it is; 0: for ever"`
	ConversationsDays int `query:"conversations_days" default:"-1" minimum:"-1" maximum:"36500" doc:"-1: as it is; 0: for ever"`
	UploadsDays       int `query:"uploads_days" default:"-1" minimum:"-1" maximum:"36500" doc:"-1: as it is; 0: for ever"`
	AuditDays         int `query:"audit_days" default:"-1" minimum:"-1" maximum:"36500" doc:"-1: as it is; 0: for ever"`
}

type retentionPreviewBody struct {
	Class           string `json:"class" enum:"messages,conversations,uploads,audit"`
	Days            int    `json:"days"`
	Items           int    `json:"items" doc:"What would be deleted now, counted as deleted is"`
	Campaigns       int    `json:"campaigns" doc:"That the people belong to; drafts in the class uploads"`
	WaitingOnHold   int    `json:"waiting_on_hold" doc:"Campaigns that are old enough and stay: on legal hold"`
	WaitingHeld     int    `json:"waiting_held" doc:"… with held messages, which somebody has to decide about"`
	WaitingLookback int    `json:"waiting_lookback" doc:"… whose replies are still routed by them"`
}

type retentionPreviewsOutput struct {
	Body struct {
		Classes []retentionPreviewBody `json:"classes"`
	}
}

type holdInput struct {
	Body struct {
		Campaign campaignRef `json:"campaign,omitzero" doc:"Left out: the whole account"`
		Reason   string      `json:"reason" minLength:"1" maxLength:"200" doc:"Stands in the audit log"`
	}
}

type releaseInput struct {
	Body struct {
		Campaign campaignRef `json:"campaign,omitzero" doc:"Left out: the account's own hold"`
	}
}

func (a *API) registerRetention() {
	op := func(method, path, summary, description string) operation {
		return operation{Method: method, Path: path, Summary: summary, Description: description, Tag: "retention"}
	}
	register(a, access.RetentionRead, op("GET", "/v1/retention", "How long data is kept, and what is on legal hold", ""), a.getRetention)
	register(a, access.RetentionWrite, op("PUT", "/v1/retention", "Choose how long data is kept",
		"Makes a new version, which is audited. What is older is deleted from the next minute on and does not come back; campaigns with counters and figures, opt-outs and consent events stay."), a.setRetention)
	register(a, access.RetentionRead, op("GET", "/v1/retention/preview", "What would be deleted now", "Under the periods that are named, or those that apply. Changes nothing."), a.previewRetention)
	register(a, access.RetentionWrite, op("POST", "/v1/retention/hold", "Put the account, or one campaign, on legal hold",
		"When it answers nothing more of it is deleted, on any node. Once more with another reason replaces the reason."), a.hold)
	register(a, access.RetentionWrite, op("POST", "/v1/retention/release", "End a legal hold", "What is older than its period is deleted from the next hour on."), a.release)
}

func wireRetention(r overture.Retention, err error) (*retentionOutput, error) {
	if err != nil {
		return nil, err
	}
	out := &retentionOutput{}
	b := &out.Body
	b.Version, b.ChangedBy, b.ChangedAt, b.LastRunAt = r.Version, r.ChangedBy, r.ChangedAt, r.RanAt
	b.Classes, b.Holds = []retentionClassBody{}, []legalHoldBody{}
	for _, c := range overture.RetentionClasses() {
		b.Classes = append(b.Classes, retentionClassBody{Class: string(c), Days: r.Days[c], MinimumDays: c.MinimumDays(), Deleted: r.Tally[c].Deleted, LastDeletedAt: r.Tally[c].LastAt})
	}
	for _, h := range r.Holds {
		b.Holds = append(b.Holds, legalHoldBody{refTo(h.CampaignID), h.CampaignName, h.Reason, h.By, h.At})
	}
	return out, nil
}

func (a *API) getRetention(ctx context.Context, who access.Identity, _ *struct{}) (*retentionOutput, error) {
	return wireRetention(a.deps.Retention.Retention(ctx, who.AccountID))
}

func (a *API) setRetention(ctx context.Context, who access.Identity, in *setRetentionInput) (*retentionOutput, error) {
	was := -1
	if in.Body.Version != nil {
		was = *in.Body.Version
	}
	return wireRetention(a.deps.Retention.Set(ctx, who.Actor(), retention.Periods{
		overture.RetainMessages: in.Body.MessagesDays, overture.RetainConversations: in.Body.ConversationsDays,
		overture.RetainUploads: in.Body.UploadsDays, overture.RetainAudit: in.Body.AuditDays,
	}, was))
}

func (a *API) previewRetention(ctx context.Context, who access.Identity, in *previewRetentionInput) (*retentionPreviewsOutput, error) {
	p := retention.Periods{}
	for c, days := range map[overture.RetentionClass]int{
		overture.RetainMessages: in.MessagesDays, overture.RetainConversations: in.ConversationsDays,
		overture.RetainUploads: in.UploadsDays, overture.RetainAudit: in.AuditDays,
	} {
		if days != unchanged {
			p[c] = days
		}
	}
	list, err := a.deps.Retention.Preview(ctx, who.AccountID, p)
	if err != nil {
		return nil, err
	}
	out := &retentionPreviewsOutput{}
	for _, x := range list {
		out.Body.Classes = append(out.Body.Classes, retentionPreviewBody{
			Class: string(x.Class), Days: x.Days, Items: x.Items, Campaigns: x.Campaigns,
			WaitingOnHold: x.Waiting.OnHold, WaitingHeld: x.Waiting.Held, WaitingLookback: x.Waiting.Lookback,
		})
	}
	return out, nil
}

func (a *API) hold(ctx context.Context, who access.Identity, in *holdInput) (*retentionOutput, error) {
	return wireRetention(a.deps.Retention.Hold(ctx, who.Actor(), in.Body.Campaign.ID, in.Body.Reason))
}

func (a *API) release(ctx context.Context, who access.Identity, in *releaseInput) (*retentionOutput, error) {
	return wireRetention(a.deps.Retention.Release(ctx, who.Actor(), in.Body.Campaign.ID))
}
