package ops_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/overture-im/overture/internal/serve/ops"
)

func get(t *testing.T, h http.Handler, path string) (int, string) {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
	return w.Code, w.Body.String()
}

func TestReadinessFollowsTheDatabase(t *testing.T) {
	var trouble error
	o := ops.New(ops.Deps{Ready: func(context.Context) error { return trouble }, Log: slog.New(slog.DiscardHandler)})
	mux := http.NewServeMux()
	o.Mount(mux)
	h := o.Measure(mux)

	if status, _ := get(t, h, "/readyz"); status != http.StatusOK {
		t.Errorf("a writable database: got %d, want 200", status)
	}
	trouble = errors.New("disk of host db-7 is full")
	status, body := get(t, h, "/readyz")
	if status != http.StatusServiceUnavailable || strings.Contains(body, "db-7") {
		t.Errorf("a full database: got %d %q, want 503 without the details", status, body)
	}
	if status, _ := get(t, h, "/livez"); status != http.StatusOK {
		t.Errorf("alive in spite of the database: got %d, want 200", status)
	}
	status, body = get(t, h, "/metrics")
	for _, want := range []string{`overture_http_requests_total{class="5xx",door="ops"} 1`, "overture_ready 0"} {
		if status != http.StatusOK || !strings.Contains(body, want) {
			t.Errorf("metrics: got %d, want a line %q in:\n%s", status, want, body)
		}
	}
}

func TestReadinessIsBounded(t *testing.T) {
	o := ops.New(ops.Deps{Log: slog.New(slog.DiscardHandler), Ready: func(ctx context.Context) error {
		if _, bounded := ctx.Deadline(); !bounded {
			t.Error("the readiness write has no deadline")
		}
		return nil
	}})
	mux := http.NewServeMux()
	o.Mount(mux)
	get(t, mux, "/readyz")
}
