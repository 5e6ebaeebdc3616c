package phone

import (
	_ "embed"
	"slices"
	"strings"
	"sync"

	"github.com/nyaruka/phonenumbers"
)

//go:embed states.txt
var statesData string

// Place is where on earth a number belongs as far as laws go. Several entries mean that the number does not tell which one it is.
type Place struct {
	Countries []string // ISO 3166, sorted; empty: unknown
	States    []string // ISO 3166-2 without the country, of US numbers; empty: unknown, or a country whose states do not matter here
}

// territories of the United States are under its federal law and are no state.
var territories = []string{"AS", "GU", "MP", "PR", "VI"}

var states = sync.OnceValue(func() *[1000][]string {
	var out [1000][]string
	for line := range strings.Lines(statesData) {
		f := strings.Fields(line)
		if len(f) < 2 || f[0] == "#" {
			continue
		}
		for _, code := range f[1:] {
			out[atoi(code)] = append(out[atoi(code)], f[0])
		}
	}
	return &out
})

// PlaceOfAreaCode gives the place of an area code of country code 1, 200…999.
func PlaceOfAreaCode(code int) Place {
	if code < 0 || code > 999 {
		return Place{}
	}
	switch region := areaCodes()[code].region; {
	case region == "":
		return Place{}
	case slices.Contains(territories, region):
		return Place{Countries: []string{"US"}, States: []string{region}}
	default:
		return Place{Countries: []string{region}, States: states()[code]}
	}
}

// PlaceOfCallingCode gives the countries that share a calling code other than 1. The calling codes of no country (800, 870 …) are unknown.
func PlaceOfCallingCode(code int) Place {
	var p Place
	for _, id := range phonenumbers.GetRegionCodesForCountryCode(code) {
		if len(id) == 2 && id != "ZZ" {
			p.Countries = append(p.Countries, id)
		}
	}
	slices.Sort(p.Countries)
	return p
}

// CallingCode reads the calling code of a number in E.164; false when it begins with none.
func CallingCode(e164 string) (code int, ok bool) {
	d := strings.TrimPrefix(e164, "+")
	for i := range min(len(d), 3) {
		if d[i] < '0' || d[i] > '9' {
			return 0, false
		}
	}
	return callingCode(d)
}

// AreaCode reads the area code of a number of country code 1 in E.164; false when it is not one.
func AreaCode(e164 string) (code int, ok bool) {
	if len(e164) < 5 || e164[0] != '+' || e164[1] != '1' {
		return 0, false
	}
	for i := 2; i < 5; i++ {
		if e164[i] < '0' || e164[i] > '9' {
			return 0, false
		}
	}
	return atoi(e164[2:5]), true
}

// PlaceOf gives the place of a number in E.164.
func PlaceOf(e164 string) Place {
	if code, ok := AreaCode(e164); ok {
		return PlaceOfAreaCode(code)
	}
	if code, ok := CallingCode(e164); ok && code != 1 {
		return PlaceOfCallingCode(code)
	}
	return Place{}
}
