// Package site serves the console: the files that the browser loads. Everything they show comes from the REST API.
//
//	Does:   hands out embedded files, compressed beforehand, with a strict content policy
//	Reads:  nothing
//	Writes: nothing
//	Wakes:  nobody
package site

import (
	"bytes"
	"crypto/rand"
	_ "embed"
	"encoding/base64"
	"io/fs"
	"net/http"
	"path"
	"strings"
)

// noncePlace is where index.html wants the nonce of its answer.
const noncePlace = "__CSP_NONCE__"

//go:embed assets/unbuilt.html
var unbuilt []byte

// site is the handler; files are read from the same embedded folder as index.html, so a page never asks for files of another build.
type site struct {
	files fs.FS
	index []byte
}

// Handler serves the console from files: index.html for every address of a page, and the rest by name.
func Handler(files fs.FS) http.Handler {
	index, err := fs.ReadFile(files, "index.html")
	if err != nil {
		index = unbuilt
	}
	return &site{files, index}
}

func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		h.Set("Allow", "GET, HEAD")
		http.Error(w, "this address can only be read", http.StatusMethodNotAllowed)
		return
	}
	name := strings.TrimPrefix(path.Clean(r.URL.Path), "/")
	if path.Ext(name) == "" {
		s.page(w)
		return
	}
	s.file(w, r, name)
}

// page answers every address without an extension: the console's own router knows which of them exist, and says so when it does not.
func (s *site) page(w http.ResponseWriter) {
	raw := make([]byte, 16)
	_, _ = rand.Read(raw) // never fails
	nonce := base64.RawStdEncoding.EncodeToString(raw)
	h := w.Header()
	h.Set("Content-Security-Policy", policy(nonce))
	h.Set("Cache-Control", "no-cache")
	h.Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write(bytes.Replace(s.index, []byte(noncePlace), []byte(nonce), 1)) //nolint:gosec // embedded; the reader may be gone
}

// policy forbids everything that is not our own file: text of consumers can never become code. The nonce is for the style sheets that the
// components make in the browser.
func policy(nonce string) string {
	return "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-" + nonce + "'; img-src 'self' data: blob:; font-src 'self'; connect-src 'self'; " +
		"manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'"
}

func (s *site) file(w http.ResponseWriter, r *http.Request, name string) {
	kind := contentType(name)
	raw, encoding, err := s.compressed(name, r.Header.Get("Accept-Encoding"))
	if err != nil || kind == "" {
		http.Error(w, "there is no such file", http.StatusNotFound)
		return
	}
	h := w.Header()
	h.Set("Content-Type", kind)
	h.Set("Vary", "Accept-Encoding")
	h.Set("Cache-Control", "no-cache")
	if strings.HasPrefix(name, "assets/") { // names with a hash of their content
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	if encoding != "" {
		h.Set("Content-Encoding", encoding)
	}
	_, _ = w.Write(raw) //nolint:gosec // embedded; the reader may be gone
}

// compressed gives the smallest form of a file that the browser takes.
func (s *site) compressed(name, accepted string) (raw []byte, encoding string, err error) {
	for _, form := range []struct{ encoding, suffix string }{{"br", ".br"}, {"gzip", ".gz"}} {
		if !strings.Contains(accepted, form.encoding) {
			continue
		}
		if raw, err = fs.ReadFile(s.files, name+form.suffix); err == nil {
			return raw, form.encoding, nil
		}
	}
	raw, err = fs.ReadFile(s.files, name)
	return raw, "", err
}

// contentType does not ask the machine's own table, which differs from one to the next. Empty: nothing that the console has.
func contentType(name string) string {
	switch path.Ext(name) {
	case ".css":
		return "text/css; charset=utf-8"
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	case ".png":
		return "image/png"
	case ".woff2":
		return "font/woff2"
	case ".txt":
		return "text/plain; charset=utf-8"
	default:
		return ""
	}
}
