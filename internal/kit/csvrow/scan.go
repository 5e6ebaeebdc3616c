package csvrow

import (
	"errors"
	"fmt"
	"io"
)

// scanned is one row found in the buffer, or why it is none.
type scanned struct {
	size   int  // bytes of the row without its line end
	next   int  // bytes to step over
	lines  int  // lines to step over
	high   bool // holds bytes above ASCII
	last   bool // the input ends here
	broken bool // the source failed inside the row
	err    *Error
}

// more reads on and tells whether there are bytes beyond the n known ones. The buffer holds one row and a read-ahead, never more.
func (r *Reader) more(n int) bool {
	for r.end-r.start <= n && r.srcErr == nil {
		if r.end == len(r.buf) {
			copy(r.buf, r.buf[r.start:r.end])
			r.end -= r.start
			r.start = 0
		}
		got, err := r.src.Read(r.buf[r.end:])
		r.end += got
		if r.srcErr = err; got > 0 || err != nil {
			r.idle = 0
		} else if r.idle++; r.idle > 100 {
			r.srcErr = io.ErrNoProgress
		}
	}
	return r.end-r.start > n
}

// place of the scanner inside a row.
type place int

const (
	fieldStart place = iota
	plain            // in a field without quotation marks
	quoted           // between quotation marks
	closed           // after the closing quotation mark
)

// scan finds the row that begins at start and its fields.
//
// A row that is wrong ends at its first line end, also when the quotation mark that is wrong opened many lines above: so one missing mark
// costs one line. The text scanned twice that way is bounded by MaxRow, and by the next opening quotation mark.
func (r *Reader) scan() scanned {
	var row scanned
	r.spans = r.spans[:0]
	at, from, escaped := fieldStart, 0, false
	firstEnd, firstNext := -1, 0 // end of the first line, when the row has several
	fail := func(i int, kind Kind, detail string) scanned {
		row.err = &Error{Kind: kind, Column: len(r.spans) + 1, Detail: detail}
		if firstEnd < 0 {
			firstEnd, firstNext = r.lineEnd(i)
		}
		row.size, row.next, row.lines = firstEnd, firstNext, 1
		return row
	}
	for i := 0; ; i++ {
		if i > r.maxRow {
			return fail(i, RowTooLong, fmt.Sprintf("the row is longer than %d KiB; a closing quotation mark may be missing", r.maxRow>>10))
		}
		if !r.more(i) {
			if !errors.Is(r.srcErr, io.EOF) {
				row.broken = true // a row that is cut off by a read error is no row
				return row
			}
			if at == quoted {
				return fail(i, Quote, "a quotation mark is opened and never closed")
			}
			row.last = true
			return r.finish(row, i, i, from, at)
		}
		c := r.buf[r.start+i]
		switch {
		case c == 0:
			row.err = &Error{Kind: NotText, Detail: "the file is not text (it holds NUL bytes); save the list as CSV"}
			return row
		case c >= 0x80:
			row.high = true
		}
		switch at {
		case quoted:
			switch c {
			case '"':
				if r.more(i+1) && r.buf[r.start+i+1] == '"' {
					escaped = true
					i++
				} else {
					at = closed
					r.spans = append(r.spans, span{from, i, escaped})
				}
			case '\r', '\n':
				end, next := i, i+1
				if c == '\r' && r.more(i+1) && r.buf[r.start+i+1] == '\n' {
					escaped = true
					next++
					i++
				}
				if firstEnd < 0 {
					firstEnd, firstNext = end, next
				}
				row.lines++
			}
			continue
		case fieldStart:
			if c == '"' {
				at, from, escaped = quoted, i+1, false
				continue
			}
			at, from = plain, i
		case plain, closed:
		}
		switch {
		case c == r.delimiter:
			if at == plain {
				r.spans = append(r.spans, span{from, i, false})
			}
			if len(r.spans) >= r.maxColumns {
				return fail(i, TooManyColumns, fmt.Sprintf("the row has more than %d columns; check the delimiter", r.maxColumns))
			}
			at, from = fieldStart, i+1
		case c == '\n':
			row.lines++
			return r.finish(row, i, i+1, from, at)
		case c == '\r':
			row.lines++
			next := i + 1
			if r.more(i+1) && r.buf[r.start+i+1] == '\n' {
				next++
			}
			return r.finish(row, i, next, from, at)
		case at == closed:
			r.spans = r.spans[:len(r.spans)-1]
			return fail(i, Quote, "text follows a closing quotation mark; write a quotation mark inside quoted text twice")
		case c == '"':
			return fail(i, Quote, "a quotation mark stands inside text that is not quoted; put the whole value in quotation marks and write this one twice")
		}
	}
}

func (r *Reader) finish(row scanned, size, next, from int, at place) scanned {
	if at == plain || at == fieldStart {
		r.spans = append(r.spans, span{from, size, false})
	}
	row.size, row.next = size, next
	return row
}

// lineEnd looks for the end of the line from byte i of the row on. Over the limit it lets go of what it has read, keeps the beginning, and
// gives offsets that are valid for one skip.
func (r *Reader) lineEnd(i int) (end, next int) {
	for ; ; i++ {
		if !r.more(i) {
			return i, i
		}
		switch r.buf[r.start+i] {
		case '\n':
			return i, i + 1
		case '\r':
			if r.more(i+1) && r.buf[r.start+i+1] == '\n' {
				return i, i + 2
			}
			return i, i + 1
		}
		if keep := min(rawKept, r.maxRow/2); i > r.maxRow { // drop the middle: only the beginning is shown
			copy(r.buf[r.start+keep:], r.buf[r.start+i:r.end])
			r.end -= i - keep
			i = keep
		}
	}
}
