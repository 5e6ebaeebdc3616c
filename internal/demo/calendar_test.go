package demo

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/overture-im/overture/internal/proof"
)

// A day that was turned back is whole: nothing of it is left in today, the books are still right, and analytics shows it where it is said to be.
func TestTurnBack(t *testing.T) {
	t.Parallel()
	s := &stage{out: io.Discard, log: slog.New(slog.DiscardHandler), dir: t.TempDir()}
	t.Cleanup(func() {
		if err := s.close(); err != nil {
			t.Error(err)
		}
	})
	ctx, now := t.Context(), time.Now().UTC()
	if err := s.build(ctx, "127.0.0.1:0", hurried()); err != nil {
		t.Fatal(err)
	}
	before := s.server.Addr()
	for _, p := range pasts() {
		if p.city != "Miami" { // people there answer, and some stop
			continue
		}
		if err := s.day(ctx, p); err != nil {
			t.Fatal(err)
		}
	}

	// What a running server writes would hide what was forgotten, so this looks at the file of one that has stopped.
	if err := s.server.Stop(ctx); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(s.options.DataDir, "overture.db")
	if seen := momentsOfToday(t, path); len(seen) < 30 {
		t.Fatalf("the day left only %v behind: this test would see nothing", seen)
	}
	if err := moveBack(ctx, path, 2); err != nil {
		t.Fatal(err)
	}
	if left := momentsOfToday(t, path); len(left) > 0 {
		t.Errorf("still today: %v", left)
	}

	if err := s.turnBack(ctx, 1); err != nil {
		t.Fatal(err)
	}
	if s.server.Addr() != before {
		t.Errorf("it listens on %s, not on %s: receipts and answers get lost", s.server.Addr(), before)
	}
	report, err := proof.Verify(ctx, s.server.Book(), proof.LabLedger(ctx, s.lab))
	if err != nil || !report.Clean() {
		t.Errorf("%+v, %v", report, err)
	}
	if day := now.AddDate(0, 0, -3).Format(time.DateOnly); sentOn(t, s, day) == 0 {
		t.Errorf("analytics has nothing on %s", day)
	}
	if n := sentOn(t, s, now.Format(time.DateOnly)); n != 0 {
		t.Errorf("analytics has %d messages today", n)
	}
}

func sentOn(t *testing.T, s *stage, day string) int {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.server.URL()+"/v1/analytics?range=custom&zone=UTC&from="+day+"&to="+day, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+s.key)
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var got struct{ Totals struct{ Sent int } }
	if err := json.NewDecoder(answer.Body).Decode(&got); err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("%s, %v", answer.Status, err)
	}
	return got.Totals.Sent
}

// momentsOfToday names the columns with a value that, in any of the units the schema uses, is within a day of now.
func momentsOfToday(t *testing.T, path string) []string {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	tx, err := db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	columns, err := columnsOf(t.Context(), tx)
	if err != nil {
		t.Fatal(err)
	}
	now, today := time.Now(), time.Now().UTC().Format(time.DateOnly)
	var out []string
	for _, c := range columns {
		var n int
		where := fmt.Sprintf("%s LIKE '%%%sT%%'", c.name, today)
		if c.kind == "INTEGER" {
			var within []string
			for _, unit := range []time.Duration{time.Millisecond, 15 * time.Minute, time.Hour, 24 * time.Hour} {
				at := now.UnixMilli() / unit.Milliseconds()
				wide := max(1, (24*time.Hour-time.Minute).Milliseconds()/unit.Milliseconds())
				within = append(within, fmt.Sprintf("%s BETWEEN %d AND %d", c.name, at-wide, at+wide))
			}
			where = strings.Join(within, " OR ")
		}
		if err := tx.QueryRow(fmt.Sprintf("SELECT COUNT(*) FROM %s WHERE %s", c.table, where)).Scan(&n); err != nil {
			t.Fatalf("%s: %v", c, err)
		}
		if n > 0 && c.String() != "idempotency.response" {
			out = append(out, c.String())
		}
	}
	return out
}
