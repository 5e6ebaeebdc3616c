package api

import (
	"context"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/access"
)

type priceBody struct {
	Channel  string    `json:"channel" enum:"sms,whatsapp,in_app,web"`
	Provider string    `json:"provider,omitempty" maxLength:"40" doc:"Left out: any"`
	Sender   senderRef `json:"sender,omitzero" doc:"Left out: any"`
	Country  string    `json:"country,omitempty" maxLength:"2" doc:"ISO 3166, such as US. Longer than its calling code, shorter than any prefix beyond it"`
	Prefix   string    `json:"prefix,omitempty" maxLength:"15" doc:"First digits of the number, country code first, without the plus. The longest that fits wins"`
	Micros   int64     `json:"micros" minimum:"0" maximum:"1000000000000" doc:"Millionths of the currency per segment: 7900 is 0.0079"`
}

type pricesOutput struct {
	Body struct {
		Version   int         `json:"version" doc:"Campaigns keep the version they were launched with; 0: the account has no prices"`
		Currency  string      `json:"currency" doc:"ISO 4217; empty without prices"`
		Prices    []priceBody `json:"prices"`
		ChangedBy string      `json:"changed_by,omitempty"`
		ChangedAt time.Time   `json:"changed_at,omitzero"`
	}
}

type setPricesInput struct {
	Body struct {
		Currency string      `json:"currency" minLength:"3" maxLength:"3" doc:"ISO 4217, such as USD"`
		Prices   []priceBody `json:"prices" maxItems:"5000" doc:"Replaces all. A destination without a price is counted as unpriced, never as free"`
		Version  *int        `json:"version,omitempty" minimum:"0" doc:"The version this replaces; 409 when there is a newer one. Left out: whatever there is"`
	}
}

func (a *API) registerPrices() {
	register(a, access.PricesRead, operation{
		Method: "GET", Path: "/v1/prices", Summary: "What a segment costs, by destination", Tag: "account",
		Description: "Used by forecasts and spend limits. The answer's currency, prices and version are what PUT takes.",
	}, a.getPrices)
	register(a, access.PricesWrite, operation{
		Method: "PUT", Path: "/v1/prices", Summary: "Replace the price table", Tag: "account",
		Description: "Makes a new version, which is audited; launched campaigns keep theirs. The sender's own price beats the provider's, that one beats any, and a longer prefix beats them all.",
	}, a.setPrices)
}

func wirePrices(t overture.PriceTable) *pricesOutput {
	out := &pricesOutput{}
	out.Body.Version, out.Body.Currency, out.Body.ChangedBy, out.Body.ChangedAt = t.Version, t.Currency, t.CreatedBy, t.CreatedAt
	out.Body.Prices = make([]priceBody, 0, len(t.Prices))
	for _, p := range t.Prices {
		out.Body.Prices = append(out.Body.Prices, priceBody{
			Channel: string(p.Channel), Provider: p.Provider, Sender: refTo(p.SenderID), Country: p.Country, Prefix: p.Prefix, Micros: p.Micros,
		})
	}
	return out
}

func (a *API) getPrices(ctx context.Context, who access.Identity, _ *struct{}) (*pricesOutput, error) {
	t, err := a.deps.Accounts.Prices(ctx, who.AccountID)
	if err != nil {
		return nil, err
	}
	return wirePrices(t), nil
}

func (a *API) setPrices(ctx context.Context, who access.Identity, in *setPricesInput) (*pricesOutput, error) {
	was := -1
	if in.Body.Version != nil {
		was = *in.Body.Version
	}
	prices := make([]overture.Price, 0, len(in.Body.Prices))
	for _, p := range in.Body.Prices {
		prices = append(prices, overture.Price{
			Channel: overture.Channel(p.Channel), Provider: p.Provider, SenderID: p.Sender.ID, Country: p.Country, Prefix: p.Prefix, Micros: p.Micros,
		})
	}
	t, err := a.deps.Accounts.SetPrices(ctx, who.Actor(), in.Body.Currency, prices, was)
	if err != nil {
		return nil, err
	}
	return wirePrices(t), nil
}
