package proof

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os/exec"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/overture-im/overture/internal/client"
	"github.com/overture-im/overture/internal/lab"
)

// ownPostgres is the engine of faults that bring a cluster of their own.
const ownPostgres = "own pg"

// postgresFaults happen to PostgreSQL and the way there.
func postgresFaults() []Fault {
	own := []string{ownPostgres}
	slow := lab.Profile{LatencyMS: 20}
	return []Fault{
		{
			ID: "F-PG1", Full: true, Name: "PostgreSQL is stopped in the middle and comes back", Engines: own, Profile: slow, Messages: 1500, Keep: true,
			Prepare: withCluster(nil), Inject: stoppedAndBack,
		},
		{
			ID: "F-PG2", Name: "failover to a synchronous standby: nothing acknowledged is gone", Engines: own, Profile: slow, Messages: 1500, Keep: true,
			Rig: RigOptions{ServeFlags: append([]string{"--synchronous-standby"}, faultFlags...)}, Prepare: withCluster(synchronousStandby), Inject: failover(false),
		},
		{
			ID: "F-PG3", Name: "failover to a standby that lags: quarantine, everything looked up, nobody twice", Engines: own, Profile: slow, Messages: 1500,
			Keep: true, Prepare: withCluster(laggingStandby), Inject: failover(true),
		},
		{
			ID: "F-PG4a", Name: "the connection ends at COMMIT, before and after it took effect", Engines: []string{onPostgres}, Profile: slow, Messages: 600, Keep: true,
			Prepare: overLink, Inject: cutAtCommit,
		},
		{
			ID: "F-PG4b", Full: true, Name: "connections to PostgreSQL end at random bytes", Engines: []string{onPostgres}, Profile: slow, Messages: 600, Keep: true,
			Prepare: overLink, Inject: cutAnywhere,
		},
		{
			ID: "F-PG5a", Name: "PostgreSQL vanishes without a word, as behind a cut cable", Engines: []string{onPostgres}, Profile: slow, Messages: 1200, Keep: true,
			Prepare: overLink, Inject: func(ctx context.Context, s *Scene) error {
				return s.silent(ctx, func() error { s.dblink.Vanish(); return nil }, func() error { s.dblink.Return(); return nil })
			},
		},
		{
			ID: "F-PG5b", Full: true, Name: "PostgreSQL is frozen", Engines: own, Profile: slow, Messages: 1200, Keep: true, Prepare: withCluster(nil),
			Inject: func(ctx context.Context, s *Scene) error {
				return s.silent(ctx, func() error { return s.pg.tell(freezeSignal) }, func() error { return s.pg.tell(thawSignal) })
			},
		},
		{
			ID: "F-PG6", Name: "a table is locked for 12 s, with a pool of three connections", Engines: []string{onPostgres}, Profile: slow, Messages: 1200, Keep: true,
			Rig: RigOptions{Via: func(u string) string { return strings.Replace(u, "pool_max_conns=8", "pool_max_conns=3", 1) }}, Inject: locked,
		},
	}
}

// withCluster gives the fault a PostgreSQL of its own behind a link, so that another server can take its place.
func withCluster(more func(ctx context.Context, s *Scene) error) func(context.Context, *Scene) error {
	return func(ctx context.Context, s *Scene) error {
		var err error
		if s.pg, err = newCluster(ctx, s, "main"); err != nil {
			return err
		}
		if more != nil {
			if err := more(ctx, s); err != nil {
				return err
			}
		}
		if s.dblink, err = NewLink(s.pg.address()); err != nil {
			return err
		}
		s.Undo(s.dblink.Close)
		s.Options.DatabaseURL = urlAt(s.dblink.Addr())
		return nil
	}
}

// overLink puts a link between the servers and the PostgreSQL that is there; the rig itself goes straight.
func overLink(_ context.Context, s *Scene) error {
	u, err := url.Parse(s.Options.DatabaseURL)
	if err != nil {
		return fmt.Errorf("database URL: %w", err)
	}
	if s.dblink, err = NewLink(u.Host); err != nil {
		return err
	}
	s.Undo(s.dblink.Close)
	s.Options.Via = func(direct string) string { return strings.Replace(direct, u.Host, s.dblink.Addr(), 1) }
	return nil
}

func stoppedAndBack(ctx context.Context, s *Scene) error {
	for range s.Times(2, 50) {
		if err := errors.Join(s.moreToSend(ctx), s.busy(ctx)); err != nil {
			return err
		}
		if err := s.pg.stop(ctx); err != nil {
			return err
		}
		if err := pause(ctx, time.Duration(200+s.Random.IntN(1500))*time.Millisecond); err != nil {
			return err
		}
		if err := s.pg.start(ctx); err != nil {
			return err
		}
		if err := s.goesOn(ctx, 10*time.Second); err != nil {
			return err
		}
	}
	return nil
}

// goesOn waits until more messages are accepted, or there is nothing left to send.
func (s *Scene) goesOn(ctx context.Context, within time.Duration) error {
	before, err := s.Lab.Summary(ctx)
	if err != nil {
		return err
	}
	at := time.Now()
	err = Until(ctx, "sending goes on", within, func() (bool, error) {
		sum, err := s.Lab.Summary(ctx)
		return err == nil && (sum.Accepted > before.Accepted || int(sum.Accepted) >= s.Launched), err
	})
	s.NoteLongest("goes on after at most", time.Since(at))
	return err
}

func synchronousStandby(ctx context.Context, s *Scene) error {
	var err error
	if s.standby, err = s.pg.standby(ctx, s); err != nil {
		return err
	}
	// After the copy: it must not inherit that its own writes wait for somebody.
	if err := s.pg.sql(ctx, `ALTER SYSTEM SET synchronous_standby_names = '*'`); err != nil {
		return err
	}
	return s.pg.sql(ctx, `SELECT pg_reload_conf()`)
}

func laggingStandby(ctx context.Context, s *Scene) (err error) {
	s.standby, err = s.pg.standby(ctx, s)
	return err
}

// failover lets the main server die and the standby take its place. A lagging one is frozen first, so that acknowledged commits are lost.
func failover(lagging bool) func(ctx context.Context, s *Scene) error {
	return func(ctx context.Context, s *Scene) error {
		if err := s.Accepted(ctx, 100, 30*time.Second); err != nil {
			return err
		}
		if lagging {
			if err := s.standby.tell(freezeSignal); err != nil {
				return err
			}
			sum, err := s.Lab.Summary(ctx)
			if err != nil {
				return err
			}
			if err := s.Accepted(ctx, int(sum.Accepted)+150, 30*time.Second); err != nil {
				return err
			}
		}
		if err := s.pg.tell(syscall.SIGKILL); err != nil {
			return err
		}
		if lagging {
			if err := s.standby.tell(thawSignal); err != nil {
				return err
			}
		}
		at := time.Now()
		if err := s.standby.promote(ctx); err != nil {
			return err
		}
		s.dblink.Target(s.standby.address())
		s.dblink.Drop()
		if !lagging {
			if err := s.goesOn(ctx, 30*time.Second); err != nil {
				return err
			}
			s.Note("%v from the death on", time.Since(at).Round(10*time.Millisecond))
			return nil
		}
		return s.throughQuarantine(ctx)
	}
}

// throughQuarantine expects that nothing is sent after the loss, until everything was looked up and an operator releases it.
func (s *Scene) throughQuarantine(ctx context.Context) error {
	if err := Until(ctx, "the server sees the loss and is not ready", 30*time.Second, func() (bool, error) {
		out, _ := s.operator(ctx, "quarantine", "status", "--json")
		return strings.Contains(out, `"active":true`), nil
	}); err != nil {
		return err
	}
	one, err := s.Lab.Summary(ctx)
	if err != nil {
		return err
	}
	words := ""
	if err := Until(ctx, "everything is looked up", time.Minute, func() (bool, error) {
		out, err := s.operator(ctx, "quarantine", "release", "--by", "rig")
		words = out
		return err == nil, nil
	}); err != nil {
		return fmt.Errorf("%w: %s", err, words)
	}
	s.Note("%d accepted when the quarantine began", one.Accepted)
	return s.goesOn(ctx, 30*time.Second)
}

// operator runs an operator's command against the rig's database.
func (s *Scene) operator(ctx context.Context, args ...string) (string, error) {
	out, err := exec.CommandContext(ctx, s.Options.Binary, append(args, s.database()...)...).CombinedOutput()
	return string(out), err
}

// cutAtCommit ends every twelfth connection at a COMMIT: in turns before it reaches PostgreSQL, and after, before the answer.
func cutAtCommit(ctx context.Context, s *Scene) error {
	var cuts, commits atomic.Int64
	s.dblink.Plan(func(int) Watch {
		committing := false
		return func(up bool, chunk []byte) (int, Fate) {
			switch {
			case up && bytes.Contains(bytes.ToLower(chunk), []byte("commit\x00")):
				if n := commits.Add(1); n%12 == 0 {
					cuts.Add(1)
					if n%24 == 0 {
						return 0, Reset // never arrived
					}
					committing = true
				}
			case !up && committing: // took effect, and nobody will know
				return 0, Reset
			}
			return len(chunk), Pass
		}
	})
	s.dblink.Drop()
	err := pause(ctx, time.Duration(s.Times(5, 60))*time.Second)
	s.dblink.Plan(nil)
	s.dblink.Drop()
	s.Note("%d of %d commits cut", cuts.Load(), commits.Load())
	if err == nil && cuts.Load() == 0 {
		err = errors.New("no commit was cut: this proves nothing")
	}
	return err
}

func cutAnywhere(ctx context.Context, s *Scene) error {
	var cuts atomic.Int64
	var seed atomic.Int64
	seed.Store(int64(s.Random.IntN(1 << 20)))
	s.dblink.Plan(func(int) Watch {
		left := int(seed.Add(7919)*104_729%60_000) + 2000 // bytes of the connection, both ways
		return func(_ bool, chunk []byte) (int, Fate) {
			if left -= len(chunk); left < 0 {
				cuts.Add(1)
				return len(chunk) + left, Reset
			}
			return len(chunk), Pass
		}
	})
	s.dblink.Drop()
	err := pause(ctx, time.Duration(s.Times(5, 60))*time.Second)
	s.dblink.Plan(nil)
	s.dblink.Drop()
	s.Note("%d connections cut", cuts.Load())
	if err == nil && cuts.Load() == 0 {
		err = errors.New("no connection was cut: this proves nothing")
	}
	return err
}

// callLimit is how long a call may take when the database does not answer (docs/OPERATIONS.md).
const callLimit = 10 * time.Second

// silent lets PostgreSQL fall silent: every call ends in time and in an error, and 30 s after its return work goes on.
func (s *Scene) silent(ctx context.Context, vanish, back func() error) error {
	if err := s.busy(ctx); err != nil {
		return err
	}
	once, err := s.Once(ctx)
	if err != nil {
		return err
	}
	if err := vanish(); err != nil {
		return err
	}
	worst := time.Duration(0)
	for began := time.Now(); time.Since(began) < 14*time.Second; {
		at := time.Now()
		_, callErr := once.CreateSkill(ctx, fmt.Sprintf("During the silence %d", at.UnixNano()))
		worst = max(worst, time.Since(at))
		if callErr == nil {
			err = errors.New("a call was acknowledged while PostgreSQL was silent")
			break
		}
		if pause(ctx, 100*time.Millisecond) != nil {
			break
		}
	}
	if err := errors.Join(err, back()); err != nil {
		return err
	}
	s.Note("longest call %v", worst.Round(10*time.Millisecond))
	if worst > callLimit {
		return fmt.Errorf("a call took %v while PostgreSQL was silent", worst)
	}
	return s.goesOn(ctx, 30*time.Second)
}

// locked keeps the tables of the queue locked while the pool is small.
func locked(ctx context.Context, s *Scene) error {
	if err := s.busy(ctx); err != nil {
		return err
	}
	book, err := s.Store(ctx)
	if err != nil {
		return err
	}
	defer book.Close()
	tx, err := lockTables(ctx, book.DB().Write)
	for tries := 1; err != nil && tries < 10; tries++ { // the server may hold one of the tables and want another: then one of us has to go
		tx, err = lockTables(ctx, book.DB().Write)
	}
	if err != nil {
		return fmt.Errorf("lock: %w", err)
	}
	defer func() { _ = tx.Rollback() }()
	once, err := client.New(client.Options{URL: s.URL(), Tries: 1})
	if err != nil {
		return err
	}
	worst := time.Duration(0)
	for began := time.Now(); time.Since(began) < 12*time.Second; {
		for _, call := range []func(){
			func() { _ = once.SignIn(ctx, rigEmail, rigPassword) }, // waits for a connection of the pool
			func() { _, _ = once.Campaigns(ctx, 1) },               // waits for the lock
		} {
			at := time.Now()
			call()
			worst = max(worst, time.Since(at))
		}
		if err := pause(ctx, 100*time.Millisecond); err != nil {
			return err
		}
	}
	if err := tx.Rollback(); err != nil {
		return fmt.Errorf("unlock: %w", err)
	}
	s.Note("longest call %v", worst.Round(10*time.Millisecond))
	if worst > callLimit {
		return fmt.Errorf("a call took %v behind a lock", worst)
	}
	return s.goesOn(ctx, 30*time.Second)
}

// lockTables begins a transaction that nobody can pass, for as long as it lasts.
func lockTables(ctx context.Context, db *sql.DB) (*sql.Tx, error) {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return nil, err
	}
	if _, err = tx.ExecContext(ctx, `SET LOCAL idle_in_transaction_session_timeout = 0`); err == nil {
		_, err = tx.ExecContext(ctx, `LOCK TABLE inflight, dispatch, campaign IN ACCESS EXCLUSIVE MODE`)
	}
	if err != nil {
		_ = tx.Rollback()
		return nil, err
	}
	return tx, nil
}
