package api

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/overture-im/overture/internal/access"
)

// pipes is a listener whose connections are pipes, so that a server runs inside a bubble of fake time.
type pipes struct {
	conns chan net.Conn
	done  chan struct{}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}
func (p *pipes) Close() error   { close(p.done); return nil }
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }

func serve(t *testing.T, h http.Handler) (dial func() net.Conn) {
	t.Helper()
	p := &pipes{conns: make(chan net.Conn), done: make(chan struct{})}
	server := &http.Server{Handler: h, ReadHeaderTimeout: time.Minute}
	ended := make(chan struct{})
	go func() { _ = server.Serve(p); close(ended) }()
	t.Cleanup(func() { _ = server.Close(); <-ended })
	return func() net.Conn {
		near, far := net.Pipe()
		p.conns <- far
		return near
	}
}

func head(method, path string, length int) string {
	return fmt.Sprintf("%s %s HTTP/1.1\r\nHost: overture.example\r\nAuthorization: Bearer all\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n", method, path, length)
}

func TestSlowBodies(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		path   string
		pieces []string // one every 20 seconds
		length int
		want   string
	}{
		"a body that never comes":          {"/v1/ping", []string{`{"name"`}, 100, "408 Request Timeout"},
		"an upload that never comes":       {"/v1/upload", []string{"a,b\n"}, 50, "408 Request Timeout"},
		"an upload that takes two minutes": {"/v1/upload", []string{"a", "b", "c", "d", "e", "f", "g"}, 7, "200 OK"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				_, h := frame(t, Deps{})
				conn := serve(t, h)()
				sent := make(chan struct{})
				defer func() { _ = conn.Close(); <-sent }()
				go func() {
					defer close(sent)
					_, _ = io.WriteString(conn, head("POST", tt.path, tt.length))
					for _, piece := range tt.pieces {
						if _, err := io.WriteString(conn, piece); err != nil {
							return
						}
						time.Sleep(20 * time.Second) //nolint:forbidigo // in a bubble of fake time
					}
				}()
				start := time.Now()
				line, err := bufio.NewReader(conn).ReadString('\n')
				if err != nil || !strings.Contains(line, tt.want) || time.Since(start) > 3*time.Minute {
					t.Errorf("got %q, %v after %v, want %s", line, err, time.Since(start), tt.want)
				}
			})
		})
	}
}

func TestABodyThatEndsEarly(t *testing.T) {
	t.Parallel()
	for _, header := range []string{"", "Idempotency-Key"} {
		_, h := frame(t, Deps{})
		r := httptest.NewRequest("POST", "/v1/ping", io.MultiReader(strings.NewReader(`{"name":`), iotest.ErrReader(io.ErrUnexpectedEOF)))
		r.Header.Set("Authorization", "Bearer all")
		if header != "" {
			r.Header.Set(header, "k")
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != 400 || !strings.Contains(w.Body.String(), `"body_cut_off"`) {
			t.Errorf("with header %q: %d %s", header, w.Code, w.Body)
		}
	}
}

// The bound on a body's time must not end the request of a handler that works longer than that.
func TestALongHandlerIsNotCutOff(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a, h := frame(t, Deps{})
		register(a, access.CampaignsWrite, operation{Method: "POST", Path: "/v1/long", Summary: "long", Tag: "test"},
			func(ctx context.Context, _ access.Identity, in *pingInput) (*pingOutput, error) {
				select {
				case <-ctx.Done():
					return nil, ctx.Err()
				case <-time.After(5 * time.Minute):
				}
				out := &pingOutput{}
				out.Body.Name = in.Body.Name
				return out, nil
			})
		conn := serve(t, h)()
		defer conn.Close()
		const body = `{"name":"a"}`
		go func() { _, _ = io.WriteString(conn, head("POST", "/v1/long", len(body))+body) }()
		line, err := bufio.NewReader(conn).ReadString('\n')
		if err != nil || !strings.Contains(line, "200 OK") {
			t.Errorf("got %q, %v", line, err)
		}
	})
}
