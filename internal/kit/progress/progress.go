// Package progress shows how far something is: one line on a terminal, or a few where the words need it, redrawn in place; a line every
// few seconds elsewhere.
package progress

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/term"
)

// Bar of one piece of work. Not safe for concurrent use.
type Bar struct {
	w        io.Writer
	terminal bool
	width    func() int
	every    time.Duration
	shown    time.Time
	last     string // shown or waiting to be
	printed  string
	open     int // lines that stand on the terminal, the last one without its end
}

// New looks at w: a terminal is redrawn, anything else gets a line at most every three seconds.
func New(w io.Writer) *Bar {
	b := &Bar{w: w, every: 3 * time.Second, width: func() int { return 80 }}
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) && os.Getenv("TERM") != "dumb" {
		b.terminal = true
		b.width = func() int {
			if n, _, err := term.GetSize(int(f.Fd())); err == nil && n > 20 {
				return n
			}
			return 80
		}
	}
	return b
}

// Show draws the state of the work: fraction is 0 to 1, words say the rest, in pieces divided by " · ". now is the wall clock.
func (b *Bar) Show(now time.Time, fraction float64, words string) {
	const blocksElsewhere = 20
	head := func(n int) string { return fmt.Sprintf("%s %3.0f%%  ", blocks(fraction, n), clamp(fraction)*100) }
	b.last = head(blocksElsewhere) + words
	if b.terminal {
		b.draw(head(min(blocksElsewhere, b.width()/8)), words)
		return
	}
	if b.shown.IsZero() || now.Sub(b.shown) >= b.every {
		b.shown = now
		b.print()
	}
}

func (b *Bar) print() {
	if b.last != b.printed {
		fmt.Fprintln(b.w, b.last)
		b.printed = b.last
	}
}

// Done leaves the last state standing.
func (b *Bar) Done() {
	if !b.terminal {
		b.print()
	}
	if b.open > 0 {
		fmt.Fprintln(b.w)
		b.open = 0
	}
}

// draw replaces what stands on the terminal.
func (b *Bar) draw(head, words string) {
	width := b.width() - 1
	lines := fill(head, strings.Split(words, piece), width)
	var out strings.Builder
	if b.open > 1 {
		fmt.Fprintf(&out, "\x1b[%dA", b.open-1)
	}
	for i, line := range lines {
		if i > 0 {
			out.WriteString("\n")
		}
		out.WriteString("\r" + line + "\x1b[K")
	}
	out.WriteString("\x1b[J")
	b.open = len(lines)
	_, _ = io.WriteString(b.w, out.String()) // a terminal that went away has no reader
}

const (
	piece    = " · "
	maxLines = 3
)

// fill puts pieces behind the head and below it; what does not fit in the last line is cut.
func fill(head string, pieces []string, width int) []string {
	indent := strings.Repeat(" ", min(utf8.RuneCountInString(head), 4))
	lines, empty := []string{head}, true
	for _, p := range pieces {
		at := len(lines) - 1
		joined := lines[at] + piece + p
		if empty {
			joined = lines[at] + p
		}
		if !empty && len(lines) < maxLines && utf8.RuneCountInString(joined) > width {
			lines = append(lines, indent+p)
			continue
		}
		lines[at], empty = joined, false
	}
	for i, line := range lines {
		if r := []rune(line); len(r) > width {
			lines[i] = string(r[:width-1]) + "…"
		}
	}
	return lines
}

func blocks(fraction float64, n int) string {
	full := int(clamp(fraction)*float64(n) + 0.5)
	return "[" + strings.Repeat("█", full) + strings.Repeat("░", n-full) + "]"
}

func clamp(f float64) float64 { return max(0, min(1, f)) }
