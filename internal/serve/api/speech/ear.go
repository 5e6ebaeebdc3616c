package speech

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/overture-im/overture"
)

// Some sentences reach a door as English text: the messages of errors, what rows keep (why a campaign is paused, what is wrong with a row of a list),
// and what packages of the ground say. The ear knows them again by their format. What it does not know is somebody's own words and stays.

// pattern is a format that can be known again.
type pattern struct {
	format string
	text   *regexp.Regexp
	must   string  // the longest text between verbs: what lacks it is not worth a look
	verbs  []piece // in the order of the groups
	weight int     // letters of its own: the more, the surer
}

// enough is the least weight of a format that takes any text; a number counts as half of it. "%s and %s" would be heard in everybody's words.
const enough = 8

// persons are formats whose last text is always somebody's own.
var persons = []string{"paused by %s: %s", "canceled by %s: %s"}

// piece of a format: a verb with the argument it takes, or text between verbs.
type piece struct {
	verb byte // 0: text
	arg  int  // from 0
	text string
}

var verb = regexp.MustCompile(`%(?:\[(\d+)\])?[.0-9]*([a-zA-Z%])`)

// parts takes a format apart. "%%" is text.
func parts(format string) (out []piece) {
	next, end := 0, 0
	for _, m := range verb.FindAllStringSubmatchIndex(format, -1) {
		if m[0] > end {
			out = append(out, piece{text: format[end:m[0]]})
		}
		end = m[1]
		kind := format[m[4]]
		if kind == '%' {
			out = append(out, piece{text: "%"})
			continue
		}
		if m[2] >= 0 {
			n, _ := strconv.Atoi(format[m[2]:m[3]]) // digits
			next = n - 1
		}
		out = append(out, piece{verb: kind, arg: next})
		next++
	}
	if end < len(format) {
		out = append(out, piece{text: format[end:]})
	}
	return out
}

// patternsOf makes patterns of all formats that take something, the surest first.
func patternsOf(texts map[string]string) (out []pattern) {
	for format := range texts {
		p := pattern{format: format}
		open := false // takes any text
		sure := 0
		var re strings.Builder
		for _, part := range parts(format) {
			switch part.verb {
			case 0:
				re.WriteString(regexp.QuoteMeta(part.text))
				if len(part.text) > len(p.must) {
					p.must = part.text
				}
				p.weight += len(strings.Map(letters, part.text))
				continue
			case 'd':
				sure += enough / 2
				re.WriteString(`(-?[0-9][0-9,]*)`)
			case 'q':
				re.WriteString(`("(?:[^"\\]|\\.)*")`)
			case 'g', 'f':
				re.WriteString(`([0-9.]+)`)
			default:
				open = true
				re.WriteString(`(.*?)`)
			}
			p.verbs = append(p.verbs, part)
		}
		if len(p.verbs) == 0 || open && p.weight+sure < enough {
			continue
		}
		p.text = regexp.MustCompile(`(?s)^` + re.String() + `$`)
		out = append(out, p)
	}
	slices.SortFunc(out, func(a, b pattern) int {
		if a.weight != b.weight {
			return b.weight - a.weight
		}
		return strings.Compare(a.format, b.format)
	})
	return out
}

func letters(r rune) rune {
	if isLetter(r) {
		return r
	}
	return -1
}

// Hear gives English text of ours in this language, and any other text as it is.
func (l *Language) Hear(text string) string {
	if l.IsEnglish() || text == "" {
		return text
	}
	out, known := l.hear(text)
	if !known {
		return text
	}
	return out
}

// hear knows one sentence, or several with "; " between them.
func (l *Language) hear(text string) (string, bool) {
	if out, known := l.one(text); known {
		return out, true
	}
	for i := 0; ; {
		next := strings.Index(text[i:], "; ")
		if next < 0 {
			return "", false
		}
		i += next
		if first, known := l.one(text[:i]); known {
			if rest, known := l.hear(text[i+2:]); known {
				return first + "; " + rest, true
			}
		}
		i += 2
	}
}

// one knows one sentence.
func (l *Language) one(text string) (string, bool) {
	if own, known := l.texts[text]; known && len(parts(text)) < 2 {
		return strings.ReplaceAll(own, "%%", "%"), true
	}
	for _, p := range l.ear() {
		if !strings.Contains(text, p.must) {
			continue
		}
		if found := p.text.FindStringSubmatch(text); found != nil {
			return l.fill(l.texts[p.format], l.args(p, found[1:])), true
		}
	}
	return "", false
}

// args gives back what went into a format.
func (l *Language) args(p pattern, found []string) []any {
	most := 0
	for _, v := range p.verbs {
		most = max(most, v.arg+1)
	}
	out := make([]any, most)
	for i, v := range p.verbs {
		switch text := found[i]; v.verb {
		case 'd':
			n, _ := strconv.Atoi(strings.ReplaceAll(text, ",", "")) // the pattern takes digits only
			out[v.arg] = n
		case 'g', 'f':
			f, _ := strconv.ParseFloat(text, 64)
			out[v.arg] = f
		case 'q':
			own, err := strconv.Unquote(text)
			if err != nil {
				own = strings.Trim(text, `"`)
			}
			out[v.arg] = own
		default:
			if out[v.arg] = l.inner(text); i == len(p.verbs)-1 && slices.Contains(persons, p.format) {
				out[v.arg] = text
			}
		}
	}
	for i := range out {
		if out[i] == nil { // a number that a form for one does not write
			out[i] = 1
		}
	}
	return out
}

// inner is what stands where a sentence has %s: a moment, a sentence of ours, or somebody's words.
func (l *Language) inner(text string) string {
	for layout := range l.clocks {
		if at, err := time.Parse(layout, text); err == nil && at.Format(layout) == text {
			return l.clock(overture.At(at, layout))
		}
	}
	return l.Hear(text)
}
