package guard

import "time"

// pace is how many outcomes a campaign had by when, during the last hour. A person stops minutes after the message, and a carrier gives a message up
// minutes after it took it: of a campaign that becomes slow, at its end or for a night, they come beside few new messages and are of many old ones.
type pace []reached // oldest first; never empty

type reached struct {
	at    time.Time
	total int
}

const (
	paceReach = time.Hour        // how long after its message something may come and still be judged beside the messages of then
	paceEvery = 10 * time.Second // between two points
)

// newPace begins with what went out before anybody looked, as if evenly since the launch, within the reach.
func newPace(launched, now time.Time, total int) pace {
	return pace{{later(launched, now.Add(-paceReach)), 0}, {now, total}}
}

// note adds a point.
func (p *pace) note(at time.Time, total int) {
	if last := (*p)[len(*p)-1]; at.Sub(last.at) < paceEvery {
		return
	}
	*p = append(*p, reached{at, total})
	for len(*p) > 2 && (*p)[1].at.Before(at.Add(-paceReach)) {
		*p = (*p)[1:]
	}
}

// most gives the most outcomes in any stretch of time of this length, as far as the reach goes back.
func (p *pace) most(length time.Duration, now time.Time) int {
	most := 0
	for _, end := range *p {
		if !end.at.After(now) {
			most = max(most, end.total-p.by(end.at.Add(-length)))
		}
	}
	return most
}

// by gives how many there were at a moment, evenly between two points.
func (p *pace) by(at time.Time) int {
	if !at.After((*p)[0].at) {
		return (*p)[0].total
	}
	for i := 1; i < len(*p); i++ {
		a, b := (*p)[i-1], (*p)[i]
		if at.Before(b.at) {
			return a.total + int(float64(b.total-a.total)*at.Sub(a.at).Seconds()/b.at.Sub(a.at).Seconds())
		}
	}
	return (*p)[len(*p)-1].total
}
