package core_test

import (
	"testing"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/outbound/dispatch/core"
)

// doubted gives a doubt as its row says.
func (d *desk) doubted(id overture.MessageID, started time.Time, lookups int) overture.Doubt {
	return overture.Doubt{
		DueMessage: overture.DueMessage{Place: overture.Place{LaneID: bigLane, Due: noon, MessageID: id}, NotAfter: noon.Add(24 * time.Hour), Address: "+12125550100"},
		Attempt:    1, Token: "old", StartedAt: started, Since: started, Lookups: lookups,
	}
}

// look gives the Machine doubts that are due and returns the orders.
func (d *desk) look(after time.Duration, doubts ...overture.Doubt) core.Orders {
	d.now = d.now.Add(after)
	d.renew()
	d.m.TookDoubts(doubts, []overture.Lane{campaignLane(bigLane)}, false, d.now)
	return d.tick(0)
}

func sms(id, body string, at time.Time) overture.FoundSend {
	return overture.FoundSend{ProviderID: id, Body: body, CreatedAt: at}
}

// R7: whatever the rows say, what an earlier owner left waits a grace period from its adoption, and the two lookups are apart by our clock.
func TestAdoptedDoubtsWaitByOurOwnClock(t *testing.T) {
	d := sit(t, core.Config{})
	d.open(0)
	long := noon.Add(-48 * time.Hour) // the dead owner's clock was wrong, or it was down for long
	x := d.doubted(1, long, 0)
	o := d.look(time.Second, x)
	if len(o.Lookups) != 0 || len(o.Settlements) != 1 || o.Settlements[0].State != overture.Unknown || !o.Settlements[0].LookupAt.Equal(noon.Add(120*time.Second)) {
		t.Fatalf("at once: %d lookups, %+v", len(o.Lookups), o.Settlements)
	}
	d.now.Wall = d.now.Wall.Add(time.Hour) // somebody sets the clock
	if o = d.look(100*time.Second, x); len(o.Lookups) != 0 {
		t.Fatal("a clock that was set ended the grace period")
	}
	o = d.look(20*time.Second, x)
	if len(o.Lookups) != 1 {
		t.Fatalf("after the grace period: %d lookups", len(o.Lookups))
	}
	if o = d.look(0, x); len(o.Lookups) != 0 {
		t.Error("looked up twice at once")
	}
	s := d.m.TookRecord(&core.Lookup{Doubt: x}, core.Record{Wanted: "Hi"}, d.now)
	if s.State != overture.Unknown || s.Lookups != 1 {
		t.Fatalf("once absent: %+v", s)
	}
	d.tick(0)
	x.Lookups = 1
	if o = d.look(59*time.Second, x); len(o.Lookups) != 0 {
		t.Error("the second lookup came before its time")
	}
	if o = d.look(time.Second, x); len(o.Lookups) != 1 {
		t.Fatal("no second lookup")
	}
	if s = d.m.TookRecord(&o.Lookups[0], core.Record{Wanted: "Hi"}, d.now); s.State != overture.Queued || s.Outcome != "absent" || s.Token != "old" {
		t.Errorf("twice absent: %+v", s)
	}
	d.tick(0)
	if o = d.look(time.Second, x); len(o.Lookups)+len(o.Settlements) != 0 {
		t.Error("looked at again while its settlement is on the way")
	}
}

// A Machine that waits for answers sleeps: a database or a record that takes minutes must not keep a processor busy.
func TestWaitingForAnswersIsNotWork(t *testing.T) {
	d := sit(t, core.Config{})
	if o := d.tick(0); !o.Adopt || !o.ReadLanes {
		t.Fatalf("a new tenure orders %+v", o)
	}
	for range 5 { // nothing is answered
		if o := d.tick(time.Second); o.WakeIn < 100*time.Millisecond {
			t.Fatalf("while everything is asked it wakes in %v", o.WakeIn)
		}
	}
	d.renew()
	d.m.Adopted(0, true, d.now) // refused: again in a second
	o := d.tick(0)
	for range 10 {
		if o.Adopt {
			break
		}
		o = d.tick(o.WakeIn)
	}
	if !o.Adopt {
		t.Fatal("what earlier owners left is not asked for again")
	}

	d = sit(t, core.Config{})
	d.open(0)
	var doubts []overture.Doubt
	for id := range overture.MessageID(100) {
		doubts = append(doubts, d.doubted(id+1, noon, 0))
	}
	d.look(0, doubts...)
	if o := d.look(121*time.Second, doubts...); len(o.Lookups) == 0 || len(o.Lookups) > 50 {
		t.Fatalf("%d lookups of 100", len(o.Lookups))
	}
	for range 5 { // the record does not answer
		if o := d.tick(2 * time.Second); len(o.Lookups)+o.ReadDoubts > 0 || o.WakeIn < 100*time.Millisecond {
			t.Fatalf("%d lookups more, %d doubts, and it wakes in %v", len(o.Lookups), o.ReadDoubts, o.WakeIn)
		}
	}
}

// R7: the grace period of our own attempt counts from the latest time at which it may have left; a process that was frozen in the middle of
// a send sent later than it marked.
func TestGraceOfOurOwnAttempts(t *testing.T) {
	for _, c := range []struct{ frozen, look time.Duration }{{time.Second, 120 * time.Second}, {10 * time.Minute, 10*time.Minute + 100*time.Second}} {
		d := sit(t, core.Config{})
		task := d.one()
		marked := d.now
		d.now = d.now.Add(c.frozen)
		if c.frozen > time.Minute {
			x := d.doubted(task.Message.MessageID, marked.Wall, 0)
			if o := d.look(0, x); len(o.Lookups)+len(o.Settlements) != 0 {
				t.Error("a message that is being sent was looked up")
			}
		}
		s := d.m.TookEnding(&task, failed(overture.SendUnknown), d.now)
		if got := s.LookupAt.Sub(marked.Wall); got != c.look {
			t.Errorf("frozen for %v: first lookup %v after the mark", c.frozen, got)
		}
		d.m.Adopted(0, false, d.now)
		x := d.doubted(task.Message.MessageID, marked.Wall, 0)
		if o := d.look(c.look-c.frozen-time.Millisecond, x); len(o.Lookups) != 0 {
			t.Error("looked up too early")
		}
		if o := d.look(time.Millisecond, x); len(o.Lookups) != 1 {
			t.Error("not looked up")
		}
	}
}

func TestWhatTheRecordProves(t *testing.T) {
	start := noon.Add(-10 * time.Minute)
	for _, c := range []struct {
		what  string
		found []overture.FoundSend
		known map[string]bool
		state overture.State
		id    string
	}{
		{"nothing", nil, nil, overture.Unknown, ""},
		{"the message", []overture.FoundSend{sms("A", "Hi", start)}, nil, overture.Accepted, "A"},
		{"our clock was ahead", []overture.FoundSend{sms("A", "Hi", start.Add(-119*time.Minute))}, nil, overture.Accepted, "A"},
		{"another text", []overture.FoundSend{sms("A", "Ho", start)}, nil, overture.Unknown, ""},
		{"an older one", []overture.FoundSend{sms("A", "Hi", start.Add(-121*time.Minute))}, nil, overture.Unknown, ""},
		{"one of another message", []overture.FoundSend{sms("A", "Hi", start)}, map[string]bool{"A": true}, overture.Unknown, ""},
		{"a test send and ours", []overture.FoundSend{sms("B", "Hi", start.Add(time.Second)), sms("A", "Hi", start)}, map[string]bool{"A": true}, overture.Accepted, "B"},
		{"one whose text was redacted", []overture.FoundSend{sms("A", "", start)}, nil, overture.Unknown, ""},
		{"a redacted one, and the message", []overture.FoundSend{sms("B", "", start), sms("A", "Hi", start)}, nil, overture.Accepted, "A"},
		{"a redacted one of another message", []overture.FoundSend{sms("A", "", start)}, map[string]bool{"A": true}, overture.Unknown, ""},
		{"an older redacted one", []overture.FoundSend{sms("A", "", start.Add(-121*time.Minute))}, nil, overture.Unknown, ""},
		{"a test send whose answer is on its way", []overture.FoundSend{sms("A", "Hi", noon.Add(119*time.Second))}, nil, overture.Unknown, ""},
	} {
		d := sit(t, core.Config{})
		d.open(0)
		o := d.look(2*time.Minute, d.doubted(1, start, 1))
		if len(o.Lookups) != 1 {
			t.Fatalf("%d lookups", len(o.Lookups))
		}
		l := o.Lookups[0]
		l.Doubt.Lookups = 0
		s := d.m.TookRecord(&l, core.Record{Wanted: "Hi", Found: c.found, Known: c.known}, d.now)
		if s.State != c.state || s.ProviderID != c.id {
			t.Errorf("%s: %v %q", c.what, s.State, s.ProviderID)
		}
		young, hidden := c.what == "a test send whose answer is on its way", c.what == "one whose text was redacted"
		if (young || hidden) != (s.State == overture.Unknown && s.Lookups == 0) {
			t.Errorf("%s: %d lookups counted", c.what, s.Lookups)
		}
		if hidden != (s.FailedFor > 0) { // in the end a person decides
			t.Errorf("%s: failed for %v", c.what, s.FailedFor)
		}
	}
}

// One entry of the record proves one doubt.
func TestOneProofForOneDoubt(t *testing.T) {
	d := sit(t, core.Config{})
	d.open(0)
	start := noon.Add(-time.Hour)
	o := d.look(2*time.Minute, d.doubted(1, start, 0), d.doubted(2, start, 0))
	rec := core.Record{Wanted: "Hi", Found: []overture.FoundSend{sms("A", "Hi", start)}}
	a, b := d.m.TookRecord(&o.Lookups[0], rec, d.now), d.m.TookRecord(&o.Lookups[1], rec, d.now)
	if a.State != overture.Accepted || b.State != overture.Unknown {
		t.Errorf("%v and %v by one entry", a.State, b.State)
	}
}

// A doubt is held when its lookups have failed for HoldAfter, not because it is old.
func TestHoldOnlyAfterTrying(t *testing.T) {
	d := sit(t, core.Config{})
	d.open(0)
	x := d.doubted(1, noon.Add(-240*time.Hour), 0)
	tried := time.Duration(0)
	for i := 0; ; i++ {
		after := time.Minute
		if i == 0 {
			after = 2 * time.Minute
		}
		o := d.look(after, x)
		if len(o.Lookups) != 1 {
			t.Fatalf("try %d: %d lookups", i, len(o.Lookups))
		}
		tried += time.Minute
		s := d.m.TookRecord(&o.Lookups[0], core.Record{Failed: true}, d.now)
		d.tick(0)
		if s.State == overture.Held {
			break
		}
		if s.Lookups != 0 || s.FailedFor != tried {
			t.Fatalf("try %d: %+v", i, s)
		}
		x.FailedFor = s.FailedFor
		if i == 700 { // a long downtime does not count
			again := sit(t, core.Config{})
			again.now = d.now.Add(100 * time.Hour)
			again.lease = d.lease
			again.m = core.New(core.Config{}, d.lease, again.now, again.now, always{}, func() string { return "" })
			again.open(0)
			again.tick(time.Minute)
			d = again
		}
	}
	if tried != 24*time.Hour {
		t.Errorf("held after %v of failed lookups", tried)
	}
}

// must_reach is sent again without proof after its own, longer grace, and only by its policy; in a quarantine never.
func TestMustReach(t *testing.T) {
	for _, c := range []struct {
		what        string
		policy      overture.SendPolicy
		quarantined bool
		after       time.Duration
		resent      bool
	}{
		{"in time", overture.MustReach, false, 600 * time.Second, true},
		{"too early", overture.MustReach, false, 599 * time.Second, false},
		{"its lane is closed", overture.MustReach, false, time.Hour, false},
		{"safe", overture.Safe, false, time.Hour, false},
		{"in a quarantine", overture.MustReach, true, time.Hour, false},
	} {
		d := sit(t, core.Config{})
		lane := campaignLane(bigLane)
		lane.Policy = c.policy
		if c.what == "its lane is closed" {
			d.open(0)
		} else {
			d.open(0, lane)
		}
		d.now = d.now.Add(c.after)
		d.renew()
		x := d.doubted(1, noon.Add(-time.Hour), 0)
		x.Quarantined = c.quarantined
		d.m.TookDoubts([]overture.Doubt{x}, []overture.Lane{lane}, false, d.now)
		o := d.tick(0)
		if resent := len(o.Settlements) == 1 && o.Settlements[0].Outcome == "resent_without_proof"; resent != c.resent || resent == (len(o.Lookups) == 1) {
			t.Errorf("%s: resent %v, %d lookups", c.what, resent, len(o.Lookups))
		}
	}
}

// I20: many doubts settle within grace + 60 s + the time that two lookups of each take, eight at a time.
func TestThousandsOfDoubtsSettleInBoundedTime(t *testing.T) {
	const many, one = 3000, 200 * time.Millisecond
	d := sit(t, core.Config{})
	d.open(0)
	rows := map[overture.MessageID]*overture.Doubt{}
	due := map[overture.MessageID]time.Time{}
	for id := overture.MessageID(1); id <= many; id++ {
		x := d.doubted(id, noon.Add(-time.Hour), 0)
		rows[id], due[id] = &x, noon.Add(d.cfg.Grace)
	}
	type flight struct {
		l    core.Lookup
		done time.Duration
	}
	var flying []flight
	busiest := 0
	began := d.now.Mono
	for len(rows) > 0 && d.now.Mono-began < time.Hour {
		o := d.tick(50 * time.Millisecond)
		if o.Renew {
			d.renew()
		}
		for _, s := range o.Settlements {
			if s.State == overture.Unknown {
				rows[s.MessageID].Lookups, due[s.MessageID] = s.Lookups, s.LookupAt
			} else {
				delete(rows, s.MessageID)
			}
		}
		for _, l := range o.Lookups {
			flying = append(flying, flight{l, d.now.Mono + one})
		}
		busiest = max(busiest, len(flying))
		if o.ReadDoubts > 0 {
			var found []overture.Doubt
			for id := overture.MessageID(1); id <= many && len(found) < o.ReadDoubts; id++ {
				if x := rows[id]; x != nil && !due[id].After(d.now.Wall) {
					found = append(found, *x)
				}
			}
			d.m.TookDoubts(found, []overture.Lane{campaignLane(bigLane)}, false, d.now)
		}
		for len(flying) > 0 && flying[0].done <= d.now.Mono {
			d.m.TookRecord(&flying[0].l, core.Record{Wanted: "Hi"}, d.now)
			flying = flying[1:]
		}
	}
	bound := d.cfg.Grace + 60*time.Second + 2*many*one/8*5/4 + 10*time.Second
	if took := d.now.Mono - began; took > bound || busiest > 8 {
		t.Errorf("%d doubts took %v, bound %v; up to %d lookups at once", many, took, bound, busiest)
	}
}
