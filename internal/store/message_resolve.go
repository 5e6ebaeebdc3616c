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

// HeldMessage reads what a decision about a message needs; zones are empty for an agent's answer.
func (s *Store) HeldMessage(ctx context.Context, account overture.AccountID, id overture.MessageID) (overture.Ended, error) {
	m, err := scanEnded(s.db.Read.QueryRowContext(ctx, `SELECT m.id, m.campaign_id, m.recipient_id, m.sender_id, m.state, m.reason, m.address, COALESCE(r.zones, '')
		FROM message m LEFT JOIN recipient r ON r.id = m.recipient_id WHERE m.id = $1 AND m.account_id = $2`, id, account))
	if errors.Is(err, sql.ErrNoRows) {
		return m, overture.ErrNotFound("message")
	}
	if err != nil {
		return m, sqldb.Trouble(fmt.Errorf("read message %s: %w", id, err))
	}
	return m, notHeld(m.State)
}

func notHeld(state overture.State) error {
	if state == overture.Held {
		return nil
	}
	return overture.ErrConflict("message_not_held", "the message is "+state.String()+"; only a held message can be resolved")
}

// ResolveMessage carries out what a person decided about a held message, with its audit entry. place is used by Resend only. A message
// that is not held (any more) is Conflict, also when two people decide at once.
func (s *Store) ResolveMessage(ctx context.Context, by overture.Actor, held overture.Ended, how overture.Resolution, place overture.Requeue, now time.Time) (overture.State, error) {
	var state overture.State
	err := s.db.Transact(ctx, func(tx *sql.Tx) error {
		var err error
		gone := overture.ErrConflict("message_not_held", "somebody has resolved this message already")
		var done bool
		counts := newCountDeltas()
		switch how {
		case overture.TreatAsSent:
			state = overture.Accepted
			done, err = s.settleHeld(ctx, tx, by.AccountID, held, overture.Accepted, counts, now)
		case overture.GiveUp:
			state = overture.Failed
			done, err = s.settleHeld(ctx, tx, by.AccountID, held, overture.Failed, counts, now)
		case overture.Resend:
			state = overture.Queued
			done, err = s.resendHeld(ctx, tx, by, held, place, now)
		default:
			err = overture.ErrInvalid("unknown_action", "the action is treat_as_sent, resend or give_up")
		}
		if err != nil {
			return err
		}
		if !done {
			return gone
		}
		if err := s.writeCounts(ctx, tx, counts); err != nil {
			return err
		}
		return writeAudit(ctx, tx, s.NewID(), by, "message.resolved", held.MessageID.String(), string(how), now)
	})
	return state, err
}

// settleHeld ends a held message by a person's word; done is false when it is not held any more. The caller applies the counts.
func (s *Store) settleHeld(ctx context.Context, tx *sql.Tx, account overture.AccountID, held overture.Ended, to overture.State, counts countDeltas, now time.Time) (done bool, err error) {
	acceptedAt := "accepted_at"
	if to == overture.Accepted { // the provider took it, if at all, during the last attempt
		acceptedAt = "COALESCE((SELECT MAX(started_at) FROM attempt WHERE message_id = message.id), $2)"
	}
	before, err := s.sendings(ctx, tx, []overture.MessageID{held.MessageID}, overture.Held)
	if err != nil {
		return false, err
	}
	err = eachRow(ctx, plain(tx, `UPDATE message SET state = $1, reason = $3, updated_at = $2, accepted_at = `+acceptedAt+`
		WHERE id = $4 AND account_id = $5 AND state = $6 RETURNING `+countedColumns), func(rows *sql.Rows) error {
		done = true
		after, err := scanSending(rows)
		counts.move(after.campaign, overture.Held, to)
		counts.send(before[held.MessageID], -1)
		counts.send(after, 1)
		return err
	}, to, now.UnixMilli(), overture.ReasonSettledByPerson, held.MessageID, account, overture.Held)
	if err != nil {
		return false, fmt.Errorf("settle %s: %w", held.MessageID, err)
	}
	if !done {
		return false, nil
	}
	return true, unhold(ctx, tx, held.MessageID)
}

func (s *Store) resendHeld(ctx context.Context, tx *sql.Tx, by overture.Actor, held overture.Ended, place overture.Requeue, now time.Time) (done bool, err error) {
	if held.CampaignID == 0 {
		return s.resendAnswer(ctx, tx, by, held, place, now)
	}
	c, err := s.campaignIn(ctx, tx, by.AccountID, held.CampaignID, s.db.ForUpdate())
	if err != nil {
		return false, err
	}
	n, err := s.requeue(ctx, tx, c, overture.Held, []overture.Requeue{place}, now)
	return n > 0, err
}

// resendAnswer queues an agent's answer again, on its sender's reply lane.
func (s *Store) resendAnswer(ctx context.Context, tx *sql.Tx, by overture.Actor, held overture.Ended, place overture.Requeue, now time.Time) (done bool, err error) {
	lane, err := s.replyLane(ctx, tx, by.AccountID, held.SenderID)
	if err != nil {
		return false, err
	}
	res, err := tx.ExecContext(ctx, `UPDATE message SET state = $1, reason = '', code = 0, updated_at = $2 WHERE id = $3 AND account_id = $4 AND state = $5`,
		overture.Queued, now.UnixMilli(), held.MessageID, by.AccountID, overture.Held)
	if err != nil {
		return false, fmt.Errorf("send %s again: %w", held.MessageID, err)
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return false, err
	}
	if _, err = tx.ExecContext(ctx, `INSERT INTO dispatch (lane_id, due_at, message_id, not_after) VALUES ($1, $2, $3, $4)`,
		lane, place.Due.UnixMilli(), held.MessageID, place.NotAfter.UnixMilli()); err != nil {
		return false, fmt.Errorf("send %s again: %w", held.MessageID, err)
	}
	return true, unhold(ctx, tx, held.MessageID)
}
