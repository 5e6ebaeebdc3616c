package proof

import (
	"context"
	"database/sql"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	_ "modernc.org/sqlite" // the bare ceiling uses the same engine
)

// importAndStart uploads a list of a million rows while other calls are timed, plans it, and measures the start with all its messages.
func (b *bench) importAndStart(ctx context.Context, dir string) error {
	ceiling, err := bareImport(ctx, dir, b.o.Rows)
	if err != nil {
		return err
	}
	rig, err := NewRig(ctx, RigOptions{Binary: b.o.Binary, Dir: dir})
	if err != nil {
		return err
	}
	defer rig.Close()
	campaign, err := rig.Draft(ctx, "Bench list", 1)
	if err != nil {
		return err
	}
	idle := rss(rig.PID())
	b.say("import of %d rows; %.0f MiB when idle", b.o.Rows, idle)
	memory := watchMemory(ctx, rig.PID())
	pings := b.pingAPI(ctx, rig)
	began := time.Now()
	file := io.NewSectionReader(listOf(0, b.o.Rows), 0, int64(b.o.Rows)*listRow)
	imported, err := rig.API.Upload(ctx, campaign, file, "people.csv", nil, nil)
	took := since(began)
	latencies := pings()
	peak := memory()
	if err != nil {
		return err
	}
	if imported.Valid != b.o.Rows {
		return fmt.Errorf("%d of %d rows were valid", imported.Valid, b.o.Rows)
	}
	b.add("import_rows_per_s", float64(b.o.Rows)/took, "rows/s", ceiling)
	b.add("import_seconds", took, "s", 30)
	b.add("import_rss_above_idle", peak-idle, "MiB", 96)
	b.add("import_api_p99_ms", percentile(latencies, 0.99), "ms", 250)
	return b.start(ctx, rig, campaign)
}

// start plans the campaign, which then has a message per row, and measures how long a new process takes until it serves.
func (b *bench) start(ctx context.Context, rig *Rig, campaign string) error {
	if _, err := rig.API.Launch(ctx, campaign, true, nil, ""); err != nil {
		return err
	}
	if _, err := rig.API.Act(ctx, campaign, "pause", nil); err != nil {
		return err
	}
	began := time.Now()
	if err := b.planned(ctx, rig); err != nil {
		return err
	}
	b.add("plan_rows_per_s", float64(b.o.Rows)/since(began), "rows/s", 0)
	if err := stopServer(rig); err != nil {
		return err
	}
	began = time.Now()
	if err := rig.Start(ctx); err != nil {
		return err
	}
	if err := b.ready(ctx, rig); err != nil {
		return err
	}
	b.add("start_ms", since(began)*1000, "ms", 2000)
	return stopServer(rig)
}

// planned waits until the planner has made a message of every recipient. It looks into the database, because the API counts recipients as
// queued from the moment of the launch.
func (b *bench) planned(ctx context.Context, rig *Rig) error {
	db, done, err := lookInto(ctx, rig)
	if err != nil {
		return err
	}
	defer done()
	for range 2400 {
		var planning int
		if err := db.QueryRowContext(ctx, `SELECT COUNT(*) FROM campaign WHERE planning = TRUE`).Scan(&planning); err != nil {
			return fmt.Errorf("look into the database: %w", err)
		}
		if planning == 0 {
			return nil
		}
		if err := pause(ctx, 250*time.Millisecond); err != nil {
			return err
		}
	}
	return errors.New("the list was not planned in ten minutes")
}

// lookInto opens the rig's database for reading while its server runs.
func lookInto(ctx context.Context, rig *Rig) (db *sql.DB, done func(), err error) {
	if rig.store.DatabaseURL != "" {
		s, err := rig.Store(ctx)
		if err != nil {
			return nil, nil, err
		}
		return s.DB().Read, func() { _ = s.Close() }, nil
	}
	db, err = sql.Open("sqlite", "file:"+filepath.Join(rig.store.DataDir, "overture.db")+"?mode=ro")
	if err != nil {
		return nil, nil, fmt.Errorf("look into the database: %w", err)
	}
	return db, func() { _ = db.Close() }, nil
}

func (b *bench) ready(ctx context.Context, rig *Rig) error {
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, rig.URL()+"/readyz", nil)
		if err != nil {
			return err
		}
		resp, err := http.DefaultClient.Do(req)
		if err == nil {
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return nil
			}
		}
		if err := pause(ctx, 5*time.Millisecond); err != nil {
			return err
		}
	}
}

// pingAPI calls the API every 20 ms, a write every fifth time, until the returned function is called.
func (b *bench) pingAPI(ctx context.Context, rig *Rig) func() []time.Duration {
	ctx, cancel := context.WithCancel(ctx)
	var latencies []time.Duration
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := 0; ctx.Err() == nil; i++ {
			at := time.Now()
			var err error
			if i%5 == 0 {
				_, err = rig.API.CreateSkill(ctx, fmt.Sprintf("Ping %d", i))
			} else {
				_, err = rig.API.Campaigns(ctx, 10)
			}
			if err == nil {
				latencies = append(latencies, time.Since(at))
			}
			select {
			case <-ctx.Done():
			case <-time.After(20 * time.Millisecond):
			}
		}
	})
	return func() []time.Duration {
		cancel()
		wg.Wait()
		return latencies
	}
}

// bareImport is the ceiling of an import: the same file through the standard CSV reader into a bare table with the same durability, 500
// rows per transaction, nothing checked.
func bareImport(ctx context.Context, dir string, n int) (rowsPerSecond float64, err error) {
	path := filepath.Join(dir, "bare.db")
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_txlock=immediate")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, db.Close(), os.Remove(path)) }()
	db.SetMaxOpenConns(1)
	if _, err := db.ExecContext(ctx, `CREATE TABLE row (id INTEGER PRIMARY KEY, address TEXT NOT NULL, name TEXT NOT NULL) STRICT`); err != nil {
		return 0, err
	}
	insert, err := db.PrepareContext(ctx, `INSERT INTO row (id, address, name) VALUES ($1, $2, $3)`)
	if err != nil {
		return 0, err
	}
	defer insert.Close()
	reader := csv.NewReader(io.NewSectionReader(listOf(0, n), 0, int64(n)*listRow))
	reader.ReuseRecord = true
	began := time.Now()
	for id := 0; id < n; {
		tx, err := db.BeginTx(ctx, nil)
		if err != nil {
			return 0, err
		}
		stmt := tx.StmtContext(ctx, insert)
		for range 500 {
			row, err := reader.Read()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return 0, errors.Join(err, tx.Rollback())
			}
			id++
			if _, err := stmt.ExecContext(context.WithoutCancel(ctx), id, row[0], row[1]); err != nil {
				return 0, errors.Join(err, tx.Rollback())
			}
		}
		if err := tx.Commit(); err != nil {
			return 0, err
		}
	}
	return float64(n) / since(began), nil
}
