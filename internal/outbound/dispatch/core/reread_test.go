package core

import (
	"testing"
	"time"

	"github.com/overture-im/overture"
)

// TestALaneInDoubtIsNotReadWithoutEnd: the earliest row of the lane is due and in flight, so that a page has nothing in it.
func TestALaneInDoubtIsNotReadWithoutEnd(t *testing.T) {
	now := Moment{Wall: time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)}
	m := New(Config{}, overture.Lease{SenderID: 1, Owner: "me", Epoch: 1}, now, now, nil, nil)
	lane := overture.Lane{ID: 1, CampaignID: 1}
	reads := 0
	for now.Mono < 5*time.Second {
		o := m.Tick(now)
		if o.Renew {
			m.Renewed(m.Lease(), true, false, now, now)
		}
		if o.Adopt {
			m.Adopted(1, false, now)
		}
		if o.ReadLanes {
			m.TookLanes(LanesRead{Lanes: []overture.Lane{lane}}, now)
		}
		if o.Count {
			m.TookCount(1, false, now)
		}
		for _, p := range o.Pages {
			reads++
			m.TookPage(Page{Lane: p.Lane, NextDue: now.Wall.Add(-time.Minute)}, now)
		}
		if o.ReadDoubts > 0 {
			m.TookDoubts(nil, nil, false, now)
		}
		now = now.Add(min(max(o.WakeIn, time.Millisecond), time.Second))
	}
	if reads > 10 {
		t.Errorf("%d reads in 5 s", reads)
	}
}

// TestAClockThatWasAheadFindsItsOwnMessage: the marker says an hour later than the provider's record.
func TestAClockThatWasAheadFindsItsOwnMessage(t *testing.T) {
	now := Moment{Mono: time.Hour, Wall: time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)}
	m := New(Config{}, overture.Lease{SenderID: 1, Owner: "me", Epoch: 1}, now, now, nil, nil)
	ahead := now.Wall.Add(time.Hour)
	d := overture.Doubt{DueMessage: overture.DueMessage{Place: overture.Place{MessageID: 7}}, StartedAt: ahead, Since: ahead}
	s := m.TookRecord(&Lookup{Doubt: d}, Record{
		Wanted: "hi", Found: []overture.FoundSend{{ProviderID: "SM1", Body: "hi", CreatedAt: now.Wall.Add(-3 * time.Minute)}},
	}, now)
	if s.State != overture.Accepted || s.ProviderID != "SM1" {
		t.Errorf("%v %q, want accepted SM1", s.State, s.ProviderID)
	}
}
