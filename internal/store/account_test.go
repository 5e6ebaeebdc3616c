package store_test

import (
	"context"
	"testing"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/store/storetest"
)

func TestTheFirstAccountIsMadeOnce(t *testing.T) {
	t.Parallel()
	s := storetest.Open(t)
	first := func(ctx context.Context, email string) error {
		account := overture.Account{ID: overture.AccountID(s.NewID()), Name: "first", Enabled: true, CreatedAt: time.Now()}
		brand := overture.Brand{ID: overture.BrandID(s.NewID()), AccountID: account.ID, Name: "brand", CreatedAt: time.Now()}
		return s.CreateFirstAccount(ctx, account, brand, overture.User{
			ID: overture.UserID(s.NewID()), AccountID: account.ID, Email: email, Role: overture.Administrator, CreatedAt: time.Now(),
		}, "hash")
	}
	// Somebody else is in the middle of it: who comes second waits to see how that ends.
	other, err := s.DB().Write.BeginTx(t.Context(), nil)
	must(t, err)
	_, err = other.ExecContext(t.Context(), `INSERT INTO account (id, name, enabled, settings, created_at) VALUES (1, 'other', TRUE, '{}', 0)`)
	must(t, err)
	impatient, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if err := first(impatient, "a@harbor.example"); err == nil {
		t.Error("it did not wait for the other one")
	}
	must(t, other.Rollback())

	must(t, first(t.Context(), "b@harbor.example"))
	if err := first(t.Context(), "c@harbor.example"); overture.KindOf(err) != overture.Conflict {
		t.Errorf("the second one: %v, want Conflict", err)
	}
}
