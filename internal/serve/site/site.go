// Package site serves the pages: sign-in and the read-only list of campaigns. They use the REST API like any other program.
//
//	Does:   hands out embedded HTML, CSS and JavaScript with a strict content policy
//	Reads:  nothing
//	Writes: nothing
//	Wakes:  nobody
package site

import (
	"embed"
	"io/fs"
	"net/http"
	"path"
	"strings"
)

//go:embed assets
var files embed.FS

// pages are the addresses people see. Everything else under /assets/ is a file.
var pages = map[string]string{"/": "index.html", "/campaigns": "campaigns.html"}

// policy forbids everything that is not our own file: text of consumers can never become code.
const policy = "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'"

// Handler serves the pages and their assets, and a readable 404 for the rest.
func Handler() http.Handler {
	assets, err := fs.Sub(files, "assets")
	if err != nil {
		panic("site: the embedded folder has another name: " + err.Error())
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cache-Control", "no-cache")
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			h.Set("Allow", "GET, HEAD")
			http.Error(w, "this page can only be read", http.StatusMethodNotAllowed)
			return
		}
		name, ok := pages[r.URL.Path]
		if !ok {
			name, ok = strings.CutPrefix(r.URL.Path, "/assets/")
		}
		if !ok || strings.HasSuffix(r.URL.Path, ".html") {
			notFound(w, assets)
			return
		}
		raw, err := fs.ReadFile(assets, path.Clean(name))
		if err != nil {
			notFound(w, assets)
			return
		}
		h.Set("Content-Type", contentType(name))
		_, _ = w.Write(raw) //nolint:gosec // an embedded file; the reader may be gone
	})
}

func notFound(w http.ResponseWriter, assets fs.FS) {
	raw, err := fs.ReadFile(assets, "404.html")
	if err != nil {
		http.Error(w, "there is no such page", http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(http.StatusNotFound)
	_, _ = w.Write(raw) // the reader may be gone
}

// contentType does not ask the machine's own table, which differs from one to the next.
func contentType(name string) string {
	switch path.Ext(name) {
	case ".html":
		return "text/html; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	default:
		return "application/octet-stream"
	}
}
