// Package labtest starts a carrier lab for a test.
package labtest

import (
	"context"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/overture-im/overture/internal/lab"
)

// Server is a lab on a loopback port.
type Server struct {
	URL    string
	Lab    *lab.Lab
	Client *lab.Client

	once sync.Once
	stop func()
}

// Start runs a lab until the test ends.
func Start(t testing.TB, o lab.Options) *Server {
	t.Helper()
	l, err := lab.New(o)
	if err != nil {
		t.Fatalf("start the lab: %v", err)
	}
	web := httptest.NewServer(l.Handler())
	ctx, cancel := context.WithCancel(t.Context())
	ran := make(chan error, 1)
	go func() { ran <- l.Run(ctx) }()
	s := &Server{URL: web.URL, Lab: l, Client: lab.NewClient(web.URL)}
	s.stop = func() {
		s.Client.Close()
		cancel()
		if err := <-ran; err != nil {
			t.Errorf("run the lab: %v", err)
		}
		web.CloseClientConnections()
		web.Close()
		if err := l.Close(); err != nil {
			t.Errorf("close the lab: %v", err)
		}
	}
	t.Cleanup(s.Stop)
	return s
}

// Stop ends the lab before the test does. A lab with the same LedgerPath may follow it.
func (s *Server) Stop() { s.once.Do(s.stop) }
