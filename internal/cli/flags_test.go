package cli

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

// The table of flags in the runbook is whole: an operator finds every flag there, and none that is gone.
func TestTheRunbookHasEveryFlag(t *testing.T) {
	raw, err := os.ReadFile("../../docs/OPERATIONS.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(raw), "\n## Flags\n")
	serve := serveCommand()
	serve.Flags().VisitAll(func(f *pflag.Flag) {
		if f.Name != "help" && !strings.Contains(table, "`--"+f.Name+"`") {
			t.Errorf("docs/OPERATIONS.md does not have --%s", f.Name)
		}
	})
	for _, m := range regexp.MustCompile(`(?m)^\|.*$`).FindAllString(table, -1) {
		for _, name := range regexp.MustCompile("^\\| `--([a-z-]+)`(?:, `--([a-z-]+)`)?").FindStringSubmatch(m) {
			if name != "" && !strings.HasPrefix(name, "|") && serve.Flags().Lookup(name) == nil {
				t.Errorf("docs/OPERATIONS.md has --%s, which does not exist", name)
			}
		}
	}
}
