package app

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/access"
	"github.com/overture-im/overture/internal/store"
)

// NewAccount is what it takes to begin an account.
type NewAccount struct {
	Name       string
	Email      string // of the first administrator
	Password   string
	WithAPIKey bool // also make an API key with every scope a key can have
}

// MadeAccount is what CreateAccount made.
type MadeAccount struct {
	Account overture.AccountID
	Brand   overture.BrandID
	APIKey  overture.Secret // shown this once
}

// CreateAccount writes an account with a brand and an administrator into the database of the options. On SQLite no server may run on it.
func CreateAccount(ctx context.Context, o Options, n NewAccount) (made MadeAccount, err error) {
	o = o.withDefaults()
	seal, err := sealer(o)
	if err != nil {
		return made, err
	}
	db, err := store.Open(ctx, store.Options{DataDir: o.DataDir, DatabaseURL: o.DatabaseURL, Node: o.Node, Sealer: seal})
	if err != nil {
		return made, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	who := access.New(access.Deps{Store: db, Log: o.Log, CheckBaseURL: checkBaseURL(o)})
	started, err := who.Bootstrap(ctx, access.Beginning{Account: n.Name, Email: n.Email, Password: n.Password})
	if err != nil {
		return made, err
	}
	made.Account, made.Brand = started.Account.ID, started.Brand.ID
	if !n.WithAPIKey {
		return made, nil
	}
	admin := access.Identity{AccountID: started.Account.ID, UserID: started.Admin.ID, Role: overture.Administrator}
	_, made.APIKey, err = who.CreateKey(ctx, admin, "first key", access.Scopes(), time.Time{})
	if err != nil {
		return made, fmt.Errorf("the account was made, its API key was not: %w", err)
	}
	return made, nil
}

// inviteToSetUp tells who started the server how to make the first account.
func (a *App) inviteToSetUp(ctx context.Context, who *access.Control, code string) error {
	if a.options.SetupLink == nil {
		return nil
	}
	needed, err := who.NeedsSetup(context.WithoutCancel(ctx)) // whoever stops us now has a server that began, not one that failed
	if err != nil || !needed {
		return err
	}
	a.options.SetupLink(strings.TrimSuffix(a.options.PublicURL, "/") + "/setup#code=" + code)
	return nil
}
