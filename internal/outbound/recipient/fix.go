package recipient

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/kit/csvrow"
)

// FixResult says what a repair has done. Only rows that were touched are checked again.
type FixResult struct {
	Fixed     int         // now in the list
	Remaining int         // looked at and still wrong
	Discarded int         // taken away
	Problem   *ProblemRow // Fix: what is wrong with the new line
}

// Fix gives one problem row a new line, written as in its list. When that is right the person is in the list; when not, the line stands in
// the problem with what is wrong with it. ref.Import may be zero when only one import has a problem in that row.
// Instead of a line its cells can be given. NotFound: there is no problem in that row, or somebody was faster. Conflict: launched, or the row is ambiguous.
func (r *Room) Fix(ctx context.Context, account overture.AccountID, campaign overture.CampaignID, ref overture.ProblemRef, line string, cells ...string) (FixResult, error) {
	t, err := r.draft(ctx, account, campaign)
	if err != nil {
		return FixResult{}, err
	}
	found, err := r.Store.ProblemsInRow(ctx, account, campaign, ref.Row)
	if err != nil {
		return FixResult{}, err
	}
	var problem *overture.Problem
	for i := range found {
		if ref.Import != 0 && found[i].ImportID != ref.Import {
			continue
		}
		if problem != nil {
			return FixResult{}, overture.ErrConflict("row_ambiguous", fmt.Sprintf("several lists of this campaign have a problem in row %d; say which import is meant", ref.Row))
		}
		problem = &found[i]
	}
	if problem == nil {
		return FixResult{}, overture.ErrNotFound("problem")
	}
	f, err := r.fixer(ctx, t)
	if err != nil {
		return FixResult{}, err
	}
	p := *problem
	p.Raw = strings.TrimRight(line, "\r\n")
	if len(cells) > 0 {
		p.Raw = f.checks[p.ImportID].join(cells, delimiterOf(f.imports[p.ImportID]))
	}
	done, err := f.apply(ctx, []overture.Problem{p}, func(_ *checker, fields []string, _ *overture.Problem) []string { return fields })
	if err != nil {
		return FixResult{}, err
	}
	if done.Fixed+done.Remaining == 0 {
		return FixResult{}, overture.ErrNotFound("problem")
	}
	return done, nil
}

// FixByRule repairs all problems of a code by one rule. Rows that the rule does not make right keep their problem, with what is wrong now.
// A code may be empty with RuleDiscard: all problems.
func (r *Room) FixByRule(ctx context.Context, account overture.AccountID, campaign overture.CampaignID, code, rule, value string) (FixResult, error) {
	var sum FixResult
	t, err := r.draft(ctx, account, campaign)
	if err != nil {
		return sum, err
	}
	change, err := ruleChange(code, rule, value)
	if err != nil {
		return sum, err
	}
	f, err := r.fixer(ctx, t)
	if err != nil {
		return sum, err
	}
	for after := (overture.ProblemRef{}); ; {
		problems, err := r.Store.Problems(ctx, account, campaign, overture.ProblemFilter{Code: code, After: after, Limit: chunkRows})
		if err != nil || len(problems) == 0 {
			return sum, err
		}
		after = refOf(problems[len(problems)-1])
		var done FixResult
		if rule == RuleDiscard {
			done, err = f.discard(ctx, problems)
		} else {
			done, err = f.apply(ctx, problems, change)
		}
		if err != nil {
			return sum, err
		}
		sum.Fixed += done.Fixed
		sum.Remaining += done.Remaining
		sum.Discarded += done.Discarded
	}
}

// changeRow gives the fields a row should have, nil when the rule has nothing to change in it.
type changeRow func(c *checker, fields []string, p *overture.Problem) []string

func ruleChange(code, rule, value string) (changeRow, error) {
	switch rule {
	case RuleAddCountryCode, RuleClearZone, RuleDropExtraColumns, RuleDiscard:
	default:
		return nil, overture.ErrInvalid("unknown_rule", "rule must be add_country_code, clear_zone, drop_extra_columns or discard")
	}
	if !allowed(code, rule) {
		return nil, overture.ErrInvalid("rule_does_not_fit", fmt.Sprintf("the rule %s does not help with %q; use one of: %s", rule, clip(code), strings.Join(rulesFor(code), ", ")))
	}
	switch rule {
	case RuleAddCountryCode:
		calling := strings.TrimPrefix(strings.TrimSpace(value), "+")
		if len(calling) < 1 || len(calling) > 3 || strings.Trim(calling, "0123456789") != "" || calling[0] == '0' {
			return nil, overture.ErrInvalid("bad_country_code", "value must be a calling code of one to three digits, such as 1 or 44")
		}
		return func(c *checker, fields []string, _ *overture.Problem) []string {
			return addCountryCode(c, fields, calling)
		}, nil
	case RuleClearZone:
		return func(c *checker, fields []string, _ *overture.Problem) []string {
			if c.cell(fields, c.columns.Zone, false) == "" {
				return nil
			}
			fields[c.columns.Zone] = ""
			return fields
		}, nil
	case RuleDropExtraColumns:
		return func(c *checker, fields []string, _ *overture.Problem) []string {
			if len(fields) <= c.width {
				return nil
			}
			return fields[:c.width]
		}, nil
	}
	return nil, nil //nolint:nilnil // discard changes no row
}

// addCountryCode puts the calling code before a national number. A number with a plus has one already; zeros before a national number
// are a trunk prefix and fall away. The national number wins: only where it is none, and the digits begin with the calling code, the plus
// was all that was missing.
func addCountryCode(c *checker, fields []string, calling string) []string {
	i := c.columns.Phone
	cell := c.cell(fields, i, true)
	if cell == "" || strings.HasPrefix(cell, "+") || i >= len(fields) {
		return nil
	}
	digits := strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, cell)
	if rest, abroad := strings.CutPrefix(digits, "00"+calling); abroad { // as it is dialed from another country
		digits = rest
	}
	if digits = strings.TrimLeft(digits, "0"); digits == "" {
		return nil
	}
	fields[i] = "+" + calling + digits
	if _, _, err := c.phone(fields[i]); err != nil && strings.HasPrefix(digits, calling) {
		fields[i] = "+" + digits
	}
	return fields
}

// fixer checks rows of a campaign's imports again.
type fixer struct {
	room    *Room
	target  overture.ListTarget
	imports map[overture.ImportID]overture.Import
	checks  map[overture.ImportID]*checker
}

func (r *Room) fixer(ctx context.Context, t overture.ListTarget) (*fixer, error) {
	imports, err := r.Store.Imports(ctx, t.AccountID, t.CampaignID)
	if err != nil {
		return nil, err
	}
	f := &fixer{room: r, target: t, imports: map[overture.ImportID]overture.Import{}, checks: map[overture.ImportID]*checker{}}
	for _, im := range imports {
		f.imports[im.ID] = im
		f.checks[im.ID] = r.checker(t, im.Source, im.Header)
	}
	return f, nil
}

func (f *fixer) discard(ctx context.Context, problems []overture.Problem) (FixResult, error) {
	repairs := make([]overture.Repair, len(problems))
	for i := range problems {
		repairs[i].Ref = refOf(problems[i])
	}
	err := f.room.Store.Repair(ctx, f.target, repairs, time.Now())
	return FixResult{Discarded: len(problems)}, err
}

// apply changes up to 500 problem rows, checks them and writes what came of it.
func (f *fixer) apply(ctx context.Context, problems []overture.Problem, change changeRow) (FixResult, error) {
	var done FixResult
	var repairs []overture.Repair
	var addresses []overture.Address
	for i := range problems {
		repair, changed := f.check(&problems[i], change)
		if !changed {
			done.Remaining++
			continue
		}
		if repair.Recipient != nil {
			addresses = append(addresses, repair.Recipient.Address)
		}
		repairs = append(repairs, repair)
	}
	listed, err := f.room.Store.ListedRows(ctx, f.target.CampaignID, addresses)
	if err != nil {
		return done, err
	}
	stopped, err := f.room.Store.OptedOutOf(ctx, f.target, addresses)
	if err != nil {
		return done, err
	}
	for i := range repairs {
		if rec := repairs[i].Recipient; rec != nil {
			repairs[i].OptedOut = stopped[rec.Address]
			twice := duplicate(f.checks[repairs[i].Ref.Import], rec.Row, listed[rec.Address], repairs[i].Problem.Raw)
			repairs[i].Problem = &twice // stands if the number is in the list by then
		}
	}
	if len(repairs) > 0 {
		if err := f.room.Store.Repair(ctx, f.target, repairs, time.Now()); err != nil {
			return done, err
		}
	}
	for i := range repairs {
		switch {
		case repairs[i].Recipient != nil:
			done.Fixed++
		case repairs[i].Problem != nil:
			done.Remaining++
			wrong := *repairs[i].Problem
			wrong.ImportID = repairs[i].Ref.Import
			row := f.row(wrong)
			done.Problem = &row
		}
	}
	return done, nil
}

// check makes a repair of a changed row; changed is false when the rule leaves it as it is. Of a right row, Problem.Raw still has the text.
func (f *fixer) check(p *overture.Problem, change changeRow) (repair overture.Repair, changed bool) {
	c, im := f.checks[p.ImportID], f.imports[p.ImportID]
	repair.Ref = refOf(*p)
	fields, wrong := splitLine(c, im, p)
	if wrong != nil {
		repair.Problem = wrong
		return repair, true
	}
	if fields = change(c, fields, p); fields == nil {
		return repair, false
	}
	raw := c.join(fields, delimiterOf(im))
	var values []string
	rec, problem := c.row(fields, p.Row, raw, &values)
	if problem != nil {
		repair.Problem = problem
		return repair, true
	}
	repair.Recipient, repair.Problem = &rec, &overture.Problem{Raw: raw}
	return repair, true
}

// splitLine reads a row as its list writes rows.
func splitLine(c *checker, im overture.Import, p *overture.Problem) ([]string, *overture.Problem) {
	bad := func(code, reason string) *overture.Problem {
		return &overture.Problem{Row: p.Row, Code: code, Reason: reason, Raw: printable(p.Raw)}
	}
	if strings.ContainsRune(p.Raw, 0) {
		return nil, bad(overture.ProblemBadText, "the row has a character that is no text (U+0000); take it out")
	}
	if c.typed {
		return splitTyped(c.target.Content, p.Raw), nil
	}
	// A leading line end keeps a row that looks like a file of another kind, or like "sep=;", from being taken for it.
	reader, err := csvrow.Open(strings.NewReader("\n"+p.Raw), csvrow.Options{Delimiter: delimiterOf(im), Encoding: csvrow.UTF8, MaxColumns: csvrow.DefaultMaxRow})
	if err != nil {
		return nil, bad(overture.ProblemBadText, err.Error())
	}
	fields, _, raw, err := reader.Next()
	switch {
	case errors.Is(err, io.EOF):
		return nil, bad(overture.ProblemInvalidNumber, "the row is empty; write a phone number, country code first")
	case err != nil:
		if wrong := rowProblem(err, p.Row, raw); wrong != nil {
			return nil, bad(wrong.Code, wrong.Reason)
		}
		return nil, bad(overture.ProblemBadText, err.Error())
	}
	fields = append([]string(nil), fields...)
	if _, _, _, err := reader.Next(); !errors.Is(err, io.EOF) {
		return nil, bad(overture.ProblemBadQuoting, "these are several rows; write one, with quotation marks around text of several lines")
	}
	return fields, nil
}
