package app_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/overture-im/overture/internal/app"
	"github.com/overture-im/overture/internal/store/storetest"
)

const livePassword = "a long enough password"

// browser is a signed-in person at one server.
type browser struct {
	t      *testing.T
	url    string
	cookie *http.Cookie
}

func signIn(t *testing.T, url string) *browser {
	t.Helper()
	b := &browser{t: t, url: url}
	resp := b.ask("POST", "/v1/session", fmt.Sprintf(`{"email":"a@example.com","password":%q}`, livePassword), http.StatusCreated)
	for _, c := range (&http.Response{Header: resp}).Cookies() {
		b.cookie = c
	}
	return b
}

func (b *browser) ask(method, path, body string, want int) http.Header {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), method, b.url+path, strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	if b.cookie != nil {
		req.AddCookie(b.cookie)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	if raw, _ := io.ReadAll(resp.Body); resp.StatusCode != want {
		b.t.Fatalf("%s %s: %d %s, want %d", method, path, resp.StatusCode, raw, want)
	}
	return resp.Header
}

func (b *browser) live() *websocket.Conn {
	b.t.Helper()
	conn, _, err := websocket.Dial(b.t.Context(), b.url+"/v1/live", &websocket.DialOptions{
		HTTPHeader: http.Header{"Origin": {b.url}, "Cookie": {b.cookie.Name + "=" + b.cookie.Value}},
	})
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { _ = conn.CloseNow() })
	return conn
}

// hears reads until a frame of the type and topic comes, and tells after how long.
func hears(t *testing.T, conn *websocket.Conn, kind, topic string) time.Duration {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	began := time.Now()
	for {
		_, raw, err := conn.Read(ctx)
		if err != nil {
			t.Fatalf("waiting for %s %s: %v", kind, topic, err)
		}
		var f struct{ Type, Topic, ID string }
		if err := json.Unmarshal(raw, &f); err != nil {
			t.Fatal(err)
		}
		if f.Type == kind && f.Topic == topic {
			return time.Since(began)
		}
	}
}

func closes(t *testing.T, conn *websocket.Conn, want websocket.StatusCode) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for {
		if _, _, err := conn.Read(ctx); err != nil {
			if got := websocket.CloseStatus(err); got != want {
				t.Errorf("closed with %d (%v), want %d", got, err, want)
			}
			return
		}
	}
}

func TestOpenPagesHearWhatChanges(t *testing.T) {
	o := options(t)
	if _, err := app.CreateAccount(t.Context(), o, app.NewAccount{Name: "Harbor", Email: "a@example.com", Password: livePassword}); err != nil {
		t.Fatal(err)
	}
	a := begin(t, o)
	defer func() { _ = a.Stop(t.Context()) }()
	other := a // the node where the change is made
	if storetest.OnPostgres() {
		o.Node, o.DataDir = 1, t.TempDir()
		b, err := app.New(o)
		if err != nil {
			t.Fatal(err)
		}
		if err := b.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		defer func() { _ = b.Stop(t.Context()) }()
		other = b
	}
	here, there := signIn(t, a.URL()), signIn(t, other.URL())
	page, second := here.live(), here.live()
	hears(t, page, "hello", "")
	hears(t, second, "hello", "")
	there.ask("POST", "/v1/account/stop", `{"reason":"test"}`, http.StatusOK)
	if took := hears(t, page, "event", "campaign"); took > 3*time.Second {
		t.Errorf("the change was told after %v", took)
	}

	// A sign-out closes every page of that session and no other.
	theirs := there.live()
	hears(t, theirs, "hello", "")
	here.ask("DELETE", "/v1/session", "", http.StatusNoContent)
	closes(t, page, 4401)
	closes(t, second, 4401)
	go func() { _ = other.Stop(context.Background()) }()
	closes(t, theirs, websocket.StatusServiceRestart)
}
