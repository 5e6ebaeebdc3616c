package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/store/sqldb"
)

// CampaignRecords pages through all campaigns of an account from the beginning, drafts and archived ones too.
func (s *Store) CampaignRecords(ctx context.Context, account overture.AccountID, after overture.CampaignID, limit int) ([]overture.CampaignRecord, error) {
	rows, err := s.db.Read.QueryContext(ctx, `SELECT `+campaignColumns+`, COALESCE(sd.name, ''), COALESCE(sd.address, ''), COALESCE(k.name, ''),
			COALESCE(u.name, ''), COALESCE(v.name, '')
		FROM campaign c LEFT JOIN sender sd ON sd.id = c.sender_id LEFT JOIN skill k ON k.id = c.skill_id
		LEFT JOIN app_user u ON u.id = c.created_by LEFT JOIN app_user v ON v.id = c.consent_by
		WHERE c.account_id = $1 AND c.id > $2 ORDER BY c.id LIMIT $3`, account, after, limit)
	if err != nil {
		return nil, sqldb.Trouble(fmt.Errorf("export campaigns: %w", err))
	}
	defer rows.Close()
	var out []overture.CampaignRecord
	var ids []overture.CampaignID
	for rows.Next() {
		var r overture.CampaignRecord
		if r.Campaign, err = scanCampaign(rows, &r.SenderName, &r.SenderAddress, &r.SkillName, &r.CreatedByName, &r.ConsentByName); err != nil {
			return nil, fmt.Errorf("export campaigns: %w", err)
		}
		out, ids = append(out, r), append(ids, r.ID)
	}
	if err := rows.Err(); err != nil || len(out) == 0 {
		return nil, sqldb.Trouble(err)
	}
	counts, _, err := s.campaignCounts(ctx, ids)
	if err != nil {
		return nil, err
	}
	replied, optedOut, err := s.answers(ctx, ids)
	if err != nil {
		return nil, err
	}
	for i := range out {
		out[i].Counts = complete(out[i].Campaign, counts[out[i].ID])
		out[i].Replied, out[i].OptedOut = replied[out[i].ID], optedOut[out[i].ID]
	}
	return out, nil
}

// answers counts the messages with a response, and the people who stopped the brand in answer, per campaign.
func (s *Store) answers(ctx context.Context, ids []overture.CampaignID) (replied, optedOut map[overture.CampaignID]int, err error) {
	replied, optedOut = map[overture.CampaignID]int{}, map[overture.CampaignID]int{}
	condition, arg := sqldb.In(s.db, "m.campaign_id", 1, ids)
	deleted, _ := sqldb.In(s.db, "d.campaign_id", 1, ids)
	rows, err := s.db.Read.QueryContext(ctx, `SELECT m.campaign_id, COUNT(*), COUNT(m.stopped_at) FROM message m WHERE `+condition+` AND m.replied_at IS NOT NULL GROUP BY m.campaign_id
		UNION ALL SELECT d.campaign_id, d.replied, d.stopped FROM deletion d WHERE `+deleted, arg)
	if err != nil {
		return nil, nil, sqldb.Trouble(fmt.Errorf("count answers: %w", err))
	}
	defer rows.Close()
	for rows.Next() {
		var id overture.CampaignID
		var answered, stopped int
		if err := rows.Scan(&id, &answered, &stopped); err != nil {
			return nil, nil, fmt.Errorf("count answers: %w", err)
		}
		replied[id], optedOut[id] = replied[id]+answered, optedOut[id]+stopped
	}
	return replied, optedOut, sqldb.Trouble(rows.Err())
}

// RecipientRecords pages through the recipients of a campaign in the order of its list, each with its message as it is now.
func (s *Store) RecipientRecords(ctx context.Context, account overture.AccountID, campaign overture.CampaignID, after overture.RecipientID, limit int) ([]overture.RecipientRecord, error) {
	rows, err := s.db.Read.QueryContext(ctx, `SELECT r.id, r.import_id, r.row_number, r.address, r.zones, r.zone_source, r.text, r.vars, r.segments,
			m.id, m.state, m.attempts, m.provider_id, m.code, m.reason, m.accepted_at, m.replied_at, m.updated_at, f.state, d.received_at
		FROM (SELECT * FROM recipient WHERE campaign_id = $1 AND account_id = $2 AND id > $3 ORDER BY id LIMIT $4) r
		LEFT JOIN message m ON m.campaign_id = $1 AND m.campaign_id > 0 AND m.recipient_id = r.id AND m.leg = 0
		LEFT JOIN inflight f ON f.message_id = m.id
		LEFT JOIN receipt d ON d.message_id = m.id AND d.state = 70
		ORDER BY r.id`, campaign, account, after, limit)
	if err != nil {
		return nil, sqldb.Trouble(fmt.Errorf("export recipients: %w", err))
	}
	defer rows.Close()
	var out []overture.RecipientRecord
	for rows.Next() {
		r, err := scanRecord(rows)
		if err != nil {
			return nil, fmt.Errorf("export recipients: %w", err)
		}
		r.AccountID, r.CampaignID = account, campaign
		out = append(out, r)
	}
	return out, sqldb.Trouble(rows.Err())
}

func scanRecord(row scanner) (overture.RecipientRecord, error) {
	var r overture.RecipientRecord
	var zones, vars string
	var id, state, attempts, code, accepted, replied, updated, delivered sql.NullInt64
	var provider, reason, inflight sql.NullString
	if err := row.Scan(&r.ID, &r.ImportID, &r.Row, &r.Address, &zones, &r.ZoneSource, &r.Personal.Text, &vars, &r.Segments,
		&id, &state, &attempts, &provider, &code, &reason, &accepted, &replied, &updated, &inflight, &delivered); err != nil {
		return r, err
	}
	if zones != "" {
		r.Zones = strings.Split(zones, ",")
	}
	if vars != "" {
		if err := json.Unmarshal([]byte(vars), &r.Personal.Values); err != nil {
			return r, fmt.Errorf("variables of %s: %w", r.ID, err)
		}
	}
	r.DeliveredAt, r.RepliedAt = sqldb.Time(delivered), sqldb.Time(replied)
	if id.Valid {
		r.Message = &overture.Message{
			ID: overture.MessageID(id.Int64), RecipientID: r.ID, Address: r.Address,
			State: liveState(overture.State(state.Int64), inflight.String), Attempts: int(attempts.Int64), ProviderID: provider.String,
			Code: int(code.Int64), Reason: reason.String, AcceptedAt: sqldb.Time(accepted), UpdatedAt: sqldb.Time(updated),
		}
	}
	return r, nil
}

// NoteExport writes the audit entry of a download: who took what away, and when.
func (s *Store) NoteExport(ctx context.Context, by overture.Actor, what, subject string, now time.Time) error {
	return s.db.Transact(ctx, func(tx *sql.Tx) error {
		return writeAudit(ctx, tx, s.NewID(), by, "export."+what, subject, "", now)
	})
}
