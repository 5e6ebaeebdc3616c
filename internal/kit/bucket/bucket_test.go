package bucket_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/overture-im/overture/internal/kit/bucket"
)

func TestTake(t *testing.T) {
	t.Parallel()
	s := bucket.New(10)
	r := bucket.Rate{PerSecond: 2, Burst: 3}
	now := time.Unix(1_000_000, 0)
	for want := 2; want >= 0; want-- {
		if left, wait := s.Take("a", r, now); left != want || wait != 0 {
			t.Fatalf("left %d wait %v, want %d and 0", left, wait, want)
		}
	}
	if _, wait := s.Take("a", r, now); wait != 500*time.Millisecond {
		t.Fatalf("wait = %v, want 500ms", wait)
	}
	if _, wait := s.Take("b", r, now); wait != 0 {
		t.Fatal("one name spends the tokens of another")
	}
	if _, wait := s.Take("a", r, now.Add(500*time.Millisecond)); wait != 0 {
		t.Fatal("the bucket was not refilled")
	}
	s.Forget("a")
	if left, _ := s.Take("a", r, now); left != 2 {
		t.Fatalf("left = %d after Forget, want 2", left)
	}
}

func TestSetIsBounded(t *testing.T) {
	t.Parallel()
	s := bucket.New(100)
	now := time.Unix(1_000_000, 0)
	for i := range 10_000 {
		s.Take(fmt.Sprint(i), bucket.Rate{PerSecond: 1, Burst: 1}, now)
	}
	if s.Len() > 100 {
		t.Fatalf("%d buckets, want at most 100", s.Len())
	}
}
