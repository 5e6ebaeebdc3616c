package core

import (
	"time"

	"github.com/overture-im/overture"
)

// refusal is a message whose mark the database refuses, while it takes others. Nothing was sent. It is left alone for longer and longer,
// because finding it among the others costs a dozen transactions, and fails like any message that could not leave.
type refusal struct {
	first, until time.Duration
	times        int
}

const (
	refusedFirst = 30 * time.Second
	refusedMax   = 10 * time.Minute
	// maxRefused bounds what is remembered; of more there is no single bad row to find.
	maxRefused = 1000
)

// refusedByDatabase takes that a mark was refused alone.
func (m *Machine) refusedByDatabase(t *Task, now Moment) {
	r := m.refused[t.Message.MessageID]
	if r == nil {
		m.forgetRefusals(now.Mono)
		if len(m.refused) >= maxRefused {
			return
		}
		r = &refusal{first: now.Mono}
		m.refused[t.Message.MessageID] = r
	}
	r.until = now.Mono + min(refusedFirst<<min(r.times, 10), refusedMax)
	r.times++
	if r.times >= m.cfg.FailTries && now.Mono-r.first >= m.cfg.FailAfter {
		m.next.Moves = append(m.next.Moves, overture.Move{Place: t.Message.Place, State: overture.Failed, Reason: overture.ReasonAttemptsUsedUp})
		delete(m.refused, t.Message.MessageID)
	}
}

// rests tells whether a message is not to be marked yet because the database refused it.
func (m *Machine) rests(id overture.MessageID, now time.Duration) bool {
	r := m.refused[id]
	return r != nil && now < r.until
}

// forgetRefusals lets go of messages that have not come up again for long: they were canceled, or another node sent them.
func (m *Machine) forgetRefusals(now time.Duration) {
	for id, r := range m.refused {
		if now-r.until > refusedMax {
			delete(m.refused, id)
		}
	}
}
