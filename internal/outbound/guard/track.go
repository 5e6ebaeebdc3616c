package guard

import (
	"context"
	"fmt"
	"time"

	"github.com/overture-im/overture"
)

// track remembers how the counters of a campaign stood when, so that the last outcomes can be judged apart from the earlier ones. It is memory: a
// node that starts in the middle of a large campaign begins with what it sees then.
type track struct {
	known overture.Outcomes
	looks []look // oldest first; the first is the base of the judgment
	pace  pace

	optedOut int
	counted  time.Time // when: people who stopped are counted seldom, see optedOut
	askAgain time.Time
}

type look struct {
	overture.Outcomes
	at, counted time.Time // counted: when its OptedOut was
}

func (g *Guard) track(c overture.Guarded, now time.Time) *track {
	t := g.tracks[c.ID]
	if t == nil {
		t = &track{pace: newPace(c.LaunchedAt, now, overture.OutcomesOf(c.Counts, 0).Total())}
		g.tracks[c.ID] = t
	}
	return t
}

// optedOut counts the people who stopped the brand in answer. The count walks those who answered, so it is asked again after 5 s, or twenty times as
// long as it took.
func (g *Guard) optedOut(ctx context.Context, c overture.Guarded, now time.Time) (int, error) {
	t := g.track(c, now)
	due := !now.Before(t.askAgain) || c.Watch.Phase == overture.PhaseVerdict && !now.Before(c.Watch.VerdictAt)
	if !due || c.Limits.OptedOutPercent == 0 && c.Watch.Phase == overture.PhaseFree {
		return t.optedOut, nil
	}
	began := time.Now()
	n, err := g.store.OptedOutCount(ctx, c.ID)
	if err != nil {
		return 0, err
	}
	t.optedOut, t.counted, t.askAgain = n, now, now.Add(max(5*time.Second, 20*time.Since(began)))
	return n, nil
}

// judge looks at the last outcomes: as few as make a whole sample, and never those that a resume acknowledged. It gives the rail and the reason when the
// campaign must pause.
func (t *track) judge(now, known overture.Outcomes, limits overture.Rails, at time.Time) (rail, words string) {
	if limits.Sample <= 0 {
		return "", ""
	}
	if t.looks == nil || t.known != known {
		t.known, t.looks = known, []look{{known, at, at}}
		if now.Since(known).Total() > 5*limits.Sample { // this node comes late: what it did not watch it does not judge
			t.looks[0].Outcomes = now
		}
	}
	for len(t.looks) > 1 && now.Since(t.looks[1].Outcomes).Total() >= limits.Sample {
		t.looks = t.looks[1:]
	}
	base := t.looks[0]
	t.pace.note(at, now.Total(), base.at)
	lately := now.Since(base.Outcomes)
	n := lately.Total()
	if now != t.looks[len(t.looks)-1].Outcomes {
		t.looks = append(t.looks, look{now, at, t.counted})
	}
	if len(t.looks) > maxLooks { // a slow campaign: keep every second
		kept := t.looks[:1]
		for i := 1; i < len(t.looks); i += 2 {
			kept = append(kept, t.looks[i])
		}
		t.looks = kept
	}
	if n < limits.Sample {
		return "", ""
	}
	// What comes after its message, sooner or later, is of those that went out before as well.
	before := func(since time.Time) func() int {
		return func() int {
			if most := t.pace.most(at.Sub(since)); 2*most > 3*n { // it has become slow; less may be how the looks fell
				return most
			}
			return n
		}
	}
	for _, x := range []struct {
		rail     string
		n, limit int
		of       func() int
		what     string
	}{
		{"failed", lately.Refused, limits.FailedPercent, func() int { return n }, "were refused or not delivered"},
		{"failed", min(n, lately.Refused+lately.Undelivered), limits.FailedPercent, before(base.at), "were refused or not delivered"},
		{"opted_out", lately.OptedOut, limits.OptedOutPercent, before(earlier(base.at, base.counted)), "made the person stop the brand"},
		{"unknown", lately.Unknown + lately.Held, limits.UnknownPercent, func() int { return n }, "are in doubt"},
	} {
		if x.limit > 0 && x.n*100 > x.limit*n && x.n*100 > x.limit*x.of() {
			return x.rail, fmt.Sprintf("%s %% of the last %d %s, limit %d %%", percent(x.n, x.of()), x.of(), x.what, x.limit)
		}
	}
	return "", ""
}

// maxLooks bounds the memory of a track.
const maxLooks = 256

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
