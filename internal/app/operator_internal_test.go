package app

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// The proxy's own entry is the last, whether it joined the caller's line or added one.
func TestClientAddressIsTheProxysWord(t *testing.T) {
	for name, lines := range map[string][]string{
		"alone":         {"192.0.2.7"},
		"joined":        {"198.51.100.1, 192.0.2.7"},
		"a line of own": {"198.51.100.1", "192.0.2.7"},
	} {
		r := &http.Request{Header: http.Header{"X-Forwarded-For": lines}}
		if got := clientIP(true)(r); got != "192.0.2.7" {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// stops records what a server is told to do.
type stops struct{ done []bool }

func (s *stops) SetEverythingStopped(_ context.Context, stopped bool, _ string, _ time.Time) error {
	s.done = append(s.done, stopped)
	return nil
}

// An order that no server took must not undo the operator's later word.
func TestTheLaterOrderWins(t *testing.T) {
	dir, ctx := t.TempDir(), t.Context()
	gone, cancel := context.WithCancel(ctx)
	cancel()
	for _, stopped := range []bool{false, true} { // no server runs: both time out
		if err := order(gone, dir, stopped, "test"); err == nil {
			t.Fatal("an order was taken that nobody could take")
		}
	}
	var told stops
	for _, name := range []string{stopOrder, startOrder} {
		if err := takeOrder(ctx, filepath.Join(dir, name), name == stopOrder, &told, slog.New(slog.DiscardHandler)); err != nil {
			t.Fatal(err)
		}
	}
	if !slices.Equal(told.done, []bool{true}) {
		t.Errorf("carried out %v, want the stop alone", told.done)
	}
}

func TestCopiesOfKilledBackupsAreSwept(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"backup-snapshot-ABCDEFGH.tmp", "backup-snapshot-ABCDEFGH.tmp-journal", "overture.db", "backup-monday.tmp"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := sweepCopies(dir); err != nil {
		t.Fatal(err)
	}
	for name, stays := range map[string]bool{"backup-snapshot-ABCDEFGH.tmp": false, "backup-snapshot-ABCDEFGH.tmp-journal": false, "overture.db": true, "backup-monday.tmp": true} {
		if _, err := os.Stat(filepath.Join(dir, name)); errors.Is(err, fs.ErrNotExist) == stays {
			t.Errorf("%s: %v", name, err)
		}
	}
}
