package client

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/overture-im/overture"
)

// ForecastCell is what happens in some stretch of time or place.
type ForecastCell struct {
	Sent             int            `json:"sent"`
	Segments         int            `json:"segments"`
	CostMicros       int64          `json:"cost_micros"` // millionths of the currency
	UnpricedSegments int            `json:"unpriced_segments"`
	Skipped          map[string]int `json:"skipped"`
}

// ForecastHour is one hour of UTC.
type ForecastHour struct {
	Start  time.Time `json:"start"`
	Held   int       `json:"held"`
	Queued int       `json:"queued"`
	ForecastCell
}

// ForecastZone is one set of zones; only what the command line uses.
type ForecastZone struct {
	Zones       []string   `json:"zones"`
	Recipients  int        `json:"recipients"`
	Held        int        `json:"held"`
	HeldUntil   *time.Time `json:"held_until"`
	FirstSendAt *time.Time `json:"first_send_at"`
	LastSendAt  *time.Time `json:"last_send_at"`
	ForecastCell
}

// Forecast of a campaign; only what the command line uses.
type Forecast struct {
	StartAt    time.Time      `json:"start_at"`
	FinishAt   time.Time      `json:"finish_at"`
	Recipients int            `json:"recipients"`
	Ended      int            `json:"ended"`
	Bound      string         `json:"bound"`
	Words      []string       `json:"words"`
	Notes      []string       `json:"notes"`
	Rate       int            `json:"rate"`
	SenderRate int            `json:"sender_rate"`
	Currency   string         `json:"currency"`
	Hours      []ForecastHour `json:"hours"`
	Zones      []ForecastZone `json:"zones"`
	ForecastCell
	Raw json.RawMessage `json:"-"` // the whole answer
}

// Comparison is the forecast of a launch beside what happened.
type Comparison struct {
	State    string   `json:"state"`
	Words    []string `json:"words"`
	Forecast Forecast `json:"forecast"`
	Actual   struct {
		Over       bool       `json:"over"`
		Failed     int        `json:"failed"`
		Held       int        `json:"held"`
		Waiting    int        `json:"waiting"`
		FinishedAt *time.Time `json:"finished_at"`
		ForecastCell
	} `json:"actual"`
	Hours []struct {
		Start    time.Time    `json:"start"`
		Forecast ForecastCell `json:"forecast"`
		Actual   ForecastCell `json:"actual"`
	} `json:"hours"`
	Raw json.RawMessage `json:"-"`
}

// Forecast plays a campaign on a virtual clock. launchAt is RFC 3339 or now, empty for the campaign's own; rate 0 is the campaign's own.
func (c *Client) Forecast(ctx context.Context, id, launchAt string, rate int) (Forecast, error) {
	body := map[string]any{}
	if launchAt != "" {
		body["launch_at"] = launchAt
	}
	if rate != 0 {
		body["rate"] = rate
	}
	var out Forecast
	err := c.do(ctx, request{method: http.MethodPost, path: campaignPath(id, "/forecast"), body: body, out: &out.Raw})
	if err == nil {
		raw := out.Raw
		err = json.Unmarshal(raw, &out)
		out.Raw = raw
	}
	return out, err
}

// CompareForecast puts what happened beside the forecast of the launch. It waits while that is being made, some seconds at most.
func (c *Client) CompareForecast(ctx context.Context, id string) (Comparison, error) {
	var out Comparison
	var raw json.RawMessage
	get := func() error {
		return c.do(ctx, request{method: http.MethodGet, path: campaignPath(id, "/forecast"), out: &raw})
	}
	err := get()
	for range 30 {
		var known *overture.Error
		if !errors.As(err, &known) || known.Code != "forecast_pending" || pause(ctx, 500*time.Millisecond) != nil {
			break
		}
		err = get()
	}
	if err == nil {
		err = json.Unmarshal(raw, &out)
	}
	out.Raw = raw
	return out, err
}
