package proof

import (
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Fate is what a link does with a connection after the bytes it still passed.
type Fate int

// The fates of a connection. A stalled one stays open and silent, as when a cable is cut: nobody is told.
const (
	Pass Fate = iota
	Reset
	Stall
)

// Watch looks at what passes through one connection, in the order of arrival; up is towards the target. It says how many bytes of the
// chunk still pass, and what happens then.
type Watch func(up bool, chunk []byte) (pass int, fate Fate)

// Link is a TCP connection with somebody in the middle: between server and provider, server and PostgreSQL, or client and nodes. All of
// it stays on loopback.
type Link struct {
	listener net.Listener
	targets  atomic.Pointer[[]string]
	plan     atomic.Pointer[func(n int) Watch]
	opened   atomic.Int64
	turn     atomic.Int64
	frozen   atomic.Pointer[chan struct{}] // non-nil: nothing passes until it closes

	mu    sync.Mutex
	conns map[net.Conn]bool
	done  chan struct{}
}

// NewLink listens on a free port and passes every connection to the first target that takes it, in turn.
func NewLink(targets ...string) (*Link, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // local and immediate
	if err != nil {
		return nil, err
	}
	k := &Link{listener: l, conns: map[net.Conn]bool{}, done: make(chan struct{})}
	k.targets.Store(&targets)
	go k.accept()
	return k, nil
}

// Addr is where the link listens, host:port.
func (k *Link) Addr() string { return k.listener.Addr().String() }

// Target sends connections elsewhere from now on.
func (k *Link) Target(targets ...string) { k.targets.Store(&targets) }

// Opened is how many connections were taken so far.
func (k *Link) Opened() int { return int(k.opened.Load()) }

// Plan sets what happens to connections opened from now on; n counts them from 1. A nil plan or watch passes everything.
func (k *Link) Plan(f func(n int) Watch) { k.plan.Store(&f) }

// Vanish lets nothing through, in both directions, and tells nobody, until Return.
func (k *Link) Vanish() {
	ch := make(chan struct{})
	k.frozen.Store(&ch)
}

// Return ends Vanish. What was held back arrives now.
func (k *Link) Return() {
	if ch := k.frozen.Swap(nil); ch != nil {
		close(*ch)
	}
}

// Drop resets every open connection.
func (k *Link) Drop() {
	k.mu.Lock()
	defer k.mu.Unlock()
	for c := range k.conns {
		abort(c)
	}
}

// Close ends the link and every connection.
func (k *Link) Close() {
	select {
	case <-k.done:
		return
	default:
	}
	close(k.done)
	_ = k.listener.Close()
	k.Return()
	k.Drop()
}

func (k *Link) accept() {
	for {
		down, err := k.listener.Accept()
		if err != nil {
			if errors.Is(err, net.ErrClosed) {
				return
			}
			<-time.After(10 * time.Millisecond) // out of descriptors: a link has nobody to tell
			continue
		}
		n := int(k.opened.Add(1))
		go k.carry(down, n)
	}
}

func (k *Link) carry(down net.Conn, n int) {
	k.await()
	up := k.dial()
	if up == nil {
		abort(down)
		return
	}
	k.keep(down, up)
	defer k.forget(down, up)
	var watch Watch
	if p := k.plan.Load(); p != nil && *p != nil {
		watch = (*p)(n)
	}
	var order sync.Mutex // one watch sees both directions
	ask := func(isUp bool, chunk []byte) (int, Fate) {
		if watch == nil {
			return len(chunk), Pass
		}
		order.Lock()
		defer order.Unlock()
		return watch(isUp, chunk)
	}
	var both sync.WaitGroup
	both.Go(func() { k.pump(up, down, func(b []byte) (int, Fate) { return ask(true, b) }) })
	both.Go(func() { k.pump(down, up, func(b []byte) (int, Fate) { return ask(false, b) }) })
	both.Wait()
}

func (k *Link) dial() net.Conn {
	first, targets := int(k.turn.Add(1)), *k.targets.Load()
	for i := range targets {
		up, err := net.DialTimeout("tcp", targets[(first+i)%len(targets)], 2*time.Second) //nolint:noctx // bounded
		if err == nil {
			return up
		}
	}
	return nil
}

func (k *Link) pump(to, from net.Conn, ask func([]byte) (int, Fate)) {
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		if n > 0 {
			k.await()
			pass, fate := ask(buf[:n])
			if _, werr := to.Write(buf[:min(pass, n)]); werr != nil {
				abort(from)
				return
			}
			switch fate {
			case Pass:
			case Reset:
				abort(from)
				abort(to)
				return
			case Stall:
				<-k.done
				return
			}
		}
		if err != nil {
			if errors.Is(err, io.EOF) {
				if tcp, ok := to.(*net.TCPConn); ok {
					_ = tcp.CloseWrite()
				}
			} else {
				abort(to)
			}
			return
		}
	}
}

// await waits while the link is vanished.
func (k *Link) await() {
	if ch := k.frozen.Load(); ch != nil {
		<-*ch
	}
}

func (k *Link) keep(conns ...net.Conn) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, c := range conns {
		k.conns[c] = true
	}
}

func (k *Link) forget(conns ...net.Conn) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, c := range conns {
		delete(k.conns, c)
		_ = c.Close()
	}
}

// abort closes a connection so that the other side sees a reset.
func abort(c net.Conn) {
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = c.Close()
}
