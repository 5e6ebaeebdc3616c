package dispatch

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/overture-im/overture"
)

// Leases keeps one owner per sender.
type Leases interface {
	AcquireLease(ctx context.Context, sender overture.SenderID, owner string, ttl time.Duration) (overture.Lease, bool, error)
	ReleaseLease(ctx context.Context, lease overture.Lease) error
	SendersWithWork(ctx context.Context) ([]overture.SenderID, error)
}

// Queue reads what is to be sent.
type Queue interface {
	OpenLanes(ctx context.Context, sender overture.SenderID) ([]overture.Lane, error)
	LanesInDoubt(ctx context.Context, sender overture.SenderID) ([]overture.Lane, error)
	DueMessages(ctx context.Context, lane overture.LaneID, now time.Time, after overture.Place, limit int) (due []overture.DueMessage, last overture.Place, more bool, err error)
	NextDue(ctx context.Context, lane overture.LaneID) (due time.Time, ok bool, err error)
	ImportHeader(ctx context.Context, id overture.ImportID) (map[string]int, error)
}

// Record makes attempts and their results durable.
type Record interface {
	Commit(ctx context.Context, now time.Time, work []overture.SenderWork) ([]overture.CommitResult, error)
}

// Doubts keeps what may have been sent.
type Doubts interface {
	AdoptInflight(ctx context.Context, lease overture.Lease, grace time.Duration) (int, error)
	Doubts(ctx context.Context, lease overture.Lease, now time.Time, limit int) ([]overture.Doubt, error)
	InflightCount(ctx context.Context, sender overture.SenderID) (int, error)
	KnownProviderIDs(ctx context.Context, sender overture.SenderID, address overture.Address) (map[string]bool, error)
}

// Senders gives a sender with its credentials, and stops one whose provider rejects them.
type Senders interface {
	SenderForDispatch(ctx context.Context, id overture.SenderID) (overture.Sender, error)
	StopSender(ctx context.Context, id overture.SenderID, reason string) error
}

// Store is all that the engine needs of the database.
type Store interface {
	Leases
	Queue
	Record
	Doubts
	Senders
}

// Provider hands one message over, and knows its own record. Send's error is an *overture.SendError.
type Provider interface {
	Send(ctx context.Context, sender overture.Sender, out overture.Outgoing) (overture.AcceptedSend, error)
	Find(ctx context.Context, sender overture.Sender, to overture.Address, since time.Time) ([]overture.FoundSend, error)
}

// Windows tells when a message may go (outbound/schedule).
type Windows interface {
	Next(now time.Time, zones []string, w overture.Window, launchAt, expiresAt time.Time) (due, notAfter time.Time, expired bool, why string)
}

// Deps are the engine's surroundings; all are required but Wake.
type Deps struct {
	Store     Store
	Providers map[string]Provider // by overture.Sender.Provider
	Windows   Windows
	// Smart replaces look-alike Unicode (kit/segment) for content that asks for it.
	Smart func(string) string
	// Callback is the absolute URL for receipts of an attempt.
	Callback func(sender overture.Sender, message overture.MessageID, token string) string
	Owner    string // unique for this process
	Log      *slog.Logger
	Wake     <-chan struct{}
}

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
	HoldAfter      time.Duration // doubts that cannot be looked up for this long are held
	MaxAttempts    int           // definite non-sends before a message fails
	MaxDoubts      int           // a sender with more open doubts marks nothing new
	CommitEvery    time.Duration // group commit: at most one transaction per this
}

// DefaultConfig are the protocol's numbers: grace = 5 + 15 + 100 s, lookups 60 s apart.
func DefaultConfig() Config {
	return Config{
		Connections: 64, LeaseTTL: 10 * time.Second, SendDeadline: 5 * time.Second, ClientTimeout: 15 * time.Second,
		ProviderDelay: 100 * time.Second, Grace: 120 * time.Second, MustReachGrace: 600 * time.Second, LookupSpacing: 60 * time.Second,
		HoldAfter: 24 * time.Hour, MaxAttempts: 50, MaxDoubts: 5000, CommitEvery: 8 * time.Millisecond,
	}
}

func (c Config) withDefaults() Config {
	d := DefaultConfig()
	fill := func(v *time.Duration, def time.Duration) {
		if *v == 0 {
			*v = def
		}
	}
	fill(&c.LeaseTTL, d.LeaseTTL)
	fill(&c.SendDeadline, d.SendDeadline)
	fill(&c.ClientTimeout, d.ClientTimeout)
	fill(&c.ProviderDelay, d.ProviderDelay)
	fill(&c.Grace, d.Grace)
	fill(&c.MustReachGrace, max(d.MustReachGrace, c.Grace))
	fill(&c.LookupSpacing, d.LookupSpacing)
	fill(&c.HoldAfter, d.HoldAfter)
	fill(&c.CommitEvery, d.CommitEvery)
	if c.Connections == 0 {
		c.Connections = d.Connections
	}
	if c.MaxAttempts == 0 {
		c.MaxAttempts = d.MaxAttempts
	}
	if c.MaxDoubts == 0 {
		c.MaxDoubts = d.MaxDoubts
	}
	return c
}

// Check refuses numbers under which the protocol would not hold.
func (c Config) Check() error {
	c = c.withDefaults()
	if need := c.SendDeadline + c.ClientTimeout + c.ProviderDelay; c.Grace < need {
		return overture.ErrInvalid("grace_too_short", fmt.Sprintf("the grace period of %v must be at least send deadline + client time-out + provider delay = %v, "+
			"or a message accepted late would be sent twice (R7)", c.Grace, need))
	}
	return nil
}

// Engine runs all senders of this node.
type Engine struct {
	Deps
	cfg       Config
	committer *committer

	mu      sync.Mutex
	runners map[overture.SenderID]*runner
}

// New makes an engine; Run starts it.
func New(d Deps, cfg Config) (*Engine, error) {
	if err := cfg.Check(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	d.Store = patient{d.Store}
	return &Engine{Deps: d, cfg: cfg, committer: newCommitter(d.Store, cfg.CommitEvery, d.Log), runners: map[overture.SenderID]*runner{}}, nil
}

// scanEvery bounds how long new work waits when a wake-up was lost. It also renews the list of senders after another node died.
const scanEvery = 500 * time.Millisecond

// Run sends until ctx ends; then it finishes what is in flight, settles it, gives the leases back, and returns.
func (e *Engine) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	go e.committer.run()
	defer e.committer.stop()
	defer wg.Wait()
	ticker := time.NewTicker(scanEvery)
	defer ticker.Stop()
	trouble := false
	for {
		senders, err := e.Store.SendersWithWork(ctx)
		switch {
		case errors.Is(err, context.Canceled):
		case err != nil:
			if !trouble {
				e.Log.ErrorContext(ctx, "looking for work", "error", err)
			}
			trouble = true
		default:
			trouble = false
		}
		for _, id := range senders {
			e.start(ctx, &wg, id)
		}
		e.wakeRunners()
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		case <-e.Wake:
		}
	}
}

func (e *Engine) start(ctx context.Context, wg *sync.WaitGroup, id overture.SenderID) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.runners[id] != nil || ctx.Err() != nil {
		return
	}
	r := newRunner(e, id)
	e.runners[id] = r
	wg.Go(func() {
		if err := r.run(ctx); err != nil && !errors.Is(err, context.Canceled) {
			e.Log.ErrorContext(ctx, "sender stopped working", "sender_id", id.String(), "error", err)
		}
		e.mu.Lock()
		delete(e.runners, id)
		e.mu.Unlock()
	})
}

func (e *Engine) wakeRunners() {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, r := range e.runners {
		r.poke()
	}
}

// Status tells why a sender is slow, in words for the campaign page; empty when nothing is in the way.
func (e *Engine) Status(id overture.SenderID) string {
	e.mu.Lock()
	r := e.runners[id]
	e.mu.Unlock()
	if r == nil {
		return ""
	}
	return r.status()
}
