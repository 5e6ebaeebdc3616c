package core

import (
	"testing"
	"time"
)

// Marks run ahead of the sends by what goes out in aheadFor: as many as connections at least, nine times at most, and a provider that
// stalls finds few of them waiting.
func TestMarksRunAheadByTime(t *testing.T) {
	const connections = 100
	var a ahead
	now := time.Duration(0)
	run := func(perSecond int, d time.Duration) int {
		for end := now + d; now < end; now += time.Second / time.Duration(perSecond) {
			a.sent(now)
		}
		return a.marks(connections, now)
	}
	for _, c := range []struct{ perSecond, want int }{{50, 100}, {1000, 100}, {5000, 500}, {20_000, 800}, {3000, 300}} {
		if got := run(c.perSecond, time.Second); got < c.want*9/10 || got > c.want*11/10 {
			t.Errorf("%d marks wait at %d/s, want about %d", got, c.perSecond, c.want)
		}
	}
	run(20_000, time.Second)
	for range 2 { // the provider stalls
		now += 2 * aheadCounts
		a.count(now)
	}
	if got := a.marks(connections, now); got != connections {
		t.Errorf("%d marks wait for a provider that stalls, want %d", got, connections)
	}
}
