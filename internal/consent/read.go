package consent

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/overture-im/overture"
)

// restAlone is how many words may stand beside a phrase before the message says something more than stop.
const restAlone = 3

// read is the whole recognition, strictest first. A reasonable person decides what counts (47 CFR 64.1200(a)(10)); where that is not
// certain the wish is honoured at once and marked for review.
func (w *Words) read(body string) overture.Wish {
	ws := words(body)
	if len(ws) == 0 {
		return w.signs(body)
	}
	if len(ws) > 400 { // longer than any SMS: nobody stops at such length, and the work stays bounded
		ws = ws[:400]
	}
	key := strings.Join(ws, "")
	switch {
	case w.certain[key]:
		return overture.Wish{Kind: overture.WishStop, Certain: true, Alone: true, Matched: key}
	case w.start[key]:
		return overture.Wish{Kind: overture.WishStart, Certain: true, Alone: true, Matched: key}
	case w.help[key]:
		return overture.Wish{Kind: overture.WishHelp, Certain: true, Alone: true, Matched: key}
	case w.startOut[key]:
		return overture.Wish{Kind: overture.WishStart, Certain: true, Alone: true, OnlyOptedOut: true, Matched: key}
	case w.likely[key]:
		return overture.Wish{Kind: overture.WishStop, Alone: true, Matched: key}
	}
	if w.quotes(body) {
		return overture.Wish{}
	}
	if m := w.core(ws); m != "" {
		return overture.Wish{Kind: overture.WishStop, Alone: true, Matched: m}
	}
	if m, rest, ok := w.phrase(ws); ok {
		return overture.Wish{Kind: overture.WishStop, Alone: rest <= restAlone, Matched: m}
	}
	if m, rest := w.sentence(body); m != "" {
		return overture.Wish{Kind: overture.WishStop, Alone: rest <= restAlone, Matched: m}
	}
	return overture.Wish{}
}

// signs reads a message without a single word: a stop sign alone is a stop.
func (w *Words) signs(body string) overture.Wish {
	rest, found := body, ""
	for _, s := range w.stopSigns {
		if strings.Contains(rest, s) {
			found = s
			rest = strings.ReplaceAll(rest, s, "")
		}
	}
	rest = strings.TrimFunc(rest, func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsPunct(r) || unicode.Is(unicode.Variation_Selector, r)
	})
	if found == "" || rest != "" {
		return overture.Wish{}
	}
	return overture.Wish{Kind: overture.WishStop, Alone: true, Matched: found}
}

// core looks at what is left of a message without its courtesy: "ok stop please", "STOP STOP", "stopp", "unsuscribe me".
func (w *Words) core(ws []string) string {
	var left []string
	for _, s := range ws {
		if !w.fillers[s] && (len(left) == 0 || left[len(left)-1] != s) {
			left = append(left, s)
		}
	}
	key := strings.Join(left, "")
	switch {
	case key == "" || len(left) > 4:
		return ""
	case w.certain[key] && !w.everyday[key], w.likely[key]:
		return key
	case len(left) == 1:
		return w.slip(key)
	}
	return ""
}

// slip gives the word that was meant by one with a typing error: one slip in a short word, two in a long one that begins right.
func (w *Words) slip(key string) string {
	if w.notTypos[key] || w.start[key] || w.startOut[key] || utf8.RuneCountInString(key) < 3 {
		return ""
	}
	for _, t := range w.typosOf {
		allowed := 1
		if len(t) > 8 {
			allowed = 2
		}
		if allowed == 2 && key[0] != t[0] {
			continue // "subscribe" is two slips away and means the opposite
		}
		if d := len(key) - len(t); d <= 2 && d >= -2 && distance(key, t) <= allowed {
			return t
		}
	}
	return ""
}

// phrase finds a stop phrase inside the message and how many words stand beside it, courtesy not counted.
func (w *Words) phrase(ws []string) (matched string, rest int, ok bool) {
	text, joined := " "+strings.Join(ws, " ")+" ", strings.Join(ws, "")
	plain := w.plain(ws)
	for _, p := range w.phrases {
		if p.joined != "" {
			if strings.Contains(joined, p.joined) {
				return p.joined, (utf8.RuneCountInString(joined) - utf8.RuneCountInString(p.joined)) / 3, true
			}
			continue
		}
		for from := 0; ; {
			i := strings.Index(text[from:], p.spaced)
			if i < 0 {
				break
			}
			at := from + i
			if !w.negated(text[:at+1]) {
				return strings.TrimSpace(p.spaced), max(0, plain-w.plain(strings.Fields(p.spaced))), true
			}
			from = at + 1
		}
	}
	for i, s := range ws {
		if len(s) >= 9 && w.slip(s) == "unsubscribe" && !w.negated(" "+strings.Join(ws[:i], " ")+" ") {
			return "unsubscribe", max(0, plain-1), true
		}
	}
	return "", 0, false
}

// sentence reads the first and the last sentence by themselves: "Stop. I never signed up for this."
func (w *Words) sentence(body string) (matched string, rest int) {
	parts := strings.FieldsFunc(body, func(r rune) bool { return strings.ContainsRune(".!?;,\n\r。！？，؟،", r) })
	if len(parts) < 2 {
		return "", 0
	}
	for _, p := range []string{parts[0], parts[len(parts)-1]} {
		ws := words(p)
		key := strings.Join(ws, "")
		if m := w.core(ws); m != "" && w.certain[m] && !w.everyday[m] && key != "" {
			return m, max(0, w.plain(words(body))-1)
		}
	}
	return "", 0
}

func (w *Words) plain(ws []string) int {
	n := 0
	for _, s := range ws {
		if !w.fillers[s] {
			n++
		}
	}
	return n
}

func (w *Words) negated(before string) bool {
	for _, n := range w.negations {
		if strings.HasSuffix(before, n) {
			return true
		}
	}
	return false
}

// quotes tells a phone's reaction, which repeats our own text with its opt-out line: Liked “Sale today. … just reply STOP”.
func (w *Words) quotes(body string) bool {
	i := strings.IndexAny(body, "“\"«„")
	if i < 0 {
		return false
	}
	before := strings.Join(words(body[:i]), " ")
	for _, q := range w.quoting {
		if before == q {
			return true
		}
	}
	return false
}
