package store_test

import (
	"context"
	"io"
	"net"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/store"
	"github.com/overture-im/overture/internal/store/storetest"
)

// R11, §3.6: a server with another history than the recorded one is a promoted standby or a restored backup.
func TestAnotherHistoryBeginsAQuarantine(t *testing.T) {
	if !storetest.OnPostgres() {
		t.Skip("SQLite has no standbys; its backups carry their quarantine inside")
	}
	for _, synchronous := range []bool{false, true} {
		o := storetest.Options(t)
		first := opened(t, o)
		if err := first.GuardHistory(t.Context(), synchronous); err != nil {
			t.Fatal(err)
		}
		if active, err := first.InQuarantine(t.Context()); err != nil || active {
			t.Fatalf("the first look at a server: quarantine %v, %v", active, err)
		}
		beat := time.Now().Add(-time.Minute).Truncate(time.Millisecond)
		must(t, first.TouchNode(t.Context(), 0, beat))
		deskExec(t, first, `UPDATE installation SET value = '1/00000001' WHERE name = 'history'`)

		second := opened(t, o)
		if err := second.GuardHistory(t.Context(), synchronous); err != nil {
			t.Fatal(err)
		}
		q, err := second.Quarantine(t.Context())
		if err != nil || q.Active == synchronous {
			t.Fatalf("synchronous standbys %v: quarantine is %+v, %v", synchronous, q, err)
		}
		if q.Active && !q.Since.Equal(beat.Add(-time.Minute).UTC()) {
			t.Errorf("since %v, want a minute before the last heartbeat that survived, %v", q.Since, beat)
		}
		third := opened(t, o)
		must(t, third.GuardHistory(t.Context(), synchronous))
		if n := deskCount(t, third, `SELECT COUNT(*) FROM quarantine`); n > 1 {
			t.Errorf("%d quarantines for one change of history", n)
		}
	}
}

func opened(t *testing.T, o store.Options) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// F-PG5: a server that takes everything and answers nothing costs seconds, not a quarter of an hour, and the pool recovers by itself.
func TestAServerThatFallsSilentEndsInAnError(t *testing.T) {
	if !storetest.OnPostgres() {
		t.Skip("SQLite is not at the other end of a line")
	}
	o := storetest.Options(t)
	u, err := url.Parse(o.DatabaseURL)
	if err != nil {
		t.Fatal(err)
	}
	cable := newCable(t, u.Host)
	u.Host = cable.listener.Addr().String()
	s := opened(t, store.Options{DatabaseURL: u.String(), Sealer: storetest.Plain{}})
	s.DB().LimitSilence(300 * time.Millisecond)
	if _, err := s.InQuarantine(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cable.snap) // or closing the store waits for lines that never answer
	cable.cut.Store(true)
	began := time.Now()
	if _, err := s.InQuarantine(t.Context()); overture.KindOf(err) != overture.Unavailable {
		t.Errorf("a question to a silent server: %v, want unavailable", err)
	}
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("it took %v to give up", took)
	}
	cable.cut.Store(false)
	for began = time.Now(); ; time.Sleep(20 * time.Millisecond) {
		if _, err = s.InQuarantine(t.Context()); err == nil {
			break
		}
		if time.Since(began) > 10*time.Second {
			t.Fatalf("the pool did not recover: %v", err)
		}
	}
}

// cable carries bytes between the pool and the server until it is cut: then it swallows them, and nobody gets a reset.
type cable struct {
	listener net.Listener
	cut      atomic.Bool
	mu       sync.Mutex
	ends     []net.Conn
}

func (c *cable) snap() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, end := range c.ends {
		_ = end.Close()
	}
}

func newCable(t *testing.T, to string) *cable {
	t.Helper()
	var listen net.ListenConfig
	listener, err := listen.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &cable{listener: listener}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			near, err := listener.Accept()
			if err != nil {
				return
			}
			far, err := (&net.Dialer{}).DialContext(context.Background(), "tcp", to) //nolint:usetesting // outlives the test's context during cleanup
			if err != nil {
				_ = near.Close()
				continue
			}
			c.mu.Lock()
			c.ends = append(c.ends, near, far)
			c.mu.Unlock()
			born := c.cut.Load() // a line that was made while the cable was cut never works
			go c.carry(near, far, born)
			go c.carry(far, near, born)
		}
	}()
	return c
}

func (c *cable) carry(to io.WriteCloser, from io.ReadCloser, dead bool) {
	defer to.Close()
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		if c.cut.Load() {
			dead = true
		}
		if err != nil {
			return
		}
		if dead {
			continue
		}
		if _, err := to.Write(buffer[:n]); err != nil && !strings.Contains(err.Error(), "closed") {
			return
		}
	}
}
