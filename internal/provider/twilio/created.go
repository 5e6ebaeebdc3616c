package twilio

import "strings"

// readCreated finds the message's SID and its segments in the answer to a create, in one pass without garbage: an encoding/json decode costs
// as much as the whole request. It says ok only of a well-formed object that names both as expected; everything else is read again by
// encoding/json, which decides (R5).
func readCreated(b []byte) (sid string, segments int, ok bool) {
	s := scan{b: b}
	if !s.take('{') {
		return "", 0, false
	}
	for {
		key, plain := s.text()
		if !plain || !s.take(':') {
			return "", 0, false
		}
		name := string(key)
		if name != "sid" && strings.EqualFold(name, "sid") || name != "num_segments" && strings.EqualFold(name, "num_segments") {
			return "", 0, false // encoding/json would take it for the field
		}
		from := s.space()
		if !s.value(0) {
			return "", 0, false
		}
		value := b[from:s.at]
		switch name {
		case "sid":
			if sid != "" || len(value) < 2 || value[0] != '"' {
				return "", 0, false
			}
			sid = string(value[1 : len(value)-1]) // with an escape it is no SID below
		case "num_segments":
			if len(value) > 2 && value[0] == '"' {
				value = value[1 : len(value)-1]
			}
			if segments, ok = digits(string(value)); !ok {
				return "", 0, false
			}
		}
		if s.take(',') {
			continue
		}
		if !s.take('}') {
			return "", 0, false
		}
		s.space()
		return sid, segments, s.at == len(b) && isMessageSID(sid)
	}
}

// scan walks over JSON.
type scan struct {
	b  []byte
	at int
}

func (s *scan) space() int {
	for s.at < len(s.b) && (s.b[s.at] == ' ' || s.b[s.at] == '\n' || s.b[s.at] == '\t' || s.b[s.at] == '\r') {
		s.at++
	}
	return s.at
}

func (s *scan) take(c byte) bool {
	if s.space(); s.at >= len(s.b) || s.b[s.at] != c {
		return false
	}
	s.at++
	return true
}

// text takes a string; plain is false when it is none, or has an escape.
func (s *scan) text() (raw []byte, plain bool) {
	from := s.space() + 1
	if !s.quoted() {
		return nil, false
	}
	for _, c := range s.b[from : s.at-1] {
		if c == '\\' {
			return nil, false
		}
	}
	return s.b[from : s.at-1], true
}

// quoted takes a string with or without escapes.
func (s *scan) quoted() bool {
	if !s.take('"') {
		return false
	}
	for ; s.at < len(s.b); s.at++ {
		switch c := s.b[s.at]; {
		case c == '"':
			s.at++
			return true
		case c < ' ':
			return false
		case c == '\\':
			if s.at++; !s.escape() {
				return false
			}
		}
	}
	return false
}

// escape looks at what follows a backslash and stands on its last character.
func (s *scan) escape() bool {
	if s.at >= len(s.b) {
		return false
	}
	if s.b[s.at] != 'u' {
		return strings.IndexByte(`"\/bfnrt`, s.b[s.at]) >= 0
	}
	if len(s.b)-s.at < 5 {
		return false
	}
	for _, c := range s.b[s.at+1 : s.at+5] {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') && (c < 'A' || c > 'F') {
			return false
		}
	}
	s.at += 4
	return true
}

// maxDepth of nested values; Twilio's answer has two.
const maxDepth = 8

// value takes any value, with no number but a whole one that is not negative; others are left to encoding/json.
func (s *scan) value(depth int) bool {
	if s.space(); s.at >= len(s.b) || depth > maxDepth {
		return false
	}
	switch c := s.b[s.at]; {
	case c == '"':
		return s.quoted()
	case c == '{':
		return s.list('}', func() bool { return s.quoted() && s.take(':') && s.value(depth+1) })
	case c == '[':
		return s.list(']', func() bool { return s.value(depth + 1) })
	case c == 'n':
		return s.word("null")
	case c == 't':
		return s.word("true")
	case c == 'f':
		return s.word("false")
	case c >= '1' && c <= '9':
		for s.at < len(s.b) && s.b[s.at] >= '0' && s.b[s.at] <= '9' {
			s.at++
		}
		return s.at < len(s.b) && s.b[s.at] != '.' && s.b[s.at] != 'e' && s.b[s.at] != 'E'
	case c == '0':
		s.at++
		return s.at < len(s.b) && (s.b[s.at] == ',' || s.b[s.at] == '}' || s.b[s.at] == ']')
	}
	return false
}

func (s *scan) word(w string) bool {
	if len(s.b)-s.at < len(w) || string(s.b[s.at:s.at+len(w)]) != w {
		return false
	}
	s.at += len(w)
	return true
}

// list takes elements up to the closing bracket; the opening one is next.
func (s *scan) list(closing byte, element func() bool) bool {
	s.at++
	if s.take(closing) {
		return true
	}
	for element() {
		if s.take(closing) {
			return true
		}
		if !s.take(',') {
			return false
		}
	}
	return false
}
