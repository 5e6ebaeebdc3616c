package csvrow

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Guard makes a cell harmless in a spreadsheet: each of its lines that would be read as a formula gets a leading apostrophe, which
// spreadsheets take for "this is text". Formulas begin with = + - @, their full-width forms, a tab or a carriage return, also after spaces
// (OWASP, CSV injection).
func Guard(cell string) string {
	if !risky(cell) {
		return cell
	}
	var b strings.Builder
	for cell != "" {
		end := strings.IndexAny(cell, "\r\n") + 1
		if end == 0 {
			end = len(cell)
		}
		if dangerous(cell[:end]) {
			b.WriteByte('\'')
		}
		b.WriteString(cell[:end])
		cell = cell[end:]
	}
	return b.String()
}

// Unguard takes away what Guard has put before a formula at the beginning of a cell, so that a downloaded list can be uploaded again.
func Unguard(cell string) string {
	if rest, ok := strings.CutPrefix(cell, "'"); ok && dangerous(rest) {
		return rest
	}
	return cell
}

// risky tells quickly whether any line may be dangerous.
func risky(cell string) bool {
	return dangerous(cell) || strings.ContainsAny(cell, "\r\n")
}

// dangerous tells whether the beginning of a line is read as a formula.
func dangerous(line string) bool {
	line = strings.TrimLeftFunc(line, func(r rune) bool {
		return r != '\t' && r != '\r' && (unicode.IsSpace(r) || unicode.Is(unicode.Cf, r) || r < ' ')
	})
	r, _ := utf8.DecodeRuneInString(line)
	switch r {
	case '\t', '\r', '=', '+', '-', '@', '＝', '＋', '－', '＠', '﹢', '﹣', '﹦', '﹫':
		return true
	}
	return false
}

// AppendSafe appends one row of comma separated cells, guarded and quoted where needed, with a CR LF as RFC 4180 has it.
func AppendSafe(dst []byte, cells ...string) []byte {
	for i, cell := range cells {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = AppendCell(dst, Guard(cell), ',')
	}
	return append(dst, '\r', '\n')
}

// AppendCell appends one cell as it is, in quotation marks where RFC 4180 needs them.
func AppendCell(dst []byte, cell string, delimiter byte) []byte {
	if strings.IndexByte(cell, delimiter) < 0 && !strings.ContainsAny(cell, "\"\r\n") && strings.TrimSpace(cell) == cell {
		return append(dst, cell...)
	}
	dst = append(dst, '"')
	for i := 0; i < len(cell); i++ {
		if cell[i] == '"' {
			dst = append(dst, '"')
		}
		dst = append(dst, cell[i])
	}
	return append(dst, '"')
}
