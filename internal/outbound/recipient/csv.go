package recipient

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/kit/csvrow"
)

// HeaderMode says whether the first row of a file names the columns.
type HeaderMode string

// The header modes. Auto takes the first row for a header when it names a column of numbers, or when its first cell holds no digit.
const (
	HeaderAuto HeaderMode = "auto"
	HeaderYes  HeaderMode = "yes"
	HeaderNo   HeaderMode = "no"
)

// CSVOptions of an upload. The zero value finds everything out by itself.
type CSVOptions struct {
	FileName  string
	Header    HeaderMode
	Delimiter string         // "," ";" "tab" or empty
	Encoding  string         // "utf-8", "utf-16le", "utf-16be", "latin-1" or empty
	Progress  func(rows int) // after every chunk of rows; may be nil
}

// ImportCSV reads a file into the list of a draft, streaming. Rows that are wrong become problems; the others are in the list when it returns
// without an error, and none of them is when it returns with one: a file that is no text, an upload that broke off, a canceled context,
// trouble with the database. Conflict: the campaign is no draft, or another import of it is loading.
func (r *Room) ImportCSV(ctx context.Context, account overture.AccountID, campaign overture.CampaignID, file io.Reader, o CSVOptions) (overture.Import, error) {
	t, err := r.draft(ctx, account, campaign)
	if err != nil {
		return overture.Import{}, err
	}
	options, err := o.parse()
	if err != nil {
		return overture.Import{}, err
	}
	reader, err := csvrow.Open(file, options)
	if err != nil {
		return overture.Import{}, readError(err)
	}
	next := csvSource(reader)
	first, err := firstRow(next)
	if errors.Is(err, io.EOF) {
		return overture.Import{}, overture.ErrInvalid("empty_file", "the file has no rows; upload a list with one phone number in each row")
	}
	if err != nil {
		return overture.Import{}, err
	}
	im := overture.Import{Source: "csv", FileName: clipName(o.FileName), Delimiter: string(reader.Delimiter()), Encoding: reader.Encoding()}
	if im.Header, err = headerOf(t, first, o.Header); err != nil {
		return im, err
	}
	if len(im.Header) > 0 {
		if first, err = firstRow(next); errors.Is(err, io.EOF) {
			return im, overture.ErrInvalid("only_header", "the file has a header and no rows below it; add one phone number in each row")
		}
		if err != nil {
			return im, err
		}
	} else {
		im.Header = impliedHeader(t.Content)
	}
	return r.load(ctx, t, im, resume(first, next), func(im *overture.Import) { im.Encoding = reader.Encoding() }, o.Progress)
}

func (o CSVOptions) parse() (csvrow.Options, error) {
	var out csvrow.Options
	switch o.Header {
	case "", HeaderAuto, HeaderYes, HeaderNo:
	default:
		return out, overture.ErrInvalid("unknown_header_mode", "header must be auto, yes or no")
	}
	switch strings.ToLower(o.Delimiter) {
	case "", "auto":
	case ",", ";", "\t", "|":
		out.Delimiter = o.Delimiter[0]
	case "comma":
		out.Delimiter = ','
	case "semicolon":
		out.Delimiter = ';'
	case "tab", `\t`:
		out.Delimiter = '\t'
	default:
		return out, overture.ErrInvalid("unknown_delimiter", "delimiter must be a comma, a semicolon or tab; leave it out to let it be found")
	}
	switch strings.ToLower(o.Encoding) {
	case "", "auto":
	case "utf-8", "utf8":
		out.Encoding = csvrow.UTF8
	case "utf-16le":
		out.Encoding = csvrow.UTF16LE
	case "utf-16be":
		out.Encoding = csvrow.UTF16BE
	case "latin-1", "latin1", "iso-8859-1", "windows-1252":
		out.Encoding = csvrow.Latin1
	default:
		return out, overture.ErrInvalid("unknown_encoding", "encoding must be utf-8, utf-16le, utf-16be or latin-1; leave it out to let it be found")
	}
	return out, nil
}

// pending is a row that was read to look at it.
type pending struct {
	fields []string
	line   int
	raw    string
	wrong  *overture.Problem
}

// firstRow gives the next row that is not blank.
func firstRow(next rowSource) (pending, error) {
	for {
		fields, line, raw, wrong, err := next()
		if err != nil {
			return pending{}, err
		}
		if wrong != nil || !blank(fields) {
			return pending{append([]string(nil), fields...), line, raw, wrong}, nil
		}
	}
}

// resume gives a row again that was looked at, and then the others.
func resume(first pending, next rowSource) rowSource {
	given := false
	return func() ([]string, int, string, *overture.Problem, error) {
		if !given {
			given = true
			return first.fields, first.line, first.raw, first.wrong, nil
		}
		return next()
	}
}

// headerOf tells the names of the columns when the row is a header.
func headerOf(t overture.ListTarget, row pending, mode HeaderMode) ([]string, error) {
	is := mode == HeaderYes
	if mode == "" || mode == HeaderAuto {
		is = row.wrong == nil && looksLikeHeader(row.fields)
	}
	if !is {
		return nil, nil
	}
	if row.wrong != nil {
		return nil, overture.ErrInvalid("bad_header", fmt.Sprintf("line %d, the header: %s", row.line, row.wrong.Reason))
	}
	header := make([]string, len(row.fields))
	for i, name := range row.fields {
		header[i] = strings.TrimSpace(csvrow.Unguard(name))
	}
	if columns := overture.ColumnsOf(header); columns.Text >= 0 {
		for _, v := range t.Content.Variables() {
			if overture.ColumnsOf([]string{"phone", v}).Text >= 0 {
				return nil, overture.ErrInvalid("ambiguous_column", fmt.Sprintf("the text uses {{%s}}, but a column named %q is a person's whole message; rename the variable and its column", v, header[columns.Text]))
			}
		}
	}
	return header, nil
}

// looksLikeHeader is sure of itself: a cell is the usual name of the number's column, or the first cell has letters and no digit at all.
func looksLikeHeader(fields []string) bool {
	first := strings.TrimSpace(fields[0])
	if strings.ContainsAny(first, "0123456789") {
		return false
	}
	for _, f := range fields {
		if overture.NamesPhone(f) {
			return true
		}
	}
	return first != "" && strings.IndexFunc(first, isLetter) >= 0
}

func isLetter(r rune) bool { return r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' || r > 0x7F }

func csvSource(reader *csvrow.Reader) rowSource {
	return func() ([]string, int, string, *overture.Problem, error) {
		fields, line, raw, err := reader.Next()
		if err == nil || errors.Is(err, io.EOF) {
			return fields, line, raw, nil, err
		}
		if wrong := rowProblem(err, line, raw); wrong != nil {
			return nil, line, raw, wrong, nil
		}
		return nil, line, "", nil, readError(err)
	}
}

// rowProblem gives the problem of a wrong row, nil when the reading itself is over.
func rowProblem(err error, line int, raw string) *overture.Problem {
	var wrong *csvrow.Error
	if !errors.As(err, &wrong) {
		return nil
	}
	code := map[csvrow.Kind]string{
		csvrow.Quote: overture.ProblemBadQuoting, csvrow.RowTooLong: overture.ProblemTooLong,
		csvrow.TooManyColumns: overture.ProblemTooManyColumns, csvrow.Encoding: overture.ProblemBadText,
	}[wrong.Kind]
	if code == "" {
		return nil
	}
	column := ""
	if wrong.Column > 0 {
		column = strconv.Itoa(wrong.Column)
	}
	return &overture.Problem{Row: line, Column: column, Code: code, Reason: wrong.Detail, Raw: printable(raw)}
}

// printable keeps a raw row storable: PostgreSQL takes no NUL and no broken UTF-8.
func printable(raw string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(raw, "\uFFFD"), "\x00", "\uFFFD")
}

// readError is what the caller hears when the file cannot be read on.
func readError(err error) error {
	var wrong *csvrow.Error
	if errors.As(err, &wrong) {
		return &overture.Error{Kind: overture.Invalid, Code: "not_text", Message: fmt.Sprintf("line %d: %s", wrong.Line, wrong.Detail)}
	}
	return &overture.Error{Kind: overture.Invalid, Code: "upload_broken", Message: "the upload broke off and nothing was changed; upload the file again", Err: err}
}

func clipName(name string) string {
	if runes := []rune(printable(name)); len(runes) > 200 {
		return string(runes[:200])
	}
	return printable(name)
}
