package api

import (
	"context"
	"strings"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/access"
	"github.com/overture-im/overture/internal/kit/tz"
	"github.com/overture-im/overture/internal/outbound/forecast"
)

// forecastRoom is what this resource needs of internal/outbound/forecast.
type forecastRoom interface {
	Make(ctx context.Context, account overture.AccountID, id overture.CampaignID, w forecast.Wish) (forecast.Forecast, error)
	Compare(ctx context.Context, account overture.AccountID, id overture.CampaignID) (forecast.Comparison, error)
}

// CellBody is embedded, and exported because huma looks into exported embedded structs only.
type CellBody struct {
	Sent             int            `json:"sent"`
	Segments         int            `json:"segments"`
	CostMicros       int64          `json:"cost_micros" doc:"Millionths of currency, of the segments that have a price"`
	UnpricedSegments int            `json:"unpriced_segments,omitempty" doc:"Segments to destinations without a price: the true cost is higher"`
	Skipped          map[string]int `json:"skipped,omitempty" doc:"Messages that end unsent, by reason: opted_out, capped, open_conversation, validity_over, no_open_window …"`
}

func wireCell(c forecast.Cell) CellBody {
	return CellBody{Sent: c.Sent, Segments: c.Segments, CostMicros: c.Cost.Micros, UnpricedSegments: c.Cost.Unpriced, Skipped: c.Skipped}
}

type forecastHourBody struct {
	Start  time.Time `json:"start" doc:"Of the hour, in UTC"`
	Held   int       `json:"held" doc:"At the end of the hour: wait for their window to open"`
	Queued int       `json:"queued" doc:"At the end of the hour: may go, and wait for their turn at the rate"`
	CellBody
}

type forecastZoneHourBody struct {
	Start time.Time `json:"start"`
	Local string    `json:"local,omitempty" doc:"The same moment on the clock of the zone, the first where there are several"`
	CellBody
}

type forecastZoneBody struct {
	Zones       []string               `json:"zones" doc:"Candidates: the window is open in all of them; empty: unknown"`
	Recipients  int                    `json:"recipients"`
	Held        int                    `json:"held" doc:"Whose window is closed at the start"`
	HeldUntil   time.Time              `json:"held_until,omitzero"`
	FirstSendAt time.Time              `json:"first_send_at,omitzero"`
	LastSendAt  time.Time              `json:"last_send_at,omitzero"`
	Hours       []forecastZoneHourBody `json:"hours"`
	CellBody
}

type forecastOptionBody struct {
	Rate         int       `json:"rate" doc:"Segments per second"`
	FinishAt     time.Time `json:"finish_at"`
	SavesSeconds int64     `json:"saves_seconds"`
	Sent         int       `json:"sent" doc:"How many are reached at this rate"`
	SenderLimit  bool      `json:"above_sender_rate,omitempty" doc:"The sender's own rate has to be raised for it"`
}

type forecastOtherBody struct {
	Campaign campaignRef `json:"campaign"`
	Name     string      `json:"name"`
	Waiting  int         `json:"waiting" doc:"Messages"`
}

type forecastBody struct {
	Campaign     campaignRef          `json:"campaign"`
	MadeAt       time.Time            `json:"made_at"`
	KnownAt      time.Time            `json:"known_at" doc:"Opt-outs and open conversations are of this moment"`
	StartAt      time.Time            `json:"start_at" doc:"The launch, or now"`
	Recipients   int                  `json:"recipients" doc:"Whose message is still to go"`
	Ended        int                  `json:"ended" doc:"Whose message has gone or ended before"`
	FirstSendAt  time.Time            `json:"first_send_at,omitzero"`
	LastSendAt   time.Time            `json:"last_send_at,omitzero"`
	FinishAt     time.Time            `json:"finish_at" doc:"When the last message has gone or ended"`
	Bound        string               `json:"bound" enum:"nothing,rate,window,both" doc:"What decides how long it takes"`
	Words        []overture.Sentence  `json:"words" doc:"Why, what stands out, what another rate would change"`
	Rate         int                  `json:"rate" doc:"Of the campaign, segments per second"`
	SenderRate   int                  `json:"sender_rate"`
	Currency     string               `json:"currency,omitempty" doc:"Absent: the account has no prices"`
	PriceVersion int                  `json:"price_version,omitempty"`
	TZData       string               `json:"tzdata"`
	Rules        string               `json:"rules,omitempty" doc:"Policy packs that apply to somebody in the list"`
	Hours        []forecastHourBody   `json:"hours"`
	Zones        []forecastZoneBody   `json:"zones" doc:"The largest first"`
	Faster       []forecastOptionBody `json:"faster"`
	Others       []forecastOtherBody  `json:"others" doc:"Campaigns that share the sender's rate meanwhile"`
	Notes        []overture.Sentence  `json:"notes" doc:"What is approximated here"`
	Stop         *forecastStopBody    `json:"stop,omitempty" doc:"A spend limit of the campaign pauses it before its end; then finish_at is of the last message before it"`
	CellBody
}

type forecastStopBody struct {
	At   time.Time `json:"at"`
	By   string    `json:"by" enum:"campaign_spend,campaign_money,unpriced"`
	Left int       `json:"left" doc:"Messages that do not go unless somebody resumes it"`
}

type forecastInput struct {
	Campaign campaignRef `path:"campaign"`
	Body     *struct {
		LaunchAt string `json:"launch_at,omitempty" maxLength:"40" doc:"RFC 3339, or now; left out: the draft's own. Does not change the campaign"`
		Rate     int    `json:"rate,omitempty" minimum:"1" maximum:"100000" doc:"Segments per second; left out: the campaign's own. Does not change the campaign"`

		CheckList *bool `json:"check_list,omitempty" doc:"false: 409 list_unchecked instead of checking a draft's list against a text that somebody is still writing"`
	}
}

type forecastOutput struct{ Body forecastBody }

func (a *API) registerForecasts() {
	register(a, access.CampaignsRead, operation{
		Method: "POST", Path: campaignPath + "/forecast", Summary: "What will happen, hour by hour and zone by zone", Tag: "campaigns",
		Description: "Plays the planner on a virtual clock over the list; some seconds for a million recipients, then answers are quick while nothing changes. " +
			"Of a launched campaign: the rest, from now on. Changes nothing. 422 when there are no recipients or no text.",
	}, a.forecast)
	register(a, access.CampaignsRead, operation{
		Method: "GET", Path: campaignPath + "/forecast", Summary: "The forecast of the launch beside what happened", Tag: "campaigns",
		Description: "The forecast is made when the campaign is launched and never changed. 409 for a draft, and in the seconds until it is made; 404 for a campaign of an older version.",
	}, a.compareForecast)
}

func (a *API) forecast(ctx context.Context, who access.Identity, in *forecastInput) (*forecastOutput, error) {
	var w forecast.Wish
	if in.Body != nil {
		at, err := launchTime(in.Body.LaunchAt, "body.launch_at")
		if err != nil {
			return nil, err
		}
		w = forecast.Wish{LaunchAt: at, Rate: in.Body.Rate, ListAsChecked: in.Body.CheckList != nil && !*in.Body.CheckList}
	}
	f, err := a.deps.Forecasts.Make(ctx, who.AccountID, in.Campaign.ID, w)
	if err != nil {
		return nil, err
	}
	return &forecastOutput{Body: wireForecast(f)}, nil
}

func wireForecast(f forecast.Forecast) forecastBody {
	out := forecastBody{
		Campaign: refTo(f.CampaignID), MadeAt: f.MadeAt, KnownAt: f.KnownAt, StartAt: f.StartAt, Recipients: f.Recipients, Ended: f.Ended,
		FirstSendAt: f.FirstSendAt, LastSendAt: f.LastSendAt, FinishAt: f.FinishAt, Bound: string(f.Bound), Words: append([]overture.Sentence{}, f.Words...),
		Rate: f.Rate, SenderRate: f.SenderRate, Currency: f.Currency, PriceVersion: f.PriceVersion, TZData: f.TZData, Rules: f.Rules,
		Hours: []forecastHourBody{}, Zones: []forecastZoneBody{}, Faster: []forecastOptionBody{}, Others: []forecastOtherBody{},
		Notes: append([]overture.Sentence{}, f.Notes...), CellBody: wireCell(f.Cell),
	}
	if f.Stop != nil {
		b := forecastStopBody(*f.Stop)
		out.Stop = &b
	}
	for _, h := range f.Hours {
		out.Hours = append(out.Hours, forecastHourBody{Start: h.Start, Held: h.Held, Queued: h.Queued, CellBody: wireCell(h.Cell)})
	}
	for _, z := range f.Zones {
		out.Zones = append(out.Zones, forecastZoneBody{
			Zones: append([]string{}, z.Zones...), Recipients: z.Recipients, Held: z.Held, HeldUntil: z.HeldUntil, FirstSendAt: z.FirstSendAt, LastSendAt: z.LastSendAt,
			Hours: wireZoneHours(z.Zones, z.Hours), CellBody: wireCell(z.Cell),
		})
	}
	for _, o := range f.Faster {
		out.Faster = append(out.Faster, forecastOptionBody{
			Rate: o.Rate, FinishAt: o.FinishAt, SavesSeconds: int64(o.Saves / time.Second), Sent: o.Sent, SenderLimit: o.SenderLimit,
		})
	}
	for _, o := range f.Others {
		out.Others = append(out.Others, forecastOtherBody{Campaign: refTo(o.CampaignID), Name: o.Name, Waiting: o.Waiting})
	}
	return out
}

func wireZoneHours(zones []string, hours []forecast.ZoneHour) []forecastZoneHourBody {
	out := make([]forecastZoneHourBody, 0, len(hours))
	for _, h := range hours {
		b := forecastZoneHourBody{Start: h.Start, CellBody: wireCell(h.Cell)}
		if len(zones) > 0 {
			if loc, err := tz.Load(strings.TrimSpace(zones[0])); err == nil {
				b.Local = h.Start.In(loc).Format("2006-01-02T15:04")
			}
		}
		out = append(out, b)
	}
	return out
}

type forecastDifferenceBody struct {
	Start    time.Time `json:"start" doc:"Of the hour, in UTC"`
	Forecast CellBody  `json:"forecast"`
	Actual   CellBody  `json:"actual"`
}

type forecastActualBody struct {
	MeasuredAt  time.Time          `json:"measured_at"`
	Over        bool               `json:"over" doc:"Nothing is left to happen"`
	Failed      int                `json:"failed"`
	Held        int                `json:"held"`
	Waiting     int                `json:"waiting"`
	FirstSendAt time.Time          `json:"first_send_at,omitzero"`
	LastSendAt  time.Time          `json:"last_send_at,omitzero"`
	FinishedAt  time.Time          `json:"finished_at,omitzero" doc:"Of the last message that has gone or ended so far"`
	Zones       []forecastZoneBody `json:"zones"`
	CellBody
}

type comparisonOutput struct {
	Body struct {
		State    string                   `json:"state" enum:"draft,scheduled,running,paused,completed,canceled"`
		Forecast forecastBody             `json:"forecast" doc:"Of the launch"`
		Actual   forecastActualBody       `json:"actual"`
		Hours    []forecastDifferenceBody `json:"hours"`
		Words    []overture.Sentence      `json:"words" doc:"What differs, and why as far as it is known"`
	}
}

func (a *API) compareForecast(ctx context.Context, who access.Identity, in *campaignInput) (*comparisonOutput, error) {
	c, err := a.deps.Forecasts.Compare(ctx, who.AccountID, in.Campaign.ID)
	if err != nil {
		return nil, err
	}
	out := &comparisonOutput{}
	b, was := &out.Body, c.Actual
	b.State, b.Forecast, b.Words, b.Hours = string(c.State), wireForecast(c.Forecast), append([]overture.Sentence{}, c.Words...), []forecastDifferenceBody{}
	b.Actual = forecastActualBody{
		MeasuredAt: was.MeasuredAt, Over: was.Over, Failed: was.Failed, Held: was.Held, Waiting: was.Waiting, FirstSendAt: was.FirstSendAt,
		LastSendAt: was.LastSendAt, FinishedAt: was.FinishedAt, Zones: []forecastZoneBody{}, CellBody: wireCell(was.Cell),
	}
	for _, z := range was.Zones {
		b.Actual.Zones = append(b.Actual.Zones, forecastZoneBody{
			Zones: append([]string{}, z.Zones...), Recipients: z.Recipients, FirstSendAt: z.FirstSendAt, LastSendAt: z.LastSendAt,
			Hours: wireZoneHours(z.Zones, z.Hours), CellBody: wireCell(z.Cell),
		})
	}
	for _, h := range c.Hours {
		b.Hours = append(b.Hours, forecastDifferenceBody{Start: h.Start, Forecast: wireCell(h.Forecast), Actual: wireCell(h.Actual)})
	}
	return out, nil
}
