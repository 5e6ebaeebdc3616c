package app

import (
	"context"
	"errors"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/serve/ops"
	"github.com/overture-im/overture/internal/store"
)

// QuarantineState is what an operator is told, by a running server or by its database.
type QuarantineState = ops.QuarantineState

// Quarantine reads the state of the quarantine in the options' database. On SQLite no server may run on it; the same holds below.
func Quarantine(ctx context.Context, o Options) (state QuarantineState, err error) {
	err = offline(ctx, o, func(p operator) error {
		q, err := p.Quarantine(ctx)
		state = ops.StateOf(q)
		return err
	})
	return state, err
}

// BeginQuarantine stops all sending.
func BeginQuarantine(ctx context.Context, o Options, order overture.QuarantineOrder) error {
	return offline(ctx, o, func(p operator) error { return p.BeginQuarantine(ctx, order) })
}

// ReleaseQuarantine lets sending go on.
func ReleaseQuarantine(ctx context.Context, o Options, who string, holdRest bool) error {
	return offline(ctx, o, func(p operator) error { return p.ReleaseQuarantine(ctx, who, holdRest) })
}

func offline(ctx context.Context, o Options, do func(operator) error) (err error) {
	o = o.withDefaults()
	db, err := store.Open(ctx, store.Options{DataDir: o.DataDir, DatabaseURL: o.DatabaseURL, Node: o.Node})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	return do(operator{db: db, dir: o.DataDir, log: o.Log})
}
