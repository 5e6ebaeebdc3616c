package core

import "time"

// pace is how fast a sender goes compared to its rate: additive increase, multiplicative decrease by the provider's 429 (R12). Both are by
// time, not by how often somebody looks.
type pace struct {
	factor   float64       // 1: full speed
	raised   time.Duration // when factor was raised last
	slowed   time.Duration // when it was halved last
	paused   time.Duration // when a 429 made it pause last
	refusals int           // pauses since the last acceptance
	until    time.Duration // nothing is marked before
	ceiling  float64       // of a sender without a rate: what it was doing when it was slowed first; 0: no limit
	second   time.Duration // start of the second that is being measured
	now, was float64       // segments of this second and of the one before
}

const (
	recovery    = 0.05                   // of full speed, per second
	slowest     = 0.02                   // of full speed
	slowEvery   = time.Second            // one halving at most
	firstPause  = 100 * time.Millisecond // after a 429 that does not say how long; doubles
	longPause   = 30 * time.Second       // of those
	longestWish = time.Minute            // what a provider may ask for
	limitless   = 4                      // times the measured speed without a 429: the limit is over
)

func newPace(now time.Duration) pace {
	return pace{factor: 1, raised: now, slowed: -slowEvery, paused: -1, second: now}
}

// speed in segments per second of a sender with rate; 0 is no limit.
func (p *pace) speed(rate int) float64 {
	if rate == 0 {
		return p.ceiling * p.factor
	}
	return float64(rate) * min(p.factor, 1)
}

// rise lets time bring the speed back.
func (p *pace) rise(now time.Duration, rate int) {
	elapsed := now - p.raised
	p.raised = now
	switch {
	case p.factor < 1:
		p.factor = min(1, p.factor+recovery*elapsed.Seconds())
	case rate == 0 && p.ceiling > 0:
		if p.factor += recovery * elapsed.Seconds(); p.factor >= limitless {
			p.ceiling, p.factor = 0, 1
		}
	default:
		p.factor = 1
	}
}

// spent measures what a sender without a rate does.
func (p *pace) spent(segments int, now time.Duration) {
	if elapsed := now - p.second; elapsed >= time.Second {
		p.was = p.now
		if elapsed >= 2*time.Second {
			p.was = 0
		}
		p.now, p.second = 0, now
	}
	p.now += float64(segments)
}

// throttled slows the sender after a 429 for a request marked at marked. Requests that were under way when it paused last say nothing new.
// Any other pauses it, longer each time until something is accepted, and halves the speed at most once a second. It obeys asked in any case.
func (p *pace) throttled(asked, marked, now time.Duration, rate int) {
	if asked > 0 {
		p.until = max(p.until, now+min(asked, longestWish))
	}
	if marked <= p.paused {
		return
	}
	p.paused = now
	p.refusals++
	if asked == 0 {
		p.until = max(p.until, now+min(firstPause<<min(p.refusals-1, 10), longPause))
	}
	if now-p.slowed < slowEvery {
		return
	}
	p.slowed = now
	if rate == 0 && p.ceiling == 0 {
		p.ceiling = max(p.was, p.now, 1)
	}
	p.factor = max(min(p.factor, limitless)/2, slowest)
}

// accepted says that the provider takes messages again.
func (p *pace) accepted() { p.refusals = 0 }
