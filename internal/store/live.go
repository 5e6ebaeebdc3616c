package store

import (
	"context"
	"database/sql"
	"fmt"
	"hash/fnv"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/kit/flake"
	"github.com/overture-im/overture/internal/store/sqldb"
)

const (
	// watchedCampaigns are an account's newest, which may still change after their end; those that are not over are watched in any case.
	watchedCampaigns = 50
	// newsSpan is how far back a look for new rows goes; it covers clocks of nodes that differ.
	newsSpan = 2 * time.Minute
)

// Marks fold into numbers what an account's pages show, cheaply enough for a look each second: its cost grows with the campaigns that run.
func (s *Store) Marks(ctx context.Context, account overture.AccountID, now time.Time) (overture.Marks, error) {
	m := marking{overture.Marks{}}
	trouble := func(err error) error { return sqldb.Trouble(fmt.Errorf("marks of %s: %w", account, err)) }
	const watched = `c.id IN (SELECT id FROM (SELECT id FROM campaign WHERE account_id = $1 ORDER BY id DESC LIMIT $2) AS newest
		UNION SELECT id FROM campaign WHERE account_id = $1 AND launched_at IS NOT NULL AND completed_at IS NULL)`
	for _, look := range []struct {
		query string
		args  []any
		take  func(scan func(...any) error) error
	}{
		{`SELECT c.id, c.state, c.updated_at, COALESCE(c.completed_at, 0), COALESCE(c.archived_at, 0), COALESCE(c.people_deleted_at, 0), c.planning, c.recipient_count, c.watch,
			(SELECT COALESCE(SUM(i.row_count + i.valid + i.rejected), 0) + COUNT(*) FROM list_import i WHERE i.campaign_id = c.id)
			FROM campaign c WHERE ` + watched, []any{account, watchedCampaigns}, m.campaign},
		{
			`SELECT c.id, n.state, n.n FROM campaign c JOIN campaign_count n ON n.campaign_id = c.id WHERE ` + watched + ` ORDER BY c.id, n.state`,
			[]any{account, watchedCampaigns},
			m.count,
		},
		{`SELECT a.stopped, EXISTS (SELECT 1 FROM emergency_stop) FROM account a WHERE a.id = $1`, []any{account}, m.stop},
		{`SELECT id, name, rate, stopped, stop_reason FROM sender WHERE account_id = $1`, []any{account}, m.sender},
		{`SELECT id FROM consent_event WHERE id > $2 AND account_id = $1 ORDER BY id DESC LIMIT 1`, []any{account, flake.Before(now.Add(-newsSpan))}, m.consent},
	} {
		take := func(rows *sql.Rows) error { return look.take(rows.Scan) }
		if err := eachRow(ctx, plain(s.db.Read, look.query), take, look.args...); err != nil {
			return nil, trouble(err)
		}
	}
	return m.marks, nil
}

type marking struct{ marks overture.Marks }

// fold adds values to a thing's number; their order counts.
func (m marking) fold(topic overture.Topic, id string, values ...any) {
	thing := overture.Thing{Topic: topic, ID: id}
	h := fnv.New64a()
	fmt.Fprint(h, m.marks[thing])
	for _, v := range values {
		fmt.Fprint(h, "\x00", v)
	}
	m.marks[thing] = h.Sum64()
}

func (m marking) campaign(scan func(...any) error) error {
	var id overture.CampaignID
	var state, watch string
	var updated, completed, archived, deleted, people, rows int64
	var planning bool
	if err := scan(&id, &state, &updated, &completed, &archived, &deleted, &planning, &people, &watch, &rows); err != nil {
		return err
	}
	m.fold(overture.CampaignTopic, id.String(), state, updated, completed, archived, deleted, planning, people, watch, rows)
	return nil
}

func (m marking) count(scan func(...any) error) error {
	var id overture.CampaignID
	var state overture.State
	var n int64
	if err := scan(&id, &state, &n); err != nil {
		return err
	}
	m.fold(overture.CampaignTopic, id.String(), int(state), n)
	if state == overture.Held {
		m.fold(overture.HeldTopic, id.String(), n)
	}
	return nil
}

func (m marking) stop(scan func(...any) error) error {
	var account, all bool
	if err := scan(&account, &all); err != nil {
		return err
	}
	m.fold(overture.CampaignTopic, "", account, all)
	return nil
}

func (m marking) sender(scan func(...any) error) error {
	var id overture.SenderID
	var name, reason string
	var rate int64
	var stopped bool
	if err := scan(&id, &name, &rate, &stopped, &reason); err != nil {
		return err
	}
	m.fold(overture.SenderTopic, id.String(), name, rate, stopped, reason)
	return nil
}

func (m marking) consent(scan func(...any) error) error {
	var newest int64
	if err := scan(&newest); err != nil {
		return err
	}
	m.fold(overture.OptOutTopic, "", newest)
	return nil
}
