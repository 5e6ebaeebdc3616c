// Package egress is the one outgoing HTTP client for URLs that users give: provider base URLs, webhooks, media.
//
// It speaks HTTP/1.1 over TLS to public addresses only, checked when the connection is dialed, so a name that resolves to something
// private is refused too. It follows no redirect, uses no proxy from the environment, never repeats a request by itself, bounds time and
// size, and can say of a failed request that certainly nothing of it left this machine.
package egress

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/netip"
	"sync"
	"syscall"
	"time"
)

// Options of a Client. Zero values are good.
type Options struct {
	AllowLoopback bool           // lab mode: this machine is reachable too, also by plain http
	Connections   int            // idle connections kept per host; 256 when zero
	Timeout       time.Duration  // one request, from dial to the last byte of the body; 15 s when zero
	DialTimeout   time.Duration  // TCP and TLS handshake together; 5 s when zero
	MaxBody       int64          // bytes of a response; 1 MiB when zero
	RootCAs       *x509.CertPool // the system's when nil
}

// ErrTooLarge is returned by a response body that is longer than the cap.
var ErrTooLarge = errors.New("the response is larger than allowed")

// Error of a request that got no response.
type Error struct {
	NothingSent bool // certainly no byte of the request reached the connection: repeating it is safe
	Err         error
}

func (e *Error) Error() string {
	if e.NothingSent {
		return "request not sent: " + e.Err.Error()
	}
	return "no response: " + e.Err.Error()
}

// Unwrap gives the cause. It never holds the request's URL or headers.
func (e *Error) Unwrap() error { return e.Err }

// Client is safe for concurrent use.
type Client struct {
	transport     *http.Transport
	allowLoopback bool
	timeout       time.Duration
	maxBody       int64
}

// New makes a client; it holds idle connections until Close.
func New(o Options) *Client {
	orDefault := func(d, standard time.Duration) time.Duration {
		if d <= 0 {
			return standard
		}
		return d
	}
	if o.Connections <= 0 {
		o.Connections = 256
	}
	if o.MaxBody <= 0 {
		o.MaxBody = 1 << 20
	}
	d := &dialer{
		allowLoopback: o.AllowLoopback,
		timeout:       orDefault(o.DialTimeout, 5*time.Second),
		tls: &tls.Config{
			MinVersion: tls.VersionTLS12, RootCAs: o.RootCAs, NextProtos: []string{"http/1.1"},
			ClientSessionCache: tls.NewLRUClientSessionCache(64),
		},
	}
	d.net = net.Dialer{Timeout: d.timeout, KeepAlive: 15 * time.Second, ControlContext: d.control}
	http1 := new(http.Protocols)
	http1.SetHTTP1(true)
	return &Client{
		allowLoopback: o.AllowLoopback,
		timeout:       orDefault(o.Timeout, 15*time.Second),
		maxBody:       o.MaxBody,
		transport: &http.Transport{
			Proxy:                  nil, // an environment variable must not see credentials and messages
			DialContext:            d.plain,
			DialTLSContext:         d.secure,
			Protocols:              http1, // one connection carries one request: its failure concerns nobody else
			MaxIdleConns:           0,
			MaxIdleConnsPerHost:    o.Connections,
			IdleConnTimeout:        20 * time.Second, // shorter than a server's: less chance to write into a closing connection
			MaxResponseHeaderBytes: 64 << 10,
			DisableCompression:     true, // answers are small, and nothing can inflate
		},
	}
}

// Close drops idle connections.
func (c *Client) Close() { c.transport.CloseIdleConnections() }

// Do sends one request once. It takes over the request: GetBody is cleared, and an Idempotency-Key header is an error, because Go's
// transport would then repeat a POST on its own. A redirect is an ordinary response. The caller closes the body, which also ends the
// time limit. Every error is an *Error.
func (c *Client) Do(req *http.Request) (*http.Response, error) {
	if err := checkURL(req.URL, c.allowLoopback); err != nil {
		return nil, refuse(req, err)
	}
	for _, name := range [...]string{"Idempotency-Key", "X-Idempotency-Key"} {
		if _, set := req.Header[name]; set {
			return nil, refuse(req, fmt.Errorf("the header %s is not allowed", name))
		}
	}
	req.GetBody = nil
	f := &flight{}
	ctx, cancel := context.WithTimeout(req.Context(), c.timeout)
	f.trace.GotConn = f.gotConn
	resp, err := c.transport.RoundTrip(req.WithContext(httptrace.WithClientTrace(ctx, &f.trace)))
	if err != nil {
		cancel()
		return nil, &Error{NothingSent: f.nothingSent(), Err: err}
	}
	resp.Body = &body{in: resp.Body, left: c.maxBody, cancel: cancel}
	return resp, nil
}

func refuse(req *http.Request, err error) error {
	if req.Body != nil {
		_ = req.Body.Close() // as a transport does with a request it does not send
	}
	return &Error{NothingSent: true, Err: err}
}

// body caps what is read and ends the request's time limit when closed.
type body struct {
	in     io.ReadCloser
	left   int64
	cancel context.CancelFunc
}

func (b *body) Read(p []byte) (int, error) {
	if b.left < 0 {
		return 0, ErrTooLarge
	}
	if int64(len(p)) > b.left+1 {
		p = p[:b.left+1]
	}
	n, err := b.in.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return n - 1, ErrTooLarge
	}
	return n, err
}

func (b *body) Close() error {
	err := b.in.Close()
	b.cancel()
	return err
}

// flight follows one request to its connection.
type flight struct {
	trace   httptrace.ClientTrace
	mu      sync.Mutex
	conn    *conn
	start   int64 // bytes the connection had carried before
	started bool  // bytes of the request were written, or may have been
}

// gotConn may come more than once: the transport repeats a request without a body when an idle connection turns out to be dead.
func (f *flight) gotConn(info httptrace.GotConnInfo) {
	c, ours := info.Conn.(*conn)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.leave()
	if f.conn = c; ours {
		f.start = c.count()
	} else {
		f.started = true // a connection we cannot count on
	}
}

func (f *flight) leave() {
	if f.conn != nil && !f.conn.bar(f.start) {
		f.started = true
	}
	f.conn = nil
}

func (f *flight) nothingSent() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.leave()
	return !f.started
}

// conn counts what the kernel or the TLS layer took from the transport.
type conn struct {
	net.Conn
	mu      sync.Mutex
	written int64
	writing bool
	barred  bool
}

var errBarred = errors.New("the request was given up before anything was written")

func (c *conn) Write(p []byte) (int, error) {
	c.mu.Lock()
	if c.barred {
		c.mu.Unlock()
		return 0, errBarred
	}
	c.writing = true
	c.mu.Unlock()
	n, err := c.Conn.Write(p)
	c.mu.Lock()
	c.writing = false
	c.written += int64(n)
	c.mu.Unlock()
	return n, err
}

func (c *conn) count() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.written
}

// bar closes the connection to further writes and tells true when nothing was written since the count stood at start: a write that the
// transport still had under way cannot happen any more.
func (c *conn) bar(start int64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.barred = true
	return !c.writing && c.written == start
}

type dialer struct {
	net           net.Dialer
	tls           *tls.Config
	timeout       time.Duration
	allowLoopback bool
}

// control runs after name resolution and before the connection is made: what it sees is the address that would be reached.
func (d *dialer) control(_ context.Context, network, address string, _ syscall.RawConn) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil || network != "tcp4" && network != "tcp6" {
		return errors.New("the address is not an ordinary internet address")
	}
	if public(at.Addr()) || d.allowLoopback && isLoopback(at.Addr()) {
		return nil
	}
	return errors.New("the host leads to this machine or a private network, which is not allowed")
}

func (d *dialer) plain(ctx context.Context, network, address string) (net.Conn, error) {
	c, err := d.net.DialContext(ctx, network, address)
	if err != nil {
		return nil, err //nolint:wrapcheck // *net.OpError says all
	}
	return &conn{Conn: c}, nil
}

// secure does the handshake itself, so that bytes are counted above TLS and a closing alert is not taken for a sent request.
func (d *dialer) secure(ctx context.Context, network, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("dial: %w", err)
	}
	raw, err := d.net.DialContext(ctx, network, address)
	if err != nil {
		return nil, err //nolint:wrapcheck // *net.OpError says all
	}
	cfg := d.tls.Clone()
	cfg.ServerName = host
	c := tls.Client(raw, cfg)
	if err := c.HandshakeContext(ctx); err != nil {
		_ = raw.Close()
		return nil, fmt.Errorf("TLS handshake: %w", err)
	}
	return &conn{Conn: c}, nil
}
