package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/store"
)

// The operator's orders to a server that holds its SQLite database alone: files in the data directory, so who may write there may give them.
const (
	stopOrder  = "stop-all"
	startOrder = "start-all"
)

// orderEvery is how often a server looks for the operator's orders.
const orderEvery = 200 * time.Millisecond

// orderWait is how long StopAll waits until the running server has carried its order out.
const orderWait = 10 * time.Second

// StopAll stops the sending of every account of an installation, or lets it go on. On PostgreSQL it writes into the database, which every node asks in
// every attempt's transaction; on SQLite it gives the order to the running server.
func StopAll(ctx context.Context, o Options, stopped bool, reason string) error {
	o = o.withDefaults()
	seal, err := sealer(o)
	if err != nil {
		return err
	}
	db, err := store.Open(ctx, store.Options{DataDir: o.DataDir, DatabaseURL: o.DatabaseURL, Node: o.Node, Sealer: seal})
	var known *overture.Error
	if errors.As(err, &known) && known.Code == "data_dir_in_use" {
		return order(ctx, o.DataDir, stopped, reason)
	}
	if err != nil {
		return err
	}
	if err := db.SetEverythingStopped(ctx, stopped, reason, time.Now()); err != nil {
		return errors.Join(err, db.Close())
	}
	return errors.Join(withdraw(o.DataDir, startOrder), withdraw(o.DataDir, stopOrder), db.Close())
}

// withdraw takes back an order that no server has taken: it must not come after the operator's later word.
func withdraw(dir, order string) error {
	if err := os.Remove(filepath.Join(dir, order)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("withdraw the order %s: %w", order, err)
	}
	return nil
}

// order leaves the order in the data directory and waits until it is gone, which means done.
func order(ctx context.Context, dir string, stopped bool, reason string) error {
	name, other := startOrder, stopOrder
	if stopped {
		name, other = stopOrder, startOrder
	}
	if err := withdraw(dir, other); err != nil {
		return err
	}
	path := filepath.Join(dir, name)
	part := path + ".part"
	if err := os.WriteFile(part, []byte(reason), 0o600); err != nil {
		return fmt.Errorf("leave the order: %w", err)
	}
	if err := os.Rename(part, path); err != nil { // so that nobody reads half of it
		return fmt.Errorf("leave the order: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, orderWait)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		select {
		case <-ctx.Done():
			return &overture.Error{
				Kind: overture.Unavailable, Code: "order_not_taken",
				Message: "the running server has not taken the order; it stays in " + path + " and is carried out when the server can. To stop at once, end the server",
			}
		case <-tick.C:
		}
	}
}

// everythingStopper is the part of the store that carries out the operator's orders.
type everythingStopper interface {
	SetEverythingStopped(ctx context.Context, stopped bool, reason string, now time.Time) error
}

// takeOrders carries out the operator's orders as they come, until ctx ends.
func takeOrders(dir string, db everythingStopper, log *slog.Logger) func(ctx context.Context) error {
	return func(ctx context.Context) error {
		tick := time.NewTicker(orderEvery)
		defer tick.Stop()
		for {
			for _, name := range []string{stopOrder, startOrder} {
				if err := takeOrder(ctx, filepath.Join(dir, name), name == stopOrder, db, log); err != nil && ctx.Err() == nil {
					log.ErrorContext(ctx, "the operator's order could not be carried out; trying again", "order", name, "error", err)
				}
			}
			select {
			case <-ctx.Done():
				return nil
			case <-tick.C:
			}
		}
	}
}

func takeOrder(ctx context.Context, path string, stop bool, db everythingStopper, log *slog.Logger) error {
	reason, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := db.SetEverythingStopped(ctx, stop, string(reason), time.Now()); err != nil {
		return err
	}
	log.WarnContext(ctx, "kill switch of the installation", "stopped", stop)
	if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil // withdrawn meanwhile: another order follows
}
