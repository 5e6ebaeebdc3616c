// Package pubsub wakes loops of this process that wait for rows: "there is something to look at", never what it is.
//
//	Does:   carries coalesced wake-ups between the rooms of one process
//	Reads:  nothing
//	Writes: nothing; a lost wake-up costs a poll interval, never a message
//	Wakes:  whoever subscribed to the topic
package pubsub

import "sync"

// The topics. Whoever waits for one also looks at the database now and then: other nodes write rows without waking anybody here.
const (
	Dispatch = "dispatch" // there may be messages due
	Plan     = "plan"     // a launched campaign waits for its messages
	Inbound  = "inbound"  // an inbound message was stored
	Campaign = "campaign" // a campaign changed its state or its counts
)

// Bus delivers wake-ups. The zero value does not work: use New. Safe for concurrent use.
type Bus struct {
	mu   sync.Mutex
	subs map[string]map[chan struct{}]bool
}

// New gives an empty bus.
func New() *Bus { return &Bus{subs: map[string]map[chan struct{}]bool{}} }

// Publish wakes every subscriber of the topic. It never blocks: a subscriber that has not looked yet is woken once.
func (b *Bus) Publish(topic string) {
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
