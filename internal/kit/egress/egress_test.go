package egress_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/overture-im/overture/internal/kit/egress"
)

func lab(t *testing.T, o egress.Options) *egress.Client {
	t.Helper()
	o.AllowLoopback = true
	c := egress.New(o)
	t.Cleanup(c.Close)
	return c
}

func post(t *testing.T, url string) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader("a=1"))
	if err != nil {
		t.Fatal(err)
	}
	return req
}

// mustFail sends a POST that must not get a response and tells whether the client is certain that nothing was sent.
func mustFail(t *testing.T, c *egress.Client, req *http.Request) *egress.Error {
	t.Helper()
	resp, err := c.Do(req)
	if err == nil {
		_ = resp.Body.Close()
		t.Fatalf("%s got a response", req.URL)
	}
	var e *egress.Error
	if !errors.As(err, &e) {
		t.Fatalf("%s: %T is not an *egress.Error", req.URL, err)
	}
	return e
}

// TestHostileURLsConnectNowhere serves on loopback and counts connections: there are none.
func TestHostileURLsConnectNowhere(t *testing.T) {
	var hits atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { hits.Add(1) }))
	defer server.Close()
	public := egress.New(egress.Options{DialTimeout: 200 * time.Millisecond})
	defer public.Close()
	for _, raw := range slices.Concat(hostile, spellings(), loopback, []string{server.URL}) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, raw, strings.NewReader("x"))
		if err != nil {
			continue
		}
		if e := mustFail(t, public, req); !e.NothingSent {
			t.Errorf("%s: may have been sent", raw)
		}
	}
	if hits.Load() != 0 {
		t.Errorf("%d requests reached this machine", hits.Load())
	}
}

// TestNamesAreCheckedWhenDialed resolves a public looking name to loopback, as DNS rebinding does.
func TestNamesAreCheckedWhenDialed(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a private address was reached") }))
	defer server.Close()
	err := egress.DialForTest(t.Context(), false, "tcp", server.Listener.Addr().String())
	if err == nil || !strings.Contains(err.Error(), "private network") {
		t.Errorf("dialing loopback: %v, want a refusal", err)
	}
	if err := egress.DialForTest(t.Context(), true, "tcp", server.Listener.Addr().String()); err != nil {
		t.Errorf("dialing loopback with the lab: %v", err)
	}
	for _, at := range []string{"10.0.0.1:443", "169.254.169.254:80", "[fd00:ec2::254]:80", "0.0.0.0:1", "[::]:1", "224.0.0.1:1", "192.168.1.1:443"} {
		if err := egress.DialForTest(t.Context(), true, "tcp", at); err == nil || !strings.Contains(err.Error(), "private network") {
			t.Errorf("dialing %s with the lab: %v, want a refusal", at, err)
		}
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	var hits atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		hits.Add(1)
		http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
	}))
	defer server.Close()
	resp, err := lab(t, egress.Options{}).Do(post(t, server.URL))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusTemporaryRedirect || hits.Load() != 1 {
		t.Errorf("status %d after %d requests, want the redirect itself after 1", resp.StatusCode, hits.Load())
	}
}

func TestEnvironmentProxyIsIgnored(t *testing.T) {
	proxy := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the proxy saw the request") }))
	defer proxy.Close()
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy"} {
		t.Setenv(name, proxy.URL)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) }))
	defer server.Close()
	resp, err := lab(t, egress.Options{}).Do(post(t, server.URL))
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
}

func TestBodyIsCapped(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write(bytes.Repeat([]byte("x"), int(r.ContentLength)))
	}))
	defer server.Close()
	c := lab(t, egress.Options{MaxBody: 100})
	for size, want := range map[int]error{99: nil, 100: nil, 101: egress.ErrTooLarge, 100_000: egress.ErrTooLarge} {
		req, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL, bytes.NewReader(make([]byte, size)))
		resp, err := c.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if !errors.Is(err, want) || len(got) != min(size, 100) {
			t.Errorf("a body of %d bytes: read %d with %v, want %v", size, len(got), err, want)
		}
	}
}

// TestNothingSent drives every way a request can die and asks what the client is certain of. The server's word is the truth: a request
// it saw must never be reported as not sent.
func TestNothingSent(t *testing.T) {
	closed := "http://" + closedPort(t)
	silent := listen(t, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) })
	reset := listen(t, func(c net.Conn) {
		_, _ = c.Read(make([]byte, 1))
		_ = c.(*net.TCPConn).SetLinger(0)
		_ = c.Close()
	})
	garbage := listen(t, func(c net.Conn) {
		_, _ = c.Read(make([]byte, 4096))
		_, _ = io.WriteString(c, "not http\r\n\r\n")
		_ = c.Close()
	})
	deaf := listen(t, func(c net.Conn) { _ = c.Close() })
	c := lab(t, egress.Options{Timeout: 300 * time.Millisecond})
	for _, tc := range []struct {
		name, url string
		certain   bool
	}{
		{"refused connection", closed, true},
		{"no TLS on the other side", strings.Replace(garbage, "http", "https", 1), true},
		{"closed during the TLS handshake", strings.Replace(deaf, "http", "https", 1), true},
		{"no TLS answer until the time-out", strings.Replace(silent, "http", "https", 1), true},
		{"time-out after writing", silent, false},
		{"reset after writing", reset, false},
		{"unreadable answer", garbage, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if e := mustFail(t, c, post(t, tc.url)); e.NothingSent != tc.certain {
				t.Errorf("NothingSent = %v, want %v: %v", e.NothingSent, tc.certain, e)
			}
		})
	}
	t.Run("given up before the start", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if e := mustFail(t, c, post(t, silent).WithContext(ctx)); !e.NothingSent {
			t.Errorf("NothingSent is false: %v", e)
		}
	})
	t.Run("unknown host", func(t *testing.T) {
		if e := mustFail(t, c, post(t, "https://nowhere.invalid")); !e.NothingSent {
			t.Errorf("NothingSent is false: %v", e)
		}
	})
	t.Run("untrusted certificate", func(t *testing.T) {
		server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("reached") }))
		server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0) // it would report our refusal
		server.StartTLS()
		defer server.Close()
		if e := mustFail(t, c, post(t, server.URL)); !e.NothingSent {
			t.Errorf("NothingSent is false: %v", e)
		}
	})
}

// TestNothingSentIsTrue cancels requests at random moments on warm connections and compares with what the server saw.
func TestNothingSentIsTrue(t *testing.T) {
	var mu sync.Mutex
	seen := map[string]bool{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		seen[r.URL.Path] = true
		mu.Unlock()
	}))
	defer server.Close()
	c := lab(t, egress.Options{})
	notSent := map[string]bool{}
	var all sync.WaitGroup
	for worker := range 8 {
		all.Go(func() {
			for i := range 60 {
				path := "/" + string(rune('a'+worker)) + strings.Repeat("x", i)
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i*3)*time.Microsecond)
				resp, err := c.Do(post(t, server.URL+path).WithContext(ctx))
				var e *egress.Error
				if errors.As(err, &e) && e.NothingSent {
					mu.Lock()
					notSent[path] = true
					mu.Unlock()
				} else if err == nil {
					_, _ = io.Copy(io.Discard, resp.Body)
					_ = resp.Body.Close()
				}
				cancel()
			}
		})
	}
	all.Wait()
	server.Close()
	mu.Lock()
	defer mu.Unlock()
	for path := range notSent {
		if seen[path] {
			t.Errorf("%s was reported as not sent and the server saw it", path)
		}
	}
}

// TestNoRepeat: a connection that dies after a request was written must not make the transport send it again (R4).
func TestNoRepeat(t *testing.T) {
	var requests atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if requests.Add(1)%2 == 1 {
			return // the connection is kept for the next one
		}
		raw, _, err := http.NewResponseController(w).Hijack()
		if err == nil {
			_ = raw.Close()
		}
	}))
	defer server.Close()
	c := lab(t, egress.Options{})
	for range 5 {
		resp, err := c.Do(post(t, server.URL))
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
		if e := mustFail(t, c, post(t, server.URL)); e.NothingSent {
			t.Error("a request the server read is reported as not sent")
		}
	}
	if requests.Load() != 10 {
		t.Errorf("the server saw %d requests, want 10", requests.Load())
	}
	req := post(t, server.URL)
	if req.GetBody == nil {
		t.Fatal("the request cannot be repeated anyway; the test proves nothing")
	}
	if resp, err := c.Do(req); err == nil {
		_ = resp.Body.Close()
	}
	if req.GetBody != nil {
		t.Error("the transport may write the body a second time")
	}
	for _, name := range []string{"Idempotency-Key", "X-Idempotency-Key"} {
		req := post(t, server.URL)
		req.Header.Set(name, "k")
		if e := mustFail(t, c, req); !e.NothingSent || requests.Load() != 11 {
			t.Errorf("a request with %s went out", name)
		}
	}
}

// TestGivenUpMeansNeverWritten: once a request was reported as not sent, a write that was still under way in the transport must fail.
func TestGivenUpMeansNeverWritten(t *testing.T) {
	sent, nothing, err := egress.WriteAfterBarForTest()
	if !nothing || err == nil || sent != 0 {
		t.Errorf("nothing sent %v, then %d bytes with %v, want a refusal", nothing, sent, err)
	}
}

func TestTLS(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.Proto) }))
	defer server.Close()
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	resp, err := lab(t, egress.Options{RootCAs: roots}).Do(post(t, server.URL))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if b, _ := io.ReadAll(resp.Body); string(b) != "HTTP/1.1" {
		t.Errorf("protocol %q, want HTTP/1.1", b)
	}
}

func listen(t *testing.T, serve func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // a test listener
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go serve(c)
		}
	}()
	return "http://" + l.Addr().String()
}

func closedPort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // a test listener
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func BenchmarkDo(b *testing.B) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) }))
	defer server.Close()
	c := egress.New(egress.Options{AllowLoopback: true})
	defer c.Close()
	b.ReportAllocs()
	for b.Loop() {
		req, _ := http.NewRequestWithContext(b.Context(), http.MethodPost, server.URL, strings.NewReader("a=1"))
		resp, err := c.Do(req)
		if err != nil {
			b.Fatal(err)
		}
		_ = resp.Body.Close()
	}
}
