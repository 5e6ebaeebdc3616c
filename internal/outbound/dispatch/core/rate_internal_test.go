package core

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// R12: in any stretch of time, at most rate × time and a bounded burst is spent, whatever goes through, answers included.
func TestRateIsNeverExceeded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rate := rapid.SampledFrom([]int{1, 2, 10, 100, 1000, 4000}).Draw(t, "rate")
		speed := float64(rate)
		b := newBucket(0)
		b.setRate(rate, 0, speed)
		type spend struct {
			at       time.Duration
			segments float64
		}
		var spent []spend
		now := time.Duration(0)
		for range rapid.IntRange(1, 150).Draw(t, "steps") {
			now += time.Duration(rapid.IntRange(0, 400_000).Draw(t, "microseconds")) * time.Microsecond
			segments, answer := rapid.IntRange(1, 10).Draw(t, "segments"), rapid.IntRange(0, 3).Draw(t, "answer") == 0
			if _, ok := b.ready(segments, now, speed, answer); ok {
				b.take(segments, speed)
				spent = append(spent, spend{now, float64(segments)})
			}
		}
		bound := burst(speed) + speed*lateness + burst(speed*reserveShare) + 2*10
		for i := range spent {
			sum := 0.0
			for _, s := range spent[i:] {
				if sum += s.segments; sum > speed*(s.at-spent[i].at).Seconds()+bound+slack {
					t.Fatalf("%v segments in %v at %d/s", sum, s.at-spent[i].at, rate)
				}
			}
		}
	})
}

// A takeover starts with an empty bucket.
func TestBucketStartsEmpty(t *testing.T) {
	b := newBucket(time.Hour)
	b.setRate(100, time.Hour, 0)
	if _, ok := b.ready(1, time.Hour, 100, true); ok {
		t.Error("something may go at once after a takeover")
	}
	if wait, ok := b.ready(1, time.Hour, 100, false); ok || wait > 11*time.Millisecond {
		t.Errorf("the first waits %v", wait)
	}
}

// With work there is, every ten seconds bring the rate within 2 %, and never more than it and the burst: although whoever waits wakes up late
// by as much as the bucket forgives, several are taken at one look, and now and then a mark comes to nothing and is paid back.
func TestRateIsExact(t *testing.T) {
	const window, end = 10 * time.Second, 40 * time.Second
	rapid.Check(t, func(t *rapid.T) {
		rate := rapid.IntRange(1, 4000).Draw(t, "rate")
		latest := rapid.IntRange(0, int(lateness/time.Microsecond.Seconds())).Draw(t, "microseconds late")
		returned := rapid.IntRange(0, 10).Draw(t, "percent returned")
		chance := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		speed := float64(rate)
		b := newBucket(0)
		b.setRate(rate, 0, 0)
		var spent []time.Duration
		for now := time.Duration(0); now < end; {
			wait, ok := b.ready(1, now, speed, false)
			switch {
			case !ok:
				now += max(wait, time.Millisecond) + time.Duration(chance.IntN(latest+1))*time.Microsecond
			case chance.IntN(100) < returned:
				b.take(1, speed)
				b.refund(1, speed)
			default:
				b.take(1, speed)
				spent = append(spent, now)
			}
		}
		between := func(from, to time.Duration) float64 {
			first, _ := slices.BinarySearch(spent, from)
			last, _ := slices.BinarySearch(spent, to)
			return float64(last - first)
		}
		expected := speed * window.Seconds() // and one, which is what counting whole messages costs
		for from := time.Second; from+window <= end; from += 100 * time.Millisecond {
			if n := between(from, from+window); n < 0.98*expected-1 || n > 1.02*expected+1 {
				t.Fatalf("%v in the ten seconds from %v at %d/s", n, from, rate)
			}
		}
		for _, from := range spent {
			if n := between(from, from+window); n > expected+burst(speed)+speed*lateness+1 {
				t.Fatalf("%v in the ten seconds from %v at %d/s", n, from, rate)
			}
		}
	})
}

func TestAnswersDoNotWaitForACampaignsDebt(t *testing.T) {
	b := newBucket(0)
	b.setRate(10, 0, 0)
	now := 5 * time.Second
	if _, ok := b.ready(10, now, 10, false); !ok {
		t.Fatal("the long message does not go")
	}
	b.take(10, 10)
	if wait, ok := b.ready(1, now, 10, false); ok || wait < 900*time.Millisecond {
		t.Errorf("the next of the campaign waits %v", wait)
	}
	if _, ok := b.ready(1, now, 10, true); !ok {
		t.Error("an answer waits for the campaign")
	}
	b.take(1, 10)
	if wait, ok := b.ready(1, now, 10, true); ok || wait > 501*time.Millisecond {
		t.Errorf("the second answer waits %v; a fifth of 10/s is one per 500 ms", wait)
	}
}

// A burst of 429s, as many as there are connections, is one slow-down; the speed comes back with time, not with looks.
func TestPace(t *testing.T) {
	p := newPace(0)
	now := 10 * time.Second
	for range 128 {
		p.throttled(0, 9*time.Second, now, 100)
	}
	if p.speed(100) != 50 || p.until != now+firstPause {
		t.Fatalf("after a burst of 429s: %v/s, pause %v", p.speed(100), p.until-now)
	}
	now += 900 * time.Millisecond
	p.throttled(0, now-time.Millisecond, now, 100)
	if p.speed(100) != 50 {
		t.Error("halved twice within a second")
	}
	if p.until != now+2*firstPause {
		t.Errorf("a second wave of 429s pauses for %v", p.until-now)
	}
	now += 200 * time.Millisecond
	p.throttled(0, 10*time.Second-1, now, 100)
	if p.speed(100) != 50 {
		t.Error("a request from before the slow-down halved the speed again")
	}
	p.throttled(0, now-time.Millisecond, now, 100)
	if p.speed(100) != 25 || p.until != now+4*firstPause {
		t.Errorf("the next: %v/s, pause %v", p.speed(100), p.until-now)
	}
	p.throttled(7*time.Second, now, now, 100)
	if p.until != now+7*time.Second {
		t.Errorf("Retry-After of 7 s became %v", p.until-now)
	}
	p.throttled(time.Hour, now, now, 100)
	if p.until != now+longestWish {
		t.Errorf("Retry-After of an hour became %v", p.until-now)
	}
	p.raised = now
	slow := p
	for range 1000 {
		now += 10 * time.Millisecond
		p.rise(now, 100)
	}
	slow.rise(now, 100)
	if diff := p.factor - slow.factor; diff > 1e-6 || diff < -1e-6 || p.speed(100) < 74.9 || p.speed(100) > 75.1 {
		t.Errorf("ten seconds later: %v/s with a thousand looks, %v/s with one", p.speed(100), slow.speed(100))
	}
	p.rise(now+time.Minute, 100)
	if p.speed(100) != 100 {
		t.Errorf("a minute later %v/s", p.speed(100))
	}
}

// A sender without a rate is slowed too: from what it was doing.
func TestPaceOfASenderWithoutRate(t *testing.T) {
	p := newPace(0)
	now := time.Duration(0)
	for range 3000 { // 1000 segments per second
		now += time.Millisecond
		p.spent(1, now)
	}
	if p.speed(0) != 0 {
		t.Fatal("limited without a reason")
	}
	p.throttled(0, now, now, 0)
	if s := p.speed(0); s < 450 || s > 550 {
		t.Errorf("after a 429 at 1000/s: %v/s", s)
	}
	p.raised = now
	p.rise(now+10*time.Second, 0)
	if s := p.speed(0); s < 950 || s > 1050 {
		t.Errorf("ten seconds later: %v/s", s)
	}
	p.rise(now+100*time.Second, 0)
	if s := p.speed(0); s != 0 {
		t.Errorf("after long without a 429 still limited to %v/s", s)
	}
}

func TestBreaker(t *testing.T) {
	var b breaker
	now := time.Second
	for range breakAfter {
		if _, ok := b.allow(now); !ok {
			t.Fatal("open too early")
		}
		b.failure(now)
	}
	pauses := []time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second, 10 * time.Second, 10 * time.Second}
	for _, want := range pauses {
		wait, ok := b.allow(now)
		if ok || wait != want {
			t.Fatalf("waits %v (%v), want %v", wait, ok, want)
		}
		now += wait
		if _, ok = b.allow(now); !ok {
			t.Fatal("no probe")
		}
		if _, ok = b.allow(now); ok {
			t.Fatal("two probes at once")
		}
		b.failure(now)
	}
	now += 10 * time.Second
	b.allow(now)
	b.nothing()
	if _, ok := b.allow(now); !ok {
		t.Error("a probe that came to nothing blocks the next")
	}
	b.success()
	if _, ok := b.allow(now); !ok || b.open() {
		t.Error("still open after a success")
	}
}
