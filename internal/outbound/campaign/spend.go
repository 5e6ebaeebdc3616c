package campaign

import (
	"context"
	"errors"

	"github.com/overture-im/overture"
)

var errFound = errors.New("found")

// priceList looks for a recipient whose destination has no price, when a limit in money is set. It reads the list only until the first, and not at all
// when the table has a price for everywhere.
func (s *Service) priceList(ctx context.Context, b *brief) (err error) {
	if b.campaign.Rails.Spend == 0 && b.limits().SpendPerDay == 0 {
		return nil
	}
	if b.prices, err = s.store.Prices(ctx, b.campaign.AccountID); err != nil || b.prices.Version == 0 {
		return err
	}
	tariff := b.prices.Tariff(b.campaign.Channel, b.sender.Provider, b.campaign.SenderID, s.countryOf)
	if tariff.Everywhere() {
		return nil
	}
	err = s.store.EachOutcome(ctx, b.campaign.AccountID, b.campaign.ID, false, func(o overture.ListedOutcome) error {
		to := overture.Address(o.Address)
		if _, priced := tariff.Of(to); !priced {
			b.unpriced = to
			return errFound
		}
		return nil
	})
	if errors.Is(err, errFound) {
		return nil
	}
	return err
}

func (b brief) limits() overture.Rails { return b.settings.Rails.WithDefaults() }

// spend tells what bounds the cost of the campaign; nothing when nothing does.
func (b brief) spend() []Check {
	own, day := b.campaign.Rails.Spend, b.limits()
	if own == 0 && day.SpendPerDay == 0 {
		return nil
	}
	check := Check{Name: "spend", Verdict: Problem, Fix: overture.Say("complete the price table, or take the limit away"), Field: "rails"}
	switch {
	case b.prices.Version == 0:
		check.Words = overture.Say("a spend limit in money is set, and the account has no prices")
	case day.SpendPerDay > 0 && day.SpendCurrency != b.prices.Currency:
		check.Words = overture.Say("the account's spend limit is in %s, its prices are in %s", day.SpendCurrency, b.prices.Currency)
		check.Fix = overture.Say("set the account's limit again, or set prices in its currency")
	case b.unpriced != "":
		check.Words = overture.Say("no price for %s, and a spend limit in money is set", destination(b.unpriced))
	case own == 0:
		check.Verdict, check.Fix = OK, overture.Sentence{}
		check.Words = overture.Say("the account's campaigns pause before they cost more than %s a day", overture.Sum{Micros: day.SpendPerDay, Currency: day.SpendCurrency})
	default:
		check.Verdict, check.Fix = OK, overture.Sentence{}
		check.Words = overture.Say("pauses before it costs more than %s", overture.Sum{Micros: own, Currency: b.prices.Currency})
	}
	return []Check{check}
}

// destination shows where a number is without naming the person.
func destination(a overture.Address) string {
	const shown = 6 // a calling code and an area
	if len(a) <= shown {
		return string(a)
	}
	return string(a[:shown]) + "…"
}
