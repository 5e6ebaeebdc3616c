package overture

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
)

// Content is the text of an SMS campaign. Variables are {{1}}, {{2}} … by position or {{name}} by CSV header.
type Content struct {
	Text          string
	OptOutText    string
	SmartEncoding bool // replace look-alike Unicode by GSM-7 (C3)
}

// Hash identifies the content frozen at launch.
func (c Content) Hash() string {
	h := sha256.Sum256(fmt.Appendf(nil, "%d:%s\n%d:%s\n%t", len(c.Text), c.Text, len(c.OptOutText), c.OptOutText, c.SmartEncoding))
	return hex.EncodeToString(h[:])
}

// Variables lists the variables of the text in order of first appearance, without braces.
func (c Content) Variables() []string {
	var out []string
	seen := map[string]bool{}
	for rest := c.Text; ; {
		_, after, ok := strings.Cut(rest, "{{")
		if !ok {
			return out
		}
		name, tail, ok := strings.Cut(after, "}}")
		if !ok {
			return out
		}
		if name = strings.TrimSpace(name); validVariable(name) && !seen[name] {
			seen[name] = true
			out = append(out, name)
		}
		rest = tail
	}
}

func validVariable(name string) bool {
	if name == "" || len(name) > 64 {
		return false
	}
	for _, r := range name {
		if r != '_' && r != '-' && r != '.' && r != ' ' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') && r < 0x80 {
			return false
		}
	}
	return true
}

// Personal is what one recipient brings to the text.
type Personal struct {
	Text   string         // this person's whole message instead of the campaign text; empty: none (D3)
	Values []string       // by position: {{1}} is Values[0]
	Names  map[string]int // header name → position in Values, shared by the whole list
}

// Value of a variable: by header name first (upper and lower case alike), then by position.
func (p Personal) Value(name string) (string, bool) {
	i, ok := p.Names[name]
	if !ok {
		i, ok = p.Names[strings.ToLower(name)]
	}
	if ok && i < len(p.Values) {
		return p.Values[i], true
	}
	if n, err := strconv.Atoi(name); err == nil && n >= 1 && n <= len(p.Values) {
		return p.Values[n-1], true
	}
	return "", false
}

// For gives the final text for one recipient: the personal or campaign text with its variables replaced, then the opt-out text.
// Plain substitution, no functions: user text is never run as a template. A missing variable is an error.
// The opt-out text is added only where the text does not already end with it.
func (c Content) For(p Personal) (string, error) {
	text := c.Text
	if p.Text != "" {
		text = p.Text
	}
	var b strings.Builder
	for p.Text == "" {
		before, after, ok := strings.Cut(text, "{{")
		if !ok {
			break
		}
		name, tail, ok := strings.Cut(after, "}}")
		trimmed := strings.TrimSpace(name)
		if !ok || !validVariable(trimmed) {
			b.WriteString(before)
			b.WriteString("{{")
			text = after
			continue
		}
		v, found := p.Value(trimmed)
		if !found {
			return "", ErrInvalid("missing_variable", "the text needs {{"+trimmed+"}} and this row has no value for it")
		}
		b.WriteString(before)
		b.WriteString(v)
		text = tail
	}
	b.WriteString(text)
	return withOptOut(b.String(), c.OptOutText), nil
}

func withOptOut(text, optOut string) string {
	text = strings.TrimRight(text, " \t\r\n")
	if optOut == "" || strings.HasSuffix(text, optOut) {
		return text
	}
	if text == "" {
		return optOut
	}
	return text + " " + optOut
}
