package receipt_test

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/outbound/receipt"
	"github.com/overture-im/overture/internal/pubsub"
)

// fake is a store that remembers, waits and fails as told.
type fake struct {
	mu      sync.Mutex
	batches [][]overture.Receipt
	matched int
	fail    func([]overture.Receipt) error
	block   chan struct{}
}

func (f *fake) ApplyReceipts(_ context.Context, receipts []overture.Receipt, _ time.Time) (overture.ReceiptTally, error) {
	if f.block != nil {
		<-f.block
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fail != nil {
		if err := f.fail(receipts); err != nil {
			return overture.ReceiptTally{}, err
		}
	}
	f.batches = append(f.batches, receipts)
	return overture.ReceiptTally{Raised: len(receipts)}, nil
}

func (f *fake) MatchOrphans(context.Context, time.Time) (overture.ReceiptTally, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.matched++
	return overture.ReceiptTally{Raised: 1}, nil
}

func (f *fake) stored() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := 0
	for _, b := range f.batches {
		n += len(b)
	}
	return n
}

// start runs an intake; stop ends it and waits.
func start(f *fake) (i *receipt.Intake, bus *pubsub.Bus, stop func()) {
	bus = pubsub.New()
	i = receipt.NewIntake(receipt.Deps{Store: f, Wakes: bus, Log: slog.New(slog.DiscardHandler), Now: time.Now})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); _ = i.Run(ctx) }()
	return i, bus, func() { cancel(); <-done }
}

func TestAddAnswersAfterTheCommit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{block: make(chan struct{})}
		i, bus, stop := start(f)
		defer stop()
		woken, unsubscribe := bus.Subscribe(pubsub.Campaign)
		defer unsubscribe()
		answered := make(chan error, 1)
		go func() { answered <- i.Add(t.Context(), overture.Receipt{MessageID: 1}) }()
		time.Sleep(time.Second) //nolint:forbidigo // a bubble's clock
		select {
		case err := <-answered:
			t.Fatalf("answered before the commit: %v", err)
		default:
		}
		close(f.block)
		if err := <-answered; err != nil || f.stored() != 1 {
			t.Errorf("%v, %d stored", err, f.stored())
		}
		synctest.Wait()
		select {
		case <-woken:
		default:
			t.Error("nobody was woken")
		}
	})
}

func TestReceiptsShareTransactions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{}
		i, _, stop := start(f)
		defer stop()
		var all sync.WaitGroup
		for n := range 1200 {
			all.Go(func() {
				if err := i.Add(t.Context(), overture.Receipt{MessageID: overture.MessageID(n + 1)}); err != nil {
					t.Errorf("receipt %d: %v", n, err)
				}
			})
		}
		began := time.Now()
		all.Wait()
		if f.stored() != 1200 || len(f.batches) != 3 {
			t.Errorf("%d receipts in %d transactions, want 1200 in 3", f.stored(), len(f.batches))
		}
		if took := time.Since(began); took > 10*time.Millisecond {
			t.Errorf("took %v on the fake clock, want 3 ms for the last batch", took)
		}
	})
}

func TestFullQueueTurnsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{block: make(chan struct{})}
		i, _, stop := start(f)
		defer stop()
		var all sync.WaitGroup
		var mu sync.Mutex
		refused := 0
		for range receipt.QueueLimit + 1000 {
			all.Go(func() {
				if err := i.Add(t.Context(), overture.Receipt{MessageID: 1}); errors.Is(err, overture.Unavailable) {
					mu.Lock()
					refused++
					mu.Unlock()
				} else if err != nil {
					t.Errorf("%v", err)
				}
			})
		}
		synctest.Wait()
		time.Sleep(time.Second) //nolint:forbidigo // a bubble's clock
		mu.Lock()
		if refused == 0 || refused > 1000 {
			t.Errorf("%d receipts refused, want some of those above the limit", refused)
		}
		mu.Unlock()
		close(f.block)
		all.Wait()
		if f.stored()+refused != receipt.QueueLimit+1000 {
			t.Errorf("%d stored and %d refused do not add up", f.stored(), refused)
		}
	})
}

func TestFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gone := &overture.Error{Kind: overture.Unavailable, Message: "the database is gone"}
		poison := errors.New("cannot be stored")
		f := &fake{}
		i, _, stop := start(f)
		defer stop()
		addAll := func(n int) (failed map[int]error) {
			failed = map[int]error{}
			var all sync.WaitGroup
			var mu sync.Mutex
			for id := 1; id <= n; id++ {
				all.Go(func() {
					if err := i.Add(t.Context(), overture.Receipt{MessageID: overture.MessageID(id)}); err != nil {
						mu.Lock()
						failed[id] = err
						mu.Unlock()
					}
				})
			}
			all.Wait()
			return failed
		}
		f.fail = func([]overture.Receipt) error { return gone }
		if failed := addAll(10); len(failed) != 10 || !errors.Is(failed[1], overture.Unavailable) || f.stored() != 0 {
			t.Errorf("database gone: %d failed, %d stored", len(failed), f.stored())
		}
		f.fail = func(receipts []overture.Receipt) error {
			for _, r := range receipts {
				if r.MessageID == 7 {
					return poison
				}
			}
			return nil
		}
		if failed := addAll(10); len(failed) != 1 || !errors.Is(failed[7], poison) || f.stored() != 9 {
			t.Errorf("one impossible receipt: %v failed, %d stored, want it alone", failed, f.stored())
		}
	})
}

func TestStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{block: make(chan struct{})}
		i, _, stop := start(f)
		answers := make(chan error, 700)
		for range 700 {
			go func() { answers <- i.Add(t.Context(), overture.Receipt{MessageID: 1}) }()
		}
		synctest.Wait()
		ended := make(chan struct{})
		go func() { defer close(ended); stop() }()
		synctest.Wait()
		close(f.block)
		<-ended
		for range 700 {
			if err := <-answers; err != nil {
				t.Errorf("a receipt that waited was not stored: %v", err)
			}
		}
		if f.stored() != 700 {
			t.Errorf("%d stored, want 700", f.stored())
		}
		if err := i.Add(t.Context(), overture.Receipt{MessageID: 1}); !errors.Is(err, overture.Unavailable) {
			t.Errorf("after the stop: %v, want Unavailable", err)
		}
	})
}

func TestOrphansAreMatchedEveryMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{}
		_, _, stop := start(f)
		time.Sleep(5*time.Minute + time.Second) //nolint:forbidigo // a bubble's clock
		stop()
		if f.matched != 5 {
			t.Errorf("matched %d times in five minutes", f.matched)
		}
	})
}

// A post of many receipts is answered once, when all of it is stored; one impossible receipt among them is alone in being missing, and the
// provider is told to send the post again.
func TestAddAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		poison := errors.New("cannot be stored")
		f := &fake{}
		i, _, stop := start(f)
		defer stop()
		post := make([]overture.Receipt, 1000)
		for n := range post {
			post[n].MessageID = overture.MessageID(n + 1)
		}
		if err := i.AddAll(t.Context(), post); err != nil || f.stored() != 1000 {
			t.Errorf("%v, %d stored, want 1000", err, f.stored())
		}
		f.fail = func(receipts []overture.Receipt) error {
			for _, r := range receipts {
				if r.MessageID == 7 {
					return poison
				}
			}
			return nil
		}
		if err := i.AddAll(t.Context(), post); !errors.Is(err, poison) || f.stored() != 1999 {
			t.Errorf("with one impossible receipt: %v, %d stored, want 999 more", err, f.stored())
		}
	})
}
