// Package app is the roof: it puts the rooms together in one straight-line function and starts and stops them.
package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/overture-im/overture/internal/kit/crashpoint"
	"github.com/overture-im/overture/internal/store"
)

// App is one server process as a value, so that the demo and tests run it inside themselves.
type App struct {
	options  Options
	log      *slog.Logger
	stops    []stop
	drains   []stop // run before stops, last in, first out too: what must end while everything else still answers
	workers  context.Context
	failed   chan error
	listener net.Listener
	book     *store.Store
	stopOnce sync.Once
	stopErr  error
}

// stop undoes one acquisition. They run last in, first out.
type stop struct {
	name string
	f    func(ctx context.Context) error
}

// stopBudget is how long a graceful stop takes at most: requests to providers end within their client timeout of 15 s, and their
// results still have to be written.
const stopBudget = 20 * time.Second

// New checks the options. Nothing runs yet.
func New(o Options) (*App, error) {
	o = o.withDefaults()
	if err := o.check(); err != nil {
		return nil, err
	}
	return &App{options: o, log: o.Log, failed: make(chan error, 1)}, nil
}

// Start returns when the server listens. After an error nothing runs.
func (a *App) Start(ctx context.Context) error {
	if err := a.wire(ctx); err != nil {
		return errors.Join(err, a.Stop(context.WithoutCancel(ctx)))
	}
	return nil
}

// Addr is the address listened on, host:port.
func (a *App) Addr() string { return a.listener.Addr().String() }

// URL is how this process is reached on its own machine.
func (a *App) URL() string { return "http://" + localAddr(a.listener.Addr()) }

// Book is the database, for verify inside the same process. Rooms never see it.
func (a *App) Book() *store.Store { return a.book }

// Run starts, serves until ctx ends or a part fails, and stops gracefully.
func (a *App) Run(ctx context.Context) error {
	if err := a.Start(ctx); err != nil {
		return err
	}
	a.log.Info("serving", "url", a.URL())
	var failure error
	select {
	case <-ctx.Done():
		a.log.Info("stopping: no new work is taken, work in flight is finished")
	case failure = <-a.failed:
		a.log.Error("stopping: a part failed", "error", failure)
	}
	return errors.Join(failure, a.Stop(context.WithoutCancel(ctx)))
}

// drain puts the undoing that was registered last in front of all others.
func (a *App) drain() {
	last := len(a.stops) - 1
	a.drains = slices.Insert(a.drains, 0, a.stops[last])
	a.stops = a.stops[:last]
}

// Stop turns readiness red, takes no new work, finishes what is in flight within 20 s and releases everything. It may be called twice.
func (a *App) Stop(ctx context.Context) error {
	a.stopOnce.Do(func() {
		ctx, cancel := context.WithTimeout(ctx, stopBudget)
		defer cancel()
		for _, s := range slices.Concat(a.drains, backward(a.stops)) {
			began := time.Now()
			crashpoint.Pass("CP16")
			if err := s.f(ctx); err != nil {
				a.stopErr = errors.Join(a.stopErr, fmt.Errorf("stop %s: %w", s.name, err))
			}
			a.log.Debug("stopped", "part", s.name, "took", time.Since(began))
		}
	})
	return a.stopErr
}

func backward(stops []stop) []stop {
	out := slices.Clone(stops)
	slices.Reverse(out)
	return out
}

// onStop registers the undoing of what was just acquired.
func (a *App) onStop(name string, f func(ctx context.Context) error) {
	a.stops = append(a.stops, stop{name, f})
}

// work runs a loop of a room until the app stops; the loop returns when its context ends. An earlier end stops the server: a server
// without one of its loops looks alive and does nothing.
func (a *App) work(name string, loop func(ctx context.Context) error) {
	ctx, cancel := context.WithCancel(a.workers)
	done := make(chan struct{})
	go func() {
		defer close(done)
		err := loop(ctx)
		if ctx.Err() != nil {
			return
		}
		select {
		case a.failed <- fmt.Errorf("%s ended: %w", name, cmpErr(err)):
		default: // one failure is enough to stop
		}
	}()
	a.onStop(name, func(stopping context.Context) error {
		cancel()
		select {
		case <-done:
			return nil
		case <-stopping.Done():
			return errors.New("did not end in time")
		}
	})
}

// loop is work for a loop that has nothing to report.
func (a *App) loop(name string, loop func(ctx context.Context)) {
	a.work(name, func(ctx context.Context) error { loop(ctx); return nil })
}

func cmpErr(err error) error {
	if err == nil {
		return errors.New("without a reason")
	}
	return err
}

// serve listens and answers with the handler. Uploads and streams take long, so only headers and idle connections have a time limit
// here; the API bounds its own bodies.
func (a *App) serve(ctx context.Context, handler http.Handler) {
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(a.log.Handler(), slog.LevelDebug),
		BaseContext:       func(net.Listener) context.Context { return context.WithoutCancel(ctx) },
	}
	go func() {
		if err := server.Serve(a.listener); err != nil && !errors.Is(err, http.ErrServerClosed) {
			select {
			case a.failed <- fmt.Errorf("serve: %w", err):
			default: // one failure is enough to stop
			}
		}
	}()
	a.onStop("http server", func(stopping context.Context) error {
		half, cancel := context.WithTimeout(stopping, stopBudget/2) // the other half is for the loops
		defer cancel()
		if err := server.Shutdown(half); err != nil {
			return errors.Join(err, server.Close())
		}
		return nil
	})
}

func localAddr(addr net.Addr) string {
	tcp, ok := addr.(*net.TCPAddr)
	if ok && tcp.IP.IsUnspecified() {
		return fmt.Sprintf("127.0.0.1:%d", tcp.Port)
	}
	return addr.String()
}
