package store

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/store/sqldb"
)

// The statements of receipts. Reading takes a list at a time on both engines; writing goes row by row over prepared statements on SQLite,
// which is the fastest way there, and as one statement per table on PostgreSQL.
const (
	receiptHistorySQL = `INSERT INTO receipt AS r (message_id, state, code, opt_out, provider_id, received_at) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (message_id, provider_id, state) ` + receiptRises
	// A receipt says something new when its code is higher or when it is the first to say that the person stops the brand: in any order.
	receiptRises = `DO UPDATE SET code = CASE WHEN excluded.code > r.code THEN excluded.code ELSE r.code END, opt_out = excluded.opt_out OR r.opt_out
		WHERE excluded.code > r.code OR excluded.opt_out AND NOT r.opt_out`
	receiptUnmarkSQL  = `DELETE FROM inflight WHERE message_id = $1`
	receiptUnqueueSQL = `DELETE FROM dispatch WHERE lane_id = $1 AND message_id = $2`
	receiptRaiseSQL   = `UPDATE message SET state = $1, code = $2, reason = $3, provider_id = $4, attempts = $5,
		accepted_at = COALESCE(accepted_at, $6), updated_at = $6 WHERE id = $7`
	receiptOrphanSQL = `INSERT INTO orphan_receipt AS r (id, provider, account_id, sender_id, message_id, token, provider_id, state, code, opt_out, received_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT (sender_id, provider_id, state) ` + receiptRises
)

// The same for a list, on PostgreSQL: on connections that join by key (TransactByKey). What others know of the tables' sizes may be old, and then
// they would read all of them for every batch.
const (
	receiptRaiseAllSQL = `UPDATE message SET state = u.state, code = u.code, reason = u.reason, provider_id = u.provider, attempts = u.attempts,
		accepted_at = COALESCE(message.accepted_at, $7), updated_at = $7
		FROM unnest($1::bigint[], $2::smallint[], $3::bigint[], $4::text[], $5::text[], $6::bigint[]) u (id, state, code, reason, provider, attempts)
		WHERE message.id = ANY(ARRAY[u.id])`
	receiptUnqueueAllSQL = `DELETE FROM dispatch USING unnest($1::bigint[], $2::bigint[], $3::bigint[]) u (lane, due, id)
		WHERE dispatch.lane_id = ANY(ARRAY[u.lane]) AND dispatch.due_at = u.due AND dispatch.message_id = u.id`
)

type receiptReads struct{ markers, messages, attempts string }

func (s *Store) receiptReads() receiptReads {
	in := func(column string) string {
		condition, _ := sqldb.In(s.db, column, 1, []overture.MessageID{})
		return condition
	}
	return receiptReads{
		markers: `SELECT message_id, due_at, epoch, attempt, token, started_at, since FROM inflight WHERE ` + in("message_id") + ` ORDER BY message_id` + s.db.ForUpdate(),
		messages: `SELECT id, account_id, sender_id, lane_id, address, code, attempts, provider_id, accepted_at, ` + countedColumns + ` FROM message
			WHERE ` + in("id") + ` ORDER BY id` + s.db.ForUpdate(),
		attempts: `SELECT message_id, n, token, started_at, outcome FROM attempt WHERE ` + in("message_id"),
	}
}

// receiptQueries are the statements worth preparing.
func receiptQueries(s *Store) []string {
	r := s.receiptReads()
	return []string{r.markers, r.messages, r.attempts, receiptHistorySQL, receiptUnmarkSQL, receiptUnqueueSQL, receiptRaiseSQL, receiptOrphanSQL, unqueueSQL, attemptSQL, countRowSQL, sentRowSQL}
}

// lock takes on PostgreSQL what a careful pass needs, in the engine's order: brands, then lanes. On SQLite the writer is ours.
func (b *receiptBatch) lock(ctx context.Context, tx *sql.Tx, receipts []overture.Receipt) error {
	if !b.store.db.Postgres() {
		return nil
	}
	var stopped []overture.SenderID
	for _, r := range receipts {
		if r.OptOut {
			stopped = append(stopped, r.SenderID)
		}
	}
	condition, senders := sqldb.In(b.store.db, "s.id", 1, stopped)
	if err := eachRow(ctx, plain(tx, `SELECT id FROM brand WHERE id IN (SELECT s.brand_id FROM sender s WHERE `+condition+`) ORDER BY id FOR UPDATE`),
		func(rows *sql.Rows) error { return nil }, senders); err != nil {
		return fmt.Errorf("lock brands: %w", err)
	}
	condition, ids := sqldb.In(b.store.db, "m.id", 1, messageIDs(receipts))
	if err := eachRow(ctx, plain(tx, `SELECT id FROM lane WHERE id IN (SELECT m.lane_id FROM message m WHERE m.state = 0 AND `+condition+`) ORDER BY id FOR UPDATE`),
		func(rows *sql.Rows) error { return nil }, ids); err != nil {
		return fmt.Errorf("lock lanes: %w", err)
	}
	return nil
}

func messageIDs(receipts []overture.Receipt) []overture.MessageID {
	ids := make([]overture.MessageID, 0, len(receipts))
	for _, r := range receipts { // sorted
		if n := len(ids); n == 0 || ids[n-1] != r.MessageID {
			ids = append(ids, r.MessageID)
		}
	}
	return ids
}

// read loads markers, messages and attempts, in the order in which the engine locks them.
func (b *receiptBatch) read(ctx context.Context, tx *sql.Tx, receipts []overture.Receipt) error {
	q := b.store.receiptReads()
	_, ids := sqldb.In(b.store.db, "", 1, messageIDs(receipts))
	markers := map[overture.MessageID]*receiptMarker{}
	err := eachRow(ctx, b.store.prepared(tx, q.markers), func(rows *sql.Rows) error {
		var id overture.MessageID
		k := &receiptMarker{}
		err := rows.Scan(&id, &k.due, &k.epoch, &k.attempt, &k.token, &k.started, &k.since)
		if k.since > 0 && k.token != "" { // a quarantine started the clock of our own attempt anew
			k.started = k.since
		}
		markers[id] = k
		return err
	}, ids)
	if err != nil {
		return fmt.Errorf("read markers: %w", err)
	}
	b.messages = make(map[overture.MessageID]*receiptMessage, len(receipts))
	err = eachRow(ctx, b.store.prepared(tx, q.messages), func(rows *sql.Rows) error {
		m := &receiptMessage{}
		var err error
		m.counted, err = scanSending(rows, &m.id, &m.account, &m.sender, &m.lane, &m.address, &m.code, &m.attempts, &m.provider, &m.accepted)
		m.campaign, m.state = m.counted.campaign, m.counted.state
		m.to, m.toCode, m.marker = m.state, m.code, markers[m.id]
		b.messages[m.id] = m
		return err
	}, ids)
	if err != nil {
		return fmt.Errorf("read messages: %w", err)
	}
	err = eachRow(ctx, b.store.prepared(tx, q.attempts), func(rows *sql.Rows) error {
		var id overture.MessageID
		var a receiptAttempt
		var outcome string
		err := rows.Scan(&id, &a.n, &a.token, &a.started, &outcome)
		a.accepted, a.givenBack = outcome == "accepted" || outcome == "found", wasGivenBack(outcome)
		if m := b.messages[id]; m != nil {
			m.history = append(m.history, a)
		}
		return err
	}, ids)
	if err != nil {
		return fmt.Errorf("read attempts: %w", err)
	}
	return nil
}

// eachRow runs a query and hands every row to f.
func eachRow(ctx context.Context, query rowSource, f func(*sql.Rows) error, args ...any) error {
	rows, err := query(ctx, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := f(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// write carries out what was decided and tells which receipts were new.
func (b *receiptBatch) write(ctx context.Context, tx *sql.Tx) (fresh func(overture.Receipt) bool, err error) {
	for _, m := range b.raised {
		b.counts.move(m.campaign, m.state, m.to)
		to := m.counted
		if to.state, to.at = m.to, b.now; m.accepted.Valid {
			to.at = m.accepted.Int64
		}
		b.counts.send(m.counted, -1)
		b.counts.send(to, 1)
		b.tally.Raised++
		if m.state == overture.Held {
			if err := unhold(ctx, tx, m.id); err != nil {
				return nil, err
			}
		}
	}
	b.tally.Orphaned += len(b.orphans)
	var isNew map[receiptKey]bool
	if b.store.db.Postgres() {
		isNew, err = b.writePostgres(ctx, tx)
	} else {
		isNew, err = b.writeSQLite(ctx, tx)
	}
	b.tally.Repeated += len(b.history) - len(isNew)
	return func(r overture.Receipt) bool { return isNew[keyOf(r)] }, err
}

type receiptKey struct {
	message  overture.MessageID
	provider string
	state    overture.State
}

func keyOf(r overture.Receipt) receiptKey { return receiptKey{r.MessageID, r.ProviderID, r.State} }

func (b *receiptBatch) writeSQLite(ctx context.Context, tx *sql.Tx) (map[receiptKey]bool, error) {
	exec := func(query string) func(args ...any) (int64, error) {
		var stmt *sql.Stmt
		return func(args ...any) (n int64, err error) {
			if stmt == nil {
				if stmt, err = b.store.db.Prepared(ctx, tx, query); err != nil { //nolint:sqlclosecheck // ends with the transaction
					return 0, err
				}
			}
			res, err := stmt.ExecContext(ctx, args...)
			if err != nil {
				return 0, err
			}
			return res.RowsAffected()
		}
	}
	unmark, unqueue, unqueueAny, attempt := exec(receiptUnmarkSQL), exec(unqueueSQL), exec(receiptUnqueueSQL), exec(attemptSQL)
	for _, m := range b.settled {
		k := m.marker
		if _, err := unmark(m.id); err != nil {
			return nil, fmt.Errorf("settle marker: %w", err)
		}
		if _, err := unqueue(m.lane, k.due, m.id); err != nil {
			return nil, fmt.Errorf("take out of the queue: %w", err)
		}
		if _, err := attempt(m.id, k.attempt, k.token, k.epoch, k.started, b.now, k.outcome, 0, 0, k.provider); err != nil {
			return nil, fmt.Errorf("write attempt: %w", err)
		}
	}
	for _, m := range b.unqueued {
		if _, err := unqueueAny(m.lane, m.id); err != nil {
			return nil, fmt.Errorf("take out of the queue: %w", err)
		}
	}
	raise := exec(receiptRaiseSQL)
	for _, m := range b.raised {
		if _, err := raise(m.to, m.toCode, m.reason, m.provider, m.attempts, b.now, m.id); err != nil {
			return nil, fmt.Errorf("raise message: %w", err)
		}
	}
	isNew := make(map[receiptKey]bool, len(b.history))
	write := exec(receiptHistorySQL)
	for _, r := range b.history {
		n, err := write(r.MessageID, r.State, r.Code, r.OptOut, r.ProviderID, r.ReceivedAt.UnixMilli())
		if err != nil {
			return nil, fmt.Errorf("write receipt: %w", err)
		}
		if n > 0 {
			isNew[keyOf(r)] = true
		}
	}
	keep := exec(receiptOrphanSQL)
	for _, r := range b.orphans {
		if _, err := keep(b.store.NewID(), r.Provider, r.AccountID, r.SenderID, r.MessageID, r.Token, r.ProviderID, r.State, r.Code, r.OptOut, r.ReceivedAt.UnixMilli()); err != nil {
			return nil, fmt.Errorf("keep orphan: %w", err)
		}
	}
	return isNew, nil
}

func (b *receiptBatch) writePostgres(ctx context.Context, tx *sql.Tx) (map[receiptKey]bool, error) {
	if err := b.settlePostgres(ctx, tx); err != nil {
		return nil, err
	}
	if n := len(b.raised); n > 0 {
		id, state, code, attempts := make([]int64, n), make([]int16, n), make([]int64, n), make([]int64, n)
		reason, provider := make([]string, n), make([]string, n)
		for i, m := range b.raised {
			id[i], state[i], code[i], attempts[i], reason[i], provider[i] = int64(m.id), int16(m.to), int64(m.toCode), int64(m.attempts), m.reason, m.provider
		}
		if _, err := tx.ExecContext(ctx, receiptRaiseAllSQL, id, state, code, reason, provider, attempts, b.now); err != nil {
			return nil, fmt.Errorf("raise messages: %w", err)
		}
	}
	isNew := make(map[receiptKey]bool, len(b.history))
	if n := len(b.history); n > 0 {
		id, state, code, at := make([]int64, n), make([]int16, n), make([]int64, n), make([]int64, n)
		optOut, provider := make([]bool, n), make([]string, n)
		for i, r := range b.history {
			id[i], state[i], code[i], at[i] = int64(r.MessageID), int16(r.State), int64(r.Code), r.ReceivedAt.UnixMilli()
			optOut[i], provider[i] = r.OptOut, r.ProviderID
		}
		if err := eachRow(ctx, plain(tx, `INSERT INTO receipt AS r (message_id, state, code, opt_out, provider_id, received_at)
			SELECT * FROM unnest($1::bigint[], $2::smallint[], $3::bigint[], $4::boolean[], $5::text[], $6::bigint[])
			ON CONFLICT (message_id, provider_id, state) `+receiptRises+`
			RETURNING message_id, provider_id, state`), func(rows *sql.Rows) error {
			var k receiptKey
			err := rows.Scan(&k.message, &k.provider, &k.state)
			isNew[k] = true
			return err
		}, id, state, code, optOut, provider, at); err != nil {
			return nil, fmt.Errorf("write receipts: %w", err)
		}
	}
	for _, r := range b.orphans { // rare
		if _, err := tx.ExecContext(ctx, receiptOrphanSQL, b.store.NewID(), r.Provider, r.AccountID, r.SenderID, r.MessageID, r.Token, r.ProviderID, r.State,
			r.Code, r.OptOut, r.ReceivedAt.UnixMilli()); err != nil {
			return nil, fmt.Errorf("keep orphan: %w", err)
		}
	}
	return isNew, nil
}

func (b *receiptBatch) settlePostgres(ctx context.Context, tx *sql.Tx) error {
	if n := len(b.settled); n > 0 {
		id, lane, due, epoch, started := make([]int64, n), make([]int64, n), make([]int64, n), make([]int64, n), make([]int64, n)
		attempt, token, outcome, provider := make([]int16, n), make([]string, n), make([]string, n), make([]string, n)
		for i, m := range b.settled {
			k := m.marker
			id[i], lane[i], due[i], epoch[i], started[i] = int64(m.id), int64(m.lane), k.due, k.epoch, k.started
			attempt[i], token[i], outcome[i], provider[i] = int16(k.attempt), k.token, k.outcome, k.provider
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM inflight WHERE message_id = ANY($1)`, id); err != nil {
			return fmt.Errorf("settle markers: %w", err)
		}
		if _, err := tx.ExecContext(ctx, receiptUnqueueAllSQL, lane, due, id); err != nil {
			return fmt.Errorf("take out of the queue: %w", err)
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO attempt (message_id, n, token, epoch, started_at, ended_at, outcome, http_status, code, provider_id)
			SELECT id, n, token, epoch, started, $8::bigint, outcome, 0, 0, provider
			FROM unnest($1::bigint[], $2::smallint[], $3::text[], $4::bigint[], $5::bigint[], $6::text[], $7::text[]) u (id, n, token, epoch, started, outcome, provider)
			ON CONFLICT DO NOTHING`, id, attempt, token, epoch, started, outcome, provider, b.now); err != nil {
			return fmt.Errorf("write attempts: %w", err)
		}
	}
	for _, m := range b.unqueued { // rare
		if _, err := tx.ExecContext(ctx, receiptUnqueueSQL, m.lane, m.id); err != nil {
			return fmt.Errorf("take out of the queue: %w", err)
		}
	}
	return nil
}
