package recipient

import (
	"context"
	"fmt"
	"io"
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
	all := strings.Split(strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(lines), "\n")
	n := 0
	for _, line := range all {
		if strings.TrimSpace(line) != "" {
			n++
		}
	}
	switch {
	case n == 0:
		return overture.Import{}, overture.ErrInvalid("no_lines", "type at least one line: a phone number, country code first")
	case n > typedLimit:
		return overture.Import{}, &overture.Error{
			Kind: overture.TooLarge, Code: "too_many_lines",
			Message: fmt.Sprintf("%d lines were typed and at most %d can be; upload a longer list as a CSV file", n, typedLimit),
		}
	}
	im := overture.Import{Source: "typed", Encoding: csvrow.UTF8, Delimiter: ",", Header: impliedHeader(t.Content)}
	at := 0
	next := func() ([]string, int, string, *overture.Problem, error) {
		for at < len(all) {
			line := strings.TrimSpace(all[at])
			if at++; line == "" {
				continue
			}
			if len(line) > csvrow.DefaultMaxRow {
				return nil, at, "", &overture.Problem{Row: at, Code: overture.ProblemTooLong, Reason: "the line is longer than 64 KiB; shorten it", Raw: printable(line[:1000])}, nil
			}
			return splitTyped(t.Content, line), at, line, nil, nil
		}
		return nil, 0, "", nil, io.EOF
	}
	return r.load(ctx, t, im, next, func(*overture.Import) {}, nil)
}

// splitTyped splits at every comma when the text has variables, else at the first one only.
func splitTyped(c overture.Content, line string) []string {
	if len(c.Variables()) > 0 {
		return strings.Split(line, ",")
	}
	return strings.SplitN(line, ",", 2)
}
