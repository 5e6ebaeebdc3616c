package client

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/overture-im/overture"
)

// Settled tells whether nothing will change any more by itself, apart from late receipts.
func (p Progress) Settled() bool { return p.State == "completed" || p.State == "canceled" }

// Done is how much of the list has an outcome, 0 to 1.
func (p Progress) Done() float64 {
	if p.Recipients == 0 {
		return 0
	}
	open := p.Counts["queued"] + p.Counts["attempting"] + p.Counts["unknown"]
	return float64(p.Recipients-open) / float64(p.Recipients)
}

// Words tells a person what happens: sent, held, failed, who waits and why, and when it will be done. now is for the reader's clock.
func (p Progress) Words(now time.Time) string {
	say := []string{fmt.Sprintf("%d of %d sent", p.Accepted, p.Recipients)}
	add := func(n int, word string) {
		if n > 0 {
			say = append(say, fmt.Sprintf("%d %s", n, word))
		}
	}
	add(p.Delivered, "delivered")
	add(p.Counts["attempting"]+p.Counts["unknown"], "under way")
	add(p.Held, "held")
	add(p.Counts["undelivered"], "undelivered")
	add(p.Counts["failed"], "failed")
	add(p.Suppressed, "suppressed")
	add(p.Counts["canceled"], "canceled")
	add(p.Counts["expired"], "expired")
	later := min(p.WaitingForWindow, p.Counts["queued"])
	add(p.Counts["queued"]-later, "queued")
	switch {
	case p.Settled() || p.State == "paused":
		word := p.State
		if p.Reason != "" {
			word += ": " + p.Reason
		}
		say = append(say, word)
	case p.StalledReason != "": // says for itself who waits for what
		say = append(say, p.StalledReason)
	default:
		add(later, "wait for their time"+opens(p.NextDueAt, now))
	}
	add(p.Replied, "replied")
	if p.ActualRate > 0 && !p.Settled() {
		say = append(say, fmt.Sprintf("%.3g/s", p.ActualRate))
	}
	if p.FinishAt != nil && !p.Settled() && p.FinishAt.After(now) {
		say = append(say, "done about "+clock(*p.FinishAt, now))
	}
	return strings.Join(say, " · ")
}

func opens(at *time.Time, now time.Time) string {
	if at == nil || !at.After(now) {
		return ""
	}
	return " (next " + clock(*at, now) + ")"
}

// clock gives the time of day in now's zone, with the date when it is not today.
func clock(at, now time.Time) string {
	at = at.In(now.Location())
	if at.YearDay() == now.YearDay() && at.Year() == now.Year() {
		return at.Format("15:04:05")
	}
	return at.Format("Mon 2 Jan 15:04")
}

// outage is how long Watch bears a server that does not answer: a restart takes seconds.
const outage = 2 * time.Minute

// Watch asks for the progress every so often and shows it, until the campaign is settled, enough says so, or ctx ends. A server that
// restarts meanwhile is waited for.
func (c *Client) Watch(ctx context.Context, id string, every time.Duration, show func(Progress), enough func(Progress) bool) (Progress, error) {
	answered := time.Now()
	for {
		p, err := c.Progress(ctx, id)
		switch {
		case err == nil:
			answered = time.Now()
			show(p)
			if p.Settled() || (enough != nil && enough(p)) {
				return p, nil
			}
		case overture.KindOf(err) != overture.Unavailable || time.Since(answered) > outage:
			return p, err
		}
		if err := pause(ctx, every); err != nil {
			return p, err
		}
	}
}
