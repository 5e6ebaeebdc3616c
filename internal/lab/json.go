package lab

import (
	"strconv"
	"unicode/utf8"
)

// Hand-written JSON for the hot path: encoding/json would cost more than everything else a create does.

func appendInt(b []byte, n int64) []byte { return strconv.AppendInt(b, n, 10) }

// appendField appends key, which brings its own comma, quotes and colon, and the value as a JSON string.
func appendField(b []byte, key, value string) []byte { return appendJSON(append(b, key...), value) }

// appendNullable appends null for an empty value.
func appendNullable(b []byte, key, value string) []byte {
	b = append(b, key...)
	if value == "" {
		return append(b, "null"...)
	}
	return appendJSON(b, value)
}

const hexDigits = "0123456789abcdef"

// appendJSON appends s as a JSON string. Bytes that are not UTF-8 become U+FFFD, as encoding/json does.
func appendJSON[T string | []byte](b []byte, s T) []byte {
	b = append(b, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			if c >= ' ' && c != '"' && c != '\\' {
				i++
				continue
			}
			b = append(b, s[start:i]...)
			switch c {
			case '"', '\\':
				b = append(b, '\\', c)
			case '\n':
				b = append(b, '\\', 'n')
			default:
				b = append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
			}
			i++
			start = i
			continue
		}
		r, size := utf8.DecodeRuneInString(string(s[i:min(i+utf8.UTFMax, len(s))]))
		if r == utf8.RuneError && size == 1 {
			b = append(b, s[start:i]...)
			b = append(b, "\uFFFD"...)
			start = i + 1
		}
		i += size
	}
	b = append(b, s[start:]...)
	return append(b, '"')
}
