package simulator

import (
	"math/rand/v2"
	"slices"
	"time"
)

// The modes of a run.
const (
	Perfect  = "perfect"  // a provider and a database without faults; only crashes, pauses and clocks
	Full     = "full"     // every fault
	Late     = "late"     // as full, and the provider accepts later than the grace period covers: repeats are counted, not forbidden
	Failover = "failover" // as perfect, and the database fails over to a synchronous standby: no commit is lost, every connection breaks
)

// Scenario is one run: a function of its seed and mode, or of an edited list of events. Times are milliseconds of virtual time.
type Scenario struct {
	Seed      uint64         `json:"seed"`
	Mode      string         `json:"mode"`
	Begins    int64          `json:"begins"` // Unix milliseconds
	Nodes     int            `json:"nodes"`
	Skew      []int64        `json:"skew"` // of each node's wall clock
	Rates     []int          `json:"rates"`
	Campaigns []CampaignPlan `json:"campaigns"`
	QuietAt   int64          `json:"quietAt"`   // all faults are over
	Beside    bool           `json:"beside"`    // the database writes settlements beside marks, as PostgreSQL does
	HoldAfter int64          `json:"holdAfter"` // of the engine's config; 0: its default
	FailAfter int64          `json:"failAfter"`
	Slots     int            `json:"connections"`        // of a sender
	DayLimit  int64          `json:"dayLimit,omitempty"` // segments of all campaigns in a UTC day
	Events    []Event        `json:"events"`
}

// CampaignPlan is one campaign of a run.
type CampaignPlan struct {
	Sender    int    `json:"sender"`
	Messages  int    `json:"messages"`
	MustReach bool   `json:"mustReach,omitempty"`
	Talk      string `json:"talk,omitempty"`   // what happens to people in a conversation
	Window    string `json:"window,omitempty"` // name of a window; empty: always open
	Zones     string `json:"zones,omitempty"`  // of its recipients, by turns
	Rate      int    `json:"rate,omitempty"`
	LaunchIn  int64  `json:"launchIn,omitempty"`
	ExpiresIn int64  `json:"expiresIn,omitempty"`
	Segments  int    `json:"segments"`           // of its longest message
	Rules     string `json:"rules,omitempty"`    // name of a policy: windows by place, caps
	Canary    int    `json:"canary,omitempty"`   // so many go out, then everybody waits
	Wait      int    `json:"wait,omitempty"`     // minutes for the canary's verdict
	Budget    int64  `json:"budget,omitempty"`   // segments; a resume allows as many again
	SameText  bool   `json:"sameText,omitempty"` // as the other campaigns that say so: the provider's record cannot tell them apart
}

// Event is something that is done to the system: a fault, or what a person or a provider does. Which fields count depends on Kind.
type Event struct {
	At       int64  `json:"at,omitempty"`
	Kind     string `json:"kind"`
	Node     int    `json:"node,omitempty"`
	Campaign int    `json:"campaign,omitempty"`
	Message  int    `json:"message,omitempty"` // of the campaign
	N        int    `json:"n,omitempty"`
	For      int64  `json:"for,omitempty"`
	How      string `json:"how,omitempty"`
}

// The kinds of events.
const (
	evCrash    = "crash"     // at a time: SIGKILL, back after For
	evCrashAt  = "crash at"  // after N steps of the process: SIGKILL, back after For
	evTerm     = "terminate" // SIGTERM, back For after its end
	evPause    = "pause"     // SIGSTOP for For
	evPauseAt  = "pause at"  // after N steps of the process: SIGSTOP for For
	evClock    = "clock"     // the wall clock jumps by N milliseconds, and back after For
	evCommit   = "commit"    // the N-th transaction: How
	evDatabase = "database"  // for For: How; N milliseconds are lost for good
	evAnswer   = "answer"    // the N-th request for a message: How
	evReceipt  = "receipt"   // the receipts for a message: How
	evLookup   = "lookup"    // the provider's record for For: How; N is its lag, or of how many messages one is redacted, for good
	evOperator = "operator"  // a person does How
	evInbound  = "inbound"   // the recipient writes How; N times by the provider
)

// Windows and zones of scenarios. Few, so that the calendar's pages are shared by all runs.
var (
	windowNames = []string{"day", "night", "weekdays"}
	zoneSets    = map[string][][]string{
		"one":   {{"America/New_York"}},
		"us":    {{"America/New_York"}, {"America/Los_Angeles"}, {"America/Chicago", "America/New_York"}},
		"world": {{"Asia/Kolkata"}, {"Australia/Lord_Howe"}, {"America/St_Johns"}, {"Europe/London"}},
	}
	zoneNames = []string{"one", "us", "world"}
	// beginnings are instants near the ends of windows and near clock changes.
	beginnings = []time.Time{
		time.Date(2026, 11, 20, 17, 0, 0, 0, time.UTC), // noon in New York
		time.Date(2026, 11, 21, 1, 58, 30, 0, time.UTC),
		time.Date(2026, 11, 1, 5, 59, 0, 0, time.UTC), // the hour that comes twice in New York
		time.Date(2027, 3, 14, 6, 59, 0, 0, time.UTC), // and the one that is skipped
		time.Date(2026, 11, 20, 21, 58, 0, 0, time.UTC),
	}
)

// Generate makes the scenario of a seed. An empty mode alternates perfect and full.
func Generate(seed uint64, mode string) Scenario {
	if mode == "" {
		mode = []string{Perfect, Full}[seed%2]
	}
	g := generator{Rand: rand.New(rand.NewPCG(seed, 0x07e2)), sc: Scenario{Seed: seed, Mode: mode}}
	if recipe := recipes[seed%48]; recipe != nil && mode == Full {
		recipe(&g)
	} else {
		g.byChance()
	}
	g.sc.Beside = g.sc.Nodes > 1 || seed&4 != 0 // several nodes need PostgreSQL
	return g.sc
}

func (g *generator) byChance() {
	g.world()
	g.processes()
	if g.sc.Mode == Failover {
		g.failovers()
	}
	if g.full() {
		g.database()
		g.provider()
		g.people()
		g.rules()
	}
}

// recipes are scenarios for what chance alone would bring together too rarely.
var recipes = map[uint64]func(*generator){
	5: (*generator).twins, 11: (*generator).talks, 17: (*generator).frozen, 29: (*generator).twins, 35: (*generator).talks, 41: (*generator).frozen,
	19: (*generator).capped, 23: (*generator).railed, 31: (*generator).clocksAhead, 43: (*generator).goneBack, 47: (*generator).plannedAgain,
}

// twins are two campaigns with the same text to the same people: an entry of the provider's record may belong to either.
func (g *generator) twins() {
	sc, later := &g.sc, g.between(4*time.Minute, 8*time.Minute)
	sc.Begins, sc.Nodes, sc.Skew, sc.Slots = beginnings[0].UnixMilli(), 2, []int64{0, 0}, 8
	sc.Rates, sc.QuietAt = []int{50}, later+120_000
	sc.Campaigns = []CampaignPlan{{Messages: 12, Segments: 1, SameText: true}, {Messages: 12, Segments: 1, SameText: true, LaunchIn: later}}
	for c, level := range []float64{0.2, 0.6} {
		for m := range 12 {
			if g.chance(level) {
				g.add(Event{Kind: evAnswer, Campaign: c, Message: m, N: 1, How: pick(g, "timeout", "reset", "5xx", "5xx accepted", "timeout accepted")})
			}
		}
	}
	g.add(Event{At: later + g.between(0, 10*time.Second), Kind: evCrash, Node: g.node(), For: 2000})
}

// talks are people in conversations that end while the node that put their messages off is frozen.
func (g *generator) talks() {
	sc := &g.sc
	sc.Begins, sc.Nodes, sc.Skew, sc.Slots = beginnings[0].UnixMilli(), 2, []int64{0, 0}, 8
	sc.Rates, sc.QuietAt = []int{pick(g, 5, 20, 50)}, 60_000
	sc.Campaigns = []CampaignPlan{{Messages: 10, Segments: 1, Talk: "hold"}}
	for m := range 10 {
		g.add(Event{Kind: evOperator, How: "talk", Message: m})
		g.add(Event{At: g.between(500*time.Millisecond, 10*time.Second), Kind: evOperator, How: "end talk", Message: m})
	}
	for m := range 10 {
		g.inDoubt(m, 1)
	}
	g.add(Event{Kind: evPauseAt, Node: g.node(), N: 20 + g.IntN(30), For: g.between(11*time.Second, 40*time.Second)})
}

// inDoubt lets the provider take the n-th request for a message without anybody hearing of it, so that its marker stays for minutes.
func (g *generator) inDoubt(message, n int) {
	g.add(Event{Kind: evAnswer, Message: message, N: n, How: pick(g, "timeout accepted", "5xx accepted", "no id", "reset accepted")})
	g.add(Event{Kind: evReceipt, Message: message, How: "lost"})
}

// frozen are nodes that learn how their requests ended after another node has looked them up and sent again.
func (g *generator) frozen() {
	sc := &g.sc
	sc.Begins, sc.Nodes, sc.Skew, sc.Slots = beginnings[0].UnixMilli(), 2, []int64{0, 0}, 16
	sc.Rates, sc.QuietAt = []int{0}, 400_000
	sc.Campaigns = []CampaignPlan{{Messages: 10, Segments: 1}}
	for m := range 10 {
		g.add(Event{Kind: evAnswer, Message: m, N: 1, How: pick(g, "throttle", "not sent", "throttle", "refuse address")})
		g.inDoubt(m, 2)
	}
	g.add(Event{Kind: evPauseAt, Node: g.node(), N: 6 + g.IntN(20), For: g.between(195*time.Second, 310*time.Second)})
}

type generator struct {
	*rand.Rand
	sc Scenario
}

func (g *generator) chance(p float64) bool { return g.Float64() < p }

// between gives milliseconds from from on, before to.
func (g *generator) between(from, to time.Duration) int64 {
	return from.Milliseconds() + g.Int64N(max((to-from).Milliseconds(), 1))
}

func (g *generator) add(e Event) { g.sc.Events = append(g.sc.Events, e) }

func pick[T any](g *generator, from ...T) T { return from[g.IntN(len(from))] }

func (g *generator) full() bool { return g.sc.Mode == Full || g.sc.Mode == Late }

func (g *generator) world() {
	sc := &g.sc
	sc.Begins = pick(g, beginnings...).UnixMilli()
	sc.Nodes = 1 + g.IntN(3)
	for range sc.Nodes {
		sc.Skew = append(sc.Skew, g.between(-5*time.Second, 5*time.Second))
	}
	sc.Slots = pick(g, 2, 4, 8, 16)
	sc.QuietAt = g.between(30*time.Second, 4*time.Minute)
	for range 1 + g.IntN(2) {
		sc.Rates = append(sc.Rates, pick(g, 0, 1, 2, 5, 20, 50))
	}
	left := 24 + g.IntN(20)
	for n := 1 + g.IntN(3); n > 0; n-- {
		c := CampaignPlan{Sender: g.IntN(len(sc.Rates)), Messages: max(left/n, 1), Segments: pick(g, 1, 1, 3)}
		left -= c.Messages
		if g.chance(0.3) {
			c.LaunchIn = g.between(0, 20*time.Second)
		}
		if g.full() {
			c.MustReach = g.chance(0.15)
			c.Talk = pick(g, "", "skip", "hold")
			c.Rate = pick(g, 0, 0, 1, 10)
			if g.chance(0.3) {
				c.Window, c.Zones = pick(g, windowNames...), pick(g, zoneNames...)
			}
			if g.chance(0.15) {
				c.ExpiresIn = g.between(20*time.Second, 5*time.Minute)
			}
		}
		sc.Campaigns = append(sc.Campaigns, c)
	}
	if g.full() && g.chance(0.3) {
		sc.HoldAfter = g.between(4*time.Minute, 10*time.Minute)
	}
	if g.full() && g.chance(0.2) {
		sc.FailAfter = g.between(time.Second, 20*time.Second)
	}
}

func (g *generator) during() int64 { return g.between(0, time.Duration(g.sc.QuietAt)*time.Millisecond) }

// soon is a moment at which there is most likely something to disturb.
func (g *generator) soon() int64 {
	if g.chance(0.6) {
		return g.between(0, 15*time.Second)
	}
	return g.during()
}

func (g *generator) node() int { return g.IntN(g.sc.Nodes) }

// processes die, are frozen, are stopped, and have wrong clocks.
func (g *generator) processes() {
	for range g.IntN(4) {
		g.add(Event{Kind: evCrashAt, Node: g.node(), N: 1 + g.IntN(150), For: g.between(10*time.Millisecond, 20*time.Second)})
	}
	for range g.IntN(3) {
		g.add(Event{At: g.soon(), Kind: evCrash, Node: g.node(), For: g.between(10*time.Millisecond, 40*time.Second)})
	}
	for range g.IntN(4) {
		g.add(Event{At: g.soon(), Kind: evPause, Node: g.node(), For: pick(g, g.between(0, 5*time.Second), g.between(4*time.Second, 30*time.Second), g.between(time.Minute, 10*time.Minute))})
	}
	if g.chance(0.3) {
		g.add(Event{At: g.soon(), Kind: evTerm, Node: g.node(), For: g.between(time.Millisecond, 10*time.Second)})
	}
	if g.chance(0.1) { // a restart storm
		at, node := g.soon(), g.node()
		for range 5 {
			at += g.between(200*time.Millisecond, 3*time.Second)
			g.add(Event{At: at, Kind: evCrash, Node: node, For: g.between(10*time.Millisecond, 500*time.Millisecond)})
		}
	}
	if g.full() && g.chance(0.25) {
		g.add(Event{At: g.during(), Kind: evClock, Node: g.node(), N: int(g.between(-time.Hour, time.Hour)), For: g.between(time.Second, 3*time.Minute)})
	}
}

func (g *generator) failovers() {
	for range 1 + g.IntN(2) {
		g.add(Event{At: g.soon(), Kind: evDatabase, How: "failover", For: g.between(200*time.Millisecond, 20*time.Second)})
	}
}

func (g *generator) database() {
	for range g.IntN(5) {
		g.add(Event{Kind: evCommit, N: 1 + g.IntN(120), How: pick(g, "lost", "unanswered", "conflict", "slow", "slow")})
	}
	if g.chance(0.3) {
		g.add(Event{At: g.soon(), Kind: evDatabase, How: pick(g, "full", "away", "lag", "slow", "failover"), For: g.between(time.Second, 40*time.Second)})
	}
}

// answerFaults are what a provider can do with a request, in the words of provider.go.
var answerFaults = []string{
	"throttle", "throttle", "throttle wait", "refuse address", "refuse content", "refuse policy", "refuse opt-out", "not sent", "not sent", "reset",
	"reset accepted", "5xx", "5xx accepted", "timeout", "timeout accepted", "timeout late", "timeout late", "no id", "bad answer", "slow", "listed twice",
}

func (g *generator) provider() {
	level := pick(g, 0.05, 0.2, 0.5)
	for c, plan := range g.sc.Campaigns {
		for m := range plan.Messages {
			for n := 1; n <= 6 && g.chance(level); n++ {
				how := pick(g, answerFaults...)
				if g.sc.Mode == Late && g.chance(0.3) {
					how = "beyond grace"
				}
				g.add(Event{Kind: evAnswer, Campaign: c, Message: m, N: n, How: how})
			}
			if g.chance(0.3) {
				g.add(Event{Kind: evReceipt, Campaign: c, Message: m, How: pick(g, "lost", "twice", "twice", "reversed", "early", "undelivered", "read", "opt-out", "unknown", "weeks late")})
			}
		}
	}
	if g.chance(0.1) {
		g.add(Event{Kind: evAnswer, Campaign: g.IntN(len(g.sc.Campaigns)), N: 1, How: "refuse sender"})
	}
	if g.chance(0.5) {
		g.add(Event{At: 0, Kind: evLookup, How: "lag", N: int(g.between(0, 2*time.Minute)), For: g.sc.QuietAt + 600_000})
	}
	if g.chance(0.3) {
		g.add(Event{At: g.during(), Kind: evLookup, How: "error", For: g.between(10*time.Second, 15*time.Minute)})
	}
	if g.chance(0.1) {
		g.add(Event{At: g.during(), Kind: evLookup, How: "redacted", N: 1 + g.IntN(5)})
	}
}

func (g *generator) people() {
	campaign := func() int { return g.IntN(len(g.sc.Campaigns)) }
	for range g.IntN(4) {
		c := campaign()
		g.add(Event{At: g.soon(), Kind: evOperator, How: pick(g, "pause", "pause", "rate", "lane rate", "stop sender", "direct"), Campaign: c, N: g.IntN(60), For: g.between(100*time.Millisecond, 30*time.Second)})
	}
	if g.chance(0.15) {
		g.add(Event{At: g.soon(), Kind: evOperator, How: "cancel", Campaign: campaign()})
	}
	for range g.IntN(6) {
		c := campaign()
		e := Event{At: g.soon(), Kind: evOperator, Campaign: c, Message: g.IntN(g.sc.Campaigns[c].Messages), How: pick(g, "opt out", "opt out", "opt in", "talk", "end talk")}
		if g.chance(0.4) {
			e.Kind, e.How, e.N = evInbound, pick(g, "hello", "stop", "start"), 1+g.IntN(3)
		}
		g.add(e)
	}
	if g.chance(0.3) {
		g.add(Event{At: g.during(), Kind: evOperator, How: "retry failed", Campaign: campaign()})
	}
	if g.chance(0.5) {
		g.add(Event{At: g.sc.QuietAt + g.between(0, 15*time.Minute), Kind: evOperator, How: pick(g, "treat held as sent", "resend held", "give held up")})
	}
	slices.SortStableFunc(g.sc.Events, func(a, b Event) int { return int(a.At - b.At) })
}
