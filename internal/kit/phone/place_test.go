package phone_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/overture-im/overture/internal/kit/phone"
)

func TestPlaceOf(t *testing.T) {
	for number, want := range map[string]string{
		"+12125550123": "US/NY", "+13055550123": "US/FL", "+14235550123": "US/TN", "+12025550123": "US/DC", "+12015550123": "US/NJ",
		"+18505550123": "US/FL", "+19245550123": "US/MN", "+18085550123": "US/HI", // split and new area codes
		"+17875550123": "US/PR", "+16715550123": "US/GU", // territories
		"+18005550123": "US/", // belongs to no state
		"+14165550123": "CA/", "+16001234567": "CA/", "+18765550123": "JM/",
		"+33612345678": "FR/", "+447700900123": "GB,GG,IM,JE/", "+79161234567": "KZ,RU/", "+61412345678": "AU,CC,CX/",
		"+80012345678": "/", "+15555550123": "/", "": "/", "+": "/", "12125550123": "/", "+1": "/", "+99": "/",
	} {
		p := phone.PlaceOf(number)
		if got := strings.Join(p.Countries, ",") + "/" + strings.Join(p.States, ","); got != want {
			t.Errorf("%s: %s, want %s", number, got, want)
		}
	}
}

// Every area code of a state in the zone table must have a state, and no other may.
func TestEveryGeographicAreaCodeHasAState(t *testing.T) {
	n, seen := 0, map[string]bool{}
	for code := 200; code < 1000; code++ {
		p := phone.PlaceOfAreaCode(code)
		zones := phone.Zones(fmt.Sprintf("+1%d5550123", code))
		if !slices.Contains(p.Countries, "US") {
			if len(p.States) > 0 {
				t.Errorf("%d is not in the United States but in the state %v", code, p.States)
			}
			continue
		}
		if nowhere := len(zones) > 10; nowhere == (len(p.States) > 0) {
			t.Errorf("%d: states %v, zones %v", code, p.States, zones)
		}
		for _, s := range p.States {
			seen[s] = true
			n++
		}
	}
	if len(seen) != 56 || n < 370 { // 50 states, the District, five territories
		t.Errorf("%d area codes in %d states", n, len(seen))
	}
}
