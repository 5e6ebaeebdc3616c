package sqldb_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/store/sqldb"
)

// A database that does not answer in time is away, like one that refuses: callers keep their work and try again.
func TestTroubleOfTime(t *testing.T) {
	if err := sqldb.Trouble(fmt.Errorf("commit: %w", context.DeadlineExceeded)); overture.KindOf(err) != overture.Unavailable {
		t.Errorf("a time-out is %v, want unavailable", err)
	}
	if err := sqldb.Trouble(context.Canceled); overture.KindOf(err) == overture.Unavailable || !errors.Is(err, context.Canceled) {
		t.Errorf("a caller who has gone became %v", err)
	}
}
