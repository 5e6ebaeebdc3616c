package receipt_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/outbound/receipt"
)

const (
	theSender   = overture.SenderID(21)
	earlier     = overture.CampaignID(30) // all its messages are settled
	theCampaign = overture.CampaignID(31)
)

// ledger is a store and a provider in one: messages the provider has long delivered, of which we know only that they were accepted.
type ledger struct {
	mu       sync.Mutex
	messages []overture.Unconfirmed // in the order of their key
	states   map[overture.MessageID]overture.State
	sweep    overture.ReceiptSweep
	expires  time.Time
	sending  bool
	launched time.Time

	truth    overture.State // what the provider says of each
	latency  time.Duration
	trouble  func(call int) error
	calls    []time.Time
	asked    map[string]int // by the provider's id
	receipts []overture.Receipt
	reads    int
}

func newLedger(n int, accepted func(i int) time.Time) *ledger {
	l := &ledger{states: map[overture.MessageID]overture.State{}, asked: map[string]int{}, truth: overture.Delivered, latency: 200 * time.Millisecond}
	for i := range n {
		id := overture.MessageID(1000 + i)
		l.messages = append(l.messages, overture.Unconfirmed{
			MessageID: id, State: overture.Accepted, ProviderID: fmt.Sprintf("SM%032d", i), Token: fmt.Sprint("t", i), AcceptedAt: accepted(i),
			At: overture.SweepPosition{CampaignID: theCampaign, RecipientID: overture.RecipientID(i + 1)},
		})
		l.states[id] = overture.Accepted
	}
	return l
}

func (l *ledger) UnconfirmedCampaigns(_ context.Context, launchedBefore, _ time.Time) (map[overture.SenderID][]overture.CampaignID, error) {
	campaigns := []overture.CampaignID{earlier}
	if l.launched.Before(launchedBefore) {
		campaigns = append(campaigns, theCampaign)
	}
	return map[overture.SenderID][]overture.CampaignID{theSender: campaigns}, nil
}

func (l *ledger) UnconfirmedMessages(_ context.Context, _ overture.SenderID, after overture.SweepPosition, limit int) (found []overture.Unconfirmed, last overture.SweepPosition, more bool, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if after.CampaignID != theCampaign {
		return nil, after, false, nil
	}
	l.reads++
	from, _ := slices.BinarySearchFunc(l.messages, after.RecipientID+1, func(m overture.Unconfirmed, id overture.RecipientID) int { return cmp.Compare(m.At.RecipientID, id) })
	page := l.messages[from:min(from+limit, len(l.messages))]
	last = after
	for _, m := range page {
		last = m.At
		if m.State = l.states[m.MessageID]; m.State == overture.Accepted || m.State == overture.Sent {
			found = append(found, m)
		}
	}
	return found, last, len(page) == limit, nil
}

func (l *ledger) ClaimReceiptSweep(_ context.Context, id overture.SenderID, owner string, ttl time.Duration) (overture.ReceiptSweep, bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.sweep.Owner != owner && time.Now().Before(l.expires) {
		return overture.ReceiptSweep{}, false, nil
	}
	if time.Since(l.expires) > time.Minute {
		l.sweep = overture.ReceiptSweep{SenderID: id}
	}
	l.sweep.Owner, l.expires = owner, time.Now().Add(ttl)
	return l.sweep, true, nil
}

func (l *ledger) RenewReceiptSweep(_ context.Context, w overture.ReceiptSweep, ttl time.Duration) (bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if w.Owner == l.sweep.Owner {
		l.expires = time.Now().Add(ttl)
	}
	return w.Owner == l.sweep.Owner, nil
}

func (l *ledger) SaveReceiptSweep(_ context.Context, w overture.ReceiptSweep) (bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if w.Owner != l.sweep.Owner {
		return false, nil
	}
	l.sweep = w
	return true, nil
}

func (l *ledger) ReleaseReceiptSweeps(_ context.Context, owner string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.sweep.Owner == owner {
		l.expires = time.Now()
	}
	return nil
}

func (l *ledger) SenderForDispatch(context.Context, overture.SenderID) (overture.Sender, error) {
	return overture.Sender{ID: theSender, AccountID: 1, Provider: "twilio"}, nil
}

func (l *ledger) SenderIsSending(context.Context, overture.SenderID, time.Time) (bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.sending, nil
}

func (l *ledger) Fetch(ctx context.Context, _ overture.Sender, sid string) (overture.Receipt, bool, error) {
	l.mu.Lock()
	l.calls = append(l.calls, time.Now())
	call := len(l.calls)
	l.asked[sid]++
	trouble, truth := l.trouble, l.truth
	l.mu.Unlock()
	select {
	case <-time.After(l.latency):
	case <-ctx.Done():
		return overture.Receipt{}, false, &overture.SendError{Class: overture.SendUnknown}
	}
	if trouble != nil {
		if err := trouble(call); err != nil {
			return overture.Receipt{}, false, err
		}
	}
	return overture.Receipt{Provider: "twilio", ProviderID: sid, State: truth}, truth != 0, nil
}

func (l *ledger) AddAll(_ context.Context, receipts []overture.Receipt) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.receipts = append(l.receipts, receipts...)
	for _, r := range receipts {
		l.states[r.MessageID] = r.State
	}
	return nil
}

// set changes something while a seeker runs.
func (l *ledger) set(change func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	change()
}

// settled counts messages with the last word.
func (l *ledger) settled() (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range l.states {
		if s >= overture.Undelivered {
			n++
		}
	}
	return n
}

// perSecond gives the most questions begun within any second.
func (l *ledger) perSecond() (most int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	from := 0
	for i, at := range l.calls {
		for at.Sub(l.calls[from]) >= time.Second {
			from++
		}
		most = max(most, i-from+1)
	}
	return most
}

func (l *ledger) called() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.calls)
}

// seek runs a seeker; stop ends it and waits.
func seek(l *ledger, owner string) (stop func()) {
	k := receipt.NewSeeker(receipt.SeekerDeps{
		Store: l, Sources: map[string]receipt.Source{"twilio": l}, Receipts: l, Owner: owner, Log: slog.New(slog.DiscardHandler),
	})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); _ = k.Run(ctx) }()
	return func() { cancel(); <-done }
}

func sleep(d time.Duration) { time.Sleep(d) } //nolint:forbidigo // a bubble's clock

// The target of fault F-W3: after an hour without us, in which all receipts were lost, 99.9 % of 10,000 messages have their last word
// within 15 minutes of our return, also when one question in a hundred fails. Messages that were asked for before we left are among them.
func TestAllIsKnownAQuarterOfAnHourAfterAnHourAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLedger(10_000, func(i int) time.Time { return time.Now().Add(time.Duration(i) * 100 * time.Millisecond) })
		l.trouble = func(call int) error {
			if call%100 == 0 {
				return &overture.SendError{Class: overture.SendUnknown}
			}
			return nil
		}
		l.truth = overture.Sent
		stop := seek(l, "first")
		sleep(10_000*100*time.Millisecond + time.Minute)
		stop()
		if n := len(l.asked); n == 0 || l.settled() > 0 {
			t.Fatalf("%d asked for and %d settled before we left; some should be asked for and none settled", n, l.settled())
		}
		l.truth = overture.Delivered
		sleep(time.Hour)
		before := l.called()
		stop = seek(l, "second")
		sleep(15 * time.Minute)
		stop()
		if n := l.settled(); n < 9990 {
			t.Errorf("%d of 10,000 have their last word a quarter of an hour after our return", n)
		}
		if n := l.perSecond(); n > receipt.LookupRate {
			t.Errorf("%d questions in a second, want at most %d", n, receipt.LookupRate)
		}
		if n := l.called() - before; n > 10_000*102/100 {
			t.Errorf("%d questions for 10,000 messages", n)
		}
		for _, r := range l.receipts {
			if i := int(r.MessageID) - 1000; r.Token != fmt.Sprint("t", i) || r.SenderID != theSender || r.AccountID != 1 || r.ReceivedAt.IsZero() {
				t.Fatalf("receipt %+v is not that of attempt t%d", r, i)
			}
		}
	})
}

// A young campaign costs nothing, also when the clock of the node that launched it is ahead of the one that sent.
func TestNothingIsReadBeforeTheFirstAgeAndNothingMissedAfterIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		born := time.Now()
		l := newLedger(200, func(i int) time.Time { return born.Add(time.Duration(i) * time.Second) })
		l.launched = born.Add(30 * time.Second)
		stop := seek(l, "one")
		sleep(9 * time.Minute)
		synctest.Wait()
		if l.reads > 0 {
			t.Errorf("%d pages were read although nothing can be due", l.reads)
		}
		sleep(8 * time.Minute)
		stop()
		if n := l.settled(); n != 200 {
			t.Errorf("%d of 200 have their last word", n)
		}
	})
}

func TestEachMessageIsAskedForAtThreeAgesAndNeverAfterADayAndAHalf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		born := time.Now()
		l := newLedger(50, func(int) time.Time { return born })
		l.truth = overture.Accepted // never a word
		stop := seek(l, "one")
		for _, step := range []struct {
			until time.Duration
			each  int
		}{{9 * time.Minute, 0}, {15 * time.Minute, 1}, {119 * time.Minute, 1}, {125 * time.Minute, 2}, {23 * time.Hour, 2}, {25 * time.Hour, 3}, {72 * time.Hour, 3}} {
			sleep(time.Until(born.Add(step.until)))
			synctest.Wait()
			for sid, n := range l.asked {
				if n != step.each {
					t.Errorf("at %v %s was asked for %d times, want %d", step.until, sid, n, step.each)
				}
			}
			if got := l.called(); got != 50*step.each {
				t.Errorf("%d questions at %v, want %d", got, step.until, 50*step.each)
			}
		}
		stop()
		// Nobody looks for a while: then all that is not too old is asked for again.
		sleep(time.Hour)
		stop = seek(l, "two")
		sleep(time.Hour)
		stop()
		if got := l.called(); got != 150 {
			t.Errorf("%d questions, want none about messages older than %v", got-150, receipt.GiveUpAfter)
		}
	})
}

func TestOfThreeNodesOneAsks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLedger(500, func(int) time.Time { return time.Now().Add(-time.Hour) })
		l.truth = overture.Sent
		var stops []func()
		for i := range 3 {
			stops = append(stops, seek(l, fmt.Sprint("node ", i)))
		}
		sleep(10 * time.Minute)
		for _, stop := range stops {
			stop()
		}
		if n := l.called(); n != 500 {
			t.Errorf("%d questions about 500 messages", n)
		}
		if n := l.perSecond(); n > receipt.LookupRate {
			t.Errorf("%d questions in a second, want at most %d", n, receipt.LookupRate)
		}
	})
}

func TestSendingComesFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLedger(1000, func(int) time.Time { return time.Now().Add(-time.Hour) })
		l.sending = true
		stop := seek(l, "one")
		sleep(time.Minute)
		stop()
		if n := l.perSecond(); n > receipt.LookupRateSending || l.called() == 0 {
			t.Errorf("%d questions in a second while the sender sends, want at most %d", n, receipt.LookupRateSending)
		}
		// Soon after it has sent everything the search is as quick as ever.
		stop = seek(l, "two")
		sleep(time.Minute)
		l.set(func() { l.sending = false })
		sleep(time.Minute)
		stop()
		if n := l.settled(); n != 1000 {
			t.Errorf("%d of 1000 settled", n)
		}
	})
}

func TestAProviderInTroubleIsLeftAlone(t *testing.T) {
	for name, c := range map[string]struct {
		trouble error
		each    int           // questions before it is left alone, at most
		rest    time.Duration // at least
	}{
		"too many":               {&overture.SendError{Class: overture.Throttled, RetryAfter: 5 * time.Minute}, 8, 5 * time.Minute},
		"too many, without time": {&overture.SendError{Class: overture.Throttled}, 8, time.Minute},
		"wrong credentials":      {&overture.SendError{Class: overture.Refused, Refusal: overture.RefusedSender}, 8, time.Minute},
		"down":                   {&overture.SendError{Class: overture.SendUnknown}, 12, time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLedger(300, func(int) time.Time { return time.Now().Add(-time.Hour) })
				l.trouble = func(int) error { return c.trouble }
				stop := seek(l, "one")
				sleep(time.Hour)
				bursts, longest, run := 0, 0, 0
				var calls []time.Time
				l.set(func() { calls = slices.Clone(l.calls) })
				for i, at := range calls {
					if i == 0 || at.Sub(calls[i-1]) >= c.rest {
						bursts, run = bursts+1, 0
					} else if at.Sub(calls[i-1]) > 10*time.Second {
						t.Errorf("asked again after %v, want at least %v", at.Sub(calls[i-1]), c.rest)
					}
					run++
					longest = max(longest, run)
				}
				if bursts < 3 || bursts > 12 || longest > c.each {
					t.Errorf("%d tries in an hour of up to %d questions, want 3 to 12 of up to %d", bursts, longest, c.each)
				}
				l.set(func() { l.trouble = nil })
				sleep(30 * time.Minute)
				stop()
				if n := l.settled(); n != 300 {
					t.Errorf("%d of 300 settled after the trouble was over", n)
				}
			})
		})
	}
}

// What the database cannot take now is asked for again: nothing is taken for done that is not durable.
func TestAnswersThatCannotBeStoredAreNotForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLedger(300, func(int) time.Time { return time.Now().Add(-time.Hour) })
		away := &failing{ledger: l, fails: 3}
		k := receipt.NewSeeker(receipt.SeekerDeps{
			Store: l, Sources: map[string]receipt.Source{"twilio": l}, Receipts: away, Owner: "one", Log: slog.New(slog.DiscardHandler),
		})
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan struct{})
		go func() { defer close(done); _ = k.Run(ctx) }()
		sleep(10 * time.Minute)
		cancel()
		<-done
		if n := l.settled(); n != 300 || away.fails != 0 {
			t.Errorf("%d of 300 settled, %d failures left", n, away.fails)
		}
	})
}

type failing struct {
	*ledger
	fails int
}

func (f *failing) AddAll(ctx context.Context, receipts []overture.Receipt) error {
	if len(receipts) > 0 && f.fails > 0 {
		f.fails--
		return &overture.Error{Kind: overture.Unavailable, Code: "database_gone", Err: errors.New("gone")}
	}
	return f.ledger.AddAll(ctx, receipts)
}
