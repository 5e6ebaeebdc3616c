package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/store/sqldb"
)

// Standing reads the counters of a campaign and what surrounds them. Its cost does not grow with the list, only with the replies.
func (s *Store) Standing(ctx context.Context, account overture.AccountID, id overture.CampaignID) (overture.Standing, error) {
	var st overture.Standing
	var lane, lease, finish sql.NullInt64
	var laneState, stopReason sql.NullString
	var rate sql.NullInt64
	var stopped, accountStopped sql.NullBool
	var barrier, accountWords sql.NullString
	var resent sql.NullInt64
	c, err := scanCampaign(s.db.Read.QueryRowContext(ctx, `SELECT `+campaignColumns+`, c.planning, l.id, l.state, sd.rate, sd.stopped, sd.stop_reason,
			sl.expires_at, (SELECT COALESCE(SUM(i.segments), 0) FROM list_import i WHERE i.campaign_id = c.id AND i.state = 'done'),
			(SELECT f.finish_at FROM campaign_forecast f WHERE f.campaign_id = c.id AND f.finish_at > 0),
			l.barrier, l.resent, a.stopped, a.stop_reason, EXISTS (SELECT 1 FROM emergency_stop), NOT (`+noQuarantine+`)
		FROM campaign c LEFT JOIN account a ON a.id = c.account_id LEFT JOIN sender sd ON sd.id = c.sender_id LEFT JOIN sender_lease sl ON sl.sender_id = c.sender_id
		LEFT JOIN lane l ON l.sender_id = c.sender_id AND l.campaign_id = c.id
		WHERE c.id = $1 AND c.account_id = $2`, id, account),
		&st.Planning, &lane, &laneState, &rate, &stopped, &stopReason, &lease, &st.Segments, &finish,
		&barrier, &resent, &accountStopped, &accountWords, &st.AllStopped, &st.Quarantined)
	if errors.Is(err, sql.ErrNoRows) {
		return st, overture.ErrNotFound("campaign")
	}
	if err != nil {
		return st, sqldb.Trouble(fmt.Errorf("standing of %s: %w", id, err))
	}
	st.ForecastFinishAt = sqldb.Time(finish)
	st.Campaign, st.LaneID, st.LaneState = c, overture.LaneID(lane.Int64), overture.LaneState(laneState.String)
	st.SenderRate, st.SenderStopped, st.SenderStopReason, st.LeaseUntil = int(rate.Int64), stopped.Bool, stopReason.String, sqldb.Time(lease)
	st.Barrier, st.Resent, st.AccountStopped, st.AccountStopWords = barrier.String, int(resent.Int64), accountStopped.Bool, accountWords.String
	counts, _, err := s.campaignCounts(ctx, []overture.CampaignID{id})
	if err != nil {
		return st, err
	}
	st.Planned = counts[id].Total()
	st.Counts = complete(c, counts[id])
	if st.Replied, err = s.repliedCount(ctx, id); err != nil {
		return st, err
	}
	st.OptedOut, err = s.OptedOutCount(ctx, id)
	return st, err
}

func (s *Store) repliedCount(ctx context.Context, id overture.CampaignID) (n int, err error) {
	err = s.db.Read.QueryRowContext(ctx, `SELECT (SELECT COUNT(*) FROM message WHERE campaign_id = $1 AND replied_at IS NOT NULL)
		+ COALESCE((SELECT replied FROM deletion WHERE campaign_id = $1), 0)`, id).Scan(&n)
	return n, sqldb.Trouble(err)
}

// LaneQueue tells what waits in a lane: how many are due, and the later ones by due time, the earliest groups apart and the rest in the last.
// It walks the lane's key range, about a second for three million rows, so callers keep the answer for a while.
func (s *Store) LaneQueue(ctx context.Context, lane overture.LaneID, now time.Time, groups int) (overture.Queue, error) {
	var q overture.Queue
	trouble := func(err error) error { return sqldb.Trouble(fmt.Errorf("queue of %s: %w", lane, err)) }
	if err := s.db.Read.QueryRowContext(ctx, `SELECT COUNT(*) FROM dispatch WHERE lane_id = $1 AND due_at <= $2`, lane, now.UnixMilli()).Scan(&q.Ready); err != nil {
		return q, trouble(err)
	}
	for after := now.UnixMilli(); ; {
		var due, notAfter int64
		err := s.db.Read.QueryRowContext(ctx, `SELECT due_at, not_after FROM dispatch WHERE lane_id = $1 AND due_at > $2
			ORDER BY due_at, message_id LIMIT 1`, lane, after).Scan(&due, &notAfter)
		if errors.Is(err, sql.ErrNoRows) {
			return q, nil
		}
		if err != nil {
			return q, trouble(err)
		}
		condition := `due_at = $2`
		if len(q.Groups) == groups-1 {
			condition = `due_at >= $2`
		}
		g := overture.DueGroup{Due: time.UnixMilli(due).UTC(), NotAfter: time.UnixMilli(notAfter).UTC()}
		if err := s.db.Read.QueryRowContext(ctx, `SELECT COUNT(*) FROM dispatch WHERE lane_id = $1 AND `+condition, lane, due).Scan(&g.Messages); err != nil {
			return q, trouble(err)
		}
		q.Groups, q.Later, after = append(q.Groups, g), q.Later+g.Messages, due
		if len(q.Groups) == groups {
			return q, nil
		}
	}
}

// WaitingSample looks at some of the messages that become due from a time on, earliest first: where the people are, and how the last
// attempt ended.
func (s *Store) WaitingSample(ctx context.Context, lane overture.LaneID, from time.Time, limit int) ([]overture.QueuedSample, error) {
	rows, err := s.db.Read.QueryContext(ctx, `SELECT COALESCE(r.zones, ''), COALESCE(a.outcome, '')
		FROM (SELECT due_at, message_id FROM dispatch WHERE lane_id = $1 AND due_at >= $2 ORDER BY due_at, message_id LIMIT $3) d
		JOIN message m ON m.id = d.message_id LEFT JOIN recipient r ON r.id = m.recipient_id
		LEFT JOIN attempt a ON a.message_id = m.id AND a.n = m.attempts ORDER BY d.due_at, d.message_id`, lane, from.UnixMilli(), limit)
	if err != nil {
		return nil, sqldb.Trouble(fmt.Errorf("sample of %s: %w", lane, err))
	}
	defer rows.Close()
	var out []overture.QueuedSample
	for rows.Next() {
		var w overture.QueuedSample
		var zones string
		if err := rows.Scan(&zones, &w.LastOutcome); err != nil {
			return nil, fmt.Errorf("sample of %s: %w", lane, err)
		}
		if zones != "" {
			w.Zones = strings.Split(zones, ",")
		}
		out = append(out, w)
	}
	return out, sqldb.Trouble(rows.Err())
}
