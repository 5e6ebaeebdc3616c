package analytics_test

import (
	"bytes"
	"database/sql"
	"encoding/csv"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/insight/analytics"
	"github.com/overture-im/overture/internal/kit/tz"
)

// sentRow is a message as the rows tell it.
type sentRow struct {
	campaign, skill, sender int64
	channel                 string
	state                   overture.State
	at                      time.Time
	replied, stopped        bool
}

// sentRows reads every message of account 1 that was sent, with the evidence of its answers instead of the columns that note them.
func (w *world) sentRows() (out []sentRow) {
	w.t.Helper()
	rows, err := w.s.DB().Read.QueryContext(w.t.Context(), `SELECT c.id, c.skill_id, c.sender_id, c.channel, m.state, m.accepted_at, m.updated_at,
			EXISTS (SELECT 1 FROM inbound i WHERE i.message_id = m.id),
			EXISTS (SELECT 1 FROM inbound i WHERE i.message_id = m.id AND i.wish = 'stop') OR EXISTS (SELECT 1 FROM conversation v JOIN consent_event e
				ON e.address = v.address AND e.account_id = v.account_id AND e.at BETWEEN v.started_at AND v.closed_at WHERE v.message_id = m.id)
		FROM message m JOIN campaign c ON c.id = m.campaign_id WHERE c.account_id = 1 AND m.state IN (30, 40, 50, 60, 65, 70, 80)`)
	if err != nil {
		w.t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var r sentRow
		var accepted sql.NullInt64
		var updated int64
		if err := rows.Scan(&r.campaign, &r.skill, &r.sender, &r.channel, &r.state, &accepted, &updated, &r.replied, &r.stopped); err != nil {
			w.t.Fatal(err)
		}
		if r.at = time.UnixMilli(updated); accepted.Valid {
			r.at = time.UnixMilli(accepted.Int64)
		}
		out = append(out, r)
	}
	return out
}

// count recounts what a filter selects between two times.
func count(rows []sentRow, f overture.SentFilter, from, to time.Time) overture.SentCounts {
	out := overture.SentCounts{Counts: overture.Counts{}}
	for _, r := range rows {
		if r.at.Before(from) || !r.at.Before(to) || len(f.Skills) > 0 && !slices.Contains(f.Skills, overture.SkillID(r.skill)) ||
			len(f.Senders) > 0 && !slices.Contains(f.Senders, overture.SenderID(r.sender)) || len(f.Channels) > 0 && !slices.Contains(f.Channels, overture.Channel(r.channel)) ||
			len(f.Campaigns) > 0 && !slices.Contains(f.Campaigns, overture.CampaignID(r.campaign)) {
			continue
		}
		out.Counts[r.state]++
		if r.replied {
			out.Replied++
			if r.state.WasAccepted() {
				out.Answered++
			}
		}
		if r.stopped {
			out.OptedOut++
		}
	}
	return out
}

// Whatever the range, zone and filter: totals, points, the period before and the campaigns equal a recount of the messages (H3, H4). The
// zones have whole, half and quarter hours, and clocks that change by one and by half an hour in or near the data's days.
func TestReportEqualsARecount(t *testing.T) {
	w := newWorld(t)
	rows, reader := w.sentRows(), analytics.New(w.s)
	zones := []string{"", "UTC", "America/New_York", "America/St_Johns", "Asia/Kolkata", "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Chatham", "Pacific/Kiritimati"}
	seen, hourly := 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		q := analytics.Query{Filter: overture.SentFilter{AccountID: 1}, Compare: true, Campaigns: true, Range: rapid.SampledFrom(analytics.Ranges()).Draw(rt, "range")}
		q.Zone = rapid.SampledFrom(zones).Draw(rt, "zone")
		if rapid.Bool().Draw(rt, "skills") {
			q.Filter.Skills = w.skills[:rapid.IntRange(1, 2).Draw(rt, "skill")]
		}
		if rapid.Bool().Draw(rt, "channels") {
			q.Filter.Channels = []overture.Channel{overture.SMS}
		}
		if rapid.Bool().Draw(rt, "senders") {
			q.Filter.Senders = []overture.SenderID{6}
		}
		if rapid.IntRange(0, 4).Draw(rt, "campaign") == 0 {
			q.Filter.Campaigns = []overture.CampaignID{overture.CampaignID(rows[rapid.IntRange(0, len(rows)-1).Draw(rt, "of")].campaign)}
		}
		now := day.Add(time.Duration(rapid.IntRange(-24, 24*40).Draw(rt, "hours")) * time.Hour).Add(time.Duration(rapid.IntRange(0, 59).Draw(rt, "minutes")) * time.Minute)
		first := day.AddDate(0, 0, rapid.IntRange(-3, 12).Draw(rt, "first"))
		q.First, _ = analytics.ParseDate(first.Format(time.DateOnly))
		q.Last, _ = analytics.ParseDate(first.AddDate(0, 0, rapid.IntRange(0, 20).Draw(rt, "days")).Format(time.DateOnly))
		got, err := reader.Report(t.Context(), q, now)
		if err != nil {
			rt.Fatal(err)
		}
		equal := func(what string, got, want overture.SentCounts) {
			if analytics.TotalsOf(got) != analytics.TotalsOf(want) {
				rt.Errorf("%s: %+v, want %+v", what, analytics.TotalsOf(got), analytics.TotalsOf(want))
			}
		}
		p := got.Period
		equal("totals", got.Counts, count(rows, q.Filter, p.From(), p.Until()))
		equal("before", got.Before.Counts, count(rows, q.Filter, got.Before.Period.From(), got.Before.Period.Until()))
		if !got.Before.Period.Until().After(got.Before.Period.From()) || got.Before.Period.To().After(p.From()) && q.Range != analytics.YearToDate {
			rt.Errorf("the period before is %v to %v, this one begins %v", got.Before.Period.From(), got.Before.Period.To(), p.From())
		}
		at := p.From()
		for _, point := range got.Points {
			if !point.From.Equal(at) || !point.To.After(at) {
				rt.Errorf("a point from %v to %v; the one before ended %v", point.From, point.To, at)
			}
			at = point.To
			until := point.To
			if until.After(p.Until()) {
				until = p.Until()
			}
			equal("point "+point.From.String(), point.SentCounts, count(rows, q.Filter, point.From, until))
		}
		if !at.Equal(p.To()) {
			rt.Errorf("the points end %v, the period %v", at, p.To())
		}
		if (got.Step == analytics.Hourly) != (p.Days() == 1) {
			rt.Errorf("%d days by the %s", p.Days(), got.Step)
		}
		var sum overture.SentCounts
		for _, c := range got.Campaigns {
			f := q.Filter
			f.Campaigns = []overture.CampaignID{c.ID}
			equal("campaign", c.SentCounts, count(rows, f, p.From(), p.Until()))
			sum = sum.Add(c.SentCounts)
		}
		equal("campaigns", sum, got.Counts)
		seen += got.Counts.Counts.Total()
		if got.Step == analytics.Hourly {
			hourly += got.Counts.Counts.Total()
		}
	})
	if seen == 0 || hourly == 0 {
		t.Errorf("the test has nothing to count: %d, by the hour %d", seen, hourly)
	}
}

func TestReportRefuses(t *testing.T) {
	w := newWorld(t)
	first, last := analytics.Date{Year: 2026, Month: 11, Day: 5}, analytics.Date{Year: 2026, Month: 11, Day: 4}
	for name, tc := range map[string]struct {
		query analytics.Query
		kind  overture.Kind
	}{
		"backwards":                 {analytics.Query{Range: analytics.CustomRange, First: first, Last: last}, overture.Invalid},
		"too long":                  {analytics.Query{Range: analytics.CustomRange, First: analytics.Date{Year: 2020, Month: 1, Day: 1}, Last: last}, overture.Invalid},
		"no such range":             {analytics.Query{Range: "ever"}, overture.Invalid},
		"no such zone":              {analytics.Query{Range: analytics.Today, Zone: "Mars/Olympus"}, overture.Invalid},
		"sender of another account": {analytics.Query{Range: analytics.Today, Filter: overture.SentFilter{Senders: []overture.SenderID{8}}}, overture.NotFound},
		"unknown campaign":          {analytics.Query{Range: analytics.Today, Filter: overture.SentFilter{Campaigns: []overture.CampaignID{9}}}, overture.NotFound},
		"unknown skill":             {analytics.Query{Range: analytics.Today, Filter: overture.SentFilter{Skills: []overture.SkillID{9}}}, overture.NotFound},
	} {
		tc.query.Filter.AccountID = 1
		if _, err := analytics.New(w.s).Report(t.Context(), tc.query, day); overture.KindOf(err) != tc.kind {
			t.Errorf("%s: %v, want %s", name, err, tc.kind)
		}
	}
}

// An account without a zone in the query gets its own: Kathmandu's midnight is 18:15 UTC.
func TestReportInTheAccountsZone(t *testing.T) {
	w := newWorld(t)
	got, err := analytics.New(w.s).Report(t.Context(), analytics.Query{Filter: overture.SentFilter{AccountID: 1}, Range: analytics.Today}, day)
	if err != nil || got.Zone != "Asia/Kathmandu" || !got.Period.From().Equal(time.Date(2026, 10, 31, 18, 15, 0, 0, time.UTC)) {
		t.Errorf("%s from %v (%v)", got.Zone, got.Period.From(), err)
	}
}

func TestSeriesAsCSV(t *testing.T) {
	w := newWorld(t)
	var file bytes.Buffer
	q := analytics.Query{
		Filter: overture.SentFilter{AccountID: 1}, Range: analytics.CustomRange, Zone: "America/New_York",
		First: analytics.Date{Year: 2026, Month: 11, Day: 1}, Last: analytics.Date{Year: 2026, Month: 11, Day: 3},
	}
	if err := analytics.New(w.s).WriteSeries(t.Context(), q, day.AddDate(0, 1, 0), &file); err != nil {
		t.Fatal(err)
	}
	lines, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(file.String(), "\uFEFF"))).ReadAll()
	if err != nil || len(lines) != 4 {
		t.Fatal(len(lines), err)
	}
	zone, _ := tz.Load("America/New_York")
	from := time.Date(2026, 11, 1, 0, 0, 0, 0, zone)
	want := analytics.TotalsOf(count(w.sentRows(), q.Filter, from, time.Date(2026, 11, 2, 0, 0, 0, 0, zone)))
	if lines[1][0] != "2026-11-01T00:00:00-04:00" || lines[1][1] != "2026-11-02T00:00:00-05:00" || lines[1][3] != fmt.Sprint(want.Sent) || want.Sent == 0 ||
		lines[1][12] != fmt.Sprint(want.OptedOut) || lines[0][12] != "opted_out" {
		t.Errorf("%q\nwant %+v", lines[:2], want)
	}
}
