package site_test

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/overture-im/overture/internal/serve/site"
)

var built = fstest.MapFS{
	"index.html":            {Data: []byte(`<meta name="csp-nonce" content="__CSP_NONCE__"><script type="module" src="/assets/main-abc.js"></script>`)},
	"icon.svg":              {Data: []byte(`<svg/>`)},
	"assets/main-abc.js":    {Data: []byte("plain")},
	"assets/main-abc.js.br": {Data: []byte("brotli")},
	"assets/main-abc.js.gz": {Data: []byte("gzip")},
}

func ask(t *testing.T, files fstest.MapFS, method, path, encodings string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	r := httptest.NewRequestWithContext(t.Context(), method, path, nil)
	r.Header.Set("Accept-Encoding", encodings)
	site.Handler(files).ServeHTTP(w, r)
	return w
}

func TestPagesCarryTheirOwnNonce(t *testing.T) {
	nonce := regexp.MustCompile(`'nonce-([A-Za-z0-9+/]{22})'`)
	seen := map[string]bool{}
	for _, path := range []string{"/", "/campaigns", "/campaigns/cmp_1/recipients/rcp_2", "/nothing"} {
		w := ask(t, built, http.MethodGet, path, "")
		policy := w.Header().Get("Content-Security-Policy")
		found := nonce.FindStringSubmatch(policy)
		if w.Code != 200 || found == nil || strings.Contains(policy, "unsafe") || !strings.Contains(policy, "frame-ancestors 'none'") {
			t.Fatalf("GET %s: %d, content policy %q", path, w.Code, policy)
		}
		if !strings.Contains(w.Body.String(), `content="`+found[1]+`"`) || seen[found[1]] {
			t.Errorf("GET %s: the page does not carry the nonce of this answer, or an old one", path)
		}
		seen[found[1]] = true
		if w.Header().Get("Cache-Control") != "no-cache" {
			t.Errorf("GET %s: a page must not be cached: %q", path, w.Header().Get("Cache-Control"))
		}
	}
}

func TestFilesComeCompressedAndStay(t *testing.T) {
	for _, c := range []struct{ accepted, encoding, body string }{
		{"gzip, deflate, br", "br", "brotli"},
		{"gzip", "gzip", "gzip"},
		{"", "", "plain"},
	} {
		w := ask(t, built, http.MethodGet, "/assets/main-abc.js", c.accepted)
		if w.Body.String() != c.body || w.Header().Get("Content-Encoding") != c.encoding {
			t.Errorf("accepting %q: got %q as %q", c.accepted, w.Body.String(), w.Header().Get("Content-Encoding"))
		}
		if !strings.Contains(w.Header().Get("Cache-Control"), "immutable") || w.Header().Get("Content-Type") != "text/javascript; charset=utf-8" {
			t.Errorf("headers: %v", w.Header())
		}
	}
	if w := ask(t, built, http.MethodGet, "/icon.svg", "br"); w.Body.String() != "<svg/>" || w.Header().Get("Cache-Control") != "no-cache" {
		t.Errorf("a file without a hash: %q %v", w.Body.String(), w.Header())
	}
}

func TestWhatIsNotThere(t *testing.T) {
	for _, path := range []string{"/assets/old-hash.js", "/assets/../site.go.txt", "/index.html", "/assets/main-abc.js.map"} {
		if w := ask(t, built, http.MethodGet, path, ""); w.Code != http.StatusNotFound {
			t.Errorf("GET %s: %d, want 404: a page in place of a script would be a riddle", path, w.Code)
		}
	}
	if w := ask(t, built, http.MethodPost, "/campaigns", ""); w.Code != http.StatusMethodNotAllowed {
		t.Errorf("POST: %d, want 405", w.Code)
	}
	if w := ask(t, fstest.MapFS{}, http.MethodGet, "/", ""); !strings.Contains(w.Body.String(), "make build") {
		t.Errorf("without a build the page does not say how to make one: %q", w.Body.String())
	}
}
