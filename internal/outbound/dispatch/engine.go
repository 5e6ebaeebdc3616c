package dispatch

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/outbound/dispatch/core"
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
	// WritersRunBeside tells whether transactions are written beside each other, and not one after the other as in SQLite.
	WritersRunBeside() bool
}

// Doubts keeps what may have been sent.
type Doubts interface {
	AdoptInflight(ctx context.Context, lease overture.Lease, now time.Time, grace time.Duration) (int, error)
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
	// List gives all that the sender sent since a moment, a row perhaps twice; an error of take ends it as it is.
	List(ctx context.Context, sender overture.Sender, since time.Time, take func(overture.ListedSend) error) error
}

// Windows tells when a message may go (outbound/schedule).
type Windows = core.Windows

// Deps are the engine's surroundings; all are required but Wake and Observer.
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
	Observer Observer // nil: nobody
}

// Config are the numbers of the send protocol. Zero values mean the defaults of DefaultConfig.
type Config = core.Config

// DefaultConfig are the protocol's numbers.
func DefaultConfig() Config { return core.DefaultConfig() }

// Engine runs all senders of this node.
type Engine struct {
	Deps
	cfg     Config
	marks   *committer // also of moves, which must not meet a mark of the same message
	results *committer // the same one where the database has one writer
	born    time.Time  // where the monotonic clock of core.Moment begins

	mu      sync.Mutex
	runners map[overture.SenderID]*runner
	trouble map[overture.SenderID]string // why a sender does not work, as it was told
}

// besideEvery is CommitEvery where transactions run beside each other: each asks some ten questions over a connection, and several nodes with few
// messages each spent more on them than on the messages.
const besideEvery = 25 * time.Millisecond

// New makes an engine; Run starts it.
func New(d Deps, cfg Config) (*Engine, error) {
	if err := cfg.Check(); err != nil {
		return nil, err
	}
	if cfg.CommitEvery == 0 && d.Store.WritersRunBeside() {
		cfg.CommitEvery = besideEvery
	}
	cfg = cfg.WithDefaults()
	d.Store = patient{d.Store}
	if d.Observer == nil {
		d.Observer = nobody{}
	}
	e := &Engine{Deps: d, cfg: cfg, born: time.Now(), runners: map[overture.SenderID]*runner{}, trouble: map[overture.SenderID]string{}}
	e.marks = newCommitter(d.Store, cfg.CommitEvery, e.now, d.Log)
	e.results = e.marks
	if d.Store.WritersRunBeside() {
		e.results = newCommitter(d.Store, cfg.CommitEvery, e.now, d.Log)
	}
	return e, nil
}

// now reads both clocks.
func (e *Engine) now() core.Moment {
	now := time.Now()
	return core.Moment{Mono: now.Sub(e.born), Wall: now.Round(0)}
}

// scanEvery bounds how long new work waits when a wake-up was lost. It also renews the list of senders after another node died.
const scanEvery = 500 * time.Millisecond

// Run sends until ctx ends; then it finishes what is in flight, settles it, gives the leases back, and returns.
func (e *Engine) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	go e.marks.run()
	defer e.marks.stop()
	if e.results != e.marks {
		go e.results.run()
		defer e.results.stop()
	}
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
			e.tellTrouble(ctx, id, err)
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

// tellTrouble logs why a sender does not work, once until that changes: it is tried again with every look for work.
func (e *Engine) tellTrouble(ctx context.Context, id overture.SenderID, err error) {
	e.mu.Lock()
	was := e.trouble[id]
	e.trouble[id] = err.Error()
	e.mu.Unlock()
	if was == err.Error() {
		return
	}
	if overture.KindOf(err) == overture.NotFound {
		e.Log.ErrorContext(ctx, "messages wait for a sender that is not in the database; nothing of it is sent. Restore a backup that has it, or cancel its campaigns",
			"sender_id", id.String(), "error", err)
		return
	}
	e.Log.ErrorContext(ctx, "sender stopped working", "sender_id", id.String(), "error", err)
}

// worksAgain ends a trouble that was told.
func (e *Engine) worksAgain(ctx context.Context, id overture.SenderID) {
	e.mu.Lock()
	was := e.trouble[id]
	delete(e.trouble, id)
	e.mu.Unlock()
	if was != "" {
		e.Log.InfoContext(ctx, "sender works again", "sender_id", id.String())
	}
}
