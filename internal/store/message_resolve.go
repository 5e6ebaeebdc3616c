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
	m, err := scanEnded(s.db.Read.QueryRowContext(ctx, `SELECT m.id, m.campaign_id, m.recipient_id, m.sender_id, m.state, m.reason, COALESCE(r.zones, '')
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
		switch how {
		case overture.TreatAsSent:
			state, err = overture.Accepted, s.settleHeld(ctx, tx, by, held, overture.Accepted, now)
		case overture.GiveUp:
			state, err = overture.Failed, s.settleHeld(ctx, tx, by, held, overture.Failed, now)
		case overture.Resend:
			state, err = overture.Queued, s.resendHeld(ctx, tx, by, held, place, now)
		default:
			err = overture.ErrInvalid("unknown_action", "the action is treat_as_sent, resend or give_up")
		}
		if err != nil {
			return err
		}
		return writeAudit(ctx, tx, s.NewID(), by, "message.resolved", held.MessageID.String(), string(how), now)
	})
	return state, err
}

func (s *Store) settleHeld(ctx context.Context, tx *sql.Tx, by overture.Actor, held overture.Ended, to overture.State, now time.Time) error {
	acceptedAt := "accepted_at"
	if to == overture.Accepted { // the provider took it, if at all, during the last attempt
		acceptedAt = "COALESCE((SELECT MAX(started_at) FROM attempt WHERE message_id = message.id), $2)"
	}
	res, err := tx.ExecContext(ctx, `UPDATE message SET state = $1, reason = $3, updated_at = $2, accepted_at = `+acceptedAt+`
		WHERE id = $4 AND account_id = $5 AND state = $6`, to, now.UnixMilli(), overture.ReasonSettledByPerson, held.MessageID, by.AccountID, overture.Held)
	if err != nil {
		return fmt.Errorf("settle %s: %w", held.MessageID, err)
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return errors.Join(err, overture.ErrConflict("message_not_held", "somebody has resolved this message already"))
	}
	counts := countDeltas{}
	counts.move(held.CampaignID, overture.Held, to)
	return counts.apply(ctx, tx)
}

func (s *Store) resendHeld(ctx context.Context, tx *sql.Tx, by overture.Actor, held overture.Ended, place overture.Requeue, now time.Time) error {
	gone := overture.ErrConflict("message_not_held", "somebody has resolved this message already")
	if held.CampaignID != 0 {
		c, err := s.campaignIn(ctx, tx, by.AccountID, held.CampaignID, s.db.ForUpdate())
		if err != nil {
			return err
		}
		if n, err := s.requeue(ctx, tx, c, overture.Held, []overture.Requeue{place}, now); err != nil || n > 0 {
			return err
		}
		return gone
	}
	lane, err := s.replyLane(ctx, tx, by.AccountID, held.SenderID)
	if err != nil {
		return err
	}
	res, err := tx.ExecContext(ctx, `UPDATE message SET state = $1, reason = '', code = 0, updated_at = $2 WHERE id = $3 AND account_id = $4 AND state = $5`,
		overture.Queued, now.UnixMilli(), held.MessageID, by.AccountID, overture.Held)
	if err != nil {
		return fmt.Errorf("send %s again: %w", held.MessageID, err)
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return errors.Join(err, gone)
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO dispatch (lane_id, due_at, message_id, not_after) VALUES ($1, $2, $3, $4)`,
		lane, place.Due.UnixMilli(), held.MessageID, place.NotAfter.UnixMilli())
	return err
}
