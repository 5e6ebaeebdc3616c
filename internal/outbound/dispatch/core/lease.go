package core

import (
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/kit/mutant"
)

// tenure is a lease with its local deadline: the moment before the request plus the time to live, on both clocks. A process that was frozen
// sees at once that it is over (R2).
type tenure struct {
	lease    overture.Lease
	until    Moment
	lost     bool
	stopping bool
	renewal  schedule
	adoption schedule
	adopted  bool
	began    time.Duration // when the markers of earlier owners were adopted; before that, when the tenure began
}

func (t *tenure) begin(cfg Config, lease overture.Lease, asked, now Moment) {
	t.lease, t.until, t.began = lease, asked.Add(cfg.LeaseTTL), now.Mono
	t.renewal.at = asked.Mono + cfg.LeaseTTL/4
}

func (t *tenure) adopting() bool { return !t.adopted && !t.lost && !t.stopping }

// LeaseUntil is the local deadline of the lease: no send begins after it. It moves with Renewed.
func (m *Machine) LeaseUntil() Moment { return m.tenure.until }

// holdsLease tells whether the sender is certainly ours.
func holdsLease(until, now Moment) bool {
	return mutant.On(mutant.LostLeaseIgnored) || now.Mono < until.Mono && now.Wall.Before(until.Wall)
}

// keepLease asks for the lease again every quarter of its time, and once for what earlier owners left.
func (m *Machine) keepLease(now Moment) {
	if !m.tenure.lost && m.tenure.renewal.due(now) {
		m.next.Renew = true
	}
	if m.tenure.adopting() && m.tenure.adoption.due(now) {
		m.next.Adopt = true
	}
}

// Renewed takes the answer to Renew: asked is the moment before the request. An error is no answer: the deadline stands and ends the sends
// by itself. Another owner, or another epoch, ends the tenure.
func (m *Machine) Renewed(lease overture.Lease, ok, failed bool, asked, now Moment) {
	next := asked.Mono + m.cfg.LeaseTTL/4
	switch {
	case failed:
		next = max(next, now.Mono+m.cfg.LeaseTTL/10)
	case !ok || lease.Epoch != m.tenure.lease.Epoch:
		m.Lost()
	default:
		m.tenure.until = asked.Add(m.cfg.LeaseTTL)
	}
	m.tenure.renewal.done(next)
}

// Lost ends the tenure: another node owns the sender. What is outstanding comes back and is settled under the old epoch, which changes
// nothing where the new owner was first (R3).
func (m *Machine) Lost() {
	if !mutant.On(mutant.LostLeaseIgnored) {
		m.tenure.lost = true
	}
}

// Stop ends the tenure on purpose: nothing new is marked, what is marked is sent and settled, then the lease is given back.
func (m *Machine) Stop() {
	if mutant.On(mutant.ReleaseMarksOnShutdown) && !m.tenure.stopping {
		for _, t := range m.task {
			m.next.Settlements = append(m.next.Settlements, giveBack(settlementOf(t), time.Time{}))
		}
	}
	m.tenure.stopping = true
}

// Adopted takes the answer to Adopt. Nothing that an earlier owner began is looked up before now plus the grace period: its clock is not
// ours, and what it sent, it sent before we took the lease.
func (m *Machine) Adopted(count int, failed bool, now Moment) {
	if failed {
		m.tenure.adoption.done(now.Mono + time.Second)
		return
	}
	m.tenure.adopted, m.tenure.began = true, now.Mono
	m.tenure.adoption.done(never)
	m.doubts.count += count
}
