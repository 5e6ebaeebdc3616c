package recipient_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/outbound/recipient"
)

func TestFixOneRow(t *testing.T) {
	d := open(t)
	campaign := d.draft(t, "Hi {{name}}")
	im := d.csv(t, campaign, "phone;name\n12125550100;Ann\n2125550101;Bob\n12125550102;\"Cy\nD\"x\n")
	d.exec(t, `INSERT INTO opt_out (brand_id, channel, address, account_id, source, evidence, review, created_at) VALUES ($1, 'sms', '+12125550101', $2, 'keyword', '', FALSE, 1)`, d.brand, d.account)
	fix := func(row int, line string) recipient.FixResult {
		t.Helper()
		res, err := d.Fix(t.Context(), d.account, campaign, overture.ProblemRef{Row: row}, line)
		if err != nil {
			t.Fatalf("fix row %d: %v", row, err)
		}
		d.sound(t, campaign)
		return res
	}
	if res := fix(3, "212555;Bobby"); res.Fixed != 0 || res.Remaining != 1 || res.Problem == nil || res.Problem.Code != overture.ProblemInvalidNumber || res.Problem.Raw != "212555;Bobby" {
		t.Errorf("still wrong: %+v", res)
	}
	if res := fix(3, "+12125550100;Bob"); res.Problem == nil || res.Problem.Code != overture.ProblemDuplicateNumber || !strings.Contains(res.Problem.Reason, "row 2") {
		t.Errorf("a number that is there: %+v", res.Problem)
	}
	if sum, _ := d.Summary(t.Context(), d.account, campaign); sum.Duplicates != 1 {
		t.Errorf("%d duplicates, want 1", sum.Duplicates)
	}
	if res := fix(3, "12125550101;\"Bob; \"\"B\"\"\""); res.Fixed != 1 || res.Problem != nil {
		t.Errorf("right: %+v", res)
	}
	if res := fix(4, "12125550102;Cy\n12125550103;Di"); res.Problem == nil || res.Problem.Code != overture.ProblemBadQuoting {
		t.Errorf("two rows: %+v", res.Problem)
	}
	if res := fix(4, ""); res.Problem == nil || res.Problem.Code != overture.ProblemInvalidNumber {
		t.Errorf("nothing: %+v", res.Problem)
	}
	if res := fix(4, "12125550102;a\x00b"); res.Problem == nil || res.Problem.Code != overture.ProblemBadText {
		t.Errorf("no text: %+v", res.Problem)
	}
	if res := fix(4, "sep=,;x"); res.Problem == nil || res.Problem.Code != overture.ProblemInvalidNumber || res.Problem.Raw != "sep=,;x" {
		t.Errorf("what looks like a sep line: %+v", res.Problem)
	}
	if res := fix(4, "12125550102;\"Cy\nD\""); res.Fixed != 1 {
		t.Errorf("several lines in quotes: %+v", res)
	}
	_, err := d.Fix(t.Context(), d.account, campaign, overture.ProblemRef{Row: 4}, "12125550103;Di")
	kind(t, err, overture.NotFound, "problem_not_found")
	same(t, "recipients", d.texts(t, campaign), "2 +12125550100 Hi Ann STOP ends", "3 +12125550101 Hi Bob; \"B\" STOP ends", "4 +12125550102 Hi Cy\nD STOP ends")
	same(t, "problems", d.problems(t, campaign), "5 1 bad_quoting") // the second line of row 4, which was a row of its own as long as that was wrong
	sum, err := d.Summary(t.Context(), d.account, campaign)
	if err != nil || sum.Valid != 3 || sum.Rejected != 1 || sum.Duplicates != 0 || sum.OptedOut != 1 || sum.Problems != 1 || sum.WorstImport != im.ID {
		t.Errorf("got %+v, %v", sum, err)
	}
}

func TestFixNeedsTheImportWhenRowsAreAmbiguous(t *testing.T) {
	d := open(t)
	campaign := d.draft(t, "Hi")
	first := d.csv(t, campaign, "123\n12125550100\n")
	second, err := d.AddTyped(t.Context(), d.account, campaign, "also bad")
	if err != nil {
		t.Fatal(err)
	}
	_, err = d.Fix(t.Context(), d.account, campaign, overture.ProblemRef{Row: 1}, "12125550101")
	kind(t, err, overture.Conflict, "row_ambiguous")
	if res, err := d.Fix(t.Context(), d.account, campaign, overture.ProblemRef{Import: second.ID, Row: 1}, "12125550101, Own, text"); err != nil || res.Fixed != 1 {
		t.Errorf("got %+v, %v", res, err)
	}
	same(t, "recipients", d.texts(t, campaign), "2 +12125550100 Hi STOP ends", "1 +12125550101 Own, text STOP ends")
	if res, err := d.Fix(t.Context(), d.account, campaign, overture.ProblemRef{Import: first.ID, Row: 1}, "12125550102"); err != nil || res.Fixed != 1 {
		t.Errorf("got %+v, %v", res, err)
	}
	d.sound(t, campaign)
}

func TestFixByRule(t *testing.T) {
	d := open(t)
	campaign := d.draft(t, "Hi {{1}}")
	var file strings.Builder
	file.WriteString("phone,name\n")
	for i := range 1200 { // more than two transactions
		fmt.Fprintf(&file, "(212) 555-%04d,Ann\n", i)
	}
	file.WriteString("212 555 0000,Twin\n+999,No\n12125551300,a,b\n12125551301,c,d,e\nx,Gone\n")
	im := d.csv(t, campaign, file.String())
	if im.Valid != 0 || im.Rejected != 1205 {
		t.Fatalf("got %+v", im)
	}
	_, groups, next, err := d.Problems(t.Context(), d.account, campaign, recipient.ProblemQuery{Limit: 10})
	if err != nil || len(groups) != 3 || groups[0].Code != overture.ProblemNoCountryCode || groups[0].Count != 1201 || next.Row != 11 ||
		strings.Join(groups[0].Rules, " ") != "add_country_code discard" || strings.Join(groups[2].Rules, " ") != "drop_extra_columns discard" {
		t.Errorf("got %+v, next %+v, %v", groups, next, err)
	}
	page, _, _, err := d.Problems(t.Context(), d.account, campaign, recipient.ProblemQuery{After: next, Limit: 10, Code: overture.ProblemNoCountryCode})
	if err != nil || len(page) != 10 || page[0].Row != 12 {
		t.Errorf("second page: %+v, %v", page, err)
	}

	for _, bad := range []struct{ code, rule, value, want string }{
		{overture.ProblemInvalidNumber, "shout", "", "unknown_rule"},
		{overture.ProblemTooManyColumns, recipient.RuleAddCountryCode, "1", "rule_does_not_fit"},
		{overture.ProblemInvalidNumber, recipient.RuleAddCountryCode, "one", "bad_country_code"},
		{overture.ProblemInvalidNumber, recipient.RuleAddCountryCode, "", "bad_country_code"},
		{overture.ProblemInvalidNumber, recipient.RuleAddCountryCode, "0044", "bad_country_code"},
	} {
		_, err := d.FixByRule(t.Context(), d.account, campaign, bad.code, bad.rule, bad.value)
		kind(t, err, overture.Invalid, bad.want)
	}

	res, err := d.FixByRule(t.Context(), d.account, campaign, overture.ProblemNoCountryCode, recipient.RuleAddCountryCode, "+1")
	if err != nil || res.Fixed != 1200 || res.Remaining != 1 {
		t.Errorf("add country code: %+v, %v", res, err)
	}
	d.sound(t, campaign)
	same(t, "problems", d.problems(t, campaign), "1202 phone duplicate_number", "1203 phone invalid_number", "1204 3 too_many_columns", "1205 3 too_many_columns", "1206 phone invalid_number")
	res, err = d.FixByRule(t.Context(), d.account, campaign, overture.ProblemTooManyColumns, recipient.RuleDropExtraColumns, "")
	if err != nil || res.Fixed != 2 {
		t.Errorf("drop columns: %+v, %v", res, err)
	}
	res, err = d.FixByRule(t.Context(), d.account, campaign, overture.ProblemDuplicateNumber, recipient.RuleDiscard, "")
	if err != nil || res.Discarded != 1 {
		t.Errorf("discard: %+v, %v", res, err)
	}
	d.sound(t, campaign)
	res, err = d.FixByRule(t.Context(), d.account, campaign, "", recipient.RuleDiscard, "")
	if err != nil || res.Discarded != 2 {
		t.Errorf("discard all: %+v, %v", res, err)
	}
	d.sound(t, campaign)
	sum, err := d.Summary(t.Context(), d.account, campaign)
	if err != nil || sum.Rows != 1205 || sum.Valid != 1202 || sum.Rejected != 3 || sum.Duplicates != 1 || sum.Problems != 0 {
		t.Errorf("got %+v, %v", sum, err)
	}
}

func TestDownloadOfProblems(t *testing.T) {
	d := open(t)
	campaign := d.draft(t, "Hi {{name}}")
	d.csv(t, campaign, "phone,name,note\n12125550100,Ann,x\n2125550101,\"=cmd(),\",\"a\n+b\"\n12125550102,,\n12125550103,Cy,n,extra\n12125550104,\"D\"x\n")
	var file bytes.Buffer
	if err := d.WriteProblemsCSV(t.Context(), d.account, campaign, &file); err != nil {
		t.Fatal(err)
	}
	want := "\uFEFFphone,name,note,error\r\n" +
		"2125550101,\"'=cmd(),\",\"a\n'+b\",%s\r\n" +
		"12125550102,,,the text needs {{name}} and this row has no value for it\r\n" +
		"12125550103,Cy,n,\"the row has 4 columns and the list has 3; put text with a comma in quotation marks, or drop the extra columns\",extra\r\n" +
		"\"12125550104,\"\"D\"\"x\",,,text follows a closing quotation mark; write a quotation mark inside quoted text twice\r\n"
	_, _, reason := parsePhone("2125550101")
	quoted := reason.Error()
	if strings.ContainsAny(quoted, ",\"") {
		quoted = `"` + strings.ReplaceAll(quoted, `"`, `""`) + `"`
	}
	if got := file.String(); got != fmt.Sprintf(want, quoted) {
		t.Errorf("got\n%s\nwant\n%s", got, fmt.Sprintf(want, quoted))
	}

	// Repaired and uploaded again: the error column is no variable, the guard comes off.
	again := d.draft(t, "Hi {{name}}")
	repaired := strings.ReplaceAll(file.String(), "\n2125550101", "\n12125550101")
	d.csv(t, again, repaired)
	same(t, "recipients", d.texts(t, again), "2 +12125550101 Hi =cmd(), STOP ends")
	file.Reset()
	if err := d.WriteProblemsCSV(t.Context(), d.account, again, &file); err != nil {
		t.Fatal(err)
	}
	if got := file.String(); !strings.HasPrefix(got, "\uFEFFphone,name,note,error\r\n12125550102,,,the text needs") || strings.Count(got, "error") != 1 || strings.Count(got, "the text needs") != 1 {
		t.Errorf("the second download is\n%s", got)
	}
}

func TestDownloadOfListsWithoutHeader(t *testing.T) {
	d := open(t)
	campaign := d.draft(t, "Hi {{1}} {{2}}")
	d.csv(t, campaign, "123;a;b\n12125550100;a;b\n")
	if _, err := d.AddTyped(t.Context(), d.account, campaign, "555, x, y"); err != nil {
		t.Fatal(err)
	}
	var file bytes.Buffer
	if err := d.WriteProblemsCSV(t.Context(), d.account, campaign, &file); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(file.String()), "\r\n")
	if len(lines) != 3 || lines[0] != "\uFEFFphone,1,2,error" || !strings.HasPrefix(lines[1], "123,a,b,") || !strings.HasPrefix(lines[2], "555,\" x\",\" y\",") {
		t.Errorf("got %q", lines)
	}
	again := d.draft(t, "Hi {{1}} {{2}}")
	d.csv(t, again, strings.ReplaceAll(file.String(), "123,a", "12125550101,a"))
	same(t, "recipients", d.texts(t, again), "2 +12125550101 Hi a b STOP ends")

	empty := d.draft(t, "Hi")
	file.Reset()
	if err := d.WriteProblemsCSV(t.Context(), d.account, empty, &file); err != nil || file.String() != "\uFEFFphone,error\r\n" {
		t.Errorf("got %q, %v", file.String(), err)
	}
}

func TestRecheck(t *testing.T) {
	d := open(t)
	campaign := d.draft(t, "Hi {{name}}")
	d.csv(t, campaign, "phone,name,amount,zone\n12125550100,Ann,5,\n12125550101,Bob,,Europe/London\n12125550102,"+strings.Repeat("x", 145)+",7,\n")
	if res, err := d.Recheck(t.Context(), d.account, campaign); err != nil || res.Checked != 0 {
		t.Errorf("nothing has changed: %+v, %v", res, err)
	}
	d.exec(t, `UPDATE campaign SET text = 'Hello {{name}}, {{amount}}' WHERE id = $1`, campaign)
	if sum, err := d.Summary(t.Context(), d.account, campaign); err != nil || !sum.Stale || sum.Segments != 3 {
		t.Errorf("got %+v, %v", sum, err)
	}
	rows, _, err := d.Page(t.Context(), d.account, campaign, recipient.Query{})
	if err != nil || rows[0].Problem != "" || !strings.Contains(rows[1].Problem, "{{amount}}") || rows[2].Segments != 2 {
		t.Errorf("the page before the check: %+v, %v", rows, err)
	}
	res, err := d.Recheck(t.Context(), d.account, campaign)
	if err != nil || res.Checked != 3 || res.Changed != 1 || res.Rejected != 1 {
		t.Errorf("got %+v, %v", res, err)
	}
	d.sound(t, campaign)
	items, _, _, err := d.Problems(t.Context(), d.account, campaign, recipient.ProblemQuery{})
	if err != nil || len(items) != 1 || items[0].Code != overture.ProblemMissingVariable || items[0].Raw != "+12125550101,Bob,,Europe/London" || items[0].Row != 3 {
		t.Errorf("got %+v, %v", items, err)
	}
	sum, err := d.Summary(t.Context(), d.account, campaign)
	if err != nil || sum.Stale || sum.Valid != 2 || sum.Rejected != 1 || sum.Segments != 3 || sum.WorstSegments != 2 || sum.WorstRow != 4 {
		t.Errorf("got %+v, %v", sum, err)
	}
	if res, err := d.Fix(t.Context(), d.account, campaign, overture.ProblemRef{Row: 3}, items[0].Raw[:len("+12125550101,Bob,")]+"6,Europe/London"); err != nil || res.Fixed != 1 {
		t.Errorf("got %+v, %v", res, err)
	}
	d.sound(t, campaign)
}

// Whoever types "{{nam}}" on the way to "{{name}}" must not lose the list.
func TestRecheckBringsBackWhatOnlyTheTextExcluded(t *testing.T) {
	d := open(t)
	campaign := d.draft(t, "Hi {{name}}")
	d.csv(t, campaign, "phone,name\n12125550100,Ann\n12125550101,\n12125550102,Cy\n123,Di\n")
	for _, slip := range []string{"Hi {{nam}}", "", strings.Repeat("x", 1601)} {
		d.exec(t, `UPDATE campaign SET text = $2 WHERE id = $1`, campaign, slip)
		if res, err := d.Recheck(t.Context(), d.account, campaign); err != nil || res.Rejected != 2 || res.Restored != 0 {
			t.Fatalf("%.20q: %+v, %v", slip, res, err)
		}
		if sum, err := d.Summary(t.Context(), d.account, campaign); err != nil || sum.Valid != 0 || sum.Rejected != 4 || sum.Stale {
			t.Errorf("%.20q: %+v, %v", slip, sum, err)
		}
		d.sound(t, campaign)
		d.exec(t, `UPDATE campaign SET text = 'Hello {{name}}' WHERE id = $1`, campaign)
		if sum, err := d.Summary(t.Context(), d.account, campaign); err != nil || !sum.Stale {
			t.Errorf("a list of problems is stale too: %+v, %v", sum, err)
		}
		if res, err := d.Recheck(t.Context(), d.account, campaign); err != nil || res.Restored != 2 || res.Rejected != 0 {
			t.Fatalf("after %.20q: %+v, %v", slip, res, err)
		}
		same(t, "recipients", d.texts(t, campaign), "2 +12125550100 Hello Ann STOP ends", "4 +12125550102 Hello Cy STOP ends")
		d.sound(t, campaign)
	}
	d.exec(t, `UPDATE campaign SET text = 'Hello' WHERE id = $1`, campaign)
	if res, err := d.Recheck(t.Context(), d.account, campaign); err != nil || res.Restored != 1 {
		t.Errorf("the row without a name fits a text without one: %+v, %v", res, err)
	}
	same(t, "problems", d.problems(t, campaign), "5 phone invalid_number")
}

func TestPageShowsWhereValuesAreMissing(t *testing.T) {
	d := open(t)
	campaign := d.draft(t, "Hi {{name}}")
	d.csv(t, campaign, "phone,name,amount\n12125550100,Ann,5\n12125550101,Bob,\n")
	d.exec(t, `UPDATE campaign SET text = 'Hi {{name}}, {{amount}} and {{more}}' WHERE id = $1`, campaign)
	rows, _, err := d.Page(t.Context(), d.account, campaign, recipient.Query{})
	if err != nil || len(rows) != 2 {
		t.Fatal(rows, err)
	}
	if rows[0].Text != "Hi Ann, 5 and {{more}} STOP ends" || strings.Join(rows[0].Missing, " ") != "more" {
		t.Errorf("got %q, %v", rows[0].Text, rows[0].Missing)
	}
	if rows[1].Text != "Hi Bob, {{amount}} and {{more}} STOP ends" || strings.Join(rows[1].Missing, " ") != "amount more" {
		t.Errorf("got %q, %v", rows[1].Text, rows[1].Missing)
	}
}

func TestClear(t *testing.T) {
	d := open(t)
	campaign, other := d.draft(t, "Hi {{1}}"), d.draft(t, "Hi {{1}}")
	for range 2 {
		d.csv(t, campaign, many(6000)) // both ways of removing addresses
		d.csv(t, other, many(100))
		if err := d.Clear(t.Context(), d.account, campaign); err != nil {
			t.Fatal(err)
		}
		if n := d.number(t, `SELECT COUNT(*) FROM list_import WHERE campaign_id = $1`, campaign); n != 0 {
			t.Errorf("%d imports are left", n)
		}
		d.sound(t, campaign)
		d.sound(t, other)
		if got := len(d.texts(t, other)); got != 90 {
			t.Errorf("the other campaign has %d recipients, want 90", got)
		}
		d.csv(t, campaign, many(100))
		if err := d.Clear(t.Context(), d.account, campaign); err != nil {
			t.Fatal(err)
		}
		d.sound(t, campaign)
		if err := d.Clear(t.Context(), d.account, other); err != nil {
			t.Fatal(err)
		}
	}
}

// A rule puts numbers right however they are dialed at home or from abroad, and a zone that nobody knows need not cost a person their place.
func TestRulesForNumbersAndZones(t *testing.T) {
	d := open(t)
	campaign := d.draft(t, "Hi {{name}}")
	d.csv(t, campaign, "phone,name,zone\n07700900123,Ann,\n0044 7700 900124,Bob,\n+12125550100,Cem,Mars/Base\n")
	same(t, "before", d.problems(t, campaign), "2 phone no_country_code", "3 phone no_country_code", "4 zone unknown_zone")
	if res, err := d.FixByRule(t.Context(), d.account, campaign, overture.ProblemNoCountryCode, recipient.RuleAddCountryCode, "44"); err != nil || res.Fixed != 2 {
		t.Errorf("add country code: %+v, %v", res, err)
	}
	if res, err := d.FixByRule(t.Context(), d.account, campaign, overture.ProblemUnknownZone, recipient.RuleClearZone, ""); err != nil || res.Fixed != 1 {
		t.Errorf("clear zone: %+v, %v", res, err)
	}
	same(t, "list", d.texts(t, campaign), "2 +447700900123 Hi Ann STOP ends", "3 +447700900124 Hi Bob STOP ends", "4 +12125550100 Hi Cem STOP ends")
	d.sound(t, campaign)
}

// What two countries could claim is asked about: the person says which, and the national number wins over the digits as they stand.
func TestNumbersOfTwoCountries(t *testing.T) {
	for code, want := range map[string][]string{
		"1":  {"2 +16465550100 Hi Ann STOP ends", "3 +16465550101 Hi Bob STOP ends", "4 +16598765432 Hi Cem STOP ends"},
		"64": {"2 +6465550100 Hi Ann STOP ends", "3 +6465550101 Hi Bob STOP ends"},
		"65": {"4 +6598765432 Hi Cem STOP ends"},
	} {
		d := open(t)
		campaign := d.draft(t, "Hi {{name}}")
		d.csv(t, campaign, "phone,name\n(646) 555-0100,Ann\n6465550101,Bob\n65 9876 5432,Cem\n")
		same(t, "before", d.problems(t, campaign), "2 phone no_country_code", "3 phone no_country_code", "4 phone no_country_code")
		res, err := d.FixByRule(t.Context(), d.account, campaign, overture.ProblemNoCountryCode, recipient.RuleAddCountryCode, code)
		if err != nil || res.Fixed != len(want) || res.Fixed+res.Remaining != 3 {
			t.Errorf("country code %s: %+v, %v", code, res, err)
		}
		same(t, "with country code "+code, d.texts(t, campaign), want...)
		d.sound(t, campaign)
	}
}

// A problem comes with the cells of its row and which of them is wrong; one cell can be put right.
func TestFixOneCell(t *testing.T) {
	d := open(t)
	campaign := d.draft(t, "Hi {{name}}")
	d.csv(t, campaign, "name;Phone\n\"Ann; or Anna\";12\nBob\n;+12125550102\n\"Cem;+12125550103\n")
	found, _, _, err := d.Problems(t.Context(), d.account, campaign, recipient.ProblemQuery{})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range found {
		got = append(got, fmt.Sprintf("%d %s %d %q %q", p.Row, p.Code, p.At, p.Columns, p.Cells))
	}
	same(t, "cells", got,
		`2 invalid_number 1 ["name" "Phone"] ["Ann; or Anna" "12"]`, `3 invalid_number 1 ["name" "Phone"] ["Bob" ""]`,
		`4 missing_variable 0 ["name" "Phone"] ["" "+12125550102"]`, `5 bad_quoting -1 [] []`)
	ref := overture.ProblemRef{Row: 2}
	if res, err := d.Fix(t.Context(), d.account, campaign, ref, "", "Ann; or Anna", "+12125550101"); err != nil || res.Fixed != 1 {
		t.Errorf("got %+v, %v", res, err)
	}
	same(t, "list", d.texts(t, campaign), "2 +12125550101 Hi Ann; or Anna STOP ends")
	d.sound(t, campaign)
}

// Checking typed lines says what adding them would do, and does nothing.
func TestCheckTyped(t *testing.T) {
	d := open(t)
	campaign := d.draft(t, "Hi {{1}}")
	d.csv(t, campaign, "12125550100,Ann\n")
	d.exec(t, `INSERT INTO opt_out (brand_id, channel, address, account_id, source, evidence, created_at, review) VALUES ($1, 'sms', '+12125550102', $2, 'api', '', 1, FALSE)`, d.brand, d.account)
	lines := "+12125550101, Bob\n\n+12125550102, Cem\n+12125550101, Twin\n2125550103, Dan\n+12125550100, Ann\n+12125550104"
	rows, problems, err := d.CheckTyped(t.Context(), d.account, campaign, lines)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range rows {
		got = append(got, fmt.Sprintf("%d %s %s %t", r.Row, r.Address, string(r.Text), r.OptedOut))
	}
	for _, p := range problems {
		got = append(got, fmt.Sprintf("%d %s %d", p.Row, p.Code, p.At))
	}
	same(t, "check", got, "1 +12125550101 Hi Bob STOP ends false", "3 +12125550102 Hi Cem STOP ends true",
		"4 duplicate_number 0", "5 no_country_code 0", "6 duplicate_number 0", "7 missing_variable 1")
	same(t, "list", d.texts(t, campaign), "1 +12125550100 Hi Ann STOP ends")
	im, err := d.AddTyped(t.Context(), d.account, campaign, lines)
	if err != nil || im.Valid != len(rows) || im.Rejected != len(problems) {
		t.Errorf("adding gives %+v, %v", im, err)
	}
	_, _, err = d.CheckTyped(t.Context(), d.account, campaign, strings.Repeat("+12125550101\n", 101))
	kind(t, err, overture.TooLarge, "too_many_lines")
}
