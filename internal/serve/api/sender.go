package api

import (
	"context"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/access"
)

// senderRoom is what this resource needs of internal/access.
type senderRoom interface {
	CreateSender(ctx context.Context, by overture.Actor, n access.NewSender) (overture.Sender, error)
	UpdateSender(ctx context.Context, by overture.Actor, id overture.SenderID, change access.SenderChange) (overture.Sender, error)
	StopSender(ctx context.Context, by overture.Actor, id overture.SenderID, reason string) (overture.Sender, error)
	StartSender(ctx context.Context, by overture.Actor, id overture.SenderID) (overture.Sender, error)
	Sender(ctx context.Context, account overture.AccountID, id overture.SenderID) (overture.Sender, error)
	Senders(ctx context.Context, account overture.AccountID, after overture.SenderID, limit int) ([]overture.Sender, error)
}

// senderBody never holds credentials: they can be written, not read.
type senderBody struct {
	ID                  senderRef         `json:"id"`
	Brand               brandRef          `json:"brand"`
	Name                string            `json:"name"`
	Channel             string            `json:"channel" enum:"sms"`
	Provider            string            `json:"provider" enum:"twilio"`
	Address             string            `json:"address" doc:"The from-number, E.164"`
	BaseURL             string            `json:"base_url"`
	AccountSID          string            `json:"account_sid"`
	MessagingServiceSID string            `json:"messaging_service_sid,omitempty"`
	Rate                int               `json:"rate" doc:"Segments per second"`
	Stopped             bool              `json:"stopped"`
	StopReason          overture.Sentence `json:"stop_reason,omitzero"`
	InboundURL          string            `json:"inbound_url,omitempty" doc:"What to enter at the provider as the webhook for incoming messages; only for those who may change senders"`
	CreatedAt           time.Time         `json:"created_at"`
}

func (a *API) wireSender(who access.Identity, x overture.Sender) senderBody {
	b := senderBody{
		ID: refTo(x.ID), Brand: refTo(x.BrandID), Name: x.Name, Channel: string(x.Channel), Provider: x.Provider, Address: string(x.Address),
		BaseURL: x.BaseURL, AccountSID: x.AccountSID, MessagingServiceSID: x.MessagingServiceSID, Rate: x.Rate, Stopped: x.Stopped,
		StopReason: overture.Written(x.StopReason), CreatedAt: x.CreatedAt,
	}
	if access.Allows(who, access.SendersWrite) {
		b.InboundURL = a.deps.PublicURL + "/hooks/" + x.Provider + "/" + x.WebhookKey + "/inbound"
	}
	return b
}

type senderInput struct {
	Sender senderRef `path:"sender"`
}

type stopSenderInput struct {
	Sender senderRef `path:"sender"`
	Body   *struct {
		Reason string `json:"reason,omitempty" maxLength:"200" doc:"Shown to everybody who looks why nothing moves"`
	}
}

type createSenderInput struct {
	Body struct {
		Brand               brandRef `json:"brand"`
		Name                string   `json:"name" minLength:"1" maxLength:"200"`
		Channel             string   `json:"channel" enum:"sms"`
		Provider            string   `json:"provider" enum:"twilio"`
		Address             string   `json:"address" maxLength:"20" doc:"E.164, such as +12125550100"`
		BaseURL             string   `json:"base_url,omitempty" maxLength:"300" doc:"Default: the provider's own"`
		AccountSID          string   `json:"account_sid" maxLength:"64"`
		AuthToken           string   `json:"auth_token" minLength:"1" maxLength:"200" writeOnly:"true"`
		MessagingServiceSID string   `json:"messaging_service_sid,omitempty" maxLength:"64"`
		Rate                int      `json:"rate,omitempty" minimum:"1" maximum:"100000" doc:"Segments per second; default 1"`
	}
}

type updateSenderInput struct {
	Sender senderRef `path:"sender"`
	Body   struct {
		Name                *string `json:"name,omitempty" minLength:"1" maxLength:"200"`
		BaseURL             *string `json:"base_url,omitempty" maxLength:"300"`
		AccountSID          *string `json:"account_sid,omitempty" maxLength:"64"`
		AuthToken           *string `json:"auth_token,omitempty" minLength:"1" maxLength:"200" writeOnly:"true" doc:"The old token keeps proving signatures as the second one"`
		SecondAuthToken     *string `json:"second_auth_token,omitempty" maxLength:"200" writeOnly:"true" doc:"Also accepted in signatures during a rotation; empty ends that"`
		MessagingServiceSID *string `json:"messaging_service_sid,omitempty" maxLength:"64"`
		Rate                *int    `json:"rate,omitempty" minimum:"1" maximum:"100000"`
	}
}

type senderOutput struct{ Body senderBody }

type sendersOutput struct{ Body page[senderBody] }

func (a *API) registerSenders() {
	register(a, access.SendersRead, operation{Method: "GET", Path: "/v1/senders", Summary: "List senders", Tag: "senders"}, a.listSenders)
	register(a, access.SendersWrite, operation{Method: "POST", Path: "/v1/senders", Summary: "Create a sender", Tag: "senders", Status: 201}, a.createSender)
	register(a, access.SendersRead, operation{Method: "GET", Path: "/v1/senders/{sender}", Summary: "Get a sender", Tag: "senders"}, a.getSender)
	register(a, access.SendersWrite, operation{Method: "PATCH", Path: "/v1/senders/{sender}", Summary: "Change a sender, rotate its tokens", Tag: "senders"}, a.updateSender)
	register(a, access.SendersWrite, operation{Method: "POST", Path: "/v1/senders/{sender}/start", Summary: "Let a stopped sender send again", Tag: "senders"}, a.startSender)
	register(a, access.SendersWrite, operation{Method: "POST", Path: "/v1/senders/{sender}/stop", Summary: "Stop every message of a sender", Tag: "senders"}, a.stopSender)
}

func (a *API) listSenders(ctx context.Context, who access.Identity, in *Paged) (*sendersOutput, error) {
	after, err := in.after()
	if err != nil {
		return nil, err
	}
	xs, err := a.deps.Senders.Senders(ctx, who.AccountID, overture.SenderID(after), in.limit()+1)
	if err != nil {
		return nil, err
	}
	wire := func(x overture.Sender) senderBody { return a.wireSender(who, x) }
	return &sendersOutput{Body: pageOf(xs, in.limit(), wire, func(x overture.Sender) int64 { return int64(x.ID) })}, nil
}

func (a *API) createSender(ctx context.Context, who access.Identity, in *createSenderInput) (*senderOutput, error) {
	b := in.Body
	x, err := a.deps.Senders.CreateSender(ctx, who.Actor(), access.NewSender{
		BrandID: b.Brand.ID, Name: b.Name, Channel: overture.Channel(b.Channel), Provider: b.Provider, Address: overture.Address(b.Address),
		BaseURL: b.BaseURL, AccountSID: b.AccountSID, AuthToken: overture.Secret(b.AuthToken), MessagingServiceSID: b.MessagingServiceSID, Rate: b.Rate,
	})
	return a.senderAnswer(who, x, err)
}

func (a *API) getSender(ctx context.Context, who access.Identity, in *senderInput) (*senderOutput, error) {
	x, err := a.deps.Senders.Sender(ctx, who.AccountID, in.Sender.ID)
	return a.senderAnswer(who, x, err)
}

func (a *API) updateSender(ctx context.Context, who access.Identity, in *updateSenderInput) (*senderOutput, error) {
	b := in.Body
	x, err := a.deps.Senders.UpdateSender(ctx, who.Actor(), in.Sender.ID, access.SenderChange{
		Name: b.Name, BaseURL: b.BaseURL, AccountSID: b.AccountSID, MessagingServiceSID: b.MessagingServiceSID, Rate: b.Rate,
		AuthToken: (*overture.Secret)(b.AuthToken), SecondAuthToken: (*overture.Secret)(b.SecondAuthToken),
	})
	return a.senderAnswer(who, x, err)
}

func (a *API) startSender(ctx context.Context, who access.Identity, in *senderInput) (*senderOutput, error) {
	x, err := a.deps.Senders.StartSender(ctx, who.Actor(), in.Sender.ID)
	return a.senderAnswer(who, x, err)
}

func (a *API) stopSender(ctx context.Context, who access.Identity, in *stopSenderInput) (*senderOutput, error) {
	reason := ""
	if in.Body != nil {
		reason = in.Body.Reason
	}
	x, err := a.deps.Senders.StopSender(ctx, who.Actor(), in.Sender.ID, reason)
	return a.senderAnswer(who, x, err)
}

func (a *API) senderAnswer(who access.Identity, x overture.Sender, err error) (*senderOutput, error) {
	if err != nil {
		return nil, err
	}
	return &senderOutput{Body: a.wireSender(who, x)}, nil
}
