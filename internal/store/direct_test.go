package store_test

import (
	"testing"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/store/storetest"
)

// A direct message has a dispatch row on its sender's one reply lane, and an answer to one entry exists once.
func TestEnqueueDirect(t *testing.T) {
	s := storetest.Open(t)
	due := time.UnixMilli(1_800_000_000_000)
	m := overture.Message{AccountID: 1, SenderID: 7, EntryID: 55, Address: "+12125550123", Body: "Hello", Segments: 1}
	first, err := s.EnqueueDirect(t.Context(), m, due, due.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	test, err := s.EnqueueDirect(t.Context(), overture.Message{AccountID: 1, SenderID: 7, Address: "+12125550124", Body: "Test"}, due, due.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	if first.LaneID == 0 || test.LaneID != first.LaneID {
		t.Errorf("lanes %v and %v, want one reply lane", first.LaneID, test.LaneID)
	}
	if _, err := s.EnqueueDirect(t.Context(), m, due, due.Add(time.Hour)); overture.KindOf(err) != overture.Conflict {
		t.Errorf("second answer to the same entry: %v, want a conflict", err)
	}
	var n int
	if err := s.DB().Read.QueryRowContext(t.Context(), `SELECT COUNT(*) FROM dispatch WHERE lane_id = $1`, first.LaneID).Scan(&n); err != nil || n != 2 {
		t.Errorf("%d dispatch rows, %v; want 2", n, err)
	}
}
