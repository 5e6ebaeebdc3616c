// Package speech says the server's sentences in the reader's language. The catalogue of a language is one Go map from the English format to its own;
// a test reads the program's source and fails when a sentence is missing in it (speech_test.go).
//
//	Does:   chooses a language by Accept-Language; says sentences; knows English text of ours again
//	Reads:  nothing
//	Writes: nothing
//	Wakes:  nobody
package speech

import (
	"fmt"
	"maps"
	"strings"
	"time"

	"golang.org/x/text/language"
	"golang.org/x/text/message"
	"golang.org/x/text/number"

	"github.com/overture-im/overture"
)

// Speech is the languages there are. Safe for concurrent use.
type Speech struct {
	matcher   language.Matcher
	languages []*Language
}

// New makes all languages; the first is spoken when the reader asks for none that we have.
func New() *Speech {
	s := &Speech{languages: []*Language{English(), German()}}
	var tags []language.Tag
	for _, l := range s.languages {
		tags = append(tags, l.tag)
	}
	s.matcher = language.NewMatcher(tags)
	return s
}

// For gives the language that fits an Accept-Language header best.
func (s *Speech) For(accept string) *Language {
	if accept == "" {
		return s.languages[0]
	}
	_, i := language.MatchStrings(s.matcher, accept)
	return s.languages[i]
}

// Language says sentences. Safe for concurrent use.
type Language struct {
	tag      language.Tag
	texts    map[string]string // by English format; nil: English itself
	clocks   map[string]string // layouts, by the English one
	duration func(time.Duration) string
	ear      func() []pattern
	numbers  *message.Printer
}

// English is what sentences are written in.
func English() *Language { return &Language{tag: language.English} }

// String is the language's tag, such as "de".
func (l *Language) String() string { return l.tag.String() }

// IsEnglish tells whether sentences can stay as they are.
func (l *Language) IsEnglish() bool { return l.texts == nil }

// Say gives the sentence in this language; in English, when the catalogue does not have it.
func (l *Language) Say(s overture.Sentence) string {
	if l.IsEnglish() {
		return s.String()
	}
	format, args, ok := s.Format()
	if !ok {
		return l.Hear(format)
	}
	text, known := l.texts[format]
	switch {
	case known:
	case wordless(format):
		text = format
	default:
		return s.String()
	}
	return l.fill(text, args)
}

// fill puts what goes in into a format.
func (l *Language) fill(format string, args []any) string {
	if len(args) == 0 {
		return strings.ReplaceAll(format, "%%", "%")
	}
	said := make([]any, len(args))
	for i, a := range args {
		said[i] = l.arg(a)
	}
	return l.numbers.Sprintf(format, said...)
}

func (l *Language) arg(a any) any {
	switch x := a.(type) {
	case overture.Sentence:
		return l.Say(x)
	case overture.Clock:
		return l.clock(x)
	case overture.Grouped:
		return int(x)
	case overture.Sum:
		sum := l.numbers.Sprint(number.Decimal(float64(x.Micros)/1e6, number.MinFractionDigits(2), number.MaxFractionDigits(6)))
		return strings.TrimSpace(sum + " " + x.Currency)
	case time.Duration:
		return l.duration(x)
	}
	return a
}

func (l *Language) clock(c overture.Clock) string {
	layout, known := l.clocks[c.Layout]
	if !known {
		layout = c.Layout
	}
	return c.Moment.Format(layout)
}

// wordless tells whether a format has nothing to translate, such as "%s: %s".
func wordless(format string) bool {
	for _, part := range parts(format) {
		if part.verb == 0 && strings.ContainsFunc(part.text, isLetter) {
			return false
		}
	}
	return true
}

func isLetter(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r > 0x7F && r != '…'
}

// merged puts the parts of a catalogue together. It panics on a sentence that stands twice, which a test sees before anybody else does.
func merged(all ...map[string]string) map[string]string {
	out := map[string]string{}
	for _, part := range all {
		for english := range part {
			if _, twice := out[english]; twice {
				panic(fmt.Sprintf("speech: %q stands twice", english))
			}
		}
		maps.Copy(out, part)
	}
	return out
}
