package lab

import (
	"context"
	"sync"
	"time"
)

// event is something due. Small things carry their message's number; rare ones a function.
type event struct {
	due  int64 // Unix ms
	n    uint32
	kind kind
	at   status // of a receipt
	try  uint8
	then bool   // a receipt after whose first try the message moves on
	gen  uint32 // of the ledger; an event of an older one is dropped
	do   func()
}

// kind of pending work.
type kind uint8

const (
	kindStatus  kind = iota // a message moves on
	kindReceipt             // a status callback is called
	kindInbound             // an inbound webhook is called
	kindReply               // a phone writes
	kindRequest             // a request is being answered, slowly
	kindCount
)

// agenda is a heap of events by due time. Safe for concurrent use.
type agenda struct {
	mu   sync.Mutex
	heap []event
	wake chan struct{}
}

func newAgenda() *agenda { return &agenda{wake: make(chan struct{}, 1)} }

func (a *agenda) add(e event) {
	a.mu.Lock()
	h := append(a.heap, e)
	i := len(h) - 1
	for i > 0 {
		parent := (i - 1) / 2
		if h[parent].due <= e.due {
			break
		}
		h[i] = h[parent]
		i = parent
	}
	h[i] = e
	a.heap = h
	a.mu.Unlock()
	if i == 0 { // earlier than what the loop waits for
		select {
		case a.wake <- struct{}{}:
		default:
		}
	}
}

// pop moves everything due into the slice and tells how long until the next; negative when nothing is left.
func (a *agenda) pop(now int64, into []event) ([]event, time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for len(a.heap) > 0 && a.heap[0].due <= now {
		into = append(into, a.heap[0])
		last := len(a.heap) - 1
		e := a.heap[last]
		a.heap[last] = event{}
		a.heap = a.heap[:last]
		if last > 0 {
			a.sink(e)
		}
	}
	if len(a.heap) == 0 {
		return into, -1
	}
	return into, time.Duration(a.heap[0].due-now) * time.Millisecond
}

// sink puts e at the top and moves it down.
func (a *agenda) sink(e event) {
	h, i := a.heap, 0
	for {
		child := 2*i + 1
		if child >= len(h) {
			break
		}
		if child+1 < len(h) && h[child+1].due < h[child].due {
			child++
		}
		if e.due <= h[child].due {
			break
		}
		h[i] = h[child]
		i = child
	}
	h[i] = e
}

// clear forgets everything and gives what was forgotten.
func (a *agenda) clear() []event {
	a.mu.Lock()
	defer a.mu.Unlock()
	old := a.heap
	a.heap = nil
	return old
}

// run hands due events to handle until ctx ends.
func (a *agenda) run(ctx context.Context, handle func([]event)) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	var batch []event
	for {
		var wait time.Duration
		batch, wait = a.pop(time.Now().UnixMilli(), batch[:0])
		if len(batch) > 0 {
			handle(batch)
			clear(batch)
			if ctx.Err() != nil {
				return
			}
			continue
		}
		if wait < 0 {
			wait = time.Hour
		}
		timer.Reset(wait)
		select {
		case <-ctx.Done():
			return
		case <-a.wake:
		case <-timer.C:
		}
	}
}

// queue hands webhook calls to the crew, oldest first. Safe for concurrent use.
type queue struct {
	mu     sync.Mutex
	more   sync.Cond
	items  []event
	head   int
	closed bool
}

func newQueue() *queue {
	q := &queue{}
	q.more.L = &q.mu
	return q
}

func (q *queue) put(e event) {
	q.mu.Lock()
	if q.head > 1024 && q.head > len(q.items)/2 {
		q.items = q.items[:copy(q.items, q.items[q.head:])]
		q.head = 0
	}
	q.items = append(q.items, e)
	q.mu.Unlock()
	q.more.Signal()
}

// take waits for a call; ok is false when the queue is closed.
func (q *queue) take() (e event, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for q.head == len(q.items) && !q.closed {
		q.more.Wait()
	}
	if q.closed {
		return event{}, false
	}
	e = q.items[q.head]
	q.items[q.head] = event{}
	q.head++
	return e, true
}

func (q *queue) clear() []event {
	q.mu.Lock()
	defer q.mu.Unlock()
	old := q.items[q.head:]
	q.items, q.head = nil, 0
	return old
}

func (q *queue) close() {
	q.mu.Lock()
	q.closed = true
	q.mu.Unlock()
	q.more.Broadcast()
}
