package reply

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/overture-im/overture"
)

const (
	// batchLimit keeps one transaction well under 50 ms, for which everybody else's writes wait on SQLite.
	batchLimit = 50
	// commitTimeout lets a commit finish although the webhook that led it has gone; the provider's own time-out is 15 s.
	commitTimeout = 10 * time.Second
	// bodyLimit in bytes is far above any SMS (1,600 characters); more is cut so that a hostile caller cannot fill the disk.
	bodyLimit = 16 << 10
)

// Intake stores inbound messages. Calls that come at the same time share a transaction: whoever gets the turn commits for all who wait.
// Safe for concurrent use.
type Intake struct {
	deps  Deps
	turn  chan struct{}
	mu    sync.Mutex
	queue []*arrival
}

type arrival struct {
	reply overture.Reply
	done  chan error // buffered: the leader never waits for a caller who has gone
}

// NewIntake makes the intake.
func NewIntake(d Deps) *Intake { return &Intake{deps: d, turn: make(chan struct{}, 1)} }

// Receive stores one inbound message durably and applies a stop or start in the same transaction (R10, J2). A message that came before is a
// success without effect. An error means that it may not be stored: the provider must send it again.
func (i *Intake) Receive(ctx context.Context, sender overture.Sender, in overture.Inbound) error {
	r, err := i.read(ctx, sender, in)
	if err != nil {
		return err
	}
	a := &arrival{reply: r, done: make(chan error, 1)}
	i.mu.Lock()
	i.queue = append(i.queue, a)
	i.mu.Unlock()
	for {
		select {
		case err := <-a.done:
			return err
		case i.turn <- struct{}{}:
			i.commit(ctx)
			<-i.turn
		case <-ctx.Done():
			i.forget(a)
			return ctx.Err()
		}
	}
}

// read cleans the message and recognizes what it asks.
func (i *Intake) read(ctx context.Context, sender overture.Sender, in overture.Inbound) (overture.Reply, error) {
	if in.ProviderID == "" || in.From == "" {
		return overture.Reply{}, overture.ErrInvalid("incomplete_inbound", "an inbound message needs the provider's id and the number it came from")
	}
	in.AccountID, in.SenderID, in.Provider = sender.AccountID, sender.ID, sender.Provider
	in.Body, in.City, in.Country = clean(in.Body), clean(in.City), clean(in.Country)
	in.OptOutType = clean(in.OptOutType)
	if in.ReceivedAt.IsZero() {
		in.ReceivedAt = i.deps.Now()
	}
	account, err := i.deps.Accounts.Account(ctx, sender.AccountID)
	if err != nil {
		return overture.Reply{}, err
	}
	return overture.Reply{Inbound: in, BrandID: sender.BrandID, Channel: sender.Channel, Wish: i.deps.Words.Read(in, account.Settings)}, nil
}

// clean drops what no text column takes: broken UTF-8 and NUL (PostgreSQL refuses both).
func clean(s string) string {
	if len(s) > bodyLimit {
		s = s[:bodyLimit]
	}
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "")
}

// commit writes what waits and tells every caller its own result. The caller holds the turn.
func (i *Intake) commit(ctx context.Context) {
	i.mu.Lock()
	n := min(len(i.queue), batchLimit)
	batch := slices.Clone(i.queue[:n])
	i.queue = slices.Delete(i.queue, 0, n)
	i.mu.Unlock()
	if n == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), commitTimeout)
	defer cancel()
	replies := make([]overture.Reply, n)
	for k, a := range batch {
		replies[k] = a.reply
	}
	err := i.deps.Store.StoreInbound(ctx, replies)
	if err != nil && n > 1 && overture.KindOf(err) != overture.Unavailable {
		// One of them is at fault: it must not take the others with it.
		for _, a := range batch {
			a.done <- i.deps.Store.StoreInbound(ctx, []overture.Reply{a.reply})
		}
	} else {
		for _, a := range batch {
			a.done <- err
		}
	}
	i.deps.Wakes.Publish(topicInbound)
}

// forget takes a caller who has gone out of the queue. If the commit has begun, the message is stored all the same, which does no harm.
func (i *Intake) forget(a *arrival) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.queue = slices.DeleteFunc(i.queue, func(b *arrival) bool { return a == b })
}
