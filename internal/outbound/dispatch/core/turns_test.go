package core_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/outbound/dispatch/core"
)

// traffic is a desk with a database that answers at once and a provider that takes a while.
type traffic struct {
	*desk
	queued map[overture.LaneID]int
	size   map[overture.LaneID]int
	weight map[overture.LaneID]int
	rate   int
	takes  time.Duration
	flying []arrival
	sent   map[overture.LaneID]int
	reply  []time.Duration // when each waiting answer came
	worst  time.Duration   // the longest an answer waited until it was sent
}

type arrival struct {
	task core.Task
	at   time.Duration
}

func newTraffic(t testing.TB, cfg core.Config, rate int, queued map[overture.LaneID]int) *traffic {
	t.Helper()
	d := sit(t, cfg)
	d.tick(0)
	d.m.Adopted(0, false, d.now)
	x := &traffic{desk: d, queued: queued, size: map[overture.LaneID]int{}, weight: map[overture.LaneID]int{}, rate: rate, takes: 20 * time.Millisecond, sent: map[overture.LaneID]int{}}
	x.lanes()
	return x
}

func (x *traffic) lanes() {
	r := core.LanesRead{Rate: x.rate, Lanes: []overture.Lane{{ID: replyLane, SenderID: sender}}}
	for id := bigLane; id < 10; id++ {
		if n, open := x.queued[id]; open {
			l := campaignLane(id)
			l.Queued, l.Weight = n+x.underway(id), max(x.weight[id], 1)
			r.Lanes = append(r.Lanes, l)
		}
	}
	x.m.TookLanes(r, x.now)
}

func (x *traffic) underway(id overture.LaneID) (n int) {
	for _, f := range x.flying {
		if f.task.Lane.ID == id {
			n++
		}
	}
	return n
}

// answer puts an answer into the reply lane.
func (x *traffic) answer() {
	x.reply = append(x.reply, x.now.Mono)
	x.ids++
	x.m.TookPage(core.Page{Lane: replyLane, Due: []overture.DueMessage{{Place: overture.Place{LaneID: replyLane, Due: x.now.Wall, MessageID: x.ids}, NotAfter: noon.Add(99 * time.Hour), Segments: 1}}}, x.now)
}

// step lets d pass.
func (x *traffic) step(d time.Duration) {
	o := x.tick(d)
	if o.Renew {
		x.renew()
	}
	if o.ReadLanes {
		x.lanes()
	}
	if o.Count {
		x.m.TookCount(x.underwayAll(), false, x.now)
	}
	for _, p := range o.Pages {
		n := min(x.queued[p.Lane], p.Limit)
		if n == 0 {
			x.m.TookPage(core.Page{Lane: p.Lane}, x.now)
			continue
		}
		x.queued[p.Lane] -= n
		x.fill(p.Lane, n, max(x.size[p.Lane], 1))
	}
	if o.ReadDoubts > 0 {
		x.m.TookDoubts(nil, nil, false, x.now)
	}
	if len(o.Marks) > 0 {
		x.mark(o.Marks, overture.Marked)
	}
	for _, s := range o.Sends {
		if s.Lane.Reply() {
			x.worst = max(x.worst, x.now.Mono-x.reply[0])
			x.reply = x.reply[1:]
		}
		x.flying = append(x.flying, arrival{s, x.now.Mono + x.takes})
	}
	for len(x.flying) > 0 && x.flying[0].at <= x.now.Mono {
		x.sent[x.flying[0].task.Lane.ID]++
		x.m.TookEnding(&x.flying[0].task, accepted(fmt.Sprint("SM", x.flying[0].task.Message.MessageID)), x.now)
		x.flying = x.flying[1:]
	}
}

func (x *traffic) underwayAll() int { return len(x.flying) }

// until lets time pass until a lane has sent n.
func (x *traffic) until(lane overture.LaneID, n int) time.Duration {
	x.t.Helper()
	began := x.now.Mono
	for x.sent[lane] < n {
		if x.step(2 * time.Millisecond); x.now.Mono-began > time.Hour {
			x.t.Fatalf("lane %d sent %d of %d in an hour", lane, x.sent[lane], n)
		}
	}
	return x.now.Mono - began
}

// A campaign of 100 beside one of 1,000,000 on the same sender finishes within 1.2× the time it takes alone (E4), whether the sender's rate
// or its connections are the limit.
func TestAShortCampaignBesideALongOne(t *testing.T) {
	for _, c := range []struct {
		what        string
		rate, conns int
		takes       time.Duration
	}{
		{"rate 20/s", 20, 64, 20 * time.Millisecond},
		{"rate 100/s", 100, 64, 20 * time.Millisecond},
		{"4 connections", 0, 4, 200 * time.Millisecond},
	} {
		cfg := core.Config{Connections: c.conns}
		alone := newTraffic(t, cfg, c.rate, map[overture.LaneID]int{smallLane: 100})
		alone.takes = c.takes
		solo := alone.until(smallLane, 100)
		both := newTraffic(t, cfg, c.rate, map[overture.LaneID]int{bigLane: 1_000_000})
		both.takes = c.takes
		both.until(bigLane, 50) // it is in full swing when the short one is launched
		both.queued[smallLane] = 100
		both.lanes()
		took := both.until(smallLane, 100)
		if limit := solo*12/10 + 2*c.takes; took > limit {
			t.Errorf("%s: %v beside a long one, %v alone", c.what, took, solo)
		}
		if both.sent[bigLane] < 50+8 {
			t.Errorf("%s: the long one sent %d meanwhile", c.what, both.sent[bigLane]-50)
		}
	}
}

// No lane starves, and the tenth turns go by weight.
func TestNoLaneStarves(t *testing.T) {
	x := newTraffic(t, core.Config{}, 1000, map[overture.LaneID]int{2: 100_000, 3: 200_000, 4: 300_000})
	x.weight[4] = 3
	x.lanes()
	for range 20_000 {
		x.step(2 * time.Millisecond)
	}
	all := x.sent[2] + x.sent[3] + x.sent[4]
	if all < 39_000 || all > 40_400 {
		t.Errorf("%d messages in 40 s at 1000/s", all)
	}
	if x.sent[3] < all/100 || x.sent[4] < 5*x.sent[3]/2 || x.sent[2] < all*85/100 {
		t.Errorf("turns: %v", x.sent)
	}
}

// Answers go first: not behind a campaign's connections, not behind its debt to the rate.
func TestAnswersDoNotWait(t *testing.T) {
	for _, c := range []struct {
		what        string
		rate, conns int
		takes       time.Duration
		size        int
	}{
		{"long messages at a low rate", 10, 64, 20 * time.Millisecond, 10},
		{"all connections busy", 0, 4, time.Second, 1},
	} {
		x := newTraffic(t, core.Config{Connections: c.conns}, c.rate, map[overture.LaneID]int{bigLane: 1_000_000})
		x.takes, x.size[bigLane] = c.takes, c.size
		for i := range 20_000 {
			if i%1500 == 999 { // every three seconds
				x.answer()
			}
			x.step(2 * time.Millisecond)
		}
		if len(x.reply) > 0 || x.worst > 150*time.Millisecond {
			t.Errorf("%s: %d answers wait, the longest waited %v", c.what, len(x.reply), x.worst)
		}
		if x.sent[bigLane] == 0 {
			t.Errorf("%s: the campaign stands still", c.what)
		}
	}
}

// The Machine reaches a sender's rate within 2 % and never exceeds it (E4), at every speed.
func TestTheMachineKeepsTheRate(t *testing.T) {
	for _, rate := range []int{5, 100, 1000, 4000} {
		x := newTraffic(t, core.Config{Connections: 128}, rate, map[overture.LaneID]int{bigLane: 10_000_000})
		steps := 10_000 // 20 s
		for range steps {
			x.step(2 * time.Millisecond)
		}
		got, want := float64(x.sent[bigLane]+len(x.flying)), 20*float64(rate)
		if got < 0.98*want-1 || got > want+float64(rate)/10+1 {
			t.Errorf("rate %d: %.0f messages in 20 s", rate, got)
		}
	}
}

// A storm of 429s slows the sender and fails nobody.
func TestAStormOfThrottlesSlows(t *testing.T) {
	x := newTraffic(t, core.Config{}, 100, map[overture.LaneID]int{bigLane: 1_000_000})
	x.until(bigLane, 100)
	before := x.m.Snapshot(x.now)
	storm := 0
	for range 5000 { // ten seconds
		o := x.tick(2 * time.Millisecond)
		if o.Renew {
			x.renew()
		}
		if o.ReadLanes {
			x.lanes()
		}
		if len(o.Marks) > 0 {
			x.mark(o.Marks, overture.Marked)
		}
		for i := range o.Sends {
			storm++
			if s := x.m.TookEnding(&o.Sends[i], failed(overture.Throttled), x.now); s.State != overture.Queued {
				t.Fatalf("a throttled message is %v", s.State)
			}
		}
	}
	after := x.m.Snapshot(x.now)
	if before.Speed != 1 || after.Speed > 0.4 || after.Why == "" || storm > 60 {
		t.Errorf("%d tries in ten seconds of 429s; speed %v, %q", storm, after.Speed, after.Why)
	}
}
