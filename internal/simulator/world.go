package simulator

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/outbound/dispatch/core"
	"github.com/overture-im/overture/internal/outbound/schedule"
)

// world is one run: a virtual clock, a heap of what happens when, and the parts that things happen to. Everything in it is a function of
// the scenario, so the same scenario gives the same run.
type world struct {
	sc     Scenario
	cfg    core.Config
	random *rand.Rand
	cal    *schedule.Calendar
	begins time.Time

	now   time.Duration // since the beginning
	queue happenings
	seq   uint64
	steps int
	hash  uint64 // of everything that mattered, in order
	say   func(format string, args ...any)

	db       *database
	provider *provider
	nodes    []*node
	oracle   *oracle
}

// happening is one entry of the heap. f runs at its time.
type happening struct {
	at  time.Duration
	seq uint64
	f   func()
}

// happenings is a binary heap, the earliest first; of two at the same time the one that was asked for first.
type happenings []happening

func (h happenings) before(i, j int) bool {
	return h[i].at < h[j].at || h[i].at == h[j].at && h[i].seq < h[j].seq
}

func (h happenings) push(x happening) happenings {
	h = append(h, x)
	for i := len(h) - 1; i > 0 && h.before(i, (i-1)/2); i = (i - 1) / 2 {
		h[i], h[(i-1)/2] = h[(i-1)/2], h[i]
	}
	return h
}

func (h happenings) pop() (happening, happenings) {
	first, last := h[0], len(h)-1
	h[0], h[last] = h[last], happening{}
	h = h[:last]
	for i := 0; 2*i+1 < last; {
		child := 2*i + 1
		if child+1 < last && h.before(child+1, child) {
			child++
		}
		if !h.before(child, i) {
			break
		}
		h[i], h[child] = h[child], h[i]
		i = child
	}
	return first, h
}

// maxSteps bounds a run: one that needs more is stuck, and the oracle says where.
const maxSteps = 300_000

func newWorld(sc Scenario, cal *schedule.Calendar) *world {
	w := &world{
		sc: sc, random: rand.New(rand.NewPCG(sc.Seed, 0x51d)), cal: cal, begins: time.UnixMilli(sc.Begins).UTC(), hash: 14695981039346656037,
		say: func(string, ...any) {},
	}
	w.cfg = core.DefaultConfig()
	w.cfg.Connections, w.cfg.LanesEvery = sc.Slots, time.Second
	if sc.HoldAfter > 0 {
		w.cfg.HoldAfter = time.Duration(sc.HoldAfter) * time.Millisecond
	}
	if sc.FailAfter > 0 {
		w.cfg.FailAfter = time.Duration(sc.FailAfter) * time.Millisecond
	}
	w.db = newDatabase(w)
	w.provider = newProvider(w)
	w.oracle = newOracle(w)
	w.people()
	for i := range sc.Nodes {
		w.nodes = append(w.nodes, newNode(w, i))
	}
	w.events()
	return w
}

// healthyAt is when the last fault is over, also of the provider's record.
func (w *world) healthyAt() time.Duration {
	at := ms(w.sc.QuietAt)
	for _, e := range w.sc.Events {
		if e.Kind == evLookup && e.How == "error" {
			at = max(at, ms(e.At+e.For))
		}
		if e.Kind == evClock { // what it wrote into rows while it was ahead
			at = max(at, ms(e.At+e.For+max(int64(e.N), 0)))
		}
	}
	return at
}

// time is the true time.
func (w *world) time() time.Time { return w.begins.Add(w.now) }

func (w *world) millis() int64 { return w.sc.Begins + w.now.Milliseconds() }

// after lets f happen later.
func (w *world) after(d time.Duration, f func()) {
	if d > 10000*time.Hour || w.now+d < w.now-time.Hour {
		panic(fmt.Sprint("after ", d, w.now))
	}
	w.seq++
	w.queue = w.queue.push(happening{w.now + max(d, 0), w.seq, f})
}

// between is a random duration.
func (w *world) between(from, to time.Duration) time.Duration {
	return from + time.Duration(w.random.Int64N(int64(max(to-from, 1))))
}

// note adds to the hash of the run what happened.
func (w *world) note(kind byte, a, b int64) {
	h := w.hash
	for _, v := range [3]uint64{uint64(kind), uint64(a), uint64(b)} {
		h = (h ^ v) * 1099511628211
	}
	w.hash = (h ^ uint64(w.now)) * 1099511628211
}

// run plays until nothing happens any more.
func (w *world) run() {
	for _, n := range w.nodes {
		n.start()
	}
	for len(w.queue) > 0 && w.steps < maxSteps && len(w.oracle.broken) == 0 {
		var x happening
		x, w.queue = w.queue.pop()
		w.now = x.at
		w.steps++
		x.f()
	}
	w.oracle.finish()
}

// settled tells whether there is nothing left to send, plan or look up.
func (w *world) settled() bool {
	b := w.db.book
	if b.markers > 0 || len(b.campaigns) < len(w.sc.Campaigns) {
		return false
	}
	for i := range b.campaigns {
		if b.campaigns[i].planning || b.campaigns[i].state == overture.Scheduled {
			return false
		}
	}
	for i := range b.lanes {
		if len(b.lanes[i].queue) > 0 {
			return false
		}
	}
	return true
}

// people sets up the account: senders and campaigns, as if launched a moment ago.
func (w *world) people() {
	b := w.db.book
	b.limits.SegmentsPerDay = w.sc.DayLimit
	for i, rate := range w.sc.Rates {
		b.senders = append(b.senders, senderRow{id: overture.SenderID(i + 1), brand: 1, account: 1, rate: rate})
		b.openLane(overture.SenderID(i+1), 0, 0)
	}
	for i, plan := range w.sc.Campaigns {
		c := campaignRow{
			account: 1, sender: overture.SenderID(plan.Sender + 1), window: windowOf(plan.Window), policy: overture.Safe,
			talk: overture.OpenConversationPolicy(plan.Talk), launchAt: w.sc.Begins + plan.LaunchIn,
			content: overture.Content{Text: texts[i%len(texts)], OptOutText: "Reply STOP"}, rules: rulesOf(plan.Rules),
			rails: overture.CampaignRails{Canary: overture.Canary{Recipients: plan.Canary, WaitMinutes: max(plan.Wait, 1)}, Segments: plan.Budget},
		}
		if plan.SameText {
			c.content.Text = texts[0]
		}
		if plan.MustReach {
			c.policy = overture.MustReach
		}
		if plan.ExpiresIn > 0 {
			c.expiresAt = w.sc.Begins + plan.ExpiresIn
		}
		zones := zoneSets[plan.Zones]
		for m := range plan.Messages {
			r := overture.Recipient{ID: recipientID(i, m), Address: addressOf(m), Segments: 1 + m%plan.Segments}
			if len(zones) > 0 {
				r.Zones = zones[m%len(zones)]
			} else {
				r.Zones = utc
			}
			c.recipients = append(c.recipients, r)
		}
		b.launch(c, plan.Rate)
	}
}

var (
	utc   = []string{"UTC"}
	texts = []string{"Your order is ready.", "The shop opens at nine.", "Your table is booked.", "See you tomorrow."}
)

// recipientID names message m of campaign i.
func recipientID(i, m int) overture.RecipientID { return overture.RecipientID(i*1000 + m + 1) }

// placeIn is the campaign and message of a recipient, as events name them.
func placeIn(id overture.RecipientID) (campaign, message int) {
	return int(id-1) / 1000, int(id-1) % 1000
}

var addresses = func() (out []overture.Address) {
	for i := range 1000 {
		out = append(out, overture.Address(fmt.Sprintf("+1%03d555%04d", 200+i/100, 100+i%100)))
	}
	return out
}()

func addressOf(i int) overture.Address { return addresses[i%len(addresses)] }

var windowsByName = func() map[string]overture.Window {
	day, night, weekdays := overture.DefaultWindow(), overture.Window{}, overture.Window{}
	for d := range 7 {
		night.Days[d] = overture.Hours{From: 20 * 60, To: 2 * 60}
		if d > 0 && d < 6 {
			weekdays.Days[d] = overture.Hours{From: 9 * 60, To: 17 * 60}
		}
	}
	return map[string]overture.Window{"": overture.AlwaysOpen(), "day": day, "night": night, "weekdays": weekdays}
}()

func windowOf(name string) overture.Window { return windowsByName[name] }
