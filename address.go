package overture

import (
	"log/slog"
	"strings"
)

// Address is where a consumer is reached. On SMS: E.164 with a leading plus. It masks itself in logs.
type Address string

// LogValue keeps people out of the logs: only the last two digits remain.
func (a Address) LogValue() slog.Value { return slog.StringValue(a.Masked()) }

// Masked hides all but the last two characters.
func (a Address) Masked() string {
	if len(a) <= 2 {
		return "••"
	}
	return strings.Repeat("•", len(a)-2) + string(a[len(a)-2:])
}

// Text is content written by or for a person. It never appears in logs.
type Text string

// LogValue replaces the content by its length.
func (t Text) LogValue() slog.Value { return slog.GroupValue(slog.Int("length", len(t))) }

// Secret is a credential. It never appears in logs, errors or JSON.
type Secret string

// LogValue hides the secret.
func (Secret) LogValue() slog.Value { return slog.StringValue("hidden") }

// String hides the secret from fmt; use Reveal to read it on purpose.
func (Secret) String() string { return "hidden" }

// GoString hides the secret from %#v.
func (Secret) GoString() string { return "hidden" }

// MarshalJSON hides the secret from encoders.
func (Secret) MarshalJSON() ([]byte, error) { return []byte(`"hidden"`), nil }

// Reveal gives the secret's value. Call it only where it is handed to a provider or hashed.
func (s Secret) Reveal() string { return string(s) }
