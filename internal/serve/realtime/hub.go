package realtime

import (
	"crypto/rand"
	"maps"
	"sync"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/access"
)

// event is a hint that a thing changed. Offsets count within the feed of one account, so they tell nobody how much others do.
type event struct {
	feed   *feed
	offset int64
	thing  overture.Thing
}

// feed is what happens in one account, from the moment its first socket opens until some time after its last one closed. A feed that begins
// anew has another epoch: who comes back from an older one has missed what nobody looked at.
type feed struct {
	account overture.AccountID
	epoch   string
	offset  int64 // of the last event
	floor   int64 // of the newest event that the ring has let go
	marks   overture.Marks
	sockets map[*socket]bool
	empty   time.Time // since when it has no socket
}

// hub knows the sockets of this process and the last events. Safe for concurrent use; nothing in it waits for a socket or the database.
type hub struct {
	limits Limits

	mu       sync.Mutex
	stopped  bool
	byID     map[overture.AccountID]*feed
	sessions map[overture.SessionID]int
	open     int
	ring     []event // the next place is ring[next]; a free place has no feed
	next     int
	gone     sync.WaitGroup
}

func newHub(l Limits) *hub {
	return &hub{limits: l, byID: map[overture.AccountID]*feed{}, sessions: map[overture.SessionID]int{}, ring: make([]event, l.Ring)}
}

func (h *hub) size() (sockets, accounts int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.open, len(h.byID)
}

// begin makes a feed known whose first look was just made; an older one stays.
func (h *hub) begin(account overture.AccountID, marks overture.Marks) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.byID[account] == nil {
		h.byID[account] = &feed{account: account, epoch: rand.Text()[:12], marks: marks, sockets: map[*socket]bool{}, empty: time.Now()}
	}
}

func (h *hub) knows(account overture.AccountID) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.byID[account] != nil
}

type refusal int

const (
	admitted refusal = iota
	tooManySockets
	tooManyOfSession
	isStopping
	noFeed // it ended meanwhile
)

// join adds a socket to the feed of its account and puts into its queue what it missed. after and epoch are where it stopped; epoch is empty
// for one that is new.
func (h *hub) join(s *socket, epoch string, after int64) refusal {
	h.mu.Lock()
	defer h.mu.Unlock()
	f := h.byID[s.who.AccountID]
	switch {
	case h.stopped:
		return isStopping
	case f == nil:
		return noFeed
	case h.open >= h.limits.All:
		return tooManySockets
	case h.sessions[s.who.SessionID] >= h.limits.PerSession:
		return tooManyOfSession
	}
	h.open++
	h.sessions[s.who.SessionID]++
	h.gone.Add(1)
	f.sockets[s] = true
	s.greeting = append(s.greeting, frame{Type: "hello", Epoch: f.epoch, Offset: &f.offset}.json())
	if epoch == "" {
		return admitted
	}
	if epoch != f.epoch || after < f.floor || after > f.offset {
		s.greeting = append(s.greeting, frame{Type: "resync"}.json())
		return admitted
	}
	for i := range h.ring {
		e := h.ring[(h.next+i)%len(h.ring)]
		if e.feed == f && e.offset > after && s.hears(e.thing) {
			s.greeting = append(s.greeting, e.json())
		}
	}
	return admitted
}

func (h *hub) leave(s *socket) {
	h.mu.Lock()
	defer h.mu.Unlock()
	f := h.byID[s.who.AccountID]
	delete(f.sockets, s)
	if len(f.sockets) == 0 {
		f.empty = time.Now()
	}
	h.open--
	if h.sessions[s.who.SessionID]--; h.sessions[s.who.SessionID] == 0 {
		delete(h.sessions, s.who.SessionID)
	}
	h.gone.Done()
}

// feeds are those to look at. One that has had no socket for a while ends.
func (h *hub) feeds(now time.Time, keep time.Duration) []*feed {
	h.mu.Lock()
	defer h.mu.Unlock()
	var out []*feed
	for id, f := range h.byID {
		if len(f.sockets) == 0 && now.Sub(f.empty) > keep {
			delete(h.byID, id)
			continue
		}
		out = append(out, f)
	}
	return out
}

func (h *hub) all() []*socket {
	h.mu.Lock()
	defer h.mu.Unlock()
	var out []*socket
	for _, f := range h.byID {
		for s := range f.sockets {
			out = append(out, s)
		}
	}
	return out
}

// compare tells what differs from the feed's last look, and how many events that made.
func (h *hub) compare(f *feed, marks overture.Marks) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	n := 0
	for thing, mark := range marks {
		if was, known := f.marks[thing]; !known || was != mark {
			h.tell(f, thing)
			n++
		}
	}
	for thing := range f.marks {
		if _, still := marks[thing]; !still {
			h.tell(f, thing)
			n++
		}
	}
	f.marks = maps.Clone(marks)
	return n
}

// tellAll tells every feed something that is not known by account: it carries nothing.
func (h *hub) tellAll(thing overture.Thing) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, f := range h.byID {
		h.tell(f, thing)
	}
	return len(h.byID)
}

func (h *hub) tell(f *feed, thing overture.Thing) {
	f.offset++
	e := event{f, f.offset, thing}
	if old := h.ring[h.next]; old.feed != nil {
		old.feed.floor = old.offset
	}
	h.ring[h.next] = e
	h.next = (h.next + 1) % len(h.ring)
	text := e.json()
	for s := range f.sockets {
		if s.hears(thing) {
			s.put(text)
		}
	}
}

// stop ends every socket, takes no more, and waits until they are gone or two seconds are over.
func (h *hub) stop() {
	h.mu.Lock()
	h.stopped = true
	h.mu.Unlock()
	for _, s := range h.all() {
		s.end(stopping)
	}
	done := make(chan struct{})
	go func() { h.gone.Wait(); close(done) }()
	select {
	case <-done:
	case <-time.After(2 * time.Second):
	}
}

func (s *socket) hears(thing overture.Thing) bool {
	p, known := mayHear[thing.Topic]
	return known && access.Allows(s.who, p)
}
