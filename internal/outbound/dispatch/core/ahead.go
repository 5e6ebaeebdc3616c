package core

import "time"

// ahead is how far the marks may run ahead of the sends. Everything that is marked must be sent before its mark gets old (R2), so it is
// counted in time: what ended during the last moments says how long what waits will wait. A provider that stalls finds few marks waiting,
// and a quick one is not held up by the commits between a mark and its send.
type ahead struct {
	since time.Duration // start of the stretch that is being counted
	ended int           // sends that ended in it
	pace  float64       // of the stretch before, in sends per second
}

const (
	aheadFor    = 100 * time.Millisecond // marks wait about this long for a connection; two commits take half of it on a busy machine
	aheadMost   = 8                      // times the connections, however quick the provider is
	aheadCounts = 2 * aheadFor           // one stretch: what ends at once, because it began at once, must not look like a quick provider
)

// sent counts a send that ended.
func (a *ahead) sent(now time.Duration) {
	a.count(now)
	a.ended++
}

// count ends a stretch that is over. One without ends lasts on, so that a provider that stalls makes the pace sink.
func (a *ahead) count(now time.Duration) {
	if elapsed := now - a.since; elapsed >= aheadCounts {
		a.pace = float64(a.ended) / elapsed.Seconds()
		a.since, a.ended = now, 0
	}
}

// marks is how many more messages than connections may be marked: as many as connections, so that each finds its next message waiting, or
// what goes out within aheadFor.
func (a *ahead) marks(connections int, now time.Duration) int {
	a.count(now)
	least := max(connections, 8)
	return min(max(int(a.pace*aheadFor.Seconds()), least), aheadMost*least)
}

// MostOutstanding is how many messages of a sender may be marked and not yet ended, however quick its provider is, answers included.
func (c Config) MostOutstanding() int {
	most := c.Connections + aheadMost*max(c.Connections, 8)
	return most + max(most/answersRoom, 1)
}
