package api

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/access"
	"github.com/overture-im/overture/internal/consent"
)

// consentRoom is what this resource needs of internal/consent.
type consentRoom interface {
	OptOut(ctx context.Context, by overture.Actor, o overture.OptOut) (fresh bool, err error)
	Import(ctx context.Context, by overture.Actor, like overture.OptOut, src io.Reader) (consent.Imported, error)
	OptIn(ctx context.Context, by overture.Actor, o overture.OptOut) (lifted bool, err error)
	List(ctx context.Context, f overture.OptOutFilter) (page []overture.OptOut, next string, err error)
	History(ctx context.Context, account overture.AccountID, address overture.Address) ([]overture.ConsentEvent, error)
}

type optOutBody struct {
	Address   string    `json:"address" doc:"E.164"`
	Brand     brandRef  `json:"brand"`
	Channel   string    `json:"channel" enum:"sms,whatsapp,in_app,web"`
	Source    string    `json:"source" enum:"keyword,provider,agent,import,api"`
	Evidence  string    `json:"evidence" doc:"Id of the inbound message, or who recorded it and why"`
	Review    bool      `json:"review" doc:"Honoured on a phrase or a slip: somebody should look at it. Recording it again confirms it; an opt-in lifts it"`
	CreatedAt time.Time `json:"created_at"`
}

func wireOptOut(o overture.OptOut) optOutBody {
	return optOutBody{
		Address: string(o.Address), Brand: refTo(o.BrandID), Channel: string(o.Channel), Source: string(o.Source),
		Evidence: o.Evidence, Review: o.Review, CreatedAt: o.CreatedAt,
	}
}

type listOptOutsInput struct {
	Paged
	Brand  brandRef `query:"brand"`
	Search string   `query:"q" maxLength:"20" doc:"Part of the number"`
	Review bool     `query:"review" doc:"Only those that wait for somebody to look at them"`
}

type optOutsOutput struct{ Body page[optOutBody] }

type recordOptOutInput struct {
	Body struct {
		Address  string   `json:"address" minLength:"1" maxLength:"40" doc:"Number with country code"`
		Brand    brandRef `json:"brand,omitzero" doc:"May be left out when the account has one brand"`
		Evidence string   `json:"evidence,omitempty" maxLength:"1000" doc:"How the person asked to stop"`
	}
}

type recordOptInInput struct {
	Body struct {
		Address  string   `json:"address" minLength:"1" maxLength:"40" doc:"Number with country code"`
		Brand    brandRef `json:"brand,omitzero" doc:"May be left out when the account has one brand"`
		Evidence string   `json:"evidence" minLength:"1" maxLength:"1000" doc:"How and when the person agreed to hear from the brand again"`
	}
}

type consentOutput struct {
	Body struct {
		Changed bool `json:"changed" doc:"false: the person was opted out, or in, already; the evidence is kept all the same"`
	}
}

type optOutImportBody struct {
	Rows     int                `json:"rows" doc:"Without the header; recorded, known and rejected add up to it"`
	Recorded int                `json:"recorded" doc:"Stopped now"`
	Known    int                `json:"known" doc:"Stopped before; the evidence is kept all the same"`
	Rejected int                `json:"rejected" doc:"No number: nobody was stopped by them"`
	Problems []optOutImportLine `json:"problems" doc:"The first 100 of the rejected"`
}

type optOutImportLine struct {
	Line   int               `json:"line" doc:"In the file, from 1"`
	Reason overture.Sentence `json:"reason"`
}

type consentEventBody struct {
	Brand    brandRef  `json:"brand"`
	Channel  string    `json:"channel"`
	Kind     string    `json:"kind" enum:"opt_out,opt_in,help"`
	Source   string    `json:"source" enum:"keyword,provider,agent,import,api"`
	Evidence string    `json:"evidence"`
	Review   bool      `json:"review"`
	At       time.Time `json:"at"`
}

type consentEventsInput struct {
	Address string `query:"address" required:"true" minLength:"1" maxLength:"40" doc:"Number with country code"`
}

type consentEventsOutput struct {
	Body struct {
		Items []consentEventBody `json:"items"`
	}
}

func (a *API) registerOptOuts() {
	register(a, access.OptOutsRead, operation{Method: "GET", Path: "/v1/opt-outs", Summary: "List or search opt-outs, newest first", Tag: "consent"}, a.listOptOuts)
	register(a, access.OptOutsWrite, operation{
		Method: "POST", Path: "/v1/opt-outs", Summary: "Record that a person stopped a brand", Tag: "consent",
		Description: "Counts for every number of the brand, at once. Recording it again is no error and settles a review.",
	}, a.recordOptOut)
	a.handle(access.OptOutsWrite, plain{
		Method: "POST", Path: "/v1/opt-outs/csv", Summary: "Record everybody in a file as stopped, streamed", Tag: "consent",
		Description: "The first column is the number with country code, the second, where there is one, that person's evidence. Effective row by row; sending the same file again is no error.",
		Consumes:    "text/csv", Produces: "application/json", MaxBody: maxUpload, Answer: optOutImportBody{},
		Query: []query{
			{Name: "brand", Doc: "May be left out when the account has one brand"},
			{Name: "evidence", Doc: "Of those who have none of their own in the file: where the list comes from"},
		},
	}, a.importOptOuts)
	register(a, access.OptOutsWrite, operation{
		Method: "POST", Path: "/v1/opt-ins", Summary: "Record that a person agreed to hear from a brand again", Tag: "consent",
		Description: "The evidence is required and kept for good.",
	}, a.recordOptIn)
	register(a, access.OptOutsRead, operation{
		Method: "GET", Path: "/v1/consent-events", Summary: "Read what one person said about hearing from the brands", Tag: "consent",
		Description: "Oldest first; nothing is ever removed from it.",
	}, a.consentEvents)
}

func (a *API) listOptOuts(ctx context.Context, who access.Identity, in *listOptOutsInput) (*optOutsOutput, error) {
	list, next, err := a.deps.Consent.List(ctx, overture.OptOutFilter{
		AccountID: who.AccountID, BrandID: in.Brand.ID, Search: in.Search, Review: in.Review,
		Cursor: in.Cursor, Limit: in.limit(),
	})
	if err != nil {
		return nil, err
	}
	out := &optOutsOutput{Body: page[optOutBody]{Items: make([]optOutBody, 0, len(list)), NextCursor: next}}
	for _, o := range list {
		out.Body.Items = append(out.Body.Items, wireOptOut(o))
	}
	return out, nil
}

func (a *API) recordOptOut(ctx context.Context, who access.Identity, in *recordOptOutInput) (*consentOutput, error) {
	brand, err := a.brandOf(ctx, who, in.Body.Brand)
	if err != nil {
		return nil, err
	}
	out := &consentOutput{}
	out.Body.Changed, err = a.deps.Consent.OptOut(ctx, who.Actor(), overture.OptOut{
		BrandID: brand, Channel: overture.SMS,
		Address: overture.Address(in.Body.Address), Source: overture.OptOutAPI, Evidence: in.Body.Evidence,
	})
	return out, err
}

func (a *API) importOptOuts(w http.ResponseWriter, r *http.Request, who access.Identity) error {
	q := r.URL.Query()
	var named brandRef
	if text := q.Get("brand"); text != "" {
		if err := named.UnmarshalText([]byte(text)); err != nil {
			return &problem{
				Status: http.StatusUnprocessableEntity, Code: "invalid", Detail: "the request is not as /openapi.json describes it; errors says where",
				Errors: []problemField{{Location: "query.brand", Message: err.Error()}},
			}
		}
	}
	brand, err := a.brandOf(r.Context(), who, named)
	if err != nil {
		return err
	}
	done, err := a.deps.Consent.Import(r.Context(), who.Actor(), overture.OptOut{
		AccountID: who.AccountID, BrandID: brand, Channel: overture.SMS, Source: overture.OptOutImport, Evidence: q.Get("evidence"),
	}, r.Body)
	if err != nil {
		return err
	}
	out := optOutImportBody{Rows: done.Rows, Recorded: done.Fresh, Known: done.Known, Rejected: done.Rejected, Problems: []optOutImportLine{}}
	for _, p := range done.Problems {
		out.Problems = append(out.Problems, optOutImportLine{p.Line, overture.Written(p.Reason)})
	}
	w.Header().Set("Content-Type", "application/json")
	return json.NewEncoder(w).Encode(said(r.Context(), out))
}

func (a *API) recordOptIn(ctx context.Context, who access.Identity, in *recordOptInInput) (*consentOutput, error) {
	brand, err := a.brandOf(ctx, who, in.Body.Brand)
	if err != nil {
		return nil, err
	}
	out := &consentOutput{}
	out.Body.Changed, err = a.deps.Consent.OptIn(ctx, who.Actor(), overture.OptOut{
		BrandID: brand, Channel: overture.SMS,
		Address: overture.Address(in.Body.Address), Source: overture.OptOutAPI, Evidence: in.Body.Evidence,
	})
	return out, err
}

func (a *API) consentEvents(ctx context.Context, who access.Identity, in *consentEventsInput) (*consentEventsOutput, error) {
	events, err := a.deps.Consent.History(ctx, who.AccountID, overture.Address(in.Address))
	if err != nil {
		return nil, err
	}
	out := &consentEventsOutput{}
	out.Body.Items = make([]consentEventBody, 0, len(events))
	for _, e := range events {
		out.Body.Items = append(out.Body.Items, consentEventBody{
			Brand: refTo(e.BrandID), Channel: string(e.Channel), Kind: string(e.Kind), Source: string(e.Source),
			Evidence: e.Evidence, Review: e.Review, At: e.At,
		})
	}
	return out, nil
}

// brandOf gives the brand that was named, or the account's only one.
func (a *API) brandOf(ctx context.Context, who access.Identity, named brandRef) (overture.BrandID, error) {
	if named.ID != 0 {
		return named.ID, nil
	}
	brands, err := a.deps.Accounts.Brands(ctx, who.AccountID, 0, 2)
	if err != nil {
		return 0, err
	}
	if len(brands) != 1 {
		return 0, &overture.Error{
			Kind: overture.Invalid, Code: "brand_missing", Message: "this account has several brands: say which one",
			Fields: []overture.Field{{Location: "body.brand", Message: "name one of the account's brands"}},
		}
	}
	return brands[0].ID, nil
}
