package pubsub

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"
)

// Carrier takes wake-ups to the other nodes of one database and brings theirs.
type Carrier interface {
	// Notify tells the other nodes.
	Notify(ctx context.Context, topics []string) error
	// Listen hands over what other nodes notified, until ctx ends or the connection is lost. It calls ready when it hears.
	Listen(ctx context.Context, ready func(), heard func(topics []string)) error
}

const (
	// gatherFor bounds how often a node notifies: PostgreSQL takes one lock for all notifications of a cluster.
	gatherFor   = 10 * time.Millisecond
	notifyLimit = 2 * time.Second
	listenAgain = time.Second
)

// Relay carries the bus's topics between nodes: at most one notification per 10 ms, and one listener that comes back when its connection is
// lost. What was published meanwhile costs whoever waits its poll interval.
type Relay struct {
	Bus     *Bus
	Carrier Carrier
	Log     *slog.Logger

	mu      sync.Mutex
	waiting []string
	wake    chan struct{}
}

// NewRelay begins to gather what is published; Run carries it.
func NewRelay(bus *Bus, carrier Carrier, log *slog.Logger) *Relay {
	r := &Relay{Bus: bus, Carrier: carrier, Log: log, wake: make(chan struct{}, 1)}
	bus.mu.Lock()
	defer bus.mu.Unlock()
	bus.relay = r.gather
	return r
}

func (r *Relay) gather(topic string) {
	r.mu.Lock()
	if !slices.Contains(r.waiting, topic) {
		r.waiting = append(r.waiting, topic)
	}
	r.mu.Unlock()
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// Run carries wake-ups until ctx ends.
func (r *Relay) Run(ctx context.Context) error {
	var both sync.WaitGroup
	both.Go(func() { r.listen(ctx) })
	defer both.Wait()
	timer := time.NewTimer(0)
	defer timer.Stop()
	deaf := false
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-r.wake:
		}
		timer.Reset(gatherFor)
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
		}
		r.mu.Lock()
		topics := r.waiting
		r.waiting = nil
		r.mu.Unlock()
		if len(topics) == 0 {
			continue
		}
		err := r.notify(ctx, topics)
		if err != nil && !deaf && ctx.Err() == nil {
			r.Log.WarnContext(ctx, "other nodes cannot be woken; they look by themselves meanwhile", "error", err)
		}
		deaf = err != nil
	}
}

func (r *Relay) notify(ctx context.Context, topics []string) error {
	ctx, cancel := context.WithTimeout(ctx, notifyLimit)
	defer cancel()
	return r.Carrier.Notify(ctx, topics)
}

func (r *Relay) listen(ctx context.Context) {
	told := false
	for ctx.Err() == nil {
		err := r.Carrier.Listen(ctx, func() {
			told = false
			r.Bus.publishAll() // whatever was missed while nobody listened
		}, func(topics []string) {
			for _, t := range topics {
				r.Bus.deliver(t)
			}
		})
		if err != nil && ctx.Err() == nil && !told {
			told = true
			r.Log.WarnContext(ctx, "wake-ups of other nodes are not heard; looking now and then instead", "error", err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(listenAgain):
		}
	}
}
