package speech

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"golang.org/x/text/language"
	"golang.org/x/text/message"
)

// German is formal: "Sie". Its terms are those of the console (web/console/src/i18n/de).
func German() *Language {
	written := merged(germanWords(), germanChecklist(), germanForecast(), germanGuard(), germanLists(), germanNumbers(), germanErrors(), germanAccessErrors(),
		germanRequests(), germanTitles(), germanFramework())
	texts := merged(written, germanProgress(), germanWhy()) // the last two are never text before they are said
	return &Language{
		tag: language.German, texts: texts, clocks: germanClocks(), duration: germanDuration,
		ear: sync.OnceValue(func() []pattern { return patternsOf(written) }), numbers: message.NewPrinter(language.German),
	}
}

func germanClocks() map[string]string {
	return map[string]string{
		"2006-01-02 15:04 UTC":    "02.01.2006, 15:04 UTC",
		"2006-01-02 15:04:05 UTC": "02.01.2006, 15:04:05 UTC",
		"2006-01-02 15:04":        "02.01.2006, 15:04",
		time.RFC3339:              "02.01.2006, 15:04:05 UTC", // sentences say moments in UTC
		"15:04:05 UTC":            "15:04:05 UTC",
		"15:04 UTC":               "15:04 UTC",
		"15:04":                   "15:04",
	}
}

func germanDuration(d time.Duration) string {
	var out []string
	for _, unit := range []struct {
		length time.Duration
		name   string
	}{{time.Hour, "Std."}, {time.Minute, "Min."}, {time.Second, "Sek."}} {
		if n := d / unit.length; n > 0 {
			out = append(out, fmt.Sprintf("%d %s", n, unit.name))
			d %= unit.length
		}
	}
	if len(out) == 0 {
		return "0 Sek."
	}
	return strings.Join(out, " ")
}

// germanWords are words of closed lists, which go into sentences.
func germanWords() map[string]string {
	return map[string]string{
		// states of campaigns and messages
		"draft": "ein Entwurf", "scheduled": "geplant", "running": "im Gang", "paused": "angehalten", "completed": "abgeschlossen",
		"queued": "eingereiht", "attempting": "beim Senden", "unknown": "ungewiss", "canceled": "abgebrochen", "expired": "abgelaufen", "suppressed": "übersprungen",
		"failed": "fehlgeschlagen", "held": "zurückgehalten", "accepted": "angenommen", "sent": "gesendet", "undelivered": "nicht zugestellt", "delivered": "zugestellt", "read": "gelesen",
		// how attempts end
		"refused": "abgelehnt", "sender refused": "Absender abgelehnt", "throttled": "vom Anbieter gebremst", "not sent": "nicht gesendet", "given back": "zurückgegeben", "given up": "aufgegeben", "found": "im Verzeichnis des Anbieters gefunden", "absent": "nicht im Verzeichnis des Anbieters",
		"resent without proof": "ohne Beweis noch einmal gesendet", "treated as sent": "gilt als gesendet", "timed out": "keine Antwort in der Frist",
		// why messages ended
		"opted_out": "abgemeldet", "address_refused": "Nummer abgelehnt", "content_refused": "Text abgelehnt", "policy_refused": "durch Regeln abgelehnt",
		"sender_refused": "Absender abgelehnt", "attempts_used_up": "zu oft versucht", "validity_over": "Gültigkeit vorbei", "no_open_window": "kein offenes Fenster",
		"campaign_canceled": "Kampagne abgebrochen", "not_proven": "nicht beweisbar", "settled_by_person": "von einem Menschen entschieden",
		"open_conversation": "im Gespräch", "capped": "über der Häufigkeitsgrenze",
		// guard rails
		"campaign_spend": "Ausgabengrenze der Kampagne", "day_spend": "Ausgabengrenze des Tages", "campaign_money": "Geldgrenze der Kampagne",
		"day_money": "Geldgrenze des Tages", "unpriced": "ohne Preis", "prefix": "Nummern einer Vorwahl",
		"campaign spend": "Ausgabengrenze der Kampagne", "day spend": "Ausgabengrenze des Tages", "campaign money": "Geldgrenze der Kampagne", "day money": "Geldgrenze des Tages",
		// weekdays
		"Monday": "Montag", "Tuesday": "Dienstag", "Wednesday": "Mittwoch", "Thursday": "Donnerstag", "Friday": "Freitag", "Saturday": "Samstag", "Sunday": "Sonntag",
		// periods of frequency caps, behind "in"
		"%d days": "%d Tagen", "%g hours": "%g Stunden",
		// what is wrong with numbers and files
		"short": "kurz", "long": "lang", "country code %s": "die Ländervorwahl %s", "a PDF": "ein PDF", "compressed (gzip)": "komprimiert (gzip)", "a picture": "ein Bild",
		// who did something
		"the system": "dem System", "somebody": "jemandem", "the program %s": "dem Programm %s",
	}
}

// germanTitles are the statuses.
func germanTitles() map[string]string {
	return map[string]string{
		"Bad Request": "Anfrage nicht lesbar", "Unauthorized": "Nicht angemeldet", "Forbidden": "Nicht erlaubt", "Not Found": "Nicht gefunden",
		"Method Not Allowed": "Methode nicht erlaubt", "Request Timeout": "Anfrage zu langsam", "Conflict": "Konflikt", "Request Entity Too Large": "Anfrage zu groß",
		"Unsupported Media Type": "Inhaltstyp nicht unterstützt", "Unprocessable Entity": "Eingabe nicht verarbeitbar", "Too Many Requests": "Zu viele Anfragen",
		"Internal Server Error": "Fehler im Server", "Service Unavailable": "Gerade nicht verfügbar",
	}
}

// germanFramework is what the framework finds wrong with a request.
func germanFramework() map[string]string {
	return map[string]string{
		"unexpected property":                                   "unbekanntes Feld",
		"expected string to be RFC 3339 date-time":              "muss eine Zeit nach RFC 3339 sein",
		"expected string to be RFC 3339 date":                   "muss ein Tag nach RFC 3339 sein",
		"expected string to be RFC 3986 uri: %v":                "muss eine Adresse (URI) sein: %v",
		"expected boolean":                                      "muss wahr oder falsch sein",
		"expected number":                                       "muss eine Zahl sein",
		"expected integer":                                      "muss eine ganze Zahl sein",
		"expected string":                                       "muss ein Text sein",
		"expected array":                                        "muss eine Liste sein",
		"expected object":                                       "muss ein Objekt sein",
		"expected array items to be unique":                     "darf nichts doppelt enthalten",
		"expected value to be one of \"%s\"":                    "muss eines davon sein: „%s“",
		"expected number >= %v":                                 "muss mindestens %v sein",
		"expected number > %v":                                  "muss größer als %v sein",
		"expected number <= %v":                                 "darf höchstens %v sein",
		"expected number < %v":                                  "muss kleiner als %v sein",
		"expected number to be a multiple of %v":                "muss ein Vielfaches von %v sein",
		"expected length >= %d":                                 "mindestens %d Zeichen",
		"expected length <= %d":                                 "höchstens %d Zeichen",
		"expected string to be %s":                              "muss so aussehen: %s",
		"expected string to match pattern %s":                   "muss zum Muster %s passen",
		"expected array length >= %d":                           "mindestens %d Einträge",
		"expected array length <= %d":                           "höchstens %d Einträge",
		"expected object with at least %d properties":           "mindestens %d Felder",
		"expected object with at most %d properties":            "höchstens %d Felder",
		"expected required property %s to be present":           "das Feld %s fehlt",
		"expected property %s to be present when %s is present": "das Feld %s fehlt, weil %s da ist",
		"request body is required":                              "die Anfrage braucht einen Inhalt",
		"required query parameter is missing":                   "der Parameter fehlt",
		"invalid integer":                                       "keine ganze Zahl",
		"invalid boolean":                                       "weder wahr noch falsch",
		"invalid date/time for format %s":                       "keine Zeit der Form %s",
		"is not as /openapi.json describes it":                  "ist nicht, wie /openapi.json es beschreibt",
	}
}
