package app_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/app"
	"github.com/overture-im/overture/internal/store/storetest"
)

func options(t *testing.T) app.Options {
	t.Helper()
	db := storetest.Options(t)
	o := app.Options{DataDir: db.DataDir, DatabaseURL: db.DatabaseURL, Listen: "127.0.0.1:0"}
	if o.DataDir == "" {
		o.DataDir = t.TempDir() // for the master key
	}
	return o
}

func begin(t *testing.T, o app.Options) *app.App {
	t.Helper()
	a, err := app.New(o)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return a
}

func get(t *testing.T, url string) (int, string, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(raw), err
}

func TestEveryDoorIsMounted(t *testing.T) {
	a := begin(t, options(t))
	for _, c := range []struct {
		path   string
		status int
		says   string
	}{
		{"/livez", 200, "alive"},
		{"/readyz", 200, "ready"},
		{"/metrics", 200, "overture_http_requests_total"},
		{"/", 200, "Sign in"},
		{"/campaigns", 200, "Campaigns"},
		{"/nothing", 404, "no such page"},
		{"/openapi.json", 200, `"openapi": "3.1`},
		{"/v1/campaigns", 401, "not_signed_in"},
		{"/v1/nothing", 404, "route_not_found"},
	} {
		status, body, err := get(t, a.URL()+c.path)
		if err != nil || status != c.status || !strings.Contains(body, c.says) {
			t.Errorf("GET %s: %d, %v, want %d and %q in:\n%.300s", c.path, status, err, c.status, c.says, body)
		}
	}
	if err := a.Stop(t.Context()); err != nil {
		t.Errorf("stop: %v", err)
	}
	if err := a.Stop(t.Context()); err != nil {
		t.Errorf("second stop: %v", err)
	}
	if _, _, err := get(t, a.URL()+"/livez"); err == nil {
		t.Error("it answers after its stop")
	}
}

func TestRunEndsWithItsContextAndCanStartAgain(t *testing.T) {
	o := options(t)
	for range 2 {
		a, err := app.New(o)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- a.Run(ctx) }()
		cancel()
		select {
		case err := <-done:
			if err != nil && !errors.Is(err, context.Canceled) {
				t.Errorf("run: %v", err)
			}
		case <-time.After(time.Minute):
			t.Fatal("run does not end")
		}
	}
}

func TestStartThatFailsLeavesNothingBehind(t *testing.T) {
	first := begin(t, options(t))
	defer func() { _ = first.Stop(context.WithoutCancel(t.Context())) }()

	taken := options(t)
	taken.Listen = first.Addr()
	a, err := app.New(taken)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Start(t.Context()); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("a taken port: got %v", err)
	}
	taken.Listen = "127.0.0.1:0"
	second := begin(t, taken) // the failed start holds neither lock nor database
	if err := second.Stop(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestMasterKeyOfAnotherDatabaseIsNoKeyAtAll(t *testing.T) {
	o := options(t)
	o.MasterKey = "c2hvcnQ="
	a, err := app.New(o)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Start(t.Context()); overture.KindOf(err) != overture.Invalid || !strings.Contains(err.Error(), "32") {
		t.Errorf("a short master key: got %v", err)
	}
}

func TestAccountIsMadeOnce(t *testing.T) {
	o := options(t)
	made, err := app.CreateAccount(t.Context(), o, app.NewAccount{Name: "Harbor", Email: "a@example.com", Password: "a long enough password", WithAPIKey: true})
	if err != nil || !strings.HasPrefix(made.APIKey.Reveal(), "ovk_") {
		t.Fatalf("got %+v, %v", made, err)
	}
	if _, err := app.CreateAccount(t.Context(), o, app.NewAccount{Name: "Other", Email: "a@example.com", Password: "a long enough password"}); overture.KindOf(err) != overture.Conflict {
		t.Errorf("the same email address again: got %v, want Conflict", err)
	}
	if _, err := app.CreateAccount(t.Context(), o, app.NewAccount{Name: "Third", Email: "c@example.com", Password: "short"}); overture.KindOf(err) != overture.Invalid {
		t.Errorf("a short password: got %v, want Invalid", err)
	}
}
