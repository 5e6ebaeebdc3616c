package core_test

import (
	"testing"
	"time"

	"github.com/overture-im/overture/internal/outbound/dispatch/core"
)

// A campaign that was just launched has a lane that nobody has read yet. The wake-up has it read, not the next look of the clock.
func TestAWakeUpReadsTheLanesAnew(t *testing.T) {
	d := sit(t, core.Config{})
	d.open(1000)
	if o := d.tick(30 * time.Millisecond); o.ReadLanes {
		t.Fatal("the lanes are read without a reason")
	}
	d.m.Woken()
	if o := d.tick(0); !o.ReadLanes {
		t.Fatal("a wake-up reads no lanes")
	}
	// Woken while they are being read: what is new may have come too late for that.
	d.tick(30 * time.Millisecond)
	d.m.Woken()
	d.m.TookLanes(core.LanesRead{Rate: 1000}, d.now)
	if o := d.tick(0); !o.ReadLanes {
		t.Error("a wake-up during a read is lost")
	}
	d.m.TookLanes(core.LanesRead{Rate: 1000}, d.now)
	// The planner of a long list wakes again and again.
	reads := 0
	for range 500 {
		d.m.Woken()
		if d.tick(time.Millisecond).ReadLanes {
			reads++
			d.m.TookLanes(core.LanesRead{Rate: 1000}, d.now)
		}
	}
	if reads < 20 || reads > 26 {
		t.Errorf("%d reads in half a second of wake-ups, want one every 20 ms", reads)
	}
}
