package store

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"

	"github.com/overture-im/overture"
)

// countDeltas collects how many messages of a campaign enter (+) or leave (−) a state inside one transaction. The counters are a cache
// that moves with the rows: verify recounts them (I16).
type countDeltas map[countKey]int

type countKey struct {
	campaign overture.CampaignID
	state    overture.State
}

// move records one message going from a state to another; messages without a campaign are not counted.
func (c countDeltas) move(campaign overture.CampaignID, from, to overture.State) {
	if campaign == 0 || from == to {
		return
	}
	c[countKey{campaign, from}]--
	c[countKey{campaign, to}]++
}

// enter records n new messages in a state.
func (c countDeltas) enter(campaign overture.CampaignID, state overture.State, n int) {
	if campaign != 0 && n != 0 {
		c[countKey{campaign, state}] += n
	}
}

// apply writes the deltas in a fixed order, so that two transactions never wait for each other in a circle.
func (c countDeltas) apply(ctx context.Context, tx *sql.Tx) error {
	keys := slices.SortedFunc(maps.Keys(c), func(a, b countKey) int {
		if a.campaign != b.campaign {
			return int(min(1, max(-1, int64(a.campaign-b.campaign))))
		}
		return int(a.state) - int(b.state)
	})
	for _, k := range keys {
		if c[k] == 0 {
			continue
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO campaign_count (campaign_id, state, n) VALUES ($1, $2, $3)
			ON CONFLICT (campaign_id, state) DO UPDATE SET n = campaign_count.n + excluded.n`, k.campaign, k.state, c[k]); err != nil {
			return fmt.Errorf("count messages of %s: %w", k.campaign, err)
		}
	}
	return nil
}
