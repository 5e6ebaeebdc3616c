package cli_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/overture-im/overture/internal/cli"
)

func run(t *testing.T, args ...string) (code int, out, err string) {
	t.Helper()
	var o, e strings.Builder
	code = cli.Run(t.Context(), args, cli.Streams{In: strings.NewReader(""), Out: &o, Err: &e})
	return code, o.String(), e.String()
}

// answers is a server that says the same thing to everybody.
func answers(t *testing.T, status int, body string) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func TestExitCodes(t *testing.T) {
	t.Setenv("HOME", t.TempDir())
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	t.Setenv("OVERTURE_URL", "")
	t.Setenv("OVERTURE_API_KEY", "ovk_test")
	show := func(url string) []string { return []string{"campaign", "show", "cmp_1", "--url", url} }
	for _, c := range []struct {
		name string
		args []string
		want int
		says string
	}{
		{"help", []string{"--help"}, 0, ""},
		{"no such command", []string{"fly"}, 2, "fly"},
		{"no such flag", []string{"serve", "--wings"}, 2, "--wings"},
		{"wrong flag value", []string{"serve", "--node", "x"}, 2, "--node"},
		{"contradicting options", []string{"serve", "--grace", "1s"}, 2, "--grace"},
		{"missing argument", []string{"campaign", "show"}, 2, "the id of a campaign"},
		{"missing file", []string{"campaign", "launch", "nothing.yaml", "--recipients", "x.csv"}, 2, "nothing.yaml"},
		{"key refused", show(answers(t, 401, `{"detail":"the key is revoked"}`)), 3, "revoked"},
		{"not allowed", show(answers(t, 403, `{"detail":"no scope"}`)), 3, "no scope"},
		{"no such campaign", show(answers(t, 404, `{"detail":"there is no such campaign"}`)), 4, "no such campaign"},
		{"wrong state", []string{"campaign", "pause", "cmp_1", "--url", answers(t, 409, `{"detail":"it is a draft"}`)}, 4, "draft"},
		{"server broken", show(answers(t, 500, ``)), 1, "500"},
	} {
		code, _, words := run(t, c.args...)
		if code != c.want || !strings.Contains(words, c.says) {
			t.Errorf("%s: exit code %d, want %d; said %q, want %q in it", c.name, code, c.want, words, c.says)
		}
		if strings.Contains(words, "ovk_test") {
			t.Errorf("%s: the key was printed: %q", c.name, words)
		}
	}
}

func TestNoKey(t *testing.T) {
	t.Setenv("HOME", t.TempDir())
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	t.Setenv("OVERTURE_API_KEY", "")
	if code, _, words := run(t, "campaign", "list"); code != 3 || !strings.Contains(words, "OVERTURE_API_KEY") {
		t.Errorf("got %d %q, want 3 and words about OVERTURE_API_KEY", code, words)
	}
}

func TestLoginIsKeptForLaterCommands(t *testing.T) {
	settings := t.TempDir()
	t.Setenv("HOME", settings)
	t.Setenv("XDG_CONFIG_HOME", settings)
	t.Setenv("OVERTURE_URL", "")
	t.Setenv("OVERTURE_API_KEY", "")
	url := answers(t, 200, `{"account":{"name":"Harbor"},"items":[]}`)
	if code, out, words := run(t, "login", "--url", url, "--api-key", "ovk_kept"); code != 0 || !strings.Contains(out, "Harbor") {
		t.Fatalf("login: %d %q %q", code, out, words)
	}
	info, err := os.Stat(filepath.Join(settings, "overture", "login.json"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key's file: %v, %v, want mode 0600", info, err)
	}
	if code, _, words := run(t, "campaign", "list"); code != 0 {
		t.Errorf("list after login: %d %q", code, words)
	}
	// A key never goes to another server than the one it was made for.
	if code, _, words := run(t, "campaign", "list", "--url", answers(t, 200, `{}`)); code != 3 {
		t.Errorf("list at another server: %d %q, want 3", code, words)
	}
}

func TestExportReplacesTheFileOnlyWhenItIsWhole(t *testing.T) {
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	t.Setenv("OVERTURE_API_KEY", "ovk_test")
	dir := t.TempDir()
	path := filepath.Join(dir, "out.csv")
	if err := os.WriteFile(path, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, _, _ := run(t, "campaign", "export", "-o", path, "--url", answers(t, 404, `{}`)); code == 0 {
		t.Error("a refused export succeeded")
	}
	if raw, _ := os.ReadFile(path); string(raw) != "old" {
		t.Errorf("a refused export wrote %q", raw)
	}
	if code, _, words := run(t, "campaign", "export", "-o", path, "--url", answers(t, 200, "a,b\n")); code != 0 {
		t.Errorf("export: %d %q", code, words)
	}
	if raw, _ := os.ReadFile(path); string(raw) != "a,b\n" {
		t.Errorf("export wrote %q", raw)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".export-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}
