package recipient

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/kit/csvrow"
)

// typedLimit is how many lines may be typed (S, D1); longer lists come as a file.
const typedLimit = 100

// AddTyped adds typed lines to the list of a draft: the number, then after a comma the values of the text's variables, separated by commas —
// or, when the text has none, this person's whole message, which may hold commas itself (D3).
// TooLarge: more than 100 lines.
func (r *Room) AddTyped(ctx context.Context, account overture.AccountID, campaign overture.CampaignID, lines string) (overture.Import, error) {
	t, err := r.draft(ctx, account, campaign)
	if err != nil {
		return overture.Import{}, err
	}
	im := typedImport(t)
	next, err := typedSource(t.Content, lines)
	if err != nil {
		return overture.Import{}, err
	}
	return r.load(ctx, t, im, next, func(*overture.Import) {}, nil)
}

// CheckTyped tells what AddTyped would do with the lines: who would get which text, and what is wrong. Nothing is written.
func (r *Room) CheckTyped(ctx context.Context, account overture.AccountID, campaign overture.CampaignID, lines string) (rows []Row, problems []ProblemRow, err error) {
	t, err := r.draft(ctx, account, campaign)
	if err != nil {
		return nil, nil, err
	}
	next, err := typedSource(t.Content, lines)
	if err != nil {
		return nil, nil, err
	}
	im := typedImport(t)
	c := r.checker(t, im.Source, im.Header)
	f := &fixer{room: r, target: t, imports: map[overture.ImportID]overture.Import{0: im}, checks: map[overture.ImportID]*checker{0: c}}
	var addresses []overture.Address
	first := map[overture.Address]int{}
	for {
		fields, line, raw, wrong, err := next()
		if errors.Is(err, io.EOF) {
			break
		}
		var rec overture.Recipient
		if wrong == nil {
			var values []string
			rec, wrong = c.row(fields, line, raw, &values)
		}
		if wrong != nil {
			problems = append(problems, f.row(*wrong))
			continue
		}
		if before, twice := first[rec.Address]; twice {
			problems = append(problems, f.row(duplicate(c, line, before, raw)))
			continue
		}
		first[rec.Address] = line
		addresses = append(addresses, rec.Address)
		row := Row{Recipient: rec}
		row.write(t, rec.Personal)
		rows = append(rows, row)
	}
	listed, err := r.Store.ListedRows(ctx, campaign, addresses)
	if err != nil {
		return nil, nil, err
	}
	stopped, err := r.Store.OptedOutOf(ctx, t, addresses)
	if err != nil {
		return nil, nil, err
	}
	fresh := rows[:0]
	for _, row := range rows {
		if before, twice := listed[row.Address]; twice {
			problems = append(problems, f.row(duplicate(c, row.Row, before, c.raw(&row.Recipient, ','))))
			continue
		}
		row.OptedOut = stopped[row.Address]
		fresh = append(fresh, row)
	}
	slices.SortFunc(problems, func(a, b ProblemRow) int { return a.Row - b.Row })
	return fresh, problems, nil
}

func typedImport(t overture.ListTarget) overture.Import {
	return overture.Import{Source: "typed", Encoding: csvrow.UTF8, Delimiter: ",", Header: impliedHeader(t.Content)}
}

// typedSource gives the typed lines one by one. TooLarge: more than 100.
func typedSource(content overture.Content, lines string) (rowSource, error) {
	all := strings.Split(strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(lines), "\n")
	n := 0
	for _, line := range all {
		if strings.TrimSpace(line) != "" {
			n++
		}
	}
	switch {
	case n == 0:
		return nil, overture.ErrInvalid("no_lines", "type at least one line: a phone number, country code first")
	case n > typedLimit:
		return nil, &overture.Error{
			Kind: overture.TooLarge, Code: "too_many_lines",
			Message: fmt.Sprintf("%d lines were typed and at most %d can be; upload a longer list as a CSV file", n, typedLimit),
		}
	}
	at := 0
	return func() ([]string, int, string, *overture.Problem, error) {
		for at < len(all) {
			line := strings.TrimSpace(all[at])
			if at++; line == "" {
				continue
			}
			if len(line) > csvrow.DefaultMaxRow {
				return nil, at, "", &overture.Problem{Row: at, Code: overture.ProblemTooLong, Reason: "the line is longer than 64 KiB; shorten it", Raw: printable(line[:1000])}, nil
			}
			return splitTyped(content, line), at, line, nil, nil
		}
		return nil, 0, "", nil, io.EOF
	}, nil
}

// splitTyped splits at every comma when the text has variables, else at the first one only.
func splitTyped(c overture.Content, line string) []string {
	if len(c.Variables()) > 0 {
		return strings.Split(line, ",")
	}
	return strings.SplitN(line, ",", 2)
}
