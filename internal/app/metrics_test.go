package app_test

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/overture-im/overture/internal/app"
	"github.com/overture-im/overture/internal/store"
	"github.com/overture-im/overture/internal/store/storetest"
)

// scraped starts a server, takes a scrape and gives its lines, comments left out, and the type of each metric.
func scraped(t *testing.T) (lines []string, types map[string]string) {
	t.Helper()
	o := options(t)
	db, err := store.Open(t.Context(), store.Options{DataDir: o.DataDir, DatabaseURL: o.DatabaseURL, Sealer: storetest.Plain{}})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.NoteBackup(t.Context(), time.Now()); err != nil { // its age is exported from the first one on
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	a := begin(t, o)
	t.Cleanup(func() { _ = a.Stop(context.WithoutCancel(t.Context())) })
	for began := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		_, body, err := get(t, a.URL()+"/metrics")
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(body, "overture_backup_age_seconds") || time.Since(began) > 10*time.Second {
			types = map[string]string{}
			for _, found := range regexp.MustCompile(`(?m)^# TYPE (\S+) (\S+)$`).FindAllStringSubmatch(body, -1) {
				types[found[1]] = found[2]
			}
			return slices.DeleteFunc(strings.Split(strings.TrimSpace(body), "\n"), func(line string) bool { return strings.HasPrefix(line, "#") }), types
		}
	}
}

var (
	nameOf   = regexp.MustCompile(`^[a-zA-Z_:][a-zA-Z0-9_:]*`)
	ours     = regexp.MustCompile(`\b(overture|process|go)_[a-z0-9_]+`)
	labelled = regexp.MustCompile(`([a-z_]+)="((?:[^"\\]|\\.)*)"`)
)

// What deploy/ names is what a running server exports, every rule says what to do, and the place it points to exists.
func TestAlertsAndDashboardFitTheServer(t *testing.T) {
	exported := map[string]bool{}
	labels := map[string]map[string]bool{}
	lines, types := scraped(t)
	for _, line := range lines {
		name := nameOf.FindString(line)
		exported[name] = true
		for _, l := range labelled.FindAllStringSubmatch(line, -1) {
			if labels[name] == nil {
				labels[name] = map[string]bool{}
			}
			labels[name][l[1]] = true
			labels[name][l[1]+"="+l[2]] = true
		}
	}
	known := func(where, expr string) {
		t.Helper()
		names := ours.FindAllString(expr, -1)
		if len(names) == 0 && !strings.Contains(expr, "up{") {
			t.Errorf("%s: %q names no metric of ours", where, expr)
		}
		for _, name := range names {
			if !exported[name] {
				t.Errorf("%s: a running server does not export %s", where, name)
			}
		}
		// A counter begins anew with every process: only what it rose by means something, and only of a counter.
		for _, use := range regexp.MustCompile(`(rate\(|increase\()?(overture_[a-z0-9_]+)`).FindAllStringSubmatch(expr, -1) {
			family := use[2]
			if types[family] == "" {
				family = regexp.MustCompile(`_(bucket|count|sum)$`).ReplaceAllString(family, "")
			}
			if rises := types[family] == "counter" || types[family] == "histogram"; rises != (use[1] != "") {
				t.Errorf("%s: %s is a %s; rate() and increase() are for counters, and counters are for nothing else", where, use[2], types[family])
			}
		}
		for _, use := range regexp.MustCompile(`(overture_[a-z0-9_]+)\{([^}]*)\}`).FindAllStringSubmatch(expr, -1) {
			for _, l := range regexp.MustCompile(`([a-z_]+)\s*!?=~?`).FindAllStringSubmatch(use[2], -1) {
				if !labels[use[1]][l[1]] {
					t.Errorf("%s: %s has no label %s", where, use[1], l[1])
				}
			}
			for _, l := range regexp.MustCompile(`([a-z_]+)="([^"]*)"`).FindAllStringSubmatch(use[2], -1) {
				if !labels[use[1]][l[1]+"="+l[2]] {
					t.Errorf("%s: no series of %s has %s", where, use[1], l[0])
				}
			}
		}
	}

	var rules struct {
		Groups []struct {
			Name  string
			Rules []struct {
				Alert       string
				Expr        string
				For         string
				Labels      map[string]string
				Annotations map[string]string
			}
		}
	}
	if err := yaml.Unmarshal(read(t, "deploy/prometheus/alerts.yml"), &rules); err != nil {
		t.Fatal(err)
	}
	anchors := anchorsOf(string(read(t, "docs/OPERATIONS.md")))
	for _, r := range rules.Groups[0].Rules {
		known(r.Alert, r.Expr)
		doc, anchor, ok := strings.Cut(r.Annotations["runbook_url"], "#")
		if !ok || doc != "docs/OPERATIONS.md" || !anchors[anchor] {
			t.Errorf("%s: the runbook has no place %q", r.Alert, r.Annotations["runbook_url"])
		}
		if r.Annotations["summary"] == "" || r.Labels["severity"] == "" {
			t.Errorf("%s: no summary or severity", r.Alert)
		}
		if r.For != "" {
			if _, err := time.ParseDuration(r.For); err != nil {
				t.Errorf("%s: %v", r.Alert, err)
			}
		}
	}
	if len(rules.Groups[0].Rules) < 10 {
		t.Errorf("only %d rules were read", len(rules.Groups[0].Rules))
	}

	var board struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(read(t, "deploy/grafana/overture.json"), &board); err != nil {
		t.Fatal(err)
	}
	for _, p := range board.Panels {
		for _, target := range p.Targets {
			known(p.Title, target.Expr)
		}
	}
	if len(board.Panels) < 10 {
		t.Errorf("only %d panels were read", len(board.Panels))
	}
}

// Labels come from closed lists: the number of series is the same whatever the server sends, for whomever.
func TestLabelsAreBounded(t *testing.T) {
	allowed := []string{"door", "class", "check", "outcome", "code", "call", "state", "use", "version", "go", "engine", "le", "quantile", "reason"}
	lines, types := scraped(t)
	for name, kind := range types {
		if strings.HasPrefix(name, "overture_") && strings.HasSuffix(name, "_total") != (kind == "counter") {
			t.Errorf("%s is exported as a %s", name, kind)
		}
	}
	for _, line := range lines {
		for _, l := range labelled.FindAllStringSubmatch(line, -1) {
			if strings.HasPrefix(line, "overture_") && !slices.Contains(allowed, l[1]) {
				t.Errorf("%s: the label %s is not on the list of bounded ones", nameOf.FindString(line), l[1])
			}
			if len(l[2]) > 60 {
				t.Errorf("a label's value looks like content: %s", line)
			}
		}
	}
	if len(lines) > 600 {
		t.Errorf("%d series of a server without accounts; 2,000 are the limit for a hundred of them", len(lines))
	}
	t.Logf("%d series", len(lines))
	for i := range 200 {
		app.Attempted("made_up_outcome_"+strings.Repeat("x", i), 10_000*i)
	}
	if n := app.AttemptSeries(); n > 45 {
		t.Errorf("%d series of attempts after made-up outcomes and codes", n)
	}
}

func anchorsOf(markdown string) map[string]bool {
	out := map[string]bool{}
	for line := range strings.Lines(markdown) {
		if title, ok := strings.CutPrefix(strings.TrimLeft(line, "#"), " "); ok && strings.HasPrefix(line, "#") {
			slug := regexp.MustCompile(`[^a-z0-9 -]`).ReplaceAllString(strings.ToLower(strings.TrimSpace(title)), "")
			out[strings.ReplaceAll(slug, " ", "-")] = true
		}
	}
	return out
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("../..", path))
	if err != nil {
		t.Fatal(err)
	}
	return raw
}
