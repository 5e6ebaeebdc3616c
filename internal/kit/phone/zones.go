package phone

import (
	_ "embed"
	"strings"
	"sync"

	"github.com/nyaruka/phonenumbers"
)

//go:embed nanp.txt
var nanpData string

//go:embed world.txt
var worldData string

// areaCode is what is known about the three digits after country code 1. The zero value is not an area code.
type areaCode struct {
	region  string
	zones   []string
	certain bool // every exchange 200…999 is valid; otherwise the library decides
}

var areaCodes = sync.OnceValue(func() *[1000]areaCode {
	var out [1000]areaCode
	everywhere := strings.Split(wholeNANP, ",")
	for line := range strings.Lines(nanpData) {
		f := strings.Fields(line)
		if len(f) < 3 || f[0] == "#" {
			continue
		}
		zones := everywhere
		if f[1] != "*" {
			zones = strings.Split(f[1], ",")
		}
		for _, code := range f[2:] {
			out[atoi(code[:3])] = areaCode{region: f[0], zones: zones, certain: !strings.HasSuffix(code, "?")}
		}
	}
	return &out
})

// wholeNANP are the candidates of a number that belongs to no place: every zone of the United States and Canada, Alaska and Hawaii
// included. With 08:00–21:00 in all of them a few hours a day remain.
const wholeNANP = "America/St_Johns,America/Halifax,America/New_York,America/Toronto,America/Chicago,America/Winnipeg,America/Regina," +
	"America/Denver,America/Phoenix,America/Edmonton,America/Vancouver,America/Los_Angeles,America/Anchorage,America/Adak,Pacific/Honolulu"

type worldTable struct {
	zones   map[string][]string
	longest int
}

var world = sync.OnceValue(func() worldTable {
	out := worldTable{zones: map[string][]string{}}
	for line := range strings.Lines(worldData) {
		f := strings.Fields(line)
		if len(f) < 2 || f[0] == "#" {
			continue
		}
		zones := strings.Split(f[0], ",")
		for _, prefix := range f[1:] {
			out.zones[prefix] = zones
			out.longest = max(out.longest, len(prefix))
		}
	}
	return out
})

var callingCodes = sync.OnceValue(phonenumbers.GetSupportedCallingCodes)

// Zones gives the candidate IANA zones of a number in E.164: everywhere its owner may live, as far as the number tells. The slice is
// shared between numbers: do not change it. Empty means unknown.
func Zones(e164 string) []string {
	d := strings.TrimPrefix(e164, "+")
	for i := range len(d) {
		if d[i] < '0' || d[i] > '9' {
			return nil
		}
	}
	if len(d) >= 4 && d[0] == '1' {
		return areaCodes()[atoi(d[1:4])].zones
	}
	return zonesOfWorld(d)
}

func zonesOfWorld(d string) []string {
	table := world()
	for n := min(len(d), table.longest); n > 0; n-- {
		if zones, ok := table.zones[d[:n]]; ok {
			return zones
		}
	}
	return nil
}
