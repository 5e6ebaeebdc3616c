package api_test

import (
	"context"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/serve/api"
	"github.com/overture-im/overture/internal/store"
)

// still is the health of a server whose engine does not run.
type still struct{ store *store.Store }

func (s still) SenderHealth(ctx context.Context, account overture.AccountID, after overture.SenderID, limit int) ([]api.SenderHealth, error) {
	all, err := s.store.SenderStandings(ctx, account, after, limit)
	out := make([]api.SenderHealth, 0, len(all))
	for _, x := range all {
		out = append(out, api.SenderHealth{Sender: x.ID, State: "idle", Rate: x.Rate, Waiting: x.Waiting})
	}
	return out, err
}

func (s still) ServerHealth(ctx context.Context, account overture.AccountID) (api.ServerHealth, error) {
	q, err := s.store.AccountQueue(ctx, account, time.Now())
	return api.ServerHealth{Ready: true, Engine: "sqlite", Queue: q}, err
}
