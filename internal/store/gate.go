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
// out, who is in a conversation.
type gate struct {
	lease bool
	lanes map[overture.LaneID]bool
	outs  map[overture.Address]bool
	talks map[overture.Address]bool
}

func (g gate) verdict(m overture.Mark) overture.Verdict {
	switch {
	case !g.lease:
		return overture.LeaseLost
	case !g.lanes[m.LaneID]:
		return overture.LaneClosed
	case g.outs[m.Address]:
		return overture.OptedOut
	case g.talks[m.Address] && (m.SkipTalks || m.HoldTalks):
		return overture.InTalk
	}
	return overture.Marked
}

// gateOf reads the gate inside the transaction. On PostgreSQL it locks the lease, the lanes and the brand against change until the
// commit, so that a pause, a cancel, a takeover or an opt-out is either seen here or waits for us; SQLite has one writer anyway.
func (s *Store) gateOf(ctx context.Context, tx *sql.Tx, w *overture.SenderWork) (gate, error) {
	g := gate{lanes: map[overture.LaneID]bool{}, outs: map[overture.Address]bool{}, talks: map[overture.Address]bool{}}
	var one int
	switch err := tx.QueryRowContext(ctx, `SELECT 1 FROM sender_lease WHERE sender_id = $1 AND epoch = $2 AND owner = $3`+s.db.ForShare(),
		w.Lease.SenderID, w.Lease.Epoch, w.Lease.Owner).Scan(&one); {
	case err == sql.ErrNoRows: //nolint:errorlint // database/sql returns it bare
		return g, nil
	case err != nil:
		return g, fmt.Errorf("check lease: %w", err)
	}
	g.lease = true
	if s.db.Postgres() {
		if _, err := tx.ExecContext(ctx, `SELECT 1 FROM brand WHERE id = $1 FOR SHARE`, w.BrandID); err != nil {
			return g, fmt.Errorf("lock brand: %w", err)
		}
	}
	condition, arg := sqldb.In(s.db, "l.id", 1, lanesOf(w.Marks))
	lock := ""
	if s.db.Postgres() {
		lock = " FOR SHARE OF l"
	}
	if err := each(ctx, tx, `SELECT l.id FROM lane l JOIN sender sd ON sd.id = l.sender_id WHERE `+condition+
		` AND l.sender_id = $2 AND l.state = 'open' AND sd.stopped = FALSE`+lock, func(id overture.LaneID) { g.lanes[id] = true }, arg, w.Lease.SenderID); err != nil {
		return g, fmt.Errorf("check lanes: %w", err)
	}
	people := addresses(w.Marks)
	condition, arg = sqldb.In(s.db, "address", 3, people)
	if err := each(ctx, tx, `SELECT address FROM opt_out WHERE brand_id = $1 AND channel = $2 AND `+condition,
		func(a overture.Address) { g.outs[a] = true }, w.BrandID, w.Channel, arg); err != nil {
		return g, fmt.Errorf("check opt-outs: %w", err)
	}
	if asksAboutTalks(w.Marks) {
		condition, arg = sqldb.In(s.db, "address", 2, people)
		if err := each(ctx, tx, `SELECT DISTINCT address FROM conversation WHERE brand_id = $1 AND state <> 'closed' AND `+condition,
			func(a overture.Address) { g.talks[a] = true }, w.BrandID, arg); err != nil {
			return g, fmt.Errorf("check conversations: %w", err)
		}
	}
	return g, nil
}

// each runs a query of one column and hands every value to f.
func each[T any](ctx context.Context, q sqldb.Querier, query string, f func(T), args ...any) error {
	rows, err := q.QueryContext(ctx, query, args...)
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
	_, err := s.applyOptOut(ctx, tx, overture.OptOut{AccountID: w.AccountID, BrandID: w.BrandID, Channel: w.Channel, Address: address,
		Source: overture.OptOutProvider, Evidence: fmt.Sprintf("%s code %d", x.MessageID, x.Code), CreatedAt: time.UnixMilli(now)})
	return err
}
