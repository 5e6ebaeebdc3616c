package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/store/sqldb"
)

// States of an idempotency record.
const (
	callRunning   = "running"   // claimed; nothing took effect yet
	callCommitted = "committed" // took effect; the answer is not kept yet, and never will be when the process died
	callDone      = "done"      // the answer is kept
)

// retryInFlight is how long a caller waits before asking again for a request that is being carried out.
const retryInFlight = time.Second

// BeginIdempotent claims the call until leaseUntil, or gives the kept answer with again = true. The claim is marked as committed inside
// the first transaction that uses the returned context, so that a crash never leads to a second effect.
//
// Conflict: the call is in flight (try again after RetryAfter), or was cut off after it took effect (idempotency_interrupted).
func (s *Store) BeginIdempotent(ctx context.Context, call overture.IdempotentCall, now, leaseUntil time.Time) (context.Context, overture.IdempotentAnswer, bool, error) {
	var kept overture.IdempotentAnswer
	again := false
	err := s.db.Transact(ctx, func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, `INSERT INTO idempotency
				(account_id, idem_key, route, body_hash, state, status, content_type, claim, lease_until, created_at)
			VALUES ($1, $2, $3, $4, $5, 0, '', $6, $7, $8) ON CONFLICT (account_id, route, idem_key) DO NOTHING`,
			call.AccountID, call.Key, call.Route, call.BodyHash, callRunning, call.Claim, leaseUntil.UnixMilli(), now.UnixMilli())
		if err != nil {
			return fmt.Errorf("claim idempotency key: %w", err)
		}
		if n, err := res.RowsAffected(); err != nil || n == 1 {
			return err //nolint:wrapcheck // nil, or a driver without row counts
		}
		kept, again, err = s.laterCall(ctx, tx, call, now, leaseUntil)
		return err
	})
	if err != nil || again {
		return ctx, kept, again, err
	}
	return sqldb.Alongside(ctx, func(ctx context.Context, tx *sql.Tx) error { return commitCall(ctx, tx, call) }), kept, false, nil
}

// laterCall answers for a call whose key is known: the kept answer, a conflict, or the claim of a process that died before any effect.
func (s *Store) laterCall(ctx context.Context, tx *sql.Tx, call overture.IdempotentCall, now, leaseUntil time.Time) (kept overture.IdempotentAnswer, again bool, err error) {
	var state string
	var lease int64
	var response []byte
	err = tx.QueryRowContext(ctx, `SELECT state, lease_until, status, content_type, body_hash, response FROM idempotency
		WHERE account_id = $1 AND route = $2 AND idem_key = $3`+s.db.ForUpdate(), call.AccountID, call.Route, call.Key).
		Scan(&state, &lease, &kept.Status, &kept.ContentType, &kept.BodyHash, &response)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return kept, false, errInFlight() // it was just dropped: trying again claims it
	case err != nil:
		return kept, false, fmt.Errorf("read idempotency record: %w", err)
	case state == callDone:
		body, err := s.seal.Open(string(response), boundCall(call))
		if err != nil {
			return kept, false, fmt.Errorf("open kept answer: %w", err)
		}
		kept.Body = []byte(body.Reveal())
		return kept, true, nil
	case lease > now.UnixMilli():
		return kept, false, errInFlight()
	case state == callCommitted:
		return kept, false, overture.ErrConflict("idempotency_interrupted", "the first request with this Idempotency-Key took effect, "+
			"but its answer was not kept; look at what it did before you send a new request with a new key")
	}
	_, err = tx.ExecContext(ctx, `UPDATE idempotency SET claim = $1, lease_until = $2, body_hash = $3, created_at = $4
		WHERE account_id = $5 AND route = $6 AND idem_key = $7`,
		call.Claim, leaseUntil.UnixMilli(), call.BodyHash, now.UnixMilli(), call.AccountID, call.Route, call.Key)
	if err != nil {
		return kept, false, fmt.Errorf("take over idempotency key: %w", err)
	}
	return kept, false, nil
}

func errInFlight() error {
	return &overture.Error{
		Kind: overture.Conflict, Code: "idempotency_in_flight", RetryAfter: retryInFlight,
		Message: "a request with this Idempotency-Key is being carried out; ask again in a second for its answer",
	}
}

// commitCall runs inside the transaction of the effect. Without its claim the effect must not happen: another request has the key.
func commitCall(ctx context.Context, tx *sql.Tx, call overture.IdempotentCall) error {
	res, err := tx.ExecContext(ctx, `UPDATE idempotency SET state = CASE WHEN state = 'done' THEN state ELSE 'committed' END
		WHERE account_id = $1 AND route = $2 AND idem_key = $3 AND claim = $4`, call.AccountID, call.Route, call.Key, call.Claim)
	if err != nil {
		return fmt.Errorf("mark idempotency record: %w", err)
	}
	n, err := res.RowsAffected()
	if err != nil {
		return fmt.Errorf("mark idempotency record: %w", err)
	}
	if n == 0 {
		return errInFlight()
	}
	return nil
}

// RenewIdempotent keeps the claim of a request that takes long.
func (s *Store) RenewIdempotent(ctx context.Context, call overture.IdempotentCall, leaseUntil time.Time) error {
	_, err := s.db.Write.ExecContext(ctx, `UPDATE idempotency SET lease_until = $1
		WHERE account_id = $2 AND route = $3 AND idem_key = $4 AND claim = $5 AND state <> 'done'`,
		leaseUntil.UnixMilli(), call.AccountID, call.Route, call.Key, call.Claim)
	if err != nil {
		return sqldb.Trouble(fmt.Errorf("renew idempotency claim: %w", err))
	}
	return nil
}

// FinishIdempotent keeps the answer. It is sealed: it may hold a secret that is shown once.
func (s *Store) FinishIdempotent(ctx context.Context, call overture.IdempotentCall, answer overture.IdempotentAnswer) error {
	sealed, err := s.seal.Seal(overture.Secret(answer.Body), boundCall(call))
	if err != nil {
		return fmt.Errorf("seal answer: %w", err)
	}
	_, err = s.db.Write.ExecContext(ctx, `UPDATE idempotency SET state = 'done', status = $1, content_type = $2, body_hash = $3, response = $4
		WHERE account_id = $5 AND route = $6 AND idem_key = $7 AND claim = $8`,
		answer.Status, answer.ContentType, answer.BodyHash, []byte(sealed), call.AccountID, call.Route, call.Key, call.Claim)
	if err != nil {
		return sqldb.Trouble(fmt.Errorf("keep answer: %w", err))
	}
	return nil
}

// DropIdempotent forgets a call that took no effect. One that did stays, without an answer.
func (s *Store) DropIdempotent(ctx context.Context, call overture.IdempotentCall) error {
	return s.db.Transact(ctx, func(tx *sql.Tx) error {
		const mine = ` WHERE account_id = $1 AND route = $2 AND idem_key = $3 AND claim = $4 AND state = `
		args := []any{call.AccountID, call.Route, call.Key, call.Claim}
		if _, err := tx.ExecContext(ctx, `DELETE FROM idempotency`+mine+`'running'`, args...); err != nil {
			return fmt.Errorf("drop idempotency record: %w", err)
		}
		if _, err := tx.ExecContext(ctx, `UPDATE idempotency SET lease_until = 0`+mine+`'committed'`, args...); err != nil {
			return fmt.Errorf("drop idempotency record: %w", err)
		}
		return nil
	})
}

// ReleaseIdempotent removes records older than the given time, and claims of dead processes that took no effect.
func (s *Store) ReleaseIdempotent(ctx context.Context, now, olderThan time.Time) error {
	for _, q := range []struct {
		query string
		at    time.Time
	}{
		{`DELETE FROM idempotency WHERE state = 'running' AND lease_until <= $1`, now},
		{`DELETE FROM idempotency WHERE created_at < $1 AND state <> 'running'`, olderThan},
	} {
		if _, err := s.db.Write.ExecContext(ctx, q.query, q.at.UnixMilli()); err != nil {
			return sqldb.Trouble(fmt.Errorf("remove idempotency records: %w", err))
		}
	}
	return nil
}

func boundCall(call overture.IdempotentCall) string {
	return "idempotency/" + call.AccountID.String() + "/" + call.Route + "/" + call.Key
}
