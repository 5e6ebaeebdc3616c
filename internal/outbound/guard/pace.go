package guard

import "time"

// pace is how many outcomes a campaign had by when. A person stops minutes after the message, and a carrier gives a message up minutes after it took
// it: of a campaign that becomes slow, at its end or for a night, they come beside few new messages and are of many old ones.
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

// note adds a point, and forgets what lies further back than the reach before base, where the judgment begins.
func (p *pace) note(at time.Time, total int, base time.Time) {
	points := *p
	last := len(points) - 1
	switch {
	case at.Sub(points[last].at) < paceEvery:
		return
	case last > 0 && points[last].total == total && points[last-1].total == total: // nothing goes out
		points[last].at = at
	default:
		points = append(points, reached{at, total})
	}
	for len(points) > 2 && points[1].at.Before(base.Add(-paceReach)) {
		points = points[1:]
	}
	*p = points
}

// most gives the most outcomes in any stretch of time of this length.
func (p *pace) most(length time.Duration) int {
	most := 0
	for _, end := range *p {
		most = max(most, end.total-p.by(end.at.Add(-length)))
	}
	// A stretch as long as a night ends between two points: begin it at each, too.
	for _, begin := range *p {
		most = max(most, p.by(begin.at.Add(length))-begin.total)
	}
	return most
}

// by gives how many there were at a moment, evenly between two points.
func (p *pace) by(at time.Time) int {
	points := *p
	if !at.After(points[0].at) {
		return points[0].total
	}
	for i := 1; i < len(points); i++ {
		if a, b := points[i-1], points[i]; at.Before(b.at) {
			return a.total + int(float64(b.total-a.total)*at.Sub(a.at).Seconds()/b.at.Sub(a.at).Seconds())
		}
	}
	return points[len(points)-1].total
}
