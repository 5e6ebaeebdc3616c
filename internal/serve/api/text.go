package api

import (
	"context"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/access"
)

type measureInput struct {
	Body struct {
		Text          string `json:"text" maxLength:"10000"`
		OptOutText    string `json:"opt_out_text,omitempty" maxLength:"1000" doc:"Default: the account's"`
		SmartEncoding bool   `json:"smart_encoding,omitempty"`
	}
}

type measureOutput struct {
	Body struct {
		Text         string   `json:"text" doc:"As it goes out, opt-out text included; variables stand as they are written"`
		Characters   int      `json:"characters"`
		Encoding     string   `json:"encoding" enum:"GSM-7,UCS-2"`
		Units        int      `json:"units" doc:"Septets, or UTF-16 code units"`
		Segments     int      `json:"segments"`
		Offender     string   `json:"offender,omitempty" doc:"The first character that forces UCS-2"`
		OffenderAt   int      `json:"offender_at" doc:"Its index in characters of text; 0 without an offender"`
		Plain        *string  `json:"plain,omitempty" doc:"What may stand in its place without forcing UCS-2, can be empty; absent: there is no look-alike"`
		Limit        int      `json:"limit" doc:"The account's, opt-out text included"`
		Reserved     int      `json:"reserved" doc:"Characters of the limit that the opt-out text takes"`
		Available    int      `json:"available" doc:"Characters left for the text; negative: too many"`
		LengthPolicy string   `json:"length_policy" enum:"warn,one_segment,strict"`
		Allowed      bool     `json:"allowed" doc:"Under the account's length policy"`
		Variables    []string `json:"variables" doc:"In order; a recipient's values change the arithmetic"`
	}
}

func (a *API) registerText() {
	register(a, access.CampaignsRead, operation{Method: "POST", Path: "/v1/text/measure", Summary: "Segment arithmetic of a text", Tag: "campaigns"}, a.measureText)
}

func (a *API) measureText(ctx context.Context, who access.Identity, in *measureInput) (*measureOutput, error) {
	m, err := a.deps.Campaigns.Measure(ctx, who.AccountID, overture.Content{Text: in.Body.Text, OptOutText: in.Body.OptOutText, SmartEncoding: in.Body.SmartEncoding})
	if err != nil {
		return nil, err
	}
	out := &measureOutput{}
	b := &out.Body
	b.Text, b.Characters, b.Encoding, b.Units, b.Segments = m.Final, m.Characters, m.Encoding, m.Units, m.Segments
	b.Offender, b.OffenderAt, b.Limit, b.Reserved, b.Available = m.Offender, m.OffenderAt, m.Limit, m.Reserved, m.Available
	if m.HasPlain {
		b.Plain = &m.Plain
	}
	b.LengthPolicy, b.Allowed, b.Variables = string(m.Policy), m.Allowed, m.Variables
	if b.Variables == nil {
		b.Variables = []string{}
	}
	return out, nil
}
