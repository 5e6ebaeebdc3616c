package receipt

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/overture-im/overture"
)

// SweepStore is what the search for lost receipts reads, and where it keeps how far it has come. Methods with a sweep change nothing and say
// false when another node has taken it over.
type SweepStore interface {
	UnconfirmedCampaigns(ctx context.Context, launchedBefore, completedAfter time.Time) (map[overture.SenderID][]overture.CampaignID, error)
	UnconfirmedMessages(ctx context.Context, sender overture.SenderID, after overture.SweepPosition, limit int) ([]overture.Unconfirmed, overture.SweepPosition, bool, error)
	ClaimReceiptSweep(ctx context.Context, sender overture.SenderID, owner string, ttl time.Duration) (overture.ReceiptSweep, bool, error)
	RenewReceiptSweep(ctx context.Context, w overture.ReceiptSweep, ttl time.Duration) (bool, error)
	SaveReceiptSweep(ctx context.Context, w overture.ReceiptSweep) (bool, error)
	ReleaseReceiptSweeps(ctx context.Context, owner string) error
	SenderForDispatch(ctx context.Context, id overture.SenderID) (overture.Sender, error)
	SenderIsSending(ctx context.Context, id overture.SenderID, now time.Time) (bool, error)
}

// Source reads a provider's own record of one message, as the receipt it would have brought; false: it has none. The error is an
// *overture.SendError.
type Source interface {
	Fetch(ctx context.Context, s overture.Sender, providerID string) (overture.Receipt, bool, error)
}

// SeekerDeps of a Seeker.
type SeekerDeps struct {
	Store    SweepStore
	Sources  map[string]Source // by overture.Sender.Provider
	Receipts interface {
		AddAll(ctx context.Context, receipts []overture.Receipt) error
	}
	Owner string               // this process
	Asked func(outcome string) // counts questions by what came of them: raised, same, gone, failed, throttled; may be nil
	After time.Duration        // how long a message has no last word before it is asked for; 0: AskAfter
	Log   *slog.Logger
}

// The numbers of the search (adr/0013).
const (
	// AskAfter is the first age at which a message is asked for: nearly all receipts come within a minute.
	AskAfter = 10 * time.Minute
	// GiveUpAfter is the age from which nobody asks: Twilio keeps a message 10 h at most (ValidityPeriod), carriers report within a day.
	GiveUpAfter = 36 * time.Hour
	// LookupRate is how many questions per second are asked about one sender's messages, LookupRateSending while it sends.
	LookupRate        = 20
	LookupRateSending = 2

	lookupsAtOnce = 8                // per sender
	sendersAtOnce = 16               // of one node
	sweepPage     = 1000             // rows of one read
	chunk         = 100              // questions between two writes of how far we are and looks whether the sender sends
	chunkSending  = 10               // the same while it sends
	tickEvery     = 20 * time.Second // between looks for senders
	claimTTL      = time.Minute      // a dead node's sweeps are taken over after it
	badInARow     = 5                // failed questions after which the provider is left alone
	restFirst     = time.Minute      // for that long, doubled each time
	restMost      = 15 * time.Minute
	// sweepShare bounds what sweeps cost the database: the next begins that many times as long after the last as that one read.
	sweepShare = 50
	// clockMargin is how much later than its first message was accepted a campaign may seem launched, when nodes' clocks differ.
	clockMargin = time.Minute
	// pageShare is the same for the pages of one sweep.
	pageShare = 4
)

// Seeker asks providers about messages whose last receipt did not come, sender by sender. Of several nodes one asks for a sender.
type Seeker struct {
	SeekerDeps
	ages []time.Duration

	mu   sync.Mutex
	busy map[overture.SenderID]bool
	rest map[overture.SenderID]time.Duration // the last one, until a sweep gets through
}

// NewSeeker makes the worker.
func NewSeeker(d SeekerDeps) *Seeker {
	if d.After == 0 {
		d.After = AskAfter
	}
	if d.Asked == nil {
		d.Asked = func(string) {}
	}
	return &Seeker{
		SeekerDeps: d, ages: []time.Duration{d.After, 12 * d.After, 144 * d.After}, // 10 min, 2 h, 24 h
		busy: map[overture.SenderID]bool{}, rest: map[overture.SenderID]time.Duration{},
	}
}

// every is shorter than usual where the first age is, as in tests.
func (k *Seeker) every(usual time.Duration) time.Duration { return min(usual, k.After/4) }

// Run works until ctx ends, and gives nil then.
func (k *Seeker) Run(ctx context.Context) error {
	var sweeps sync.WaitGroup
	tick := time.NewTicker(k.every(tickEvery))
	defer tick.Stop()
	trouble := false
	for {
		select {
		case <-ctx.Done():
			sweeps.Wait()
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
			defer cancel()
			_ = k.Store.ReleaseReceiptSweeps(last, k.Owner) // or it runs out by itself
			return nil
		case <-tick.C:
		}
		asOf := time.Now()
		senders, err := k.Store.UnconfirmedCampaigns(ctx, asOf.Add(clockMargin-k.After), asOf.Add(-GiveUpAfter))
		if err != nil && ctx.Err() == nil && !trouble {
			k.Log.WarnContext(ctx, "lost receipts cannot be looked for; trying again", slog.Any("error", err))
		}
		trouble = err != nil
		for id, campaigns := range senders {
			if !k.begin(id) {
				continue
			}
			sweeps.Go(func() {
				defer k.end(id)
				k.look(ctx, id, campaigns, asOf)
			})
		}
	}
}

func (k *Seeker) begin(id overture.SenderID) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.busy[id] || len(k.busy) >= sendersAtOnce {
		return false
	}
	k.busy[id] = true
	return true
}

func (k *Seeker) end(id overture.SenderID) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.busy, id)
}

// look takes one sender's sweep, if it is free and due, and goes on with it. The campaigns were listed at asOf.
func (k *Seeker) look(ctx context.Context, id overture.SenderID, campaigns []overture.CampaignID, asOf time.Time) {
	w, ours, err := k.Store.ClaimReceiptSweep(ctx, id, k.Owner, claimTTL)
	if err == nil && (!ours || time.Now().Before(w.NextAt)) {
		return
	}
	if err == nil {
		err = k.sweep(ctx, w, campaigns, asOf)
	}
	if err != nil && ctx.Err() == nil {
		k.Log.WarnContext(ctx, "the search for lost receipts stopped; it goes on from there", slog.String("sender_id", id.String()), slog.Any("error", err))
	}
}

// errTaken ends a sweep that another node goes on with.
var errTaken = errors.New("another node took the search over")

// sweep walks the sender's campaigns from where the last node stopped, and begins a new round when none is under way: about what had reached
// an age when the campaigns were listed, because younger campaigns are not among them.
func (k *Seeker) sweep(ctx context.Context, w overture.ReceiptSweep, campaigns []overture.CampaignID, asOf time.Time) error {
	ctx, lost := context.WithCancelCause(ctx)
	defer lost(nil)
	go k.keep(ctx, w, lost)
	sender, err := k.Store.SenderForDispatch(ctx, w.SenderID)
	if err != nil {
		return err
	}
	source := k.Sources[sender.Provider]
	if source == nil {
		return nil // this provider keeps no record that can be asked
	}
	a := &asker{Seeker: k, sender: sender, source: source}
	if w.Until.IsZero() {
		w.Until, w.At = asOf.Truncate(time.Millisecond), overture.SweepPosition{}
	}
	var reading time.Duration
	for _, id := range campaigns {
		if id < w.At.CampaignID {
			continue
		}
		if id > w.At.CampaignID {
			w.At = overture.SweepPosition{CampaignID: id}
		}
		for more := true; more; {
			var found []overture.Unconfirmed
			var last overture.SweepPosition
			began := time.Now()
			if found, last, more, err = k.Store.UnconfirmedMessages(ctx, w.SenderID, w.At, sweepPage); err != nil {
				return cause(ctx, err)
			}
			took := time.Since(began)
			reading += took
			if err := a.askAll(ctx, &w, found); err != nil {
				return cause(ctx, err)
			}
			w.At = last
			if !wait(ctx, took*pageShare) {
				return cause(ctx, ctx.Err())
			}
		}
	}
	k.rested(w.SenderID)
	w.Since, w.Until, w.At = w.Until, time.Time{}, overture.SweepPosition{}
	w.NextAt = time.Now().Add(max(k.every(time.Minute), reading*sweepShare))
	return cause(ctx, k.save(ctx, w))
}

// keep renews the sweep until ctx ends, and ends ctx when it is no longer ours.
func (k *Seeker) keep(ctx context.Context, w overture.ReceiptSweep, lost context.CancelCauseFunc) {
	for wait(ctx, claimTTL/4) {
		if ours, err := k.Store.RenewReceiptSweep(ctx, w, claimTTL); err == nil && !ours {
			lost(errTaken)
		}
	}
}

func (k *Seeker) save(ctx context.Context, w overture.ReceiptSweep) error {
	ours, err := k.Store.SaveReceiptSweep(ctx, w)
	if err == nil && !ours {
		return errTaken
	}
	return err
}

// due tells whether the round under way asks for a message: once at each age. After a time in which nobody looked
// Since is zero, so every message that has reached the first age is asked for.
func (k *Seeker) due(w overture.ReceiptSweep, m overture.Unconfirmed) bool {
	age := w.Until.Sub(m.AcceptedAt)
	if age < k.ages[0] || age > GiveUpAfter {
		return false
	}
	for _, d := range k.ages {
		if at := m.AcceptedAt.Add(d); at.After(w.Since) && !at.After(w.Until) {
			return true
		}
	}
	return false
}

// restFor is how long a provider that is in trouble is left alone.
func (k *Seeker) restFor(id overture.SenderID, atLeast time.Duration) time.Duration {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.rest[id] = min(restMost, max(restFirst, 2*k.rest[id]))
	return max(k.rest[id], atLeast)
}

func (k *Seeker) rested(id overture.SenderID) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.rest, id)
}

// cause names why ctx ended, if that is why err came.
func cause(ctx context.Context, err error) error {
	if why := context.Cause(ctx); err != nil && why != nil {
		return why
	}
	return err
}

func wait(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
