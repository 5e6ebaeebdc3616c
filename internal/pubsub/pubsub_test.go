package pubsub_test

import (
	"sync"
	"testing"

	"github.com/overture-im/overture/internal/pubsub"
)

func woken(ch <-chan struct{}) int {
	n := 0
	for {
		select {
		case <-ch:
			n++
		default:
			return n
		}
	}
}

func TestWakeUpsAreCoalescedPerSubscriber(t *testing.T) {
	bus := pubsub.New()
	a, endA := bus.Subscribe(pubsub.Dispatch)
	b, endB := bus.Subscribe(pubsub.Dispatch)
	other, endOther := bus.Subscribe(pubsub.Plan)
	defer endA()
	defer endB()
	defer endOther()
	for range 3 {
		bus.Publish(pubsub.Dispatch)
	}
	if woken(a) != 1 || woken(b) != 1 || woken(other) != 0 {
		t.Error("want one wake-up for each subscriber of the topic and none for the other topic")
	}
	bus.Publish(pubsub.Dispatch)
	if woken(a) != 1 {
		t.Error("a wake-up after a receive was lost")
	}
}

func TestEndedSubscriptionIsNotWoken(t *testing.T) {
	bus := pubsub.New()
	ch, end := bus.Subscribe(pubsub.Inbound)
	end()
	end()
	bus.Publish(pubsub.Inbound)
	if woken(ch) != 0 {
		t.Error("an ended subscription was woken")
	}
}

func TestConcurrentUse(t *testing.T) {
	bus := pubsub.New()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 100 {
				_, end := bus.Subscribe(pubsub.Campaign)
				bus.Publish(pubsub.Campaign)
				end()
			}
		})
	}
	wg.Wait()
}
