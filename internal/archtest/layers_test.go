// Package archtest holds the tests that keep the house in shape: which room may import which (docs/ARCHITECTURE.md draws the same picture).
package archtest

import (
	"bytes"
	"flag"
	"fmt"
	"maps"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

var draw = flag.Bool("draw", false, "print the floor plan as a Mermaid graph")

const module = "github.com/overture-im/overture"

type floor struct {
	name   string
	prefix string
	may    []string
}

// floors is the architecture. A package belongs to the first floor whose prefix it matches and may import only the floors named in may.
// Packages on one floor never import each other, except a parent and its children, and except inside the store, which is one room of
// several packages.
var floors = []floor{
	{"cmd", "cmd/", []string{"cli"}},
	{"cli", "internal/cli", []string{"app", "store", "client", "demo", "lab", "proof", "simulator", "kit", "vocabulary"}},
	{"demo", "internal/demo", []string{"app", "lab", "proof", "client", "kit", "vocabulary"}},
	{"app", "internal/app", []string{"serve", "outbound", "inbound", "insight", "access", "consent", "retention", "store", "provider", "lab", "pubsub", "kit", "vocabulary", "web"}},
	{"proof", "internal/proof", []string{"app", "store", "provider", "lab", "client", "kit", "vocabulary"}},
	// The simulator drives the engine's pure parts; TestSimulatorDrivesPurePartsOnly says which.
	{"simulator", "internal/simulator", []string{"outbound", "kit", "vocabulary"}},
	{"client", "internal/client", []string{"kit", "vocabulary"}},
	{"serve", "internal/serve/", []string{"outbound", "inbound", "insight", "access", "consent", "retention", "kit", "vocabulary"}},
	{"outbound", "internal/outbound/", []string{"kit", "vocabulary"}},
	{"inbound", "internal/inbound/", []string{"kit", "vocabulary"}},
	{"insight", "internal/insight/", []string{"kit", "vocabulary"}},
	{"access", "internal/access", []string{"kit", "vocabulary"}},
	{"consent", "internal/consent", []string{"kit", "vocabulary"}},
	{"retention", "internal/retention", []string{"kit", "vocabulary"}},
	{"store", "internal/store", []string{"kit", "vocabulary"}},
	{"provider", "internal/provider/", []string{"kit", "vocabulary"}},
	{"lab", "internal/lab", []string{"kit", "vocabulary"}},
	{"pubsub", "internal/pubsub", []string{"kit", "vocabulary"}},
	{"kit", "internal/kit/", nil},
	{"web", "web", nil},
	{"vocabulary", "", nil},
}

func TestFloors(t *testing.T) {
	arrows := map[string]bool{}
	for pkg, imports := range goList(t) {
		from := floorOf(pkg)
		if from < 0 {
			t.Errorf("%s is on no floor: add it to floors or move it", pkg)
			continue
		}
		for _, imp := range imports {
			to := floorOf(imp)
			switch {
			case to < 0:
				t.Errorf("%s imports %s, which is on no floor", pkg, imp)
			case to == from && !related(pkg, imp) && floors[from].name != "store":
				t.Errorf("%s imports its neighbour %s: hand over through the store, or declare an interface", pkg, imp)
			case to != from && !slices.Contains(floors[from].may, floors[to].name):
				t.Errorf("%s (%s) may not import %s (%s)", pkg, floors[from].name, imp, floors[to].name)
			}
			if to >= 0 && to != from {
				arrows[floors[from].name+" --> "+floors[to].name] = true
			}
		}
	}
	if *draw {
		fmt.Println("graph TD")
		for _, a := range slices.Sorted(maps.Keys(arrows)) {
			fmt.Println("  " + a)
		}
	}
}

// TestSimulatorDrivesPurePartsOnly: what it imports of the rooms has no database, no network and no goroutine.
func TestSimulatorDrivesPurePartsOnly(t *testing.T) {
	pure := []string{"internal/outbound/dispatch/core", "internal/outbound/schedule"}
	for _, imp := range goList(t)["internal/simulator"] {
		if strings.HasPrefix(imp, "internal/outbound/") && !slices.Contains(pure, imp) {
			t.Errorf("internal/simulator imports %s, which is not pure; it may import %v", imp, pure)
		}
	}
}

// TestHumaStaysInTheAPI and the drivers in the store: a framework must not leak into the rooms.
func TestFrameworksStayInTheirRooms(t *testing.T) {
	home := map[string][]string{
		"github.com/danielgtaylor/huma/v2": {"internal/serve/api"},
		"github.com/jackc/pgx/v5":          {"internal/store"},
		"modernc.org/sqlite":               {"internal/store", "internal/proof"},
		"github.com/pressly/goose/v3":      {"internal/store"},
		"github.com/spf13/cobra":           {"internal/cli"},
		"github.com/coder/websocket":       {"internal/serve/realtime"},
		"github.com/coreos/go-oidc/v3":     {"internal/serve/sso"},
		"golang.org/x/oauth2":              {"internal/serve/sso"},
	}
	for pkg, imports := range listImports(t) {
		for _, imp := range imports {
			for lib, rooms := range home {
				if imp != lib && !strings.HasPrefix(imp, lib+"/") {
					continue
				}
				if !slices.ContainsFunc(rooms, func(r string) bool { return pkg == r || strings.HasPrefix(pkg, r+"/") }) {
					t.Errorf("%s imports %s, which belongs to %v only", pkg, imp, rooms)
				}
			}
		}
	}
}

// goList returns every package of the module with its in-module imports, as paths relative to the module root ("" is the root package).
func goList(t *testing.T) map[string][]string {
	t.Helper()
	out := map[string][]string{}
	for pkg, imports := range listImports(t) {
		out[pkg] = nil
		for _, imp := range imports {
			if imp == module || strings.HasPrefix(imp, module+"/") {
				out[pkg] = append(out[pkg], rel(imp))
			}
		}
	}
	return out
}

func listImports(t *testing.T) map[string][]string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-f", `{{.ImportPath}} {{join .Imports " "}}`, "./...")
	cmd.Dir = "../.."
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	pkgs := map[string][]string{}
	for line := range bytes.Lines(out) {
		f := strings.Fields(string(line))
		pkg := rel(f[0])
		if pkg == "internal/archtest" || pkg == "e2e" || strings.HasSuffix(pkg, "test") {
			continue // test helpers may look wherever they need to
		}
		pkgs[pkg] = f[1:]
	}
	return pkgs
}

func rel(path string) string { return strings.TrimPrefix(strings.TrimPrefix(path, module), "/") }

func floorOf(pkg string) int {
	for i, f := range floors {
		if pkg == f.prefix || (f.prefix != "" && strings.HasPrefix(pkg, strings.TrimSuffix(f.prefix, "/")+"/")) {
			return i
		}
	}
	return -1
}

func related(a, b string) bool { return strings.HasPrefix(a, b+"/") || strings.HasPrefix(b, a+"/") }
