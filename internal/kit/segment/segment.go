// Package segment does the arithmetic of SMS texts: which encoding a text needs, how many units it has and in how many parts it travels.
//
// Source: 3GPP TS 23.038 (GSM 7 bit default alphabet and its extension table) and TS 23.040 (concatenation with a six octet header).
package segment

import (
	"strings"
	"unicode/utf8"
)

// The two encodings of an SMS.
const (
	GSM7 = "GSM-7"
	UCS2 = "UCS-2"
)

// Units that fit: septets in GSM-7, UTF-16 code units in UCS-2. Parts of a longer text lose six octets to the concatenation header.
const (
	gsmSingle, gsmPart   = 160, 153
	ucs2Single, ucs2Part = 70, 67
)

// Result of a measurement.
type Result struct {
	Encoding   string // GSM7 or UCS2
	Units      int    // septets (extension characters count two), or UTF-16 code units
	Segments   int    // parts the text travels in; 1 for an empty text
	Offender   rune   // first character outside GSM-7, which made the whole text UCS-2; 0 with GSM7
	OffenderAt int    // its index in characters (runes)
}

// Measure counts a text as it is; apply Smart before, where it is wanted. A byte that is not UTF-8 counts as U+FFFD. It does not allocate.
func Measure(text string) Result {
	units, extended := 0, false
	for i := 0; i < len(text); i++ {
		n := narrow[text[i]]
		if n == 0 || text[i] >= utf8.RuneSelf {
			return measureFrom(text, i, units, extended)
		}
		extended = extended || n == 2
		units += int(n)
	}
	return gsmResult(text, units, extended)
}

// measureFrom goes on character by character at byte at, before which everything is ASCII and costs units.
func measureFrom(text string, at, units int, extended bool) Result {
	index := at // so far one character is one byte
	for _, r := range text[at:] {
		n := septets(r)
		if n == 0 {
			return ucs2Result(text, r, index)
		}
		extended = extended || n == 2
		units += n
		index++
	}
	return gsmResult(text, units, extended)
}

func gsmResult(text string, units int, extended bool) Result {
	res := Result{Encoding: GSM7, Units: units, Segments: 1}
	switch {
	case units <= gsmSingle:
	case !extended:
		res.Segments = (units + gsmPart - 1) / gsmPart
	default: // an escape must stay with its character, so a part may end one septet early
		room := gsmPart
		for _, r := range text {
			n := septets(r)
			if n > room {
				res.Segments++
				room = gsmPart
			}
			room -= n
		}
	}
	return res
}

func ucs2Result(text string, offender rune, at int) Result {
	res := Result{Encoding: UCS2, Segments: 1, Offender: offender, OffenderAt: at}
	room := ucs2Part
	parts := 1
	for _, r := range text {
		n := 1
		if r > 0xFFFF {
			n = 2 // a surrogate pair, which must stay together
		}
		res.Units += n
		if n > room {
			parts++
			room = ucs2Part
		}
		room -= n
	}
	if res.Units > ucs2Single {
		res.Segments = parts
	}
	return res
}

// septets a character costs in GSM-7; 0 when the alphabet lacks it.
func septets(r rune) int {
	if r < rune(len(narrow)) {
		return int(narrow[r])
	}
	switch r {
	case 'Δ', 'Φ', 'Γ', 'Λ', 'Ω', 'Π', 'Ψ', 'Σ', 'Θ', 'Ξ':
		return 1
	case '€':
		return 2
	}
	return 0
}

// narrow holds the septets of the characters below U+0100.
//
//nolint:gochecknoglobals // constant table
var narrow = func() (cost [256]uint8) {
	for _, r := range "@£$¥èéùìòÇ\nØø\rÅå_ÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?" +
		"¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà" {
		cost[r] = 1
	}
	for _, r := range "\f^{}\\[~]|" {
		cost[r] = 2
	}
	return cost
}()

// Smart replaces look-alike Unicode and stray control characters by GSM-7 characters ("smart encoding"). A text without any is returned
// as it is, without allocating. It can lengthen a text: a no-break space becomes two spaces, a tab seven.
func Smart(text string) string {
	at := firstSmart(text)
	if at < 0 {
		return text
	}
	var b strings.Builder
	b.Grow(len(text) + 16)
	b.WriteString(text[:at])
	for i := at; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		if to, ok := smart(r); ok {
			b.WriteString(to)
		} else {
			b.WriteString(text[i : i+size])
		}
		i += size
	}
	return b.String()
}

// Plain gives the GSM-7 text that smart encoding puts in place of a character; false when it has none.
func Plain(r rune) (string, bool) { return smart(r) }

func firstSmart(text string) int {
	for i, r := range text {
		if _, ok := smart(r); ok {
			return i
		}
	}
	return -1
}

func smart(r rune) (string, bool) {
	if r >= ' ' && r < utf8.RuneSelf && r != '`' {
		return "", false // the only printable ASCII character the table replaces is the backtick
	}
	to, ok := smartTable[r]
	return to, ok
}
