package analytics

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/kit/tz"
)

// Series reads counters in time.
type Series interface {
	Account(ctx context.Context, id overture.AccountID) (overture.Account, error)
	Sender(ctx context.Context, account overture.AccountID, id overture.SenderID) (overture.Sender, error)
	SentSeries(ctx context.Context, f overture.SentFilter, steps []time.Time) ([]overture.SentCounts, error)
	SentByCampaign(ctx context.Context, f overture.SentFilter, limit int) (list []overture.CampaignSent, total int, err error)
}

// Query selects what a report is about. Empty fields do not narrow.
type Query struct {
	Filter      overture.SentFilter // without times
	Range       Range
	First, Last Date   // of CustomRange
	Zone        string // IANA name; empty: the account's
	Compare     bool
	Campaigns   bool // with the campaigns behind the figures
}

// Totals are counts by what they mean.
type Totals struct {
	Sent        int // accepted, refused or held
	Accepted    int // by the provider
	Delivered   int // of the accepted: receipt from the handset
	Undelivered int // of the accepted: the carrier's later word
	Waiting     int // of the accepted: no last word yet
	Refused     int
	Held        int
	Replied     int // with a response
	Answered    int // of the accepted: with a response
	OptedOut    int
}

// TotalsOf reads counts.
func TotalsOf(c overture.SentCounts) Totals {
	n := c.Counts
	return Totals{
		Sent: n.Total(), Accepted: n.AcceptedOrLater(), Delivered: n[overture.Delivered] + n[overture.Read], Undelivered: n[overture.Undelivered],
		Waiting: n[overture.Accepted] + n[overture.Sent], Refused: n[overture.Failed], Held: n[overture.Held],
		Replied: c.Replied, Answered: c.Answered, OptedOut: c.OptedOut,
	}
}

// Step is how long one point of a series lasts.
type Step string

// One day is shown by the hour, more by the day (H3).
const (
	Hourly Step = "hour"
	Daily  Step = "day"
)

// Section is a period with what was sent in it.
type Section struct {
	Period  Period
	Counts  overture.SentCounts
	Figures Figures
}

// Point is one hour or day.
type Point struct {
	From, To time.Time
	overture.SentCounts
}

// Report is a period, its series, the campaigns behind it, and the period before.
type Report struct {
	AsOf  time.Time
	Range Range
	Zone  string
	Step  Step
	Section
	Points    []Point
	Before    *Section
	Campaigns []overture.CampaignSent // most sent first, at most maxCampaigns
	Of        int                     // campaigns that sent something in the period
}

// maxCampaigns bounds the list behind the figures.
const maxCampaigns = 100

// Report computes figures and series of what was sent in a period (H1–H4): a message counts in the quarter of an hour in which the provider
// accepted it, else in which it was refused or held, with its state and its answer of now. Unknown skills, senders and campaigns, also those
// of another account, are NotFound. Cost: counters only.
func (r *Reader) Report(ctx context.Context, q Query, now time.Time) (Report, error) {
	out := Report{AsOf: now, Range: q.Range, Zone: q.Zone, Step: Daily}
	if out.Zone == "" {
		a, err := r.counters.Account(ctx, q.Filter.AccountID)
		if err != nil {
			return out, err
		}
		out.Zone = a.Settings.WithDefaults().TimeZone
	}
	zone, err := tz.Load(out.Zone)
	if err != nil {
		return out, &overture.Error{Kind: overture.Invalid, Code: "unknown_zone", Message: err.Error(), Fields: []overture.Field{{Location: "query.zone", Message: err.Error()}}}
	}
	if out.Period, err = periodOf(q.Range, q.First, q.Last, now.In(zone)); err != nil {
		return out, err
	}
	if err := r.known(ctx, q.Filter); err != nil {
		return out, err
	}
	if out.Points, out.Step, err = r.points(ctx, q.Filter, out.Period); err != nil {
		return out, err
	}
	for _, p := range out.Points {
		out.Counts = out.Counts.Add(p.SentCounts)
	}
	out.Figures = figures(out.Counts.Figures())
	if q.Compare {
		before := Section{Period: out.Period.before(q.Range)}
		got, err := r.counters.SentSeries(ctx, q.Filter.In(before.Period.From(), before.Period.Until()), []time.Time{before.Period.From()})
		if err != nil {
			return out, err
		}
		before.Counts, before.Figures = got[0], figures(got[0].Figures())
		out.Before = &before
	}
	if q.Campaigns {
		out.Campaigns, out.Of, err = r.counters.SentByCampaign(ctx, q.Filter.In(out.Period.From(), out.Period.Until()), maxCampaigns)
	}
	return out, err
}

// known refuses a filter that names what the account has not.
func (r *Reader) known(ctx context.Context, f overture.SentFilter) error {
	for _, id := range f.Skills {
		if _, err := r.counters.Skill(ctx, f.AccountID, id); err != nil {
			return err
		}
	}
	for _, id := range f.Senders {
		if _, err := r.counters.Sender(ctx, f.AccountID, id); err != nil {
			return err
		}
	}
	for _, id := range f.Campaigns {
		if _, err := r.counters.Campaign(ctx, f.AccountID, id); err != nil {
			return err
		}
	}
	return nil
}

func (r *Reader) points(ctx context.Context, f overture.SentFilter, p Period) ([]Point, Step, error) {
	step, steps := Daily, p.days()
	if p.Days() == 1 {
		step, steps = Hourly, p.hours()
	}
	got, err := r.counters.SentSeries(ctx, f.In(p.From(), p.Until()), steps)
	if err != nil {
		return nil, step, err
	}
	if len(got) != len(steps) {
		return nil, step, fmt.Errorf("series of %d steps has %d", len(steps), len(got))
	}
	points := make([]Point, len(steps))
	for i, c := range got {
		points[i] = Point{From: steps[i].In(p.Zone), To: p.To().In(p.Zone), SentCounts: c}
		if i+1 < len(steps) {
			points[i].To = steps[i+1].In(p.Zone)
		}
	}
	return slices.Clip(points), step, nil
}
