package csvrow

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// The encodings. Latin1 is read as its superset Windows-1252, which is what spreadsheets mean by it.
const (
	UTF8    = "utf-8"
	UTF16LE = "utf-16le"
	UTF16BE = "utf-16be"
	Latin1  = "latin-1"
)

const sampleSize = 16 << 10 // bytes looked at to find encoding and delimiter

// Open looks at the beginning of a file and gives its reader. A file that is certainly no text is an *Error of Kind NotText.
func Open(src io.Reader, o Options) (*Reader, error) {
	r := &Reader{src: src, line: 1, delimiter: o.Delimiter, encoding: o.Encoding, maxRow: o.MaxRow, maxColumns: o.MaxColumns}
	if r.maxRow <= 0 {
		r.maxRow = DefaultMaxRow
	}
	if r.maxColumns <= 0 {
		r.maxColumns = DefaultMaxColumns
	}
	switch o.Delimiter {
	case 0, ',', ';', '\t', '|':
	default:
		return nil, fmt.Errorf("delimiter %q: use a comma, a semicolon, a tab or a bar", o.Delimiter)
	}
	switch o.Encoding {
	case "", UTF8, UTF16LE, UTF16BE, Latin1:
	default:
		return nil, fmt.Errorf("encoding %q: use %s, %s, %s or %s", o.Encoding, UTF8, UTF16LE, UTF16BE, Latin1)
	}
	head := make([]byte, sampleSize)
	n, err := io.ReadFull(src, head)
	head = head[:n]
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, fmt.Errorf("line 1: read: %w", err)
	}
	if what := binary(head); what != "" {
		return nil, &Error{Kind: NotText, Line: 1, Detail: "the file is " + what + ", not text; save the list as CSV and upload that"}
	}
	r.src = r.decoded(head, io.MultiReader(bytes.NewReader(head), src))
	r.buf = make([]byte, r.maxRow+sampleSize+utf8.UTFMax)
	r.more(sampleSize - 1)
	if r.encoding == UTF8 || r.encoding == "" {
		r.start += len(r.buf[r.start:r.end]) - len(bytes.TrimPrefix(r.buf[r.start:r.end], []byte("\uFEFF")))
	}
	if r.encoding == "" {
		r.encoding = UTF8
	}
	r.findDelimiter()
	return r, nil
}

// binary names well-known files that people take for a list.
func binary(head []byte) string {
	for _, m := range []struct{ magic, what string }{
		{"PK\x03\x04", "a workbook (.xlsx) or a ZIP archive"},
		{"\xD0\xCF\x11\xE0", "an old workbook (.xls)"},
		{"%PDF-", "a PDF"},
		{"\x1f\x8b", "compressed (gzip)"},
		{"\x89PNG", "a picture"},
		{"\xff\xd8\xff", "a picture"},
	} {
		if bytes.HasPrefix(head, []byte(m.magic)) {
			return m.what
		}
	}
	return ""
}

// decoded puts a UTF-16 decoder before the source where it is needed, and settles the encoding as far as the head tells.
func (r *Reader) decoded(head []byte, src io.Reader) io.Reader {
	switch {
	case r.encoding != "":
		r.decided = true
	case bytes.HasPrefix(head, []byte("\xEF\xBB\xBF")):
		r.encoding, r.decided = UTF8, true
	case bytes.HasPrefix(head, []byte("\xFF\xFE")):
		r.encoding, r.decided = UTF16LE, true
	case bytes.HasPrefix(head, []byte("\xFE\xFF")):
		r.encoding, r.decided = UTF16BE, true
	default:
		if utf16 := guessUTF16(head); utf16 != "" {
			r.encoding, r.decided = utf16, true
		}
	}
	switch r.encoding {
	case UTF16LE:
		return transform.NewReader(src, unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewDecoder())
	case UTF16BE:
		return transform.NewReader(src, unicode.UTF16(unicode.BigEndian, unicode.UseBOM).NewDecoder())
	}
	return src
}

// guessUTF16 sees UTF-16 without a byte order mark: digits, delimiters and line ends of a list have a zero byte each, always on one side.
func guessUTF16(head []byte) string {
	var zeros [2]int
	for i, c := range head {
		if c == 0 {
			zeros[i%2]++
		}
	}
	switch pairs := len(head) / 2; {
	case pairs == 0:
		return ""
	case zeros[1]*5 > pairs && zeros[0]*10 < zeros[1]:
		return UTF16LE
	case zeros[0]*5 > pairs && zeros[1]*10 < zeros[0]:
		return UTF16BE
	}
	return ""
}

// decide settles between UTF-8 and Latin-1 at the first character above ASCII, by what the buffer holds: accidental UTF-8 in a Latin-1 text is
// rare, so the larger number wins; a broken byte in a UTF-8 file stays a wrong row.
func (r *Reader) decide() {
	r.decided = true
	valid, broken := 0, 0
	for b := r.buf[r.start:r.end]; len(b) > 0; {
		c, size := utf8.DecodeRune(b)
		switch {
		case c == utf8.RuneError && size == 1:
			if utf8.FullRune(b) || r.srcErr != nil { // not merely cut by the buffer's end
				broken++
			}
		case size > 1:
			valid++
		}
		b = b[size:]
	}
	if broken > valid {
		r.encoding = Latin1
	}
}
