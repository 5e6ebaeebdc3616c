package core

import "time"

// breaker stops a sender whose provider does not answer sensibly: after breakAfter bad outcomes in a row it opens and lets one probe
// through per pause, which doubles up to breakMax. Without it an outage would turn a whole list into doubts.
type breaker struct {
	bad     int
	until   time.Duration
	pause   time.Duration
	probing bool
}

const (
	breakAfter = 10
	breakFirst = time.Second
	breakMax   = 10 * time.Second // F-V2: probe once per 10 s, so recovery takes at most that long
)

// allow tells whether one more message may go now; otherwise wait says when to ask again.
func (b *breaker) allow(now time.Duration) (wait time.Duration, ok bool) {
	if !b.open() {
		return 0, true
	}
	if b.probing || now < b.until {
		return max(b.until-now, 50*time.Millisecond), false
	}
	b.probing = true
	return 0, true
}

func (b *breaker) open() bool { return b.bad >= breakAfter }

// success closes the breaker.
func (b *breaker) success() { *b = breaker{} }

// rest opens the breaker at least until a moment that the provider asked for.
func (b *breaker) rest(until time.Duration) {
	b.bad = max(b.bad, breakAfter)
	b.until, b.pause = max(b.until, until), max(b.pause, breakFirst)
}

// nothing says that a probe came to nothing: the next one may go.
func (b *breaker) nothing() { b.probing = false }

// failure counts an outcome that says the provider is in trouble: unreachable or unknown.
func (b *breaker) failure(now time.Duration) {
	b.bad++
	if !b.open() {
		return
	}
	switch {
	case b.pause == 0:
		b.pause = breakFirst
	case b.probing:
		b.pause = min(2*b.pause, breakMax)
	}
	b.probing = false
	b.until = now + b.pause
}
