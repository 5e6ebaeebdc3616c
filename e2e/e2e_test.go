// Package e2e tells stories from the outside: the real binary, real HTTP, a real carrier lab, on the engine under test. Every bug that a
// person could meet becomes a story in testdata, named after it. commands_test.go says what the stories can do.
package e2e

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/overture-im/overture/internal/store/storetest"
)

// binary is built once for all stories.
var binary string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "overture-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	binary = filepath.Join(dir, "overture")
	build := exec.CommandContext(context.Background(), "go", "build", "-o", binary, "../cmd/overture")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

func TestStories(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup:               func(env *testscript.Env) error { return setUp(t, env) },
		Cmds:                commands,
		Condition: func(cond string) (bool, error) {
			if cond == "postgres" {
				return storetest.OnPostgres(), nil
			}
			return false, fmt.Errorf("unknown condition %q", cond)
		},
	})
}
