package api

import (
	"context"
	"fmt"
	"net/http"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/access"
	"github.com/overture-im/overture/internal/outbound/recipient"
)

type rowProblemBody struct {
	Import  importRef         `json:"import,omitzero"`
	Row     int               `json:"row"`
	Column  string            `json:"column"`
	Code    string            `json:"code"`
	Reason  overture.Sentence `json:"reason" doc:"What is wrong and what to do"`
	Raw     string            `json:"raw" doc:"The row as it came"`
	Columns []string          `json:"columns" doc:"The name of each cell's column"`
	Cells   []string          `json:"cells" doc:"Empty: the row cannot be split"`
	At      int               `json:"at" doc:"The wrong cell, from 0; -1: the row as a whole"`
}

func wireRowProblem(p recipient.ProblemRow) rowProblemBody {
	b := rowProblemBody{Import: refTo(p.ImportID), Row: p.Row, Column: p.Column, Code: p.Code, Reason: overture.Written(p.Reason), Raw: p.Raw, Columns: p.Columns, Cells: p.Cells, At: p.At}
	if b.Cells == nil {
		b.Columns, b.Cells = []string{}, []string{}
	}
	return b
}

type problemGroupBody struct {
	Code   string            `json:"code"`
	Count  int               `json:"count"`
	Reason overture.Sentence `json:"reason" doc:"Of one of them, as an example"`
	Rules  []string          `json:"rules" doc:"That can put them right: add_country_code, clear_zone, drop_extra_columns, discard"`
}

type listProblemsInput struct {
	Paged
	Campaign campaignRef `path:"campaign"`
	Code     string      `query:"code" maxLength:"40"`
}

type problemsOutput struct {
	Body struct {
		Items      []rowProblemBody   `json:"items"`
		Groups     []problemGroupBody `json:"groups" doc:"All of them by cause"`
		NextCursor string             `json:"next_cursor,omitempty"`
	}
}

type fixInput struct {
	Campaign campaignRef `path:"campaign"`
	Body     struct {
		Row    int       `json:"row,omitempty" minimum:"1" doc:"One row: give its new line or its new cells"`
		Line   string    `json:"line,omitempty" maxLength:"20000"`
		Cells  []string  `json:"cells,omitempty" maxItems:"200"`
		Import importRef `json:"import,omitzero" doc:"Needed when several uploads have a problem in that row"`
		Code   string    `json:"code,omitempty" maxLength:"40" doc:"All rows with this problem: give a rule"`
		Rule   string    `json:"rule,omitempty" enum:"add_country_code,clear_zone,drop_extra_columns,discard"`
		Value  string    `json:"value,omitempty" maxLength:"40" doc:"For add_country_code: the calling code, such as 1 or 44"`
	}
}

type fixOutput struct {
	Body struct {
		Fixed     int             `json:"fixed" doc:"Now in the list"`
		Remaining int             `json:"remaining" doc:"Looked at and still wrong"`
		Discarded int             `json:"discarded"`
		Problem   *rowProblemBody `json:"problem,omitempty" doc:"What is wrong with the new line"`
	}
}

func (a *API) registerProblems(op func(method, path, summary, description string) operation) {
	register(a, access.RecipientsRead, op("GET", "/problems", "List rejected rows, grouped by cause", ""), a.listProblems)
	register(a, access.RecipientsWrite, op("POST", "/problems/fix", "Put one row right, or all of a cause by a rule", "Only the rows touched are checked again."), a.fixProblems)
	a.handle(access.RecipientsExport, plain{
		Method: "GET", Path: campaignPath + "/problems.csv", Summary: "Rejected rows as CSV", Tag: "recipients", Produces: "text/csv",
		Description: "Their own columns and an error column; put right, the file can be uploaded again.",
	},
		func(w http.ResponseWriter, r *http.Request, who access.Identity) error {
			id, err := pathID[overture.CampaignID](r, "campaign")
			if err != nil {
				return err
			}
			return a.deps.Recipients.WriteProblemsCSV(r.Context(), who.AccountID, id, download(w, id.String()+"-problems.csv"))
		})
}

func (a *API) listProblems(ctx context.Context, who access.Identity, in *listProblemsInput) (*problemsOutput, error) {
	after, err := problemCursor(in.Cursor)
	if err != nil {
		return nil, err
	}
	items, groups, next, err := a.deps.Recipients.Problems(ctx, who.AccountID, in.Campaign.ID, recipient.ProblemQuery{Code: in.Code, After: after, Limit: in.limit()})
	if err != nil {
		return nil, err
	}
	out := &problemsOutput{}
	out.Body.Items, out.Body.Groups = make([]rowProblemBody, len(items)), make([]problemGroupBody, len(groups))
	for i, p := range items {
		out.Body.Items[i] = wireRowProblem(p)
	}
	for i, g := range groups {
		out.Body.Groups[i] = problemGroupBody{Code: g.Code, Count: g.Count, Reason: overture.Written(g.Reason), Rules: g.Rules}
	}
	if next != (overture.ProblemRef{}) {
		out.Body.NextCursor = encodeCursor(fmt.Sprintf("%d.%d", next.Import, next.Row))
	}
	return out, nil
}

func problemCursor(cursor string) (ref overture.ProblemRef, err error) {
	text, err := decodeCursor(cursor)
	if err != nil || text == "" {
		return ref, err
	}
	if n, err := fmt.Sscanf(text, "%d.%d", &ref.Import, &ref.Row); err != nil || n != 2 || fmt.Sprintf("%d.%d", ref.Import, ref.Row) != text {
		return ref, errCursor()
	}
	return ref, nil
}

func (a *API) fixProblems(ctx context.Context, who access.Identity, in *fixInput) (*fixOutput, error) {
	b := in.Body
	var done recipient.FixResult
	var err error
	switch {
	case b.Row > 0 && b.Rule == "" && b.Code == "":
		done, err = a.deps.Recipients.Fix(ctx, who.AccountID, in.Campaign.ID, overture.ProblemRef{Import: b.Import.ID, Row: b.Row}, b.Line, b.Cells...)
	case b.Row == 0 && b.Rule != "":
		done, err = a.deps.Recipients.FixByRule(ctx, who.AccountID, in.Campaign.ID, b.Code, b.Rule, b.Value)
	default:
		err = &overture.Error{
			Kind: overture.Invalid, Code: "row_or_rule", Message: "give either row and line or cells, or code and rule",
			Fields: []overture.Field{{Location: "body", Message: "either row and line or cells, or code and rule"}},
		}
	}
	if err != nil {
		return nil, err
	}
	out := &fixOutput{}
	out.Body.Fixed, out.Body.Remaining, out.Body.Discarded = done.Fixed, done.Remaining, done.Discarded
	if done.Problem != nil {
		p := wireRowProblem(*done.Problem)
		out.Body.Problem = &p
	}
	return out, nil
}
