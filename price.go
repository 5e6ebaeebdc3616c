package overture

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Price is what one segment costs. Empty fields mean any: a price without destination is for everywhere, one without provider and sender
// for all of them.
type Price struct {
	Channel  Channel
	Provider string   // "twilio"; empty: any
	SenderID SenderID // zero: any
	Country  string   // ISO 3166 alpha-2, such as "US"; not together with Prefix
	Prefix   string   // digits of the number after the plus, such as "1212"
	Micros   int64    // millionths of the account's currency per segment
}

// PriceTable is one version of an account's prices. Versions are never changed: a campaign keeps the one it was launched with.
type PriceTable struct {
	AccountID AccountID
	Version   int    // 1, 2, 3 …; zero: the account has no prices
	Currency  string // ISO 4217, such as "USD"; one per account
	Prices    []Price
	CreatedBy string // as Actor.String gives it
	CreatedAt time.Time
}

// CountryOf tells the country of a number in E.164, and how many digits its calling code has. Empty: unknown.
type CountryOf func(a Address) (country string, codeDigits int)

// Tariff is the part of a price table that applies to one sender, in a form that is fast to ask. Safe for concurrent use.
type Tariff struct {
	prefixes  map[string]int64
	longest   int
	countries map[string]int64
	countryOf CountryOf
}

// Tariff picks what applies to messages of a sender. Of two prices for one destination the sender's own beats the provider's, and that beats
// one for all. countryOf is only asked when the table has prices by country.
func (t PriceTable) Tariff(channel Channel, provider string, sender SenderID, countryOf CountryOf) Tariff {
	out := Tariff{prefixes: map[string]int64{}, countries: map[string]int64{}, countryOf: countryOf}
	type place struct{ country, prefix string }
	best := map[place]int{}
	for _, p := range t.Prices {
		if p.Channel != channel || p.Provider != "" && p.Provider != provider || p.SenderID != 0 && p.SenderID != sender {
			continue
		}
		rank := 1
		if p.Provider != "" {
			rank = 2
		}
		if p.SenderID != 0 {
			rank = 3
		}
		at := place{p.Country, p.Prefix}
		if rank <= best[at] {
			continue
		}
		best[at] = rank
		if p.Country != "" {
			out.countries[p.Country] = p.Micros
			continue
		}
		out.prefixes[p.Prefix], out.longest = p.Micros, max(out.longest, len(p.Prefix))
	}
	return out
}

// Of gives the price of one segment to an address: the longest prefix wins. A country counts as longer than its calling code and shorter than
// every prefix with one digit more. ok is false when no price fits: such a segment is unpriced, which is not the same as free.
func (t Tariff) Of(to Address) (micros int64, ok bool) {
	digits := strings.TrimPrefix(string(to), "+")
	country, code := "", 0
	if len(t.countries) > 0 && t.countryOf != nil {
		country, code = t.countryOf(to)
	}
	for n := min(len(digits), t.longest); n > code; n-- {
		if micros, ok = t.prefixes[digits[:n]]; ok {
			return micros, true
		}
	}
	if micros, ok = t.countries[country]; ok {
		return micros, true
	}
	for n := min(len(digits), t.longest, code); n > 0; n-- {
		if micros, ok = t.prefixes[digits[:n]]; ok {
			return micros, true
		}
	}
	micros, ok = t.prefixes[""]
	return micros, ok
}

// Everywhere tells whether no destination is without a price.
func (t Tariff) Everywhere() bool {
	_, ok := t.prefixes[""]
	return ok
}

// Money writes millionths with as few decimals as they need, at least two.
func Money(micros int64) string {
	text := fmt.Sprintf("%d.%06d", micros/1_000_000, micros%1_000_000)
	for strings.HasSuffix(text, "0") && len(text)-strings.IndexByte(text, '.') > 3 {
		text = text[:len(text)-1]
	}
	return text
}

// ParseMoney reads what Money writes: an amount with at most six decimals. Invalid: it is none, or too large.
func ParseMoney(text string) (micros int64, err error) {
	whole, part, point := strings.Cut(text, ".")
	digits := whole + (part + "000000")[:max(6, len(part))]
	micros, err = strconv.ParseInt(digits, 10, 64)
	if err != nil || whole == "" || point && part == "" || len(part) > 6 || strings.ContainsAny(digits, "+-_") || micros > MaxMoney {
		return 0, ErrInvalid("bad_amount", "write an amount as 250 or 99.50")
	}
	return micros, nil
}

// MaxMoney is a thousand million units: more is a slip of the keyboard.
const MaxMoney = 1_000_000_000_000_000

// Cost is a sum of money and what could not be counted into it.
type Cost struct {
	Micros   int64 // millionths of the currency
	Unpriced int   // segments without a price: the true cost is higher
}

// Add counts segments at a price of Tariff.Of. A sum that does not fit stays at the largest that does.
func (c *Cost) Add(segments int, micros int64, priced bool) {
	if !priced {
		c.Unpriced += segments
		return
	}
	if micros > 0 && int64(segments) > (math.MaxInt64-c.Micros)/micros {
		c.Micros = math.MaxInt64
		return
	}
	c.Micros += int64(segments) * micros
}

// Plus adds two costs.
func (c *Cost) Plus(o Cost) Cost {
	if o.Micros > math.MaxInt64-c.Micros {
		return Cost{Micros: math.MaxInt64, Unpriced: c.Unpriced + o.Unpriced}
	}
	return Cost{Micros: c.Micros + o.Micros, Unpriced: c.Unpriced + o.Unpriced}
}
