package phone

import (
	"regexp"
	"sync"

	"github.com/nyaruka/phonenumbers"
)

// country is what the library knows about the numbers of one calling code, in a form that is ten times faster to ask: the library puts
// its patterns together as strings for every number. A property test holds the two equal.
type country struct{ regions []region }

type region struct {
	id      string
	leading *regexp.Regexp // where set, it alone decides that a number belongs to the region
	general kind
	kinds   []kind // mobile, landline …: a number is valid when it is one of them
}

type kind struct {
	lengths uint32 // bit n: n digits are possible; 0: any number of digits
	pattern *regexp.Regexp
}

// countries are compiled when their first number comes.
var countries sync.Map // calling code → *country

// metadata is the library's, by region and, for codes of no country, by calling code.
var metadata = sync.OnceValues(func() (map[string]*phonenumbers.PhoneMetadata, map[int]*phonenumbers.PhoneMetadata) {
	byRegion, byCode := map[string]*phonenumbers.PhoneMetadata{}, map[int]*phonenumbers.PhoneMetadata{}
	all, err := phonenumbers.MetadataCollection()
	if err != nil { // it is part of the program, and the library itself does not start without it
		panic("phone: " + err.Error())
	}
	for _, m := range all.GetMetadata() {
		if m.GetId() == phonenumbers.REGION_CODE_FOR_NON_GEO_ENTITY {
			byCode[int(m.GetCountryCode())] = m
		} else {
			byRegion[m.GetId()] = m
		}
	}
	return byRegion, byCode
})

func countryOf(code int) *country {
	if c, ok := countries.Load(code); ok {
		return c.(*country) //nolint:forcetypeassert // only countries are stored
	}
	byRegion, byCode := metadata()
	c := &country{}
	for _, id := range phonenumbers.GetRegionCodesForCountryCode(code) {
		m := byRegion[id]
		if id == phonenumbers.REGION_CODE_FOR_NON_GEO_ENTITY {
			m = byCode[code]
		}
		r := region{id: id, general: compile(m.GetGeneralDesc())}
		if m.GetLeadingDigits() != "" {
			r.leading = regexp.MustCompile("^(?:" + m.GetLeadingDigits() + ")")
		}
		for _, d := range []*phonenumbers.PhoneNumberDesc{
			m.GetMobile(), m.GetFixedLine(), m.GetTollFree(), m.GetVoip(), m.GetPersonalNumber(), m.GetSharedCost(), m.GetPremiumRate(),
			m.GetPager(), m.GetUan(), m.GetVoicemail(),
		} {
			if d.GetNationalNumberPattern() != "" {
				r.kinds = append(r.kinds, compile(d))
			}
		}
		c.regions = append(c.regions, r)
	}
	kept, _ := countries.LoadOrStore(code, c)
	return kept.(*country) //nolint:forcetypeassert // only countries are stored
}

func compile(d *phonenumbers.PhoneNumberDesc) kind {
	k := kind{pattern: regexp.MustCompile("^(?:" + d.GetNationalNumberPattern() + ")$")}
	for _, n := range d.GetPossibleLength() {
		if n > 0 {
			k.lengths |= 1 << n
		} else {
			k.lengths |= 1 // -1: no length is possible, and none is 0
		}
	}
	return k
}

func (k kind) matches(national string) bool {
	return (k.lengths == 0 || k.lengths&(1<<len(national)) != 0) && k.pattern.MatchString(national)
}

func (r region) valid(national string) bool {
	if !r.general.matches(national) {
		return false
	}
	for _, k := range r.kinds {
		if k.matches(national) {
			return true
		}
	}
	return false
}

// regionOf gives the region of a national number without leading zeros, and whether the number is valid there.
func (c *country) regionOf(national string) (id string, valid bool) {
	for _, r := range c.regions {
		if r.leading != nil && len(c.regions) > 1 && !r.leading.MatchString(national) {
			continue
		}
		if valid = r.valid(national); valid || r.leading != nil || len(c.regions) == 1 {
			return r.id, valid
		}
	}
	return "", false
}
