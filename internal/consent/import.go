package consent

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/kit/csvrow"
	"github.com/overture-im/overture/internal/kit/phone"
)

// importChunk is how many stops are written in one transaction; each chunk is durable and effective before the next is read.
const importChunk = 500

// problemsKept bounds the rows that are named in an answer; the rest is counted.
const problemsKept = 100

// Imported tells what came of a file of stops. Rows = Fresh + Known + Rejected.
type Imported struct {
	Rows     int // without the header
	Fresh    int // recorded now
	Known    int // stopped before
	Rejected int // no number; nobody was stopped by them
	Problems []RowProblem
}

// RowProblem is a row of a file that names nobody.
type RowProblem struct {
	Line   int
	Reason string
}

// Import records everybody in the first column of a delimited file as stopped. The second column, where there is one, is that person's own
// evidence. It streams: after an error the rows before it count, and the same file may be sent again.
//
// Invalid: the file is no text, or its evidence is too long.
func (r *Register) Import(ctx context.Context, by overture.Actor, like overture.OptOut, src io.Reader) (out Imported, err error) {
	if like.Evidence = plain(like.Evidence); like.Evidence == "" {
		like.Evidence = by.String()
	}
	file, err := csvrow.Open(src, csvrow.Options{})
	if err != nil {
		return out, notText(err)
	}
	chunk := make([]overture.OptOut, 0, importChunk)
	write := func() error {
		if len(chunk) == 0 {
			return nil
		}
		fresh, err := r.store.OptOutMany(ctx, by, chunk)
		if err != nil {
			return fmt.Errorf("import opt-outs: %w", err)
		}
		out.Fresh, out.Known = out.Fresh+fresh, out.Known+len(chunk)-fresh
		chunk = chunk[:0]
		return nil
	}
	for first := true; ; first = false {
		fields, line, _, err := file.Next()
		if errors.Is(err, io.EOF) {
			return out, write()
		}
		var wrong *csvrow.Error
		if err != nil && (!errors.As(err, &wrong) || wrong.Kind == csvrow.NotText) {
			return out, errors.Join(notText(err), write())
		}
		if err == nil && strings.TrimSpace(strings.Join(fields, "")) == "" {
			continue
		}
		o := like
		o.CreatedAt = r.now()
		switch {
		case err != nil:
		case len(fields) > 1 && plain(fields[1]) != "":
			o.Evidence = clip(plain(fields[1]), evidenceLimit)
			fallthrough
		default:
			var n phone.Number
			if n, err = phone.Parse(fields[0]); err == nil {
				o.Address = overture.Address(n.E164)
			}
		}
		if err != nil && first && wrong == nil && !strings.ContainsAny(fields[0], "0123456789") {
			continue // the names of the columns
		}
		out.Rows++
		if err != nil {
			out.Rejected++
			if len(out.Problems) < problemsKept {
				out.Problems = append(out.Problems, RowProblem{Line: line, Reason: reasonOf(err)})
			}
			continue
		}
		if chunk = append(chunk, o); len(chunk) == importChunk {
			if err := write(); err != nil {
				return out, err
			}
		}
	}
}

func notText(err error) error {
	var wrong *csvrow.Error
	if errors.As(err, &wrong) {
		return overture.ErrInvalid("not_a_list", "this is no list of numbers: "+wrong.Detail)
	}
	return fmt.Errorf("read the list: %w", err)
}

// reasonOf never repeats what stands in the row: answers and logs name lines, not people.
func reasonOf(err error) string {
	var wrong *csvrow.Error
	if errors.As(err, &wrong) {
		return wrong.Detail
	}
	return err.Error()
}

func clip(s string, most int) string {
	runes := []rune(s)
	return string(runes[:min(len(runes), most)])
}
