package access

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"strings"
	"time"

	"github.com/overture-im/overture"
)

// Beginning is what it takes to begin an account.
type Beginning struct {
	Account  string
	Brand    string // empty: named like the account
	Name     string // of the first administrator; empty: "Administrator"
	Email    string
	Password string
}

// Started is what Bootstrap made.
type Started struct {
	Account overture.Account
	Brand   overture.Brand
	Admin   overture.User
}

// Bootstrap makes a new account with a first brand and a first administrator. It is for the command line: no route leads here.
func (c *Control) Bootstrap(ctx context.Context, b Beginning) (Started, error) {
	return c.start(ctx, b, c.store.CreateAccount)
}

// NeedsSetup tells whether nobody has an account here yet.
func (c *Control) NeedsSetup(ctx context.Context) (bool, error) {
	if c.begun.Load() {
		return false, nil
	}
	exists, err := c.store.HasAccounts(ctx)
	if err != nil {
		return false, fmt.Errorf("look whether the server is set up: %w", err)
	}
	if exists {
		c.begun.Store(true) // accounts never go away
	}
	return !exists, nil
}

// SetUp makes the server's first account, brand and administrator, and signs the administrator in.
//
// Conflict: there is an account. Invalid: wrong code, or the input's own faults. TooMany: too many tries.
func (c *Control) SetUp(ctx context.Context, code string, b Beginning, clientAddress, requestID string) (token string, session overture.Session, err error) {
	now := time.Now()
	if err := c.mayTryAnonymously(clientAddress, now); err != nil {
		return "", session, err
	}
	needed, err := c.NeedsSetup(ctx)
	if err != nil {
		return "", session, err
	}
	if !needed {
		return "", session, overture.ErrConflict("already_set_up", "this server has an account already; sign in")
	}
	given, right := sha256.Sum256([]byte(strings.TrimSpace(code))), sha256.Sum256([]byte(c.setupCode))
	if c.setupCode == "" || subtle.ConstantTimeCompare(given[:], right[:]) != 1 {
		return "", session, invalid("wrong_setup_code", "body.code", "this is not the code that the server printed when it started; it prints a new one at each start")
	}
	started, err := c.start(ctx, b, c.store.CreateFirstAccount)
	if err != nil {
		return "", session, err
	}
	c.begun.Store(true)
	return c.begin(ctx, started.Admin, "set-up", requestID, now)
}

type creating func(ctx context.Context, account overture.Account, brand overture.Brand, admin overture.User, passwordHash string) error

func (c *Control) start(ctx context.Context, b Beginning, create creating) (Started, error) {
	if strings.TrimSpace(b.Brand) == "" {
		b.Brand = b.Account
	}
	if strings.TrimSpace(b.Name) == "" {
		b.Name = "Administrator"
	}
	if err := checkName("body.account", b.Account); err != nil {
		return Started{}, err
	}
	if err := checkName("body.brand", b.Brand); err != nil {
		return Started{}, err
	}
	admin, hash, err := c.prepareUser(ctx, NewUser{Email: b.Email, Name: b.Name, Password: b.Password, Role: overture.Administrator})
	if err != nil {
		return Started{}, err
	}
	now := admin.CreatedAt
	out := Started{Account: overture.Account{ID: overture.AccountID(c.store.NewID()), Name: strings.TrimSpace(b.Account), Enabled: true, CreatedAt: now}, Admin: admin}
	out.Admin.AccountID = out.Account.ID
	out.Brand = overture.Brand{ID: overture.BrandID(c.store.NewID()), AccountID: out.Account.ID, Name: strings.TrimSpace(b.Brand), CreatedAt: now}
	if err := create(ctx, out.Account, out.Brand, out.Admin, hash); err != nil {
		return Started{}, fmt.Errorf("create account: %w", err)
	}
	return out, nil
}
