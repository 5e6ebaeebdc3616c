package recipient

import (
	"context"
	"time"

	"github.com/overture-im/overture"
)

// RecheckResult says what a changed text did to the list.
type RecheckResult struct {
	Checked  int // recipients rendered again
	Changed  int // with another number of segments now
	Rejected int // now problems: the new text needs a value they do not have, or is too long for them
	Restored int // were problems of the old text and are in the list again
}

// Recheck renders the list again after the text of the draft was changed. Rows that do not render any more become problems, and problems of the
// old text that the new one does not have come back: a slip of the pen costs nobody their place. It is cheap when every row was checked against the text of now. Conflict: launched, an import is loading, or the text is changed once more meanwhile.
func (r *Room) Recheck(ctx context.Context, account overture.AccountID, campaign overture.CampaignID) (RecheckResult, error) {
	var sum RecheckResult
	t, err := r.draft(ctx, account, campaign)
	if err != nil {
		return sum, err
	}
	f, err := r.fixer(ctx, t)
	if err != nil {
		return sum, err
	}
	content := t.Content.Hash()
	fresh := true
	for _, im := range f.imports {
		fresh = fresh && (im.State != overture.ImportDone || im.ContentHash == content)
	}
	if fresh {
		return sum, nil
	}
	if sum.Restored, err = f.restore(ctx); err != nil {
		return sum, err
	}
	worst := map[overture.ImportID]*overture.Import{}
	for after := overture.RecipientID(0); ; {
		rows, err := r.Store.ListRows(ctx, account, campaign, after, chunkRows)
		if err != nil {
			return sum, err
		}
		if len(rows) == 0 {
			break
		}
		var changed []overture.Recheck
		for i := range rows {
			rec := &rows[i]
			after = rec.ID
			if again, differs := f.again(rec); differs {
				changed = append(changed, again)
				if again.Problem != nil {
					sum.Rejected++
					continue
				}
				sum.Changed++
			}
			noteWorst(worst, rec)
		}
		sum.Checked += len(rows)
		if len(changed) > 0 {
			if err := r.Store.ApplyRechecks(ctx, t, content, changed, time.Now()); err != nil {
				return sum, err
			}
		}
	}
	var all []overture.Import
	for id := range f.imports {
		w := worst[id]
		if w == nil {
			w = &overture.Import{ID: id}
		}
		all = append(all, *w)
	}
	return sum, r.Store.FinishRecheck(ctx, t, content, all)
}

// restore brings back the rows whose only trouble was the text of before.
func (f *fixer) restore(ctx context.Context) (restored int, err error) {
	asItIs := func(_ *checker, fields []string, _ *overture.Problem) []string { return fields }
	for _, code := range []string{overture.ProblemMissingVariable, overture.ProblemEmptyText, overture.ProblemTooLong} {
		for after := (overture.ProblemRef{}); ; {
			problems, err := f.room.Store.Problems(ctx, f.target.AccountID, f.target.CampaignID, overture.ProblemFilter{Code: code, After: after, Limit: chunkRows})
			if err != nil {
				return restored, err
			}
			if len(problems) == 0 {
				break
			}
			after = refOf(problems[len(problems)-1])
			right := problems[:0]
			for _, p := range problems {
				if repair, _ := f.check(&p, asItIs); repair.Recipient != nil {
					right = append(right, p)
				}
			}
			if len(right) == 0 {
				continue
			}
			done, err := f.apply(ctx, right, asItIs)
			if err != nil {
				return restored, err
			}
			restored += done.Fixed
		}
	}
	return restored, nil
}

// again renders a recipient with the text of now and leaves its segments in it.
func (f *fixer) again(rec *overture.Recipient) (overture.Recheck, bool) {
	c := f.checks[rec.ImportID]
	if c == nil {
		return overture.Recheck{}, false
	}
	out := overture.Recheck{Was: rec.Segments}
	rec.Personal.Names = c.columns.Names
	segments, problem := c.render(rec.Personal)
	if problem != nil {
		problem.Row, problem.Raw = rec.Row, c.raw(rec, delimiterOf(f.imports[rec.ImportID]))
		out.Recipient, out.Problem = *rec, problem
		return out, true
	}
	rec.Segments = segments
	out.Recipient = *rec
	return out, segments != out.Was
}

func noteWorst(worst map[overture.ImportID]*overture.Import, rec *overture.Recipient) {
	w := worst[rec.ImportID]
	if w == nil {
		w = &overture.Import{ID: rec.ImportID}
		worst[rec.ImportID] = w
	}
	if rec.Segments > w.WorstSegments {
		w.WorstRow, w.WorstSegments = rec.Row, rec.Segments
	}
}
