package lab

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// Serve runs a lab on a loopback address until ctx ends; port 0 takes a free one. It writes the lab's address to out when it is ready.
func Serve(ctx context.Context, addr string, o Options, out io.Writer) error {
	host, _, err := net.SplitHostPort(addr)
	if err != nil || !loopbackName(host) {
		return fmt.Errorf("the lab listens on loopback only: give an address such as 127.0.0.1:4010, not %q", addr)
	}
	l, err := New(o)
	if err != nil {
		return err
	}
	defer l.Close()
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if err != nil {
		return fmt.Errorf("listen for the lab, is the port taken: %w", err)
	}
	server := &http.Server{
		Handler: l.Handler(), ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute,
		ErrorLog: slog.NewLogLogger(l.logger.Handler(), slog.LevelWarn),
	}
	ran := make(chan error, 2)
	running, stop := context.WithCancel(ctx)
	defer stop()
	go func() { ran <- l.Run(running) }()
	go func() { ran <- server.Serve(listener) }()
	fmt.Fprintf(out, "lab listens on http://%s\n", listener.Addr())
	err = <-ran // Run ends with ctx; Serve ends before only when something broke
	stop()
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if down := server.Shutdown(last); down != nil {
		_ = server.Close()
	}
	if second := <-ran; err == nil {
		err = second
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}
