package recipient_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/outbound/recipient"
	"github.com/overture-im/overture/internal/store"
	"github.com/overture-im/overture/internal/store/storetest"
)

// nothing checks that a failed import has left no trace but its own line with the reason.
func (d *desk) nothing(t testing.TB, campaign overture.CampaignID, failed int) {
	t.Helper()
	for _, table := range []string{"recipient", "recipient_address"} {
		if n := d.number(t, `SELECT COUNT(*) FROM `+table+` WHERE campaign_id = $1`, campaign); n != 0 {
			t.Errorf("%d rows of a failed import are left in %s", n, table)
		}
	}
	if n := d.number(t, `SELECT COUNT(*) FROM problem`); n != 0 {
		t.Errorf("%d problems of a failed import are left", n)
	}
	if n := d.number(t, `SELECT recipient_count FROM campaign WHERE id = $1`, campaign); n != 0 {
		t.Errorf("the campaign counts %d recipients", n)
	}
	if n := d.number(t, `SELECT COUNT(*) FROM list_import WHERE campaign_id = $1 AND state = 'failed' AND error <> ''`, campaign); n != failed {
		t.Errorf("%d failed imports are told of, want %d", n, failed)
	}
	if n := d.number(t, `SELECT COUNT(*) FROM list_import WHERE campaign_id = $1 AND state <> 'failed'`, campaign); n != 0 {
		t.Errorf("%d imports are in another state than failed", n)
	}
}

// many writes n rows of which every tenth is wrong.
func many(n int) string {
	var b strings.Builder
	for i := range n {
		if i%10 == 9 {
			b.WriteString("x,bad\n")
			continue
		}
		fmt.Fprintf(&b, "1%d555%04d,Ann\n", []int{212, 213, 312, 415}[i/10000%4], i%10000)
	}
	return b.String()
}

func TestBadFiles(t *testing.T) {
	d := open(t)
	for _, tt := range []struct {
		name, code, says string
		file             io.Reader
		options          recipient.CSVOptions
		failed           int
	}{
		{name: "no text from the beginning", code: "not_text", says: "line 1", file: strings.NewReader("\x00\x01\x02\x03binary")},
		{name: "a workbook", code: "not_text", says: "save the list as CSV", file: strings.NewReader("PK\x03\x04...")},
		{name: "no text further down", code: "not_text", says: "line 2001", file: strings.NewReader(many(2000) + "12125550100,\x00\n"), failed: 1},
		{name: "empty", code: "empty_file", says: "no rows", file: strings.NewReader("")},
		{name: "only empty lines", code: "empty_file", says: "no rows", file: strings.NewReader("\n\r\n , \n")},
		{name: "only a header", code: "only_header", says: "no rows below", file: strings.NewReader("phone,name\n\n")},
		{name: "an unreadable header", code: "bad_header", says: "line 1", file: strings.NewReader("\"phone,name\n12125550100,Ann\n"), options: recipient.CSVOptions{Header: recipient.HeaderYes}},
		{name: "a broken upload", code: "upload_broken", says: "upload the file again", file: io.MultiReader(strings.NewReader(many(3000)), iotest.ErrReader(errors.New("reset"))), failed: 1},
		{name: "a broken upload before the first row", code: "upload_broken", says: "upload the file again", file: iotest.ErrReader(errors.New("reset"))},
		{name: "an unknown delimiter", code: "unknown_delimiter", says: "comma", file: strings.NewReader("1"), options: recipient.CSVOptions{Delimiter: "x"}},
		{name: "an unknown encoding", code: "unknown_encoding", says: "utf-8", file: strings.NewReader("1"), options: recipient.CSVOptions{Encoding: "ebcdic"}},
		{name: "an unknown header mode", code: "unknown_header_mode", says: "auto", file: strings.NewReader("1"), options: recipient.CSVOptions{Header: "maybe"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			campaign := d.draft(t, "Hi {{1}}")
			_, err := d.ImportCSV(t.Context(), d.account, campaign, tt.file, tt.options)
			kind(t, err, overture.Invalid, tt.code)
			if err != nil && !strings.Contains(err.Error(), tt.says) {
				t.Errorf("%q does not say %q", err, tt.says)
			}
			d.nothing(t, campaign, tt.failed)
			if im := d.csv(t, campaign, "12125550100,Ann\n"); im.Valid != 1 {
				t.Errorf("afterwards the right file gives %+v", im)
			}
		})
	}
}

func TestColumnThatMeansTwoThings(t *testing.T) {
	d := open(t)
	campaign := d.draft(t, "Hi {{name}}: {{text}}")
	_, err := d.ImportCSV(t.Context(), d.account, campaign, strings.NewReader("phone,name,text\n12125550100,Ann,x\n"), recipient.CSVOptions{})
	kind(t, err, overture.Invalid, "ambiguous_column")
}

// Every door of the room is closed to another account, and everything that changes the list to a campaign that was launched.
func TestForeignAndFrozenCampaigns(t *testing.T) {
	d := open(t)
	mine := d.draft(t, "Hi")
	d.csv(t, mine, "12125550100\nbad\n")
	row := func() overture.RecipientID {
		rows, _, err := d.Page(t.Context(), d.account, mine, recipient.Query{})
		if err != nil || len(rows) != 1 {
			t.Fatalf("%v, %v", rows, err)
		}
		return rows[0].ID
	}()
	doors := map[string]struct {
		changes bool
		call    func(account overture.AccountID) error
	}{
		"import": {true, func(a overture.AccountID) error {
			_, err := d.ImportCSV(t.Context(), a, mine, strings.NewReader("12125550101\n"), recipient.CSVOptions{})
			return err
		}},
		"typed": {true, func(a overture.AccountID) error {
			_, err := d.AddTyped(t.Context(), a, mine, "12125550101")
			return err
		}},
		"fix": {true, func(a overture.AccountID) error {
			_, err := d.Fix(t.Context(), a, mine, overture.ProblemRef{Row: 2}, "12125550101")
			return err
		}},
		"fix by rule": {true, func(a overture.AccountID) error {
			_, err := d.FixByRule(t.Context(), a, mine, "", recipient.RuleDiscard, "")
			return err
		}},
		"recheck": {true, func(a overture.AccountID) error { _, err := d.Recheck(t.Context(), a, mine); return err }},
		"clear":   {true, func(a overture.AccountID) error { return d.Clear(t.Context(), a, mine) }},
		"imports": {false, func(a overture.AccountID) error { _, err := d.Imports(t.Context(), a, mine); return err }},
		"summary": {false, func(a overture.AccountID) error { _, err := d.Summary(t.Context(), a, mine); return err }},
		"page": {false, func(a overture.AccountID) error {
			_, _, err := d.Page(t.Context(), a, mine, recipient.Query{})
			return err
		}},
		"get": {false, func(a overture.AccountID) error { _, err := d.Get(t.Context(), a, mine, row); return err }},
		"problems": {false, func(a overture.AccountID) error {
			_, _, _, err := d.Problems(t.Context(), a, mine, recipient.ProblemQuery{})
			return err
		}},
		"download": {false, func(a overture.AccountID) error { return d.WriteProblemsCSV(t.Context(), a, mine, io.Discard) }},
	}
	for name, door := range doors {
		t.Run(name, func(t *testing.T) {
			kind(t, door.call(d.account+1), overture.NotFound, "campaign_not_found")
			d.exec(t, `UPDATE campaign SET state = 'running' WHERE id = $1`, mine)
			defer d.exec(t, `UPDATE campaign SET state = 'draft' WHERE id = $1`, mine)
			if err := door.call(d.account); door.changes {
				kind(t, err, overture.Conflict, "campaign_not_draft")
			} else if err != nil {
				t.Errorf("of a running campaign: %v", err)
			}
		})
	}
	same(t, "recipients", d.texts(t, mine), "1 +12125550100 Hi STOP ends")
	same(t, "problems", d.problems(t, mine), "2 phone invalid_number")
	d.sound(t, mine)
}

// failing is a store whose n-th call of one method meets trouble.
type failing struct {
	*store.Store
	method string
	left   int
	err    error
	before func()
}

func (f *failing) meet(method string) error {
	if method != f.method {
		return nil
	}
	if f.left--; f.left != 0 {
		return nil
	}
	if f.before != nil {
		f.before()
	}
	return f.err
}

func (f *failing) AppendToImport(ctx context.Context, im overture.Import, rows []overture.Recipient, problems []overture.Problem, now time.Time) error {
	if err := f.meet("append"); err != nil {
		return err
	}
	return f.Store.AppendToImport(ctx, im, rows, problems, now)
}

func (f *failing) IndexRecipients(ctx context.Context, im overture.Import, rows []overture.Recipient, now time.Time) error {
	if err := f.meet("index"); err != nil {
		return err
	}
	return f.Store.IndexRecipients(ctx, im, rows, now)
}

func (f *failing) FinishImport(ctx context.Context, im overture.Import, now time.Time) error {
	if err := f.meet("finish"); err != nil {
		return err
	}
	return f.Store.FinishImport(ctx, im, now)
}

func TestTroubleAnywhereLeavesNoRows(t *testing.T) {
	busy := &overture.Error{Kind: overture.Unavailable, Code: "database_busy", Message: "the database is busy; nothing was changed; try again in a moment"}
	d := open(t)
	for _, tt := range []struct {
		method string
		call   int
	}{{"append", 1}, {"append", 4}, {"index", 1}, {"index", 3}, {"finish", 1}} {
		t.Run(fmt.Sprintf("%s %d", tt.method, tt.call), func(t *testing.T) {
			campaign := d.draft(t, "Hi {{1}}")
			f := &failing{Store: d.store, method: tt.method, left: tt.call, err: busy}
			deps := d.Deps
			deps.Store = f
			_, err := recipient.New(deps).ImportCSV(t.Context(), d.account, campaign, strings.NewReader(many(3000)), recipient.CSVOptions{})
			kind(t, err, overture.Unavailable, "database_busy")
			if f.left > 0 {
				t.Fatal("the trouble was never met")
			}
			d.nothing(t, campaign, 1)
		})
		t.Run(fmt.Sprintf("canceled at %s %d", tt.method, tt.call), func(t *testing.T) {
			campaign := d.draft(t, "Hi {{1}}")
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			deps := d.Deps
			deps.Store = &failing{Store: d.store, method: tt.method, left: tt.call, before: cancel}
			_, err := recipient.New(deps).ImportCSV(ctx, d.account, campaign, strings.NewReader(many(3000)), recipient.CSVOptions{})
			if !errors.Is(err, context.Canceled) {
				t.Errorf("got %v", err)
			}
			d.nothing(t, campaign, 1)
		})
	}
}

// A database without room is the real thing: SQLite refuses the page, the import says so and takes itself back.
func TestDiskFull(t *testing.T) {
	if storetest.OnPostgres() {
		t.Skip("the limit is SQLite's")
	}
	d := open(t)
	campaign := d.draft(t, "Hi {{1}}")
	pages := d.number(t, `PRAGMA page_count`)
	d.exec(t, fmt.Sprintf(`PRAGMA max_page_count = %d`, pages+40))
	_, err := d.ImportCSV(t.Context(), d.account, campaign, strings.NewReader(many(9000)), recipient.CSVOptions{})
	kind(t, err, overture.Unavailable, "database_full")
	d.exec(t, `PRAGMA max_page_count = 1073741823`)
	d.nothing(t, campaign, 1)
}

// An import that was killed is never seen, blocks its campaign until the cleanup, and leaves nothing after it.
func TestKilledImport(t *testing.T) {
	for _, indexed := range []int{0, 1} {
		t.Run(fmt.Sprintf("%d chunks indexed", indexed), func(t *testing.T) {
			d := open(t)
			campaign := d.draft(t, "Hi {{1}}")
			im := overture.Import{ID: overture.ImportID(d.store.NewID()), AccountID: d.account, CampaignID: campaign, Source: "csv", Delimiter: ",", CreatedAt: time.Now().Add(-time.Hour)}
			if err := d.store.BeginImport(t.Context(), im); err != nil {
				t.Fatal(err)
			}
			rows := []overture.Recipient{{Row: 1, Address: "+12125550100"}, {Row: 2, Address: "+12125550101"}}
			problems := []overture.Problem{{Row: 3, Code: overture.ProblemInvalidNumber, Reason: "no number"}}
			if err := d.store.AppendToImport(t.Context(), im, rows, problems, time.Now().Add(-time.Hour)); err != nil {
				t.Fatal(err)
			}
			if indexed > 0 {
				if err := d.store.IndexRecipients(t.Context(), im, rows[:1], time.Now().Add(-time.Hour)); err != nil {
					t.Fatal(err)
				}
			}
			same(t, "recipients", d.texts(t, campaign))
			same(t, "problems", d.problems(t, campaign))
			_, err := d.ImportCSV(t.Context(), d.account, campaign, strings.NewReader("12125550100,Ann\n"), recipient.CSVOptions{})
			kind(t, err, overture.Conflict, "import_running")
			kind(t, d.Clear(t.Context(), d.account, campaign), overture.Conflict, "import_running")
			if sum, err := d.Summary(t.Context(), d.account, campaign); err != nil || !sum.Loading {
				t.Errorf("got %+v, %v", sum, err)
			}
			if err := d.Cleanup(t.Context()); err != nil {
				t.Fatal(err)
			}
			d.nothing(t, campaign, 1)
			if err := d.store.AppendToImport(t.Context(), im, rows, nil, time.Now()); overture.KindOf(err) != overture.Conflict {
				t.Errorf("a loader that was asleep added rows: %v", err)
			}
			if im := d.csv(t, campaign, "12125550100,Ann\n"); im.Valid != 1 {
				t.Errorf("got %+v", im)
			}
			d.sound(t, campaign)
		})
	}
}

// The cleanup never takes an import that is loading.
func TestCleanupSparesTheLiving(t *testing.T) {
	d := open(t)
	campaign := d.draft(t, "Hi {{1}}")
	cleaned := 0
	im, err := d.ImportCSV(t.Context(), d.account, campaign, strings.NewReader(many(3000)), recipient.CSVOptions{Progress: func(int) {
		cleaned++
		if err := d.Cleanup(t.Context()); err != nil {
			t.Error(err)
		}
		if got := d.texts(t, campaign); len(got) != 0 {
			t.Errorf("%d rows are seen while the list is loading", len(got))
		}
	}})
	if err != nil || im.Valid != 2700 || im.Rejected != 300 || cleaned < 6 {
		t.Errorf("got %+v, %v after %d cleanups", im, err, cleaned)
	}
	d.sound(t, campaign)
}

// While one import is loading another one is refused, and what was launched meanwhile takes no rows.
func TestTwoAtOnce(t *testing.T) {
	d := open(t)
	campaign := d.draft(t, "Hi {{1}}")
	im, err := d.ImportCSV(t.Context(), d.account, campaign, strings.NewReader(many(600)), recipient.CSVOptions{Progress: func(int) {
		_, err := d.AddTyped(t.Context(), d.account, campaign, "12125559999, Bob")
		kind(t, err, overture.Conflict, "import_running")
	}})
	if err != nil || im.Valid != 540 {
		t.Errorf("got %+v, %v", im, err)
	}
	other := d.draft(t, "Hi {{1}}")
	_, err = d.ImportCSV(t.Context(), d.account, other, strings.NewReader(many(600)), recipient.CSVOptions{Progress: func(int) {
		d.exec(t, `UPDATE campaign SET state = 'running' WHERE id = $1`, other)
	}})
	kind(t, err, overture.Conflict, "campaign_not_draft")
	for _, table := range []string{"recipient", "recipient_address"} {
		if n := d.number(t, `SELECT COUNT(*) FROM `+table+` WHERE campaign_id = $1`, other); n != 0 {
			t.Errorf("%d rows in %s", n, table)
		}
	}
}

// What a process left loading is removed at the next start at once on SQLite, where it cannot be alive; on PostgreSQL another node may be
// loading it, so it has to be silent for a while. A copy of a list, which this room does not know, is spared as long as it gives signs of life.
func TestCleanupAfterARestart(t *testing.T) {
	options := storetest.Options(t)
	s, err := store.Open(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	campaign := overture.CampaignID(7)
	if _, err := s.DB().Write.ExecContext(t.Context(), `INSERT INTO list_import (id, account_id, campaign_id, state, source, file_name, encoding, delimiter, header, row_count, valid,
			rejected, duplicates, opted_out, worst_row, worst_segments, segments, list_hash, error, created_at, touched_at)
		VALUES (1, 1, $1, 'loading', 'csv', '', '', ',', '', 0, 0, 0, 0, 0, 0, 0, 0, '', '', 1, $2)`, campaign, time.Now().UnixMilli()+1); err != nil {
		t.Fatal(err)
	}
	state := func() (state overture.ImportState) {
		t.Helper()
		room := recipient.New(recipient.Deps{Store: s, Log: slog.New(slog.DiscardHandler)})
		if err := room.Cleanup(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := s.DB().Read.QueryRowContext(t.Context(), `SELECT state FROM list_import WHERE id = 1`).Scan(&state); err != nil {
			t.Fatal(err)
		}
		return state
	}
	if got := state(); got != overture.ImportLoading {
		t.Errorf("in the same process: %s", got)
	}
	if _, err := s.DB().Write.ExecContext(t.Context(), `UPDATE list_import SET touched_at = $1`, time.Now().Add(-time.Second).UnixMilli()); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if s, err = store.Open(t.Context(), options); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	want := overture.ImportFailed
	if storetest.OnPostgres() {
		want = overture.ImportLoading
	}
	if got := state(); got != want {
		t.Errorf("after the restart: %s, want %s", got, want)
	}
	if _, err := s.DB().Write.ExecContext(t.Context(), `UPDATE list_import SET touched_at = $1`, time.Now().Add(-2*time.Minute).UnixMilli()); err != nil {
		t.Fatal(err)
	}
	if got := state(); got != overture.ImportFailed {
		t.Errorf("after two silent minutes: %s", got)
	}
}

// While a list is loading everybody sees how far it is; a cancel stops it at once where it is loaded, and at its next chunk from elsewhere.
func TestCancelImport(t *testing.T) {
	for _, elsewhere := range []bool{false, true} {
		t.Run(fmt.Sprintf("elsewhere %t", elsewhere), func(t *testing.T) {
			d := open(t)
			campaign := d.draft(t, "Hi {{1}}")
			r, w := io.Pipe()
			ended := make(chan error, 1)
			go func() {
				_, err := d.ImportCSV(context.WithoutCancel(t.Context()), d.account, campaign, r, recipient.CSVOptions{})
				r.Close() // as the door does: who still uploads hears that nobody reads
				ended <- err
			}()
			go func() { // a file without an end
				for i := 0; ; i++ {
					if _, err := fmt.Fprintf(w, "+1212555%04d,Ann\n", i%10000); err != nil {
						return
					}
				}
			}()
			seen := func() overture.Import {
				imports, err := d.Imports(t.Context(), d.account, campaign)
				if err != nil {
					t.Fatal(err)
				}
				if len(imports) == 0 {
					return overture.Import{}
				}
				return imports[0]
			}
			im := seen()
			for deadline := time.Now().Add(10 * time.Second); im.Rows < 500 && time.Now().Before(deadline); im = seen() {
				time.Sleep(5 * time.Millisecond)
			}
			if im.State != overture.ImportLoading || im.Rows < 500 || im.Valid+im.Rejected != im.Rows {
				t.Errorf("while it is loading it is %+v", im)
			}
			stop := d.Cancel
			if elsewhere {
				stop = recipient.New(d.Deps).Cancel
			}
			kind(t, stop(t.Context(), d.account+1, campaign, im.ID), overture.NotFound, "import_not_found")
			if err := stop(t.Context(), d.account, campaign, im.ID); err != nil {
				t.Fatal(err)
			}
			code := "import_canceled"
			if elsewhere {
				code = "import_gone"
			}
			kind(t, <-ended, overture.Conflict, code)
			if im = seen(); im.State != overture.ImportFailed || im.Valid != 0 || im.Error != "the upload was canceled" {
				t.Errorf("afterwards it is %+v", im)
			}
			d.nothing(t, campaign, 1)
			if err := d.Cancel(t.Context(), d.account, campaign, im.ID); err != nil {
				t.Errorf("a second cancel: %v", err)
			}
			done := d.csv(t, campaign, "12125550100,Ann\n")
			kind(t, d.Cancel(t.Context(), d.account, campaign, done.ID), overture.Conflict, "import_done")
		})
	}
}
