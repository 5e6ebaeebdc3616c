package core

import (
	"time"

	"github.com/overture-im/overture"
)

// Windows tells when a message may go (outbound/schedule).
type Windows interface {
	Next(now time.Time, zones []string, w overture.Window, launchAt, expiresAt time.Time) (due, notAfter time.Time, expired bool, why string)
}

// Machine decides for one sender during one tenure. Not safe for concurrent use.
type Machine struct {
	cfg     Config
	windows Windows
	token   func() string // a fresh correlation token of 128 random bits (R6)

	tenure  tenure
	lanes   lanes
	bucket  bucket
	pace    pace
	ahead   ahead
	breaker breaker
	doubts  doubts
	recent  recentIDs

	refused     map[overture.MessageID]*refusal
	pending     map[overture.MessageID]bool // read, asked for or being sent
	sending     map[overture.MessageID]bool // handed out in Sends and not ended
	outstanding int                         // marks asked for and not ended
	turn        int                         // campaign messages marked, for fair turns
	stopped     bool                        // the sender is stopped
	troubled    time.Duration               // the database is in trouble: no marks before
	quiet       time.Duration               // since when there is nothing to do
	counted     schedule
	task        []Task // only with mutants: what ReleaseMarksOnShutdown gives back

	next, out *Orders
}

// New begins a tenure: lease was asked for at asked, and granted. token gives correlation tokens.
func New(cfg Config, lease overture.Lease, asked, now Moment, windows Windows, token func() string) *Machine {
	cfg = cfg.WithDefaults()
	m := &Machine{
		cfg: cfg, windows: windows, token: token,
		refused: map[overture.MessageID]*refusal{}, pending: map[overture.MessageID]bool{}, sending: map[overture.MessageID]bool{}, quiet: now.Mono,
		next: &Orders{}, out: &Orders{},
	}
	m.tenure.begin(cfg, lease, asked, now)
	m.lanes.byID = map[overture.LaneID]*stream{}
	m.bucket = newBucket(now.Mono)
	m.pace = newPace(now.Mono)
	m.doubts.floor.left = -never
	m.doubts.memory = map[overture.MessageID]*memory{}
	m.doubts.proofs = map[[16]byte]overture.MessageID{}
	return m
}

// Lease is what the orders are to be carried out under.
func (m *Machine) Lease() overture.Lease { return m.tenure.lease }

// Tick decides what time has made due and hands out all orders since the last call. They are valid until the next call.
func (m *Machine) Tick(now Moment) *Orders {
	m.keepLease(now)
	wait := time.Duration(0)
	if m.working() {
		m.startReads(now)
		wait = min(m.lookUpMore(now), m.markMore(now))
	}
	m.endWhenDone(now)
	m.next.WakeIn = m.wakeIn(now, wait)
	m.out, m.next = m.next, m.out
	m.next.reset()
	m.next.Marks = nil
	return m.out
}

// idleFor is how long a sender without work keeps its tenure.
const idleFor = 3 * time.Second

// endWhenDone ends the tenure when it is lost or stopped and everything came back, or when there was nothing to do for a while.
func (m *Machine) endWhenDone(now Moment) {
	if m.outstanding > 0 || m.doubts.count > 0 || m.lanes.ready() || m.tenure.adopting() {
		m.quiet = now.Mono
	}
	over := !m.working() && m.outstanding == 0
	idle := m.outstanding == 0 && now.Mono-m.quiet > idleFor
	if over || idle {
		m.next.Done = true
		m.next.Release = m.tenure.stopping && !m.tenure.lost
	}
}

// working tells whether new work may begin.
func (m *Machine) working() bool { return !m.tenure.lost && !m.tenure.stopping }

// wakeIn is when something becomes due by itself.
func (m *Machine) wakeIn(now Moment, wait time.Duration) time.Duration {
	at := m.tenure.renewal.at
	if m.tenure.lost { // only what is outstanding is waited for
		at = never
	}
	if m.working() {
		at = min(at, m.lanes.read.at, m.counted.at, now.Mono+wait)
		if m.tenure.adopting() {
			at = min(at, m.tenure.adoption.at)
		}
		if m.wantsDoubts() {
			at = min(at, m.doubts.read.at)
		}
		for _, s := range m.lanes.list {
			if s.wantsPage() {
				at = min(at, s.readAt)
			}
		}
	}
	return max(at-now.Mono, time.Millisecond)
}

// Woken says that there may be new work, in whatever lane, also in one that is not known yet.
func (m *Machine) Woken() {
	m.lanes.read.soon(m.lanes.took + lanesRest)
	for _, s := range m.lanes.list {
		s.readAt = 0
	}
}

// schedule is something to do again and again, one at a time.
type schedule struct {
	at    time.Duration // not before
	busy  bool
	again time.Duration // when busy: what is asked for meanwhile; 0: nothing
}

// due tells whether to begin now; done must follow.
func (s *schedule) due(now Moment) bool {
	if s.busy || now.Mono < s.at {
		return false
	}
	s.busy = true
	s.at = never
	return true
}

func (s *schedule) done(next time.Duration) {
	if s.again > 0 {
		next = min(next, s.again)
	}
	s.busy, s.at, s.again = false, next, 0
}

// soon brings the next time forward. What is under way may have begun too early to see what there is to see: it is done again.
func (s *schedule) soon(at time.Duration) {
	switch {
	case !s.busy:
		s.at = min(s.at, at)
	case s.again == 0:
		s.again = max(at, 1)
	default:
		s.again = min(s.again, max(at, 1))
	}
}

// never is later than every process lives.
const never = time.Duration(1<<63 - 1)
