package api

import (
	"fmt"
	"math"
	"net/http"
	"time"

	"github.com/overture-im/overture/internal/kit/bucket"
)

// Limits are the rate limits of the API.
type Limits struct {
	PerCaller  bucket.Rate // each API key and each session
	PerAddress bucket.Rate // each client address: sign-in, unknown paths, refused credentials
}

func (l Limits) withDefaults() Limits {
	if l.PerCaller == (bucket.Rate{}) {
		l.PerCaller = bucket.Rate{PerSecond: 50, Burst: 200}
	}
	if l.PerAddress == (bucket.Rate{}) {
		l.PerAddress = bucket.Rate{PerSecond: 10, Burst: 60}
	}
	return l
}

// maxCallers bounds how many callers are told apart at once.
const maxCallers = 10_000

// admit spends a token of the caller, tells the caller what is left, and answers 429 when nothing is.
func (a *API) admit(w http.ResponseWriter, r *http.Request, caller string, limit bucket.Rate) bool {
	left, wait := a.callers.Take(caller, limit, time.Now())
	window := math.Ceil(float64(limit.Burst) / limit.PerSecond)
	w.Header().Set("RateLimit-Policy", fmt.Sprintf(`"requests";q=%d;w=%.0f`, limit.Burst, window))
	w.Header().Set("RateLimit", fmt.Sprintf(`"requests";r=%d;t=%.0f`, left, math.Ceil(math.Max(wait.Seconds(), 1/limit.PerSecond))))
	if wait == 0 {
		return true
	}
	a.deny(w, r, &problem{
		Status: http.StatusTooManyRequests, Code: "rate_limited", retryAfter: wait,
		Detail: fmt.Sprintf("more than %d requests at once or %g per second; wait as long as Retry-After says", limit.Burst, limit.PerSecond),
	})
	return false
}
