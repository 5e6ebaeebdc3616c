package core

import (
	"fmt"
	"time"

	"github.com/overture-im/overture"
)

// Config are the numbers of the send protocol. Zero values mean the defaults of DefaultConfig.
type Config struct {
	Connections    int           // simultaneous requests per sender
	LeaseTTL       time.Duration // how long a sender stays ours without renewal
	SendDeadline   time.Duration // R2: a mark older than this is not sent
	ClientTimeout  time.Duration // the provider client's own time-out, to check Grace
	ProviderDelay  time.Duration // longest time a provider may accept after we gave up
	Grace          time.Duration // R7: start of an attempt to its first lookup
	MustReachGrace time.Duration // the same for must_reach, before a resend without proof
	LookupSpacing  time.Duration // R7: between the two lookups
	HoldAfter      time.Duration // a doubt whose lookups failed for this long, while a node was trying, is held
	FailAfter      time.Duration // a message that could not leave for this long, and FailTries times, fails
	FailTries      int           // definite non-sends before a message may fail; throttled and given back attempts never count
	MaxDoubts      int           // a sender with more open doubts marks nothing new
	Lookups        int           // simultaneous lookups per sender
	ManyDoubts     int           // a sender with more open doubts has its record read as a whole
	LanesEvery     time.Duration // how often the open lanes are read; pause and cancel do not wait for it: the mark looks itself
	CommitEvery    time.Duration // group commit: at most one transaction per this; not the core's business. 0 is 25 ms on PostgreSQL
}

// DefaultConfig are the protocol's numbers: grace = 5 + 15 + 100 s, lookups 60 s apart.
func DefaultConfig() Config {
	return Config{
		Connections: 64, LeaseTTL: 10 * time.Second, SendDeadline: 5 * time.Second, ClientTimeout: 15 * time.Second,
		ProviderDelay: 100 * time.Second, Grace: 120 * time.Second, MustReachGrace: 600 * time.Second, LookupSpacing: 60 * time.Second,
		HoldAfter: 24 * time.Hour, FailAfter: 24 * time.Hour, FailTries: 3, MaxDoubts: 5000, Lookups: 8, ManyDoubts: 500,
		LanesEvery: 250 * time.Millisecond, CommitEvery: 8 * time.Millisecond,
	}
}

// WithDefaults fills what is zero.
func (c Config) WithDefaults() Config {
	d := DefaultConfig()
	d.MustReachGrace = max(d.MustReachGrace, c.Grace)
	fill(&c.LeaseTTL, d.LeaseTTL)
	fill(&c.SendDeadline, d.SendDeadline)
	fill(&c.ClientTimeout, d.ClientTimeout)
	fill(&c.ProviderDelay, d.ProviderDelay)
	fill(&c.Grace, d.Grace)
	fill(&c.MustReachGrace, d.MustReachGrace)
	fill(&c.LookupSpacing, d.LookupSpacing)
	fill(&c.HoldAfter, d.HoldAfter)
	fill(&c.FailAfter, d.FailAfter)
	fill(&c.LanesEvery, d.LanesEvery)
	fill(&c.CommitEvery, d.CommitEvery)
	fill(&c.Connections, d.Connections)
	fill(&c.FailTries, d.FailTries)
	fill(&c.MaxDoubts, d.MaxDoubts)
	fill(&c.Lookups, d.Lookups)
	fill(&c.ManyDoubts, d.ManyDoubts)
	return c
}

func fill[T int | time.Duration](v *T, def T) {
	if *v == 0 {
		*v = def
	}
}

// Check refuses numbers under which the protocol would not hold.
func (c Config) Check() error {
	c = c.WithDefaults()
	if need := c.SendDeadline + c.ClientTimeout + c.ProviderDelay; c.Grace < need {
		return overture.ErrInvalid("grace_too_short", fmt.Sprintf("the grace period of %v must be at least send deadline + client time-out + provider delay = %v, "+
			"or a message accepted late would be sent twice (R7)", c.Grace, need))
	}
	if c.MustReachGrace < c.Grace {
		return overture.ErrInvalid("must_reach_grace_too_short", fmt.Sprintf("the grace period of must_reach, %v, must not be shorter than that of lookups, %v", c.MustReachGrace, c.Grace))
	}
	return nil
}
