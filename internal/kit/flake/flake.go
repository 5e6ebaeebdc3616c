// Package flake makes time-ordered 63-bit ids: 41 bits of milliseconds since 2024, 8 bits of node, 14 bits of sequence.
package flake

import (
	"sync"
	"time"
)

const (
	nodeBits = 8
	seqBits  = 14
)

var epoch = time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli()

// Source hands out ids that rise strictly within one process, also when the clock goes back or 16,384 are asked for in a millisecond:
// then it borrows from the next millisecond. Safe for concurrent use.
type Source struct {
	mu   sync.Mutex
	node int64
	last int64 // milliseconds<<seqBits | sequence
}

// New makes a source for a node number 0…255. Two live nodes must not share a number.
func New(node int) *Source { return &Source{node: int64(node) & (1<<nodeBits - 1)} }

// Next gives a new id.
func (s *Source) Next() int64 { return s.Take(1) }

// Take reserves n consecutive steps and gives the first id; the i-th is At(first, i).
func (s *Source) Take(n int) int64 {
	now := (time.Now().UnixMilli() - epoch) << seqBits
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.last++; s.last < now {
		s.last = now
	}
	first := s.last
	s.last += int64(n) - 1
	return s.compose(first)
}

// At gives the i-th id of a reservation that began with first.
func (s *Source) At(first int64, i int) int64 { return Nth(first, i) }

// Nth gives the i-th id of a reservation, whoever made it, that began with first.
func Nth(first int64, i int) int64 {
	const node, seq = (1<<nodeBits - 1) << seqBits, 1<<seqBits - 1
	tick := first>>(nodeBits+seqBits)<<seqBits | first&seq
	tick += int64(i)
	return tick>>seqBits<<(nodeBits+seqBits) | first&node | tick&seq
}

func (s *Source) compose(tick int64) int64 {
	return tick>>seqBits<<(nodeBits+seqBits) | s.node<<seqBits | tick&(1<<seqBits-1)
}

// Time of an id, to the millisecond.
func Time(id int64) time.Time { return time.UnixMilli(id>>(nodeBits+seqBits) + epoch) }

// Before gives a number below every id of this time or later, whichever node makes it.
func Before(t time.Time) int64 { return (t.UnixMilli()-epoch)<<(nodeBits+seqBits) - 1 }
