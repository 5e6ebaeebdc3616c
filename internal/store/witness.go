package store

import (
	"context"
	"fmt"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/store/sqldb"
)

// What torture and faults look at from the outside. No room uses it.

// OpenMarkers counts the markers of each lease owner that holds a lease now: requests that may be under way.
func (s *Store) OpenMarkers(ctx context.Context) (map[string]int, error) {
	out := map[string]int{}
	err := s.tally(ctx, out, `SELECT l.owner, COUNT(f.message_id) FROM sender_lease l JOIN inflight f ON f.sender_id = l.sender_id AND f.epoch = l.epoch GROUP BY l.owner`)
	return out, err
}

// AttemptOutcomes counts ended attempts by outcome.
func (s *Store) AttemptOutcomes(ctx context.Context) (map[string]int, error) {
	out := map[string]int{}
	err := s.tally(ctx, out, `SELECT outcome, COUNT(*) FROM attempt GROUP BY outcome`)
	return out, err
}

// OpenMarkerStates counts markers by state, attempting or unknown.
func (s *Store) OpenMarkerStates(ctx context.Context) (map[string]int, error) {
	out := map[string]int{}
	err := s.tally(ctx, out, `SELECT state, COUNT(*) FROM inflight GROUP BY state`)
	return out, err
}

func (s *Store) tally(ctx context.Context, into map[string]int, query string) error {
	rows, err := s.db.Read.QueryContext(ctx, query)
	if err != nil {
		return sqldb.Trouble(fmt.Errorf("count: %w", err))
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		var n int
		if err := rows.Scan(&name, &n); err != nil {
			return fmt.Errorf("count: %w", err)
		}
		into[name] = n
	}
	return sqldb.Trouble(rows.Err())
}

// Delivered counts messages with the carrier's last good word.
func (s *Store) Delivered(ctx context.Context) (n int, err error) {
	err = s.db.Read.QueryRowContext(ctx, `SELECT COUNT(*) FROM message WHERE state >= $1`, overture.Delivered).Scan(&n)
	return n, sqldb.Trouble(err)
}
