package core

// shareOfShort is how many of ten turns the campaign with the least left gets. A short campaign beside a long one of the same sender
// finishes within 10/9 of the time it takes alone; the tenth turn keeps the long one, and every other, going.
const shareOfShort = 9

// nextLane gives the lane whose turn it is: answers before campaigns; of campaigns, nine times of ten the one with the fewest messages
// left, and the tenth time the one served least for its weight.
func (m *Machine) nextLane() *stream {
	var short, starved *stream
	for _, s := range m.lanes.list {
		if len(s.ready) == 0 || s.barred {
			continue
		}
		if s.lane.Reply() {
			return s
		}
		if short == nil || s.queued < short.queued {
			short = s
		}
		if starved == nil || s.served < starved.served {
			starved = s
		}
	}
	if m.turn%10 >= shareOfShort {
		return starved
	}
	return short
}

// took records that a message of the lane was taken.
func (m *Machine) took(s *stream) {
	s.ready = s.ready[1:]
	s.queued--
	s.served += 1 / float64(max(s.lane.Weight, 1))
	if !s.lane.Reply() {
		m.turn++
	}
}
