package core

import (
	"testing"
	"time"

	"github.com/overture-im/overture"
)

// What is remembered of doubts is bounded, and forgetting makes a doubt wait longer, never shorter.
func TestForgottenDoubtsWaitLonger(t *testing.T) {
	m := New(Config{}, overture.Lease{SenderID: 1, Epoch: 1}, Moment{}, Moment{}, nil, nil)
	m.tenure.adopted = true
	at := func(d time.Duration) Moment { return Moment{Mono: d, Wall: time.UnixMilli(0).Add(d)} }
	for i := range maxRemembered + 10 {
		known := m.doubts.remember(overture.MessageID(i+1), time.Duration(i))
		known.looked = time.Hour + time.Duration(i)
	}
	m.doubts.memory[5].at = true // in hand: its end comes back
	m.doubts.forgetDecided(2 * time.Hour)
	if n := len(m.doubts.memory); n != 1 {
		t.Fatalf("%d remembered, want the one in hand", n)
	}
	doubt := overture.Doubt{Lookups: 1}
	doubt.MessageID = 7
	m.TookDoubts([]overture.Doubt{doubt}, nil, false, at(time.Hour+m.cfg.LookupSpacing))
	if len(m.doubts.waiting) != 0 {
		t.Error("asked the second time sooner than the spacing after the latest first time that was forgotten")
	}
	m.TookDoubts([]overture.Doubt{doubt}, nil, false, at(time.Hour+m.cfg.LookupSpacing+time.Duration(maxRemembered+10)))
	if len(m.doubts.waiting) != 1 {
		t.Error("not asked after the spacing")
	}
}
