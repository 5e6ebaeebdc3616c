package forecast

import (
	"time"

	"github.com/overture-im/overture"
)

// capped is a recipient under a frequency cap.
type capped struct {
	to     overture.Address
	ruling *overture.Ruling
	at     int // position in the list
}

const (
	askAtOnce = 2000
	// capGrain is to what the end of a cap is rounded up: people who are free again within the same minutes are alike.
	capGrain = int64(10 * time.Minute / time.Millisecond)
)

// lookAtCaps finds out until when people are over a cap, by what was sent to them before. Nothing that is still to be sent by other campaigns
// is counted: the attempt will look again.
func (b *taking) lookAtCaps() error {
	if len(b.unasked) == 0 {
		return nil
	}
	var longest time.Duration
	people := make([]overture.Address, 0, len(b.unasked))
	for _, u := range b.unasked {
		longest = max(longest, u.ruling.Longest())
		people = append(people, u.to)
	}
	contacts, err := b.store.Contacts(b.ctx, b.account, people, b.takenAt.Add(-longest))
	if err != nil {
		return err
	}
	for _, u := range b.unasked {
		_, until, over := u.ruling.Over(contacts[u.to], b.takenAt)
		if !over {
			continue
		}
		g := b.census.groups[b.order[u.at]]
		g.capped = (until.UnixMilli() + capGrain - 1) / capGrain * capGrain
		b.order[u.at] = b.groupOf(g)
	}
	b.unasked = b.unasked[:0]
	return nil
}

// underCap says what a cap does to a message whose turn it is: nothing, ends it, or gives it a later slot.
func (r *run) underCap(g *group) (over, hold bool) {
	if g.capped <= r.milli() {
		return false, false
	}
	return true, r.census.places[g.place].ruling.Hold
}
