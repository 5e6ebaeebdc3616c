package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/store/sqldb"
)

// outcomePage is how many recipients one read takes: some 40 ms, after which the connection is free for somebody else.
const outcomePage = 10_000

// EachOutcome hands every recipient of a campaign to f, in the order of the list, page by page, each on a connection of its own: no reader
// waits for it and no snapshot grows old. Rows of an import that never finished are invisible. Unless outcomes are asked for, everybody is as
// if the message were still to go, which spares the look at the messages. What f gets is only valid until it returns.
func (s *Store) EachOutcome(ctx context.Context, account overture.AccountID, campaign overture.CampaignID, outcomes bool, f func(overture.ListedOutcome) error) error {
	query, err := s.outcomesQuery(ctx, campaign, outcomes)
	if err != nil {
		return err
	}
	for after := overture.RecipientID(0); ; {
		n, last, err := s.outcomes(ctx, query, account, campaign, after, f)
		if err != nil || n < outcomePage {
			return err
		}
		after = last
	}
}

// outcomesQuery leaves out of the query what is not needed: a million looks at imports, which are nearly always all done, and at messages.
func (s *Store) outcomesQuery(ctx context.Context, campaign overture.CampaignID, outcomes bool) (string, error) {
	var unfinished bool
	if err := s.db.Read.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM list_import WHERE campaign_id = $1 AND state <> 'done')`, campaign).Scan(&unfinished); err != nil {
		return "", sqldb.Trouble(fmt.Errorf("imports of %s: %w", campaign, err))
	}
	columns, join, condition := `0, '', 0`, ``, ``
	if outcomes {
		columns = `COALESCE(m.state, 0), COALESCE(m.reason, ''), COALESCE(m.accepted_at, m.updated_at, 0)`
		join = ` LEFT JOIN message m ON m.campaign_id = r.campaign_id AND m.recipient_id = r.id AND m.leg = 0 AND m.campaign_id > 0`
	}
	if unfinished {
		condition = ` AND NOT EXISTS (SELECT 1 FROM list_import i WHERE i.id = r.import_id AND i.state <> 'done')`
	}
	return `SELECT r.id, r.address, r.zones, r.segments, ` + columns + ` FROM recipient r` + join +
		` WHERE ` + s.onList() + ` AND r.account_id = $3` + condition + ` ORDER BY r.campaign_id, r.id LIMIT $4`, nil
}

func (s *Store) outcomes(ctx context.Context, query string, account overture.AccountID, campaign overture.CampaignID, after overture.RecipientID,
	f func(overture.ListedOutcome) error,
) (n int, last overture.RecipientID, err error) {
	trouble := func(err error) error { return sqldb.Trouble(fmt.Errorf("recipients of %s: %w", campaign, err)) }
	tx, err := s.db.Read.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return 0, 0, trouble(err)
	}
	defer tx.Rollback()
	if s.db.Postgres() { // without statistics it would sort the whole list for every page; the price put on that must not have it compiled
		if _, err := tx.ExecContext(ctx, `SET LOCAL enable_sort = off; SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off; SET LOCAL jit = off`); err != nil {
			return 0, 0, trouble(err)
		}
	}
	rows, err := tx.QueryContext(ctx, query, campaign, after, account, outcomePage)
	if err != nil {
		return 0, 0, trouble(err)
	}
	defer rows.Close()
	var o overture.ListedOutcome
	var address, zones, reason sql.RawBytes // no garbage per row
	for rows.Next() {
		var ended int64
		if err := rows.Scan(&o.RecipientID, &address, &zones, &o.Segments, &o.State, &reason, &ended); err != nil {
			return 0, 0, trouble(err)
		}
		o.Address, o.Zones, o.Reason, o.EndedAt = address, zones, reason, time.Time{}
		if o.State.Final() {
			o.EndedAt = time.UnixMilli(ended)
		}
		if err := f(o); err != nil {
			return 0, 0, err
		}
		n, last = n+1, o.RecipientID
	}
	if err := rows.Err(); err != nil {
		return 0, 0, trouble(err)
	}
	return n, last, nil
}
