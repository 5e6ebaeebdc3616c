package api

import (
	"context"
	"io"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/access"
	"github.com/overture-im/overture/internal/insight/analytics"
)

// figureRoom is what this resource needs of internal/insight/analytics.
type figureRoom interface {
	Figures(ctx context.Context, f overture.FigureFilter) (analytics.Figures, error)
	Report(ctx context.Context, q analytics.Query, now time.Time) (analytics.Report, error)
	WriteSeries(ctx context.Context, q analytics.Query, now time.Time, w io.Writer) error
}

type figuresInput struct {
	From     string   `query:"from" maxLength:"40" doc:"Launched at or after: RFC 3339, or a date (its beginning in UTC)"`
	To       string   `query:"to" maxLength:"40" doc:"Launched before: RFC 3339, or a date (its end in UTC)"`
	Skill    []string `query:"skill,explode" maxItems:"100" doc:"Campaigns of these skills; repeat the parameter for several"`
	Campaign []string `query:"campaign,explode" maxItems:"100" doc:"These campaigns; repeat the parameter for several"`
}

type figureBody struct {
	Numerator   int     `json:"numerator"`
	Denominator int     `json:"denominator"`
	Ratio       float64 `json:"ratio" doc:"0 when the denominator is 0"`
	Definition  string  `json:"definition"`
}

type figuresOutput struct {
	Body struct {
		Campaigns      int        `json:"campaigns"`
		Recipients     int        `json:"recipients"`
		Sent           int        `json:"sent"`
		Accepted       int        `json:"accepted"`
		Delivered      int        `json:"delivered"`
		Failed         int        `json:"failed"`
		Success        figureBody `json:"success"`
		HandsetSuccess figureBody `json:"handset_success"`
		Response       figureBody `json:"response"`
		OptOuts        figureBody `json:"opt_outs"`
	}
}

func (a *API) registerFigures() {
	register(a, access.FiguresRead, operation{
		Method: "GET", Path: "/v1/figures", Summary: "Success, response and opt-out rates with their fractions", Tag: "figures",
		Description: "Of launched campaigns, by the date of their launch. Exact: the counters equal a recount of the rows.",
	}, a.figures)
}

func (a *API) figures(ctx context.Context, who access.Identity, in *figuresInput) (*figuresOutput, error) {
	f := overture.FigureFilter{AccountID: who.AccountID}
	var err error
	if f.Skills, err = idsIn[overture.SkillID](in.Skill, "query.skill"); err != nil {
		return nil, err
	}
	if f.Campaigns, err = idsIn[overture.CampaignID](in.Campaign, "query.campaign"); err != nil {
		return nil, err
	}
	if f.From, err = dateOrTime(in.From, "query.from", 0); err != nil {
		return nil, err
	}
	if f.To, err = dateOrTime(in.To, "query.to", 1); err != nil {
		return nil, err
	}
	got, err := a.deps.Figures.Figures(ctx, f)
	if err != nil {
		return nil, err
	}
	out := &figuresOutput{}
	b := &out.Body
	b.Campaigns, b.Recipients, b.Sent, b.Accepted, b.Delivered, b.Failed = got.Campaigns, got.Recipients, got.Sent, got.Accepted, got.Delivered, got.Failed
	b.Success, b.HandsetSuccess, b.Response, b.OptOuts = wireFigure(got.Success), wireFigure(got.HandsetSuccess), wireFigure(got.Response), wireFigure(got.OptOuts)
	return out, nil
}

func wireFigure(f analytics.Figure) figureBody {
	return figureBody{Numerator: f.Numerator, Denominator: f.Denominator, Ratio: f.Ratio, Definition: f.Definition}
}

// dateOrTime reads a moment; a date alone is its beginning plus days.
func dateOrTime(text, location string, days int) (time.Time, error) {
	if day, err := time.Parse(time.DateOnly, text); err == nil {
		return day.AddDate(0, 0, days), nil
	}
	t, err := moment(&text, location)
	if err != nil {
		return time.Time{}, err
	}
	return *t, nil
}

// idsIn reads ids from a repeated query parameter.
func idsIn[T identifier](texts []string, location string) ([]T, error) {
	var out []T
	for _, text := range texts {
		var id ref[T]
		if err := id.UnmarshalText([]byte(text)); err != nil {
			return nil, &overture.Error{
				Kind: overture.Invalid, Code: "bad_id", Message: "one of the ids in " + location + " is none; " + err.Error(),
				Fields: []overture.Field{{Location: location, Message: err.Error()}},
			}
		}
		out = append(out, id.ID)
	}
	return out, nil
}
