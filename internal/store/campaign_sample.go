package store

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/store/sqldb"
)

// ZoneSample gives the candidate zones of the first recipients of a list.
func (s *Store) ZoneSample(ctx context.Context, campaign overture.CampaignID, limit int) ([]overture.QueuedSample, error) {
	rows, err := s.db.Read.QueryContext(ctx, `SELECT zones FROM recipient WHERE campaign_id = $1 ORDER BY id LIMIT $2`, campaign, limit)
	if err != nil {
		return nil, sqldb.Trouble(fmt.Errorf("zones of %s: %w", campaign, err))
	}
	defer rows.Close()
	var out []overture.QueuedSample
	for rows.Next() {
		var zones string
		if err := rows.Scan(&zones); err != nil {
			return nil, fmt.Errorf("zones of %s: %w", campaign, err)
		}
		var w overture.QueuedSample
		if zones != "" {
			w.Zones = strings.Split(zones, ",")
		}
		out = append(out, w)
	}
	return out, sqldb.Trouble(rows.Err())
}

// AnyWithoutText tells whether some recipient of a list has no text of their own.
func (s *Store) AnyWithoutText(ctx context.Context, campaign overture.CampaignID) (bool, error) {
	var any bool
	err := s.db.Read.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM recipient WHERE campaign_id = $1 AND text = '')`, campaign).Scan(&any)
	return any, sqldb.Trouble(err)
}

// TestSend queues a test message of a campaign on its sender's reply lane, with an audit entry.
func (s *Store) TestSend(ctx context.Context, by overture.Actor, campaign overture.CampaignID, m overture.Message, due, notAfter time.Time) (overture.Message, error) {
	err := s.db.Transact(ctx, func(tx *sql.Tx) error {
		var err error
		if m, err = s.enqueueDirect(ctx, tx, m, due, notAfter); err != nil {
			return err
		}
		return writeAudit(ctx, tx, s.NewID(), by, "campaign.test_sent", campaign.String(), m.ID.String(), due)
	})
	return m, err
}
