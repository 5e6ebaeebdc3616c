package recipient

import (
	"context"
	"slices"

	"github.com/overture-im/overture"
)

// Rules by which many problem rows can be repaired at once (D5).
const (
	RuleAddCountryCode   = "add_country_code"   // value: the calling code, for numbers written without one
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

// Problems lists rejected rows by import and row, with all of them grouped by cause. next is the place to read on from, zero at the end.
func (r *Room) Problems(ctx context.Context, account overture.AccountID, campaign overture.CampaignID, q ProblemQuery) (items []overture.Problem, groups []ProblemGroup, next overture.ProblemRef, err error) {
	if _, err := r.Store.ListTarget(ctx, account, campaign); err != nil {
		return nil, nil, next, err
	}
	limit := pageLimit(q.Limit)
	items, err = r.Store.Problems(ctx, account, campaign, overture.ProblemFilter{Code: q.Code, After: q.After, Limit: limit + 1})
	if err != nil {
		return nil, nil, next, err
	}
	if len(items) > limit {
		items = items[:limit]
		next = refOf(items[limit-1])
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

func rulesFor(code string) []string {
	switch code {
	case overture.ProblemInvalidNumber:
		return []string{RuleAddCountryCode, RuleDiscard}
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
