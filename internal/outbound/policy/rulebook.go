package policy

import (
	"slices"
	"strings"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/kit/phone"
)

// rulings are active packs, worked out for every area code and calling code: asking costs a look into an array.
type rulings struct {
	areaCodes    [1000]*overture.Ruling
	callingCodes [1000]*overture.Ruling
	known        [1000]bool // calling codes
	unknown      *overture.Ruling
}

// For gives the ruling for a number in E.164.
func (r *rulings) For(to overture.Address) *overture.Ruling {
	s := string(to)
	if code, ok := phone.AreaCode(s); ok {
		return r.areaCodes[code]
	}
	if len(s) > 1 && s[0] == '+' {
		code := 0
		for i := 1; i < min(len(s), 4) && s[i] >= '0' && s[i] <= '9'; i++ {
			if code = code*10 + int(s[i]-'0'); r.known[code] {
				return r.callingCodes[code]
			}
		}
	}
	return r.unknown
}

// Rulings works out a policy. Nil without error: it narrows nothing and caps nothing.
func Rulings(p overture.Policy) (overture.Rulings, error) {
	if p.IsZero() {
		return nil, nil //nolint:nilnil // no policy has no rulings, and asking nil rules says so
	}
	c := compiler{policy: p, made: map[string]*overture.Ruling{}}
	for _, ref := range p.Packs {
		pack, err := find(ref)
		if err != nil {
			return nil, err
		}
		c.packs = append(c.packs, pack)
	}
	out := &rulings{unknown: c.ruling(phone.Place{})}
	for code := range out.areaCodes {
		out.areaCodes[code] = c.ruling(phone.PlaceOfAreaCode(code))
		if place := phone.PlaceOfCallingCode(code); code > 1 && len(place.Countries) > 0 {
			out.known[code], out.callingCodes[code] = true, c.ruling(place)
		}
	}
	return out, nil
}

type compiler struct {
	policy overture.Policy
	packs  []*Pack
	made   map[string]*overture.Ruling // by the rules in them: places under the same rules share one
}

func (c *compiler) ruling(p phone.Place) *overture.Ruling {
	var rules []overture.PackRule
	for _, pack := range c.packs {
		for _, r := range pack.For(p, c.policy.MinConfidence) {
			rules = append(rules, r.PackRule)
		}
	}
	out := &overture.Ruling{Place: inWords(p), Rules: rules, Hold: c.policy.OverCap == overture.OverCapHold}
	if limit := c.policy.Cap; limit.Max > 0 {
		limit.Rule = AccountCap
		out.Caps = append(out.Caps, limit)
	}
	for _, r := range rules {
		if r.Cap.Max > 0 {
			out.Caps = append(out.Caps, r.Cap)
		}
	}
	if len(out.Rules) == 0 && len(out.Caps) == 0 {
		return nil
	}
	key := out.Place + " " + out.Refs()
	if c.made[key] == nil {
		c.made[key] = out
	}
	return c.made[key]
}

// AccountCap is the rule of the account's own cap.
const AccountCap = "account-cap/1"

// For gives the rules of a pack for a place, of at least the confidence. All candidates' rules are given: each must be open.
func (p *Pack) For(place phone.Place, least overture.Confidence) []Rule {
	var out []Rule
	if len(place.Countries) == 0 {
		return p.matching("", MatchUnknown)
	}
	for _, country := range place.Countries {
		if !p.hasStates(country) {
			out = append(out, p.certain(least, func(r Rule) bool { return r.Country == country && r.Match == MatchArea })...)
			continue
		}
		if len(place.States) == 0 {
			out = append(out, p.matching(country, MatchUnknown)...)
			continue
		}
		for _, state := range place.States {
			own := p.certain(least, func(r Rule) bool { return r.Country == country && r.State == state && r.Match == MatchArea })
			if len(own) == 0 {
				own = p.matching(country, MatchDefault)
			}
			for _, r := range own {
				if !slices.ContainsFunc(out, func(x Rule) bool { return x.ID == r.ID }) {
					out = append(out, r)
				}
			}
		}
	}
	return out
}

func (p *Pack) hasStates(country string) bool {
	return slices.ContainsFunc(p.Rules, func(r Rule) bool { return r.Country == country && r.State != "" })
}

func (p *Pack) matching(country string, m Match) []Rule {
	return p.certain("", func(r Rule) bool { return r.Country == country && r.Match == m })
}

func (p *Pack) certain(least overture.Confidence, is func(Rule) bool) []Rule {
	var out []Rule
	for _, r := range p.Rules {
		if r.Confidence.Rank() >= least.Rank() && is(r) {
			out = append(out, r)
		}
	}
	return out
}

func inWords(p phone.Place) string {
	if len(p.Countries) == 0 {
		return "country unknown"
	}
	words := strings.Join(p.Countries, " or ")
	switch {
	case len(p.States) > 0:
		return words + "-" + strings.Join(p.States, " or ")
	case words == "US":
		return "US, state unknown"
	}
	return words
}

// Cost of a cap's stretch: longer ones would look through more campaigns per message.
const (
	maxCap    = 1000
	shortest  = time.Hour
	longest   = 31 * 24 * time.Hour
	maxPacks  = 20
	capLimits = "a cap is 1 to 1000 messages in 1 hour to 31 days"
)

// Check completes a policy that somebody chose, with the newest versions where none is named, and refuses one that cannot be.
func Check(p overture.Policy) (overture.Policy, error) {
	out := p
	out.Packs = nil
	if len(p.Packs) > maxPacks {
		return p, invalid("body.packs", "too many packs")
	}
	for _, ref := range p.Packs {
		pack, err := find(ref)
		if err != nil {
			return p, invalid("body.packs", err.Error()+"; GET /v1/policy/packs lists them")
		}
		if slices.ContainsFunc(out.Packs, func(x overture.PackRef) bool { return x.Name == pack.Name }) {
			return p, invalid("body.packs", "the pack "+pack.Name+" is named twice; choose one version")
		}
		out.Packs = append(out.Packs, pack.PackRef)
	}
	slices.SortFunc(out.Packs, func(a, b overture.PackRef) int { return strings.Compare(a.Name, b.Name) })
	if p.MinConfidence != "" && p.MinConfidence.Rank() == 0 {
		return p, invalid("body.min_confidence", "the confidence is low, medium or high")
	}
	switch p.OverCap {
	case "", overture.OverCapSuppress, overture.OverCapHold:
	default:
		return p, invalid("body.over_cap", "what happens over a cap is suppress or hold")
	}
	if c := p.Cap; c.Max != 0 && (c.Max < 1 || c.Max > maxCap || c.Per < shortest || c.Per > longest || c.Per%time.Hour != 0) || c.Max == 0 && c.Per != 0 {
		return p, invalid("body.cap", capLimits)
	}
	out.Cap.Rule = ""
	return out, nil
}

func invalid(location, message string) error {
	return &overture.Error{
		Kind: overture.Invalid, Code: "policy", Message: message,
		Fields: []overture.Field{{Location: location, Message: message}},
	}
}
