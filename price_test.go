package overture_test

import (
	"math"
	"strings"
	"testing"

	"github.com/overture-im/overture"
)

func countryOf(a overture.Address) (string, int) {
	switch {
	case strings.HasPrefix(string(a), "+1416"):
		return "CA", 1
	case strings.HasPrefix(string(a), "+1"):
		return "US", 1
	case strings.HasPrefix(string(a), "+44"):
		return "GB", 2
	}
	return "", 0
}

func TestTheLongestPrefixWins(t *testing.T) {
	const own, other = overture.SenderID(7), overture.SenderID(8)
	table := overture.PriceTable{Prices: []overture.Price{
		{Channel: overture.SMS, Prefix: "1", Micros: 10},
		{Channel: overture.SMS, Country: "US", Micros: 20},
		{Channel: overture.SMS, Prefix: "1212", Micros: 30},
		{Channel: overture.SMS, Prefix: "1212555", Micros: 40},
		{Channel: overture.SMS, Prefix: "1212", SenderID: own, Micros: 31},
		{Channel: overture.SMS, Prefix: "1212", Provider: "twilio", Micros: 32},
		{Channel: overture.SMS, Prefix: "1212", SenderID: other, Micros: 99},
		{Channel: overture.WhatsApp, Prefix: "1212555", Micros: 98},
		{Channel: overture.SMS, Prefix: "1", Provider: "else", Micros: 97},
		{Channel: overture.SMS, Country: "GB", Micros: 50},
	}}
	for _, tc := range []struct {
		to     overture.Address
		sender overture.SenderID
		want   int64
		ok     bool
	}{
		{"+12125550100", own, 40, true}, // seven digits beat the sender's own four
		{"+12126660100", own, 31, true}, // own sender beats provider beats any
		{"+12126660100", 0, 32, true},
		{"+13035550100", own, 20, true},   // a country beats its calling code
		{"+14165550100", own, 10, true},   // another country of the same code
		{"+447700900100", own, 50, true},  // no prefix, but a country
		{"+4915550100", own, 0, false},    // unpriced, not free
		{"+1", own, 20, true},             // shorter than every prefix but one
		{"", own, 0, false},               // nothing to go by
		{"+12125550100", other, 40, true}, // not 99: the longer prefix first
	} {
		got, ok := table.Tariff(overture.SMS, "twilio", tc.sender, countryOf).Of(tc.to)
		if got != tc.want || ok != tc.ok {
			t.Errorf("%s by %d: %d %v, want %d %v", tc.to, tc.sender, got, ok, tc.want, tc.ok)
		}
	}
	table.Prices = append(table.Prices, overture.Price{Channel: overture.SMS, Micros: 5})
	if got, ok := table.Tariff(overture.SMS, "twilio", own, countryOf).Of("+4915550100"); got != 5 || !ok {
		t.Errorf("everywhere: %d %v", got, ok)
	}
	if got, ok := table.Tariff(overture.SMS, "twilio", own, nil).Of("+13035550100"); got != 10 || !ok {
		t.Errorf("without countries: %d %v", got, ok)
	}
}

func TestCostNeverOverflowsAndUnpricedIsNotZero(t *testing.T) {
	var c overture.Cost
	c.Add(3, 7900, true)
	c.Add(2, 0, false)
	if c.Micros != 23700 || c.Unpriced != 2 {
		t.Errorf("%+v", c)
	}
	c.Add(math.MaxInt32, math.MaxInt64/2, true)
	if c.Micros != math.MaxInt64 {
		t.Errorf("%+v", c)
	}
	if c = c.Plus(overture.Cost{Micros: 1, Unpriced: 1}); c.Micros != math.MaxInt64 || c.Unpriced != 3 {
		t.Errorf("%+v", c)
	}
}

func TestMoneyIsReadAsItIsWritten(t *testing.T) {
	for text, want := range map[string]int64{"250": 250_000_000, "99.50": 99_500_000, "0.0079": 7_900, "0.000001": 1, "1000000000": overture.MaxMoney} {
		got, err := overture.ParseMoney(text)
		if err != nil || got != want {
			t.Errorf("%q is %d %v, want %d", text, got, err, want)
		}
		if again, err := overture.ParseMoney(overture.Money(want)); err != nil || again != want {
			t.Errorf("%s is read as %d %v", overture.Money(want), again, err)
		}
	}
	for _, text := range []string{"", ".5", "5.", "-1", "+1", "1e3", "1,5", "0.0000001", "1000000001", "1_000", "1.-5", "99999999999999999999"} {
		if got, err := overture.ParseMoney(text); err == nil {
			t.Errorf("%q is %d", text, got)
		}
	}
}
