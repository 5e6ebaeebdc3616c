package site_test

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/overture-im/overture/internal/serve/site"
)

func ask(t *testing.T, method, path string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	site.Handler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), method, path, nil))
	return w
}

func TestPages(t *testing.T) {
	for _, c := range []struct {
		path, kind string
		status     int
	}{
		{"/", "text/html; charset=utf-8", 200},
		{"/campaigns", "text/html; charset=utf-8", 200},
		{"/assets/site.css", "text/css; charset=utf-8", 200},
		{"/assets/campaigns.js", "text/javascript; charset=utf-8", 200},
		{"/assets/icon.svg", "image/svg+xml", 200},
		{"/index.html", "text/html; charset=utf-8", 404},
		{"/assets/index.html", "text/html; charset=utf-8", 404},
		{"/assets/../site.go", "text/html; charset=utf-8", 404},
		{"/nothing", "text/html; charset=utf-8", 404},
	} {
		w := ask(t, http.MethodGet, c.path)
		if w.Code != c.status || w.Header().Get("Content-Type") != c.kind {
			t.Errorf("GET %s: got %d %s, want %d %s", c.path, w.Code, w.Header().Get("Content-Type"), c.status, c.kind)
		}
		if policy := w.Header().Get("Content-Security-Policy"); !strings.Contains(policy, "default-src 'self'") || strings.Contains(policy, "unsafe") {
			t.Errorf("GET %s: content policy is %q", c.path, policy)
		}
	}
	if w := ask(t, http.MethodPost, "/"); w.Code != http.StatusMethodNotAllowed {
		t.Errorf("POST /: got %d, want 405", w.Code)
	}
}

// The content policy forbids inline code and styles: a page that has some would silently not work.
func TestPagesObeyTheirOwnPolicy(t *testing.T) {
	inline := regexp.MustCompile(`(?i)<script(?:[^>]*src=)?[^>]*>[^<]+|<style| style=| on[a-z]+=|https?://`)
	for _, path := range []string{"/", "/campaigns", "/nothing"} {
		if found := inline.FindString(ask(t, http.MethodGet, path).Body.String()); found != "" {
			t.Errorf("GET %s contains %q, which the content policy forbids", path, found)
		}
	}
	for _, path := range []string{"/assets/campaigns.js", "/assets/signin.js"} {
		body := ask(t, http.MethodGet, path).Body.String()
		for _, never := range []string{"innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("} {
			if strings.Contains(body, never) {
				t.Errorf("%s uses %s: text of people must be set as text", path, never)
			}
		}
	}
}
