package overture_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/overture-im/overture"
)

func TestSentenceIsEnglish(t *testing.T) {
	t.Parallel()
	at := overture.At(time.Date(2026, 11, 21, 8, 0, 0, 0, time.UTC), "2006-01-02 15:04 UTC")
	for want, s := range map[string]overture.Sentence{
		"":                                      {},
		"1 row was rejected":                    overture.Plural(1, "%d row was rejected", "%d rows were rejected"),
		"1,800 segments":                        overture.Plural(overture.Grouped(1800), "%d segment", "%d segments"),
		"it was paused once, 1 h in all":        overture.Plural(1, "it was paused once, %[2]s in all", "it was paused %d times, %s in all", "1 h"),
		"starts at 2026-11-21 08:00 UTC":        overture.Say("starts at %s", at),
		"100 % of a person's words":             overture.Written("100 % of a person's words"),
		"first; second":                         overture.Joined("; ", overture.Say("first"), overture.Say("second")),
		"pauses before it costs more than 1.50": overture.Say("pauses before it costs more than %s", overture.Sum{Micros: 1_500_000}),
	} {
		if got := s.String(); got != want || s.IsZero() != (want == "") {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// A row keeps the English and gives it back as written text.
func TestSentenceInARow(t *testing.T) {
	t.Parallel()
	raw, err := json.Marshal([]overture.Sentence{overture.Plural(2, "%d recipient", "%d recipients")})
	if err != nil || string(raw) != `["2 recipients"]` {
		t.Fatalf("%s %v", raw, err)
	}
	var back []overture.Sentence
	if err := json.Unmarshal(raw, &back); err != nil || len(back) != 1 {
		t.Fatalf("%v %v", back, err)
	}
	if text, _, ok := back[0].Format(); ok || text != "2 recipients" {
		t.Errorf("%q is a format: %v", text, ok)
	}
}
