package app

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"net/url"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/access"
	"github.com/overture-im/overture/internal/kit/egress"
	"github.com/overture-im/overture/internal/lab"
	"github.com/overture-im/overture/internal/serve/api"
)

// phones runs the virtual phones of the lab that a sender points at. Without --lab there are none.
type phones struct {
	options  Options
	senders  *access.Control
	outgoing *egress.Client
}

func newPhones(o Options, senders *access.Control) *phones {
	return &phones{options: o, senders: senders, outgoing: egress.New(egress.Options{AllowLoopback: o.Lab, Timeout: 5 * time.Second, Connections: 4})}
}

var errNoLab = &overture.Error{Kind: overture.NotFound, Code: "no_lab", Message: "no carrier lab stands behind this; start the server with --lab and use a sender that points at the lab"}

// at gives the lab behind one of the account's senders.
func (p *phones) at(ctx context.Context, account overture.AccountID, sender overture.SenderID) (*lab.Client, overture.Sender, error) {
	if !p.options.Lab {
		return nil, overture.Sender{}, errNoLab
	}
	x, err := p.senders.Sender(ctx, account, sender)
	if err != nil {
		return nil, x, err
	}
	u, err := url.Parse(x.BaseURL)
	if err != nil || !loopback(u.Hostname()) {
		return nil, x, errNoLab
	}
	return lab.NewClientOver(x.BaseURL, p.outgoing), x, nil
}

// said gives the lab's refusal to the caller: the lab holds nothing that must be hidden.
func said(err error) error {
	if err == nil {
		return nil
	}
	var dropped *egress.Error
	if errors.As(err, &dropped) {
		return &overture.Error{Kind: overture.Unavailable, Code: "lab_silent", Message: "the carrier lab does not answer; is it running?", Err: err}
	}
	return &overture.Error{Kind: overture.Invalid, Code: "lab_refused", Message: err.Error(), Err: err}
}

// Phone gives what stands on a phone.
func (p *phones) Phone(ctx context.Context, account overture.AccountID, sender overture.SenderID, number overture.Address) (out api.VirtualPhone, err error) {
	c, x, err := p.at(ctx, account, sender)
	if err != nil {
		return out, err
	}
	seen, err := c.Phone(ctx, string(number))
	if err != nil {
		return out, said(err)
	}
	out.Number = number
	for _, scope := range seen.StoppedFrom {
		out.Stopped = out.Stopped || scope == string(x.Address) || x.MessagingServiceSID != "" && scope == x.MessagingServiceSID
	}
	by := map[string]string{"received": "us", "written": "person", "carrier": "carrier"}
	for _, e := range seen.Thread {
		if e.Peer != string(x.Address) { // another account may send to the same phone: its messages are not this account's to see
			continue
		}
		for range max(1, e.Copies) {
			out.Thread = append(out.Thread, api.PhoneEntry{At: time.UnixMilli(e.At).UTC(), By: by[e.Direction], Peer: e.Peer, Text: e.Body})
		}
	}
	return out, nil
}

// Write has the person with a phone write to the sender's number.
func (p *phones) Write(ctx context.Context, account overture.AccountID, sender overture.SenderID, from overture.Address, text string) error {
	c, x, err := p.at(ctx, account, sender)
	if err != nil {
		return err
	}
	_, err = c.Write(ctx, string(from), string(x.Address), text)
	return said(err)
}

// Carrier tells how the lab treats the sender.
func (p *phones) Carrier(ctx context.Context, account overture.AccountID, sender overture.SenderID) (out api.Carrier, err error) {
	c, x, err := p.at(ctx, account, sender)
	if err != nil {
		return out, err
	}
	profile, err := c.Profile(ctx, string(x.Address))
	if err != nil {
		return out, said(err)
	}
	percent := func(share float64) int { return int(share*100 + 0.5) }
	return api.Carrier{
		DelayMS: profile.LatencyMS, DeliveryMS: max(0, profile.DeliveredAfterMS), UndeliveredPercent: percent(profile.Undelivered),
		RefusedPercent: percent(profile.ServerErrorRefused), DoubtPercent: percent(profile.AcceptReset), LostPercent: percent(profile.ReceiptLost),
	}, nil
}

// SetCarrier changes how the lab treats the sender; what the knobs do not cover stays as it is.
func (p *phones) SetCarrier(ctx context.Context, account overture.AccountID, sender overture.SenderID, want api.Carrier) error {
	c, x, err := p.at(ctx, account, sender)
	if err != nil {
		return err
	}
	profile, err := c.Profile(ctx, string(x.Address))
	if err != nil {
		return said(err)
	}
	share := func(percent int) float64 { return float64(percent) / 100 }
	profile.LatencyMS, profile.DeliveredAfterMS = want.DelayMS, want.DeliveryMS
	profile.Undelivered, profile.ServerErrorRefused = share(want.UndeliveredPercent), share(want.RefusedPercent)
	profile.AcceptReset, profile.ReceiptLost = share(want.DoubtPercent), share(want.LostPercent)
	return said(c.SetProfile(ctx, string(x.Address), profile))
}

// labAreas and the numbers 555-0100 to 555-0199 in them are fictional. One is drawn, because accounts share a lab and a number belongs to one of them.
var labAreas = [...]int{201, 202, 203, 205, 206, 207, 208, 209, 210, 212, 213, 214, 215, 216, 217, 218, 224, 225, 228, 229}

// LabSender makes a sender at the lab with a fictional number that the account does not use yet, and tells the lab where answers go.
func (p *phones) LabSender(ctx context.Context, by overture.Actor, brand overture.BrandID) (overture.Sender, error) {
	if !p.options.Lab {
		return overture.Sender{}, errNoLab
	}
	c := lab.NewClientOver(p.options.LabURL, p.outgoing)
	if err := c.Health(ctx); err != nil {
		return overture.Sender{}, said(err)
	}
	sid, token := "AC"+hexText(), hexText()
	if err := c.AddAccount(ctx, sid, token); err != nil {
		return overture.Sender{}, said(err)
	}
	for range 20 {
		address := overture.Address(fmt.Sprintf("+1%d555%04d", labAreas[mathrand.IntN(len(labAreas))], 100+mathrand.IntN(100)))
		x, err := p.senders.CreateSender(ctx, by, access.NewSender{
			BrandID: brand, Name: "Carrier lab", Channel: overture.SMS, Provider: access.Twilio, Address: address,
			BaseURL: p.options.LabURL, AccountSID: sid, AuthToken: overture.Secret(token), Rate: 20,
		})
		if errors.Is(err, overture.Conflict) {
			continue // the account has it already
		}
		if err != nil {
			return x, err
		}
		inbound := p.options.PublicURL + "/hooks/" + x.Provider + "/" + x.WebhookKey + "/inbound"
		return x, said(c.SetNumber(ctx, lab.Number{Number: string(address), AccountSID: sid, InboundURL: inbound}))
	}
	return overture.Sender{}, &overture.Error{Kind: overture.Conflict, Code: "no_number_left", Message: "the account has nearly every number of the lab already"}
}

func hexText() string {
	raw := make([]byte, 16)
	_, _ = rand.Read(raw) // never fails
	return hex.EncodeToString(raw)
}
