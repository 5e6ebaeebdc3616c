package lab

import (
	"crypto/sha256"
	"errors"
	"sync"
	"sync/atomic"
)

// record is one accepted message: 72 bytes without pointers, so a million of them cost the garbage collector nothing.
type record struct {
	to       number
	accepted int64    // Unix ms
	hash     [16]byte // first half of the SHA-256 of the body
	route    uint32
	text     uint32 // id in texts
	query    uint32 // place in queries
	older    uint32 // the message before this one to the same number
	arrived  int32  // ms from acceptance back to the request's arrival
	updated  uint32 // ms after acceptance
	sent     uint32 // ms after acceptance plus one; 0: not sent
	code     uint16
	queryLen uint16
	flags    uint16
	status   status
	segments uint8
}

// Flags of a record.
const (
	flagArrived = 1 << 0 // the handset has it
	flagTwice   = 1 << 1 // the handset shows it twice
	shiftOwed   = 2      // bits 2 to 6, by status below delivered: its callback waits until the next one was made
	shiftHeard  = 8      // bits 8 to 15, by status: its callback was answered with 2xx
)

// route is what many messages share: account, sender and callback URL up to its query.
type route struct {
	account  string
	from     string // the sending number, also with a service
	service  string
	base     string // StatusCallback before the query; empty: none
	fragment string // of StatusCallback: connection overrides
}

// submission is a valid request on its way into the ledger. Its byte slices belong to the caller and are copied.
type submission struct {
	account  string
	from     string
	service  []byte
	base     []byte // StatusCallback before its query
	query    []byte
	fragment []byte
	to       number
	body     []byte
	segments int
	arrived  int64  // Unix ms
	key      []byte // scratch
}

// ledger holds every accepted message. The zero value is not ready; use newLedger.
type ledger struct {
	mu       sync.Mutex
	key      atomic.Uint64 // of the SIDs
	chunks   [][]record
	count    uint32
	byTo     map[number]uint32 // newest message to a number
	routes   []*route
	routeIDs map[string]uint32
	queries  arena
	texts    texts
	byStatus [statusCount]int64
	segments int64
	gen      atomic.Uint32 // raised by reset
	journal  *journal      // nil: memory only
	offsets  []int64       // of each message's line, only with a journal
}

const chunkSize = 8192

var errLedgerFull = errors.New("the ledger holds 2^31 messages and takes no more: start a new lab")

func newLedger(key uint64, keepBodies int) *ledger {
	l := &ledger{byTo: map[number]uint32{}, routeIDs: map[string]uint32{}, texts: texts{keep: keepBodies}}
	l.key.Store(key)
	return l
}

// generation of the ledger: events of an earlier one are void.
func (l *ledger) generation() uint32 { return l.gen.Load() }

// at gives record n (1-based). The caller holds mu.
func (l *ledger) at(n uint32) *record { return &l.chunks[(n-1)/chunkSize][(n-1)%chunkSize] }

// accept adds a message. With a journal it is in the file before this returns.
func (l *ledger) accept(s *submission, now int64) (message, error) {
	sum := sha256.Sum256(s.body)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.count >= inboundBit-1 {
		return message{}, errLedgerFull
	}
	if l.journal != nil {
		at, err := l.journal.accepted(l.count+1, s, now)
		if err != nil {
			return message{}, err
		}
		l.offsets = append(l.offsets, at)
	}
	return l.add(s, sum, now), nil
}

func (l *ledger) add(s *submission, sum [32]byte, now int64) message {
	first := statusQueued
	if len(s.service) > 0 {
		first = statusAccepted
	}
	if int(l.count)%chunkSize == 0 {
		l.chunks = append(l.chunks, make([]record, chunkSize))
	}
	l.count++
	r := l.at(l.count)
	*r = record{
		to: s.to, accepted: now, route: l.routeOf(s), older: l.byTo[s.to], arrived: int32(now - s.arrived),
		text:  l.texts.put(uint16(sum[0])<<8|uint16(sum[1]), s.body),
		query: l.queries.put(s.query), queryLen: uint16(len(s.query)),
		status: first, segments: uint8(min(s.segments, 255)),
	}
	copy(r.hash[:], sum[:])
	l.byTo[s.to] = l.count
	l.byStatus[first]++
	l.segments += int64(s.segments)
	return message{record: *r, n: l.count, route: l.routes[r.route]}
}

// routeOf gives the number of the submission's route, a new one the first time.
func (l *ledger) routeOf(s *submission) uint32 {
	k := append(s.key[:0], s.account...)
	for _, part := range [][]byte{s.service, s.base, s.fragment} {
		k = append(append(k, 0), part...)
	}
	s.key = append(append(k, 0), s.from...)
	id, ok := l.routeIDs[string(s.key)]
	if !ok {
		id = uint32(len(l.routes))
		l.routes = append(l.routes, &route{
			account: s.account, from: s.from, service: string(s.service), base: string(s.base), fragment: string(s.fragment),
		})
		l.routeIDs[string(s.key)] = id
	}
	return id
}

// message is a record unpacked.
type message struct {
	record
	n     uint32
	route *route
	query string
	body  string
}

// look unpacks message n of generation gen without its texts; ok is false when there is none.
func (l *ledger) look(gen, n uint32) (m message, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if gen != l.gen.Load() || n == 0 || n > l.count {
		return message{}, false
	}
	r := l.at(n)
	return message{record: *r, n: n, route: l.routes[r.route]}, true
}

// lookCallback is look with the message's StatusCallback, without fragment.
func (l *ledger) lookCallback(gen, n uint32) (m message, target string, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if gen != l.gen.Load() || n == 0 || n > l.count {
		return message{}, "", false
	}
	r := l.at(n)
	m = message{record: *r, n: n, route: l.routes[r.route]}
	if r.queryLen == 0 {
		return m, m.route.base, true
	}
	return m, m.route.base + "?" + l.queries.get(r.query, int(r.queryLen)), true
}

// get unpacks message n; ok is false when there is none. The body comes from the journal when memory no longer has it.
func (l *ledger) get(n uint32) (message, bool) {
	l.mu.Lock()
	if n == 0 || n > l.count {
		l.mu.Unlock()
		return message{}, false
	}
	m, at := l.unpack(n)
	l.mu.Unlock()
	if at > 0 {
		m.body = l.journal.body(at)
	}
	return m, true
}

// unpack reads message n under mu. at is the place of its line when the body has to be read from there, else 0.
func (l *ledger) unpack(n uint32) (m message, at int64) {
	r := l.at(n)
	m = message{record: *r, n: n, route: l.routes[r.route], query: l.queries.get(r.query, int(r.queryLen))}
	body, ok := l.texts.get(r.text)
	if !ok && l.journal != nil {
		at = l.offsets[n-1]
	}
	m.body = body
	return m, at
}

// find visits messages from newest to oldest, of one To or of all (0), only those below number before (0: no bound) that are wanted, until
// visit returns false. The lock is not held while visiting, so a scan never stops the traffic.
func (l *ledger) find(to number, before uint32, wanted func(*record, *route) bool, visit func(message) bool) {
	l.mu.Lock()
	n := l.newest(to)
	for n != 0 && before != 0 && n >= before {
		if to == 0 {
			n = before // the step below makes it before-1
		}
		n = l.step(to, n)
	}
	for n != 0 {
		var batch [64]message
		var places [64]int64
		found := 0
		for looked := 0; n != 0 && found < len(batch) && looked < 4096; looked++ {
			if r := l.at(n); wanted(r, l.routes[r.route]) {
				batch[found], places[found] = l.unpack(n)
				found++
			}
			n = l.step(to, n)
		}
		l.mu.Unlock()
		for i, m := range batch[:found] {
			if places[i] > 0 {
				m.body = l.journal.body(places[i])
			}
			if !visit(m) {
				return
			}
		}
		l.mu.Lock()
	}
	l.mu.Unlock()
}

func (l *ledger) newest(to number) uint32 {
	if to != 0 {
		return l.byTo[to]
	}
	return l.count
}

// step gives the message before n, 0 at the end.
func (l *ledger) step(to number, n uint32) uint32 {
	if to != 0 {
		return l.at(n).older
	}
	return n - 1
}

// move sets a message's status, with a code or 0.
func (l *ledger) move(n uint32, to status, code int, now int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n > l.count {
		return // the ledger was reset meanwhile
	}
	l.set(n, to, code, now)
	if l.journal != nil {
		l.journal.moved(n, to, code, now)
	}
}

func (l *ledger) set(n uint32, to status, code int, now int64) {
	r := l.at(n)
	l.byStatus[r.status]--
	l.byStatus[to]++
	r.status, r.code = to, uint16(code)
	r.updated = uint32(max(now-r.accepted, 0))
	if to == statusSent {
		r.sent = r.updated + 1
	}
}

// flag sets flags of a message.
func (l *ledger) flag(n uint32, flags uint16) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n <= l.count {
		l.at(n).flags |= flags
	}
}

// collectOwed gives the statuses whose callbacks were held back, and owes them no longer.
func (l *ledger) collectOwed(gen, n uint32) (owed []status) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if gen != l.gen.Load() || n > l.count {
		return nil
	}
	r := l.at(n)
	for s := range statusDelivered {
		if bit := uint16(1) << (shiftOwed + s); r.flags&bit != 0 {
			owed = append(owed, s)
			r.flags &^= bit
		}
	}
	return owed
}

// reset forgets everything and takes a new key. The journal starts anew.
func (l *ledger) reset(key uint64) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.key.Store(key)
	l.gen.Add(1)
	l.chunks, l.count, l.byTo, l.routes, l.routeIDs = nil, 0, map[number]uint32{}, nil, map[string]uint32{}
	l.queries, l.texts, l.byStatus, l.segments, l.offsets = arena{}, texts{keep: l.texts.keep}, [statusCount]int64{}, 0, nil
	if err := l.journal.restart(); err != nil {
		return err
	}
	l.journal.note(line{Kind: lineLab, Key: key})
	return nil
}

// page gives at most limit messages after number after, oldest first.
func (l *ledger) page(after uint32, limit int) []message {
	l.mu.Lock()
	out := make([]message, 0, min(limit, int(l.count)))
	places := make([]int64, 0, cap(out))
	for n := after + 1; n <= l.count && len(out) < limit; n++ {
		m, at := l.unpack(n)
		out, places = append(out, m), append(places, at)
	}
	l.mu.Unlock()
	for i, at := range places {
		if at > 0 {
			out[i].body = l.journal.body(at)
		}
	}
	return out
}

func (m *message) updatedAt() int64 { return m.accepted + int64(m.updated) }
