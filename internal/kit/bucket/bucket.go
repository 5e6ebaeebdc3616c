// Package bucket keeps token buckets by name in a bounded amount of memory.
package bucket

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Rate of a bucket: Burst at once, refilled with PerSecond.
type Rate struct {
	PerSecond float64
	Burst     int
}

// Set holds one bucket per name. Safe for concurrent use.
type Set struct {
	max     int
	mu      sync.Mutex
	buckets map[string]*rate.Limiter
}

// New makes a set of at most this many buckets. When it is full, a new name takes the place of an idle one, or of any: an attacker with
// very many names can make the set forget, never grow.
func New(most int) *Set { return &Set{max: most, buckets: map[string]*rate.Limiter{}} }

// Take spends one token of the name's bucket. left is what remains; wait is how long until there is one again, zero when one was given.
func (s *Set) Take(name string, r Rate, now time.Time) (left int, wait time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, ok := s.buckets[name]
	if !ok {
		s.makeRoom(now)
		b = rate.NewLimiter(rate.Limit(r.PerSecond), r.Burst)
		s.buckets[name] = b
	}
	if !b.AllowN(now, 1) {
		return 0, max(time.Millisecond, time.Duration((1-b.TokensAt(now))/r.PerSecond*float64(time.Second)))
	}
	return int(b.TokensAt(now)), 0
}

// Forget empties the name's record, as if it had never taken a token.
func (s *Set) Forget(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.buckets, name)
}

// Len is how many buckets are kept.
func (s *Set) Len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.buckets)
}

// looks bounds the work of one makeRoom.
const looks = 32

func (s *Set) makeRoom(now time.Time) {
	if len(s.buckets) < s.max {
		return
	}
	seen, victim := 0, ""
	for name, b := range s.buckets {
		victim = name
		if seen++; seen == looks || b.TokensAt(now) >= float64(b.Burst()) { // a full bucket forgets nothing
			break
		}
	}
	delete(s.buckets, victim)
}
