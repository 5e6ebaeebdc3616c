package forecast_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/outbound/forecast"
)

func windowJSON(t testing.TB, w overture.Window) string {
	t.Helper()
	raw, err := json.Marshal(w)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func millis(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMilli()
}

// outcome of one message as it really was.
type outcome struct {
	zones, reason string
	to            string
	state         overture.State
	segments      int
	at            time.Time
}

func (w *world) outcomes(campaign int64) []outcome {
	w.t.Helper()
	rows, err := w.s.DB().Read.QueryContext(context.Background(), `SELECT r.zones, m.reason, m.address, m.state, m.segments, COALESCE(m.accepted_at, m.updated_at) FROM message m
		JOIN recipient r ON r.id = m.recipient_id WHERE m.campaign_id = $1`, campaign) //nolint:usetesting // also after a test ended
	if err != nil {
		w.t.Fatal(err)
	}
	defer rows.Close()
	var out []outcome
	for rows.Next() {
		var o outcome
		var at int64
		if err := rows.Scan(&o.zones, &o.reason, &o.to, &o.state, &o.segments, &at); err != nil {
			w.t.Fatal(err)
		}
		o.at = time.UnixMilli(at).UTC()
		out = append(out, o)
	}
	if err := rows.Err(); err != nil {
		w.t.Fatal(err)
	}
	return out
}

// cost is what one message costs by the prices of the property: by the tens of its person's number, none from twenty on.
func (w *world) cost(o outcome) overture.Cost {
	if !w.priced {
		return overture.Cost{Unpriced: o.segments}
	}
	switch o.to[len(o.to)-2] {
	case '0':
		return overture.Cost{Micros: int64(o.segments) * 5000}
	case '1':
		return overture.Cost{Micros: int64(o.segments) * 7900}
	}
	return overture.Cost{Unpriced: o.segments}
}

// differences compares a forecast with what happened. Sums must be the same; the curve of what was sent, per zone, may lie tolerance beside.
func (w *world) differences(f forecast.Forecast, campaign int64) []string {
	var out []string
	say := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	all := w.outcomes(campaign)
	sent, segments, skipped, cost := 0, 0, map[string]int{}, overture.Cost{}
	byZone := map[string][]outcome{}
	var last time.Time
	for _, o := range all {
		if o.state.WasAccepted() {
			sent, segments = sent+1, segments+o.segments
			byZone[o.zones] = append(byZone[o.zones], o)
			cost = cost.Plus(w.cost(o))
		} else {
			skipped[o.reason]++
		}
		if o.at.After(last) {
			last = o.at
		}
	}
	if f.Recipients != len(all) || f.Sent != sent || f.Segments != segments {
		say("forecast %d of %d sent with %d segments; really %d of %d with %d", f.Sent, f.Recipients, f.Segments, sent, len(all), segments)
	}
	if f.Cost != cost {
		say("forecast to cost %+v; really %+v", f.Cost, cost)
	}
	if !maps.Equal(f.Skipped, skipped) && len(f.Skipped)+len(skipped) > 0 {
		say("forecast skips %v; really %v", f.Skipped, skipped)
	}
	if d := f.FinishAt.Sub(last); d.Abs() > tolerance {
		say("forecast to finish %v; really %v (%v)", f.FinishAt, last, d)
	}
	hours := 0
	for _, h := range f.Hours {
		hours += h.Sent
	}
	if hours != f.Sent {
		say("hours add up to %d of %d", hours, f.Sent)
	}
	for _, z := range f.Zones {
		key := strings.Join(z.Zones, ",")
		if z.Sent != len(byZone[key]) {
			say("%q: forecast %d sent, really %d", key, z.Sent, len(byZone[key]))
			continue
		}
		slices.SortFunc(byZone[key], func(a, b outcome) int { return a.at.Compare(b.at) })
		sum := 0
		for _, h := range z.Hours {
			sum += h.Sent
			end := h.Start.Add(time.Hour)
			before, after := 0, 0 // what had really gone by the end of the hour, tolerance earlier and later
			for _, o := range byZone[key] {
				if o.at.Before(end.Add(-tolerance)) {
					before++
				}
				if o.at.Before(end.Add(tolerance)) {
					after++
				}
			}
			if sum < before || sum > after {
				say("%q: by %v the forecast has %d sent, really between %d and %d", key, end, sum, before, after)
			}
		}
		if n := len(byZone[key]); n > 0 {
			if d := z.FirstSendAt.Sub(byZone[key][0].at); d.Abs() > tolerance {
				say("%q: first send forecast %v, really %v", key, z.FirstSendAt, byZone[key][0].at)
			}
			if d := z.LastSendAt.Sub(byZone[key][n-1].at); math.Abs(d.Seconds()) > tolerance.Seconds() {
				say("%q: last send forecast %v, really %v", key, z.LastSendAt, byZone[key][n-1].at)
			}
		}
	}
	return out
}
