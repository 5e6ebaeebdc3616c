package app

import (
	"testing"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/outbound/dispatch/core"
)

func TestHealthOfASender(t *testing.T) {
	t.Parallel()
	now := time.UnixMilli(1_000_000)
	past, later := now.Add(-time.Minute), now.Add(time.Minute)
	full := core.Snapshot{Speed: 1, Rate: 10}
	for name, x := range map[string]struct {
		standing overture.SenderStanding
		shot     core.Snapshot
		here     bool
		want     string
	}{
		"nothing to do":             {overture.SenderStanding{}, core.Snapshot{}, false, "idle"},
		"stopped wins":              {overture.SenderStanding{Sender: overture.Sender{Stopped: true, StopReason: "r"}, FirstDue: past, LeaseUntil: later}, full, true, "stopped"},
		"works here":                {overture.SenderStanding{FirstDue: past, LeaseUntil: later}, full, true, "sending"},
		"works on another node":     {overture.SenderStanding{FirstDue: past, LeaseUntil: later}, core.Snapshot{}, false, "sending"},
		"nobody has taken it yet":   {overture.SenderStanding{FirstDue: past, LeaseUntil: past}, core.Snapshot{}, false, "waiting"},
		"for its window":            {overture.SenderStanding{FirstDue: later, Waiting: 5, LeaseUntil: later}, full, true, "waiting"},
		"the breaker is open":       {overture.SenderStanding{FirstDue: past, LeaseUntil: later}, core.Snapshot{Speed: 0.5, BreakerOpen: true, Why: "w"}, true, "troubled"},
		"the database cannot write": {overture.SenderStanding{FirstDue: past, LeaseUntil: later}, core.Snapshot{Speed: 1, Why: "w"}, true, "troubled"},
		"slowed":                    {overture.SenderStanding{FirstDue: past, LeaseUntil: later}, core.Snapshot{Speed: 0.5, Why: "w"}, true, "slowed"},
	} {
		if got := healthOf(x.standing, x.shot, x.here, now); got.State != x.want {
			t.Errorf("%s: %s, want %s", name, got.State, x.want)
		}
	}
}

func TestPulse(t *testing.T) {
	t.Parallel()
	p := newPulse()
	at := time.Unix(1000, 0)
	for i := range 90 {
		p.count(1, at.Add(time.Duration(i)*100*time.Millisecond)) // nine seconds, ten a second
	}
	if got := p.rate(1, at.Add(9*time.Second)); got != 10 {
		t.Errorf("rate = %v, want 10", got)
	}
	if got := p.rate(1, at.Add(30*time.Second)); got != 0 {
		t.Errorf("rate of the past = %v, want 0", got)
	}
	if got := p.rate(2, at); got != 0 {
		t.Errorf("another sender's rate = %v", got)
	}
}
