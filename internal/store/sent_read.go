package store

import (
	"context"
	"database/sql"
	"fmt"
	"sort"
	"strings"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/store/sqldb"
)

// SentSeries adds up what was sent from each of the steps to the next, the last to the filter's end. Steps and times lie on quarters of an
// hour; steps are in order, and the first is the filter's beginning. It reads counters only.
func (s *Store) SentSeries(ctx context.Context, f overture.SentFilter, steps []time.Time) ([]overture.SentCounts, error) {
	out := make([]overture.SentCounts, len(steps))
	for i := range out {
		out[i].Counts = overture.Counts{}
	}
	where, args := s.sentWhere(f)
	var step string
	switch {
	case len(steps) == 1:
	case f.To.Sub(f.From) <= quartersOneByOne:
		step = ` GROUP BY k.quarter`
	default:
		step = ` GROUP BY ` + stepOf(steps)
	}
	err := eachRow(ctx, plain(s.db.Read, `SELECT MIN(k.quarter), `+sentSums+`
		FROM campaign c JOIN sent_count k ON k.campaign_id = c.id WHERE `+where+``+step), func(rows *sql.Rows) error {
		var quarter sql.NullInt64 // none when nothing was sent, and no groups
		c, err := scanSent(rows, &quarter)
		if err != nil || !quarter.Valid {
			return err
		}
		at := time.UnixMilli(quarter.Int64 * quarterMillis)
		i := sort.Search(len(steps), func(i int) bool { return steps[i].After(at) }) - 1
		out[i] = out[i].Add(c)
		return nil
	}, args...)
	if err != nil {
		return nil, sqldb.Trouble(fmt.Errorf("what was sent: %w", err))
	}
	return out, nil
}

// quartersOneByOne is up to how much time the database hands out quarter by quarter. Of longer times they would be many rows: it groups them.
const quartersOneByOne = 50 * time.Hour

// stepOf is the expression of the group that a quarter belongs to. Days differ in length only where clocks change, so runs of steps of the
// same length are one arithmetic each.
func stepOf(steps []time.Time) string {
	quarters := make([]int64, len(steps))
	for i, t := range steps {
		quarters[i] = t.UnixMilli() / quarterMillis
	}
	var b strings.Builder
	b.WriteString(`CASE`)
	for i := 0; i+1 < len(quarters); {
		length, j := quarters[i+1]-quarters[i], i+1
		for j+1 < len(quarters) && quarters[j+1]-quarters[j] == length {
			j++
		}
		fmt.Fprintf(&b, ` WHEN k.quarter < %d THEN %d + (k.quarter - %d) / %d`, quarters[j], i, quarters[i], length)
		i = j
	}
	fmt.Fprintf(&b, ` ELSE %d END`, len(quarters)-1)
	return b.String()
}

// sentSums are what scanSent reads; the counters must be called k.
var sentSums = eachSentColumn(func(_ int, c string) string { return `COALESCE(SUM(k.` + c + `), 0)` })

// scanSent reads what stands before the sums, and them.
func scanSent(row scanner, before ...any) (overture.SentCounts, error) {
	var sums sentDelta
	for i := range sums {
		before = append(before, &sums[i])
	}
	if err := row.Scan(before...); err != nil {
		return overture.SentCounts{}, err
	}
	out := overture.SentCounts{Counts: make(overture.Counts, len(sentStates)), Replied: int(sums[sentReplied]), Answered: int(sums[sentAnswered]), OptedOut: int(sums[sentStopped])}
	for i, state := range sentStates {
		if sums[i] != 0 {
			out.Counts[state] = int(sums[i])
		}
	}
	return out, nil
}

// SentByCampaign tells what each campaign sent, most first, at most limit of them; total is how many sent something.
func (s *Store) SentByCampaign(ctx context.Context, f overture.SentFilter, limit int) (list []overture.CampaignSent, total int, err error) {
	where, args := s.sentWhere(f)
	err = eachRow(ctx, plain(s.db.Read, `SELECT c.id, c.name, c.channel, c.state, c.people_deleted_at, `+sentSums+`
		FROM campaign c JOIN sent_count k ON k.campaign_id = c.id WHERE `+where+` GROUP BY c.id ORDER BY c.id`), func(rows *sql.Rows) error {
		var x overture.CampaignSent
		var err error
		var deleted sql.NullInt64
		if x.SentCounts, err = scanSent(rows, &x.ID, &x.Name, &x.Channel, &x.State, &deleted); err == nil && x.Counts.Total() > 0 { // what was sent again moved elsewhere
			x.PeopleDeletedAt = sqldb.Time(deleted)
			list = append(list, x)
		}
		return err
	}, args...)
	if err != nil {
		return nil, 0, sqldb.Trouble(fmt.Errorf("what campaigns sent: %w", err))
	}
	sort.SliceStable(list, func(i, j int) bool { return list[i].Counts.Total() > list[j].Counts.Total() })
	return list[:min(limit, len(list))], len(list), nil
}

// sentWhere is the condition on campaign c and counter k for a filter, with its arguments from $1 on.
func (s *Store) sentWhere(f overture.SentFilter) (string, []any) {
	where := `c.account_id = $1 AND k.quarter >= $2 AND k.quarter < $3`
	args := []any{f.AccountID, f.From.UnixMilli() / quarterMillis, f.To.UnixMilli() / quarterMillis}
	add := func(condition string, arg any) { where, args = where+" AND "+condition, append(args, arg) }
	if len(f.Skills) > 0 {
		add(sqldb.In(s.db, "c.skill_id", len(args)+1, f.Skills))
	}
	if len(f.Channels) > 0 {
		add(sqldb.In(s.db, "c.channel", len(args)+1, f.Channels))
	}
	if len(f.Senders) > 0 {
		add(sqldb.In(s.db, "c.sender_id", len(args)+1, f.Senders))
	}
	if len(f.Campaigns) > 0 {
		add(sqldb.In(s.db, "c.id", len(args)+1, f.Campaigns))
	}
	return where, args
}
