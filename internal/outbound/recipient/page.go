package recipient

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/kit/segment"
)

// Query asks for a page of recipients. Zero fields do not narrow.
type Query struct {
	After  overture.RecipientID
	Limit  int
	Search string          // a number, or some of its digits
	Row    int             // of its file
	State  *overture.State // of the recipient's message
}

// Row is one recipient with the text that goes to it (D4).
type Row struct {
	overture.Recipient
	Text     overture.Text // final: personal or campaign text, variables, opt-out text, smart encoding
	Encoding string
	Units    int
	OptedOut bool
	Problem  string            // the draft's text was changed and this row does not render any more: check the list again
	Missing  []string          // variables of the text without a value here; they stand in Text as they are written
	Message  *overture.Message // nil before it is planned
}

// Page lists recipients in the order of the list. next is the place to read on from, zero at the end.
func (r *Room) Page(ctx context.Context, account overture.AccountID, campaign overture.CampaignID, q Query) (rows []Row, next overture.RecipientID, err error) {
	t, err := r.Store.ListTarget(ctx, account, campaign)
	if err != nil {
		return nil, 0, err
	}
	limit := pageLimit(q.Limit)
	f := overture.RecipientFilter{After: q.After, Limit: limit + 1, Search: q.Search, Row: q.Row, State: q.State}
	if e164, _, err := r.ParsePhone(q.Search); err == nil {
		f.Address, f.Search = overture.Address(e164), ""
	}
	listed, err := r.Store.Recipients(ctx, account, campaign, f)
	if err != nil {
		return nil, 0, err
	}
	if len(listed) > limit {
		listed = listed[:limit]
		next = listed[limit-1].ID
	}
	rows, err = r.render(ctx, t, listed)
	return rows, next, err
}

// Get gives one recipient.
func (r *Room) Get(ctx context.Context, account overture.AccountID, campaign overture.CampaignID, id overture.RecipientID) (Row, error) {
	t, err := r.Store.ListTarget(ctx, account, campaign)
	if err != nil {
		return Row{}, err
	}
	listed, err := r.Store.Recipients(ctx, account, campaign, overture.RecipientFilter{ID: id, Limit: 1})
	if err != nil {
		return Row{}, err
	}
	if id == 0 || len(listed) == 0 {
		return Row{}, overture.ErrNotFound("recipient")
	}
	rows, err := r.render(ctx, t, listed)
	if err != nil {
		return Row{}, err
	}
	return rows[0], nil
}

func (r *Room) render(ctx context.Context, t overture.ListTarget, listed []overture.ListedRecipient) ([]Row, error) {
	f, err := r.fixer(ctx, t)
	if err != nil {
		return nil, err
	}
	rows := make([]Row, len(listed))
	for i, l := range listed {
		row := Row{Recipient: l.Recipient, OptedOut: l.OptedOut, Message: l.Message}
		if c := f.checks[l.ImportID]; c != nil {
			row.Personal.Names = c.columns.Names
			if _, problem := c.render(row.Personal); problem != nil && t.State == overture.Draft {
				row.Problem = problem.Reason
			}
		}
		shown := row.Personal
		if t.State == overture.Draft {
			shown, row.Missing = withoutGaps(t.Content, row.Personal)
		}
		row.write(t, shown)
		rows[i] = row
	}
	return rows, nil
}

// write puts the final text into a row, with its size.
func (row *Row) write(t overture.ListTarget, p overture.Personal) {
	text, err := t.Content.For(p)
	if err != nil {
		return
	}
	if t.Content.SmartEncoding {
		text = segment.Smart(text)
	}
	m := segment.Measure(text)
	row.Text, row.Encoding, row.Units = overture.Text(text), m.Encoding, m.Units
	if t.State == overture.Draft {
		row.Segments = m.Segments
	}
}

// withoutGaps gives a person whose missing values are the variables themselves, so that a preview can show where they are missing.
func withoutGaps(c overture.Content, p overture.Personal) (shown overture.Personal, missing []string) {
	if p.Text != "" {
		return p, nil
	}
	for _, v := range c.Variables() {
		if value, ok := p.Value(v); !ok || strings.TrimSpace(value) == "" {
			missing = append(missing, v)
		}
	}
	if len(missing) == 0 {
		return p, nil
	}
	shown = overture.Personal{Values: slices.Clone(p.Values), Names: maps.Clone(p.Names)}
	if shown.Names == nil {
		shown.Names = map[string]int{}
	}
	for _, v := range missing {
		shown.Names[v] = len(shown.Values)
		shown.Values = append(shown.Values, "{{"+v+"}}")
	}
	return shown, missing
}
