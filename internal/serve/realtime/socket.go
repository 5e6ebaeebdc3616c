package realtime

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/access"
)

// frame is what goes over a socket.
type frame struct {
	Type   string `json:"type"` // hello, event, resync, beat
	Epoch  string `json:"epoch,omitempty"`
	Offset *int64 `json:"offset,omitempty"`
	Topic  string `json:"topic,omitempty"`
	ID     string `json:"id,omitempty"`
}

func (f frame) json() []byte {
	raw, _ := json.Marshal(f) // texts and a number always marshal
	return raw
}

func (e event) json() []byte {
	return frame{Type: "event", Offset: &e.offset, Topic: string(e.thing.Topic), ID: e.thing.ID}.json()
}

// reason is why a socket ended.
type reason string

const (
	wentAway  reason = "went_away"
	signedOut reason = "signed_out"
	tooSlow   reason = "too_slow"
	stopping  reason = "stopping"
)

// codes of closing that the console knows; those from 4000 on are ours.
var codes = map[reason]websocket.StatusCode{
	wentAway: websocket.StatusNormalClosure, signedOut: 4401, tooSlow: 4429, stopping: websocket.StatusServiceRestart,
}

// socket is one open page. Its queue has one reader, serve; everybody else puts and ends without waiting.
type socket struct {
	who      access.Identity
	token    string
	greeting [][]byte // what it gets first; written by join, read by serve
	queue    chan []byte
	ended    chan struct{}

	once sync.Once
	why  reason
}

func newSocket(who access.Identity, token string, queue int) *socket {
	return &socket{who: who, token: token, queue: make(chan []byte, queue), ended: make(chan struct{})}
}

func (s *socket) put(text []byte) {
	select {
	case s.queue <- text:
	default:
		s.end(tooSlow)
	}
}

func (s *socket) end(why reason) {
	s.once.Do(func() {
		s.why = why
		close(s.ended)
	})
}

// writeLimit is how long one frame may take to leave.
const writeLimit = 10 * time.Second

// serve writes until the socket ends, and tells why it did.
func (s *socket) serve(ctx context.Context, conn *websocket.Conn, beat time.Duration) reason {
	ctx = conn.CloseRead(ctx) // a page says nothing; this answers its pings and notices its end
	write := func(text []byte) bool {
		limited, cancel := context.WithTimeout(ctx, writeLimit)
		defer cancel()
		return conn.Write(limited, websocket.MessageText, text) == nil
	}
	for _, text := range s.greeting {
		if !write(text) {
			return wentAway
		}
	}
	alive := time.NewTicker(beat)
	defer alive.Stop()
	for {
		select {
		case <-s.ended: // before what still waits
			return s.why
		default:
		}
		select {
		case <-ctx.Done():
			return wentAway
		case <-s.ended:
			return s.why
		case text := <-s.queue:
			if !write(text) {
				return wentAway
			}
		case <-alive.C:
			if !write(frame{Type: "beat"}.json()) || !answers(ctx, conn) {
				return wentAway
			}
		}
	}
}

// answers finds out about a page whose machine is gone.
func answers(ctx context.Context, conn *websocket.Conn) bool {
	limited, cancel := context.WithTimeout(ctx, writeLimit)
	defer cancel()
	return conn.Ping(limited) == nil
}

// ServeHTTP is GET /v1/live?epoch=&after=.
func (l *Live) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	if !l.ownOrigin(r) {
		http.Error(w, "a page of another site made this request", http.StatusForbidden)
		return
	}
	if _, wait := l.callers.Take(l.addressOf(r), l.limits.PerAddress, time.Now()); wait > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(wait/time.Second)+1))
		http.Error(w, "too many connections at once; wait a little", http.StatusTooManyRequests)
		return
	}
	s, err := l.signedIn(r)
	switch {
	case overture.KindOf(err) == overture.Unauthorized: // said over the socket: a browser does not show a page the status of a handshake
		if conn, err := l.accept(w, r); err == nil {
			_ = conn.Close(codes[signedOut], string(signedOut))
		}
		return
	case err != nil:
		http.Error(w, "the database does not answer; try again", http.StatusServiceUnavailable)
		return
	}
	after, _ := strconv.ParseInt(r.URL.Query().Get("after"), 10, 64) // nonsense is a place nobody stopped at
	switch l.hub.join(s, r.URL.Query().Get("epoch"), after) {
	case admitted:
	case tooManyOfSession:
		http.Error(w, "too many pages of one sign-in are open", http.StatusTooManyRequests)
		return
	default:
		http.Error(w, "no more live connections for now; try again", http.StatusServiceUnavailable)
		return
	}
	defer l.hub.leave(s)
	conn, err := l.accept(w, r)
	if err != nil {
		return // it has answered
	}
	why := s.serve(r.Context(), conn, l.pace.Beat)
	l.closed.WithLabelValues(string(why)).Inc()
	if why == wentAway {
		_ = conn.CloseNow()
		return
	}
	_ = conn.Close(codes[why], string(why)) // the other side may be gone
}

func (l *Live) accept(w http.ResponseWriter, r *http.Request) (*websocket.Conn, error) {
	return websocket.Accept(w, r, &websocket.AcceptOptions{OriginPatterns: l.publicHosts()})
}

// signedIn finds whose page asks, and looks at the account if nobody did yet, so that nothing is missed after the greeting.
func (l *Live) signedIn(r *http.Request) (*socket, error) {
	c, err := r.Cookie(l.deps.Cookie)
	if err != nil {
		return nil, &overture.Error{Kind: overture.Unauthorized, Code: "not_signed_in", Message: "sign in"}
	}
	who, err := l.deps.Sessions.Session(r.Context(), c.Value)
	if err != nil {
		return nil, err
	}
	if !l.hub.knows(who.AccountID) {
		marks, err := l.deps.Marks(r.Context(), who.AccountID, time.Now())
		if err != nil {
			return nil, err
		}
		l.hub.begin(who.AccountID, marks)
	}
	return newSocket(who, c.Value, l.limits.Queue), nil
}

// ownOrigin refuses pages of other sites: a browser sends them our cookie. Only our own pages have a reason to come, so an Origin is a must.
func (l *Live) ownOrigin(r *http.Request) bool {
	origin, err := url.Parse(r.Header.Get("Origin"))
	if err != nil || origin.Host == "" {
		return false
	}
	if strings.EqualFold(origin.Host, r.Host) {
		return true
	}
	for _, host := range l.publicHosts() {
		if strings.EqualFold(origin.Host, host) {
			return true
		}
	}
	return false
}

func (l *Live) publicHosts() []string {
	public, err := url.Parse(l.deps.PublicURL)
	if err != nil || public.Host == "" {
		return nil
	}
	return []string{public.Host}
}

func (l *Live) addressOf(r *http.Request) string {
	if l.deps.ClientIP != nil {
		return l.deps.ClientIP(r)
	}
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}
