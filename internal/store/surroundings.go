package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/store/sqldb"
)

// CheckSeals opens the credentials of some senders: an error says that the master key is not the one they were sealed with.
func (s *Store) CheckSeals(ctx context.Context) error {
	return sqldb.Trouble(eachRow(ctx, plain(s.db.Read, `SELECT id, sealed_credentials FROM sender WHERE sealed_credentials <> '' ORDER BY id LIMIT 3`), func(rows *sql.Rows) error {
		var id int64
		var text string
		if err := rows.Scan(&id, &text); err != nil {
			return err
		}
		return s.openCredentials(&overture.Sender{ID: overture.SenderID(id)}, text)
	}))
}

// ClockOffset is how far the database's clock is ahead of this machine's. On SQLite there is one clock.
func (s *Store) ClockOffset(ctx context.Context) (time.Duration, error) {
	if !s.db.Postgres() {
		return 0, nil
	}
	best, least := time.Duration(0), time.Hour
	for range 3 { // the quickest answer says it best
		before := time.Now()
		var there int64
		if err := s.db.Read.QueryRowContext(ctx, `SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS BIGINT)`).Scan(&there); err != nil {
			return 0, sqldb.Trouble(fmt.Errorf("ask the database for the time: %w", err))
		}
		took := time.Since(before)
		if took < least {
			best, least = time.UnixMicro(there).Sub(before.Add(took/2)), took
		}
	}
	return best, nil
}
