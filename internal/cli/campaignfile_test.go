package cli

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/overture-im/overture"
)

const wholeFile = `# everything a campaign can say
name: Spring
channel: sms
sender: "+12125550123"
skill: Sales
text: "Hello {{name}}"
opt_out_text: Reply STOP to end
smart_encoding: true
launch_at: 2026-03-01T09:00:00+01:00
window:
  every_day: ["08:00", "21:00"]
  sun: []
  holidays: ["2026-12-25"]
rate: 10
lookback_hours: 72
expires_at: 2026-03-05T00:00:00Z
undo_seconds: 90
rails:
  canary: { percent: 5, wait_minutes: 15, failed_percent: 10, opted_out_percent: 3, unknown_percent: 20 }
  ramp: { percents: [10, 50], step_minutes: 30 }
  segments: 5000
  spend: 99.50
policy: safe
open_conversation: skip
recipients: people.csv
`

func load(t *testing.T, text string) (campaignFile, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "spring.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	f, _, err := readCampaignFile(path)
	return f, err
}

func TestWholeCampaignFile(t *testing.T) {
	f, err := load(t, wholeFile)
	if err != nil {
		t.Fatal(err)
	}
	d, at, err := f.draft()
	if err != nil {
		t.Fatal(err)
	}
	if d.Name != "Spring" || d.Sender != "+12125550123" || d.Skill != "Sales" || d.Rate != 10 || *d.LookbackHours != 72 || !d.SmartEncoding || d.ExpiresAt == nil {
		t.Errorf("got %+v", d)
	}
	rails, err := json.Marshal(d.Rails)
	const want = `{"canary":{"percent":5,"wait_minutes":15,"failed_percent":10,"opted_out_percent":3,"unknown_percent":20},"ramp":{"percents":[10,50],"step_minutes":30},"segments":5000,"spend":99500000}`
	if err != nil || string(rails) != want || *d.UndoSeconds != 90 {
		t.Errorf("undo %d, rails %s %v, want %s", *d.UndoSeconds, rails, err, want)
	}
	if at == nil || at.UTC().Hour() != 8 {
		t.Errorf("launch at %v, want 08:00 UTC", at)
	}
	if _, open := d.Window["sun"]; open || len(d.Window) != 7 { // six days and the holidays
		t.Errorf("window %v: Sunday must be closed, the other days open", d.Window)
	}
}

func TestWrongCampaignFilesSayWhere(t *testing.T) {
	for _, c := range []struct{ name, text, where, what string }{
		{"unknown field", "name: Spring\nopt_out: STOP\n", "line 2", `there is no field "opt_out"`},
		{"unknown field inside", "name: Spring\nwindow:\n  monday: [a, b]\n", "line 3", `there is no field "monday"`},
		{"wrong type", "name: Spring\nrate: fast\n", "line 2", "a whole number is needed"},
		{"field twice", "name: Spring\nname: Summer\n", "line 2", "already"},
		{"not YAML", "name: [Spring\n", "line", ""},
		{"tab", "name: Spring\n\trate: 1\n", "line 2", ""},
	} {
		_, err := load(t, c.text)
		var e *overture.Error
		if !errors.As(err, &e) || e.Kind != overture.Invalid || len(e.Fields) == 0 {
			t.Errorf("%s: got %v, want fields", c.name, err)
			continue
		}
		if f := e.Fields[0]; !strings.Contains(f.Location, c.where) || !strings.Contains(f.Message, c.what) || strings.Contains(f.Message, "cli.") {
			t.Errorf("%s: got %q %q, want %q %q", c.name, f.Location, f.Message, c.where, c.what)
		}
	}
}

func TestIncompleteCampaignFile(t *testing.T) {
	f, err := load(t, "name: Spring\nlaunch_at: tomorrow\n")
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = f.draft()
	words := wordsOf(err)
	for _, want := range []string{"sender: is missing", "skill: is missing", "text: is missing", "launch_at: write date"} {
		if !strings.Contains(words, want) {
			t.Errorf("%q does not say %q", words, want)
		}
	}
}

func TestListGivenAsCampaignFile(t *testing.T) {
	_, err := load(t, strings.Repeat("+12125550123\n", 200_000))
	if overture.KindOf(err) != overture.Invalid || !strings.Contains(err.Error(), "--recipients") {
		t.Errorf("got %v", err)
	}
	if _, err := load(t, "+12125550123\n+12125550124\n"); overture.KindOf(err) != overture.Invalid {
		t.Errorf("got %v", err)
	}
}
