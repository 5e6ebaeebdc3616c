package app_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/app"
)

// Each fault of a running server turns readiness red within five seconds, by its own name, and only by it.
func TestFaultsTurnReadinessRed(t *testing.T) {
	o := options(t)
	a := begin(t, o)
	defer func() { _ = a.Stop(context.WithoutCancel(t.Context())) }()
	turns := func(what string, want string) {
		t.Helper()
		began := time.Now()
		for {
			status, body, err := get(t, a.URL()+"/readyz")
			if err != nil {
				t.Fatal(err)
			}
			if want == "" && status == 200 || want != "" && status == 503 && strings.Count(body, `"check"`) == 1 && strings.Contains(body, `"check":"`+want+`"`) {
				return
			}
			if time.Since(began) > 5*time.Second {
				t.Fatalf("%s: after five seconds readiness is %d %s", what, status, body)
			}
			time.Sleep(50 * time.Millisecond)
		}
	}
	turns("nothing is wrong", "")
	exec := func(query string) {
		t.Helper()
		if _, err := a.Book().DB().Write.ExecContext(t.Context(), query); err != nil {
			t.Fatal(err)
		}
	}
	exec(`INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, TRUE)`)
	turns("a newer node changed the schema", "schema")
	exec(`DELETE FROM goose_db_version WHERE version_id = 9999`)
	turns("the schema is ours again", "")
	exec(`ALTER TABLE node RENAME TO gone`)
	turns("the heartbeat cannot be written", "database")
	exec(`ALTER TABLE gone RENAME TO node`)
	turns("it can be written again", "")
	if err := a.Book().BeginQuarantine(t.Context(), overture.QuarantineOrder{Since: time.Now().Add(-time.Hour), Reason: "a test"}, time.Now()); err != nil {
		t.Fatal(err)
	}
	turns("a quarantine began", "quarantine")
	if err := a.Book().ReleaseQuarantine(t.Context(), "a test", false, time.Now()); err != nil {
		t.Fatal(err)
	}
	turns("it was released", "")
}

func TestAFullDiskTurnsReadinessRed(t *testing.T) {
	o := options(t)
	o.MinFreeDisk = 1 << 60 // no disk has that much
	a, err := app.New(o)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = a.Stop(context.WithoutCancel(t.Context())) }()
	if status, body, err := get(t, a.URL()+"/readyz"); err != nil || status != 503 || !strings.Contains(body, `"check":"disk"`) {
		t.Errorf("too little disk: %d %s %v", status, body, err)
	}
}
