package core

import (
	"fmt"
	"time"

	"github.com/overture-im/overture"
)

// Snapshot is what an operator may want to know about a sender.
type Snapshot struct {
	SenderID    overture.SenderID
	Owner       string
	Epoch       int64
	Outstanding int       // marked, or asked for, and not ended
	Doubts      int       // outcomes that are not known
	Lookups     int       // questions to the provider's record under way
	Ready       int       // read and waiting for their turn
	Speed       float64   // of the sender's rate: 1 is full speed
	Rate        float64   // segments per second right now; 0: no limit
	BreakerOpen bool      // the provider does not answer sensibly
	RecordMute  bool      // the provider's record does not answer
	Refused     int       // messages whose marks the database refuses
	Stopped     bool      // the provider rejected the sender
	OldestDue   time.Time // due time of the oldest message that was read and waits; zero: none
	Why         string    // why it is slow, in words; empty: nothing is in the way
}

// Snapshot tells how the sender stands.
func (m *Machine) Snapshot(now Moment) Snapshot {
	s := Snapshot{
		SenderID: m.tenure.lease.SenderID, Owner: m.tenure.lease.Owner, Epoch: m.tenure.lease.Epoch, Outstanding: m.outstanding,
		Doubts: m.doubts.count, Lookups: m.doubts.looking, Speed: min(m.pace.factor, 1), Rate: m.pace.speed(m.bucket.rate), BreakerOpen: m.breaker.open(), RecordMute: m.doubts.breaker.open(), Refused: len(m.refused),
		Stopped: m.stopped, Why: m.Why(now),
	}
	for _, l := range m.lanes.list {
		s.Ready += len(l.ready)
		if len(l.ready) > 0 && (s.OldestDue.IsZero() || l.ready[0].Due.Before(s.OldestDue)) {
			s.OldestDue = l.ready[0].Due
		}
	}
	return s
}

// Why says in words for the campaign page what slows the sender; empty when nothing is in the way.
func (m *Machine) Why(now Moment) string {
	switch {
	case m.tenure.lost:
		return "another node has taken the sender over"
	case !holdsLease(m.tenure.until, now):
		return "the lease of the sender could not be renewed; nothing is sent until it is"
	case m.stopped:
		return "the provider rejects this sender; nothing is sent until it is started again"
	case m.troubled > now.Mono:
		return "the database cannot write; nothing is sent until it can"
	case m.pace.until > now.Mono:
		return fmt.Sprintf("the provider asked to slow down; next try in %s", max(m.pace.until-now.Mono, time.Second).Round(time.Second))
	case m.doubts.count > m.cfg.MaxDoubts && m.doubts.breaker.open():
		return fmt.Sprintf("%d messages are in doubt and the provider's record does not answer; one is looked up every few seconds, new ones wait", m.doubts.count)
	case m.doubts.count > m.cfg.MaxDoubts:
		return fmt.Sprintf("%d messages are in doubt and being looked up; new ones wait", m.doubts.count)
	case m.breaker.open():
		return "the provider does not answer; one message is tried every few seconds"
	case m.pace.factor < 0.95 && m.pace.speed(m.bucket.rate) > 0:
		return fmt.Sprintf("the provider asked to slow down; sending at %.0f %% of the rate", 100*m.pace.factor)
	case len(m.refused) > 0:
		return fmt.Sprintf("the database refuses to record attempts of %d messages; they are not sent, and the log names them", len(m.refused))
	}
	return ""
}
