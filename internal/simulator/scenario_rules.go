package simulator

import (
	"math/rand/v2"
	"slices"
	"time"
)

// rules narrow a scenario that is there: policies, guard rails, kill switches, and a database that loses what it had. They have random numbers
// of their own, so that they can grow without giving every seed another run.
func (g *generator) rules() {
	g.Rand = rand.New(rand.NewPCG(g.sc.Seed, 0xa11))
	if g.chance(0.25) {
		name := pick(g, policyNames...)
		for i := range g.sc.Campaigns {
			if g.chance(0.8) {
				g.sc.Campaigns[i].Rules = name
			}
		}
	}
	if g.chance(0.15) {
		c := &g.sc.Campaigns[g.IntN(len(g.sc.Campaigns))]
		c.Canary, c.Wait = 1+g.IntN(max(c.Messages/2, 1)), 1+g.IntN(3)
	}
	if g.chance(0.1) {
		c := &g.sc.Campaigns[g.IntN(len(g.sc.Campaigns))]
		c.Budget = int64(5 + c.Messages/2)
	}
	if g.chance(0.1) {
		g.sc.DayLimit = int64(15 + g.IntN(20))
	}
	if g.chance(0.15) {
		g.add(Event{At: g.soon(), Kind: evOperator, How: pick(g, "stop account", "stop everything"), For: g.between(time.Second, 40*time.Second)})
	}
	if g.chance(0.1) {
		g.losing()
	}
	slices.SortStableFunc(g.sc.Events, func(a, b Event) int { return int(a.At - b.At) })
}

// losing is a database that goes back in time. What people decided in the lost time no row can tell, and no clock was wrong by hours.
func (g *generator) losing() {
	at := g.between(3*time.Second, 25*time.Second)
	g.sc.QuietAt = max(g.sc.QuietAt, at+30_000)
	e := Event{At: at, Kind: evDatabase, How: pick(g, "restore", "failover async"), N: int(g.between(100*time.Millisecond, time.Duration(at)*time.Millisecond)), For: g.between(200*time.Millisecond, 20*time.Second)}
	g.sc.Events = slices.DeleteFunc(g.sc.Events, func(x Event) bool {
		return x.Kind == evClock || x.Kind == evOperator && x.How == "retry failed"
	})
	g.add(e)
	if g.chance(0.3) {
		g.add(Event{At: at + g.between(30*time.Second, 10*time.Minute), Kind: evOperator, How: "hold rest"})
	}
}

// capped are several campaigns to the same people at once, under a cap, with messages whose fate nobody knows.
func (g *generator) capped() {
	g.small(2)
	sc := &g.sc
	sc.Rates, sc.QuietAt = []int{pick(g, 0, 20), pick(g, 0, 20)}, 60_000
	name := pick(g, policyNames[1:]...)
	for i := range 3 {
		sc.Campaigns = append(sc.Campaigns, CampaignPlan{Sender: i % 2, Messages: 10, Segments: 1, Rules: name, LaunchIn: pick(g, 0, g.between(0, 2*time.Minute))})
	}
	for m := range 10 {
		if g.chance(0.5) {
			g.inDoubt(m, 1)
		}
	}
	g.add(Event{At: g.between(time.Second, 20*time.Second), Kind: evCrash, Node: g.node(), For: 3000})
}

// railed are campaigns that begin with a canary, or may spend only so much, and some of whose messages must be reached.
func (g *generator) railed() {
	g.small(2)
	sc := &g.sc
	sc.Rates, sc.QuietAt = []int{pick(g, 0, 50)}, 30_000
	if g.chance(0.4) {
		sc.DayLimit = int64(12 + g.IntN(12))
	}
	for range 2 {
		c := CampaignPlan{Messages: 12, Segments: pick(g, 1, 3), MustReach: g.chance(0.5)}
		if g.chance(0.6) {
			c.Canary, c.Wait = 2+g.IntN(5), pick(g, 1, 2, 15)
		} else {
			c.Budget = int64(5 + g.IntN(8))
		}
		sc.Campaigns = append(sc.Campaigns, c)
	}
	if g.chance(0.3) { // nobody can be asked for so long that a message goes again without proof, while the canary's verdict is awaited
		spent := g.chance(0.5) // to the last segment: a message that goes again is one too many
		for i := range sc.Campaigns {
			c := &sc.Campaigns[i]
			c.MustReach, c.Canary, c.Wait, c.Budget = true, 3, 15, 0
			if spent {
				c.Canary, c.Wait, c.Segments, c.Budget = 0, 0, 1, int64(c.Messages)
			}
			g.add(Event{Kind: evAnswer, Campaign: i, Message: i, N: 1, How: "timeout accepted"})
			g.add(Event{Kind: evReceipt, Campaign: i, Message: i, How: "lost"})
		}
		sc.DayLimit = 0
		g.add(Event{Kind: evLookup, How: "error", For: 800_000})
		return
	}
	for c := range 2 {
		for m := range 12 {
			if g.chance(0.4) {
				g.add(Event{Kind: evAnswer, Campaign: c, Message: m, N: 1, How: pick(g, "timeout accepted", "timeout", "throttle", "not sent", "5xx accepted", "refuse address")})
				g.add(Event{Kind: evReceipt, Campaign: c, Message: m, How: "lost"})
			}
		}
	}
	g.add(Event{At: g.between(time.Second, 20*time.Second), Kind: evOperator, How: pick(g, "stop account", "stop everything", "pause"), For: 5000})
	g.add(Event{At: g.between(time.Second, 20*time.Second), Kind: evCrash, Node: g.node(), For: 3000})
}

// goneBack is a database that loses seconds in the middle of a campaign, with some of its list planned again.
func (g *generator) goneBack() {
	g.small(1 + g.IntN(3))
	sc := &g.sc
	sc.Skew = nil
	for range sc.Nodes {
		sc.Skew = append(sc.Skew, g.between(-5*time.Second, 5*time.Second))
	}
	sc.Rates, sc.QuietAt = []int{pick(g, 0, 2, 5, 20)}, 60_000
	sc.Campaigns = []CampaignPlan{{Messages: 20, Segments: 1}, {Messages: 10, Segments: 1, MustReach: g.chance(0.3), LaunchIn: g.between(0, 10*time.Second)}}
	for c, plan := range sc.Campaigns {
		for m := range plan.Messages {
			if g.chance(0.2) {
				g.add(Event{Kind: evAnswer, Campaign: c, Message: m, N: 1, How: pick(g, "throttle wait", "throttle", "timeout accepted", "not sent", "timeout")})
			}
			if g.chance(0.3) {
				g.add(Event{Kind: evReceipt, Campaign: c, Message: m, How: pick(g, "lost", "weeks late", "read")})
			}
		}
	}
	g.losing()
	if e := sc.Events[slices.IndexFunc(sc.Events, func(e Event) bool { return e.Kind == evDatabase })]; g.chance(0.3) { // a cancel before everything is marked
		g.add(Event{At: e.At + e.For + g.between(0, 2*time.Second), Kind: evOperator, How: "cancel", Campaign: g.IntN(2)})
	}
	if g.chance(0.5) { // the backup is from before the list was planned
		for i := range sc.Events {
			if e := &sc.Events[i]; e.Kind == evDatabase {
				e.N = int(e.At - 1)
			}
		}
	}
}

// clocksAhead is a node whose clock is ahead of the one that begins the quarantine: what it planned and sent is due after the beginning.
func (g *generator) clocksAhead() {
	g.small(2)
	sc := &g.sc
	sc.Skew = []int64{g.between(4*time.Second, 5*time.Second), g.between(-5*time.Second, -4*time.Second)}
	if g.chance(0.5) {
		slices.Reverse(sc.Skew)
	}
	sc.Rates, sc.QuietAt = []int{pick(g, 2, 5)}, 30_000
	sc.Campaigns = []CampaignPlan{{Messages: 20, Segments: 1}}
	at := g.between(3*time.Second, 6*time.Second)
	g.add(Event{At: at, Kind: evDatabase, How: pick(g, "restore", "failover async"), N: int(g.between(time.Second, 2*time.Second)), For: g.between(100*time.Millisecond, time.Second)})
}

// plannedAgain is a backup from before the list was planned, of a campaign whose window closes while it is restored: what went out is planned
// again for the next opening.
func (g *generator) plannedAgain() {
	g.small(1 + g.IntN(2))
	sc := &g.sc
	sc.Begins, sc.Rates, sc.QuietAt = beginnings[4].UnixMilli(), []int{1}, 150_000
	sc.Campaigns = []CampaignPlan{{Messages: 20, Segments: 1, Window: "weekdays", Zones: "one"}}
	at := g.between(60*time.Second, 110*time.Second)
	g.add(Event{At: at, Kind: evDatabase, How: "restore", N: int(at - 1), For: 125_000 - at + g.between(0, 10*time.Second)})
}

// small begins a scenario of a recipe.
func (g *generator) small(nodes int) {
	g.sc.Begins, g.sc.Nodes, g.sc.Skew, g.sc.Slots = beginnings[0].UnixMilli(), nodes, make([]int64, nodes), 8
}
