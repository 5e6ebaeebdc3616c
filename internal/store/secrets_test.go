package store_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/kit/sealed"
	"github.com/overture-im/overture/internal/store"
	"github.com/overture-im/overture/internal/store/storetest"
)

// T26: a copy of the database does not give the secrets away, and a ciphertext moved to another row does not open.
func TestSecretsAtRest(t *testing.T) {
	t.Parallel()
	const canary = "canary-4f2a9c"
	keys, err := sealed.New(bytes.Repeat([]byte{7}, sealed.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	o := storetest.Options(t)
	o.Sealer = store.SealWith(keys)
	s, err := store.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	now := time.Now()
	by := overture.Actor{AccountID: 1, UserID: 2}
	brand := overture.Brand{ID: 3, AccountID: 1, Name: "brand", CreatedAt: now}
	must(t, s.CreateAccount(t.Context(), overture.Account{ID: 1, Name: "a", Enabled: true, CreatedAt: now}, brand,
		overture.User{ID: 2, AccountID: 1, Email: "a@alpha.example", Role: overture.Administrator, CreatedAt: now}, "hash"))
	for id, address := range map[overture.SenderID]overture.Address{10: "+12125550110", 11: "+12125550111"} {
		must(t, s.CreateSender(t.Context(), by, overture.Sender{
			ID: id, AccountID: 1, BrandID: 3, Name: "s", Channel: overture.SMS, Provider: "twilio",
			Address: address, AuthToken: canary, SecondAuthToken: canary + "2", WebhookKey: string(address), Rate: 1, CreatedAt: now,
		}))
	}
	call := overture.IdempotentCall{AccountID: 1, Route: "POST /v1/api-keys", Key: "k", Claim: "c", BodyHash: "h"}
	if _, _, _, err := s.BeginIdempotent(t.Context(), call, now, now.Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	must(t, s.FinishIdempotent(t.Context(), call, overture.IdempotentAnswer{Status: 201, Body: []byte(canary), BodyHash: "h"}))

	if got, err := s.SenderForDispatch(t.Context(), 10); err != nil || got.AuthToken != canary || got.SecondAuthToken != canary+"2" {
		t.Fatalf("sender = %v, %v", got, err)
	}
	for _, query := range []string{`SELECT sealed_credentials FROM sender WHERE id = 10`, `SELECT response FROM idempotency`} {
		var stored []byte
		must(t, s.DB().Read.QueryRowContext(t.Context(), query).Scan(&stored))
		if len(stored) == 0 || bytes.Contains(stored, []byte(canary)) {
			t.Errorf("%s gives %q", query, stored)
		}
	}
	if !storetest.OnPostgres() {
		for _, name := range []string{"overture.db", "overture.db-wal"} {
			if raw, err := os.ReadFile(filepath.Join(o.DataDir, name)); err == nil && bytes.Contains(raw, []byte(canary)) {
				t.Errorf("%s contains the secret", name)
			}
		}
	}
	if _, err := s.DB().Write.ExecContext(t.Context(),
		`UPDATE sender SET sealed_credentials = (SELECT x.sealed_credentials FROM sender x WHERE x.id = 10) WHERE id = 11`); err != nil {
		t.Fatal(err)
	}
	if got, err := s.SenderForDispatch(t.Context(), 11); !errors.Is(err, sealed.ErrNotOpened) || got.AuthToken != "" {
		t.Errorf("credentials of another row opened: %v", err)
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
