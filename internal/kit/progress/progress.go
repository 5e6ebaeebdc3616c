// Package progress shows how far something is: one redrawn line on a terminal, a line every few seconds elsewhere.
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
	open     bool // a line without its end stands on the terminal
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

// Show draws the state of the work: fraction is 0 to 1, words say the rest. now is the wall clock.
func (b *Bar) Show(now time.Time, fraction float64, words string) {
	line := fmt.Sprintf("%s %3.0f%%  %s", blocks(fraction, 20), clamp(fraction)*100, words)
	b.last = line
	if b.terminal {
		b.draw(line)
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

// Break ends a redrawn line so that other text can follow; the next Show draws anew.
func (b *Bar) Break() {
	if b.open {
		fmt.Fprintln(b.w)
		b.open = false
	}
}

// Done leaves the last state standing.
func (b *Bar) Done() {
	if !b.terminal {
		b.print()
	}
	b.Break()
}

func (b *Bar) draw(line string) {
	width := b.width() - 1
	if utf8.RuneCountInString(line) > width {
		line = string([]rune(line)[:width-1]) + "…"
	}
	fmt.Fprintf(b.w, "\r%s\x1b[K", line)
	b.open = true
}

func blocks(fraction float64, n int) string {
	full := int(clamp(fraction)*float64(n) + 0.5)
	return "[" + strings.Repeat("█", full) + strings.Repeat("░", n-full) + "]"
}

func clamp(f float64) float64 { return max(0, min(1, f)) }
