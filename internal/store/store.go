// Package store holds all SQL, one file per noun. Each room declares the few methods it needs; app passes the *Store in.
//
//	Does:   keeps every row of Overture on SQLite or PostgreSQL with one SQL text
//	Reads:  the database
//	Writes: the database; the caller decides which state a message gets (one writer package per state)
//	Wakes:  nobody; callers wake each other through internal/pubsub
package store

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/kit/flake"
	"github.com/overture-im/overture/internal/store/sqldb"
)

// Store is the one door to the database. Safe for concurrent use.
type Store struct {
	db    *sqldb.DB
	ids   *flake.Source
	seal  Sealer
	rules *rulebook

	laneCampaigns sync.Map // LaneID → CampaignID, see campaignOfLane
	rails         sync.Map // settings text → overture.Rails, see railsIn
	railsKnown    atomic.Int32
	lanePrices    sync.Map // LaneID → *lanePrices, see pricesOfLane
	lanesPriced   atomic.Int32
	policied      sync.Map // AccountID → true: it launched under a policy once, see lockCapped
	optOuts       atomic.Pointer[counted[int]]
	orphans       atomic.Pointer[counted[int]]
	markers       atomic.Pointer[counted[markerCensus]]

	server history
	opened time.Time // loading imports from before are of a dead process (SQLite)
}

// Sealer encrypts secrets at rest; bound names the row and field so that a ciphertext cannot be moved to another row.
type Sealer interface {
	Seal(plain overture.Secret, bound string) (string, error)
	Open(sealed, bound string) (overture.Secret, error)
}

// Options of Open.
type Options struct {
	DataDir     string // SQLite, when DatabaseURL is empty
	DatabaseURL string // postgres://…
	Node        int    // 0…255, unique among live nodes
	Sealer      Sealer
	// Rulings works out a policy (outbound/policy). Without it rules that narrow or cap anything are refused, never left out.
	Rulings func(overture.Policy) (overture.Rulings, error)
}

// Open opens and migrates the database that the options name.
func Open(ctx context.Context, o Options) (*Store, error) {
	var db *sqldb.DB
	var err error
	switch {
	case strings.HasPrefix(o.DatabaseURL, "postgres://"), strings.HasPrefix(o.DatabaseURL, "postgresql://"):
		db, err = sqldb.OpenPostgres(ctx, o.DatabaseURL)
	case o.DatabaseURL != "":
		return nil, overture.ErrInvalid("database_url", "--database-url must begin with postgres://; leave it out to use SQLite in --data-dir")
	default:
		db, err = sqldb.OpenSQLite(ctx, o.DataDir)
	}
	if err != nil {
		return nil, err
	}
	return &Store{db: db, ids: flake.New(o.Node), seal: o.Sealer, rules: newRulebook(o.Rulings), opened: time.Now()}, nil
}

// Close releases the database.
func (s *Store) Close() error { return s.db.Close() }

// DB exposes the seam to verify, bench and tests; rooms never see it.
func (s *Store) DB() *sqldb.DB { return s.db }

// NewID gives a fresh time-ordered id.
func (s *Store) NewID() int64 { return s.ids.Next() }
