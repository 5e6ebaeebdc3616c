package dispatch

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/kit/crashpoint"
	"github.com/overture-im/overture/internal/outbound/dispatch/core"
)

// newToken makes a correlation token of 128 random bits (R6).
func newToken() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // crypto/rand never fails
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// ending tells the loop how one task ended.
type ending struct {
	task   core.Task
	result core.Result
	took   time.Duration // the provider's answer
}

// work sends tasks, answers first, until both channels are closed.
func (r *runner) work(ctx context.Context) {
	answers, tasks := r.answers, r.tasks
	for answers != nil || tasks != nil {
		var t core.Task
		var ok bool
		select {
		case t, ok = <-answers:
			if !ok {
				answers = nil
			}
		default:
			select {
			case t, ok = <-answers:
				if !ok {
					answers = nil
				}
			case t, ok = <-tasks:
				if !ok {
					tasks = nil
				}
			}
		}
		if ok {
			began := time.Now()
			result := r.attempt(ctx, &t)
			r.ended <- ending{task: t, result: result, took: time.Since(began)}
		}
	}
}

// attempt sends one marked message and says what came of it. It never sends twice and never retries (R4).
func (r *runner) attempt(ctx context.Context, t *core.Task) core.Result {
	sender, err := r.currentSender(ctx)
	if err != nil {
		return core.Result{}
	}
	provider := r.e.Providers[sender.Provider]
	text, err := core.Text(t.Lane, &t.Message, r.e.Smart)
	if err != nil || provider == nil {
		return core.Result{Unsendable: true}
	}
	now := r.e.now()
	if !r.e.cfg.MaySend(t, *r.until.Load(), now) {
		return core.Result{}
	}
	crashpoint.Pass("CP3")
	accepted, err := provider.Send(ctx, sender, overture.Outgoing{
		MessageID: t.Message.MessageID, Token: t.Token, To: t.Message.Address, Body: text,
		StatusCallback: r.e.Callback(sender, t.Message.MessageID, t.Token), ValidFor: t.ValidFor(now.Wall),
	})
	if err == nil {
		crashpoint.Pass("CP8")
		return core.Result{Tried: true, Accepted: accepted}
	}
	var send *overture.SendError
	if !errors.As(err, &send) {
		send = &overture.SendError{Class: overture.SendUnknown, Detail: "unclassified"}
	}
	return core.Result{Tried: true, Error: send}
}
