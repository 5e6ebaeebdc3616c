package api

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/access"
	"github.com/overture-im/overture/internal/insight/analytics"
)

const analyticsDefinition = "Exact: counters that move with the messages and equal a recount of them. A message counts in the quarter of an hour in which the provider " +
	"accepted it, else in the one in which it was refused or held, with its state and its answers of now; hours and days are those of the zone. " +
	"Figures by the date of the launch: GET /v1/figures."

type analyticsInput struct {
	Range    string   `query:"range" enum:"today,yesterday,this_week,this_month,last_7_days,last_30_days,last_60_days,last_90_days,year_to_date,custom" default:"last_30_days" doc:"Weeks begin on Monday; the last n days end with today"`
	From     string   `query:"from" maxLength:"10" doc:"First day of a custom range, such as 2026-11-20"`
	To       string   `query:"to" maxLength:"10" doc:"Last day of a custom range, inclusive"`
	Zone     string   `query:"zone" maxLength:"64" doc:"IANA time zone of days and hours; absent: the account's"`
	Skill    []string `query:"skill,explode" maxItems:"100" doc:"Repeat the parameter for several"`
	Channel  []string `query:"channel,explode" maxItems:"10" enum:"sms,whatsapp,in_app,web" doc:"Repeat the parameter for several"`
	Sender   []string `query:"sender,explode" maxItems:"100" doc:"Repeat the parameter for several"`
	Campaign []string `query:"campaign,explode" maxItems:"100" doc:"Repeat the parameter for several"`
	Compare  bool     `query:"compare" doc:"With the period before: the same days of the month or year before, else as many days directly before; of a period that is not over, as much as has passed of it"`
}

type sentCountsBody struct {
	Sent        int `json:"sent" doc:"accepted + refused + held"`
	Accepted    int `json:"accepted" doc:"By the provider"`
	Delivered   int `json:"delivered" doc:"Of the accepted: with a receipt from the handset"`
	Undelivered int `json:"undelivered" doc:"Of the accepted: the carrier said later that it could not deliver"`
	Waiting     int `json:"waiting" doc:"Of the accepted: no last word of the carrier yet"`
	Refused     int `json:"refused" doc:"By the provider, for good"`
	Held        int `json:"held" doc:"May have been sent, cannot be proven"`
	Replied     int `json:"replied" doc:"With a response, STOP included"`
	Answered    int `json:"answered" doc:"Of the accepted: with a response"`
	OptedOut    int `json:"opted_out" doc:"People who stopped the brand in answer"`
}

type analyticsFigures struct {
	Success        figureBody `json:"success"`
	HandsetSuccess figureBody `json:"handset_success"`
	Response       figureBody `json:"response"`
	OptOuts        figureBody `json:"opt_outs"`
}

type analyticsPeriod struct {
	First string    `json:"first" doc:"First day"`
	Last  string    `json:"last" doc:"Last day, inclusive"`
	From  time.Time `json:"from" doc:"Where the first day begins"`
	To    time.Time `json:"to" doc:"Where the last day ends"`
	Until time.Time `json:"until" doc:"Where counting ends: to, or the end of the quarter of an hour of now"`
}

type analyticsPoint struct {
	From   time.Time      `json:"from"`
	To     time.Time      `json:"to"`
	Counts sentCountsBody `json:"counts"`
}

type campaignSentBody struct {
	ID      campaignRef    `json:"id"`
	Name    string         `json:"name"`
	Channel string         `json:"channel"`
	State   string         `json:"state"`
	Counts  sentCountsBody `json:"counts"`

	PeopleDeletedAt time.Time `json:"people_deleted_at,omitzero" doc:"Retention deleted the messages: the figures stay, the list behind them is gone"`
}

type analyticsBefore struct {
	Period  analyticsPeriod  `json:"period"`
	Totals  sentCountsBody   `json:"totals"`
	Figures analyticsFigures `json:"figures"`
}

type analyticsOutput struct {
	Body struct {
		AsOf      time.Time          `json:"as_of"`
		Range     string             `json:"range"`
		Zone      string             `json:"zone"`
		Step      string             `json:"step" enum:"hour,day" doc:"One day by the hour, more by the day"`
		Period    analyticsPeriod    `json:"period"`
		Totals    sentCountsBody     `json:"totals"`
		Figures   analyticsFigures   `json:"figures"`
		Before    *analyticsBefore   `json:"before,omitempty" doc:"Only with compare"`
		Points    []analyticsPoint   `json:"points" doc:"Every hour or day of the period, also those without a message"`
		Campaigns []campaignSentBody `json:"campaigns" doc:"What sent most in the period, at most 100"`
		Of        int                `json:"campaign_count" doc:"Campaigns that sent something in the period"`
	}
}

func (a *API) registerAnalytics() {
	register(a, access.FiguresRead, operation{
		Method: "GET", Path: "/v1/analytics", Summary: "Figures and series of what was sent in a period", Tag: "figures", Description: analyticsDefinition,
	}, a.analytics)
	a.handle(access.FiguresRead, plain{
		Method: "GET", Path: "/v1/analytics.csv", Summary: "The series as CSV, one line for each hour or day", Tag: "figures", Produces: "text/csv",
		Description: analyticsDefinition,
		Query: []query{
			{Name: "range", Doc: "As in GET /v1/analytics"},
			{Name: "from", Doc: "First day of a custom range"},
			{Name: "to", Doc: "Last day of a custom range, inclusive"},
			{Name: "zone", Doc: "IANA time zone"},
			{Name: "skill", Doc: "Repeat the parameter for several"},
			{Name: "channel", Doc: "Repeat the parameter for several"},
			{Name: "sender", Doc: "Repeat the parameter for several"},
			{Name: "campaign", Doc: "Repeat the parameter for several"},
		},
	}, a.analyticsCSV)
}

func (a *API) analytics(ctx context.Context, who access.Identity, in *analyticsInput) (*analyticsOutput, error) {
	q, err := analyticsQuery(who, in)
	if err != nil {
		return nil, err
	}
	q.Campaigns = true
	got, err := a.deps.Figures.Report(ctx, q, time.Now())
	if err != nil {
		return nil, err
	}
	out := &analyticsOutput{}
	b := &out.Body
	b.AsOf, b.Range, b.Zone, b.Step = got.AsOf.UTC(), string(got.Range), got.Zone, string(got.Step)
	b.Period, b.Totals, b.Figures = wirePeriod(got.Period), wireSent(got.Counts), wireAnalyticsFigures(got.Figures)
	if got.Before != nil {
		b.Before = &analyticsBefore{wirePeriod(got.Before.Period), wireSent(got.Before.Counts), wireAnalyticsFigures(got.Before.Figures)}
	}
	b.Points = make([]analyticsPoint, len(got.Points))
	for i, p := range got.Points {
		b.Points[i] = analyticsPoint{p.From, p.To, wireSent(p.SentCounts)}
	}
	b.Of, b.Campaigns = got.Of, make([]campaignSentBody, len(got.Campaigns))
	for i, c := range got.Campaigns {
		b.Campaigns[i] = campaignSentBody{campaignRef{c.ID}, c.Name, string(c.Channel), string(c.State), wireSent(c.SentCounts), c.PeopleDeletedAt}
	}
	return out, nil
}

func (a *API) analyticsCSV(w http.ResponseWriter, r *http.Request, who access.Identity) error {
	v := r.URL.Query()
	in := &analyticsInput{
		Range: v.Get("range"), From: v.Get("from"), To: v.Get("to"), Zone: v.Get("zone"),
		Skill: v["skill"], Channel: v["channel"], Sender: v["sender"], Campaign: v["campaign"],
	}
	q, err := analyticsQuery(who, in)
	if err != nil {
		return err
	}
	return a.deps.Figures.WriteSeries(r.Context(), q, time.Now(), download(w, "analytics.csv"))
}

func analyticsQuery(who access.Identity, in *analyticsInput) (q analytics.Query, err error) {
	q = analytics.Query{Filter: overture.SentFilter{AccountID: who.AccountID}, Range: analytics.Range(in.Range), Zone: in.Zone, Compare: in.Compare}
	if q.Range == "" {
		q.Range = analytics.Last30Days
	}
	if q.Range == analytics.CustomRange {
		if q.First, err = dayIn(in.From, "query.from"); err != nil {
			return q, err
		}
		if q.Last, err = dayIn(in.To, "query.to"); err != nil {
			return q, err
		}
	}
	for _, c := range in.Channel {
		q.Filter.Channels = append(q.Filter.Channels, overture.Channel(c))
	}
	if q.Filter.Skills, err = idsIn[overture.SkillID](in.Skill, "query.skill"); err != nil {
		return q, err
	}
	if q.Filter.Senders, err = idsIn[overture.SenderID](in.Sender, "query.sender"); err != nil {
		return q, err
	}
	q.Filter.Campaigns, err = idsIn[overture.CampaignID](in.Campaign, "query.campaign")
	return q, err
}

func dayIn(text, location string) (analytics.Date, error) {
	d, err := analytics.ParseDate(text)
	if err != nil {
		return d, &overture.Error{
			Kind: overture.Invalid, Code: "bad_date", Message: strconv.Quote(text) + " is no day; write it as 2026-11-20",
			Fields: []overture.Field{{Location: location, Message: "must be a day, such as 2026-11-20"}},
		}
	}
	return d, nil
}

func wirePeriod(p analytics.Period) analyticsPeriod {
	return analyticsPeriod{p.First.String(), p.Last.String(), p.From().In(p.Zone), p.To().In(p.Zone), p.Until().In(p.Zone)}
}

func wireAnalyticsFigures(f analytics.Figures) analyticsFigures {
	return analyticsFigures{wireFigure(f.Success), wireFigure(f.HandsetSuccess), wireFigure(f.Response), wireFigure(f.OptOuts)}
}

func wireSent(c overture.SentCounts) sentCountsBody { return sentCountsBody(analytics.TotalsOf(c)) }
