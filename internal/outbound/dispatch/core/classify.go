package core

import (
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/kit/mutant"
)

// settlementOf begins the settlement of a task.
func settlementOf(t Task) overture.Settlement {
	return overture.Settlement{Place: t.Message.Place, Attempt: t.Attempt, Token: t.Token, StartedAt: t.Marked.Wall, NotAfter: t.Message.NotAfter}
}

// settle turns what became of a task into what happens to its message.
func (c Config) settle(t *Task, r Result, now Moment) overture.Settlement {
	s := settlementOf(*t)
	switch {
	case r.Unsendable:
		s.Outcome, s.State, s.Reason = "refused", overture.Failed, overture.ReasonContentRefused
	case !r.Tried:
		return giveBack(s, now.Wall)
	case r.Error == nil:
		s.Outcome, s.State, s.ProviderID, s.HTTPStatus = "accepted", overture.Accepted, r.Accepted.ProviderID, r.Accepted.HTTPStatus
	default:
		return c.classify(s, t, r.Error, now)
	}
	return s
}

// giveBack returns a marked message that was certainly not sent.
func giveBack(s overture.Settlement, at time.Time) overture.Settlement {
	s.Outcome, s.State, s.RetryAt = "given_back", overture.Queued, at
	if mutant.On(mutant.GiveBackCountsAsSent) {
		s.State = overture.Accepted
	}
	return s
}

// classify turns a send that was not accepted into what happens to the message. What is not certain is unknown (R5).
func (c Config) classify(s overture.Settlement, t *Task, e *overture.SendError, now Moment) overture.Settlement {
	s.Code, s.HTTPStatus, s.Outcome = e.Code, e.HTTPStatus, string(e.Class)
	switch {
	case e.Class == overture.Throttled:
		return throttledSend(s, e, now)
	case e.Class == overture.NotSent, takenForNotSent(e):
		return c.notSent(s, t, now)
	case e.Class == overture.Refused:
		return refusedSend(s, e, now)
	}
	s.Outcome, s.State, s.LookupAt = "unknown", overture.Unknown, now.at(c.couldHaveLeft(t, now)+c.grace())
	return s
}

// takenForNotSent is what never happens (R5): a 5xx or a time-out says nothing about what the provider did.
func takenForNotSent(e *overture.SendError) bool {
	return mutant.On(mutant.RetryOnBareServerError) && e.Class == overture.SendUnknown && e.HTTPStatus >= 500 ||
		mutant.On(mutant.RetryOnTimeout) && e.Class == overture.SendUnknown && e.HTTPStatus == 0
}

// throttledSend: the provider slows the sender; it is never a failed recipient, however often (R12).
func throttledSend(s overture.Settlement, e *overture.SendError, now Moment) overture.Settlement {
	s.State, s.RetryAt = overture.Queued, now.Wall.Add(max(e.RetryAfter, time.Second))
	if mutant.On(mutant.ThrottleFailsRecipient) {
		s.State, s.Reason = overture.Failed, overture.ReasonAttemptsUsedUp
	}
	return s
}

// notSent: it never left. It is tried again with growing pauses, until it has failed to leave for long enough and often enough; the end of
// its validity comes first where there is one.
func (c Config) notSent(s overture.Settlement, t *Task, now Moment) overture.Settlement {
	tries, since := t.Message.NotSent+1, t.Message.NotSentSince
	if since.IsZero() {
		since = t.Marked.Wall
	}
	s.Outcome = string(overture.NotSent)
	if tries >= c.FailTries && now.Wall.Sub(since) >= c.FailAfter {
		s.Outcome, s.State, s.Reason = "given_up", overture.Failed, overture.ReasonAttemptsUsedUp
		return s
	}
	s.State, s.RetryAt = overture.Queued, now.Wall.Add(backoff(tries))
	return s
}

// backoff after a number of definite non-sends: 1, 2, 4 … 300 seconds.
func backoff(tries int) time.Duration {
	return min(time.Second<<min(max(tries-1, 0), 9), 5*time.Minute)
}

// refusedSend: a definite refusal with a known code.
func refusedSend(s overture.Settlement, e *overture.SendError, now Moment) overture.Settlement {
	s.State, s.Reason = overture.Failed, refusalReason(e.Refusal)
	switch e.Refusal {
	case overture.RefusedOptOut:
		s.State, s.OptOut = overture.Suppressed, true
	case overture.RefusedSender: // not this person's fault: back into the queue, the sender is stopped
		s.Outcome, s.State, s.RetryAt = "sender_refused", overture.Queued, now.Wall
	case overture.RefusedAddress, overture.RefusedContent, overture.RefusedPolicy, overture.RefusedChannel:
	}
	return s
}

func refusalReason(r overture.Refusal) string {
	switch r {
	case overture.RefusedOptOut:
		return overture.ReasonOptedOut
	case overture.RefusedContent:
		return overture.ReasonContentRefused
	case overture.RefusedPolicy:
		return overture.ReasonPolicyRefused
	case overture.RefusedSender:
		return overture.ReasonSenderRefused
	case overture.RefusedAddress, overture.RefusedChannel:
	}
	return overture.ReasonAddressRefused
}
