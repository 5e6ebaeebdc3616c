package recipient_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/kit/phone"
	"github.com/overture-im/overture/internal/kit/tz"
	"github.com/overture-im/overture/internal/outbound/recipient"
	"github.com/overture-im/overture/internal/store"
	"github.com/overture-im/overture/internal/store/storetest"
)

// desk is a room over a real store with one account, one brand and drafts in it.
type desk struct {
	*recipient.Room
	store   *store.Store
	account overture.AccountID
	brand   overture.BrandID
}

func parsePhone(s string) (string, []string, error) {
	n, err := phone.Parse(s)
	return n.E164, n.Zones, err
}

func zoneKnown(name string) bool {
	_, err := tz.Load(name)
	return err == nil
}

func open(t testing.TB) *desk {
	t.Helper()
	s := storetest.Open(t)
	d := &desk{store: s, account: overture.AccountID(s.NewID()), brand: overture.BrandID(s.NewID())}
	d.Room = recipient.New(recipient.Deps{Store: s, ParsePhone: parsePhone, ZoneKnown: zoneKnown, Log: slog.New(slog.DiscardHandler)})
	d.exec(t, `INSERT INTO account (id, name, enabled, settings, created_at) VALUES ($1, 'Acme', TRUE, '{}', 1)`, d.account)
	d.exec(t, `INSERT INTO brand (id, account_id, name, created_at) VALUES ($1, $2, 'Acme', 1)`, d.brand, d.account)
	return d
}

func (d *desk) exec(t testing.TB, query string, args ...any) {
	t.Helper()
	if _, err := d.store.DB().Write.ExecContext(t.Context(), query, args...); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

func (d *desk) number(t testing.TB, query string, args ...any) (n int) {
	t.Helper()
	if err := d.store.DB().Read.QueryRowContext(context.WithoutCancel(t.Context()), query, args...).Scan(&n); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}

// draft makes a draft with a text; the opt-out text is short so that texts are easy to read.
func (d *desk) draft(t testing.TB, text string) overture.CampaignID {
	t.Helper()
	id := overture.CampaignID(d.store.NewID())
	d.exec(t, `INSERT INTO campaign (id, account_id, brand_id, name, channel, sender_id, skill_id, text, opt_out_text, smart_encoding, state, send_window, rate, lookback,
			policy, open_conversation, reason, recipient_count, list_hash, content_hash, created_by, created_at, updated_at, planned_through, planning)
		VALUES ($1, $2, $3, 'c', 'sms', 1, 1, $4, 'STOP ends', FALSE, 'draft', '{}', 1, 0, 'safe', 'skip', '', 0, '', '', 1, 1, 1, 0, FALSE)`, id, d.account, d.brand, text)
	return id
}

func (d *desk) csv(t testing.TB, campaign overture.CampaignID, file string) overture.Import {
	t.Helper()
	im, err := d.ImportCSV(t.Context(), d.account, campaign, strings.NewReader(file), recipient.CSVOptions{})
	if err != nil {
		t.Fatalf("import: %v", err)
	}
	return im
}

// texts gives "row number text" of every recipient.
func (d *desk) texts(t testing.TB, campaign overture.CampaignID) []string {
	t.Helper()
	rows, next, err := d.Page(t.Context(), d.account, campaign, recipient.Query{Limit: 1000})
	if err != nil || next != 0 {
		t.Fatalf("page: %v, next %v", err, next)
	}
	var out []string
	for _, r := range rows {
		out = append(out, fmt.Sprintf("%d %s %s", r.Row, r.Address, string(r.Text)))
	}
	return out
}

// problems gives "row column code" of every problem.
func (d *desk) problems(t testing.TB, campaign overture.CampaignID) []string {
	t.Helper()
	items, _, _, err := d.Problems(t.Context(), d.account, campaign, recipient.ProblemQuery{Limit: 1000})
	if err != nil {
		t.Fatalf("problems: %v", err)
	}
	var out []string
	for _, p := range items {
		if p.Reason == "" {
			t.Errorf("row %d: %s without a reason", p.Row, p.Code)
		}
		out = append(out, fmt.Sprintf("%d %s %s", p.Row, p.Column, p.Code))
	}
	return out
}

// sound checks that all figures agree with the rows.
func (d *desk) sound(t testing.TB, campaign overture.CampaignID) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	sum, err := d.Summary(ctx, d.account, campaign)
	if err != nil {
		t.Fatal(err)
	}
	rows := d.number(t, `SELECT COUNT(*) FROM recipient WHERE campaign_id = $1`, campaign)
	addresses := d.number(t, `SELECT COUNT(*) FROM recipient_address a JOIN recipient r ON r.id = a.recipient_id AND r.address = a.address AND r.campaign_id = a.campaign_id
		WHERE a.campaign_id = $1`, campaign)
	stray := d.number(t, `SELECT COUNT(*) FROM recipient_address WHERE campaign_id = $1`, campaign)
	counted := d.number(t, `SELECT recipient_count FROM campaign WHERE id = $1`, campaign)
	segments := d.number(t, `SELECT COALESCE(SUM(segments), 0) FROM recipient WHERE campaign_id = $1`, campaign)
	problems := d.number(t, `SELECT COUNT(*) FROM problem p JOIN list_import i ON i.id = p.import_id WHERE i.campaign_id = $1`, campaign)
	if rows != sum.Valid || addresses != rows || stray != rows || counted != rows || int64(segments) != sum.Segments || problems != sum.Problems {
		t.Errorf("%d rows, %d addresses (%d in all), %d counted, %d segments, %d problems do not fit %+v", rows, addresses, stray, counted, segments, problems, sum)
	}
	if sum.Valid+sum.Rejected != sum.Rows {
		t.Errorf("%d valid and %d rejected are not %d rows", sum.Valid, sum.Rejected, sum.Rows)
	}
	kept, err := d.store.ListHash(ctx, d.account, campaign)
	if err != nil {
		t.Fatal(err)
	}
	recounted, n, err := d.store.RecountListHash(ctx, d.account, campaign)
	if err != nil || kept != recounted || n != rows {
		t.Errorf("hash %s of %d rows, recounted %s of %d: %v", kept, rows, recounted, n, err)
	}
}

func same(t testing.TB, what string, got []string, want ...string) {
	t.Helper()
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("%s:\ngot\n  %s\nwant\n  %s", what, strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

func kind(t testing.TB, err error, want overture.Kind, code string) {
	t.Helper()
	var e *overture.Error
	if !errors.Is(err, want) || !errors.As(err, &e) || e.Code != code {
		t.Errorf("got %v, want %s %s", err, want, code)
	}
}

// The forms and columns of the source documents (D1, D2, D3).
func TestImportCSV(t *testing.T) {
	for _, tt := range []struct {
		name, text, file string
		options          recipient.CSVOptions
		recipients       []string
		problems         []string
	}{
		{
			name: "the four forms of a number", text: "Hi", file: "16001234567\n+12125550100\n1(212)5550101\n+1(212)5550102\n",
			recipients: []string{"1 +16001234567 Hi STOP ends", "2 +12125550100 Hi STOP ends", "3 +12125550101 Hi STOP ends", "4 +12125550102 Hi STOP ends"},
		},
		{
			name: "variables by position", text: "Hello {{1}}, card {{2}}", file: "12125550100, Nancy, 9999\n12125550101,Bob,8888\n",
			recipients: []string{"1 +12125550100 Hello Nancy, card 9999 STOP ends", "2 +12125550101 Hello Bob, card 8888 STOP ends"},
		},
		{
			name: "variables by name", text: "Hello {{Name}}, {{ amount }}", file: "amount,Mobile Number,name\n\"12,50\",12125550100,Zoë\n",
			recipients: []string{"2 +12125550100 Hello Zoë, 12,50 STOP ends"},
		},
		{
			name: "positions count the columns that are variables", text: "{{1}} {{2}}", file: "zone,a,phone,b\nEurope/Paris,x,12125550100,y\n",
			recipients: []string{"2 +12125550100 x y STOP ends"},
		},
		{
			name: "named variables without a header, in the order of the text", text: "Hello {{name}}, {{amount}}", file: "12125550100,Ann,5\n",
			recipients: []string{"1 +12125550100 Hello Ann, 5 STOP ends"},
		},
		{
			name: "a whole message per person", text: "Hello", file: "12125550100,\"Hi Jane, it expires\"\n12125550101\n12125550102,\n",
			recipients: []string{"1 +12125550100 Hi Jane, it expires STOP ends", "2 +12125550101 Hello STOP ends", "3 +12125550102 Hello STOP ends"},
		},
		{
			name: "a whole message by header", text: "Hello {{name}}", file: "phone;name;message\n12125550100;Ann;\n12125550101;;\"Own {{name}} text\"\n",
			recipients: []string{"2 +12125550100 Hello Ann STOP ends", "3 +12125550101 Own {{name}} text STOP ends"},
		},
		{
			name: "every kind of problem, and the rest goes on", text: "Hi {{1}}",
			file: "phone,name,zone\n12125550100,Ann,\n2125550101,Bob,\n12125550102,,\n12125550103,Cy,Mars/Olympus\n12125550104,Di,,extra\n12125550105,\"Ed\"x,\n" +
				"12125550106,Fay\x07,\n+1 (212) 555-0100,Ann again,\n12125550107," + strings.Repeat("x", 1700) + ",\n12125550108\n,Gus,\n\n12125550109,Hal,Europe/London\n",
			recipients: []string{"2 +12125550100 Hi Ann STOP ends", "14 +12125550109 Hi Hal STOP ends"},
			problems: []string{
				"3 phone no_country_code", "4 name missing_variable", "5 zone unknown_zone", "6 4 too_many_columns", "7 2 bad_quoting", "8 name bad_text",
				"9 phone duplicate_number", "10 message too_long", "11 name missing_variable", "12 phone invalid_number",
			},
		},
		{
			name: "a column too many", text: "Hi", file: "12125550100,Ann,5\n12125550101,Own,,\n",
			recipients: []string{"2 +12125550101 Own STOP ends"}, problems: []string{"1 3 too_many_columns"},
		},
		{name: "no text at all", text: "", file: "12125550100\n12125550101,Own\n", recipients: []string{"2 +12125550101 Own STOP ends"}, problems: []string{"1 message empty_text"}},
		{name: "variables the list cannot have", text: "{{1}} {{name}}", file: "12125550100,a\n", problems: []string{"1 name missing_variable"}},
		{
			name: "a header that names no number", text: "Hi {{1}}", file: "Kunde,Vorname\n12125550100,Ann\n",
			recipients: []string{"2 +12125550100 Hi Ann STOP ends"},
		},
		{
			name: "asked to take the first row as data", text: "Hi", file: "phone\n12125550100\n", options: recipient.CSVOptions{Header: recipient.HeaderNo},
			recipients: []string{"2 +12125550100 Hi STOP ends"}, problems: []string{"1 phone invalid_number"},
		},
		{
			name: "asked to take the first row as header", text: "Hi {{9x}}", file: "p1,9x\n12125550100,Ann\n", options: recipient.CSVOptions{Header: recipient.HeaderYes},
			recipients: []string{"2 +12125550100 Hi Ann STOP ends"},
		},
		{
			name: "an oversize row", text: "Hi", file: "12125550100\n12125550101," + strings.Repeat("x", 70000) + "\n12125550102\n",
			recipients: []string{"1 +12125550100 Hi STOP ends", "3 +12125550102 Hi STOP ends"}, problems: []string{"2 2 too_long"},
		},
		{
			name: "Latin-1", text: "Hi {{1}}", file: "12125550100;Zo\xeb\n12125550101;Jos\xe9\n",
			recipients: []string{"1 +12125550100 Hi Zoë STOP ends", "2 +12125550101 Hi José STOP ends"},
		},
		{
			name: "a repaired download is taken again", text: "Hi {{name}}", file: "\uFEFFphone,name,error\r\n'+12125550100,'-Ann,the number needs its country code\r\n",
			recipients: []string{"2 +12125550100 Hi -Ann STOP ends"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := open(t)
			campaign := d.draft(t, tt.text)
			im, err := d.ImportCSV(t.Context(), d.account, campaign, strings.NewReader(tt.file), tt.options)
			if err != nil {
				t.Fatal(err)
			}
			same(t, "recipients", d.texts(t, campaign), tt.recipients...)
			same(t, "problems", d.problems(t, campaign), tt.problems...)
			if im.State != overture.ImportDone || im.Valid != len(tt.recipients) || im.Rejected != len(tt.problems) {
				t.Errorf("got %+v", im)
			}
			d.sound(t, campaign)
		})
	}
}

func TestTyped(t *testing.T) {
	for _, tt := range []struct {
		name, text, lines    string
		recipients, problems []string
	}{
		{
			name: "numbers", text: "Hi", lines: "12125550100\r\n\n 12125550101 \n555\n",
			recipients: []string{"1 +12125550100 Hi STOP ends", "3 +12125550101 Hi STOP ends"}, problems: []string{"4 phone invalid_number"},
		},
		{
			name: "a free text is split at the first comma only", text: "Hi", lines: "12125550100, Hi Jane, your \"plan\" expires, soon",
			recipients: []string{"1 +12125550100 Hi Jane, your \"plan\" expires, soon STOP ends"},
		},
		{
			name: "variables are split at every comma", text: "Hello {{1}} {{2}}", lines: "12125550100, Nancy, 9999\n12125550101, Bob\n12125550102, a, b, c",
			recipients: []string{"1 +12125550100 Hello Nancy 9999 STOP ends"}, problems: []string{"2 3 missing_variable", "3 4 too_many_columns"},
		},
		{name: "what is no text", text: "Hi", lines: "12125550100, a\x00b", problems: []string{"1 message bad_text"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := open(t)
			campaign := d.draft(t, tt.text)
			if _, err := d.AddTyped(t.Context(), d.account, campaign, tt.lines); err != nil {
				t.Fatal(err)
			}
			same(t, "recipients", d.texts(t, campaign), tt.recipients...)
			same(t, "problems", d.problems(t, campaign), tt.problems...)
			d.sound(t, campaign)
		})
	}
}

func TestTypedTakesAHundredLines(t *testing.T) {
	d := open(t)
	campaign := d.draft(t, "Hi")
	var lines strings.Builder
	for i := range 100 {
		fmt.Fprintf(&lines, "1212555%04d\n\n", i+100)
	}
	if _, err := d.AddTyped(t.Context(), d.account, campaign, lines.String()+"12125551100"); err == nil {
		t.Error("101 lines were taken")
	} else {
		kind(t, err, overture.TooLarge, "too_many_lines")
	}
	if im, err := d.AddTyped(t.Context(), d.account, campaign, lines.String()); err != nil || im.Rows != 100 {
		t.Errorf("100 lines: %+v, %v", im, err)
	}
	_, err := d.AddTyped(t.Context(), d.account, campaign, " \n")
	kind(t, err, overture.Invalid, "no_lines")
}

func TestFiguresOfAnImport(t *testing.T) {
	d := open(t)
	campaign := d.draft(t, "Hi {{1}}")
	for _, address := range []string{"+12125550101", "+12125550199"} {
		d.exec(t, `INSERT INTO opt_out (brand_id, channel, address, account_id, source, evidence, review, created_at) VALUES ($1, 'sms', $2, $3, 'keyword', '', FALSE, 1)`, d.brand, address, d.account)
	}
	im := d.csv(t, campaign, "phone,name\n12125550100,Ann\n12125550101,"+strings.Repeat("long ", 60)+"\n12125550102,😀\n12125550100,Ann\nx1,Bob\n")
	want := overture.Import{Rows: 5, Valid: 3, Rejected: 2, Duplicates: 1, OptedOut: 1, WorstRow: 3, WorstSegments: 3, Segments: 5}
	if im.Rows != want.Rows || im.Valid != want.Valid || im.Rejected != want.Rejected || im.Duplicates != want.Duplicates || im.OptedOut != want.OptedOut ||
		im.WorstRow != want.WorstRow || im.WorstSegments != want.WorstSegments || im.Segments != want.Segments {
		t.Errorf("got %+v, want %+v", im, want)
	}
	rows, _, err := d.Page(t.Context(), d.account, campaign, recipient.Query{})
	if err != nil {
		t.Fatal(err)
	}
	if !rows[1].OptedOut || rows[0].OptedOut || rows[2].Encoding != "UCS-2" || rows[0].Zones[0] != "America/New_York" || rows[0].ZoneSource != "number" {
		t.Errorf("got %+v", rows)
	}
	listed, err := d.Imports(t.Context(), d.account, campaign)
	if err != nil || len(listed) != 1 || listed[0].ListHash != im.ListHash || listed[0].OptedOut != 1 || strings.Join(listed[0].Header, ",") != "phone,name" {
		t.Errorf("got %+v, %v", listed, err)
	}
	d.sound(t, campaign)
}

// A long list is merged with the opt-outs instead of looking each number up.
func TestOptOutsOfALongList(t *testing.T) {
	d := open(t)
	campaign := d.draft(t, "Hi {{1}}")
	for _, address := range []string{"+12125550000", "+12125555555", "+12125555559", "+12125556665", "+12025550100", "+44", "+447700900123"} {
		d.exec(t, `INSERT INTO opt_out (brand_id, channel, address, account_id, source, evidence, review, created_at) VALUES ($1, 'sms', $2, $3, 'keyword', '', FALSE, 1)`, d.brand, address, d.account)
	}
	d.exec(t, `INSERT INTO opt_out (brand_id, channel, address, account_id, source, evidence, review, created_at) VALUES ($1, 'sms', '+12125550001', $2, 'keyword', '', FALSE, 1)`, d.brand+1, d.account)
	if im := d.csv(t, campaign, many(7000)); im.Valid != 6300 || im.OptedOut != 3 { // the row of …5559 is a wrong one
		t.Errorf("got %+v", im)
	}
	d.sound(t, campaign)
}

func TestLengthPolicies(t *testing.T) {
	for policy, want := range map[string]string{"": "1 1", "warn": "1 1", "one_segment": "1 0", "strict": "0 0"} {
		t.Run(policy, func(t *testing.T) {
			d := open(t)
			d.exec(t, `UPDATE account SET settings = $1 WHERE id = $2`, fmt.Sprintf(`{"length_policy":%q}`, policy), d.account)
			got := ""
			for i, size := range []int{145, 165} { // above 140 characters in one segment, and in two
				campaign := d.draft(t, strings.Repeat("x", size-len(" STOP ends")))
				im := d.csv(t, campaign, fmt.Sprintf("1212555010%d\n", i))
				got += fmt.Sprintf(" %d", im.Valid)
			}
			if got[1:] != want {
				t.Errorf("got %s, want %s", got[1:], want)
			}
		})
	}
}

// Two uploads into one campaign are one list.
func TestSecondImportKnowsTheFirst(t *testing.T) {
	d := open(t)
	campaign := d.draft(t, "Hi {{1}}")
	d.csv(t, campaign, "12125550100,Ann\n12125550101,Bob\n")
	im := d.csv(t, campaign, "phone,name\n12125550102,Cy\n1 212 555 0101,Bobby\n")
	if im.Valid != 1 || im.Duplicates != 1 {
		t.Errorf("got %+v", im)
	}
	items, groups, _, err := d.Problems(t.Context(), d.account, campaign, recipient.ProblemQuery{})
	if err != nil || len(items) != 1 || !strings.Contains(items[0].Reason, "row 2") || items[0].Raw != "+12125550101,Bobby" || len(groups) != 1 || groups[0].Count != 1 {
		t.Errorf("got %+v %+v, %v", items, groups, err)
	}
	if _, err := d.AddTyped(t.Context(), d.account, campaign, "12125550103, Di\n12125550100, Ann"); err != nil {
		t.Fatal(err)
	}
	same(t, "recipients", d.texts(t, campaign), "1 +12125550100 Hi Ann STOP ends", "2 +12125550101 Hi Bob STOP ends", "2 +12125550102 Hi Cy STOP ends", "1 +12125550103 Hi Di STOP ends")
	d.sound(t, campaign)
}

func TestPageAndGet(t *testing.T) {
	d := open(t)
	campaign := d.draft(t, "Hi")
	var file strings.Builder
	for i := range 25 {
		fmt.Fprintf(&file, "1212555%04d\n", 100+i)
	}
	d.csv(t, campaign, file.String())
	var got int
	for after := overture.RecipientID(0); ; {
		rows, next, err := d.Page(t.Context(), d.account, campaign, recipient.Query{After: after, Limit: 10})
		if err != nil {
			t.Fatal(err)
		}
		for i, r := range rows {
			if r.Row != got+i+1 {
				t.Errorf("row %d at place %d", r.Row, got+i)
			}
		}
		got += len(rows)
		if after = next; after == 0 {
			break
		}
	}
	if got != 25 {
		t.Errorf("paged through %d of 25", got)
	}
	for search, want := range map[string]int{"0110": 1, "+1 212 555 0110": 1, "12125550110": 1, "55501": 25, "12125550999": 0, "%": 25} {
		rows, _, err := d.Page(t.Context(), d.account, campaign, recipient.Query{Search: search})
		if err != nil || len(rows) != want {
			t.Errorf("search %q: %d rows, %v, want %d", search, len(rows), err, want)
		}
		if want != 1 {
			continue
		}
		if row, err := d.Get(t.Context(), d.account, campaign, rows[0].ID); err != nil || row.Address != "+12125550110" || row.Text != "Hi STOP ends" {
			t.Errorf("get: %+v, %v", row, err)
		}
	}
	_, err := d.Get(t.Context(), d.account, campaign, 1)
	kind(t, err, overture.NotFound, "recipient_not_found")

	rows, _, err := d.Page(t.Context(), d.account, campaign, recipient.Query{Limit: 1})
	if err != nil {
		t.Fatal(err)
	}
	d.exec(t, `INSERT INTO message (id, account_id, campaign_id, recipient_id, entry_id, sender_id, lane_id, leg, address, body, state, attempts, segments, provider_id, code,
		reason, updated_at) VALUES ($1, $2, $3, $4, 0, 1, 1, 0, $5, '', 0, 1, 1, 'SM1', 0, '', 7)`, d.store.NewID(), d.account, campaign, rows[0].ID, string(rows[0].Address))
	d.exec(t, `INSERT INTO inflight (message_id, lane_id, sender_id, due_at, not_after, epoch, attempt, token, started_at, state, lookups, next_lookup_at)
		SELECT id, 1, 1, 0, 0, 1, 1, 't', 1, 'unknown', 0, 0 FROM message WHERE campaign_id = $1`, campaign)
	for state, want := range map[overture.State]int{overture.Unknown: 1, overture.Queued: 0, overture.Delivered: 0} {
		rows, _, err := d.Page(t.Context(), d.account, campaign, recipient.Query{State: &state})
		if err != nil || len(rows) != want {
			t.Errorf("%s: %d rows, %v, want %d", state, len(rows), err, want)
		}
		if want == 1 && (rows[0].Message == nil || rows[0].Message.State != overture.Unknown || rows[0].Message.ProviderID != "SM1") {
			t.Errorf("got %+v", rows[0].Message)
		}
	}
}
