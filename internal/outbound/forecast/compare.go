package forecast

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/overture-im/overture"
)

// Actual is what happened to a campaign so far.
type Actual struct {
	MeasuredAt time.Time
	Mark       string // of the counters it was measured under
	Over       bool   // nothing is left to happen
	Cell
	Failed      int // the provider or carrier refused them
	Held        int // nobody knows
	Waiting     int
	FirstSendAt time.Time
	LastSendAt  time.Time
	FinishedAt  time.Time // of the last message that has gone or ended
	Hours       []Hour
	Zones       []Zone
}

// Difference is one hour of forecast beside what happened.
type Difference struct {
	Start            time.Time
	Forecast, Actual Cell
}

// Comparison is the forecast of a launch beside what happened.
type Comparison struct {
	State    overture.CampaignState
	Forecast Forecast
	Actual   Actual
	Hours    []Difference
	Words    []overture.Sentence // what differs and why, as far as it is known
}

// measured is a remembered measurement.
type measured struct {
	actual Actual
	until  time.Time
}

// measureShare bounds the work: a measurement is used again for so many times as long as it took.
const measureShare = 20

// Compare puts what happened beside the forecast of the launch. NotFound: there is none. Conflict: it is still being made, or the
// campaign is a draft.
func (s *Service) Compare(ctx context.Context, account overture.AccountID, id overture.CampaignID) (Comparison, error) {
	c, err := s.Store.Campaign(ctx, account, id)
	if err != nil {
		return Comparison{}, err
	}
	if c.State == overture.Draft {
		return Comparison{}, overture.ErrConflict("campaign_not_launched", "the campaign is a draft: nothing has happened yet; forecast it instead")
	}
	k, err := s.Store.KeptForecast(ctx, account, id)
	if err != nil {
		return Comparison{}, err
	}
	out := Comparison{State: c.State}
	switch k.State {
	case overture.ForecastPending:
		return out, overture.ErrConflict("forecast_pending", "the forecast of the launch is being made; try again in a few seconds")
	case overture.ForecastFailed:
		return out, overture.ErrNotFound("forecast")
	case overture.ForecastKept:
	}
	if err := json.Unmarshal(k.Forecast, &out.Forecast); err != nil {
		return out, fmt.Errorf("kept forecast of %s: %w", id, err)
	}
	if out.Actual, err = s.actual(ctx, c, k); err != nil {
		return out, err
	}
	pauses, err := s.Store.Pauses(ctx, account, id)
	if err != nil {
		return out, err
	}
	out.Hours = beside(out.Forecast.Hours, out.Actual.Hours)
	out.Words = differenceWords(out.Forecast, out.Actual, pauses, s.Now())
	return out, nil
}

// actual measures, or gives a measurement that still holds.
func (s *Service) actual(ctx context.Context, c overture.Campaign, k overture.KeptForecast) (Actual, error) {
	counts, err := s.Store.CampaignCounts(ctx, c.AccountID, c.ID)
	if err != nil {
		return Actual{}, err
	}
	mark := markOf(counts)
	var kept Actual
	if len(k.Actual) > 0 && json.Unmarshal(k.Actual, &kept) == nil && kept.Mark == mark {
		return kept, nil
	}
	if !c.PeopleDeletedAt.IsZero() { // and nobody looked before
		return kept, overture.ErrPeopleDeleted(overture.Conflict, c.PeopleDeletedAt)
	}
	s.mu.Lock()
	last := s.actuals[c.ID]
	s.mu.Unlock()
	if last != nil && (s.Now().Before(last.until) || last.actual.Mark == mark) {
		return last.actual, nil
	}
	select { // one at a time, like the taking of a census
	case s.reading <- struct{}{}:
	case <-ctx.Done():
		return Actual{}, ctx.Err()
	}
	defer func() { <-s.reading }()
	began := s.Now()
	a, err := s.measure(ctx, c)
	if err != nil {
		return a, err
	}
	a.MeasuredAt, a.Mark = began.UTC(), mark
	a.Over = a.Waiting == 0 && (c.State == overture.Completed || c.State == overture.CampaignCanceled)
	if a.Over {
		raw, err := json.Marshal(a)
		if err != nil {
			return a, fmt.Errorf("encode what happened to %s: %w", c.ID, err)
		}
		return a, s.Store.KeepActual(ctx, c.AccountID, c.ID, raw)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.actuals) > 100 {
		clear(s.actuals)
	}
	now := s.Now()
	s.actuals[c.ID] = &measured{actual: a, until: now.Add(measureShare * now.Sub(began))}
	return a, nil
}

// markOf changes when a message moves between states that a comparison tells apart. Receipts do not matter to it.
func markOf(counts overture.Counts) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d", counts.AcceptedOrLater())
	for _, s := range overture.States() {
		if !s.WasAccepted() {
			fmt.Fprintf(&b, " %d", counts[s])
		}
	}
	return b.String()
}

// measure reads what became of every recipient.
func (s *Service) measure(ctx context.Context, c overture.Campaign) (Actual, error) {
	sender, err := s.Store.Sender(ctx, c.AccountID, c.SenderID)
	if err != nil {
		return Actual{}, err
	}
	prices, err := s.Store.CampaignPrices(ctx, c.AccountID, c.ID)
	if err != nil {
		return Actual{}, err
	}
	m := &measuring{tariff: prices.Tariff(c.Channel, sender.Provider, c.SenderID, s.CountryOf), hours: map[int64]*Cell{}, zones: map[string]*zoneMeasure{}}
	if err := s.Store.EachOutcome(ctx, c.AccountID, c.ID, true, m.add); err != nil {
		return Actual{}, err
	}
	return m.result(), nil
}

// measuring adds up outcomes.
type measuring struct {
	Actual
	tariff overture.Tariff
	hours  map[int64]*Cell // by hours since 1970
	zones  map[string]*zoneMeasure
}

type zoneMeasure struct {
	Zone
	byHour map[int64]*Cell
}

func (m *measuring) add(o overture.ListedOutcome) error {
	z := m.zones[string(o.Zones)]
	if z == nil {
		z = &zoneMeasure{byHour: map[int64]*Cell{}}
		if len(o.Zones) > 0 {
			z.Zones = strings.Split(string(o.Zones), ",")
		}
		m.zones[string(o.Zones)] = z
	}
	z.Recipients++
	switch {
	case !o.State.Final():
		m.Waiting++
		return nil
	case o.State == overture.Failed:
		m.Failed++
		return nil
	case o.State == overture.Held:
		m.Held++
		return nil
	}
	at, hour := o.EndedAt.UTC(), o.EndedAt.UnixMilli()/hourMs
	if at.After(m.FinishedAt) {
		m.FinishedAt = at
	}
	cells := [2]*Cell{cellOf(m.hours, hour), cellOf(z.byHour, hour)}
	if !o.State.WasAccepted() {
		for _, c := range cells {
			c.skip(string(o.Reason), 1)
		}
		return nil
	}
	micros, priced := m.tariff.Of(overture.Address(o.Address))
	for _, c := range cells {
		c.Sent++
		c.Segments += max(o.Segments, 1)
		c.Cost.Add(max(o.Segments, 1), micros, priced)
	}
	z.FirstSendAt, m.FirstSendAt = earlier(z.FirstSendAt, at), earlier(m.FirstSendAt, at)
	z.LastSendAt, m.LastSendAt = later(z.LastSendAt, at), later(m.LastSendAt, at)
	return nil
}

func cellOf(hours map[int64]*Cell, hour int64) *Cell {
	c := hours[hour]
	if c == nil {
		c = &Cell{}
		hours[hour] = c
	}
	return c
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

func (m *measuring) result() Actual {
	a := m.Actual
	for _, hour := range slices.Sorted(maps.Keys(m.hours)) {
		a.Hours = append(a.Hours, Hour{Start: time.UnixMilli(hour * hourMs).UTC(), Cell: *m.hours[hour]})
		a.add(*m.hours[hour])
	}
	for _, key := range slices.Sorted(maps.Keys(m.zones)) {
		z := m.zones[key]
		for _, hour := range slices.Sorted(maps.Keys(z.byHour)) {
			z.Hours = append(z.Hours, ZoneHour{time.UnixMilli(hour * hourMs).UTC(), *z.byHour[hour]})
			z.add(*z.byHour[hour])
		}
		a.Zones = append(a.Zones, z.Zone)
	}
	slices.SortStableFunc(a.Zones, func(x, y Zone) int { return y.Recipients - x.Recipients })
	return a
}

// beside puts the hours of both next to each other.
func beside(forecast, actual []Hour) []Difference {
	byStart := map[int64]*Difference{}
	at := func(h Hour) *Difference {
		d := byStart[h.Start.UnixMilli()]
		if d == nil {
			d = &Difference{Start: h.Start}
			byStart[h.Start.UnixMilli()] = d
		}
		return d
	}
	for _, h := range forecast {
		at(h).Forecast = h.Cell
	}
	for _, h := range actual {
		at(h).Actual = h.Cell
	}
	out := make([]Difference, 0, len(byStart))
	for _, start := range slices.Sorted(maps.Keys(byStart)) {
		out = append(out, *byStart[start])
	}
	return out
}

// differenceWords says what differs, and why as far as the rows tell.
func differenceWords(f Forecast, a Actual, pauses []overture.Pause, now time.Time) []overture.Sentence {
	var out []overture.Sentence
	say := func(words overture.Sentence) { out = append(out, words) }
	switch late := a.FinishedAt.Sub(f.FinishAt); {
	case !a.Over && now.After(f.FinishAt):
		say(overture.Plural(overture.Grouped(a.Waiting), "it should have finished at %[2]s; %[1]d message still wait", "it should have finished at %[2]s; %[1]d messages still wait", overture.At(f.FinishAt, minuteUTC)))
	case a.Over && late > time.Minute:
		say(overture.Say("it finished %s later than forecast", span(late)))
	case a.Over && late < -time.Minute:
		say(overture.Say("it finished %s earlier than forecast", span(-late)))
	case a.Over:
		say(overture.Say("it finished as forecast, within a minute"))
	}
	var paused time.Duration
	for _, p := range pauses {
		end := p.To
		if end.IsZero() {
			end = now
		}
		paused += end.Sub(p.From)
	}
	if len(pauses) > 0 {
		say(overture.Plural(len(pauses), "it was paused once, %[2]s in all", "it was paused %d times, %s in all", span(paused)))
	}
	for _, reason := range slices.Sorted(maps.Keys(a.Skipped)) {
		if more := a.Skipped[reason] - f.Skipped[reason]; more > 0 {
			say(overture.Plural(overture.Grouped(more), "%d message more than forecast ended unsent: %s", "%d messages more than forecast ended unsent: %s", skipWords(reason)))
		}
	}
	if a.Over {
		for _, reason := range slices.Sorted(maps.Keys(f.Skipped)) {
			if fewer := f.Skipped[reason] - a.Skipped[reason]; fewer > 0 {
				say(overture.Plural(overture.Grouped(fewer), "%d message fewer than forecast ended unsent: %s", "%d messages fewer than forecast ended unsent: %s", skipWords(reason)))
			}
		}
	}
	if a.Failed > 0 {
		say(overture.Plural(overture.Grouped(a.Failed), "%d message failed, which no forecast knows", "%d messages failed, which no forecast knows"))
	}
	if a.Held > 0 {
		say(overture.Plural(overture.Grouped(a.Held), "%d message are held: whether they were sent is not known", "%d messages are held: whether they were sent is not known"))
	}
	return out
}
