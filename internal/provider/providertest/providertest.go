// Package providertest proves a provider adapter by transcripts: what it sends, byte for byte, what it is answered over a real connection,
// and what it makes of the answer.
//
// A transcript is a txtar file:
//
//	A line or two about the case.
//	-- call --        "key: value" lines that the adapter's own test understands
//	-- request 1 --   what the adapter must send: method, path, headers, and the form or query decoded, one field per line
//	-- response 1 --  what it gets: an HTTP response, or a fault such as !reset (see Fault…)
//	-- result --      how the adapter understood it
//
// Run the tests with -update to write the request and result sections anew; then read the diff.
package providertest

import (
	"bufio"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/overture-im/overture"
)

var update = flag.Bool("update", false, "write the request and result sections of transcripts anew")

// The faults a response section may name instead of a response.
const (
	FaultRefuse  = "!refuse"  // nobody listens
	FaultReset   = "!reset"   // the request is read, then the connection is reset
	FaultClose   = "!close"   // the request is read, then the connection is closed in order
	FaultSilence = "!silence" // the request is read and never answered
	FaultGarbage = "!garbage" // the request is read and sent back, which is no HTTP response
	FaultCut     = "!cut"     // followed by a response that promises more bytes than it has
)

// Call is what a transcript asks the adapter's test to do.
type Call map[string]string

// Run plays every transcript that matches the pattern. do performs the call against baseURL and gives its result, usually by Result.
// The names of headers in show are written into request sections, with the values of secrets masked.
func Run(t *testing.T, pattern string, show, secrets []string, do func(t *testing.T, baseURL string, call Call) string) {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("no transcripts match %s (%v)", pattern, err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			ar, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			s := start(t, ar, show, secrets)
			got := do(t, s.url, parseCall(section(ar, "call")))
			s.stop()
			compare(t, file, ar, s.requests(), got)
		})
	}
}

func compare(t *testing.T, file string, ar *txtar.Archive, requests []string, result string) {
	t.Helper()
	if *update {
		kept := slices.DeleteFunc(slices.Clone(ar.Files), func(f txtar.File) bool { return f.Name == "result" || strings.HasPrefix(f.Name, "request ") })
		ar.Files = nil
		for _, f := range kept {
			var n int
			if _, err := fmt.Sscanf(f.Name, "response %d", &n); err == nil && n <= len(requests) {
				ar.Files = append(ar.Files, txtar.File{Name: fmt.Sprintf("request %d", n), Data: []byte(requests[n-1])})
			}
			ar.Files = append(ar.Files, f)
		}
		ar.Files = append(ar.Files, txtar.File{Name: "result", Data: []byte(result + "\n")})
		if err := os.WriteFile(file, txtar.Format(ar), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	for i, got := range requests {
		if want := section(ar, fmt.Sprintf("request %d", i+1)); got != want {
			t.Errorf("request %d:\n%s\nwant:\n%s", i+1, got, want)
		}
	}
	if want := section(ar, fmt.Sprintf("request %d", len(requests)+1)); want != "" {
		t.Errorf("the adapter sent %d requests; still expected:\n%s", len(requests), want)
	}
	if want := strings.TrimSpace(section(ar, "result")); result != want {
		t.Errorf("result:\n%s\nwant:\n%s", result, want)
	}
}

// Result writes how a send ended and fails the test when an error shows a secret, an address or text in any form that logs use.
func Result(t *testing.T, accepted overture.AcceptedSend, err error, secrets ...string) string {
	t.Helper()
	if err == nil {
		return fmt.Sprintf("accepted %s segments=%d http=%d", accepted.ProviderID, accepted.Segments, accepted.HTTPStatus)
	}
	NoLeak(t, err, secrets...)
	e, ok := err.(*overture.SendError) //nolint:errorlint // the contract is the type itself
	if !ok {
		return fmt.Sprintf("NOT A SEND ERROR %T", err)
	}
	return fmt.Sprintf("%s refusal=%s code=%d http=%d retry_after=%s", e.Class, e.Refusal, e.Code, e.HTTPStatus, e.RetryAfter)
}

// NoLeak fails the test when an error shows one of the secrets, addresses or texts in any form that logs use.
func NoLeak(t *testing.T, err error, secrets ...string) {
	t.Helper()
	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).Error("send", "error", err, "detail", fmt.Sprintf("%+v %#v", err, err)) // as careless as can be
	shown := log.String()
	for _, secret := range secrets {
		for _, form := range []string{secret, url.QueryEscape(secret), url.PathEscape(secret)} {
			if secret != "" && strings.Contains(shown, form) {
				t.Errorf("the error shows %q: %s", secret, shown)
			}
		}
	}
}

func section(ar *txtar.Archive, name string) string {
	for _, f := range ar.Files {
		if f.Name == name {
			return string(f.Data)
		}
	}
	return ""
}

func parseCall(text string) Call {
	call := Call{}
	for line := range strings.Lines(text) {
		if key, value, ok := strings.Cut(strings.TrimRight(line, "\n"), ": "); ok {
			call[key] = value
		}
	}
	return call
}

// server answers the n-th request with the n-th response section, over plain TCP so that it can misbehave.
type server struct {
	url       string
	listener  net.Listener
	responses []string
	show      []string
	hide      *strings.Replacer
	done      chan struct{}
	mu        sync.Mutex
	seen      []string
	conns     []net.Conn
}

func start(t *testing.T, ar *txtar.Archive, show, secrets []string) *server {
	t.Helper()
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var hide []string
	for _, s := range secrets {
		hide = append(hide, s, "SECRET")
	}
	s := &server{url: "http://" + l.Addr().String(), listener: l, show: show, hide: strings.NewReplacer(hide...), done: make(chan struct{})}
	for n := 1; ; n++ {
		r := section(ar, fmt.Sprintf("response %d", n))
		if r == "" {
			break
		}
		s.responses = append(s.responses, r)
	}
	if len(s.responses) > 0 && strings.HasPrefix(s.responses[0], FaultRefuse) {
		_ = l.Close()
	}
	go s.accept()
	t.Cleanup(s.stop)
	return s
}

func (s *server) accept() {
	defer close(s.done)
	for {
		c, err := s.listener.Accept()
		if err != nil {
			return
		}
		s.mu.Lock()
		s.conns = append(s.conns, c)
		s.mu.Unlock()
		go s.serve(c)
	}
}

func (s *server) serve(c net.Conn) {
	silent := false
	defer func() {
		if !silent {
			_ = c.Close()
		}
	}()
	r := bufio.NewReader(c)
	for {
		req, err := http.ReadRequest(r)
		if err != nil {
			return // the end, a handshake, or no HTTP: the transcript then misses its request
		}
		text := s.write(req)
		s.mu.Lock()
		s.seen = append(s.seen, text)
		n := len(s.seen)
		s.mu.Unlock()
		if n > len(s.responses) {
			return
		}
		silent = strings.HasPrefix(s.responses[n-1], FaultSilence) // stop closes it
		if !answer(c, s.responses[n-1], text) {
			return
		}
	}
}

// answer tells whether the connection can carry another request.
func answer(c net.Conn, response, request string) bool {
	first, rest, _ := strings.Cut(response, "\n")
	switch first {
	case FaultReset:
		_ = c.(*net.TCPConn).SetLinger(0)
		_ = c.Close()
		return false
	case FaultClose:
		return false
	case FaultSilence:
		return false
	case FaultGarbage:
		_, _ = io.WriteString(c, request)
		return false
	case FaultCut:
		_, _ = io.WriteString(c, render(rest, 1000))
		return false
	}
	_, _ = io.WriteString(c, render(response, 0))
	return true
}

func render(response string, more int) string {
	head, body, _ := strings.Cut(response, "\n\n")
	body = strings.TrimSuffix(body, "\n")
	return strings.ReplaceAll(strings.TrimRight(head, "\n"), "\n", "\r\n") + fmt.Sprintf("\r\nContent-Length: %d\r\n\r\n%s", len(body)+more, body)
}

// write gives a request in the form of a transcript.
func (s *server) write(req *http.Request) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s\n", req.Method, req.URL.Path)
	for _, name := range s.show {
		for _, v := range req.Header.Values(name) {
			fmt.Fprintf(&b, "%s: %s\n", name, v)
		}
	}
	fields := func(kind, raw string) {
		for _, pair := range strings.Split(raw, "&") {
			if name, value, err := decode(pair); err != nil {
				fmt.Fprintf(&b, "%s not readable: %q\n", kind, pair)
			} else if pair != "" {
				fmt.Fprintf(&b, "%s %s=%q\n", kind, name, value)
			}
		}
	}
	fields("query", req.URL.RawQuery)
	body, err := io.ReadAll(req.Body)
	if err != nil {
		fmt.Fprintf(&b, "body not readable: %v\n", err)
	}
	fields("form", string(body))
	return s.hide.Replace(b.String())
}

func decode(pair string) (name, value string, err error) {
	name, value, _ = strings.Cut(pair, "=")
	if name, err = url.QueryUnescape(name); err == nil {
		value, err = url.QueryUnescape(value)
	}
	return name, value, err //nolint:wrapcheck // shown as a flag only
}

func (s *server) requests() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.seen)
}

func (s *server) stop() {
	_ = s.listener.Close()
	<-s.done
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.conns {
		_ = c.Close()
	}
}
