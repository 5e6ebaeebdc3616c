package ops_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/serve/ops"
)

const token = "the-operators-token"

type fakeOperator struct {
	order    overture.QuarantineOrder
	released string
	trouble  error
	half     bool
}

func (f *fakeOperator) Quarantine(context.Context) (overture.Quarantine, error) {
	return overture.Quarantine{Active: true, Reason: "a test", InDoubt: 3}, f.trouble
}

func (f *fakeOperator) BeginQuarantine(_ context.Context, o overture.QuarantineOrder) error {
	f.order = o
	return f.trouble
}

func (f *fakeOperator) ReleaseQuarantine(_ context.Context, who string, _ bool) error {
	f.released = who
	return f.trouble
}

func (f *fakeOperator) Backup(_ context.Context, w io.Writer, _ []string) error {
	if f.half {
		_, _ = w.Write(bytes.Repeat([]byte("x"), 1<<20))
	}
	return f.trouble
}

func door(operator ops.Operator, log io.Writer, checks ...ops.Check) (*ops.Ops, http.Handler) {
	o := ops.New(ops.Deps{
		Checks: checks, Token: token, Operator: operator, Log: slog.New(slog.NewTextHandler(log, nil)),
		Verbose: func(context.Context) map[string]any { return map[string]any{"node": 7} },
	})
	mux := http.NewServeMux()
	o.Mount(mux)
	return o, o.Measure(mux)
}

func ask(t *testing.T, h http.Handler, method, path, with, body string) (int, string) {
	t.Helper()
	w := httptest.NewRecorder()
	r := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
	if with != "" {
		r.Header.Set("Authorization", "Bearer "+with)
	}
	h.ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

func failed(t *testing.T, body string) []string {
	t.Helper()
	var h struct{ Failed []struct{ Check string } }
	if err := json.Unmarshal([]byte(body), &h); err != nil {
		t.Fatalf("%q: %v", body, err)
	}
	var names []string
	for _, f := range h.Failed {
		names = append(names, f.Check)
	}
	return names
}

// Each fault turns readiness red within the second an answer is kept for, names its check, and keeps the details for the log.
func TestReadinessNamesTheCheckThatFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		trouble := map[string]error{}
		check := func(name string) ops.Check {
			return ops.Check{Name: name, Means: name + " is in trouble", Ask: func(context.Context) error { return trouble[name] }}
		}
		var log bytes.Buffer
		o, h := door(nil, &log, check("database"), check("disk"), check("quarantine"))
		if status, body := ask(t, h, "GET", "/readyz", "", ""); status != http.StatusOK || failed(t, body) != nil {
			t.Errorf("nothing fails: %d %s", status, body)
		}
		for _, name := range []string{"database", "disk", "quarantine"} {
			clear(trouble)
			trouble[name] = errors.New("host db-7, password hunter2")
			time.Sleep(1100 * time.Millisecond)
			status, body := ask(t, h, "GET", "/readyz", "", "")
			if status != http.StatusServiceUnavailable || !slices.Equal(failed(t, body), []string{name}) || strings.Contains(body, "hunter2") {
				t.Errorf("%s fails: %d %s", name, status, body)
			}
			if status, _ := ask(t, h, "GET", "/livez", "", ""); status != http.StatusOK {
				t.Errorf("alive in spite of %s: got %d", name, status)
			}
		}
		_, body := ask(t, h, "GET", "/metrics", "", "")
		for _, want := range []string{`overture_http_requests_total{class="5xx",door="ops"} 3`, "overture_ready 0", `overture_check_failing{check="quarantine"} 1`, `overture_check_failing{check="disk"} 0`} {
			if !strings.Contains(body, want) {
				t.Errorf("no line %q in the metrics", want)
			}
		}
		if !strings.Contains(log.String(), "hunter2") {
			t.Error("the operator's log does not say what is wrong")
		}
		clear(trouble)
		time.Sleep(1100 * time.Millisecond)
		if status, _ := ask(t, h, "GET", "/readyz", "", ""); status != http.StatusOK {
			t.Errorf("everything is well again: got %d", status)
		}
		o.Stopping()
		if status, body := ask(t, h, "GET", "/readyz", "", ""); status != http.StatusServiceUnavailable || !slices.Equal(failed(t, body), []string{"shutting_down"}) {
			t.Errorf("stopping: %d %s", status, body)
		}
	})
}

func TestReadinessIsBoundedAndAskedOnceASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		_, h := door(nil, io.Discard, ops.Check{Name: "stuck", Ask: func(ctx context.Context) error {
			asked++
			<-ctx.Done()
			return ctx.Err()
		}})
		began := time.Now()
		for range 50 {
			if status, _ := ask(t, h, "GET", "/readyz", "", ""); status != http.StatusServiceUnavailable {
				t.Errorf("a check that does not answer: got %d", status)
			}
		}
		if took := time.Since(began); took > 5*time.Second || asked != 1 {
			t.Errorf("50 questions took %v and asked the database %d times", took, asked)
		}
	})
}

func TestOnlyTheOperatorGetsIn(t *testing.T) {
	operator := &fakeOperator{}
	_, h := door(operator, io.Discard)
	for _, c := range []struct{ method, path, body string }{
		{"GET", "/healthz?verbose", ""},
		{"GET", "/operator/quarantine", ""},
		{"POST", "/operator/quarantine", `{"since":"2026-11-21T00:00:00Z","reason":"a test"}`},
		{"POST", "/operator/quarantine/release", `{"who":"me"}`},
		{"POST", "/operator/backup", `{}`},
	} {
		for _, wrong := range []string{"", "x", token + "x", token[:4]} {
			if status, _ := ask(t, h, c.method, c.path, wrong, c.body); status != http.StatusUnauthorized {
				t.Errorf("%s %s with the token %q: got %d", c.method, c.path, wrong, status)
			}
		}
		if operator.released != "" || operator.order.Reason != "" {
			t.Fatal("something was done for a stranger")
		}
		if status, body := ask(t, h, c.method, c.path, token, c.body); status != http.StatusOK {
			t.Errorf("%s %s with the right token: got %d %s", c.method, c.path, status, body)
		}
		operator.released, operator.order = "", overture.QuarantineOrder{}
	}
	if _, body := ask(t, h, "GET", "/healthz?verbose", token, ""); !strings.Contains(body, `"node":7`) {
		t.Errorf("verbose health says nothing: %s", body)
	}
	closed := ops.New(ops.Deps{Log: slog.New(slog.DiscardHandler)})
	mux := http.NewServeMux()
	closed.Mount(mux)
	if status, _ := ask(t, mux, "GET", "/operator/quarantine", "", ""); status != http.StatusUnauthorized {
		t.Errorf("a door without a token lets everybody in: %d", status)
	}
}

func TestTheOperatorIsToldWhatIsWrong(t *testing.T) {
	operator := &fakeOperator{}
	_, h := door(operator, io.Discard)
	for _, c := range []struct {
		path, body string
		trouble    error
		want       int
		says       string
	}{
		{"/operator/quarantine", `{"since":"x"}`, nil, 422, "body_not_json"},
		{"/operator/quarantine", `{"reason":"a"}`, nil, 422, "since when"},
		{"/operator/quarantine/release", `{}`, nil, 422, "who"},
		{"/operator/quarantine/release", `{"who":"me"}`, overture.ErrConflict("quarantine_not_clear", "still to do"), 409, "still to do"},
		{"/operator/backup", `{}`, errors.New("disk of host db-7"), 500, "server's log"},
	} {
		operator.trouble = c.trouble
		status, body := ask(t, h, "POST", c.path, token, c.body)
		if status != c.want || !strings.Contains(body, c.says) || strings.Contains(body, "db-7") {
			t.Errorf("%s %s: %d %s", c.path, c.body, status, body)
		}
	}
	operator.half, operator.trouble = true, errors.New("the disk is full")
	defer func() {
		if recover() != http.ErrAbortHandler { //nolint:errorlint // the value itself
			t.Error("half a backup was ended like a whole one")
		}
	}()
	ask(t, h, "POST", "/operator/backup", token, `{}`)
}
