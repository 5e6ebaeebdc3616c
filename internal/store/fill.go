package store

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/overture-im/overture"
)

// Filling says what FillFinished makes.
type Filling struct {
	Like     overture.CampaignID // the campaign whose settings the new one gets
	State    overture.State      // of every message: Accepted or later
	Messages int
}

// fillFirst is the first id of what FillFinished makes: older than any id that was ever handed out.
const fillFirst = 1_000_000_000

// FillToken is the token of the i-th message of a filling, and FillMessage its id; i counts from 0.
func FillToken(i int) string { return fmt.Sprintf("filled%016d", fillFirst+i) }

// FillMessage is the id of the i-th message of a filling.
func FillMessage(i int) overture.MessageID { return overture.MessageID(fillFirst + i) }

// FillProviderID is the provider's id of the i-th message of a filling.
func FillProviderID(i int) string { return fmt.Sprintf("SM%032d", fillFirst+i) }

// fillChunk is how many messages one transaction makes.
const fillChunk = 100_000

const (
	fillNumbers   = `WITH RECURSIVE n (i) AS (SELECT CAST($1 AS BIGINT) UNION ALL SELECT i + 1 FROM n WHERE i < $2) `
	fillAddress   = `'+1' || CAST((200 + i / 10000 % 800) * 10000000 + 5550000 + i % 10000 AS TEXT)`
	fillProvider  = `'SM' || substr('00000000000000000000000000000000', 1, 32 - length(CAST(i AS TEXT))) || CAST(i AS TEXT)`
	fillWord      = `'filled' || substr('0000000000000000', 1, 16 - length(CAST(i AS TEXT))) || CAST(i AS TEXT)`
	fillRecipient = `INSERT INTO recipient (id, account_id, campaign_id, import_id, row_number, address, zones, zone_source, text, vars, segments) ` + fillNumbers + `
		SELECT i, c.account_id, c.id, 0, 1, ` + fillAddress + `, 'America/New_York', 'number', '', '["P00000000"]', 1 FROM n, campaign c WHERE c.id = $3`
	fillMessage = `INSERT INTO message (id, account_id, campaign_id, recipient_id, entry_id, sender_id, lane_id, leg, address, body, state, attempts, segments,
			provider_id, code, reason, accepted_at, updated_at) ` + fillNumbers + `
		SELECT i, c.account_id, c.id, i, 0, c.sender_id, c.id, 0, ` + fillAddress + `, '', CAST($4 AS BIGINT), 1, 1, ` + fillProvider + `, 0, '', CAST($5 AS BIGINT), $5
		FROM n, campaign c WHERE c.id = $3`
	fillAttempt = `INSERT INTO attempt (message_id, n, token, epoch, started_at, ended_at, outcome, http_status, code, provider_id) ` + fillNumbers + `
		SELECT i, 1, ` + fillWord + `, 1, CAST($3 AS BIGINT), $3, 'accepted', 201, 0, ` + fillProvider + ` FROM n`
)

// FillFinished makes a completed campaign with so many sent messages, with recipients, attempts and counters, as far as verify looks. It is
// for figures and tests that need a large table: one filling per database, and no server may run on it.
func (s *Store) FillFinished(ctx context.Context, f Filling, at int64) error {
	const campaign = fillFirst - 1
	for first := fillFirst; first < fillFirst+f.Messages; first += fillChunk {
		last := min(first+fillChunk, fillFirst+f.Messages) - 1
		err := s.db.Transact(ctx, func(tx *sql.Tx) error {
			if first == fillFirst {
				if err := s.fillCampaign(ctx, tx, campaign, f, at); err != nil {
					return err
				}
			}
			for _, rows := range []struct {
				query string
				args  []any
			}{
				{fillRecipient, []any{first, last, campaign}},
				{fillMessage, []any{first, last, campaign, int64(f.State), at}},
				{fillAttempt, []any{first, last, at}},
			} {
				if _, err := tx.ExecContext(ctx, rows.query, rows.args...); err != nil {
					return fmt.Errorf("fill: %w", err)
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) fillCampaign(ctx context.Context, tx *sql.Tx, id int64, f Filling, at int64) error {
	if _, err := tx.ExecContext(ctx, `INSERT INTO campaign (id, account_id, brand_id, name, channel, sender_id, skill_id, text, opt_out_text, smart_encoding, state,
			send_window, rate, lookback, policy, open_conversation, reason, recipient_count, list_hash, content_hash, created_by, created_at, updated_at, completed_at,
			planned_through, planning)
		SELECT CAST($1 AS BIGINT), account_id, brand_id, 'Filled', channel, sender_id, skill_id, text, opt_out_text, smart_encoding, 'completed',
			send_window, rate, lookback, policy, open_conversation, '', CAST($2 AS BIGINT), '', '', created_by, created_at, updated_at, updated_at, 0, FALSE
		FROM campaign WHERE id = $3`, id, f.Messages, f.Like); err != nil {
		return fmt.Errorf("fill campaign: %w", err)
	}
	if _, err := tx.ExecContext(ctx, `INSERT INTO lane (id, account_id, sender_id, campaign_id, kind, state, rate, weight)
		SELECT id, account_id, sender_id, id, 'campaign', 'done', rate, 1 FROM campaign WHERE id = $1`, id); err != nil {
		return fmt.Errorf("fill lane: %w", err)
	}
	counts := newCountDeltas()
	counts.enter(overture.CampaignID(id), f.State, f.Messages)
	counts.send(sending{campaign: overture.CampaignID(id), state: f.State, at: at}, f.Messages)
	return s.writeCounts(ctx, tx, counts)
}
