package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/store/sqldb"
)

// heldChoice is how a filter lies in the row of an order.
type heldChoice struct {
	Campaign        int64   `json:"campaign,omitempty"`
	Sender          int64   `json:"sender,omitempty"`
	Messages        []int64 `json:"messages,omitempty"`
	AttemptedBefore int64   `json:"attempted_before,omitempty"`
	HeldBefore      int64   `json:"held_before"`
}

// CreateHeldOrder writes down what a person decided about the held messages that o.Filter selects now.
func (s *Store) CreateHeldOrder(ctx context.Context, o overture.HeldOrder) (overture.HeldOrder, error) {
	o.ID, o.CreatedAt = overture.HeldOrderID(s.NewID()), o.CreatedAt.Truncate(time.Millisecond).UTC()
	choice := heldChoice{Campaign: int64(o.Filter.CampaignID), Sender: int64(o.Filter.SenderID), HeldBefore: o.Filter.HeldBefore.UnixMilli()}
	if !o.Filter.AttemptedBefore.IsZero() {
		choice.AttemptedBefore = o.Filter.AttemptedBefore.UnixMilli()
	}
	for _, id := range o.Filter.Messages {
		choice.Messages = append(choice.Messages, int64(id))
	}
	raw, err := json.Marshal(choice)
	if err != nil {
		return o, fmt.Errorf("filter of held messages: %w", err)
	}
	err = s.db.Transact(ctx, func(tx *sql.Tx) error {
		where, args := s.heldWhere(o.Filter)
		if err := tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM held h WHERE `+where, args...).Scan(&o.Matched); err != nil {
			return fmt.Errorf("count held messages: %w", err)
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO held_order (id, account_id, user_id, key_id, request_id, resolution, filter, through, matched, resolved, left_held, created_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, 0, $8, 0, 0, $9)`,
			o.ID, o.By.AccountID, o.By.UserID, o.By.KeyID, o.By.RequestID, string(o.How), string(raw), o.Matched, o.CreatedAt.UnixMilli()); err != nil {
			return fmt.Errorf("order about held messages: %w", err)
		}
		return writeAudit(ctx, tx, s.NewID(), o.By, "held.resolution_ordered", o.ID.String(), fmt.Sprintf("%s: %d messages match", o.How, o.Matched), o.CreatedAt)
	})
	return o, err
}

const heldOrderColumns = `id, account_id, user_id, key_id, request_id, resolution, filter, through, matched, resolved, left_held, created_at, finished_at`

func scanHeldOrder(row scanner) (overture.HeldOrder, error) {
	var o overture.HeldOrder
	var raw string
	var created int64
	var finished sql.NullInt64
	if err := row.Scan(&o.ID, &o.By.AccountID, &o.By.UserID, &o.By.KeyID, &o.By.RequestID, &o.How, &raw, &o.Through, &o.Matched, &o.Resolved,
		&o.LeftHeld, &created, &finished); err != nil {
		return o, err
	}
	var choice heldChoice
	if err := json.Unmarshal([]byte(raw), &choice); err != nil {
		return o, fmt.Errorf("filter of %s: %w", o.ID, err)
	}
	o.Filter = overture.HeldFilter{
		AccountID: o.By.AccountID, CampaignID: overture.CampaignID(choice.Campaign), SenderID: overture.SenderID(choice.Sender),
		HeldBefore: time.UnixMilli(choice.HeldBefore).UTC(), After: o.Through,
	}
	if choice.AttemptedBefore != 0 {
		o.Filter.AttemptedBefore = time.UnixMilli(choice.AttemptedBefore).UTC()
	}
	for _, id := range choice.Messages {
		o.Filter.Messages = append(o.Filter.Messages, overture.MessageID(id))
	}
	o.CreatedAt, o.FinishedAt = time.UnixMilli(created).UTC(), sqldb.Time(finished)
	return o, nil
}

// HeldOrder reads one order of an account.
func (s *Store) HeldOrder(ctx context.Context, account overture.AccountID, id overture.HeldOrderID) (overture.HeldOrder, error) {
	o, err := scanHeldOrder(s.db.Read.QueryRowContext(ctx, `SELECT `+heldOrderColumns+` FROM held_order WHERE id = $1 AND account_id = $2`, id, account))
	if errors.Is(err, sql.ErrNoRows) {
		return o, overture.ErrNotFound("order")
	}
	return o, sqldb.Trouble(err)
}

// OpenHeldOrders lists the orders of all accounts that are not carried out yet, oldest first.
func (s *Store) OpenHeldOrders(ctx context.Context) ([]overture.HeldOrder, error) {
	rows, err := s.db.Read.QueryContext(ctx, `SELECT `+heldOrderColumns+` FROM held_order WHERE finished_at IS NULL ORDER BY id LIMIT 100`)
	if err != nil {
		return nil, sqldb.Trouble(fmt.Errorf("open orders: %w", err))
	}
	defer rows.Close()
	var out []overture.HeldOrder
	for rows.Next() {
		o, err := scanHeldOrder(rows)
		if err != nil {
			return nil, fmt.Errorf("open orders: %w", err)
		}
		out = append(out, o)
	}
	return out, sqldb.Trouble(rows.Err())
}

// ResolveHeldChunk carries out the next chunk of an order in one transaction: the messages, the counters and the cursor. An empty chunk ends
// the order with its audit entry. ok is false, and nothing changed, when another node has moved the cursor since o was read. What somebody
// settled meanwhile, or what its campaign cannot send any more, is left as it is and counted. Give items in the order of their ids, at most 100.
func (s *Store) ResolveHeldChunk(ctx context.Context, o overture.HeldOrder, items []overture.HeldDecision, now time.Time) (next overture.HeldOrder, ok bool, err error) {
	err = s.db.Transact(ctx, func(tx *sql.Tx) error {
		next, ok = o, false
		var finished any
		if len(items) == 0 {
			finished = now.UnixMilli()
			next.FinishedAt = now.Truncate(time.Millisecond).UTC()
		} else {
			next.Through = items[len(items)-1].MessageID
		}
		res, err := tx.ExecContext(ctx, `UPDATE held_order SET through = $1, finished_at = $2 WHERE id = $3 AND through = $4 AND finished_at IS NULL`,
			next.Through, finished, o.ID, o.Through)
		if err != nil {
			return fmt.Errorf("move the cursor: %w", err)
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return err
		}
		ok = true
		if len(items) == 0 {
			return writeAudit(ctx, tx, s.NewID(), o.By, "held.resolved", o.ID.String(),
				fmt.Sprintf("%s: %d of %d, %d left as they are", o.How, o.Resolved, o.Matched, o.LeftHeld), now)
		}
		resolved, err := s.resolveHeld(ctx, tx, o, items, now)
		if err != nil {
			return err
		}
		next.Filter.After = next.Through
		next.Resolved, next.LeftHeld = o.Resolved+resolved, o.LeftHeld+len(items)-resolved
		_, err = tx.ExecContext(ctx, `UPDATE held_order SET resolved = $1, left_held = $2 WHERE id = $3`, next.Resolved, next.LeftHeld, o.ID)
		return err
	})
	if err != nil {
		return o, false, fmt.Errorf("resolve held messages of %s: %w", o.ID, err)
	}
	return next, ok, nil
}

func (s *Store) resolveHeld(ctx context.Context, tx *sql.Tx, o overture.HeldOrder, items []overture.HeldDecision, now time.Time) (resolved int, err error) {
	if o.How != overture.Resend {
		to := overture.Failed
		if o.How == overture.TreatAsSent {
			to = overture.Accepted
		}
		counts := newCountDeltas()
		for _, x := range items {
			done, err := s.settleHeld(ctx, tx, o.By.AccountID, x.Ended, to, counts, now)
			if err != nil {
				return resolved, err
			}
			if done {
				resolved++
			}
		}
		return resolved, s.writeCounts(ctx, tx, counts)
	}
	byCampaign := map[overture.CampaignID][]overture.HeldDecision{}
	var campaigns []overture.CampaignID
	for _, x := range items {
		if x.TooLate {
			continue
		}
		if _, seen := byCampaign[x.CampaignID]; !seen {
			campaigns = append(campaigns, x.CampaignID)
		}
		byCampaign[x.CampaignID] = append(byCampaign[x.CampaignID], x)
	}
	slices.Sort(campaigns)
	for _, id := range campaigns {
		n, err := s.resendAll(ctx, tx, o.By, id, byCampaign[id], now)
		if err != nil {
			return resolved, err
		}
		resolved += n
	}
	return resolved, nil
}

// resendAll queues the held messages of one campaign again; none when the campaign cannot send any more.
func (s *Store) resendAll(ctx context.Context, tx *sql.Tx, by overture.Actor, campaign overture.CampaignID, items []overture.HeldDecision, now time.Time) (n int, err error) {
	if campaign == 0 {
		for _, x := range items {
			done, err := s.resendAnswer(ctx, tx, by, x.Ended, x.Place, now)
			if err != nil {
				return n, err
			}
			if done {
				n++
			}
		}
		return n, nil
	}
	c, err := s.campaignIn(ctx, tx, by.AccountID, campaign, s.db.ForUpdate())
	if err != nil {
		return 0, err
	}
	places := make([]overture.Requeue, len(items))
	for i, x := range items {
		places[i] = x.Place
	}
	n, err = s.requeue(ctx, tx, c, overture.Held, places, now)
	var known *overture.Error
	if errors.As(err, &known) && known.Kind == overture.Conflict && strings.HasPrefix(known.Code, "campaign_") {
		return 0, nil // canceled meanwhile: requeue refused before it changed anything
	}
	return n, err
}
