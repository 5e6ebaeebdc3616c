package flake_test

import (
	"testing"
	"time"

	"github.com/overture-im/overture/internal/kit/flake"
)

func TestIDsRiseAndCarryTheirTime(t *testing.T) {
	s := flake.New(7)
	before := time.Now().Add(-time.Millisecond)
	last := int64(0)
	for range 100_000 {
		id := s.Next()
		if id <= last {
			t.Fatalf("id %d is not above %d", id, last)
		}
		last = id
	}
	if at := flake.Time(last); at.Before(before.Truncate(time.Millisecond)) || at.After(time.Now().Add(time.Minute)) {
		t.Errorf("time of the id is %v", at)
	}
}

func TestReservationDoesNotOverlap(t *testing.T) {
	s := flake.New(255)
	seen := map[int64]bool{}
	for range 50 {
		first := s.Take(20_000)
		for i := range 20_000 {
			id := s.At(first, i)
			if seen[id] || id <= 0 {
				t.Fatalf("id %d is repeated or not positive", id)
			}
			seen[id] = true
		}
	}
}
