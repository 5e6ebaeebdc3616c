package core_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/outbound/dispatch/core"
)

// R1: only what came back marked is sent, and only while the mark is young and the lease ours (R2).
func TestOnlyMarkedMessagesAreSent(t *testing.T) {
	for _, v := range []overture.Verdict{overture.Gone, overture.OptedOut, overture.InTalk, overture.Capped, overture.LaneClosed, overture.LeaseLost, overture.NotStored} {
		d := sit(t, core.Config{})
		d.open(0, campaignLane(bigLane))
		d.fill(bigLane, 3, 1)
		d.mark(d.tick(time.Millisecond).Marks, v)
		o := d.tick(time.Millisecond)
		if len(o.Sends) != 0 {
			t.Errorf("verdict %d led to %d sends", v, len(o.Sends))
		}
		if done := v == overture.LeaseLost; o.Done != done || o.Release {
			t.Errorf("verdict %d: done %v, release %v", v, o.Done, o.Release)
		}
	}
	d := sit(t, core.Config{})
	d.open(0, campaignLane(bigLane))
	d.fill(bigLane, 3, 1)
	tasks := d.tick(time.Millisecond).Marks
	d.m.TookVerdicts(tasks, nil, core.Moment{}, true, d.now)
	if o := d.tick(time.Millisecond); len(o.Sends) != 0 || len(o.Marks) != 0 {
		t.Errorf("marks without an answer led to %d sends, %d marks", len(o.Sends), len(o.Marks))
	}
}

func TestMaySend(t *testing.T) {
	d := sit(t, core.Config{})
	task := d.one()
	task.Message.Due = d.now.Wall.Add(-time.Hour)
	for _, c := range []struct {
		what string
		mono time.Duration
		wall time.Duration
		may  bool
	}{
		{"at once", 0, 0, true},
		{"just inside the deadline", 5 * time.Second, 5 * time.Second, true},
		{"after the deadline", 5001 * time.Millisecond, 5001 * time.Millisecond, false},
		{"after a suspension that the monotonic clock slept through", 0, time.Minute, false},
		{"a clock set back an hour does not make a mark younger", 6 * time.Second, -time.Hour, false},
		{"a clock set back to the opening of the window does no harm", time.Second, -time.Hour, true},
		{"a clock put right, by which the window has not opened", time.Second, -time.Hour - time.Millisecond, false},
	} {
		now := core.Moment{Mono: d.now.Mono + c.mono, Wall: d.now.Wall.Add(c.wall)}
		if may := d.m.MaySend(&task, now); may != c.may {
			t.Errorf("%s: %v", c.what, may)
		}
	}
	task.Message.NotAfter = d.now.Wall.Add(time.Second)
	if d.m.MaySend(&task, d.now.Add(2*time.Second)) {
		t.Error("a send began after its window closed")
	}
	d.m.Lost()
	if d.m.MaySend(&task, d.now) {
		t.Error("a send began after the lease was lost")
	}
}

// R2: a lease that is not renewed ends the sends and the marks by itself.
func TestALeaseThatIsNotRenewedEndsByItself(t *testing.T) {
	d := sit(t, core.Config{LeaseTTL: 4 * time.Second, SendDeadline: 5 * time.Second})
	task := d.one()
	d.fill(bigLane, 3, 1)
	if d.m.MaySend(&task, d.now.Add(4*time.Second)) {
		t.Error("a send began after the lease was over")
	}
	if o := d.tick(4 * time.Second); len(o.Marks) != 0 || !o.Renew {
		t.Errorf("%d marks without a lease; renew %v", len(o.Marks), o.Renew)
	}
	d.m.Renewed(overture.Lease{}, false, true, d.now, d.now) // an error is no answer
	if o := d.tick(time.Second); !o.Renew || o.Done {
		t.Errorf("after a failed renewal: renew %v, done %v", o.Renew, o.Done)
	}
	d.renew()
	if o := d.tick(time.Millisecond); len(o.Marks) != 3 {
		t.Errorf("%d marks after the renewal, want 3", len(o.Marks))
	}
	d.m.Renewed(overture.Lease{SenderID: sender, Owner: "a", Epoch: 5}, true, false, d.now, d.now)
	if o := d.tick(time.Second); len(o.Marks) != 0 {
		t.Error("marks under another epoch")
	}
}

// Stop: nothing new is marked, what is marked is sent and settled, then the lease is given back.
func TestStopDrains(t *testing.T) {
	d := sit(t, core.Config{Connections: 1})
	task := d.one()
	d.fill(bigLane, 50, 1)
	asked := d.tick(time.Millisecond).Marks
	d.m.Stop()
	d.mark(asked, overture.Marked)
	o := d.tick(time.Millisecond)
	if len(o.Marks) != 0 || len(o.Sends) != len(asked) || o.Done || len(o.Settlements) != 0 {
		t.Fatalf("while stopping: %d marks, %d of %d sends, %d settlements, done %v", len(o.Marks), len(o.Sends), len(asked), len(o.Settlements), o.Done)
	}
	for _, x := range append(o.Sends, task) {
		d.m.TookEnding(&x, accepted(fmt.Sprint("SM", x.Message.MessageID)), d.now)
	}
	if o = d.tick(0); !o.Done || !o.Release || len(o.Settlements) != len(asked)+1 {
		t.Errorf("done %v, release %v, %d settlements", o.Done, o.Release, len(o.Settlements))
	}
}

// R9: what is past its window or validity is moved or ended, not marked.
func TestWhatIsLateIsMoved(t *testing.T) {
	d := sit(t, core.Config{})
	lane := campaignLane(bigLane)
	lane.ExpiresAt = noon.Add(time.Hour)
	d.open(0, lane, overture.Lane{ID: replyLane, SenderID: sender})
	page := func(id overture.LaneID, notAfter time.Time) {
		d.ids++
		d.m.TookPage(core.Page{Lane: id, Due: []overture.DueMessage{{Place: overture.Place{LaneID: id, Due: noon, MessageID: d.ids}, NotAfter: notAfter}}}, d.now)
	}
	page(bigLane, noon)
	o := d.tick(time.Millisecond)
	if len(o.Marks) != 0 || len(o.Moves) != 1 || o.Moves[0].State != overture.Queued || !o.Moves[0].NotAfter.After(noon) {
		t.Errorf("a closed window: %d marks, moves %+v", len(o.Marks), o.Moves)
	}
	page(replyLane, noon)
	if o = d.tick(30 * time.Millisecond); len(o.Moves) != 1 || o.Moves[0].State != overture.Expired {
		t.Errorf("an answer too late: %+v", o.Moves)
	}
	d.now = d.now.Add(time.Hour)
	d.renew()
	page(bigLane, noon.Add(2*time.Hour))
	if o = d.tick(time.Millisecond); len(o.Moves) != 1 || o.Moves[0].State != overture.Expired || o.Moves[0].Reason != overture.ReasonValidityOver {
		t.Errorf("after the validity: %+v", o.Moves)
	}
}

func TestHeldTalksAreMoved(t *testing.T) {
	d := sit(t, core.Config{})
	lane := campaignLane(bigLane)
	lane.OpenConversation = overture.OpenConversationHold
	d.open(0, lane)
	d.fill(bigLane, 1, 1)
	o := d.tick(time.Millisecond)
	if mark := d.m.Mark(&o.Marks[0], d.now); !mark.HoldTalks || mark.SkipTalks || !mark.LookupAt.Equal(d.now.Wall.Add(d.cfg.Grace)) {
		t.Errorf("mark %+v", mark)
	}
	d.mark(o.Marks, overture.InTalk)
	if o = d.tick(0); len(o.Moves) != 1 || !o.Moves[0].NewDue.Equal(d.now.Wall.Add(10*time.Minute)) {
		t.Errorf("moves %+v", o.Moves)
	}
}

// Back-pressure: a sender with too many doubts marks nothing new.
func TestDoubtsHoldUpNewMarks(t *testing.T) {
	d := sit(t, core.Config{MaxDoubts: 10})
	d.open(0, campaignLane(bigLane))
	d.m.TookCount(11, false, d.now)
	d.fill(bigLane, 1, 1)
	if o := d.tick(time.Millisecond); len(o.Marks) != 0 {
		t.Error("marked beside 11 doubts")
	}
	d.m.TookCount(10, false, d.now)
	if o := d.tick(time.Second); len(o.Marks) != 1 {
		t.Error("not marked beside 10 doubts")
	}
}

func TestIdleTenureEnds(t *testing.T) {
	d := sit(t, core.Config{})
	d.open(0, campaignLane(bigLane))
	d.m.TookPage(core.Page{Lane: bigLane}, d.now)
	if o := d.tick(2900 * time.Millisecond); o.Done {
		t.Error("done at once")
	}
	if o := d.tick(200 * time.Millisecond); !o.Done || o.Release {
		t.Errorf("done %v, release %v after three idle seconds", o.Done, o.Release)
	}
}

// A page that comes twice, or overlaps with what is being sent, gives each message one turn.
func TestAMessageIsTakenOnce(t *testing.T) {
	d := sit(t, core.Config{})
	d.one()
	d.ids = 0
	d.fill(bigLane, 2, 1) // number 1 is being sent
	d.ids = 0
	d.fill(bigLane, 2, 1)
	if o := d.tick(time.Millisecond); len(o.Marks) != 1 || o.Marks[0].Message.MessageID != 2 {
		t.Errorf("%d marks", len(o.Marks))
	}
}

// A tenure that is lost waits for the answers to what it sent: nothing of it is due by time.
func TestALostTenureDoesNotSpin(t *testing.T) {
	d := sit(t, core.Config{})
	d.one()
	d.m.Lost()
	if o := d.tick(time.Minute); o.Done || o.WakeIn < time.Minute {
		t.Errorf("done %v, wakes in %v while a send is outstanding", o.Done, o.WakeIn)
	}
}

// Settlements that cannot be written hold up the marks, and only for as long as somebody says so.
func TestNothingIsMarkedWhileResultsAreUnwritten(t *testing.T) {
	d := sit(t, core.Config{})
	d.open(0, campaignLane(bigLane))
	d.fill(bigLane, 3, 1)
	d.m.ResultsUnwritten(d.now)
	if o := d.tick(400 * time.Millisecond); len(o.Marks) != 0 {
		t.Errorf("%d marks", len(o.Marks))
	}
	if o := d.tick(200 * time.Millisecond); len(o.Marks) == 0 {
		t.Error("no marks when they are written again")
	}
}
