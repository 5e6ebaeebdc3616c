package recipient

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/overture-im/overture"
)

// Rules by which many problem rows can be repaired at once (D5).
const (
	RuleAddCountryCode   = "add_country_code"   // value: the calling code, for numbers written without one
	RuleClearZone        = "clear_zone"         // leave the time zone to the number
	RuleDropExtraColumns = "drop_extra_columns" // keep as many columns as the list has
	RuleDiscard          = "discard"            // these rows are not meant to be in the list
)

// ProblemGroup is all problems with one cause.
type ProblemGroup struct {
	Code   string
	Count  int
	Reason string   // of one of them, as an example
	Rules  []string // that can help
}

// ProblemQuery asks for a page of problems. Zero fields do not narrow.
type ProblemQuery struct {
	Code  string
	After overture.ProblemRef
	Limit int
}

// ProblemRow is a rejected row as its list splits it, so that a person can put one cell right.
type ProblemRow struct {
	overture.Problem
	Columns []string // the name of each cell's column
	Cells   []string // none: the row cannot be split
	At      int      // the wrong cell; -1: the row as a whole
}

// Problems lists rejected rows by import and row, with all of them grouped by cause. next is the place to read on from, zero at the end.
func (r *Room) Problems(ctx context.Context, account overture.AccountID, campaign overture.CampaignID, q ProblemQuery) (items []ProblemRow, groups []ProblemGroup, next overture.ProblemRef, err error) {
	t, err := r.Store.ListTarget(ctx, account, campaign)
	if err != nil {
		return nil, nil, next, err
	}
	limit := pageLimit(q.Limit)
	found, err := r.Store.Problems(ctx, account, campaign, overture.ProblemFilter{Code: q.Code, After: q.After, Limit: limit + 1})
	if err != nil {
		return nil, nil, next, err
	}
	if len(found) > limit {
		found = found[:limit]
		next = refOf(found[limit-1])
	}
	f, err := r.fixer(ctx, t)
	if err != nil {
		return nil, nil, next, err
	}
	for _, p := range found {
		items = append(items, f.row(p))
	}
	counts, err := r.Store.ProblemCounts(ctx, account, campaign)
	if err != nil {
		return nil, nil, next, err
	}
	for _, c := range counts {
		groups = append(groups, ProblemGroup{Code: c.Code, Count: c.Count, Reason: c.Reason, Rules: rulesFor(c.Code)})
	}
	return items, groups, next, nil
}

func (f *fixer) row(p overture.Problem) ProblemRow {
	out := ProblemRow{Problem: p, At: -1}
	c := f.checks[p.ImportID]
	if c == nil {
		return out
	}
	cells, wrong := splitLine(c, f.imports[p.ImportID], &p)
	if wrong != nil {
		return out
	}
	for len(cells) < c.width {
		cells = append(cells, "")
	}
	for i := range cells {
		name := strconv.Itoa(i + 1)
		if i < c.width {
			name = c.name(i)
		}
		out.Columns = append(out.Columns, name)
		if out.At < 0 && strings.EqualFold(name, p.Column) {
			out.At = i
		}
	}
	out.Cells = cells
	return out
}

func rulesFor(code string) []string {
	switch code {
	case overture.ProblemNoCountryCode, overture.ProblemInvalidNumber:
		return []string{RuleAddCountryCode, RuleDiscard}
	case overture.ProblemUnknownZone:
		return []string{RuleClearZone, RuleDiscard}
	case overture.ProblemTooManyColumns:
		return []string{RuleDropExtraColumns, RuleDiscard}
	}
	return []string{RuleDiscard}
}

func allowed(code, rule string) bool {
	return rule == RuleDiscard || slices.Contains(rulesFor(code), rule)
}

func refOf(p overture.Problem) overture.ProblemRef {
	return overture.ProblemRef{Import: p.ImportID, Row: p.Row}
}

func pageLimit(asked int) int {
	if asked <= 0 {
		return 100
	}
	return min(asked, 1000)
}
