package pubsub_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/overture-im/overture/internal/pubsub"
)

// wire connects nodes like a database would, and can be cut.
type wire struct {
	mu    sync.Mutex
	sent  [][]string
	ends  []chan []string
	cut   bool
	lines int
}

func (w *wire) Notify(_ context.Context, topics []string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sent = append(w.sent, slices.Clone(topics))
	if w.cut {
		return errors.New("cut")
	}
	for _, end := range w.ends {
		end <- topics
	}
	return nil
}

func (w *wire) Listen(ctx context.Context, ready func(), heard func([]string)) error {
	w.mu.Lock()
	if w.cut {
		w.mu.Unlock()
		return errors.New("cut")
	}
	end := make(chan []string, 100)
	w.ends = append(w.ends, end)
	w.lines++
	w.mu.Unlock()
	ready()
	for {
		select {
		case <-ctx.Done():
			return nil
		case topics, ok := <-end:
			if !ok {
				return errors.New("cut")
			}
			heard(topics)
		}
	}
}

func (w *wire) setCut(cut bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.cut = cut; cut {
		for _, end := range w.ends {
			close(end)
		}
		w.ends = nil
	}
}

func TestNodesWakeEachOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &wire{}
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		a, b := pubsub.New(), pubsub.New()
		for _, bus := range []*pubsub.Bus{a, b} {
			go func() { _ = pubsub.NewRelay(bus, w, slog.New(slog.DiscardHandler)).Run(ctx) }()
		}
		synctest.Wait()
		woken, end := b.Subscribe(pubsub.Dispatch)
		defer end()
		other, end2 := b.Subscribe(pubsub.Plan)
		defer end2()

		for range 1000 {
			a.Publish(pubsub.Dispatch)
		}
		began := time.Now()
		<-woken
		if took := time.Since(began); took > 20*time.Millisecond {
			t.Errorf("the other node woke after %v", took)
		}
		time.Sleep(time.Second)
		if len(w.sent) != 1 {
			t.Errorf("%d notifications for a thousand wake-ups at once, and none may echo; want 1", len(w.sent))
		}
		select {
		case <-other:
			t.Error("a topic that nobody published woke somebody")
		default:
		}

		w.setCut(true)
		a.Publish(pubsub.Plan)
		time.Sleep(3 * time.Second)
		w.setCut(false)
		time.Sleep(2 * time.Second)
		select {
		case <-other:
		default:
			t.Error("after the line came back nobody looked for what was missed")
		}
		<-woken // every topic is looked at once
		a.Publish(pubsub.Dispatch)
		time.Sleep(100 * time.Millisecond)
		select {
		case <-woken:
		default:
			t.Error("after the line came back wake-ups do not cross")
		}
		if w.lines != 4 {
			t.Errorf("%d lines were opened, want two per node", w.lines)
		}
	})
}
