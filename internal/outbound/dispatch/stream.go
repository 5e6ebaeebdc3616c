package dispatch

import (
	"context"
	"sync"
	"time"

	"github.com/overture-im/overture"
)

// readLimit is how many rows one read takes: about 50 ms of work at full speed.
const readLimit = 500

// stream reads one lane in the order of its due times. The cursor is only where to read on; that a message is still to be sent is decided
// by its rows when it is marked (R13).
type stream struct {
	lane    overture.Lane
	bucket  *bucket
	cursor  overture.Place
	ready   []overture.DueMessage
	reading bool
	readAt  time.Time // not before
	served  float64   // messages taken divided by weight, for fair turns
}

// page is one finished read.
type page struct {
	lane    overture.LaneID
	due     []overture.DueMessage
	last    overture.Place
	more    bool
	nextDue time.Time // when nothing was due: the earliest due time in the lane, zero for an empty lane
	err     error
}

// read fetches the next rows in the background and hands them to out.
func (e *Engine) read(ctx context.Context, s *stream, headers *headers, out chan<- page) {
	p := page{lane: s.lane.ID}
	p.due, p.last, p.more, p.err = e.Store.DueMessages(ctx, s.lane.ID, time.Now(), s.cursor, readLimit)
	if p.err == nil && len(p.due) == 0 && !p.more {
		p.nextDue, _, p.err = e.Store.NextDue(ctx, s.lane.ID)
	}
	for i := range p.due {
		if p.err == nil {
			p.due[i].Personal.Names, p.err = headers.of(ctx, p.due[i].ImportID)
		}
	}
	select {
	case out <- p:
	case <-ctx.Done():
	}
}

// took accepts a finished read and says when to read again.
func (s *stream) took(p page, pending map[overture.MessageID]bool, now time.Time) {
	s.reading = false
	if p.err != nil {
		s.readAt = now.Add(time.Second)
		return
	}
	for _, m := range p.due {
		if !pending[m.MessageID] {
			pending[m.MessageID] = true
			s.ready = append(s.ready, m)
		}
	}
	switch {
	case p.more:
		s.cursor, s.readAt = p.last, now
	default: // the end: start over, to see retries and rows with an earlier due time
		s.cursor = overture.Place{}
		s.readAt = now.Add(20 * time.Millisecond)
		if len(p.due) == 0 {
			s.readAt = now.Add(time.Second)
			if !p.nextDue.IsZero() && p.nextDue.After(now) && p.nextDue.Before(s.readAt) {
				s.readAt = p.nextDue
			}
		}
	}
}

// headers caches the header names of uploaded lists. Safe for concurrent use.
type headers struct {
	queue Queue
	mu    sync.Mutex
	known map[overture.ImportID]map[string]int
}

func (h *headers) of(ctx context.Context, id overture.ImportID) (map[string]int, error) {
	if id == 0 {
		return nil, nil //nolint:nilnil // no list, no names
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if names, ok := h.known[id]; ok {
		return names, nil
	}
	names, err := h.queue.ImportHeader(ctx, id)
	if err == nil {
		h.known[id] = names
	}
	return names, err
}
