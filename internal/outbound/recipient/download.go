package recipient

import (
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/kit/csvrow"
)

// WriteProblemsCSV writes the rejected rows of a campaign with their original columns and an error column, safe to open in a spreadsheet, and
// such that the repaired file can be uploaded again. Lists with other columns get a header of their own further down.
func (r *Room) WriteProblemsCSV(ctx context.Context, account overture.AccountID, campaign overture.CampaignID, w io.Writer) error {
	t, err := r.Store.ListTarget(ctx, account, campaign)
	if err != nil {
		return err
	}
	f, err := r.fixer(ctx, t)
	if err != nil {
		return err
	}
	var header []string
	out := []byte("\uFEFF") // spreadsheets take a file without it for Latin-1
	for after := (overture.ProblemRef{}); ; {
		problems, err := r.Store.Problems(ctx, account, campaign, overture.ProblemFilter{After: after, Limit: chunkRows})
		if err != nil {
			return err
		}
		for i := range problems {
			p := &problems[i]
			c := f.checks[p.ImportID]
			if names := append(c.columnNames(), "error"); header == nil || !slices.Equal(names, header) {
				out = csvrow.AppendSafe(out, names...)
				header = names
			}
			out = csvrow.AppendSafe(out, c.withError(f.imports[p.ImportID], p)...)
			after = refOf(*p)
		}
		if header == nil {
			out = csvrow.AppendSafe(out, "phone", "error")
		}
		if _, err := w.Write(out); err != nil {
			return fmt.Errorf("write problems: %w", err)
		}
		if out = out[:0]; len(problems) < chunkRows {
			return nil
		}
	}
}

// columnNames are the names under which a list can be uploaded again.
func (c *checker) columnNames() []string {
	if len(c.header) > 0 {
		if c.ours {
			return slices.Clone(c.header[:len(c.header)-1])
		}
		return slices.Clone(c.header)
	}
	names := []string{"phone"}
	if c.columns.Text == 1 {
		return append(names, "message")
	}
	for i := range c.columns.Values {
		names = append(names, fmt.Sprint(i+1))
	}
	return names
}

// withError gives the cells of a problem row: as many as there are names, what is wrong, and then what was too much.
func (c *checker) withError(im overture.Import, p *overture.Problem) []string {
	fields, wrong := splitLine(c, im, p)
	if wrong != nil {
		fields = []string{p.Raw}
	}
	width := len(c.columnNames())
	if c.ours && len(fields) > width { // the error of the download before
		fields = slices.Delete(fields, width, width+1)
	}
	for len(fields) < width {
		fields = append(fields, "")
	}
	for i := range fields {
		if c.ours {
			fields[i] = csvrow.Unguard(fields[i])
		}
	}
	return slices.Insert(fields, width, p.Reason)
}
