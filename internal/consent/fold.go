package consent

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// dropped apostrophes join what they stand between: don't → dont, j'arrête → jarrete.
var apostrophes = strings.NewReplacer("'", "", "’", "", "‘", "", "ʼ", "", "`", "", "´", "", "＇", "")

// letters that people swap with a plain one and that no Unicode decomposition joins.
var letters = strings.NewReplacer("ß", "ss", "ı", "i", "ł", "l", "ø", "o", "æ", "ae", "œ", "oe", "ς", "σ")

// words folds a text to what is compared: case, accents, width, punctuation and emoji are gone, words are separate.
func words(text string) []string {
	var b strings.Builder
	for _, r := range norm.NFKD.String(apostrophes.Replace(text)) {
		switch {
		case accent(r), unicode.Is(unicode.Cf, r), unicode.Is(unicode.Variation_Selector, r):
		case unicode.IsLetter(r), unicode.IsDigit(r), unicode.IsMark(r):
			b.WriteRune(unicode.ToLower(r))
		default:
			b.WriteByte(' ')
		}
	}
	return strings.Fields(letters.Replace(b.String()))
}

// accent tells marks that may be left out in writing: Latin, Greek and Cyrillic accents, Hebrew points, Arabic vowels and the tatweel.
// Marks that carry the letter, as in Indic scripts and Japanese, stay.
func accent(r rune) bool {
	return r >= 0x300 && r <= 0x36f || r >= 0x591 && r <= 0x5c7 || r == 0x640 || r >= 0x64b && r <= 0x65f || r == 0x670
}

// unspaced tells a script that is written without spaces, where a phrase is found inside a word.
func unspaced(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool {
		return unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai, unicode.Hangul)
	})
}

// distance is the number of slips between two words: a letter too many, too few, wrong, or two swapped (optimal string alignment).
func distance(a, b string) int {
	s, t := []rune(a), []rune(b)
	prev2, prev, row := make([]int, len(t)+1), make([]int, len(t)+1), make([]int, len(t)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(s); i++ {
		row[0] = i
		for j := 1; j <= len(t); j++ {
			cost := 1
			if s[i-1] == t[j-1] {
				cost = 0
			}
			row[j] = min(prev[j]+1, row[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && s[i-1] == t[j-2] && s[i-2] == t[j-1] {
				row[j] = min(row[j], prev2[j-2]+1)
			}
		}
		prev2, prev, row = prev, row, prev2
	}
	return prev[len(t)]
}
