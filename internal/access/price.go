package access

import (
	"context"
	"fmt"
	"regexp"
	"time"

	"github.com/overture-im/overture"
)

// PriceStore keeps the versions of an account's price table.
type PriceStore interface {
	Prices(ctx context.Context, account overture.AccountID) (overture.PriceTable, error)
	SetPrices(ctx context.Context, by overture.Actor, currency string, prices []overture.Price, was int, now time.Time) (overture.PriceTable, error)
}

// Bounds of a price table. A million units per segment is a slip of the keyboard.
const (
	maxPrices = 5000
	maxMicros = 1_000_000_000_000
)

var (
	currencyCode = regexp.MustCompile(`^[A-Z]{3}$`)
	countryCode  = regexp.MustCompile(`^[A-Z]{2}$`)
	numberPrefix = regexp.MustCompile(`^[1-9][0-9]{0,14}$`)
)

// Prices gives the account's price table; version 0 when it has none.
func (c *Control) Prices(ctx context.Context, account overture.AccountID) (overture.PriceTable, error) {
	t, err := c.store.Prices(ctx, account)
	if err != nil {
		return t, fmt.Errorf("prices: %w", err)
	}
	return t, nil
}

// SetPrices replaces the account's price table by a new version. was is the version it replaces, -1 for whatever there is.
func (c *Control) SetPrices(ctx context.Context, by overture.Actor, currency string, prices []overture.Price, was int) (overture.PriceTable, error) {
	if err := checkPrices(currency, prices); err != nil {
		return overture.PriceTable{}, err
	}
	t, err := c.store.SetPrices(ctx, by, currency, prices, was, time.Now())
	if err != nil {
		return t, fmt.Errorf("set prices: %w", err)
	}
	return t, nil
}

func checkPrices(currency string, prices []overture.Price) error {
	if !currencyCode.MatchString(currency) {
		return invalid("currency", "body.currency", "the currency is three capital letters of ISO 4217, such as USD")
	}
	if len(prices) > maxPrices {
		return invalid("too_many_prices", "body.prices", fmt.Sprintf("a table has at most %d prices; leave out what a shorter prefix says already", maxPrices))
	}
	type place struct {
		channel           overture.Channel
		provider          string
		sender            overture.SenderID
		country, prefixed string
	}
	seen := map[place]int{}
	for i, p := range prices {
		at := fmt.Sprintf("body.prices[%d]", i)
		switch {
		case p.Channel != overture.SMS && p.Channel != overture.WhatsApp && p.Channel != overture.InApp && p.Channel != overture.Web:
			return invalid("price_channel", at+".channel", "the channel is sms, whatsapp, in_app or web")
		case p.Provider != "" && p.Provider != Twilio:
			return invalid("price_provider", at+".provider", "the provider is twilio, or left out for all")
		case p.Country != "" && p.Prefix != "":
			return invalid("price_place", at, "name a country or a prefix, not both")
		case p.Country != "" && !countryCode.MatchString(p.Country):
			return invalid("price_country", at+".country", "the country is two capital letters of ISO 3166, such as US")
		case p.Prefix != "" && !numberPrefix.MatchString(p.Prefix):
			return invalid("price_prefix", at+".prefix", "the prefix is the first digits of the number, country code first, without the plus: 1212")
		case p.Micros < 0 || p.Micros > maxMicros:
			return invalid("price_micros", at+".micros", "a price is 0 to 1,000,000 units, in millionths")
		}
		key := place{p.Channel, p.Provider, p.SenderID, p.Country, p.Prefix}
		if before, twice := seen[key]; twice {
			return invalid("price_twice", at, fmt.Sprintf("says the same as prices[%d]: which of the two is right?", before))
		}
		seen[key] = i
	}
	return nil
}
