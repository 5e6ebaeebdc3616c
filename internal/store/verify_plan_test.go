package store_test

import (
	"strings"
	"testing"

	"github.com/overture-im/overture/internal/store"
	"github.com/overture-im/overture/internal/store/storetest"
)

// Opt-outs and messages are both many: verify goes from each opt-out to its messages, not from each message through the opt-outs. SQLite knows
// nothing of sizes, so the statement says it.
func TestOptOutsAreVerifiedFromTheOptOutsOn(t *testing.T) {
	s := storetest.Open(t)
	if s.DB().Postgres() {
		return // its planner knows the sizes
	}
	rows, err := s.DB().Read.QueryContext(t.Context(), `EXPLAIN QUERY PLAN `+store.InvariantSQL("no campaign message was attempted after the person's opt-out was recorded"))
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var plan []string
	for rows.Next() {
		var id, parent, unused int
		var detail string
		if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
			t.Fatal(err)
		}
		plan = append(plan, detail)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	if len(plan) != 5 || plan[0] != "SCAN o" || strings.Contains(strings.Join(plan[1:], "\n"), "SCAN") {
		t.Errorf("the plan:\n%s", strings.Join(plan, "\n"))
	}
}
