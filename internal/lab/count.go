package lab

import (
	"strconv"
	"sync"
	"sync/atomic"
)

// Summary is what happened in the lab so far.
type Summary struct {
	Requests      int64            `json:"requests"` // to the Twilio API, refused ones too
	Fetched       int64            `json:"fetched"`  // questions about one message
	Accepted      int64            `json:"accepted"` // the ledger's size
	Segments      int64            `json:"segments"` // of accepted messages
	Refused       int64            `json:"refused"`
	RefusedByCode map[string]int64 `json:"refused_by_code"`
	Throttled     int64            `json:"throttled"` // 429, by rate or fault; not in Refused
	ByStatus      map[string]int64 `json:"by_status"`
	Faults        map[string]int64 `json:"faults"` // by the words of Profile and Rule

	CallbacksTried  int64 `json:"callbacks_tried"`  // every try counts
	CallbacksSent   int64 `json:"callbacks_sent"`   // answered with 2xx
	CallbacksFailed int64 `json:"callbacks_failed"` // given up
	CallbacksLost   int64 `json:"callbacks_lost"`   // never made, by fault

	InboundWritten int64 `json:"inbound_written"` // by phones
	InboundSent    int64 `json:"inbound_sent"`    // answered with 2xx
	InboundFailed  int64 `json:"inbound_failed"`  // given up

	OptOuts int64   `json:"opt_outs"` // phones that have stopped a sender
	Pending Pending `json:"pending"`
}

// Pending is what is still to happen.
type Pending struct {
	Status    int64 `json:"status"`    // messages that will move on
	Callbacks int64 `json:"callbacks"` // status callbacks to make
	Inbound   int64 `json:"inbound"`   // inbound webhooks to make
	Replies   int64 `json:"replies"`   // answers phones will write
	Requests  int64 `json:"requests"`  // creates held before acceptance
}

// Total is the number of things still to happen.
func (p Pending) Total() int64 { return p.Status + p.Callbacks + p.Inbound + p.Replies + p.Requests }

type counters struct {
	requests, fetched, throttled                                  atomic.Int64
	callbacksTried, callbacksSent, callbacksFailed, callbacksLost atomic.Int64
	inboundWritten, inboundSent, inboundFailed                    atomic.Int64
	mu                                                            sync.Mutex
	refused                                                       map[int]int64
	faults                                                        map[fault]int64
}

func (c *counters) refusal(f *refusal) {
	if f.code == 20429 {
		c.throttled.Add(1)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.refused == nil {
		c.refused = map[int]int64{}
	}
	c.refused[f.code]++
}

func (c *counters) fault(f fault) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.faults == nil {
		c.faults = map[fault]int64{}
	}
	c.faults[f]++
}

func (c *counters) reset() {
	for _, n := range []*atomic.Int64{
		&c.requests, &c.fetched, &c.throttled, &c.callbacksTried, &c.callbacksSent, &c.callbacksFailed, &c.callbacksLost, &c.inboundWritten, &c.inboundSent, &c.inboundFailed,
	} {
		n.Store(0)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.refused, c.faults = nil, nil
}

func (l *Lab) pendingWork() Pending {
	return Pending{
		Status: l.pending[kindStatus].Load(), Callbacks: l.pending[kindReceipt].Load(), Inbound: l.pending[kindInbound].Load(),
		Replies: l.pending[kindReply].Load(), Requests: l.pending[kindRequest].Load(),
	}
}

func (l *Lab) summary() Summary {
	s := Summary{
		Requests: l.count.requests.Load(), Fetched: l.count.fetched.Load(), Throttled: l.count.throttled.Load(),
		CallbacksTried: l.count.callbacksTried.Load(), CallbacksSent: l.count.callbacksSent.Load(),
		CallbacksFailed: l.count.callbacksFailed.Load(), CallbacksLost: l.count.callbacksLost.Load(),
		InboundWritten: l.count.inboundWritten.Load(), InboundSent: l.count.inboundSent.Load(), InboundFailed: l.count.inboundFailed.Load(),
		RefusedByCode: map[string]int64{}, ByStatus: map[string]int64{}, Faults: map[string]int64{}, Pending: l.pendingWork(),
	}
	l.ledger.mu.Lock()
	s.Accepted, s.Segments = int64(l.ledger.count), l.ledger.segments
	for at, n := range l.ledger.byStatus {
		if n != 0 {
			s.ByStatus[statusNames[at]] = n
		}
	}
	l.ledger.mu.Unlock()
	l.count.mu.Lock()
	for code, n := range l.count.refused {
		s.RefusedByCode[strconv.Itoa(code)] = n
		s.Refused += n
	}
	for f, n := range l.count.faults {
		s.Faults[string(f)] = n
	}
	l.count.mu.Unlock()
	l.phones.mu.Lock()
	s.OptOuts = int64(len(l.phones.stops))
	l.phones.mu.Unlock()
	return s
}
