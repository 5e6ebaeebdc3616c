package dispatch

import "time"

// breaker stops a sender whose provider does not answer sensibly: after breakAfter bad outcomes in a row it opens and lets one probe
// through per pause, which doubles up to breakMax. Without it an outage would turn a whole list into doubts.
type breaker struct {
	bad     int
	until   time.Time
	pause   time.Duration
	probing bool
}

const (
	breakAfter = 10
	breakFirst = time.Second
	breakMax   = 10 * time.Second // F-V2: probe once per 10 s, so recovery takes at most that long
)

// allow tells whether n more messages may go now; otherwise wait says when to ask again.
func (b *breaker) allow(now time.Time) (wait time.Duration, ok bool) {
	if b.bad < breakAfter {
		return 0, true
	}
	if b.probing || now.Before(b.until) {
		return max(b.until.Sub(now), 50*time.Millisecond), false
	}
	b.probing = true
	return 0, true
}

func (b *breaker) open() bool { return b.bad >= breakAfter }

// success closes the breaker.
func (b *breaker) success() { *b = breaker{} }

// failure counts an outcome that says the provider is in trouble: unreachable or unknown.
func (b *breaker) failure(now time.Time) {
	b.bad++
	if b.bad < breakAfter {
		return
	}
	switch {
	case b.pause == 0:
		b.pause = breakFirst
	case b.probing:
		b.pause = min(2*b.pause, breakMax)
	}
	b.probing = false
	b.until = now.Add(b.pause)
}
