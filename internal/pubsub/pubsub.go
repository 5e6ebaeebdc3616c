// Package pubsub wakes loops of this process that wait for rows: "there is something to look at", never what it is.
//
//	Does:   carries coalesced wake-ups between the rooms of one process, and with a Relay between the nodes of one database
//	Reads:  nothing
//	Writes: nothing; a lost wake-up costs a poll interval, never a message
//	Wakes:  whoever subscribed to the topic
package pubsub

import (
	"maps"
	"slices"
	"sync"
)

// The topics. Whoever waits for one also looks at the database now and then: a wake-up of another node may be lost.
const (
	Dispatch = "dispatch" // there may be messages due
	Plan     = "plan"     // a launched campaign waits for its messages
	Inbound  = "inbound"  // an inbound message was stored
	Campaign = "campaign" // a campaign changed its state or its counts
	Held     = "held"     // a person decided about held messages
	Session  = "session"  // sessions ended before their time
)

// Bus delivers wake-ups. The zero value does not work: use New. Safe for concurrent use.
type Bus struct {
	mu    sync.Mutex
	relay func(topic string) // tells the other nodes; nil: there are none
	subs  map[string]map[chan struct{}]bool
}

// New gives an empty bus.
func New() *Bus { return &Bus{subs: map[string]map[chan struct{}]bool{}} }

// Publish wakes every subscriber of the topic, on every node that a Relay reaches. It never blocks: a subscriber that has not looked yet is woken once.
func (b *Bus) Publish(topic string) {
	b.mu.Lock()
	relay := b.relay
	b.mu.Unlock()
	b.deliver(topic)
	if relay != nil {
		relay(topic)
	}
}

// publishAll wakes everybody here.
func (b *Bus) publishAll() {
	b.mu.Lock()
	topics := slices.Collect(maps.Keys(b.subs))
	b.mu.Unlock()
	for _, t := range topics {
		b.deliver(t)
	}
}

// deliver wakes the subscribers of this process.
func (b *Bus) deliver(topic string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for ch := range b.subs[topic] {
		select {
		case ch <- struct{}{}:
		default:
		}
	}
}

// Subscribe gives a channel that receives one value per wake-up since the last receive, and the function that ends the subscription.
// The channel is never closed.
func (b *Bus) Subscribe(topic string) (<-chan struct{}, func()) {
	ch := make(chan struct{}, 1)
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.subs[topic] == nil {
		b.subs[topic] = map[chan struct{}]bool{}
	}
	b.subs[topic][ch] = true
	return ch, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		delete(b.subs[topic], ch)
	}
}
