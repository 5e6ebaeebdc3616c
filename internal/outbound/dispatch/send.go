package dispatch

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"time"

	"github.com/overture-im/overture"
)

// task is a marked message on its way to a worker.
type task struct {
	lane    overture.Lane
	msg     overture.DueMessage
	attempt int
	token   string
	marked  time.Time // before the commit of the mark began
}

// newToken makes a correlation token of 128 random bits (R6).
func newToken() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // crypto/rand never fails
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// finalText renders what the person gets.
func finalText(lane overture.Lane, m overture.DueMessage, smart func(string) string) (string, error) {
	if m.Body != "" {
		return m.Body, nil
	}
	text, err := lane.Content.For(m.Personal)
	if err == nil && lane.Content.SmartEncoding {
		text = smart(text)
	}
	return text, err
}

// attempt sends one marked message and says how it ended, and how long the provider asked to wait. It never sends twice and never retries
// (R4).
func (r *runner) attempt(ctx context.Context, t task) (s overture.Settlement, retryAfter time.Duration) {
	s = overture.Settlement{Place: t.msg.Place, Attempt: t.attempt, Token: t.token, StartedAt: t.marked, NotAfter: t.msg.NotAfter}
	sender, err := r.currentSender(ctx)
	if err != nil {
		return giveBack(s, time.Now().Add(time.Second)), 0
	}
	provider := r.e.Providers[sender.Provider]
	text, err := finalText(t.lane, t.msg, r.e.Smart)
	if err != nil || provider == nil {
		s.Outcome, s.State, s.Reason = "refused", overture.Failed, overture.ReasonContentRefused
		return s, 0
	}
	now := time.Now()
	if now.Sub(t.marked) > r.e.cfg.SendDeadline || !r.tenure.valid(now) || ctx.Err() != nil {
		return giveBack(s, now), 0
	}
	accepted, err := provider.Send(ctx, sender, overture.Outgoing{
		MessageID: t.msg.MessageID, Token: t.token, To: t.msg.Address, Body: text,
		StatusCallback: r.e.Callback(sender, t.msg.MessageID, t.token), ValidFor: validFor(t.lane, t.msg, now),
	})
	if err == nil {
		s.Outcome, s.State, s.ProviderID, s.HTTPStatus = "accepted", overture.Accepted, accepted.ProviderID, accepted.HTTPStatus
		return s, 0
	}
	var send *overture.SendError
	if !errors.As(err, &send) {
		send = &overture.SendError{Class: overture.SendUnknown, Detail: "unclassified"}
	}
	return classify(s, send, r.e.cfg, time.Now()), send.RetryAfter
}

// validFor bounds how long the provider may queue the message, so that it does not text after hours. Answers and windows longer than the
// provider's own limit pass as zero: the provider's default.
func validFor(lane overture.Lane, m overture.DueMessage, now time.Time) time.Duration {
	left := m.NotAfter.Sub(now)
	if lane.Reply() || left <= 0 || left > 10*time.Hour {
		return 0
	}
	return left
}

// giveBack returns a marked message that was certainly not sent.
func giveBack(s overture.Settlement, at time.Time) overture.Settlement {
	s.Outcome, s.State, s.RetryAt = "given_back", overture.Queued, at
	return s
}

// classify turns a send that was not accepted into what happens to the message. Pure.
func classify(s overture.Settlement, send *overture.SendError, cfg Config, now time.Time) overture.Settlement {
	s.Code, s.HTTPStatus, s.Outcome = send.Code, send.HTTPStatus, string(send.Class)
	switch send.Class {
	case overture.Throttled: // never a failed recipient (R12)
		s.State, s.RetryAt = overture.Queued, now.Add(max(send.RetryAfter, time.Second))
	case overture.NotSent:
		s.State, s.RetryAt = overture.Queued, now.Add(backoff(s.Attempt))
		if s.Attempt >= cfg.MaxAttempts {
			s.State, s.Reason = overture.Failed, overture.ReasonAttemptsUsedUp
		}
	case overture.Refused:
		s.State, s.Reason = overture.Failed, refusalReason(send.Refusal)
		switch send.Refusal {
		case overture.RefusedOptOut:
			s.State, s.OptOut = overture.Suppressed, true
		case overture.RefusedSender: // not this person's fault: back into the queue, the sender is stopped
			s.State, s.RetryAt = overture.Queued, now
		case overture.RefusedAddress, overture.RefusedContent, overture.RefusedPolicy, overture.RefusedChannel:
		}
	default:
		s.Outcome, s.State, s.LookupAt = "unknown", overture.Unknown, s.StartedAt.Add(cfg.Grace)
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
