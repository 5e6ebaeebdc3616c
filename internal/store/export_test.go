package store

import (
	"context"

	"github.com/overture-im/overture"
)

// UnconfirmedSQL is for the test that looks at its plan.
const UnconfirmedSQL = unconfirmedSQL

// KeyedSQL are statements of TransactByKey and QueryByKey, by name.
func KeyedSQL(s *Store) map[string]string {
	receipt := s.receiptReads()
	return map[string]string{
		"accept": acceptSQL, "mark": markAllSQL, "finish": finishAllSQL, "doubt": doubtAllSQL, "move": moveAllSQL, "due": s.dueSQL(),
		"plan":    s.recipientsToPlanSQL(),
		"senders": s.sendersWithWorkSQL(), "receipt_markers": receipt.markers, "receipt_messages": receipt.messages, "receipt_attempts": receipt.attempts,
		"receipt_raise": receiptRaiseAllSQL, "receipt_unqueue": receiptUnqueueAllSQL,
	}
}

// InvariantSQL is the query of an invariant that verify checks, by what it says.
func InvariantSQL(says string) string {
	for _, inv := range invariants {
		if inv.says == says {
			return inv.query
		}
	}
	return ""
}

// OutcomesSQL is how a forecast reads the list of a campaign.
func OutcomesSQL(ctx context.Context, s *Store, campaign overture.CampaignID, outcomes bool) (string, error) {
	return s.outcomesQuery(ctx, campaign, outcomes)
}
