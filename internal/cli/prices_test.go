package cli_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestPrices(t *testing.T) {
	t.Setenv("OVERTURE_API_KEY", "ovk_test")
	var got string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, _ := io.ReadAll(r.Body)
		if r.Method == http.MethodPut {
			got = string(raw)
		}
		_, _ = io.WriteString(w, `{"version":3,"currency":"USD","prices":[{"channel":"sms","prefix":"1212","micros":7900},{"channel":"sms","country":"GB","sender":"snd_1","micros":40000},{"channel":"sms","micros":1000001}]}`)
	}))
	t.Cleanup(s.Close)
	code, out, words := run(t, "prices", "show", "--url", s.URL)
	for _, want := range []string{"version 3, USD", "+1212", "0.0079", "GB", "snd_1", "0.04", "everywhere", "1.000001"} {
		if code != 0 || !strings.Contains(out, want) {
			t.Errorf("show: %d %q %q, want %q in it", code, out, words, want)
		}
	}
	file := filepath.Join(t.TempDir(), "prices.json")
	for text, want := range map[string]string{
		`{"currency":"USD","prices":[{"channel":"sms","prefix":"1","micros":7900}]}`: `{"currency":"USD","prices":[{"channel":"sms","prefix":"1","micros":7900}]}`,
		`{"version":2,"currency":"USD","prices":[]}`:                                 `{"currency":"USD","prices":[],"version":2}`,
	} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if code, _, words := run(t, "prices", "set", file, "--url", s.URL); code != 0 || got != want {
			t.Errorf("set: %d %s; sent %s, want %s", code, words, got, want)
		}
	}
	for text, want := range map[string]string{`{"currency":"USD","prices":[{"prefx":"1"}]}`: "prefx", `nonsense`: "price table"} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if code, _, words := run(t, "prices", "set", file, "--url", s.URL); code != 2 || !strings.Contains(words, want) {
			t.Errorf("%s: %d %q, want %q in it", text, code, words, want)
		}
	}
	if code, _, words := run(t, "prices", "set", "nothing.json", "--url", s.URL); code != 2 || !strings.Contains(words, "nothing.json") {
		t.Errorf("no file: %d %q", code, words)
	}
}
