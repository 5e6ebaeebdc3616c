package access_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/access"
)

func TestPricesAreKeptVersionByVersion(t *testing.T) {
	t.Parallel()
	c, s, by, started := room(t)
	none, err := c.Prices(t.Context(), by.AccountID)
	if err != nil || none.Version != 0 || len(none.Prices) != 0 {
		t.Fatalf("an account without prices: %+v %v", none, err)
	}
	sender := overture.Sender{ID: 77, AccountID: by.AccountID, BrandID: started.Brand.ID, Name: "main", Channel: overture.SMS, Provider: "twilio", Address: "+12125550100", WebhookKey: "k", Rate: 1, CreatedAt: time.Now()}
	if err := s.CreateSender(t.Context(), by, sender); err != nil {
		t.Fatal(err)
	}
	first := []overture.Price{{Channel: overture.SMS, Micros: 7900, Prefix: "1"}, {Channel: overture.SMS, SenderID: 77, Country: "GB", Provider: "twilio", Micros: 0}}
	if _, err := c.SetPrices(t.Context(), by, "USD", first, 0); err != nil {
		t.Fatal(err)
	}
	if _, err := c.SetPrices(t.Context(), by, "EUR", nil, 0); code(err) != "prices_changed" {
		t.Errorf("written over a version nobody has seen: %v", err)
	}
	second, err := c.SetPrices(t.Context(), by, "EUR", nil, -1)
	if err != nil || second.Version != 2 {
		t.Fatalf("second version: %+v %v", second, err)
	}
	old, err := s.PricesOf(t.Context(), by.AccountID, 1)
	if err != nil || old.Currency != "USD" || !slices.Equal(old.Prices, first) || old.CreatedBy != by.String() {
		t.Errorf("version 1 is %+v %v", old, err)
	}
	if other, err := c.Prices(t.Context(), by.AccountID+1); err != nil || other.Version != 0 {
		t.Errorf("another account sees %+v %v", other, err)
	}
	entries, err := c.AuditEntries(t.Context(), overture.AuditFilter{AccountID: by.AccountID, Limit: 10})
	if err != nil || entries[0].Action != "prices.changed" || !strings.Contains(entries[0].Detail, "version 2") {
		t.Errorf("audit: %+v %v", entries, err)
	}
}

func TestPricesThatAreRefused(t *testing.T) {
	t.Parallel()
	c, _, by, _ := room(t)
	one := overture.Price{Channel: overture.SMS, Prefix: "1", Micros: 1}
	with := func(f func(*overture.Price)) []overture.Price {
		p := one
		f(&p)
		return []overture.Price{p}
	}
	var many []overture.Price
	for i := range 5001 {
		many = append(many, overture.Price{Channel: overture.SMS, Prefix: fmt.Sprint(10000 + i)})
	}
	for want, prices := range map[string][]overture.Price{
		"price_channel":    with(func(p *overture.Price) { p.Channel = "pigeon" }),
		"price_provider":   with(func(p *overture.Price) { p.Provider = "nobody" }),
		"price_place":      with(func(p *overture.Price) { p.Country = "US" }),
		"price_country":    with(func(p *overture.Price) { p.Prefix, p.Country = "", "usa" }),
		"price_prefix":     with(func(p *overture.Price) { p.Prefix = "+1" }),
		"price_micros":     with(func(p *overture.Price) { p.Micros = -1 }),
		"price_twice":      {one, one},
		"too_many_prices":  many,
		"sender_not_found": with(func(p *overture.Price) { p.SenderID = 12345 }),
	} {
		if _, err := c.SetPrices(t.Context(), by, "USD", prices, -1); code(err) != want {
			t.Errorf("%s: %v", want, err)
		}
	}
	if _, err := c.SetPrices(t.Context(), by, "usd", nil, -1); code(err) != "currency" {
		t.Errorf("currency: %v", err)
	}
	if t2, err := c.Prices(t.Context(), by.AccountID); err != nil || t2.Version != 0 {
		t.Errorf("a refused table was written: %+v %v", t2, err)
	}
}

// A limit in money is in the currency of the prices at that moment, and a change of something else does not move it.
func TestMoneyLimitTakesTheCurrencyOfThePrices(t *testing.T) {
	t.Parallel()
	c, _, by, _ := room(t)
	limit := func(change func(*overture.Rails)) (overture.Rails, error) {
		a, err := c.UpdateAccount(t.Context(), by, access.AccountChange{Rails: func(r overture.Rails) overture.Rails { change(&r); return r }})
		return a.Settings.Rails, err
	}
	if _, err := limit(func(r *overture.Rails) { r.SpendPerDay = 5 }); code(err) != "no_prices" {
		t.Errorf("a limit without prices: %v", err)
	}
	for _, currency := range []string{"USD", "EUR"} {
		if _, err := c.SetPrices(t.Context(), by, currency, nil, -1); err != nil {
			t.Fatal(err)
		}
		if currency == "USD" {
			if r, err := limit(func(r *overture.Rails) { r.SpendPerDay = 5 }); err != nil || r.SpendCurrency != "USD" {
				t.Errorf("%+v %v", r, err)
			}
		}
	}
	if r, err := limit(func(r *overture.Rails) { r.Sample = 50 }); err != nil || r.SpendPerDay != 5 || r.SpendCurrency != "USD" {
		t.Errorf("another change moved the limit: %+v %v", r, err)
	}
	if r, err := limit(func(r *overture.Rails) { r.SpendPerDay = 7 }); err != nil || r.SpendCurrency != "EUR" {
		t.Errorf("%+v %v", r, err)
	}
	if r, err := limit(func(r *overture.Rails) { r.SpendPerDay = 0 }); err != nil || r.SpendCurrency != "" {
		t.Errorf("%+v %v", r, err)
	}
}
