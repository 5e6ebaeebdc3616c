package api

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/access"
	"github.com/overture-im/overture/internal/outbound/campaign"
	"github.com/overture-im/overture/internal/outbound/recipient"
)

// recipientRoom is what this resource needs of internal/outbound/recipient.
type recipientRoom interface {
	ImportCSV(ctx context.Context, account overture.AccountID, campaign overture.CampaignID, file io.Reader, o recipient.CSVOptions) (overture.Import, error)
	AddTyped(ctx context.Context, account overture.AccountID, campaign overture.CampaignID, lines string) (overture.Import, error)
	CheckTyped(ctx context.Context, account overture.AccountID, campaign overture.CampaignID, lines string) ([]recipient.Row, []recipient.ProblemRow, error)
	Cancel(ctx context.Context, account overture.AccountID, campaign overture.CampaignID, im overture.ImportID) error
	Imports(ctx context.Context, account overture.AccountID, campaign overture.CampaignID) ([]overture.Import, error)
	Page(ctx context.Context, account overture.AccountID, campaign overture.CampaignID, q recipient.Query) ([]recipient.Row, overture.RecipientID, error)
	Get(ctx context.Context, account overture.AccountID, campaign overture.CampaignID, id overture.RecipientID) (recipient.Row, error)
	Clear(ctx context.Context, account overture.AccountID, campaign overture.CampaignID) error

	Problems(ctx context.Context, account overture.AccountID, campaign overture.CampaignID, q recipient.ProblemQuery) ([]recipient.ProblemRow, []recipient.ProblemGroup, overture.ProblemRef, error)
	Fix(ctx context.Context, account overture.AccountID, campaign overture.CampaignID, ref overture.ProblemRef, line string, cells ...string) (recipient.FixResult, error)
	FixByRule(ctx context.Context, account overture.AccountID, campaign overture.CampaignID, code, rule, value string) (recipient.FixResult, error)
	WriteProblemsCSV(ctx context.Context, account overture.AccountID, campaign overture.CampaignID, w io.Writer) error
}

// The limits of one upload. A list may be made of several.
const (
	maxUpload     = 512 << 20 // bytes
	maxUploadRows = 2_000_000
)

type importBody struct {
	ID            importRef         `json:"id"`
	State         string            `json:"state" enum:"loading,removing,done,failed"`
	Source        string            `json:"source" enum:"csv,typed"`
	FileName      string            `json:"file_name,omitempty"`
	Encoding      string            `json:"encoding,omitempty"`
	Delimiter     string            `json:"delimiter,omitempty"`
	Header        []string          `json:"header" doc:"Empty: the file has none"`
	Variables     []string          `json:"variables" doc:"Columns that {{name}} in a text stands for; without a header they are {{1}}, {{2}} …"`
	Rows          int               `json:"rows" doc:"Data rows read; this and the next four grow while it is loading"`
	Valid         int               `json:"valid"`
	Rejected      int               `json:"rejected" doc:"See the campaign's problems; the rest of the list goes on"`
	Duplicates    int               `json:"duplicates" doc:"Of the rejected: numbers that were in the list already"`
	OptedOut      int               `json:"opted_out" doc:"Of the valid: they stopped the brand and will be skipped"`
	WorstRow      int               `json:"worst_row,omitempty" doc:"The row with the longest final text"`
	WorstSegments int               `json:"worst_segments,omitempty"`
	Segments      int64             `json:"segments" doc:"Of all valid rows"`
	Error         overture.Sentence `json:"error,omitzero"`
	CreatedAt     time.Time         `json:"created_at"`
	FinishedAt    time.Time         `json:"finished_at,omitzero"`
}

func wireImport(im overture.Import) importBody {
	b := importBody{
		ID: refTo(im.ID), State: string(im.State), Source: im.Source, FileName: im.FileName, Encoding: im.Encoding, Delimiter: im.Delimiter,
		Header: im.Header, Rows: im.Rows, Valid: im.Valid, Rejected: im.Rejected, Duplicates: im.Duplicates, OptedOut: im.OptedOut, WorstRow: im.WorstRow,
		WorstSegments: im.WorstSegments, Segments: im.Segments, Error: overture.Written(im.Error), CreatedAt: im.CreatedAt, FinishedAt: im.FinishedAt,
	}
	if b.Header == nil {
		b.Header = []string{}
	}
	b.Variables = []string{}
	for _, column := range overture.ColumnsOf(im.Header).Values {
		b.Variables = append(b.Variables, strings.TrimSpace(im.Header[column]))
	}
	return b
}

type importOutput struct{ Body importBody }

type importsOutput struct {
	Body struct {
		Items []importBody `json:"items" doc:"Newest first"`
	}
}

type recipientBody struct {
	ID         recipientRef      `json:"id"`
	Row        int               `json:"row"`
	Address    string            `json:"address" doc:"E.164"`
	Text       string            `json:"text" doc:"As it goes or went out"`
	Encoding   string            `json:"encoding,omitempty" enum:"GSM-7,UCS-2"`
	Units      int               `json:"units"`
	Segments   int               `json:"segments"`
	Zones      []string          `json:"zones" doc:"Time zones the person may live in; the window must be open in all. Empty: unknown, it must be open everywhere"`
	ZoneSource string            `json:"zone_source" doc:"column, number or unknown"`
	OptedOut   bool              `json:"opted_out"`
	Problem    overture.Sentence `json:"problem,omitzero" doc:"The draft's text was changed and this row does not render any more"`
	Missing    []string          `json:"missing,omitempty" doc:"Of a draft: variables of the text without a value here; they stand in text as they are written"`
	State      string            `json:"state,omitempty" doc:"Of the message; absent before it is planned"`
	Reason     string            `json:"reason,omitempty"`
	Code       int               `json:"code,omitempty" doc:"The provider's last error code"`
	Attempts   int               `json:"attempts"`
	Message    messageRef        `json:"message,omitzero"`
	ProviderID string            `json:"provider_id,omitempty"`
	AcceptedAt time.Time         `json:"accepted_at,omitzero"`
	UpdatedAt  time.Time         `json:"updated_at,omitzero" doc:"Of the message"`
}

func wireRecipient(r recipient.Row) recipientBody {
	b := recipientBody{
		ID: refTo(r.ID), Row: r.Row, Address: string(r.Address), Text: string(r.Text), Encoding: r.Encoding, Units: r.Units, Segments: r.Segments,
		Zones: r.Zones, ZoneSource: r.ZoneSource, OptedOut: r.OptedOut, Problem: overture.Written(r.Problem), Missing: r.Missing,
	}
	if b.Zones == nil {
		b.Zones = []string{}
	}
	if m := r.Message; m != nil {
		b.State, b.Reason, b.Code, b.Attempts, b.Message = m.State.String(), m.Reason, m.Code, m.Attempts, refTo(m.ID)
		b.ProviderID, b.AcceptedAt, b.UpdatedAt = m.ProviderID, m.AcceptedAt, m.UpdatedAt
	}
	return b
}

type listRecipientsInput struct {
	Paged
	Campaign campaignRef `path:"campaign"`
	State    string      `query:"state" enum:"queued,attempting,unknown,canceled,expired,suppressed,failed,held,accepted,sent,undelivered,delivered,read"`
	Q        string      `query:"q" maxLength:"40" doc:"A number, or some of its digits"`
	Row      int         `query:"row" minimum:"1" doc:"Of its file"`
}

type recipientsOutput struct{ Body page[recipientBody] }

type recipientInput struct {
	Campaign  campaignRef  `path:"campaign"`
	Recipient recipientRef `path:"recipient"`
}

type momentBody struct {
	At      time.Time         `json:"at"`
	Kind    string            `json:"kind" enum:"launched,attempt,receipt,reply"`
	Message overture.Sentence `json:"message"`
	Code    int               `json:"code,omitempty"`
}

type reasonBody struct {
	Check   string            `json:"check"`
	Verdict string            `json:"verdict" enum:"passes,waits,stops,unclear"`
	Message overture.Sentence `json:"message"`
	Input   map[string]string `json:"input" doc:"What was looked at"`
	Rule    string            `json:"rule" doc:"Name and version of the rule"`
	Pack    string            `json:"pack,omitempty" doc:"Of a rule that stands in a policy pack: name and version under which the message was planned"`
	TZData  string            `json:"tzdata,omitempty" doc:"Version of the time-zone data it was planned with, where clocks matter"`
	At      time.Time         `json:"at"`
}

type storyOutput struct {
	Body struct {
		Recipient recipientBody `json:"recipient"`
		Timeline  []momentBody  `json:"timeline" doc:"Attempts, receipts and replies in the order of time"`
		Why       []reasonBody  `json:"why" doc:"The checks in the order in which they decide"`
	}
}

type typedInput struct {
	Campaign campaignRef `path:"campaign"`
	Body     struct {
		Lines string `json:"lines" minLength:"1" maxLength:"200000" doc:"One recipient per line, at most 100: number, then after a comma the whole text or the values"`
	}
}

type checkedOutput struct {
	Body struct {
		Rows     []typedRowBody   `json:"rows" doc:"Who would be added, with the final text"`
		Problems []rowProblemBody `json:"problems"`
	}
}

type typedRowBody struct {
	Row      int    `json:"row"`
	Address  string `json:"address" doc:"E.164"`
	Text     string `json:"text"`
	Segments int    `json:"segments"`
	OptedOut bool   `json:"opted_out"`
}

type importInput struct {
	Campaign campaignRef `path:"campaign"`
	Import   importRef   `path:"import"`
}

func (a *API) registerRecipients() {
	op := func(method, path, summary, description string) operation {
		return operation{Method: method, Path: campaignPath + path, Summary: summary, Description: description, Tag: "recipients"}
	}
	a.handle(access.RecipientsWrite, plain{
		Method: "POST", Path: campaignPath + "/recipients/csv", Summary: "Upload a list, streamed", Tag: "recipients", Status: http.StatusCreated,
		Description: "At most 2,000,000 rows and 512 MiB. Wrong rows become problems; the rest is in the list when the answer comes. After any error nothing of the file is.",
		Consumes:    "text/csv", Produces: "application/json", MaxBody: maxUpload, Answer: importBody{},
		Query: []query{
			{Name: "header", Doc: "Whether the first row names the columns", Enum: []string{"auto", "yes", "no"}},
			{Name: "delimiter", Doc: "Comma, semicolon or tab; default: found out", Enum: []string{"auto", ",", ";", "tab"}},
			{Name: "encoding", Doc: "Default: found out", Enum: []string{"auto", "utf-8", "utf-16le", "utf-16be", "latin-1"}},
			{Name: "file_name", Doc: "To recognize it by"},
		},
	}, a.uploadRecipients)
	typed := op("POST", "/recipients/typed", "Add typed lines", "")
	typed.Status = http.StatusCreated
	register(a, access.RecipientsWrite, typed, a.typeRecipients)
	register(a, access.RecipientsWrite, op("POST", "/recipients/check", "What typed lines would add, and what is wrong with them; nothing is written", ""), a.checkRecipients)
	register(a, access.RecipientsRead, op("GET", "/recipients", "List recipients with final text and state, in the order of the list", ""), a.listRecipients)
	register(a, access.RecipientsRead, op("GET", "/recipients/{recipient}", "One recipient: what happened, and why or why not", ""), a.getRecipient)
	register(a, access.RecipientsWrite, op("DELETE", "/recipients", "Empty the list of a draft", ""), a.clearRecipients)
	register(a, access.RecipientsRead, op("GET", "/imports", "List the uploads of a campaign", ""), a.listImports)
	register(a, access.RecipientsWrite, op("POST", "/imports/{import}/cancel", "Stop an upload that is loading; nothing of it stays", ""), a.cancelImport)
	a.registerProblems(op)
}

func (a *API) uploadRecipients(w http.ResponseWriter, r *http.Request, who access.Identity) error {
	id, err := pathID[overture.CampaignID](r, "campaign")
	if err != nil {
		return err
	}
	if _, err := a.deps.Campaigns.Campaign(r.Context(), who.AccountID, id); err != nil {
		return err
	}
	switch kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind {
	case "text/csv", "application/octet-stream", "text/plain", "application/vnd.ms-excel": // the last is what some browsers call a CSV file
	default:
		return &problem{
			Status: http.StatusUnsupportedMediaType, Code: "content_type",
			Detail: "send the file itself as the body, with Content-Type: text/csv or application/octet-stream",
		}
	}
	// Once the whole file is here it is loaded even when the page is closed; one that breaks off ends through its reader.
	ctx, stop := context.WithCancelCause(context.WithoutCancel(r.Context()))
	defer stop(nil)
	most := a.deps.MaxUploadRows
	if most == 0 {
		most = maxUploadRows
	}
	q := r.URL.Query()
	im, err := a.deps.Recipients.ImportCSV(ctx, who.AccountID, id, r.Body, recipient.CSVOptions{
		FileName: q.Get("file_name"),
		Header:   recipient.HeaderMode(q.Get("header")), Delimiter: q.Get("delimiter"), Encoding: q.Get("encoding"), Progress: func(rows int) {
			if rows > most {
				stop(errTooManyRows)
			}
		},
	})
	if err != nil {
		if errors.Is(context.Cause(ctx), errTooManyRows) {
			return errTooManyRows
		}
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusCreated)
	return json.NewEncoder(w).Encode(said(ctx, wireImport(im)))
}

var errTooManyRows = &overture.Error{Kind: overture.TooLarge, Code: "too_many_rows", Message: "the file has more rows than one upload takes; split it and upload the parts one after the other"}

func (a *API) typeRecipients(ctx context.Context, who access.Identity, in *typedInput) (*importOutput, error) {
	im, err := a.deps.Recipients.AddTyped(ctx, who.AccountID, in.Campaign.ID, in.Body.Lines)
	if err != nil {
		return nil, err
	}
	return &importOutput{Body: wireImport(im)}, nil
}

func (a *API) checkRecipients(ctx context.Context, who access.Identity, in *typedInput) (*checkedOutput, error) {
	rows, problems, err := a.deps.Recipients.CheckTyped(ctx, who.AccountID, in.Campaign.ID, in.Body.Lines)
	if err != nil {
		return nil, err
	}
	out := &checkedOutput{}
	out.Body.Rows, out.Body.Problems = make([]typedRowBody, len(rows)), make([]rowProblemBody, len(problems))
	for i, r := range rows {
		out.Body.Rows[i] = typedRowBody{Row: r.Row, Address: string(r.Address), Text: string(r.Text), Segments: r.Segments, OptedOut: r.OptedOut}
	}
	for i, p := range problems {
		out.Body.Problems[i] = wireRowProblem(p)
	}
	return out, nil
}

func (a *API) cancelImport(ctx context.Context, who access.Identity, in *importInput) (*noContent, error) {
	return nil, a.deps.Recipients.Cancel(ctx, who.AccountID, in.Campaign.ID, in.Import.ID)
}

func (a *API) listRecipients(ctx context.Context, who access.Identity, in *listRecipientsInput) (*recipientsOutput, error) {
	after, err := in.after()
	if err != nil {
		return nil, err
	}
	q := recipient.Query{After: overture.RecipientID(after), Limit: in.limit(), Search: in.Q, Row: in.Row}
	if in.State != "" {
		state, err := overture.ParseState(in.State)
		if err != nil {
			return nil, err
		}
		q.State = &state
	}
	rows, next, err := a.deps.Recipients.Page(ctx, who.AccountID, in.Campaign.ID, q)
	if err != nil {
		return nil, err
	}
	items := make([]recipientBody, len(rows))
	for i, r := range rows {
		items[i] = wireRecipient(r)
	}
	return &recipientsOutput{Body: newPage(items, int64(next), next != 0)}, nil
}

func (a *API) getRecipient(ctx context.Context, who access.Identity, in *recipientInput) (*storyOutput, error) {
	story, err := a.deps.Campaigns.Story(ctx, who.AccountID, in.Campaign.ID, in.Recipient.ID) // first: it knows why somebody is not there any more
	if err != nil {
		return nil, err
	}
	row, err := a.deps.Recipients.Get(ctx, who.AccountID, in.Campaign.ID, in.Recipient.ID)
	if err != nil {
		return nil, err
	}
	out := &storyOutput{}
	out.Body.Recipient, out.Body.Timeline, out.Body.Why = wireRecipient(row), wireTimeline(story.Timeline), wireReasons(story.Why)
	return out, nil
}

func wireTimeline(moments []campaign.Moment) []momentBody {
	out := make([]momentBody, len(moments))
	for i, m := range moments {
		out[i] = momentBody{At: m.At, Kind: m.Kind, Message: m.Words, Code: m.Code}
	}
	return out
}

func wireReasons(reasons []campaign.Reason) []reasonBody {
	out := make([]reasonBody, len(reasons))
	for i, r := range reasons {
		out[i] = reasonBody{Check: r.Check, Verdict: string(r.Answer), Message: r.Words, Input: r.Input, Rule: r.Rule, Pack: r.Pack, TZData: r.TZData, At: r.Decided}
	}
	return out
}

func (a *API) clearRecipients(ctx context.Context, who access.Identity, in *campaignInput) (*noContent, error) {
	return nil, a.deps.Recipients.Clear(ctx, who.AccountID, in.Campaign.ID)
}

func (a *API) listImports(ctx context.Context, who access.Identity, in *campaignInput) (*importsOutput, error) {
	imports, err := a.deps.Recipients.Imports(ctx, who.AccountID, in.Campaign.ID)
	if err != nil {
		return nil, err
	}
	out := &importsOutput{}
	out.Body.Items = make([]importBody, len(imports))
	for i, im := range imports {
		out.Body.Items[i] = wireImport(im)
	}
	return out, nil
}
