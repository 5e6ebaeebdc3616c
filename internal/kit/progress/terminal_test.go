package progress

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func TestFillUsesASecondLineBeforeItCuts(t *testing.T) {
	for _, c := range []struct {
		name   string
		pieces []string
		want   []string
	}{
		{"fits", []string{"1 sent", "2 held"}, []string{"[#] 1 sent · 2 held"}},
		{"two lines", []string{"123456789", "123456789", "x"}, []string{"[#] 123456789", "    123456789 · x"}},
		{"too much", []string{"123456789", "123456789", "123456789"}, []string{"[#] 123456789", "    123456789", "    123456789"}},
		{"far too much", []string{"123456789", "123456789", "123456789", "123456789"}, []string{"[#] 123456789", "    123456789", "    123456789 · 123…"}},
		{"one long piece", []string{strings.Repeat("y", 30)}, []string{"[#] " + strings.Repeat("y", 15) + "…"}},
	} {
		if got := fill("[#] ", c.pieces, 20); !slices.Equal(got, c.want) {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

func TestTerminalIsRedrawnInPlace(t *testing.T) {
	var out strings.Builder
	b := &Bar{w: &out, terminal: true, width: func() int { return 40 }}
	b.Show(time.Time{}, 0.5, "one piece of words · another piece of words")
	b.Show(time.Time{}, 1, "done")
	b.Done()
	text := out.String()
	if strings.Count(text, "\x1b[1A") != 1 || !strings.HasSuffix(text, "\x1b[J\n") {
		t.Errorf("two lines must be gone over once, and the last state must stand: %q", text)
	}
}
