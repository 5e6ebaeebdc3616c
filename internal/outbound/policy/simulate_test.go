package policy_test

import (
	"context"
	"testing"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/outbound/policy"
)

// A policy is played over a list only when the node has a turn for it; before, not even the campaign is read.
func TestSimulationWaitsForItsTurn(t *testing.T) {
	room := policy.New(policy.Deps{Turn: func(context.Context) (func(), error) {
		return nil, &overture.Error{Kind: overture.Unavailable, Code: "forecasts_busy"}
	}})
	if _, err := room.Simulate(t.Context(), 1, 1, overture.Policy{}, nil); overture.KindOf(err) != overture.Unavailable {
		t.Errorf("%v, want to be told to come back", err)
	}
}
