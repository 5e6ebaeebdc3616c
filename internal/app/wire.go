package app

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/overture-im/overture/internal/pubsub"
	"github.com/overture-im/overture/internal/serve/ops"
	"github.com/overture-im/overture/internal/serve/site"
	"github.com/overture-im/overture/internal/store"
)

// wire is one straight line on purpose: each thing is made after what it needs, and its undoing stands beside it. Read it top to bottom
// to know what a server is made of.
func (a *App) wire(ctx context.Context) error {
	o := a.options
	workers, stopWorkers := context.WithCancel(context.WithoutCancel(ctx))
	a.workers = workers
	a.onStop("workers", func(context.Context) error { stopWorkers(); return nil })

	// The address first: a taken port is the commonest mistake, and the public URL may depend on it.
	var listen net.ListenConfig
	listener, err := listen.Listen(ctx, "tcp", o.Listen)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", o.Listen, err)
	}
	a.listener = listener
	a.onStop("listener", func(context.Context) error { _ = listener.Close(); return nil }) // the http server closes it too
	if o.PublicURL == "" {
		o.PublicURL = a.URL()
	}

	key, err := masterKey(o)
	if err != nil {
		return err
	}
	_ = key
	db, err := store.Open(ctx, store.Options{DataDir: o.DataDir, DatabaseURL: o.DatabaseURL, Node: o.Node})
	if err != nil {
		return err
	}
	a.onStop("store", func(context.Context) error { return db.Close() })

	bus := pubsub.New()
	_ = bus

	operations := ops.New(ops.Deps{
		Ready: func(ctx context.Context) error { return db.TouchNode(ctx, o.Node, time.Now()) },
		Log:   a.log,
	})

	mux := http.NewServeMux()
	operations.Mount(mux)
	mux.Handle("/", site.Handler())
	a.serve(ctx, operations.Measure(mux))
	return nil
}
