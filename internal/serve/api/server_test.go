package api_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/overture-im/overture/internal/access"
	"github.com/overture-im/overture/internal/kit/bucket"
	"github.com/overture-im/overture/internal/serve/api"
	"github.com/overture-im/overture/internal/store/storetest"
)

func setUp(w *world, code, email string) answer {
	return w.do(caller{}, "POST", "/v1/server/setup",
		fmt.Sprintf(`{"code":%q,"account":"Harbor","brand":"Harbor Coffee","name":"First","email":%q,"password":%q}`, code, email, goodPassword))
}

func TestSetUp(t *testing.T) {
	t.Parallel()
	w := newServer(t, storetest.Open(t))
	before := w.do(caller{}, "GET", "/v1/server", "")
	if before.status != 200 || strings.TrimSpace(before.body) != `{"setup_needed":true,"lab":true,"version":"v1.2.3"}` {
		t.Fatalf("before: %d %s", before.status, before.body)
	}
	for name, tt := range map[string]struct{ code, body string }{
		"wrong code":     {"wrong_setup_code", `{"code":"wrong","account":"a","name":"n","email":"x@alpha.example","password":"correct horse battery"}`},
		"no code":        {"wrong_setup_code", `{"code":"","account":"a","name":"n","email":"x@alpha.example","password":"correct horse battery"}`},
		"no account":     {"bad_name", `{"code":"` + setupCode + `","account":" ","name":"n","email":"x@alpha.example","password":"correct horse battery"}`},
		"bad address":    {"bad_email", `{"code":"` + setupCode + `","account":"a","name":"n","email":"x","password":"correct horse battery"}`},
		"short password": {"password_too_short", `{"code":"` + setupCode + `","account":"a","name":"n","email":"x@alpha.example","password":"short"}`},
	} {
		got := w.do(caller{}, "POST", "/v1/server/setup", tt.body)
		if got.status != 422 || got.field(t, "code") != tt.code || got.header.Get("Set-Cookie") != "" {
			t.Errorf("%s: %d %s, want 422 %s", name, got.status, got.body, tt.code)
		}
	}
	if n := w.count(`SELECT COUNT(*) FROM account`); n != 0 {
		t.Fatalf("%d accounts after refusals", n)
	}

	got := setUp(w, setupCode, "First@harbor.example")
	if got.status != 201 || got.field(t, "role") != "administrator" || !strings.Contains(got.body, `"first@harbor.example"`) {
		t.Fatalf("set-up: %d %s", got.status, got.body)
	}
	who := caller{cookie: cookieOf(t, got).Value}
	var brands struct{ Items []struct{ Name string } }
	if err := json.Unmarshal([]byte(w.do(who, "GET", "/v1/brands", "").body), &brands); err != nil || len(brands.Items) != 1 || brands.Items[0].Name != "Harbor Coffee" {
		t.Errorf("brands = %+v, %v", brands, err)
	}
	w.want(201, signIn(w, "first@harbor.example", goodPassword))
	if after := w.do(caller{}, "GET", "/v1/server", ""); after.field(t, "setup_needed") != "false" {
		t.Errorf("after: %s", after.body)
	}
	for _, code := range []string{setupCode, "wrong"} { // once set up, nobody learns whether a code is right
		if again := setUp(w, code, "second@harbor.example"); again.status != 409 || again.field(t, "code") != "already_set_up" {
			t.Errorf("again: %d %s", again.status, again.body)
		}
	}
}

// TestSetUpAtOnce has several servers of one database, each with a cache of its own, set up at the same moment.
func TestSetUpAtOnce(t *testing.T) {
	t.Parallel()
	s := storetest.Open(t)
	const racers = 6
	answers := make([]answer, racers)
	var all sync.WaitGroup
	for i := range racers {
		w := newServer(t, s)
		all.Go(func() { answers[i] = setUp(w, setupCode, fmt.Sprintf("u%d@harbor.example", i)) })
	}
	all.Wait()
	won := 0
	for _, a := range answers {
		switch a.status {
		case 201:
			won++
		case 409:
		default:
			t.Errorf("got %d %s", a.status, a.body)
		}
	}
	w := newServer(t, s)
	if accounts := w.count(`SELECT COUNT(*) FROM account`); won != 1 || accounts != 1 {
		t.Errorf("%d won and %d accounts were made, want one", won, accounts)
	}
}

func TestSetUpIsThrottled(t *testing.T) {
	t.Parallel()
	w := newServer(t, storetest.Open(t))
	w.control = access.New(access.Deps{Store: w.store, SetupCode: setupCode, Throttle: access.Throttle{PerAddress: bucket.Rate{PerSecond: 0.01, Burst: 3}}})
	w.open(api.Limits{})
	for range 3 {
		w.want(422, setUp(w, "wrong", "x@harbor.example"))
	}
	if got := setUp(w, setupCode, "x@harbor.example"); got.status != 429 || got.field(t, "code") != "too_many_tries" || got.header.Get("Retry-After") == "" {
		t.Errorf("fourth try: %d %s", got.status, got.body)
	}
}

func TestServerWithoutCodeCannotBeSetUp(t *testing.T) {
	t.Parallel()
	w := newServer(t, storetest.Open(t))
	w.control = access.New(access.Deps{Store: w.store})
	w.open(api.Limits{})
	w.want(422, setUp(w, "", "x@harbor.example"))
}
