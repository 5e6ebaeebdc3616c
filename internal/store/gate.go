package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/store/sqldb"
)

// gate is what the attempt's transaction knows about a sender's marks: whether the lease still holds, which lanes are open, who opted
// out, who is in a conversation, and who has had as many messages as a cap allows.
type gate struct {
	lease bool
	lanes map[overture.LaneID]overture.CampaignID // the open ones; 0: answers
	outs  map[overture.Address]bool
	talks map[overture.Address]bool
	caps  *capGate // nil: no mark has a cap
	rail  *rail    // nil: no guard rail bounds the marks
}

func (g gate) verdict(m overture.Mark) overture.Verdict {
	campaign, open := g.lanes[m.LaneID]
	switch {
	case !g.lease:
		return overture.LeaseLost
	case !open:
		return overture.LaneClosed
	case g.outs[m.Address]:
		return overture.OptedOut
	case g.talks[m.Address] && (m.SkipTalks || m.HoldTalks):
		return overture.InTalk
	}
	if _, over := g.caps.over(m); over {
		return overture.Capped
	}
	if g.rail != nil {
		if v := g.rail.admit(m); v != overture.Marked {
			return v
		}
	}
	if campaign != 0 {
		g.caps.count(m)
	}
	return overture.Marked
}

// gateQueries are asked in every transaction of the engine. The list of ids or addresses is the last argument.
type gateQueries struct{ lease, lanes, optOuts, talks string }

func (s *Store) gateQueries() gateQueries {
	lanes, _ := sqldb.In[int64](s.db, "l.id", 2, nil)
	people, _ := sqldb.In[string](s.db, "address", 3, nil)
	talkers, _ := sqldb.In[string](s.db, "address", 2, nil)
	return gateQueries{
		lease: `SELECT 1 FROM sender_lease WHERE sender_id = $1 AND epoch = $2 AND owner = $3` + s.db.ForShare(),
		lanes: `SELECT l.id, l.campaign_id, l.allowance, l.budget, l.money, a.settings FROM lane l JOIN sender sd ON sd.id = l.sender_id JOIN account a ON a.id = l.account_id
			WHERE l.sender_id = $1 AND ` + lanes + ` AND l.state = 'open' AND sd.stopped = FALSE AND ` + unbarred + ` AND ` + nobodyStopped + ` AND ` + noQuarantine,
		optOuts: `SELECT address FROM opt_out WHERE brand_id = $1 AND channel = $2 AND ` + people,
		talks:   `SELECT DISTINCT address FROM conversation WHERE brand_id = $1 AND state <> 'closed' AND ` + talkers,
	}
}

// gateOf reads the gate inside the transaction. On PostgreSQL the lease is locked here, the lanes and the brand are already (lockGates), until
// the commit, so that a pause, a cancel, a takeover or an opt-out is either seen here or waits for us; SQLite has one writer anyway.
func (s *Store) gateOf(ctx context.Context, tx *sql.Tx, w *overture.SenderWork, charged spend, now int64) (gate, error) {
	g := gate{lanes: map[overture.LaneID]overture.CampaignID{}, outs: map[overture.Address]bool{}, talks: map[overture.Address]bool{}}
	q := s.gateQueries()
	if err := each(ctx, s.prepared(tx, q.lease), func(int) { g.lease = true }, w.Lease.SenderID, w.Lease.Epoch, w.Lease.Owner); err != nil {
		return g, fmt.Errorf("check lease: %w", err)
	}
	if !g.lease {
		return g, nil
	}
	_, lanes := sqldb.In(s.db, "", 0, lanesOf(w.Marks))
	railed, settings := map[overture.LaneID]*laneRail{}, ""
	if err := eachRow(ctx, s.prepared(tx, q.lanes), func(rows *sql.Rows) error {
		var id overture.LaneID
		l := &laneRail{}
		err := rows.Scan(&id, &l.campaign, &l.allowance, &l.budget, &l.money, &settings)
		g.lanes[id], railed[id] = l.campaign, l
		return err
	}, w.Lease.SenderID, lanes); err != nil {
		return g, fmt.Errorf("check lanes: %w", err)
	}
	var err error
	if g.rail, err = s.railOf(ctx, tx, w, railed, settings, charged, now); err != nil {
		return g, fmt.Errorf("check guard rails: %w", err)
	}
	_, people := sqldb.In(s.db, "", 0, addresses(w.Marks))
	if err := each(ctx, s.prepared(tx, q.optOuts), func(a overture.Address) { g.outs[a] = true }, w.BrandID, w.Channel, people); err != nil {
		return g, fmt.Errorf("check opt-outs: %w", err)
	}
	if asksAboutTalks(w.Marks) {
		if err := each(ctx, s.prepared(tx, q.talks), func(a overture.Address) { g.talks[a] = true }, w.BrandID, people); err != nil {
			return g, fmt.Errorf("check conversations: %w", err)
		}
	}
	g.caps, err = s.capGateOf(ctx, tx, w, now)
	return g, err
}

// rowSource runs one query with its arguments.
type rowSource func(ctx context.Context, args ...any) (*sql.Rows, error)

// prepared runs a query inside tx, without parsing it again on SQLite when Prepare has seen it.
func (s *Store) prepared(tx *sql.Tx, query string) rowSource {
	return func(ctx context.Context, args ...any) (*sql.Rows, error) {
		if s.db.Postgres() {
			return tx.QueryContext(ctx, query, args...)
		}
		stmt, err := s.db.Prepared(ctx, tx, query)
		if err != nil {
			return nil, err
		}
		return stmt.QueryContext(ctx, args...)
	}
}

// plain runs a query as it is.
func plain(q sqldb.Querier, query string) rowSource {
	return func(ctx context.Context, args ...any) (*sql.Rows, error) { return q.QueryContext(ctx, query, args...) }
}

// each runs a query of one column and hands every value to f.
func each[T any](ctx context.Context, query rowSource, f func(T), args ...any) error {
	rows, err := query(ctx, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var v T
		if err := rows.Scan(&v); err != nil {
			return err
		}
		f(v)
	}
	return rows.Err()
}

// recordProviderOptOut writes a brand-wide opt-out that the provider told us about, in the transaction that settles the attempt (J2).
func (s *Store) recordProviderOptOut(ctx context.Context, tx *sql.Tx, w *overture.SenderWork, x overture.Settlement, now int64) error {
	var address overture.Address
	if err := tx.QueryRowContext(ctx, `SELECT address FROM message WHERE id = $1`, x.MessageID).Scan(&address); err != nil {
		return fmt.Errorf("address of %s: %w", x.MessageID, err)
	}
	_, err := s.applyOptOut(ctx, tx, overture.OptOut{
		AccountID: w.AccountID, BrandID: w.BrandID, Channel: w.Channel, Address: address,
		Source: overture.OptOutProvider, Evidence: fmt.Sprintf("%s code %d", x.MessageID, x.Code), CreatedAt: time.UnixMilli(now),
	})
	return err
}
