package api

import (
	"context"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/access"
)

// phoneRoom runs the virtual phones of the carrier lab that the account's senders point at. Every method answers NotFound without a lab.
type phoneRoom interface {
	Phone(ctx context.Context, account overture.AccountID, sender overture.SenderID, number overture.Address) (VirtualPhone, error)
	Write(ctx context.Context, account overture.AccountID, sender overture.SenderID, from overture.Address, text string) error
	Carrier(ctx context.Context, account overture.AccountID, sender overture.SenderID) (Carrier, error)
	SetCarrier(ctx context.Context, account overture.AccountID, sender overture.SenderID, c Carrier) error
	LabSender(ctx context.Context, by overture.Actor, brand overture.BrandID) (overture.Sender, error)
}

// VirtualPhone is a phone of the lab and everything on its screen, oldest first.
type VirtualPhone struct {
	Number  overture.Address
	Stopped bool // the carrier takes nothing for it from this sender's number any more
	Thread  []PhoneEntry
}

// PhoneEntry is one message on a phone.
type PhoneEntry struct {
	At   time.Time
	By   string // us, person, or carrier: its own answer to a keyword
	Peer string // our number
	Text string
}

// Carrier is how the lab treats what a sender sends. Percents are of all messages.
type Carrier struct {
	DelayMS            int `json:"delay_ms" minimum:"0" maximum:"10000" doc:"Before the provider answers"`
	DeliveryMS         int `json:"delivery_ms" minimum:"0" maximum:"60000" doc:"From taking a message to its arrival"`
	UndeliveredPercent int `json:"undelivered_percent" minimum:"0" maximum:"100" doc:"Taken, and not delivered later"`
	RefusedPercent     int `json:"refused_percent" minimum:"0" maximum:"100" doc:"Answered with a server error; nothing is taken, and the message is tried again"`
	DoubtPercent       int `json:"doubt_percent" minimum:"0" maximum:"100" doc:"Taken, but the answer gets lost"`
	LostPercent        int `json:"lost_percent" minimum:"0" maximum:"100" doc:"Receipts that never come"`
}

type phoneBody struct {
	Number  string           `json:"number"`
	Stopped bool             `json:"stopped" doc:"The carrier takes nothing for it from this sender any more"`
	Thread  []phoneEntryBody `json:"thread"`
}

type phoneEntryBody struct {
	At   time.Time `json:"at"`
	By   string    `json:"by" enum:"us,person,carrier" doc:"carrier: its own answer to a keyword, which only the phone sees"`
	Peer string    `json:"peer" doc:"Our number"`
	Text string    `json:"text"`
}

type phoneInput struct {
	Number string    `path:"number" maxLength:"40" doc:"E.164"`
	Sender senderRef `query:"sender" required:"true" doc:"A sender that points at the lab"`
}

type phoneOutput struct{ Body phoneBody }

type phoneWriteInput struct {
	Number string `path:"number" maxLength:"40" doc:"E.164"`
	Body   struct {
		Sender senderRef `json:"sender" doc:"To whose number the person writes"`
		Text   string    `json:"text" minLength:"1" maxLength:"1600"`
	}
}

type carrierInput struct {
	Sender senderRef `query:"sender" required:"true"`
}

type setCarrierInput struct {
	Sender senderRef `query:"sender" required:"true"`
	Body   Carrier
}

type carrierOutput struct{ Body Carrier }

type labSenderInput struct {
	Body struct {
		Brand brandRef `json:"brand,omitzero" doc:"May be left out when the account has one brand"`
	}
}

func (a *API) registerPhones() {
	const path = "/v1/lab/phones/{number}"
	register(a, access.RecipientsRead, operation{
		Method: "GET", Path: path, Summary: "What stands on a virtual phone", Tag: "lab",
		Description: "Only while the server runs with the carrier lab; 404 `no_lab` otherwise, as for a sender that does not point at it.",
	}, a.phone)
	register(a, access.CampaignsLaunch, operation{Method: "POST", Path: path + "/messages", Summary: "Have the person with a virtual phone write to us", Tag: "lab"}, a.phoneWrite)
	register(a, access.CampaignsRead, operation{Method: "GET", Path: "/v1/lab/carrier", Summary: "How the lab treats a sender", Tag: "lab"}, a.carrier)
	register(a, access.CampaignsLaunch, operation{Method: "PUT", Path: "/v1/lab/carrier", Summary: "Change how the lab treats a sender: delays, failures, losses", Tag: "lab"}, a.setCarrier)
	register(a, access.SendersWrite, operation{
		Method: "POST", Path: "/v1/lab/sender", Summary: "Make a sender at the lab, ready to launch", Tag: "lab", Status: 201,
		Description: "With a fictional number and credentials of its own. The address of the lab is the server's --lab-url.",
	}, a.labSender)
}

func (a *API) phone(ctx context.Context, who access.Identity, in *phoneInput) (*phoneOutput, error) {
	p, err := a.deps.Phones.Phone(ctx, who.AccountID, in.Sender.ID, overture.Address(in.Number))
	if err != nil {
		return nil, err
	}
	out := &phoneOutput{Body: phoneBody{Number: string(p.Number), Stopped: p.Stopped, Thread: make([]phoneEntryBody, 0, len(p.Thread))}}
	for _, e := range p.Thread {
		out.Body.Thread = append(out.Body.Thread, phoneEntryBody(e))
	}
	return out, nil
}

func (a *API) phoneWrite(ctx context.Context, who access.Identity, in *phoneWriteInput) (*noContent, error) {
	return &noContent{}, a.deps.Phones.Write(ctx, who.AccountID, in.Body.Sender.ID, overture.Address(in.Number), in.Body.Text)
}

func (a *API) carrier(ctx context.Context, who access.Identity, in *carrierInput) (*carrierOutput, error) {
	c, err := a.deps.Phones.Carrier(ctx, who.AccountID, in.Sender.ID)
	return &carrierOutput{Body: c}, err
}

func (a *API) setCarrier(ctx context.Context, who access.Identity, in *setCarrierInput) (*carrierOutput, error) {
	if err := a.deps.Phones.SetCarrier(ctx, who.AccountID, in.Sender.ID, in.Body); err != nil {
		return nil, err
	}
	return &carrierOutput{Body: in.Body}, nil
}

func (a *API) labSender(ctx context.Context, who access.Identity, in *labSenderInput) (*senderOutput, error) {
	brand, err := a.brandOf(ctx, who, in.Body.Brand)
	if err != nil {
		return nil, err
	}
	x, err := a.deps.Phones.LabSender(ctx, who.Actor(), brand)
	if err != nil {
		return nil, err
	}
	return &senderOutput{Body: a.wireSender(who, x)}, nil
}
