package api

import (
	"context"
	"log/slog"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/access"
	"github.com/overture-im/overture/internal/outbound/campaign"
)

// campaignRoom is what this resource needs of internal/outbound/campaign.
type campaignRoom interface {
	Create(ctx context.Context, by overture.Actor, ch campaign.Change) (overture.Campaign, error)
	Campaign(ctx context.Context, account overture.AccountID, id overture.CampaignID) (overture.Campaign, error)
	Campaigns(ctx context.Context, f overture.CampaignFilter) ([]overture.CampaignLine, error)
	Edit(ctx context.Context, by overture.Actor, id overture.CampaignID, ch campaign.Change, seen time.Time) (overture.Campaign, error)
	Delete(ctx context.Context, by overture.Actor, id overture.CampaignID) error
	Checklist(ctx context.Context, account overture.AccountID, id overture.CampaignID, launchAt *time.Time) ([]campaign.Check, error)
	TestSend(ctx context.Context, by overture.Actor, id overture.CampaignID, to string) (overture.Message, error)
	Measure(ctx context.Context, account overture.AccountID, content overture.Content) (campaign.Measurement, error)

	Launch(ctx context.Context, by overture.Actor, id overture.CampaignID, o campaign.Order) (overture.Campaign, error)
	Pause(ctx context.Context, by overture.Actor, id overture.CampaignID, reason string) (overture.Campaign, error)
	Resume(ctx context.Context, by overture.Actor, id overture.CampaignID) (overture.Campaign, error)
	Cancel(ctx context.Context, by overture.Actor, id overture.CampaignID, reason string) (overture.Campaign, error)
	RetryFailed(ctx context.Context, by overture.Actor, id overture.CampaignID, all bool) (campaign.Retried, error)
	Duplicate(ctx context.Context, by overture.Actor, id overture.CampaignID, name string, withList bool) (overture.Campaign, error)
	Undo(ctx context.Context, by overture.Actor, id overture.CampaignID) (overture.Campaign, error)
	Archive(ctx context.Context, by overture.Actor, id overture.CampaignID, archived bool) (overture.Campaign, error)

	Progress(ctx context.Context, account overture.AccountID, id overture.CampaignID) (campaign.Progress, error)
	Story(ctx context.Context, account overture.AccountID, campaign overture.CampaignID, recipient overture.RecipientID) (campaign.Story, error)
	Resolve(ctx context.Context, by overture.Actor, id overture.MessageID, how overture.Resolution) (overture.State, error)
	Held(ctx context.Context, f overture.HeldFilter) ([]overture.HeldMessage, error)
	HeldTotal(ctx context.Context, f overture.HeldFilter) (int, error)
	ResolveHeld(ctx context.Context, by overture.Actor, how overture.Resolution, f overture.HeldFilter) (overture.HeldOrder, error)
	HeldOrder(ctx context.Context, account overture.AccountID, id overture.HeldOrderID) (overture.HeldOrder, error)
}

type campaignBody struct {
	ID               campaignRef       `json:"id"`
	Name             string            `json:"name" doc:"Agents see it with every reply"`
	Channel          string            `json:"channel" enum:"sms"`
	Brand            brandRef          `json:"brand"`
	Sender           senderRef         `json:"sender"`
	Skill            skillRef          `json:"skill" doc:"Replies inside the lookback go there"`
	Text             string            `json:"text"`
	OptOutText       string            `json:"opt_out_text"`
	SmartEncoding    bool              `json:"smart_encoding" doc:"Look-alike characters are replaced where that saves the long encoding"`
	State            string            `json:"state" enum:"draft,scheduled,running,paused,completed,canceled"`
	Reason           overture.Sentence `json:"reason,omitzero" doc:"Why it is paused or canceled, and by whom"`
	LaunchAt         time.Time         `json:"launch_at,omitzero" doc:"Absent: as soon as it is launched"`
	Window           windowBody        `json:"window"`
	Rate             int               `json:"rate" doc:"Segments per second, at most the sender's"`
	LookbackHours    int               `json:"lookback_hours"`
	ExpiresAt        time.Time         `json:"expires_at,omitzero" doc:"What is not sent by then expires"`
	Policy           string            `json:"policy" enum:"safe,must_reach"`
	OpenConversation string            `json:"open_conversation" enum:"skip,hold,deliver"`
	UndoSeconds      int               `json:"undo_seconds" doc:"After the launch nothing goes for so long, and it can be undone"`
	UndoUntil        time.Time         `json:"undo_until,omitzero"`
	Rails            *railsBody        `json:"rails,omitempty" doc:"Canary, ramp and spend limit"`
	Guard            *guardBody        `json:"guard,omitempty" doc:"Where canary and ramp stand, and which guard rail paused it"`
	Recipients       int               `json:"recipients" doc:"Valid recipients in the list"`
	ContentHash      string            `json:"content_hash,omitempty" doc:"Of the text, frozen at launch"`
	ListHash         string            `json:"list_hash,omitempty" doc:"Of the list, frozen at launch"`
	ConsentBy        userRef           `json:"consent_by,omitzero" doc:"Who answers for the opt-in consent of the recipients"`
	ConsentAt        time.Time         `json:"consent_at,omitzero"`
	CreatedBy        userRef           `json:"created_by,omitzero"`
	CreatedAt        time.Time         `json:"created_at"`
	UpdatedAt        time.Time         `json:"updated_at" doc:"Send it back with a change: nobody overwrites what they have not seen"`
	LaunchedAt       time.Time         `json:"launched_at,omitzero"`
	CompletedAt      time.Time         `json:"completed_at,omitzero"`
	ArchivedAt       time.Time         `json:"archived_at,omitzero"`
	PeopleDeletedAt  time.Time         `json:"people_deleted_at,omitzero" doc:"When retention began to delete recipients and messages; counters and figures stay"`
	Counts           *countsBody       `json:"counts,omitempty" doc:"In lists: recipients by state"`
}

// countsBody has every state, so that a program sees that they add up to recipients.
type countsBody struct {
	Queued      int `json:"queued"`
	Attempting  int `json:"attempting"`
	Unknown     int `json:"unknown" doc:"A send may have happened; the provider's own record is being asked"`
	Canceled    int `json:"canceled"`
	Expired     int `json:"expired"`
	Suppressed  int `json:"suppressed" doc:"Never handed to the provider: opted out, or in an open conversation"`
	Failed      int `json:"failed"`
	Held        int `json:"held" doc:"A send may have happened and cannot be proven: a person decides"`
	Accepted    int `json:"accepted"`
	Sent        int `json:"sent"`
	Undelivered int `json:"undelivered"`
	Delivered   int `json:"delivered"`
	Read        int `json:"read"`
}

func wireCounts(c overture.Counts) countsBody {
	return countsBody{
		Queued: c[overture.Queued], Attempting: c[overture.Attempting], Unknown: c[overture.Unknown], Canceled: c[overture.Canceled],
		Expired: c[overture.Expired], Suppressed: c[overture.Suppressed], Failed: c[overture.Failed], Held: c[overture.Held],
		Accepted: c[overture.Accepted], Sent: c[overture.Sent], Undelivered: c[overture.Undelivered], Delivered: c[overture.Delivered], Read: c[overture.Read],
	}
}

func wireCampaign(c overture.Campaign) campaignBody {
	return campaignBody{
		ID: refTo(c.ID), Name: c.Name, Channel: string(c.Channel), Brand: refTo(c.BrandID), Sender: refTo(c.SenderID), Skill: refTo(c.SkillID),
		Text: c.Content.Text, OptOutText: c.Content.OptOutText, SmartEncoding: c.Content.SmartEncoding, State: string(c.State), Reason: overture.Written(c.Reason),
		LaunchAt: c.LaunchAt, Window: wireWindow(c.Window), Rate: c.Rate, LookbackHours: int(c.Lookback / time.Hour), ExpiresAt: c.ExpiresAt,
		Policy: string(c.Policy), OpenConversation: string(c.OpenConversation), Recipients: c.RecipientCount, ContentHash: c.ContentHash,
		ListHash: c.ListHash, ConsentBy: refTo(c.ConsentBy), ConsentAt: c.ConsentAt, CreatedBy: refTo(c.CreatedBy), CreatedAt: c.CreatedAt,
		UpdatedAt: c.UpdatedAt, LaunchedAt: c.LaunchedAt, CompletedAt: c.CompletedAt, ArchivedAt: c.ArchivedAt, PeopleDeletedAt: c.PeopleDeletedAt,
		UndoSeconds: c.UndoSeconds, UndoUntil: c.UndoUntil, Rails: wireRails(c.Rails), Guard: wireGuard(c.Watch),
	}
}

func wireCampaignLine(l overture.CampaignLine) campaignBody {
	b := wireCampaign(l.Campaign)
	counts := wireCounts(l.Counts)
	b.Counts = &counts
	return b
}

type campaignOutput struct{ Body campaignBody }

type campaignsOutput struct{ Body page[campaignBody] }

type campaignInput struct {
	Campaign campaignRef `path:"campaign"`
}

type listCampaignsInput struct {
	Paged
	State    string `query:"state" enum:"draft,scheduled,running,paused,completed,canceled"`
	Q        string `query:"q" maxLength:"255" doc:"Part of the name"`
	Archived bool   `query:"archived" doc:"Archived ones too"`
}

// createCampaignInput leaves to the account's settings what is left out.
type createCampaignInput struct {
	Body struct {
		Name             string      `json:"name" minLength:"1" maxLength:"255"`
		Channel          string      `json:"channel,omitempty" enum:"sms" doc:"Default sms"`
		Sender           senderRef   `json:"sender"`
		Skill            skillRef    `json:"skill"`
		Text             string      `json:"text,omitempty" maxLength:"1600" doc:"{{1}} or {{name}} stand for the columns of the list"`
		OptOutText       string      `json:"opt_out_text,omitempty" maxLength:"160" doc:"Default: the account's"`
		SmartEncoding    bool        `json:"smart_encoding,omitempty"`
		LaunchAt         time.Time   `json:"launch_at,omitzero" doc:"Left out: as soon as it is launched"`
		Window           *windowBody `json:"window,omitempty" doc:"Default: the account's"`
		Rate             *int        `json:"rate,omitempty" minimum:"1" doc:"Segments per second; default: the account's"`
		LookbackHours    *int        `json:"lookback_hours,omitempty" minimum:"0" maximum:"743" doc:"How long a reply belongs to this campaign; default: the account's"`
		ExpiresAt        time.Time   `json:"expires_at,omitzero"`
		Policy           string      `json:"policy,omitempty" enum:"safe,must_reach" doc:"safe (default): what cannot be proven is held; must_reach: it is sent again and may arrive twice"`
		OpenConversation string      `json:"open_conversation,omitempty" enum:"skip,hold,deliver" doc:"For people who are in a conversation with the brand; default: the account's"`
		UndoSeconds      *int        `json:"undo_seconds,omitempty" minimum:"0" maximum:"3600" doc:"Default: the account's"`
		Rails            *railsBody  `json:"rails,omitempty"`
	}
}

// updateCampaignInput changes what is named. Times are text so that they can be taken away: empty means none.
type updateCampaignInput struct {
	Campaign campaignRef `path:"campaign"`
	Body     struct {
		Name             *string     `json:"name,omitempty" minLength:"1" maxLength:"255"`
		Channel          *string     `json:"channel,omitempty" enum:"sms"`
		Sender           *senderRef  `json:"sender,omitempty"`
		Skill            *skillRef   `json:"skill,omitempty"`
		Text             *string     `json:"text,omitempty" maxLength:"1600"`
		OptOutText       *string     `json:"opt_out_text,omitempty" maxLength:"160" doc:"Empty: the account's"`
		SmartEncoding    *bool       `json:"smart_encoding,omitempty"`
		LaunchAt         *string     `json:"launch_at,omitempty" maxLength:"40" doc:"RFC 3339; empty: as soon as it is launched"`
		Window           *windowBody `json:"window,omitempty"`
		Rate             *int        `json:"rate,omitempty" minimum:"1"`
		LookbackHours    *int        `json:"lookback_hours,omitempty" minimum:"0" maximum:"743"`
		ExpiresAt        *string     `json:"expires_at,omitempty" maxLength:"40" doc:"RFC 3339; empty: never"`
		Policy           *string     `json:"policy,omitempty" enum:"safe,must_reach"`
		OpenConversation *string     `json:"open_conversation,omitempty" enum:"skip,hold,deliver"`
		UndoSeconds      *int        `json:"undo_seconds,omitempty" minimum:"0" maximum:"3600"`
		Rails            *railsBody  `json:"rails,omitempty" doc:"Replaces all; {} takes them away"`
		CheckList        *bool       `json:"check_list,omitempty" doc:"false: somebody is typing, leave the list unchecked against the text. The next change without it does it (an empty one does nothing else), a forecast, and the launch"`
		UpdatedAt        time.Time   `json:"updated_at,omitzero" doc:"The version you saw: 409 when somebody changed the campaign since"`
	}
}

const campaignPath = "/v1/campaigns/{campaign}"

func (a *API) registerCampaigns() {
	op := func(method, path, summary, description string) operation {
		return operation{Method: method, Path: path, Summary: summary, Description: description, Tag: "campaigns"}
	}
	register(a, access.CampaignsRead, op("GET", "/v1/campaigns", "List everybody's campaigns, newest first", ""), a.listCampaigns)
	create := op("POST", "/v1/campaigns", "Create a draft campaign", "What is left out comes from the account's settings.")
	create.Status = 201
	register(a, access.CampaignsWrite, create, a.createCampaign)
	register(a, access.CampaignsRead, op("GET", campaignPath, "Get a campaign", ""), a.getCampaign)
	register(a, access.CampaignsWrite, op("PATCH", campaignPath, "Change a draft",
		"Only drafts: a launch freezes content, schedule and list. When the text changes, the list is checked against it again."), a.updateCampaign)
	register(a, access.CampaignsWrite, op("DELETE", campaignPath, "Delete a draft with its list", ""), a.deleteCampaign)
	register(a, access.CampaignsRead, op("GET", campaignPath+"/checklist", "What must hold before the launch, with what to do about it", ""), a.checklist)
	test := op("POST", campaignPath+"/test-send", "Send the text to one number", "At once, ahead of campaigns and outside the window. Variables show their own names.")
	test.Status = 202
	register(a, access.CampaignsLaunch, test, a.testSend)
	a.registerCampaignLife(op)
}

func (a *API) listCampaigns(ctx context.Context, who access.Identity, in *listCampaignsInput) (*campaignsOutput, error) {
	after, err := in.after()
	if err != nil {
		return nil, err
	}
	lines, err := a.deps.Campaigns.Campaigns(ctx, overture.CampaignFilter{
		AccountID: who.AccountID, State: overture.CampaignState(in.State),
		Search: in.Q, Archived: in.Archived, After: overture.CampaignID(after), Limit: in.limit() + 1,
	})
	if err != nil {
		return nil, err
	}
	return &campaignsOutput{Body: pageOf(lines, in.limit(), wireCampaignLine, func(l overture.CampaignLine) int64 { return int64(l.ID) })}, nil
}

func (a *API) createCampaign(ctx context.Context, who access.Identity, in *createCampaignInput) (*campaignOutput, error) {
	b := in.Body
	ch := campaign.Change{
		Name: &b.Name, SenderID: &b.Sender.ID, SkillID: &b.Skill.ID, Text: &b.Text, SmartEncoding: &b.SmartEncoding, Rate: b.Rate,
		Lookback: hours(b.LookbackHours), Channel: given(overture.Channel(b.Channel)), OptOutText: given(b.OptOutText),
		Policy: given(overture.SendPolicy(b.Policy)), OpenConversation: given(overture.OpenConversationPolicy(b.OpenConversation)),
		UndoSeconds: b.UndoSeconds, Rails: b.Rails.rails(),
	}
	if !b.LaunchAt.IsZero() {
		ch.LaunchAt = &b.LaunchAt
	}
	if !b.ExpiresAt.IsZero() {
		ch.ExpiresAt = &b.ExpiresAt
	}
	if err := setWindow(&ch, b.Window); err != nil {
		return nil, err
	}
	c, err := a.deps.Campaigns.Create(ctx, who.Actor(), ch)
	return campaignAnswer(c, err)
}

func (a *API) getCampaign(ctx context.Context, who access.Identity, in *campaignInput) (*campaignOutput, error) {
	c, err := a.deps.Campaigns.Campaign(ctx, who.AccountID, in.Campaign.ID)
	return campaignAnswer(c, err)
}

func (a *API) updateCampaign(ctx context.Context, who access.Identity, in *updateCampaignInput) (*campaignOutput, error) {
	b := in.Body
	ch := campaign.Change{
		Name: b.Name, Channel: (*overture.Channel)(b.Channel), Text: b.Text, OptOutText: b.OptOutText, SmartEncoding: b.SmartEncoding,
		Rate: b.Rate, Lookback: hours(b.LookbackHours), Policy: (*overture.SendPolicy)(b.Policy),
		OpenConversation: (*overture.OpenConversationPolicy)(b.OpenConversation), UndoSeconds: b.UndoSeconds, Rails: b.Rails.rails(),
		ListLater: b.CheckList != nil && !*b.CheckList,
	}
	if b.Sender != nil {
		ch.SenderID = &b.Sender.ID
	}
	if b.Skill != nil {
		ch.SkillID = &b.Skill.ID
	}
	var err error
	if ch.LaunchAt, err = moment(b.LaunchAt, "body.launch_at"); err != nil {
		return nil, err
	}
	if ch.ExpiresAt, err = moment(b.ExpiresAt, "body.expires_at"); err != nil {
		return nil, err
	}
	if err := setWindow(&ch, b.Window); err != nil {
		return nil, err
	}
	c, err := a.deps.Campaigns.Edit(ctx, who.Actor(), in.Campaign.ID, ch, b.UpdatedAt)
	return campaignAnswer(c, err)
}

func (a *API) deleteCampaign(ctx context.Context, who access.Identity, in *campaignInput) (*noContent, error) {
	return nil, a.deps.Campaigns.Delete(ctx, who.Actor(), in.Campaign.ID)
}

func campaignAnswer(c overture.Campaign, err error) (*campaignOutput, error) {
	if err != nil {
		return nil, err
	}
	return &campaignOutput{Body: wireCampaign(c)}, nil
}

func setWindow(ch *campaign.Change, b *windowBody) error {
	if b == nil {
		return nil
	}
	w, err := b.window("body.window")
	ch.Window = &w
	return err
}

// given is nil for a value that was left out.
func given[T ~string](value T) *T {
	if value == "" {
		return nil
	}
	return &value
}

func hours(n *int) *time.Duration {
	if n == nil {
		return nil
	}
	d := time.Duration(*n) * time.Hour
	return &d
}

// moment reads a time that can be taken away: nil stays nil, empty is the zero time.
func moment(text *string, location string) (*time.Time, error) {
	if text == nil || *text == "" {
		if text == nil {
			return nil, nil //nolint:nilnil // left out is neither a time nor an error
		}
		return &time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339, *text)
	if err != nil {
		return nil, &overture.Error{
			Kind: overture.Invalid, Code: "bad_time", Message: "write times as 2026-12-01T09:00:00Z",
			Fields: []overture.Field{{Location: location, Message: "write it as 2026-12-01T09:00:00Z, with the offset from UTC or Z"}},
		}
	}
	return &t, nil
}

type checkBody struct {
	Name    string            `json:"name" doc:"Stable word"`
	OK      bool              `json:"ok" doc:"false: the launch is refused until it is fixed"`
	Level   string            `json:"level" enum:"ok,note,problem"`
	Message overture.Sentence `json:"message"`
	Fix     overture.Sentence `json:"fix,omitzero" doc:"What to do"`
	Field   string            `json:"field,omitempty" doc:"Where to do it"`
}

type checklistInput struct {
	Campaign campaignRef `path:"campaign"`
	LaunchAt string      `query:"launch_at" maxLength:"40" doc:"As it would be at this launch time (RFC 3339, or now) instead of the draft's own"`
}

type checklistOutput struct {
	Body struct {
		Ready bool        `json:"ready" doc:"Nothing stands in the way of a launch, but the consent"`
		Items []checkBody `json:"items"`
	}
}

func (a *API) checklist(ctx context.Context, who access.Identity, in *checklistInput) (*checklistOutput, error) {
	at, err := launchTime(in.LaunchAt, "query.launch_at")
	if err != nil {
		return nil, err
	}
	checks, err := a.deps.Campaigns.Checklist(ctx, who.AccountID, in.Campaign.ID, at)
	if err != nil {
		return nil, err
	}
	out := &checklistOutput{}
	out.Body.Ready, out.Body.Items = true, []checkBody{}
	for _, c := range checks {
		ok := c.Verdict != campaign.Problem
		out.Body.Ready = out.Body.Ready && ok
		out.Body.Items = append(out.Body.Items, checkBody{Name: c.Name, OK: ok, Level: string(c.Verdict), Message: c.Words, Fix: c.Fix, Field: c.Field})
	}
	return out, nil
}

// launchTime reads a launch time: nothing keeps the draft's own, now replaces it by at once.
func launchTime(text, location string) (*time.Time, error) {
	if text == "" {
		return nil, nil //nolint:nilnil // left out is neither a time nor an error
	}
	if text == "now" {
		text = ""
	}
	return moment(&text, location)
}

type testSendInput struct {
	Campaign campaignRef `path:"campaign"`
	Body     struct {
		To string `json:"to" minLength:"1" maxLength:"40" doc:"A number with country code"`
	}
}

type testSendOutput struct {
	Body struct {
		Message  messageRef `json:"message"`
		Text     string     `json:"text"`
		Segments int        `json:"segments"`
	}
}

func (a *API) testSend(ctx context.Context, who access.Identity, in *testSendInput) (*testSendOutput, error) {
	m, err := a.deps.Campaigns.TestSend(ctx, who.Actor(), in.Campaign.ID, in.Body.To)
	if err != nil {
		return nil, err
	}
	out := &testSendOutput{}
	out.Body.Message, out.Body.Text, out.Body.Segments = refTo(m.ID), m.Body, m.Segments
	x := exchangeOf(ctx)
	x.subject = append(x.subject, slog.String("message_id", m.ID.String()))
	return out, nil
}
