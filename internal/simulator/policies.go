package simulator

import (
	"time"

	"github.com/overture-im/overture"
)

// places are the policies of scenarios, one ruling for people whose numbers end in an even digit, one for the others. Few and shared, because
// the calendar keeps a page for each.
type rulingsByPlace struct{ even, odd *overture.Ruling }

func (r rulingsByPlace) For(to overture.Address) *overture.Ruling {
	if (to[len(to)-1]-'0')%2 == 0 {
		return r.even
	}
	return r.odd
}

var policyNames = []string{"narrow", "once a minute", "twice in five minutes, hold", "once a day", "narrow, once in two minutes, hold"}

var policies = func() map[string]*overture.Rules {
	late, short := overture.PackRule{ID: "late"}, overture.PackRule{ID: "short"}
	for d := range 7 {
		late.Days[d], short.Days[d] = overture.Hours{From: 11 * 60, To: 22 * 60}, overture.Hours{From: 17 * 60, To: 17*60 + 2}
	}
	ruling := func(caps []overture.Cap, hold bool, rules ...overture.PackRule) *overture.Ruling {
		return &overture.Ruling{Place: "somewhere", Rules: rules, Caps: caps, Hold: hold}
	}
	cap := func(most int, per time.Duration) []overture.Cap {
		return []overture.Cap{{Max: most, Per: per, Rule: "account"}}
	}
	both := func(r *overture.Ruling) *overture.Rules {
		p := overture.Policy{}
		if r.Hold {
			p.OverCap = overture.OverCapHold
		}
		return &overture.Rules{ID: 1, Policy: p, Rulings: rulingsByPlace{r, r}}
	}
	minutes := ruling(cap(1, 2*time.Minute), true, late)
	return map[string]*overture.Rules{
		"narrow":                            {ID: 1, Rulings: rulingsByPlace{ruling(nil, false, late), ruling(nil, false, late, short)}},
		"once a minute":                     both(ruling(cap(1, time.Minute), false)),
		"twice in five minutes, hold":       both(ruling(cap(2, 5*time.Minute), true)),
		"once a day":                        both(ruling(cap(1, 24*time.Hour), false)),
		"narrow, once in two minutes, hold": {ID: 1, Policy: overture.Policy{OverCap: overture.OverCapHold}, Rulings: rulingsByPlace{minutes, nil}},
	}
}()

func rulesOf(name string) *overture.Rules { return policies[name] }
