package recipient

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/kit/crashpoint"
)

// Times of an import.
const (
	touchEvery  = 5 * time.Second // sign of life while an upload stands still
	deadAfter   = time.Minute     // without a sign of life for this long an import of another node is dead
	removeLimit = 2 * time.Minute // for taking back a failed import; Cleanup does the rest
	mergeFrom   = 10 * chunkRows  // from this many rows on opt-outs are merged, below they are looked up
)

// rowSource gives the next row of a list: its fields (reused), line and raw text. A wrong row comes as a problem. io.EOF ends it.
type rowSource func() (fields []string, line int, raw string, wrong *overture.Problem, err error)

// chunk is what one transaction takes.
type chunk struct {
	rows     []overture.Recipient
	hashes   []overture.ListHash
	problems []overture.Problem
	values   []string // the rows' values lie here
	read     int      // rows of the list that were read when the chunk was full
	err      error    // why reading ended; io.EOF when the list is at its end
}

func (c *chunk) empty() {
	clear(c.rows)
	clear(c.problems)
	clear(c.values)
	c.rows, c.hashes, c.problems, c.values, c.err = c.rows[:0], c.hashes[:0], c.problems[:0], c.values[:0], nil
}

// load runs one import from begin to end: a goroutine reads and checks, this one writes. Whatever goes wrong, no row stays behind.
func (r *Room) load(ctx context.Context, t overture.ListTarget, im overture.Import, next rowSource, settle func(*overture.Import), progress func(int)) (overture.Import, error) {
	im.ID = overture.ImportID(r.Store.NewID())
	im.AccountID, im.CampaignID, im.CreatedAt, im.ContentHash = t.AccountID, t.CampaignID, time.Now(), t.Content.Hash()
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	r.setLive(im.ID, stop)
	defer r.setLive(im.ID, nil)
	if err := r.Store.BeginImport(ctx, im); err != nil {
		return im, err
	}
	im.State = overture.ImportLoading
	l := &loader{room: r, target: t, im: im, words: r.checker(t, im.Source, im.Header), seen: newNumbers(), progress: progress}
	err := l.run(ctx, r.checker(t, im.Source, im.Header), next)
	if err == nil {
		settle(&l.im)
		err = r.Store.FinishImport(ctx, l.im, time.Now())
	}
	if err != nil {
		var told *overture.Error
		if errors.As(context.Cause(ctx), &told) { // what a canceled statement says helps nobody
			err = told
		}
		r.takeBack(ctx, l.im, err)
		return l.im, err
	}
	l.im.State, l.im.FinishedAt = overture.ImportDone, time.Now()
	return l.im, nil
}

// takeBack removes what a failed import has written. It is not canceled with the request, but it has a limit of its own; what is left then
// stays invisible, and Cleanup removes it.
func (r *Room) takeBack(ctx context.Context, im overture.Import, cause error) {
	why := "the import was interrupted"
	var known *overture.Error
	if errors.As(cause, &known) {
		why = known.Message
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), removeLimit)
	defer cancel()
	err := r.Store.AbandonImport(ctx, im, why, time.Now())
	if err == nil {
		err = r.Store.RemoveImport(ctx, im)
	}
	if err != nil {
		r.Log.WarnContext(ctx, "rows of a failed import stay invisible until the next cleanup", "import_id", im.ID.String(), "error", err)
	}
}

func (r *Room) setLive(id overture.ImportID, stop context.CancelCauseFunc) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if stop != nil {
		r.live[id] = stop
	} else {
		delete(r.live, id)
	}
}

func (r *Room) isLive(id overture.ImportID) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.live[id] != nil
}

// loader is one import on its way.
type loader struct {
	room     *Room
	target   overture.ListTarget
	im       overture.Import
	words    *checker // of the writing goroutine: names columns, writes rows
	seen     *numbers // written by the reading goroutine until the last chunk is there
	stored   storedIDs
	progress func(int)
}

func (l *loader) run(ctx context.Context, c *checker, next rowSource) error {
	ctx, cancel := context.WithCancel(ctx)
	full, free := make(chan *chunk), make(chan *chunk, 2)
	free <- &chunk{}
	free <- &chunk{}
	done := make(chan struct{})
	defer func() { // the reader must be gone before the caller closes what it reads from
		cancel()
		<-done
	}()
	go func() {
		defer close(done)
		l.read(ctx, c, next, full, free)
	}()
	alive := time.NewTicker(touchEvery)
	defer alive.Stop()
	for {
		select {
		case <-ctx.Done():
			return fmt.Errorf("load %s: %w", l.im.ID, context.Cause(ctx))
		case <-alive.C:
			if err := l.room.Store.TouchImport(ctx, l.im, time.Now()); err != nil {
				return err
			}
		case batch := <-full:
			if batch.err != nil && !errors.Is(batch.err, io.EOF) {
				return batch.err
			}
			if err := l.write(ctx, batch); err != nil {
				return err
			}
			crashpoint.Pass("CP14a")
			if batch.err != nil {
				crashpoint.Pass("CP14b")
				return l.index(ctx)
			}
			batch.empty()
			free <- batch
		}
	}
}

// read fills chunks until the list ends.
func (l *loader) read(ctx context.Context, c *checker, next rowSource, full chan<- *chunk, free <-chan *chunk) {
	read := 0
	for {
		var batch *chunk
		select {
		case <-ctx.Done():
			return
		case batch = <-free:
		}
		for batch.err == nil && len(batch.rows) < chunkRows && len(batch.problems) < chunkRows {
			var fields []string
			var line int
			var raw string
			var wrong *overture.Problem
			if fields, line, raw, wrong, batch.err = next(); batch.err != nil {
				break
			}
			if wrong == nil && blank(fields) {
				continue
			}
			read++
			if wrong != nil {
				batch.problems = append(batch.problems, *wrong)
				continue
			}
			l.check(c, batch, fields, line, raw)
		}
		batch.read = read
		select {
		case <-ctx.Done():
			return
		case full <- batch:
		}
		if batch.err != nil {
			return
		}
	}
}

func (l *loader) check(c *checker, batch *chunk, fields []string, line int, raw string) {
	rec, problem := c.row(fields, line, raw, &batch.values)
	if problem != nil {
		batch.problems = append(batch.problems, *problem)
		return
	}
	key, _ := pack(rec.Address) // the checker has made sure that it can be packed
	if first, fresh := l.seen.add(key, line); !fresh {
		batch.problems = append(batch.problems, duplicate(c, line, first, raw))
		return
	}
	batch.rows = append(batch.rows, rec)
	batch.hashes = append(batch.hashes, overture.RowHash(&rec))
}

func duplicate(c *checker, line, first int, raw string) overture.Problem {
	reason := "the number is already in this list"
	if first > 0 {
		reason = fmt.Sprintf("the number is already in this list (row %d)", first)
	}
	return overture.Problem{Row: line, Column: c.name(c.columns.Phone), Code: overture.ProblemDuplicateNumber, Reason: reason, Raw: raw}
}

// write stores a chunk, after taking out what earlier imports of the campaign have already.
func (l *loader) write(ctx context.Context, batch *chunk) error {
	l.im.Rows = batch.read
	var listed map[overture.Address]int
	if l.target.Recipients > 0 && len(batch.rows) > 0 {
		addresses := make([]overture.Address, len(batch.rows))
		for i := range batch.rows {
			addresses[i] = batch.rows[i].Address
		}
		var err error
		if listed, err = l.room.Store.ListedRows(ctx, l.im.CampaignID, addresses); err != nil {
			return err
		}
	}
	rows, kept := batch.rows, batch.rows[:0]
	var places storedChunk
	for i := range rows {
		if first, taken := listed[rows[i].Address]; taken {
			batch.problems = append(batch.problems, duplicate(l.words, rows[i].Row, first, l.words.raw(&rows[i], delimiterOf(l.im))))
			continue
		}
		places.keep(i)
		l.im.Valid++
		l.im.Segments += int64(rows[i].Segments)
		l.im.ListHash = l.im.ListHash.Plus(batch.hashes[i])
		if rows[i].Segments > l.im.WorstSegments {
			l.im.WorstRow, l.im.WorstSegments = rows[i].Row, rows[i].Segments
		}
		kept = append(kept, rows[i])
	}
	for i := range batch.problems {
		l.im.Rejected++
		if batch.problems[i].Code == overture.ProblemDuplicateNumber {
			l.im.Duplicates++
		}
	}
	if err := l.store(ctx, kept, batch.problems); err != nil {
		return err
	}
	if len(kept) > 0 {
		places.first = int64(kept[0].ID)
	}
	l.stored.add(places, len(rows))
	if l.progress != nil {
		l.progress(l.im.Rows)
	}
	return nil
}

// store writes a chunk; problems may have grown above the size of a transaction.
func (l *loader) store(ctx context.Context, rows []overture.Recipient, problems []overture.Problem) error {
	for {
		now := problems[:min(len(problems), chunkRows)]
		if err := l.room.Store.AppendToImport(ctx, l.im, rows, now, time.Now()); err != nil {
			return err
		}
		if problems, rows = problems[len(now):], nil; len(problems) == 0 {
			return nil
		}
	}
}

// index writes the addresses in their order, which is what makes a million of them cheap, and counts who has opted out on the way.
func (l *loader) index(ctx context.Context) error {
	order := l.seen.sorted(func(i int) bool { return l.stored.id(i) == 0 })
	stopped := &optOuts{store: l.room.Store, target: l.target, merge: len(order) >= mergeFrom}
	rows := make([]overture.Recipient, 0, chunkRows)
	for len(order) > 0 {
		rows = rows[:0]
		for _, i := range order[:min(len(order), chunkRows)] {
			rows = append(rows, overture.Recipient{ID: l.stored.id(int(i)), Address: l.seen.key(int(i)).address()})
		}
		n, err := stopped.count(ctx, rows)
		if err != nil {
			return err
		}
		l.im.OptedOut += n
		if err := l.room.Store.IndexRecipients(ctx, l.im, rows, time.Now()); err != nil {
			return err
		}
		order = order[len(rows):]
	}
	return nil
}

func blank(fields []string) bool {
	for _, f := range fields {
		for i := range len(f) {
			if f[i] != ' ' && f[i] != '\t' {
				return false
			}
		}
	}
	return true
}
