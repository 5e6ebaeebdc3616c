package store

import (
	"context"
	"fmt"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/store/sqldb"
)

// FigureCounts adds up the counters of the launched campaigns that the filter selects (H1). It reads counters only.
func (s *Store) FigureCounts(ctx context.Context, f overture.FigureFilter) (overture.FigureCounts, error) {
	out := overture.FigureCounts{Counts: overture.Counts{}}
	where, args := s.figureWhere(f)
	if err := s.db.Read.QueryRowContext(ctx, `SELECT COUNT(*) FROM campaign c WHERE `+where, args...).Scan(&out.Campaigns); err != nil {
		return out, sqldb.Trouble(fmt.Errorf("figures: %w", err))
	}
	rows, err := s.db.Read.QueryContext(ctx, `SELECT k.state, SUM(k.n) FROM campaign c JOIN campaign_count k ON k.campaign_id = c.id
		WHERE `+where+` GROUP BY k.state`, args...)
	if err != nil {
		return out, sqldb.Trouble(fmt.Errorf("figures: %w", err))
	}
	defer rows.Close()
	for rows.Next() {
		var state overture.State
		var n int
		if err := rows.Scan(&state, &n); err != nil {
			return out, fmt.Errorf("figures: %w", err)
		}
		out.Counts[state] = n
	}
	if err := rows.Err(); err != nil {
		return out, sqldb.Trouble(fmt.Errorf("figures: %w", err))
	}
	err = s.db.Read.QueryRowContext(ctx, `SELECT COALESCE(SUM(k.replied), 0), COALESCE(SUM(k.stopped), 0)
		FROM campaign c JOIN sent_count k ON k.campaign_id = c.id WHERE `+where, args...).Scan(&out.Replied, &out.OptedOut)
	return out, sqldb.Trouble(err)
}

// figureWhere is the condition on campaign c for a filter, with its arguments from $1 on.
func (s *Store) figureWhere(f overture.FigureFilter) (string, []any) {
	where, args := `c.account_id = $1 AND c.launched_at IS NOT NULL`, []any{f.AccountID}
	if !f.From.IsZero() {
		args = append(args, f.From.UnixMilli())
		where += fmt.Sprintf(` AND c.launched_at >= $%d`, len(args))
	}
	if !f.To.IsZero() {
		args = append(args, f.To.UnixMilli())
		where += fmt.Sprintf(` AND c.launched_at < $%d`, len(args))
	}
	if len(f.Skills) > 0 {
		condition, arg := sqldb.In(s.db, "c.skill_id", len(args)+1, f.Skills)
		where, args = where+" AND "+condition, append(args, arg)
	}
	if len(f.Campaigns) > 0 {
		condition, arg := sqldb.In(s.db, "c.id", len(args)+1, f.Campaigns)
		where, args = where+" AND "+condition, append(args, arg)
	}
	return where, args
}
