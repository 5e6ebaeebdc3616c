package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// TouchNode writes that the node is alive: a real, durable write, so that a full, locked or lost database shows.
func (s *Store) TouchNode(ctx context.Context, node int, now time.Time) error {
	return s.db.Transact(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO node (id, seen_at) VALUES ($1, $2)
			ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at`, node, now.UnixMilli())
		if err != nil {
			return fmt.Errorf("touch node %d: %w", node, err)
		}
		return nil
	})
}
