package core_test

import (
	"testing"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/outbound/dispatch/core"
)

// R5: what happens to a message, by what the send came to.
func TestClassification(t *testing.T) {
	refused := func(r overture.Refusal) core.Result {
		return core.Result{Tried: true, Error: &overture.SendError{Class: overture.Refused, Refusal: r, Code: 42, HTTPStatus: 400}}
	}
	for _, c := range []struct {
		what    string
		result  core.Result
		outcome string
		state   overture.State
		reason  string
	}{
		{"accepted", accepted("SM1"), "accepted", overture.Accepted, ""},
		{"not handed over", core.Result{}, "given_back", overture.Queued, ""},
		{"no text", core.Result{Unsendable: true}, "refused", overture.Failed, overture.ReasonContentRefused},
		{"a time-out", failed(overture.SendUnknown), "unknown", overture.Unknown, ""},
		{"a bare 500", core.Result{Tried: true, Error: &overture.SendError{Class: overture.SendUnknown, HTTPStatus: 500}}, "unknown", overture.Unknown, ""},
		{"an unknown class", failed("something new"), "unknown", overture.Unknown, ""},
		{"never left", failed(overture.NotSent), "not_sent", overture.Queued, ""},
		{"throttled", failed(overture.Throttled), "throttled", overture.Queued, ""},
		{"this person", refused(overture.RefusedAddress), "refused", overture.Failed, overture.ReasonAddressRefused},
		{"this text", refused(overture.RefusedContent), "refused", overture.Failed, overture.ReasonContentRefused},
		{"policy", refused(overture.RefusedPolicy), "refused", overture.Failed, overture.ReasonPolicyRefused},
		{"stopped", refused(overture.RefusedOptOut), "refused", overture.Suppressed, overture.ReasonOptedOut},
		{"the sender", refused(overture.RefusedSender), "sender_refused", overture.Queued, overture.ReasonSenderRefused},
	} {
		d := sit(t, core.Config{})
		task := d.one()
		s := d.m.TookEnding(&task, c.result, d.now)
		if s.Outcome != c.outcome || s.State != c.state || s.Reason != c.reason || s.OptOut != (c.state == overture.Suppressed) {
			t.Errorf("%s: %q, %v, %q, opt-out %v", c.what, s.Outcome, s.State, s.Reason, s.OptOut)
		}
		if s.Token != task.Token || s.Attempt != 1 || !s.StartedAt.Equal(task.Marked.Wall) || s.MessageID != task.Message.MessageID {
			t.Errorf("%s: the settlement does not name its attempt: %+v", c.what, s)
		}
		o := d.tick(0)
		if len(o.Settlements) != 1 {
			t.Errorf("%s: %d settlements", c.what, len(o.Settlements))
		}
		if stop := o.StopSender != ""; stop != (c.what == "the sender") {
			t.Errorf("%s: stop the sender: %q", c.what, o.StopSender)
		}
	}
}

// What was throttled or given back, however often, does not use up the message's tries, and a message that could not leave fails by time.
func TestOnlyNonSendsEndAMessageAndOnlyAfterADay(t *testing.T) {
	day := 24 * time.Hour
	for _, c := range []struct {
		what     string
		class    overture.SendClass
		attempts int
		notSent  int
		since    time.Duration
		state    overture.State
		retry    time.Duration
	}{
		{"throttled a thousand times", overture.Throttled, 1000, 0, 0, overture.Queued, time.Second},
		{"throttled after a day of non-sends", overture.Throttled, 1000, 1000, 2 * day, overture.Queued, time.Second},
		{"the first non-send after many throttles", overture.NotSent, 1000, 0, 0, overture.Queued, time.Second},
		{"the fourth", overture.NotSent, 3, 3, time.Minute, overture.Queued, 8 * time.Second},
		{"the fiftieth within hours", overture.NotSent, 49, 49, 4 * time.Hour, overture.Queued, 5 * time.Minute},
		{"the second after a day in which nobody tried", overture.NotSent, 1, 1, 2 * day, overture.Queued, 2 * time.Second},
		{"the third after a day", overture.NotSent, 2, 2, day, overture.Failed, 0},
	} {
		d := sit(t, core.Config{})
		task := d.one()
		task.Message.Attempts, task.Message.NotSent = c.attempts, c.notSent
		if c.notSent > 0 {
			task.Message.NotSentSince = d.now.Wall.Add(-c.since)
		}
		s := d.m.TookEnding(&task, failed(c.class), d.now)
		if s.State != c.state || c.state == overture.Queued && s.RetryAt.Sub(d.now.Wall) != c.retry {
			t.Errorf("%s: %v, again in %v", c.what, s.State, s.RetryAt.Sub(d.now.Wall))
		}
		if c.state == overture.Failed && (s.Outcome != "given_up" || s.Reason != overture.ReasonAttemptsUsedUp) {
			t.Errorf("%s: %q %q", c.what, s.Outcome, s.Reason)
		}
	}
}

func TestValidFor(t *testing.T) {
	d := sit(t, core.Config{})
	task := d.one()
	for left, want := range map[time.Duration]time.Duration{time.Minute: time.Minute, 11 * time.Hour: 0, 0: 0, -time.Minute: 0} {
		task.Message.NotAfter = noon.Add(left)
		if got := task.ValidFor(noon); got != want {
			t.Errorf("%v left: %v", left, got)
		}
	}
}
