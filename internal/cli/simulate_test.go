package cli_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/overture-im/overture/internal/kit/mutant"
)

// Without a failure the last line is JSON, and one seed gives the same run each time.
func TestSimulate(t *testing.T) {
	code, out, errs := run(t, "simulate", "--seeds", "40", "--from", "7")
	var tally struct{ Seeds, Messages, Lost, Duplicated int }
	if err := json.Unmarshal([]byte(out), &tally); code != 0 || err != nil || tally.Seeds != 40 || tally.Messages == 0 || tally.Lost+tally.Duplicated > 0 {
		t.Errorf("exit %d, %v: %q %q", code, err, out, errs)
	}
	_, first, _ := run(t, "simulate", "--seed", "7", "--mode", "full")
	if _, second, _ := run(t, "simulate", "--seed", "7", "--mode", "full"); second != first || !strings.Contains(lastLine(first), `"hash":"`) {
		t.Errorf("one seed, two runs:\n%s\n%s", lastLine(first), lastLine(second))
	}
	if _, other, _ := run(t, "simulate", "--seed", "8", "--mode", "full", "--quiet"); lastLine(other) == lastLine(first) {
		t.Error("another seed gives the same run")
	}
	for _, args := range [][]string{{"--mode", "odd"}, {"--mutant", "odd"}, {"--mutants"}, {"--events", "missing.json"}} {
		if mutant.Built && args[0] == "--mutants" {
			continue
		}
		if code, out, _ := run(t, append([]string{"simulate"}, args...)...); code == 0 {
			t.Errorf("%v is no error: %q", args, out)
		}
	}
}

// A failure names its seed and leaves a smaller list of events that breaks the same promise again. It takes a binary with the mutants:
// go test -tags mutants ./internal/cli
func TestSimulateFindsShrinksAndReplays(t *testing.T) {
	if !mutant.Built {
		t.Skip("no mutants in this binary; make mutants has them")
	}
	defer mutant.Use("")
	folder := t.TempDir()
	code, out, errs := run(t, "simulate", "--mutant", string(mutant.RetryOnTimeout), "--seeds", "12", "--out", folder, "--shrink", "5s")
	failure := regexp.MustCompile(`(?m)^seed (\d+) \((\w+)\): (\w+): .*\n  replay: overture (simulate --seed \d+ --mode \w+)$`).FindStringSubmatch(out)
	if code != 6 || failure == nil {
		t.Fatalf("exit %d: %s %s", code, out, errs)
	}
	seed, rule, replay := failure[1], failure[3], failure[4]
	if code, out, _ := run(t, append(strings.Fields(replay), "--quiet")...); code != 6 || !strings.Contains(out, rule+" at ") {
		t.Errorf("%s: exit %d: %s", replay, code, out)
	}
	file := filepath.Join(folder, fmt.Sprintf("overture-simulate-%s.json", seed))
	if _, err := os.Stat(file); err != nil {
		t.Fatal(err)
	}
	code, small, _ := run(t, "simulate", "--events", file, "--quiet")
	if code != 6 || !strings.Contains(small, rule+" at ") {
		t.Errorf("the shrunk list: exit %d: %s", code, small)
	}
	mutant.Use("") // with the rule in its place the same list of events breaks nothing
	if code, out, _ := run(t, "simulate", "--events", file, "--quiet"); code != 0 {
		t.Errorf("the shrunk list with every rule: exit %d: %s", code, out)
	}
}

func lastLine(s string) string {
	s = strings.TrimRight(s, "\n")
	return s[strings.LastIndexByte(s, '\n')+1:]
}
