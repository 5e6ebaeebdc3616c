package csvrow

import (
	"bytes"
	"strings"
)

// findDelimiter chooses the candidate that most rows of the sample have equally often; on a tie the one that comes first in them, since the
// phone number, which stands first, holds none. A first line "sep=;" as spreadsheets write it decides and is skipped.
func (r *Reader) findDelimiter() {
	sample := r.buf[r.start:r.end]
	if line, _, ok := bytes.Cut(sample, []byte("\n")); ok && len(line) >= 5 && bytes.EqualFold(line[:4], []byte("sep=")) && len(bytes.TrimRight(line, "\r")) == 5 {
		if c := line[4]; c == ',' || c == ';' || c == '\t' || c == '|' {
			if r.delimiter == 0 {
				r.delimiter = c
			}
			r.skip(len(line)+1, 1)
			return
		}
	}
	if r.delimiter != 0 {
		return
	}
	const candidates = ",;\t"
	var (
		seen  [len(candidates)]map[int]int // how often in a row → rows
		first [len(candidates)]int         // sum of first places
		count [len(candidates)]int
		rows  int
	)
	at, inQuotes := 0, false
	endRow := func() {
		if at > 0 {
			rows++
			for k, n := range count {
				if seen[k] == nil {
					seen[k] = map[int]int{}
				}
				if n > 0 {
					seen[k][n]++
				}
			}
		}
		count, at = [len(candidates)]int{}, 0
	}
	for _, c := range sample {
		if c == '"' {
			inQuotes = !inQuotes
		}
		if !inQuotes && (c == '\n' || c == '\r') {
			if endRow(); rows == 50 {
				break
			}
			continue
		}
		at++
		if k := strings.IndexByte(candidates, c); k >= 0 && !inQuotes {
			if count[k] == 0 {
				first[k] += at
			}
			count[k]++
		}
	}
	if rows == 0 || r.srcErr != nil && rows < 50 {
		endRow() // the last line has no end
	}
	best := 0
	score := func(k int) (rows int) {
		for _, n := range seen[k] {
			rows = max(rows, n)
		}
		return rows
	}
	for k := 1; k < len(candidates); k++ {
		if s, b := score(k), score(best); s > b || s == b && s > 0 && first[k] < first[best] {
			best = k
		}
	}
	r.delimiter = candidates[best]
}
