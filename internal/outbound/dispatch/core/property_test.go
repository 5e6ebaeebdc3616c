package core_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/outbound/dispatch/core"
)

// Whatever comes in, in whatever order: a message has one attempt at a time, only marked ones are sent, every attempt is settled once, the
// window is kept, a stopped tenure ends when everything came back, and the same calls give the same orders.
func TestAnyOrderOfEvents(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cfg := core.Config{Connections: rapid.IntRange(1, 10).Draw(t, "connections")}.WithDefaults()
		window := cfg.MostOutstanding()
		now := core.Moment{Mono: time.Hour, Wall: noon}
		lease := overture.Lease{SenderID: sender, Owner: "a", Epoch: 1}
		machines := [2]*core.Machine{}
		for i := range machines {
			n := 0
			machines[i] = core.New(cfg, lease, now, now, always{}, func() string { n++; return fmt.Sprint(n) })
		}
		both := func(f func(m *core.Machine)) {
			for _, m := range machines {
				f(m)
			}
		}
		var asked [][]core.Task
		var flying []core.Task
		open := map[overture.MessageID]string{} // token of the attempt that is asked for or under way
		settled := map[string]int{}
		given := map[string]bool{}
		stopped := false
		tick := func() {
			a := machines[0].Tick(now)
			if x, y := fmt.Sprintf("%+v", describe(a)), fmt.Sprintf("%+v", describe(machines[1].Tick(now))); x != y {
				t.Fatalf("the same calls gave\n%s\n%s", x, y)
			}
			if len(a.Marks) > 0 {
				if stopped {
					t.Fatal("marks after the stop")
				}
				asked = append(asked, a.Marks)
			}
			for _, x := range a.Marks {
				if other, there := open[x.Message.MessageID]; there {
					t.Fatalf("message %d has attempts %s and %s", x.Message.MessageID, other, x.Token)
				}
				open[x.Message.MessageID] = x.Token
			}
			for _, x := range a.Sends {
				if !given[x.Token] {
					t.Fatalf("attempt %s was sent without a mark", x.Token)
				}
				flying = append(flying, x)
			}
			for _, s := range a.Settlements {
				settled[s.Token]++
				if settled[s.Token] > 1 {
					t.Fatalf("attempt %s was settled twice", s.Token)
				}
			}
			n := len(flying)
			for _, b := range asked {
				n += len(b)
			}
			if n > window {
				t.Fatalf("%d outstanding, window %d", n, window)
			}
			if a.Done && n > 0 {
				t.Fatalf("done with %d outstanding", n)
			}
			if a.WakeIn <= 0 {
				t.Fatalf("wakes in %v", a.WakeIn)
			}
		}
		tick()
		both(func(m *core.Machine) { m.Adopted(0, false, now) })
		for range rapid.IntRange(10, 120).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.SampledFrom([]int{0, 1, 7, 40, 300, 2000}).Draw(t, "later")) * time.Millisecond)
			if rapid.IntRange(0, 30).Draw(t, "clock set") == 0 {
				now.Wall = now.Wall.Add(time.Duration(rapid.IntRange(-3600, 3600).Draw(t, "by")) * time.Second)
			}
			switch rapid.IntRange(0, 9).Draw(t, "event") {
			case 0:
				lanes := []overture.Lane{{ID: replyLane, SenderID: sender}, campaignLane(bigLane), campaignLane(smallLane)}
				r := core.LanesRead{Lanes: lanes[:rapid.IntRange(0, 3).Draw(t, "lanes")], Rate: rapid.SampledFrom([]int{0, 1, 50}).Draw(t, "rate"), Stopped: rapid.IntRange(0, 9).Draw(t, "stopped") == 0}
				both(func(m *core.Machine) { m.TookLanes(r, now) })
			case 1, 2:
				p := core.Page{Lane: overture.LaneID(rapid.IntRange(1, 3).Draw(t, "lane")), More: rapid.Bool().Draw(t, "more"), Failed: rapid.IntRange(0, 9).Draw(t, "failed") == 0}
				for range rapid.IntRange(0, 20).Draw(t, "rows") {
					id := overture.MessageID(rapid.IntRange(1, 40).Draw(t, "id"))*10 + overture.MessageID(p.Lane)
					p.Due = append(p.Due, overture.DueMessage{Place: overture.Place{LaneID: p.Lane, Due: noon, MessageID: id}, NotAfter: noon.Add(time.Hour), Segments: 1})
				}
				both(func(m *core.Machine) { m.TookPage(p, now) })
			case 3, 4:
				if len(asked) == 0 {
					break
				}
				i := rapid.IntRange(0, len(asked)-1).Draw(t, "batch")
				b := asked[i]
				asked = slices.Delete(asked, i, i+1)
				failed := rapid.IntRange(0, 9).Draw(t, "failed") == 0
				verdicts := make([]overture.Verdict, len(b))
				for k := range b {
					verdicts[k] = rapid.SampledFrom([]overture.Verdict{overture.Marked, overture.Marked, overture.Marked, overture.Gone, overture.OptedOut, overture.LaneClosed}).Draw(t, "verdict")
					if !failed && verdicts[k] == overture.Marked {
						given[b[k].Token] = true
					} else {
						delete(open, b[k].Message.MessageID)
					}
				}
				both(func(m *core.Machine) { m.TookVerdicts(b, verdicts, now, failed, now) })
			case 5, 6, 7:
				if len(flying) == 0 {
					break
				}
				i := rapid.IntRange(0, len(flying)-1).Draw(t, "task")
				x := flying[i]
				flying = slices.Delete(flying, i, i+1)
				delete(open, x.Message.MessageID)
				r := rapid.SampledFrom([]core.Result{{}, accepted("SM"), failed(overture.NotSent), failed(overture.Throttled), failed(overture.SendUnknown), failed(overture.Refused)}).Draw(t, "result")
				both(func(m *core.Machine) { m.TookEnding(&x, r, now) })
			case 8:
				both(func(m *core.Machine) { m.Renewed(lease, true, false, now, now) })
			case 9:
				if rapid.IntRange(0, 20).Draw(t, "stop") == 0 {
					stopped = true
					both(func(m *core.Machine) { m.Stop() })
				}
			}
			tick()
		}
		stopped = true
		both(func(m *core.Machine) { m.Stop() })
		for _, b := range asked {
			both(func(m *core.Machine) { m.TookVerdicts(b, make([]overture.Verdict, len(b)), now, false, now) })
		}
		asked = nil
		for _, x := range flying {
			both(func(m *core.Machine) { m.TookEnding(&x, core.Result{}, now) })
		}
		flying = nil
		if a, b := machines[0].Tick(now), machines[1].Tick(now); !a.Done || !a.Release || !b.Done {
			t.Fatalf("not done after everything came back: %+v", describe(a))
		}
	})
}

// describe gives orders without pointers.
func describe(o *core.Orders) []any {
	out := []any{o.Settlements, o.Moves, o.Adopt, o.Renew, o.ReadLanes, o.Count, o.Pages, o.ReadDoubts, o.StopSender, o.Done, o.Release, o.WakeIn}
	for _, list := range [][]core.Task{o.Marks, o.Sends} {
		for _, x := range list {
			out = append(out, x.Lane.ID, x.Message.MessageID, x.Attempt, x.Token, x.Marked)
		}
	}
	return out
}
