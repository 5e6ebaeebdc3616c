package core

import (
	"time"

	"github.com/overture-im/overture/internal/kit/mutant"
)

// bucket is a token bucket in segments (R12). It starts empty, so that a takeover cannot send what the dead owner has just sent. What is
// spent in any time t is at most rate × t + 150 ms of it, plus what one message and the answers' reserve overdraw.
type bucket struct {
	rate    int // segments per second; 0: no limit
	tokens  float64
	reserve float64 // what answers may take although campaigns have emptied the bucket
	at      time.Duration
}

// reserveShare is the part of a sender's rate that answers can always have: a campaign in its debt does not hold them up. It is lent by the
// campaigns, not added to the rate.
const reserveShare = 0.2

func newBucket(now time.Duration) bucket { return bucket{at: now} }

// setRate changes the rate without giving away tokens; speed is what the old rate came to.
func (b *bucket) setRate(rate int, now time.Duration, speed float64) {
	if b.rate != rate {
		b.refill(now, speed)
		b.rate = rate
		b.fill()
	}
}

// burst is how much of speed the bucket holds: a tenth of a second's segments, at least one, so that a burst after a pause stays within the
// promise of the rate.
func burst(speed float64) float64 {
	if mutant.On(mutant.RateFromEmptyBucketFull) {
		return max(speed, 1)
	}
	return max(speed/10, 1)
}

// fill is what never happens: the bucket of a new owner is empty.
func (b *bucket) fill() {
	if mutant.On(mutant.RateFromEmptyBucketFull) {
		b.tokens = float64(b.rate)
	}
}

// lateness, in seconds, is by how much whoever waits may wake up late without losing what time brought: timers are not exact.
const lateness = 0.05

// refill adds what time brought.
func (b *bucket) refill(now time.Duration, speed float64) {
	if elapsed := (now - b.at).Seconds(); elapsed > 0 {
		b.tokens = min(b.tokens+elapsed*speed, burst(speed)+speed*lateness)
		b.reserve = min(b.reserve+elapsed*speed*reserveShare, burst(speed*reserveShare))
		b.at = now
	}
}

// slack forgives what floating point adds up.
const slack = 1e-9

// ready tells whether segments may go now at speed; otherwise wait is the time until they may. A message larger than the bucket goes when
// the bucket is full and leaves it in debt. Speed 0 is no limit.
func (b *bucket) ready(segments int, now time.Duration, speed float64, answer bool) (wait time.Duration, ok bool) {
	if speed == 0 {
		return 0, true
	}
	b.refill(now, speed)
	need := min(float64(segments), burst(speed))
	if b.tokens >= need-slack {
		return 0, true
	}
	wait = lasting(need-b.tokens, speed)
	if answer {
		kept := min(float64(segments), burst(speed*reserveShare))
		if b.reserve >= kept-slack {
			return 0, true
		}
		wait = min(wait, lasting(kept-b.reserve, speed*reserveShare))
	}
	return wait, false
}

func lasting(segments, speed float64) time.Duration {
	return time.Duration(segments/speed*float64(time.Second)) + time.Microsecond
}

// take spends segments that are ready.
func (b *bucket) take(segments int, speed float64) {
	if speed == 0 {
		return
	}
	if b.tokens < min(float64(segments), burst(speed))-slack {
		b.reserve -= float64(segments) // an answer that went before its turn
	}
	b.tokens -= float64(segments)
}

// refund gives back what a mark that came to nothing had taken.
func (b *bucket) refund(segments int, speed float64) {
	if speed != 0 {
		b.tokens = min(b.tokens+float64(segments), burst(speed)+speed*lateness)
	}
}
