package api

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/access"
)

type heldMessageBody struct {
	Message      messageRef        `json:"message"`
	Campaign     campaignRef       `json:"campaign,omitzero" doc:"Absent for an agent's answer and a test send"`
	CampaignName string            `json:"campaign_name,omitempty"`
	Recipient    recipientRef      `json:"recipient,omitzero"`
	Sender       senderRef         `json:"sender"`
	Address      string            `json:"address"`
	Attempt      int               `json:"attempt" doc:"Which attempt it was"`
	AttemptedAt  time.Time         `json:"attempted_at" doc:"When the request went out that may have arrived"`
	HeldAt       time.Time         `json:"held_at"`
	Doubt        overture.Sentence `json:"doubt" doc:"Why nobody can tell whether the provider has it"`
	Lookups      int               `json:"lookups" doc:"Answers of the provider's own record that did not settle it"`
	HTTPStatus   int               `json:"http_status,omitempty" doc:"Of the answer that proved nothing; absent when no answer could be read"`
	Code         int               `json:"code,omitempty" doc:"The provider's code in that answer"`
}

func wireHeld(m overture.HeldMessage) heldMessageBody {
	return heldMessageBody{
		Message: refTo(m.MessageID), Campaign: refTo(m.CampaignID), CampaignName: m.CampaignName, Recipient: refTo(m.RecipientID), Sender: refTo(m.SenderID),
		Address: string(m.Address), Attempt: m.Attempt, AttemptedAt: m.AttemptedAt, HeldAt: m.HeldAt, Doubt: m.Doubt(), Lookups: m.Lookups,
		HTTPStatus: m.HTTPStatus, Code: m.Code,
	}
}

type heldInput struct {
	Paged
	Campaign       string `query:"campaign" maxLength:"40" doc:"Of this campaign"`
	Sender         string `query:"sender" maxLength:"40" doc:"Of this sender"`
	OlderThanHours int    `query:"older_than_hours" minimum:"0" maximum:"87600" doc:"Attempted at least so long ago"`
}

type campaignHeldInput struct {
	Paged
	Campaign       campaignRef `path:"campaign"`
	OlderThanHours int         `query:"older_than_hours" minimum:"0" maximum:"87600" doc:"Attempted at least so long ago"`
}

type heldListOutput struct {
	Body struct {
		Items      []heldMessageBody `json:"items"`
		NextCursor string            `json:"next_cursor,omitempty" doc:"Pass as ?cursor= to go on; absent on the last page"`
		Total      int               `json:"total" doc:"All that the filter selects"`
	}
}

type resolveHeldInput struct {
	Body struct {
		Action         string       `json:"action" enum:"treat_as_sent,resend,give_up" doc:"resend: people may get it twice; it passes opt-out, window, validity and pause like a first send"`
		Campaign       *campaignRef `json:"campaign,omitempty"`
		Sender         *senderRef   `json:"sender,omitempty"`
		Messages       []messageRef `json:"messages,omitempty" minItems:"1" maxItems:"500" doc:"Only these"`
		OlderThanHours int          `json:"older_than_hours,omitempty" minimum:"0" maximum:"87600" doc:"Only what was attempted at least so long ago"`
		All            bool         `json:"all,omitempty" doc:"Must be true when nothing else narrows the choice: every held message of the account"`
	}
}

type heldOrderOutput struct {
	Body struct {
		ID         heldOrderRef `json:"id"`
		Action     string       `json:"action" enum:"treat_as_sent,resend,give_up"`
		Matched    int          `json:"matched" doc:"Held messages that the choice selected when the order was given; what becomes held later is not meant"`
		Resolved   int          `json:"resolved"`
		Left       int          `json:"left" doc:"Left as they are: settled by somebody else meanwhile, or not to be sent again (campaign canceled, validity over)"`
		CreatedAt  time.Time    `json:"created_at"`
		FinishedAt time.Time    `json:"finished_at,omitzero" doc:"Absent while it is being carried out"`
	}
}

type heldOrderInput struct {
	Order heldOrderRef `path:"order"`
}

func (a *API) registerHeld() {
	op := func(method, path, summary, description string) operation {
		return operation{Method: method, Path: path, Summary: summary, Description: description, Tag: "held"}
	}
	register(a, access.RecipientsRead, op("GET", "/v1/held", "Messages that may have been sent and cannot be proven",
		"With what is known about each. A receipt that still comes settles it by itself."), a.listHeld)
	register(a, access.RecipientsRead, op("GET", campaignPath+"/held", "The held messages of one campaign", ""), a.listCampaignHeld)
	order := op("POST", "/v1/held/resolve", "Decide about many held messages at once",
		"Carried out in chunks behind the answer; ask /v1/held/orders/{order} how far it is. Messages that somebody else settles meanwhile are left alone.")
	order.Status = 202
	register(a, access.MessagesResolve, order, a.resolveHeld)
	register(a, access.MessagesResolve, op("GET", "/v1/held/orders/{order}", "How far a decision about held messages is", ""), a.heldOrder)
	a.handle(access.RecipientsExport, plain{
		Method: "GET", Path: "/v1/held.csv", Summary: "Held messages as CSV", Tag: "held", Produces: "text/csv",
		Query: []query{
			{Name: "campaign", Doc: "Of this campaign"},
			{Name: "sender", Doc: "Of this sender"},
			{Name: "older_than_hours", Doc: "Attempted at least so long ago"},
		},
	}, a.exportHeld)
}

func heldFilter(who access.Identity, campaign, sender string, olderThanHours int) (overture.HeldFilter, error) {
	f := overture.HeldFilter{AccountID: who.AccountID}
	one := func(text string) []string {
		if text == "" {
			return nil
		}
		return []string{text}
	}
	campaigns, err := idsIn[overture.CampaignID](one(campaign), "query.campaign")
	if err != nil {
		return f, err
	}
	senders, err := idsIn[overture.SenderID](one(sender), "query.sender")
	if err != nil {
		return f, err
	}
	if len(campaigns) == 1 {
		f.CampaignID = campaigns[0]
	}
	if len(senders) == 1 {
		f.SenderID = senders[0]
	}
	f.AttemptedBefore = ago(olderThanHours)
	return f, nil
}

// ago is the moment so many hours before now; the zero time for none.
func ago(hours int) time.Time {
	if hours <= 0 {
		return time.Time{}
	}
	return time.Now().Add(-time.Duration(hours) * time.Hour)
}

func (a *API) listHeld(ctx context.Context, who access.Identity, in *heldInput) (*heldListOutput, error) {
	f, err := heldFilter(who, in.Campaign, in.Sender, in.OlderThanHours)
	if err != nil {
		return nil, err
	}
	return a.heldPage(ctx, f, in.Paged)
}

func (a *API) listCampaignHeld(ctx context.Context, who access.Identity, in *campaignHeldInput) (*heldListOutput, error) {
	return a.heldPage(ctx, overture.HeldFilter{AccountID: who.AccountID, CampaignID: in.Campaign.ID, AttemptedBefore: ago(in.OlderThanHours)}, in.Paged)
}

func (a *API) heldPage(ctx context.Context, f overture.HeldFilter, paged Paged) (*heldListOutput, error) {
	after, err := paged.after()
	if err != nil {
		return nil, err
	}
	total, err := a.deps.Campaigns.HeldTotal(ctx, f)
	if err != nil {
		return nil, err
	}
	f.After, f.Limit = overture.MessageID(after), paged.limit()+1
	held, err := a.deps.Campaigns.Held(ctx, f)
	if err != nil {
		return nil, err
	}
	p := pageOf(held, paged.limit(), wireHeld, func(m overture.HeldMessage) int64 { return int64(m.MessageID) })
	out := &heldListOutput{}
	out.Body.Items, out.Body.NextCursor, out.Body.Total = p.Items, p.NextCursor, total
	return out, nil
}

func (a *API) resolveHeld(ctx context.Context, who access.Identity, in *resolveHeldInput) (*heldOrderOutput, error) {
	b := in.Body
	f := overture.HeldFilter{AccountID: who.AccountID, AttemptedBefore: ago(b.OlderThanHours)}
	if b.Campaign != nil {
		f.CampaignID = b.Campaign.ID
	}
	if b.Sender != nil {
		f.SenderID = b.Sender.ID
	}
	for _, m := range b.Messages {
		f.Messages = append(f.Messages, m.ID)
	}
	if f.CampaignID == 0 && f.SenderID == 0 && len(f.Messages) == 0 && b.OlderThanHours == 0 && !b.All {
		return nil, &overture.Error{
			Kind: overture.Invalid, Code: "no_choice", Message: "say which messages: campaign, sender, messages, older_than_hours, or all: true",
			Fields: []overture.Field{{Location: "body.all", Message: "true, when every held message is meant"}},
		}
	}
	o, err := a.deps.Campaigns.ResolveHeld(ctx, who.Actor(), overture.Resolution(b.Action), f)
	return heldOrderAnswer(o, err)
}

func (a *API) heldOrder(ctx context.Context, who access.Identity, in *heldOrderInput) (*heldOrderOutput, error) {
	o, err := a.deps.Campaigns.HeldOrder(ctx, who.AccountID, in.Order.ID)
	return heldOrderAnswer(o, err)
}

func heldOrderAnswer(o overture.HeldOrder, err error) (*heldOrderOutput, error) {
	if err != nil {
		return nil, err
	}
	out := &heldOrderOutput{}
	b := &out.Body
	b.ID, b.Action, b.Matched, b.Resolved, b.Left, b.CreatedAt, b.FinishedAt = refTo(o.ID), string(o.How), o.Matched, o.Resolved, o.LeftHeld, o.CreatedAt, o.FinishedAt
	return out, nil
}

func (a *API) exportHeld(w http.ResponseWriter, r *http.Request, who access.Identity) error {
	q := r.URL.Query()
	hours := 0
	if text := q.Get("older_than_hours"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 || n > 87600 {
			return &overture.Error{
				Kind: overture.Invalid, Code: "invalid", Message: "older_than_hours is a number of hours",
				Fields: []overture.Field{{Location: "query.older_than_hours", Message: "0 to 87600"}},
			}
		}
		hours = n
	}
	f, err := heldFilter(who, q.Get("campaign"), q.Get("sender"), hours)
	if err != nil {
		return err
	}
	return a.deps.Exports.Held(r.Context(), who.Actor(), f, download(w, "held.csv"))
}
