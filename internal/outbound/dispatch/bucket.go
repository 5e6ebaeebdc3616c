package dispatch

import "time"

// bucket is a token bucket in segments (R12). It starts empty, so that a takeover cannot send what the dead owner has just sent.
// Not safe for concurrent use: one runner owns it.
type bucket struct {
	rate   float64 // segments per second; 0: no limit
	factor float64 // 1 normally; halved by a provider's 429, recovering slowly (AIMD)
	tokens float64
	at     time.Time
}

func newBucket(rate int, now time.Time) *bucket {
	return &bucket{rate: float64(rate), factor: 1, at: now}
}

// setRate changes the rate without giving away tokens.
func (b *bucket) setRate(rate int, now time.Time) {
	if b.rate != float64(rate) {
		b.refill(now)
		b.rate = float64(rate)
	}
}

func (b *bucket) speed() float64 { return b.rate * b.factor }

// refill adds what time brought. The bucket holds at most a tenth of a second's segments, at least one message's worth (10 segments is
// Twilio's longest), so a burst after a pause stays within the promise of the rate.
func (b *bucket) refill(now time.Time) {
	if elapsed := now.Sub(b.at).Seconds(); elapsed > 0 {
		b.tokens = min(b.tokens+elapsed*b.speed(), max(b.speed()/10, 1))
		b.at = now
	}
	if b.factor < 1 {
		b.factor = min(1, b.factor+0.0005)
	}
}

// ready tells whether segments may go now; otherwise wait is the time until they may. A message larger than the bucket goes when the
// bucket is full and leaves it in debt.
func (b *bucket) ready(segments int, now time.Time) (wait time.Duration, ok bool) {
	if b.rate == 0 {
		return 0, true
	}
	b.refill(now)
	need := min(float64(segments), max(b.speed()/10, 1))
	if b.tokens >= need-1e-9 {
		return 0, true
	}
	return max(time.Duration((need-b.tokens)/b.speed()*float64(time.Second)), time.Millisecond), false
}

func (b *bucket) take(segments int) {
	if b.rate != 0 {
		b.tokens -= float64(segments)
	}
}

// refund gives back what a mark that came to nothing had taken.
func (b *bucket) refund(segments int) {
	if b.rate != 0 {
		b.tokens += float64(segments)
	}
}

// slow halves the speed after a 429.
func (b *bucket) slow() { b.factor = max(b.factor/2, 0.02) }
