package speech_test

import (
	"testing"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/serve/api/speech"
)

func TestLanguageIsChosen(t *testing.T) {
	s := speech.New()
	for header, want := range map[string]string{
		"": "en", "de": "de", "de-AT": "de", "fr": "en", "fr, de;q=0.5": "de", "en-US,en;q=0.9,de;q=0.8": "en", "*": "en", "no header at all;;": "en",
	} {
		if got := s.For(header).String(); got != want {
			t.Errorf("%q: %s, want %s", header, got, want)
		}
	}
}

func TestGermanSays(t *testing.T) {
	german := speech.German()
	at := time.Date(2026, 11, 21, 8, 5, 0, 0, time.UTC)
	for _, tc := range []struct {
		what          overture.Sentence
		english, want string
	}{
		{overture.Plural(1, "%d recipient", "%d recipients"), "1 recipient", "1 Empfänger"},
		{overture.Plural(1800, "%d segment", "%d segments"), "1800 segments", "1.800 Segmente"},
		{overture.Plural(overture.Grouped(1800), "%d segment", "%d segments"), "1,800 segments", "1.800 Segmente"},
		{overture.Say("starts at %s", overture.At(at, "2006-01-02 15:04 UTC")), "starts at 2026-11-21 08:05 UTC", "beginnt am 21.11.2026, 08:05 UTC"},
		{overture.Say("pauses before it costs more than %s", overture.Sum{Micros: 1_250_500_000, Currency: "EUR"}), "pauses before it costs more than 1250.50 EUR", "hält an, bevor sie mehr als 1.250,50 EUR kostet"},
		{
			overture.Say("%d segments per second; at least %s of sending", 10, 65*time.Second),
			"10 segments per second; at least 1m5s of sending", "Segmente pro Sekunde: 10; das Senden dauert mindestens 1 Min. 5 Sek.",
		},
		{
			overture.Say("the campaign is paused; %s", overture.Written("paused by Ann: running out of time")),
			"the campaign is paused; paused by Ann: running out of time", "die Kampagne ist angehalten; angehalten von Ann: running out of time",
		},
		{overture.Say("sends from %s", "paused"), "sends from paused", "sendet von paused"}, // a name, not the word of a state
		{overture.Joined("; ", overture.Say("the campaign has no name"), overture.Say("lower the rate")), "the campaign has no name; lower the rate", "die Kampagne hat keinen Namen; senken Sie die Rate"},
		{overture.Say("no language has this %d", 3), "no language has this 3", "no language has this 3"},
	} {
		if got := tc.what.String(); got != tc.english {
			t.Errorf("English %q, want %q", got, tc.english)
		}
		if got := german.Say(tc.what); got != tc.want {
			t.Errorf("German %q, want %q", got, tc.want)
		}
	}
}

// What was written down in English is known again, and a person's own words are left alone.
func TestGermanHears(t *testing.T) {
	german := speech.German()
	for english, want := range map[string]string{
		"the final text has 1700 characters and an SMS takes at most 1600; shorten it":                               "der fertige Text hat 1.700 Zeichen, und eine SMS fasst höchstens 1.600; kürzen Sie ihn",
		"paused by itself: its spend limit of 1000 segments is reached; resume it to allow as many again":            "von selbst angehalten: ihre Ausgabengrenze von 1.000 Segmenten ist erreicht; setzen Sie sie fort, um noch einmal so viele zu erlauben",
		"the campaign was not launched: the campaign has no name; give it a name that tells agents what it is about": "die Kampagne wurde nicht gestartet: die Kampagne hat keinen Namen; geben Sie ihr einen Namen, der Agenten sagt, worum es geht",
		"the campaign is completed; only a draft can be deleted, archive it instead":                                 "die Kampagne ist abgeschlossen; nur ein Entwurf lässt sich löschen, archivieren Sie sie stattdessen",
		"it was paused once, 1 h 5 min in all":                                                                       "sie wurde einmal angehalten, zusammen 1 Std. 5 Min.",
		"the provider rejects this sender (code 20003); correct its settings and start it again":                     "der Anbieter weist diesen Absender ab (Code 20003); berichtigen Sie seine Einstellungen, und starten Sie ihn wieder",
		`"Mars/Olympus" is no time zone; write its IANA name such as America/New_York, or leave the cell empty`:      "„Mars/Olympus“ ist keine Zeitzone; schreiben Sie ihren IANA-Namen, etwa America/New_York, oder lassen Sie die Zelle leer",
		"the canary of 10 went out; its verdict is at 2026-11-21T08:05:00Z":                                          "die Vorhut von 10 ist hinaus; das Urteil fällt am 21.11.2026, 08:05:00 UTC",
		"because I said so; and so did Bob":                                                                          "because I said so; and so did Bob",
		"":                                                                                                           "",
	} {
		if got := german.Hear(english); got != want {
			t.Errorf("%q:\n got %q\nwant %q", english, got, want)
		}
	}
	if got := speech.English().Hear("paused by Ann"); got != "paused by Ann" {
		t.Errorf("English hears %q", got)
	}
}
