package app

import (
	"sync"
	"time"

	"github.com/overture-im/overture"
)

// pulseSeconds is over how long a sender's live rate is taken.
const pulseSeconds = 10

// pulse counts the attempts that end, by sender, over the last seconds: how fast it really goes, for a page. Not a metric, because a label
// must not grow with the number of senders.
type pulse struct {
	mu   sync.Mutex
	beat map[overture.SenderID]*[pulseSeconds]beat
}

// beat is one second.
type beat struct{ second, n int64 }

func newPulse() *pulse { return &pulse{beat: map[overture.SenderID]*[pulseSeconds]beat{}} }

func (p *pulse) count(id overture.SenderID, now time.Time) {
	second := now.Unix()
	p.mu.Lock()
	defer p.mu.Unlock()
	ring := p.beat[id]
	if ring == nil {
		ring = &[pulseSeconds]beat{}
		p.beat[id] = ring
	}
	b := &ring[second%pulseSeconds]
	if b.second != second {
		*b = beat{second: second}
	}
	b.n++
}

// rate is the attempts per second of the whole seconds before this one.
func (p *pulse) rate(id overture.SenderID, now time.Time) float64 {
	second := now.Unix()
	p.mu.Lock()
	defer p.mu.Unlock()
	ring := p.beat[id]
	if ring == nil {
		return 0
	}
	var n int64
	for _, b := range ring {
		if b.second < second && b.second > second-pulseSeconds {
			n += b.n
		}
	}
	return float64(n) / (pulseSeconds - 1)
}
