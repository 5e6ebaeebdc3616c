package api

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/overture-im/overture/internal/access"
	"github.com/overture-im/overture/internal/serve/api/speech"
)

// exchange is what the request log wants to know at the end. One goroutine writes it.
type exchange struct {
	requestID string
	trace     string // trace id of W3C traceparent: the caller's, or ours
	route     string
	subject   []slog.Attr // ids that the path names, and what was made
	client    string      // address, for the sign-in limits; not logged
	language  *speech.Language
	who       access.Identity
	code      string
	status    int // when huma's must be corrected
	conn      *http.ResponseController
	err       error
}

type exchangeKey struct{}

func exchangeOf(ctx context.Context) *exchange {
	if x, ok := ctx.Value(exchangeKey{}).(*exchange); ok {
		return x
	}
	return &exchange{language: speech.English()}
}

// bodyWait is how long the next piece of a body may take to come; a whole JSON body may take as long. A slow sender cannot hold a request
// open for ever.
const bodyWait = 30 * time.Second

// await bounds the time until the connection gives something to read. The server lifts the bound itself when the body has ended.
func (x *exchange) await(bound time.Duration) {
	if x.conn != nil {
		_ = x.conn.SetReadDeadline(time.Now().Add(bound)) // not every connection has deadlines, such as a test's
	}
}

// pacedBody bounds each read of a body, however long the whole takes.
type pacedBody struct {
	io.ReadCloser
	x *exchange
}

func (b *pacedBody) Read(p []byte) (int, error) {
	b.x.await(bodyWait)
	return b.ReadCloser.Read(p)
}

// observe gives every request an id, safe headers, one line in the log, and an answer even when a handler panics.
func (a *API) observe(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		x := &exchange{requestID: newRequestID(), client: a.deps.ClientIP(r), language: a.speech.For(r.Header.Get("Accept-Language"))}
		r = r.WithContext(context.WithValue(r.Context(), exchangeKey{}, x))
		a.secure(w.Header())
		w.Header().Set("X-Request-Id", x.requestID)
		w.Header().Set("Content-Language", x.language.String())
		w.Header().Set("Vary", "Accept-Language")
		x.trace = traceOf(r.Header.Get("traceparent"))
		w.Header().Set("traceparent", "00-"+x.trace+"-"+newSpan()+"-01")
		out := &answer{ResponseWriter: w}
		x.conn = http.NewResponseController(out)
		if r.Body != http.NoBody {
			x.await(bodyWait) // also when nobody reads it: the server wants it out of the way before the next request
		}
		defer func() {
			if p := recover(); p != nil {
				if p == http.ErrAbortHandler { //nolint:errorlint // a sentinel to be passed on
					a.log(r, x, out, start)
					panic(p)
				}
				x.err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
				if out.status == 0 {
					a.deny(out, r, problemOf(x.err))
				}
			}
			a.log(r, x, out, start)
		}()
		next.ServeHTTP(out, r)
	})
}

func (a *API) secure(h http.Header) {
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
	if isHTTPS(a.deps.PublicURL) {
		h.Set("Strict-Transport-Security", "max-age=63072000")
	}
}

// log writes one line per request: the route's pattern, never the path, the query or anything from the body (T25).
func (a *API) log(r *http.Request, x *exchange, out *answer, start time.Time) {
	level := slog.LevelInfo
	attrs := []slog.Attr{
		slog.String("request_id", x.requestID), slog.String("trace_id", x.trace), slog.String("method", method(r)), slog.String("route", x.route),
		slog.Int("status", out.status), slog.Int64("bytes", out.bytes), slog.Duration("took", time.Since(start)),
	}
	attrs = append(attrs, x.subject...)
	if x.who.AccountID != 0 {
		attrs = append(attrs, slog.String("account_id", x.who.AccountID.String()), slog.String("actor", x.who.Actor().String()))
	}
	if x.code != "" {
		attrs = append(attrs, slog.String("code", x.code))
	}
	if x.err != nil && (out.status >= http.StatusInternalServerError || out.status == 0) {
		level = slog.LevelError
		attrs = append(attrs, slog.String("error", x.err.Error()))
	}
	a.deps.Log.LogAttrs(r.Context(), level, "request", attrs...)
}

// method names the method, or "other": a caller may invent one of any length.
func method(r *http.Request) string {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return r.Method
	}
	return "other"
}

func newRequestID() string {
	var b [12]byte
	_, _ = rand.Read(b[:]) // never fails
	return "req_" + hex.EncodeToString(b[:])
}

func peerAddress(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

// answer remembers what was written.
type answer struct {
	http.ResponseWriter
	status int
	bytes  int64
}

func (a *answer) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
	a.ResponseWriter.WriteHeader(status)
}

func (a *answer) Write(b []byte) (int, error) {
	if a.status == 0 {
		a.status = http.StatusOK
	}
	n, err := a.ResponseWriter.Write(b)
	a.bytes += int64(n)
	return n, err //nolint:wrapcheck // an io.Writer
}

// Unwrap lets http.ResponseController reach deadlines and flushing.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }
