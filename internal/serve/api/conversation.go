package api

import (
	"context"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/access"
)

// conversationRoom is what this resource needs of internal/inbound/conversation.
type conversationRoom interface {
	Viewer(ctx context.Context, by overture.Actor, all bool) (overture.Viewer, error)
	List(ctx context.Context, v overture.Viewer, f overture.ConversationFilter) ([]overture.ConversationCard, error)
	Card(ctx context.Context, v overture.Viewer, id overture.ConversationID) (overture.ConversationCard, error)
	Transcript(ctx context.Context, v overture.Viewer, id overture.ConversationID, after overture.EntryID, limit int) ([]overture.Entry, error)
	Accept(ctx context.Context, v overture.Viewer, id overture.ConversationID) error
	Answer(ctx context.Context, v overture.Viewer, id overture.ConversationID, text string) (overture.Entry, error)
	Transfer(ctx context.Context, v overture.Viewer, id overture.ConversationID, skill overture.SkillID) error
	Close(ctx context.Context, v overture.Viewer, id overture.ConversationID) error
	Read(ctx context.Context, v overture.Viewer, id overture.ConversationID) error
	OptOut(ctx context.Context, v overture.Viewer, id overture.ConversationID) error
}

type conversationBody struct {
	ID           conversationRef `json:"id"`
	State        string          `json:"state" enum:"waiting,assigned,closed"`
	Channel      string          `json:"channel"`
	Source       string          `json:"source" enum:"proactive,inbound" doc:"proactive: the person answered a campaign's message inside its lookback"`
	Address      string          `json:"address" doc:"The person's number"`
	Number       string          `json:"number" doc:"The brand's number the person wrote to last; answers go out from it"`
	Brand        brandRef        `json:"brand"`
	BrandName    string          `json:"brand_name"`
	Skill        skillRef        `json:"skill,omitzero" doc:"Absent: any agent may take it"`
	SkillName    string          `json:"skill_name,omitempty"`
	Campaign     campaignRef     `json:"campaign,omitzero"`
	CampaignName string          `json:"campaign_name,omitempty"`
	Agent        userRef         `json:"agent,omitzero"`
	AgentName    string          `json:"agent_name,omitempty"`
	City         string          `json:"city,omitempty"`
	Country      string          `json:"country,omitempty"`
	Unread       int             `json:"unread"`
	OptedOut     bool            `json:"opted_out" doc:"Nothing can be sent to this person"`
	LastText     string          `json:"last_text"`
	StartedAt    time.Time       `json:"started_at"`
	UpdatedAt    time.Time       `json:"updated_at"`
	ClosedAt     time.Time       `json:"closed_at,omitzero"`
}

func wireConversation(c overture.ConversationCard) conversationBody {
	return conversationBody{
		ID: refTo(c.ID), State: string(c.State), Channel: string(c.Channel), Source: c.Source, Address: string(c.Address), Number: string(c.Number),
		Brand: refTo(c.BrandID), BrandName: c.BrandName, Skill: refTo(c.SkillID), SkillName: c.SkillName, Campaign: refTo(c.CampaignID), CampaignName: c.CampaignName,
		Agent: refTo(c.AgentID), AgentName: c.AgentName, City: c.City, Country: c.Country, Unread: c.Unread, OptedOut: c.OptedOut, LastText: string(c.LastText),
		StartedAt: c.StartedAt, UpdatedAt: c.UpdatedAt, ClosedAt: c.ClosedAt,
	}
}

type outboundBody struct {
	Message      messageRef `json:"message"`
	CampaignName string     `json:"campaign_name"`
	Text         string     `json:"text"`
	State        string     `json:"state"`
	SentAt       time.Time  `json:"sent_at"`
}

type entryBody struct {
	ID       entryRef   `json:"id"`
	Author   string     `json:"author" enum:"brand,consumer,agent,system"`
	User     userRef    `json:"user,omitzero" doc:"The agent who wrote it"`
	Text     string     `json:"text"`
	At       time.Time  `json:"at"`
	Message  messageRef `json:"message,omitzero" doc:"What carried it to the person"`
	Delivery string     `json:"delivery,omitempty" doc:"State of that message; left out when retention deleted it"`
	Reason   string     `json:"reason,omitempty"`
	Code     int        `json:"code,omitempty" doc:"The provider's code when it was refused or not delivered"`
}

func wireEntry(e overture.Entry) entryBody {
	b := entryBody{ID: refTo(e.ID), Author: string(e.Author), User: refTo(e.UserID), Text: e.Text, At: e.CreatedAt}
	if e.MessageID != 0 && !e.MessageDeleted {
		b.Message, b.Delivery, b.Reason, b.Code = refTo(e.MessageID), e.State.String(), e.Reason, e.Code
	}
	return b
}

type listConversationsInput struct {
	Paged
	State string `query:"state" enum:"waiting,assigned,closed" doc:"Left out: all that are open"`
	Mine  bool   `query:"mine" doc:"Only those assigned to the caller"`
}

type conversationsOutput struct{ Body page[conversationBody] }

type conversationInput struct {
	Conversation conversationRef `path:"conversation"`
}

type transcriptInput struct {
	Paged
	Conversation conversationRef `path:"conversation"`
}

type transcriptOutput struct {
	Body struct {
		Conversation conversationBody `json:"conversation"`
		Outbounds    []outboundBody   `json:"outbounds" doc:"What campaigns sent to the person: the newest five of the last 30 days"`
		Entries      page[entryBody]  `json:"entries" doc:"The transcript in order; ?cursor= reads on"`
	}
}

type answerInput struct {
	Conversation conversationRef `path:"conversation"`
	Body         struct {
		Text string `json:"text" minLength:"1" maxLength:"1600"`
	}
}

type transferInput struct {
	Conversation conversationRef `path:"conversation"`
	Body         struct {
		Skill skillRef `json:"skill"`
	}
}

type entryOutput struct{ Body entryBody }

func (a *API) registerConversations() {
	const one = "/v1/conversations/{conversation}"
	op := func(method, path, summary, description string) operation {
		return operation{Method: method, Path: path, Summary: summary, Description: description, Tag: "conversations"}
	}
	register(a, access.ConversationsOwn, op("GET", "/v1/conversations", "List conversations, newest first",
		"Agents see their own and those that wait for their skills; agent managers see all."), a.listConversations)
	register(a, access.ConversationsOwn, op("GET", one, "Get a conversation with its transcript", ""), a.getConversation)
	answer := op("POST", one+"/messages", "Answer the person", "Goes out ahead of campaign traffic from the number the person wrote to last.")
	answer.Status = 201
	register(a, access.ConversationsOwn, answer, a.answer)
	register(a, access.ConversationsOwn, op("POST", one+"/accept", "Take a waiting conversation", "Of several who try at once exactly one gets it."), a.accept)
	register(a, access.ConversationsOwn, op("POST", one+"/transfer", "Send a conversation to the queue of a skill", ""), a.transfer)
	register(a, access.ConversationsOwn, op("POST", one+"/close", "Close a conversation", ""), a.closeConversation)
	register(a, access.ConversationsOwn, op("POST", one+"/read", "Mark a conversation as read", ""), a.readConversation)
	register(a, access.ConversationsOwn, op("POST", one+"/opt-out", "Record that the person asked to stop", "Counts for every number of the brand, at once."), a.optOutPerson)
}

func (a *API) viewer(ctx context.Context, who access.Identity) (overture.Viewer, error) {
	return a.deps.Conversations.Viewer(ctx, who.Actor(), access.Allows(who, access.ConversationsAll))
}

func (a *API) listConversations(ctx context.Context, who access.Identity, in *listConversationsInput) (*conversationsOutput, error) {
	before, err := in.after()
	if err != nil {
		return nil, err
	}
	v, err := a.viewer(ctx, who)
	if err != nil {
		return nil, err
	}
	f := overture.ConversationFilter{State: overture.ConversationState(in.State), Before: overture.ConversationID(before), Limit: in.limit() + 1}
	if in.Mine {
		if who.UserID == 0 {
			return nil, overture.ErrInvalid("no_person", "an API key has no conversations of its own; leave ?mine out")
		}
		f.AgentID = who.UserID
	}
	list, err := a.deps.Conversations.List(ctx, v, f)
	if err != nil {
		return nil, err
	}
	return &conversationsOutput{Body: pageOf(list, in.limit(), wireConversation, func(c overture.ConversationCard) int64 { return int64(c.ID) })}, nil
}

func (a *API) getConversation(ctx context.Context, who access.Identity, in *transcriptInput) (*transcriptOutput, error) {
	after, err := in.after()
	if err != nil {
		return nil, err
	}
	v, err := a.viewer(ctx, who)
	if err != nil {
		return nil, err
	}
	card, err := a.deps.Conversations.Card(ctx, v, in.Conversation.ID)
	if err != nil {
		return nil, err
	}
	entries, err := a.deps.Conversations.Transcript(ctx, v, in.Conversation.ID, overture.EntryID(after), in.limit()+1)
	if err != nil {
		return nil, err
	}
	out := &transcriptOutput{}
	out.Body.Conversation, out.Body.Outbounds = wireConversation(card), make([]outboundBody, 0, len(card.Outbounds))
	for _, o := range card.Outbounds {
		out.Body.Outbounds = append(out.Body.Outbounds, outboundBody{Message: refTo(o.MessageID), CampaignName: o.CampaignName, Text: string(o.Text), State: o.State.String(), SentAt: o.SentAt})
	}
	out.Body.Entries = pageOf(entries, in.limit(), wireEntry, func(e overture.Entry) int64 { return int64(e.ID) })
	return out, nil
}

func (a *API) answer(ctx context.Context, who access.Identity, in *answerInput) (*entryOutput, error) {
	v, err := a.viewer(ctx, who)
	if err != nil {
		return nil, err
	}
	e, err := a.deps.Conversations.Answer(ctx, v, in.Conversation.ID, in.Body.Text)
	if err != nil {
		return nil, err
	}
	return &entryOutput{Body: wireEntry(e)}, nil
}

func (a *API) transfer(ctx context.Context, who access.Identity, in *transferInput) (*noContent, error) {
	v, err := a.viewer(ctx, who)
	if err != nil {
		return nil, err
	}
	return nil, a.deps.Conversations.Transfer(ctx, v, in.Conversation.ID, in.Body.Skill.ID)
}

func (a *API) accept(ctx context.Context, who access.Identity, in *conversationInput) (*noContent, error) {
	return a.onConversation(ctx, who, in, a.deps.Conversations.Accept)
}

func (a *API) closeConversation(ctx context.Context, who access.Identity, in *conversationInput) (*noContent, error) {
	return a.onConversation(ctx, who, in, a.deps.Conversations.Close)
}

func (a *API) readConversation(ctx context.Context, who access.Identity, in *conversationInput) (*noContent, error) {
	return a.onConversation(ctx, who, in, a.deps.Conversations.Read)
}

func (a *API) optOutPerson(ctx context.Context, who access.Identity, in *conversationInput) (*noContent, error) {
	return a.onConversation(ctx, who, in, a.deps.Conversations.OptOut)
}

func (a *API) onConversation(ctx context.Context, who access.Identity, in *conversationInput,
	do func(context.Context, overture.Viewer, overture.ConversationID) error,
) (*noContent, error) {
	v, err := a.viewer(ctx, who)
	if err != nil {
		return nil, err
	}
	return nil, do(ctx, v, in.Conversation.ID)
}
