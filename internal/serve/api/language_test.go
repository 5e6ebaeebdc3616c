package api_test

import (
	"strings"
	"testing"

	"github.com/overture-im/overture"
)

// The same questions in both languages: sentences differ, codes and versions do not, and nobody's own words are touched.
func TestSentencesComeInTheLanguageAskedFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	manager := w.as(w.a, overture.CampaignManager)
	id := w.a.ids["campaign"]
	for _, step := range []struct {
		method, path, body string
		english, german    string // part of the answer
	}{
		{"GET", "/v1/campaigns/" + id + "/checklist", "", "you are responsible for the opt-in consent", "Sie sind für die Einwilligung jedes Empfängers verantwortlich"},
		{"GET", "/v1/campaigns/" + id + "/checklist", "", "replies go to support", "Antworten gehen an support"},
		{"GET", "/v1/campaigns/" + w.b.ids["campaign"], "", "there is no such campaign in this account", "diese Kampagne gibt es in diesem Konto nicht"},
		{"GET", "/v1/campaigns/" + id, "", "", ""},
		{"PATCH", "/v1/campaigns/" + id, `{"speed":1}`, "unexpected property", "unbekanntes Feld"},
		{"PATCH", "/v1/campaigns/" + id, `{"rate":999}`, "the campaign was not saved; the rate is 999 segments", "die Kampagne wurde nicht gespeichert; die Rate ist 999 Segmente"},
		{"POST", "/v1/campaigns/" + id + "/pause", "", `"title":"Conflict"`, `"title":"Konflikt"`},
		{"POST", "/v1/campaigns/" + id + "/launch", `{"consent":true,"launch_at":"2020-01-01T00:00:00Z"}`, "the launch time 2020-01-01 00:00 UTC is over; choose a later time", "die Startzeit 01.01.2020, 00:00 UTC ist vorbei; wählen Sie eine spätere Zeit"},
		{"POST", "/v1/campaigns/" + id + "/forecast", "", `within a minute`, `in einer Minute vorbei`},
		{"GET", "/v1/nothing", "", "there is no such path", "diesen Pfad gibt es nicht"},
	} {
		english := w.do(manager, step.method, step.path, step.body)
		german := w.do(manager, step.method, step.path, step.body, "Accept-Language", "de-CH, en;q=0.5")
		if step.german == "" {
			if english.body != german.body {
				t.Errorf("%s %s has no sentence and differs:\n%s\n%s", step.method, step.path, english.body, german.body)
			}
			continue
		}
		if english.status != german.status || !strings.Contains(english.body, step.english) || !strings.Contains(german.body, step.german) || strings.Contains(german.body, step.english) {
			t.Errorf("%s %s:\n%d %s\n%d %s", step.method, step.path, english.status, english.body, german.status, german.body)
		}
		if e, g := english.header.Get("Content-Language"), german.header.Get("Content-Language"); e != "en" || g != "de" || german.header.Get("Vary") != "Accept-Language" {
			t.Errorf("%s %s: Content-Language %q and %q, Vary %q", step.method, step.path, e, g, german.header.Get("Vary"))
		}
	}

	// What is launched, paused in one language, is read in the other: rows keep English, and the reason a person gave stays as it is.
	german := func(method, path, body string) string {
		t.Helper()
		return w.do(manager, method, path, body, "Accept-Language", "de").body
	}
	german("POST", "/v1/campaigns/"+id+"/launch", `{"consent":true,"launch_at":"now"}`)
	if got := german("POST", "/v1/campaigns/"+id+"/pause", `{"reason":"lunch is ready"}`); !strings.Contains(got, `"reason":"angehalten von campaign_manager: lunch is ready"`) {
		t.Errorf("paused: %s", got)
	}
	if got := german("GET", "/v1/campaigns/"+id+"/progress", ""); !strings.Contains(got, `"stalled_reason":"angehalten von campaign_manager: lunch is ready"`) {
		t.Errorf("progress: %s", got)
	}
	if got := w.do(manager, "GET", "/v1/campaigns/"+id, "").body; !strings.Contains(got, `"reason":"paused by campaign_manager: lunch is ready"`) {
		t.Errorf("English after German: %s", got)
	}
	why := german("GET", "/v1/campaigns/"+id+"/recipients/"+w.a.ids["recipient"], "")
	for _, part := range []string{"die Kampagne ist angehalten; angehalten von", "die Person hat sich von der Marke nicht abgemeldet", "die Kampagne wurde gestartet"} {
		if !strings.Contains(why, part) {
			t.Errorf("why does not say %q: %s", part, why)
		}
	}
}

// An answer that is given again is the first one, in its language, and does not pretend to be in another.
func TestARepeatedAnswerKeepsItsLanguage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	manager := w.as(w.a, overture.CampaignManager)
	path := "/v1/campaigns/" + w.a.ids["campaign"] + "/forecast"
	first := w.do(manager, "POST", path, "", "Idempotency-Key", "once", "Accept-Language", "de")
	again := w.do(manager, "POST", path, "", "Idempotency-Key", "once")
	if first.status != 200 || again.body != first.body || again.header.Get("Content-Language") != "" || first.header.Get("Content-Language") != "de" {
		t.Errorf("first %d in %q: %s\nagain in %q: %s", first.status, first.header.Get("Content-Language"), first.body, again.header.Get("Content-Language"), again.body)
	}
}
