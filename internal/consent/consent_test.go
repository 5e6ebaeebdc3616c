package consent_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/consent"
)

type ledger struct {
	consent.Store
	out, in []overture.OptOut
}

func (l *ledger) OptOut(_ context.Context, _ overture.Actor, o overture.OptOut) (bool, error) {
	l.out = append(l.out, o)
	return true, nil
}

func (l *ledger) OptIn(_ context.Context, _ overture.Actor, o overture.OptOut) (bool, error) {
	l.in = append(l.in, o)
	return true, nil
}

func TestRegisterChecksWhatPeopleType(t *testing.T) {
	noon := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	l := &ledger{}
	r := consent.New(l, func() time.Time { return noon })
	for _, tc := range []struct {
		name string
		o    overture.OptOut
		code string
	}{
		{"no number", overture.OptOut{Address: "twelve"}, "invalid_number"},
		{"not a number", overture.OptOut{Address: "+1 212"}, "invalid_number"},
		{"endless evidence", overture.OptOut{Address: "+12125550123", Evidence: strings.Repeat("ä", 1001)}, "evidence_too_long"},
	} {
		_, err := r.OptOut(t.Context(), overture.Actor{}, tc.o)
		var e *overture.Error
		if !errors.As(err, &e) || e.Kind != overture.Invalid || e.Code != tc.code {
			t.Errorf("%s: %v, want %s", tc.name, err, tc.code)
		}
	}
	if _, err := r.OptIn(t.Context(), overture.Actor{}, overture.OptOut{Address: "+12125550123", Evidence: "  "}); !errors.Is(err, overture.Invalid) {
		t.Errorf("opt-in without evidence: %v", err)
	}
	if _, err := r.OptOut(t.Context(), overture.Actor{}, overture.OptOut{Address: "+12125550123"}); err != nil {
		t.Fatal(err)
	}
	if _, err := r.OptIn(t.Context(), overture.Actor{}, overture.OptOut{Address: "+12125550123", Evidence: " form of March 3 "}); err != nil {
		t.Fatal(err)
	}
	if len(l.out) != 1 || len(l.in) != 1 {
		t.Fatalf("%d opt-outs and %d opt-ins reached the store, want one of each", len(l.out), len(l.in))
	}
	if got := l.in[0]; got.Channel != overture.SMS || got.Evidence != "form of March 3" || !got.CreatedAt.Equal(noon) {
		t.Errorf("opt-in %+v", got)
	}
}
