// Package csvrow reads rows of delimited text as people really send them: RFC 4180 quoting, any line end, UTF-8, UTF-16 or Latin-1, comma,
// semicolon or tab. It streams in bounded memory, gives the row as it came for repair, and goes on after a row that is wrong.
//
// encoding/csv is as fast, but cannot give the raw row back, has no limit on a row, and lets one missing quotation mark swallow the rest
// of the file; a fuzz test holds this reader equal to it wherever both accept the input.
package csvrow

import (
	"fmt"
	"io"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

// Limits of a row where Options leave them zero.
const (
	DefaultMaxRow     = 64 << 10 // bytes, after decoding UTF-16 to UTF-8
	DefaultMaxColumns = 200
)

// rawKept is how much is given back of a row that is over the limit.
const rawKept = 1024

// Options of Open. The zero value detects everything.
type Options struct {
	Delimiter  byte   // one of , ; tab |  — 0: found out from the first rows
	Encoding   string // UTF8, UTF16LE, UTF16BE or Latin1; empty: found out from byte order mark and content
	MaxRow     int    // bytes
	MaxColumns int
}

// Kind says what is wrong with a row.
type Kind string

// The kinds. NotText ends the reading; the others concern one row, and the next call goes on with the line after it.
const (
	NotText        Kind = "not_text"         // binary content
	Quote          Kind = "quote"            // quotation marks against RFC 4180
	RowTooLong     Kind = "row_too_long"     // over MaxRow bytes
	TooManyColumns Kind = "too_many_columns" // over MaxColumns
	Encoding       Kind = "encoding"         // bytes that are no text in the file's encoding
)

// Error is a wrong row, or a file that is no text.
type Error struct {
	Kind   Kind
	Line   int    // 1-based
	Column int    // 1-based number of the field; 0 when the whole row is meant
	Detail string // what is wrong, in words
}

func (e *Error) Error() string { return fmt.Sprintf("line %d: %s", e.Line, e.Detail) }

// span is a field's place in the row.
type span struct {
	from, to int
	escaped  bool // holds "" or a CR LF to be reduced
}

// Reader reads rows. Not safe for concurrent use.
type Reader struct {
	src        io.Reader
	buf        []byte
	start, end int   // unread bytes of buf
	srcErr     error // what src ended with
	line       int   // of buf[start]
	encoding   string
	decided    bool // encoding is certain
	delimiter  byte
	maxRow     int
	maxColumns int
	spans      []span
	fields     []string
	failed     error
	idle       int // reads in a row that gave nothing
}

// Encoding of the file: UTF8, UTF16LE, UTF16BE or Latin1. As long as every character was ASCII it is UTF8.
func (r *Reader) Encoding() string { return r.encoding }

// Delimiter between the fields.
func (r *Reader) Delimiter() byte { return r.delimiter }

// Next gives the next row that is not an empty line: its fields (the slice is reused by the next call, the strings are not), the 1-based
// line it begins on, and the row as it came without its line end. It ends with io.EOF. After an *Error of any Kind but NotText reading goes
// on with the line after the one that Error.Line and raw name; every other error is final.
func (r *Reader) Next() (fields []string, line int, raw string, err error) {
	for r.failed == nil {
		row := r.scan()
		line = r.line
		if row.broken {
			r.failed = fmt.Errorf("line %d: read: %w", line, r.srcErr)
			break
		}
		if row.err != nil {
			raw, err = r.wrong(row)
			return nil, line, raw, err
		}
		if row.size == 0 { // an empty line, or the end
			r.skip(row.next, row.lines)
			if row.last {
				r.failed = io.EOF
			}
			continue
		}
		fields, raw, err = r.text(row)
		r.skip(row.next, row.lines)
		return fields, line, raw, err
	}
	return nil, r.line, "", r.failed
}

func (r *Reader) skip(bytes, lines int) {
	r.start += bytes
	r.line += lines
}

// wrong steps over a bad row and gives back what it was.
func (r *Reader) wrong(row scanned) (raw string, err *Error) {
	row.err.Line = r.line
	if row.err.Kind == NotText {
		row.err.Line += row.lines
		r.failed = row.err
		return "", row.err
	}
	size := min(row.size, r.end-r.start)
	if row.err.Kind == RowTooLong {
		size = min(size, rawKept, r.maxRow/2)
	}
	if row.high && !r.decided {
		r.decide()
	}
	raw = r.decode(r.buf[r.start : r.start+size])
	r.skip(row.next, row.lines)
	return raw, row.err
}

// text turns a row's bytes into strings: one allocation for a plain row, because the fields are parts of raw.
func (r *Reader) text(row scanned) (fields []string, raw string, err error) {
	b := r.buf[r.start : r.start+row.size]
	if row.high && !r.decided {
		r.decide()
	}
	r.fields = r.fields[:0]
	if row.high && r.encoding == Latin1 {
		for _, s := range r.spans {
			r.fields = append(r.fields, r.decode(unescape(b[s.from:s.to], s.escaped)))
		}
		return r.fields, r.decode(b), nil
	}
	if row.high && !utf8.Valid(b) {
		raw = r.decode(b)
		return nil, raw, &Error{Kind: Encoding, Line: r.line, Column: r.badColumn(b), Detail: "the row has bytes that are not UTF-8; save the file as UTF-8"}
	}
	raw = string(b)
	for _, s := range r.spans {
		if s.escaped {
			r.fields = append(r.fields, string(unescape(b[s.from:s.to], true)))
		} else {
			r.fields = append(r.fields, raw[s.from:s.to])
		}
	}
	return r.fields, raw, nil
}

func (r *Reader) badColumn(b []byte) int {
	for i, s := range r.spans {
		if !utf8.Valid(b[s.from:s.to]) {
			return i + 1
		}
	}
	return 0
}

// decode gives bytes as UTF-8; what is none becomes U+FFFD.
func (r *Reader) decode(b []byte) string {
	out := make([]byte, 0, len(b)+len(b)/8)
	for len(b) > 0 {
		if b[0] < utf8.RuneSelf {
			out = append(out, b[0])
			b = b[1:]
			continue
		}
		if r.encoding == Latin1 {
			out = utf8.AppendRune(out, charmap.Windows1252.DecodeByte(b[0]))
			b = b[1:]
			continue
		}
		c, size := utf8.DecodeRune(b)
		out = utf8.AppendRune(out, c)
		b = b[size:]
	}
	return string(out)
}

// unescape reduces "" to " and CR LF to LF inside a quoted field, as encoding/csv does.
func unescape(b []byte, escaped bool) []byte {
	if !escaped {
		return b
	}
	out := make([]byte, 0, len(b))
	for i := 0; i < len(b); i++ {
		if i+1 < len(b) && (b[i] == '"' && b[i+1] == '"' || b[i] == '\r' && b[i+1] == '\n') {
			i++
		}
		out = append(out, b[i])
	}
	return out
}
