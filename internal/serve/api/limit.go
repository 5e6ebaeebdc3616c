package api

import (
	"fmt"
	"math"
	"net/http"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Limits are the rate limits of the API.
type Limits struct {
	PerCaller  Rate // each API key and each session
	PerAddress Rate // each client address: sign-in, unknown paths, refused credentials
	Callers    int  // how many buckets are kept at once
}

// Rate is a token bucket: Burst requests at once, refilled with PerSecond.
type Rate struct {
	PerSecond float64
	Burst     int
}

func (l Limits) withDefaults() Limits {
	if l.PerCaller == (Rate{}) {
		l.PerCaller = Rate{PerSecond: 50, Burst: 200}
	}
	if l.PerAddress == (Rate{}) {
		l.PerAddress = Rate{PerSecond: 10, Burst: 60}
	}
	if l.Callers == 0 {
		l.Callers = 10_000
	}
	return l
}

// limiter holds one token bucket per caller in a bounded map. Safe for concurrent use.
type limiter struct {
	perCaller, perAddress Rate
	max                   int

	mu      sync.Mutex
	buckets map[string]*rate.Limiter
}

func newLimiter(l Limits) *limiter {
	l = l.withDefaults()
	return &limiter{perCaller: l.PerCaller, perAddress: l.PerAddress, max: l.Callers, buckets: map[string]*rate.Limiter{}}
}

// take spends one token. left is what remains; wait is how long until there is one again (zero when it was given).
func (l *limiter) take(caller string, r Rate, now time.Time) (left int, wait time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	b, ok := l.buckets[caller]
	if !ok {
		l.makeRoom(now)
		b = rate.NewLimiter(rate.Limit(r.PerSecond), r.Burst)
		l.buckets[caller] = b
	}
	if !b.AllowN(now, 1) {
		missing := 1 - b.TokensAt(now)
		return 0, time.Duration(missing / r.PerSecond * float64(time.Second))
	}
	return int(b.TokensAt(now)), 0
}

// makeRoom drops a few buckets when the map is full: full ones (they forget nothing) first, else whichever come up. Constant work.
func (l *limiter) makeRoom(now time.Time) {
	if len(l.buckets) < l.max {
		return
	}
	seen, victim := 0, ""
	for name, b := range l.buckets {
		if victim = name; b.TokensAt(now) >= float64(b.Burst()) {
			break
		}
		if seen++; seen == 32 {
			break
		}
	}
	delete(l.buckets, victim)
}

// admit spends a token of the caller, tells the caller what is left, and answers 429 when nothing is.
func (a *API) admit(w http.ResponseWriter, r *http.Request, caller string, limit Rate) bool {
	left, wait := a.limits.take(caller, limit, time.Now())
	window := math.Ceil(float64(limit.Burst) / limit.PerSecond)
	w.Header().Set("RateLimit-Policy", fmt.Sprintf(`"requests";q=%d;w=%.0f`, limit.Burst, window))
	w.Header().Set("RateLimit", fmt.Sprintf(`"requests";r=%d;t=%.0f`, left, math.Ceil(math.Max(wait.Seconds(), 1/limit.PerSecond))))
	if wait == 0 {
		return true
	}
	a.deny(w, r, &problem{Status: http.StatusTooManyRequests, Code: "rate_limited", retryAfter: wait,
		Detail: fmt.Sprintf("more than %d requests at once or %g per second; wait as long as Retry-After says", limit.Burst, limit.PerSecond)})
	return false
}
