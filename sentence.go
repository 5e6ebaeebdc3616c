package overture

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// Sentence is words for people for which no language has been chosen yet: a format of package fmt and what goes into it. Rooms make sentences; a
// door says them in the reader's language (ADR 19). String is the English, for logs, the audit, the command line and rows.
//
// What goes in is kept apart because languages write it differently: numbers as int (%d; a code that is no quantity goes in as text), sums as Sum,
// moments as Clock, durations as time.Duration, words of closed lists as Written, other sentences as they are. A string is somebody's own words and
// stays as it is.
type Sentence struct {
	format  string
	args    []any
	written bool // format is English text, not a format
}

// Say makes a sentence. The format must be a constant: a test finds it in the source and asks every language for it.
func Say(format string, args ...any) Sentence { return Sentence{format: format, args: args} }

// Plural makes a sentence about a number, which goes in before the args. Both formats must be constants.
func Plural[N int | Grouped](n N, one, many string, args ...any) Sentence {
	format := many
	if n == 1 { // so do all languages we have; one with other rules must ask for the number
		format = one
	}
	return Sentence{format: format, args: append([]any{n}, args...)}
}

// Written makes a sentence of English text that is no format any more: the reason in a row, the message of an error, the word of a state. A door
// knows it again when it is one of ours, and leaves it as it is when it is a person's.
func Written(text string) Sentence { return Sentence{format: text, written: true} }

// Joined puts sentences behind each other. The separator has no letters.
func Joined(separator string, parts ...Sentence) Sentence {
	args := make([]any, len(parts))
	for i, p := range parts {
		args[i] = p
	}
	return Sentence{format: strings.TrimSuffix(strings.Repeat("%s"+separator, len(parts)), separator), args: args}
}

// IsZero tells whether nothing is said.
func (s Sentence) IsZero() bool { return s.format == "" }

// Format gives the format and what goes in. ok is false for written text, which format is then.
func (s Sentence) Format() (format string, args []any, ok bool) { return s.format, s.args, !s.written }

// String is the English.
func (s Sentence) String() string {
	if s.written {
		return s.format
	}
	return fmt.Sprintf(s.format, s.args...)
}

// MarshalText writes the English, which is what rows keep.
func (s Sentence) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads what a row kept.
func (s *Sentence) UnmarshalText(text []byte) error { //nolint:recvcheck // a value everywhere else
	*s = Written(string(text))
	return nil
}

// Clock is a moment inside a sentence, in a layout of package time that each language has its own of.
type Clock struct {
	Moment time.Time
	Layout string
}

// At makes a Clock.
func At(moment time.Time, layout string) Clock { return Clock{Moment: moment, Layout: layout} }

// String is the moment as English writes it.
func (c Clock) String() string { return c.Moment.Format(c.Layout) }

// Grouped is a number that English writes with a comma at each thousand. Other languages group every number.
type Grouped int

// Format implements fmt.Formatter.
func (n Grouped) Format(to fmt.State, _ rune) {
	text := strconv.Itoa(int(n))
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	_, _ = io.WriteString(to, text) // a buffer of fmt
}

// Sum is an amount of money inside a sentence, in millionths.
type Sum struct {
	Micros   int64
	Currency string // empty: not known
}

// String is the sum as English writes it.
func (x Sum) String() string { return strings.TrimSpace(Money(x.Micros) + " " + x.Currency) }
