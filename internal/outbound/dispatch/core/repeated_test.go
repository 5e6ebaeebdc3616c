package core_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/outbound/dispatch/core"
)

// An answer with the id of another message proves nothing: it is looked up like every doubt, however long ago the id was first seen.
func TestAnIDThatComesTwiceIsADoubt(t *testing.T) {
	d := sit(t, core.Config{})
	d.open(0, campaignLane(bigLane))
	end := func(id string) overture.State {
		d.fill(bigLane, 1, 1)
		d.mark(d.tick(time.Millisecond).Marks, overture.Marked)
		o := d.tick(0)
		if len(o.Sends) != 1 {
			t.Fatalf("%d sends of one message", len(o.Sends))
		}
		s := d.m.TookEnding(&o.Sends[0], accepted(id), d.now)
		if s.State == overture.Unknown && (s.ProviderID != "" || !s.LookupAt.After(d.now.Wall)) {
			t.Fatalf("a doubt with the id %q, looked up at %v", s.ProviderID, s.LookupAt)
		}
		if d.tick(0).Renew {
			d.renew()
		}
		return s.State
	}
	if got := end("SM1"); got != overture.Accepted {
		t.Fatalf("the first is %v", got)
	}
	if got := end("SM1"); got != overture.Unknown {
		t.Errorf("the second with the same id is %v", got)
	}
	for i := range 5000 {
		if got := end(fmt.Sprint("SMother", i)); got != overture.Accepted {
			t.Fatalf("another id is %v", got)
		}
	}
	if got := end("SM1"); got != overture.Unknown {
		t.Errorf("an id seen 5,000 answers ago is %v", got)
	}
}
