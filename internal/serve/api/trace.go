package api

import (
	"crypto/rand"
	"encoding/hex"
	"log/slog"
	"net/http"
	"regexp"
	"strings"
)

// traceparent of W3C Trace Context, version 00. Anything else begins a trace of our own.
var traceparent = regexp.MustCompile(`^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(?:-.*)?$`)

const (
	noTrace = "00000000000000000000000000000000"
	noSpan  = "0000000000000000"
)

// traceOf gives the caller's trace id, or a new one.
func traceOf(header string) string {
	if m := traceparent.FindStringSubmatch(header); m != nil && !strings.HasPrefix(header, "ff") && m[1] != noTrace && m[2] != noSpan {
		return m[1]
	}
	return randomHex(16)
}

func newSpan() string { return randomHex(8) }

func randomHex(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	return hex.EncodeToString(b)
}

// idLike is what an id of ours looks like. A path may hold anything; only ids are logged.
var idLike = regexp.MustCompile(`^[a-z]{2,5}_[0-9A-Za-z]{1,24}$`)

// subjectOf gives the ids that a path names, for the log.
func subjectOf(pattern string, r *http.Request) []slog.Attr {
	var out []slog.Attr
	for _, name := range pathNames(pattern) {
		if value := r.PathValue(name); idLike.MatchString(value) {
			out = append(out, slog.String(name+"_id", value))
		}
	}
	return out
}
