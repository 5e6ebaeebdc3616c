package store

import (
	"context"
	"fmt"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/store/sqldb"
)

// afterAct is how much later than a pause or cancel an attempt may have begun by its own clock: nodes' clocks differ a little, and the mark
// that was already in its transaction counts as before.
const afterAct = 1000 // ms

// pauseBreaches finds attempts that began while their campaign was paused, by a person or by a guard rail, or after it was canceled (I10), from the audit log. What a
// quarantine only asked the carrier about is left out: such an attempt has no token and sent nothing.
func (s *Store) pauseBreaches(ctx context.Context) (Finding, error) {
	f := Finding{Rule: "I10", Says: "no campaign message was attempted while its campaign was paused, or after it was canceled"}
	type act struct {
		campaign overture.CampaignID
		stops    bool
		at       int64
	}
	var acts []act
	rows, err := s.db.Read.QueryContext(ctx, `SELECT action, subject, at FROM audit
		WHERE action IN ('campaign.paused', 'campaign.paused_by_itself', 'campaign.resumed', 'campaign.canceled') ORDER BY subject, at, id`)
	if err != nil {
		return f, sqldb.Trouble(fmt.Errorf("read pauses: %w", err))
	}
	defer rows.Close()
	for rows.Next() {
		var action, subject string
		var a act
		if err := rows.Scan(&action, &subject, &a.at); err != nil {
			return f, fmt.Errorf("read pauses: %w", err)
		}
		if a.campaign.Parse(subject) != nil {
			continue
		}
		a.stops = action != "campaign.resumed"
		acts = append(acts, a)
	}
	if err := rows.Err(); err != nil {
		return f, sqldb.Trouble(err)
	}
	for i, a := range acts {
		if !a.stops {
			continue
		}
		until := time.Now().Add(24 * time.Hour).UnixMilli()
		if i+1 < len(acts) && acts[i+1].campaign == a.campaign {
			until = acts[i+1].at
		}
		err := each(ctx, plain(s.db.Read, `SELECT a.message_id FROM message m JOIN attempt a ON a.message_id = m.id
			WHERE m.campaign_id = $1 AND a.token <> '' AND a.started_at > $2 AND a.started_at < $3`), func(id int64) { f.offender(id) }, a.campaign, a.at+afterAct, until)
		if err != nil {
			return f, sqldb.Trouble(fmt.Errorf("attempts during a pause: %w", err))
		}
	}
	return f, nil
}

func (f *Finding) offender(id int64) {
	if f.Count++; len(f.Samples) < samplesPerFinding {
		f.Samples = append(f.Samples, id)
	}
}

// fileDamage asks SQLite whether its file is sound. PostgreSQL has pg_amcheck for that.
func (s *Store) fileDamage(ctx context.Context) (Finding, error) {
	f := Finding{Rule: "file", Says: "the database file is sound"}
	if s.db.Postgres() {
		return f, nil
	}
	err := each(ctx, plain(s.db.Read, `PRAGMA integrity_check(20)`), func(line string) {
		if line != "ok" {
			f.offender(0)
		}
	})
	if err != nil {
		return f, sqldb.Trouble(fmt.Errorf("check the file: %w", err))
	}
	return f, nil
}
