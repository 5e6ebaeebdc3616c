package campaign

import (
	"sync"
	"time"

	"github.com/overture-im/overture"
)

// speedSpan is how far back the speed is measured; speedStep how close together two observations are kept.
const (
	speedSpan = 60 * time.Second
	speedStep = 500 * time.Millisecond
)

// Speed remembers how many messages of each running campaign were accepted when, for the last minute. It is memory only: after a start it
// knows nothing for some seconds. Safe for concurrent use.
type Speed struct {
	mu    sync.Mutex
	track map[overture.CampaignID][]mark
}

type mark struct {
	at       time.Time
	accepted int
}

// NewSpeed makes an empty one.
func NewSpeed() *Speed { return &Speed{track: map[overture.CampaignID][]mark{}} }

// Speed is what this service shows; give it to the Finisher, which feeds it.
func (s *Service) Speed() *Speed { return s.speed }

// Observe notes the accepted messages of a campaign at a time. Times must not go back.
func (s *Speed) Observe(id overture.CampaignID, accepted int, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	track := s.track[id]
	if n := len(track); n > 0 && at.Sub(track[n-1].at) < speedStep {
		return
	}
	for len(track) > 1 && at.Sub(track[1].at) >= speedSpan {
		track = track[1:]
	}
	s.track[id] = append(track, mark{at, accepted})
	for other, t := range s.track { // forget campaigns that nobody observes any more
		if at.Sub(t[len(t)-1].at) > 10*speedSpan {
			delete(s.track, other)
		}
	}
}

// Rate gives accepted messages per second over the last span before at; ok is false when too little is known.
func (s *Speed) Rate(id overture.CampaignID, span time.Duration, at time.Time) (perSecond float64, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	track := s.track[id]
	if len(track) < 2 || at.Sub(track[len(track)-1].at) > span {
		return 0, false
	}
	last := track[len(track)-1]
	first := last
	for i := len(track) - 2; i >= 0 && last.at.Sub(track[i].at) <= span; i-- {
		first = track[i]
	}
	past := last.at.Sub(first.at)
	if past < 2*speedStep {
		return 0, false
	}
	return max(0, float64(last.accepted-first.accepted)/past.Seconds()), true
}
