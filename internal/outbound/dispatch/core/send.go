package core

import (
	"errors"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/kit/mutant"
)

// send hands a marked message out.
func (m *Machine) send(t Task) {
	m.sending[t.Message.MessageID] = true
	m.next.Sends = append(m.next.Sends, t)
	if mutant.On(mutant.ReleaseMarksOnShutdown) {
		m.task = append(m.task, t)
	}
}

// MaySend is the last question before the first byte: the mark is not older than the send deadline, the lease still ours (R2), and the
// message inside its window (R9), which has opened by the clock of now too: that of the mark may have been put right in between. Pure, so
// that it can be asked beside the Machine, with LeaseUntil.
func (c Config) MaySend(t *Task, leaseUntil, now Moment) bool {
	return holdsLease(leaseUntil, now) && c.freshMark(t.Marked, now) && isDue(now.Wall, &t.Message) && inTime(now.Wall, t.Lane, &t.Message)
}

// MaySend asks the same of the Machine's own lease.
func (m *Machine) MaySend(t *Task, now Moment) bool {
	return !m.tenure.lost && m.cfg.MaySend(t, m.tenure.until, now)
}

// freshMark tells whether a mark is young enough to be sent. An older one may have been taken over and looked up (R2).
func (c Config) freshMark(marked, now Moment) bool {
	return mutant.On(mutant.NoSendDeadline) || marked.Age(now) <= c.SendDeadline
}

// Text renders what the person gets.
func Text(lane *overture.Lane, msg *overture.DueMessage, smart func(string) string) (string, error) {
	if msg.Body != "" {
		return msg.Body, nil
	}
	if msg.Unreadable {
		return "", errUnreadable
	}
	text, err := lane.Content.For(msg.Personal)
	if err == nil && lane.Content.SmartEncoding {
		text = smart(text)
	}
	return text, err
}

var errUnreadable = errors.New("the recipient's variables cannot be read")

// longestValidity is the longest that a provider queues a message by itself (Twilio: 10 h).
const longestValidity = 10 * time.Hour

// ValidFor bounds how long the provider may queue the message, so that it does not text after hours. Answers and windows longer than the
// provider's own limit pass as zero: the provider's default.
func (t *Task) ValidFor(now time.Time) time.Duration {
	left := t.Message.NotAfter.Sub(now)
	if t.Lane.Reply() || left <= 0 || left > longestValidity {
		return 0
	}
	return left
}

// TookEnding takes what became of a task: it settles the attempt, and learns from it about the provider. It gives the settlement that it
// ordered.
func (m *Machine) TookEnding(t *Task, r Result, now Moment) overture.Settlement {
	m.outstanding--
	if r.Tried {
		m.ahead.sent(now.Mono)
	}
	delete(m.pending, t.Message.MessageID)
	delete(m.sending, t.Message.MessageID)
	if r.Tried && r.Error == nil && m.recent.repeats(r.Accepted.ProviderID) {
		r.Error = &overture.SendError{Class: overture.SendUnknown, HTTPStatus: r.Accepted.HTTPStatus, Detail: "the answer names another message"}
	}
	s := m.cfg.settle(t, r, now)
	switch {
	case !r.Tried:
		m.breaker.nothing()
	case r.Error == nil:
		m.breaker.success()
		m.pace.accepted()
	default:
		m.learn(t, r.Error, now)
	}
	if s.State == overture.Unknown {
		m.doubts.remember(t.Message.MessageID, m.cfg.couldHaveLeft(t, now))
		m.doubts.count++ // until the markers are counted
	}
	s = notEarlier(s)
	m.next.Settlements = append(m.next.Settlements, s)
	if mutant.On(mutant.MarkAfterSend) {
		m.next.Marks = append(m.next.Marks, *t)
	}
	return s
}

// notEarlier keeps a message that goes back into the queue from going before it was due: its window opens then. It was marked before because
// the clock was ahead.
func notEarlier(s overture.Settlement) overture.Settlement {
	if s.State == overture.Queued && s.RetryAt.Before(s.Due) {
		s.RetryAt = s.Due
	}
	return s
}

// learn takes what a failed send says about the provider.
func (m *Machine) learn(t *Task, e *overture.SendError, now Moment) {
	switch e.Class {
	case overture.Throttled:
		m.breaker.success()
		m.pace.throttled(e.RetryAfter, t.Marked.Mono, now.Mono, m.bucket.rate)
	case overture.Refused:
		m.breaker.success()
		if e.Refusal == overture.RefusedSender {
			m.stopSender(e.Code)
		}
	default: // not sent, or unknown
		m.breaker.failure(now.Mono)
	}
}

// couldHaveLeft is the latest time at which the request may have begun: a process that was frozen in the middle sent later than it marked.
func (c Config) couldHaveLeft(t *Task, ended Moment) time.Duration {
	return max(t.Marked.Mono, ended.Mono-c.SendDeadline-c.ClientTimeout)
}
