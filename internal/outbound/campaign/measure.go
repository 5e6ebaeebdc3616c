package campaign

import (
	"context"
	"strings"
	"unicode/utf8"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/kit/segment"
)

// Measurement is the arithmetic of a text as it goes out, opt-out text included (C2, C3).
type Measurement struct {
	Final      string // the text that was measured; variables stand as they are written
	Characters int
	Encoding   string // GSM-7 or UCS-2
	Units      int    // septets, or UTF-16 code units
	Segments   int
	Offender   string // the first character that forces UCS-2; empty with GSM-7
	OffenderAt int    // its index in characters of Final
	Plain      string // what smart encoding would put in its place
	HasPlain   bool   // false: there is no look-alike

	Limit     int // characters including the opt-out text
	Reserved  int // characters of the limit that the opt-out text takes
	Available int // characters left for the text; negative: so many too many
	Policy    overture.LengthPolicy
	Allowed   bool     // under the account's length policy
	Variables []string // of the text, in order of appearance; their values change the arithmetic per recipient
}

// Measure does the arithmetic for a text that is being written. An empty opt-out text means the account's.
func (s *Service) Measure(ctx context.Context, account overture.AccountID, content overture.Content) (Measurement, error) {
	acc, err := s.store.Account(ctx, account)
	if err != nil {
		return Measurement{}, err
	}
	settings := acc.Settings.WithDefaults()
	if content.OptOutText == "" {
		content.OptOutText = settings.OptOutText
	}
	return measure(content, settings), nil
}

func measure(content overture.Content, settings overture.Settings) Measurement {
	// A personal text is taken as it stands, so this puts the opt-out text behind the text without touching its variables.
	final, _ := overture.Content{OptOutText: content.OptOutText}.For(overture.Personal{Text: orSpace(content.Text)})
	if content.SmartEncoding {
		final = segment.Smart(final)
	}
	r := segment.Measure(final)
	m := Measurement{
		Final: final, Characters: utf8.RuneCountInString(final), Encoding: r.Encoding, Units: r.Units, Segments: r.Segments,
		Limit: settings.SMSLimit, Reserved: utf8.RuneCountInString(content.OptOutText), Policy: settings.LengthPolicy, Variables: content.Variables(),
	}
	if r.Offender != 0 {
		m.Offender, m.OffenderAt = string(r.Offender), r.OffenderAt
		m.Plain, m.HasPlain = segment.Plain(r.Offender)
	}
	own := strings.TrimRight(strings.TrimSuffix(strings.TrimRight(content.Text, " \t\r\n"), content.OptOutText), " \t\r\n")
	m.Available = m.Limit - m.Reserved - utf8.RuneCountInString(own)
	m.Allowed = allowed(settings, m.Available, m.Segments)
	return m
}

func orSpace(text string) string {
	if text == "" {
		return " "
	}
	return text
}

// allowed applies the length policy (C3). available are the characters left under the account's limit.
func allowed(settings overture.Settings, available, segments int) bool {
	switch settings.LengthPolicy {
	case overture.LengthOneSegment:
		return segments <= 1
	case overture.LengthStrict:
		return available >= 0
	case overture.LengthWarn:
	}
	return true
}
