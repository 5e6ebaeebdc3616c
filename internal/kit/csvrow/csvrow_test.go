package csvrow_test

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf16"

	"github.com/overture-im/overture/internal/kit/csvrow"
)

// read gives every row as "line: a|b" and every wrong row as "line! kind raw".
func read(t testing.TB, src io.Reader, o csvrow.Options) (rows []string, r *csvrow.Reader) {
	t.Helper()
	r, err := csvrow.Open(src, o)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	for {
		fields, line, raw, err := r.Next()
		var wrong *csvrow.Error
		switch {
		case errors.Is(err, io.EOF):
			return rows, r
		case errors.As(err, &wrong):
			rows = append(rows, fmt.Sprintf("%d! %s column %d: %s", wrong.Line, wrong.Kind, wrong.Column, raw))
			if wrong.Kind == csvrow.NotText {
				return rows, r
			}
			if wrong.Line != line {
				t.Errorf("row of line %d has an error of line %d", line, wrong.Line)
			}
		case err != nil:
			rows = append(rows, "stopped: "+err.Error())
			return rows, r
		default:
			rows = append(rows, fmt.Sprintf("%d: %s", line, strings.Join(fields, "|")))
		}
	}
}

func utf16of(s string, big, mark bool) string {
	units := utf16.Encode([]rune(s))
	if mark {
		units = append([]uint16{0xFEFF}, units...)
	}
	var b []byte
	for _, u := range units {
		if big {
			b = append(b, byte(u>>8), byte(u))
		} else {
			b = append(b, byte(u), byte(u>>8))
		}
	}
	return string(b)
}

func TestRead(t *testing.T) {
	const list = "12125550100,Zoë,€5\n12125550101,Bob,\"x, y\"\n"
	const listRows = "1: 12125550100|Zoë|€5 / 2: 12125550101|Bob|x, y"
	for _, tt := range []struct {
		name, input string
		options     csvrow.Options
		want        string
		encoding    string
		delimiter   byte
	}{
		{name: "empty", input: "", want: "", encoding: csvrow.UTF8, delimiter: ','},
		{name: "UTF-8", input: list, want: listRows, encoding: csvrow.UTF8, delimiter: ','},
		{name: "UTF-8 with mark", input: "\uFEFF" + list, want: listRows, encoding: csvrow.UTF8, delimiter: ','},
		{name: "UTF-16LE with mark", input: utf16of(list, false, true), want: listRows, encoding: csvrow.UTF16LE, delimiter: ','},
		{name: "UTF-16BE with mark", input: utf16of(list, true, true), want: listRows, encoding: csvrow.UTF16BE, delimiter: ','},
		{name: "UTF-16LE without mark", input: utf16of(list, false, false), want: listRows, encoding: csvrow.UTF16LE, delimiter: ','},
		{name: "UTF-16BE without mark", input: utf16of(list, true, false), want: listRows, encoding: csvrow.UTF16BE, delimiter: ','},
		{name: "UTF-16 of pairs", input: utf16of("1,😀\n", false, true), want: "1: 1|😀", encoding: csvrow.UTF16LE, delimiter: ','},
		{name: "Latin-1", input: "1,Zo\xeb\n2,\x805\n", want: "1: 1|Zoë / 2: 2|€5", encoding: csvrow.Latin1, delimiter: ','},
		{name: "Latin-1 found late", input: strings.Repeat("1,a\n", 6) + "2,\"M\xfcller, \"\"K\"\"\"\n", want: "1: 1|a / 2: 1|a / 3: 1|a / 4: 1|a / 5: 1|a / 6: 1|a / 7: 2|Müller, \"K\"", encoding: csvrow.Latin1, delimiter: ','},
		{name: "one broken byte in UTF-8", input: "1,Zoë\n2,\xeb\n3,é\n", want: "1: 1|Zoë / 2! encoding column 2: 2,\uFFFD / 3: 3|é", encoding: csvrow.UTF8, delimiter: ','},
		{name: "semicolon", input: "1;a,b;c\n2;d;e\n", want: "1: 1|a,b|c / 2: 2|d|e", encoding: csvrow.UTF8, delimiter: ';'},
		{name: "tab", input: "1\ta,b\n2\tc, d; e\n", want: "1: 1|a,b / 2: 2|c, d; e", encoding: csvrow.UTF8, delimiter: '\t'},
		{name: "a tie goes to the first", input: "1;Hi, Ann\n2;Hi, Bob\n", want: "1: 1|Hi, Ann / 2: 2|Hi, Bob", encoding: csvrow.UTF8, delimiter: ';'},
		{name: "delimiters inside quotes do not count", input: "1,\"a;b;c\"\n2,\"d;e;f\"\n", want: "1: 1|a;b;c / 2: 2|d;e;f", encoding: csvrow.UTF8, delimiter: ','},
		{name: "one column", input: "1\n2", want: "1: 1 / 2: 2", encoding: csvrow.UTF8, delimiter: ','},
		{name: "asked for", input: "1;a,b\n", options: csvrow.Options{Delimiter: ','}, want: "1: 1;a|b", encoding: csvrow.UTF8, delimiter: ','},
		{name: "sep line", input: "sep=;\r\n1;a,b\r\n", want: "2: 1|a,b", encoding: csvrow.UTF8, delimiter: ';'},
		{name: "CR LF", input: "1,a\r\n2,b\r\n", want: "1: 1|a / 2: 2|b", encoding: csvrow.UTF8, delimiter: ','},
		{name: "CR", input: "1,a\r2,b\r", want: "1: 1|a / 2: 2|b", encoding: csvrow.UTF8, delimiter: ','},
		{name: "mixed ends and empty lines", input: "1,a\n\n\r\n2,b\r\r3,c", want: "1: 1|a / 4: 2|b / 6: 3|c", encoding: csvrow.UTF8, delimiter: ','},
		{name: "several lines in quotes", input: "1,\"a\r\nb\nc\"\r\n2,d\r\n", want: "1: 1|a\nb\nc / 4: 2|d", encoding: csvrow.UTF8, delimiter: ','},
		{name: "empty fields", input: ",,\n\"\",\n", options: csvrow.Options{Delimiter: ','}, want: "1: || / 2: |", encoding: csvrow.UTF8, delimiter: ','},
		{name: "bare quotation mark", input: "1,a\n2,5\" pipe,x\n3,c\n", want: "1: 1|a / 2! quote column 2: 2,5\" pipe,x / 3: 3|c", encoding: csvrow.UTF8, delimiter: ','},
		{name: "text after closing", input: "1,\"a\"b\n3,c\n", want: "1! quote column 2: 1,\"a\"b / 2: 3|c", encoding: csvrow.UTF8, delimiter: ','},
		{name: "never closed costs one line", input: "1,\"a\n2,b\n3,c\n", want: "1! quote column 2: 1,\"a / 2: 2|b / 3: 3|c", encoding: csvrow.UTF8, delimiter: ','},
		{name: "closed on a wrong line costs two", input: "1,\"a\n2,\"b\n3,c\n", want: "1! quote column 2: 1,\"a / 2! quote column 2: 2,\"b / 3: 3|c", encoding: csvrow.UTF8, delimiter: ','},
		{name: "too many columns", input: "1,2,3\n4,5,6,7\n8\n", options: csvrow.Options{MaxColumns: 3}, want: "1: 1|2|3 / 2! too_many_columns column 4: 4,5,6,7 / 3: 8", encoding: csvrow.UTF8, delimiter: ','},
		{name: "row too long", input: "1,a\n2," + strings.Repeat("x", 90) + "\n3,c\n", options: csvrow.Options{MaxRow: 20}, want: "1: 1|a / 2! row_too_long column 2: 2,xxxxxxxx / 3: 3|c", encoding: csvrow.UTF8, delimiter: ','},
		{name: "row too long in quotes", input: "1,\"a\n2,b\n" + strings.Repeat("3,c\n", 9), options: csvrow.Options{MaxRow: 20}, want: "1! row_too_long column 2: 1,\"a / 2: 2|b / 3: 3|c / 4: 3|c / 5: 3|c / 6: 3|c / 7: 3|c / 8: 3|c / 9: 3|c / 10: 3|c / 11: 3|c", encoding: csvrow.UTF8, delimiter: ','},
		{name: "NUL", input: "1,a\n2,\"b\nc\x00d\"\n3,e\n", want: "1: 1|a / 3! not_text column 0: ", encoding: csvrow.UTF8, delimiter: ','},
	} {
		for name, wrap := range map[string]func(io.Reader) io.Reader{"": func(r io.Reader) io.Reader { return r }, " byte by byte": iotest.OneByteReader, " with data at EOF": iotest.DataErrReader} {
			t.Run(tt.name+name, func(t *testing.T) {
				rows, r := read(t, wrap(strings.NewReader(tt.input)), tt.options)
				if got := strings.Join(rows, " / "); got != tt.want {
					t.Errorf("got  %q\nwant %q", got, tt.want)
				}
				if r.Encoding() != tt.encoding || r.Delimiter() != tt.delimiter {
					t.Errorf("got %s %q, want %s %q", r.Encoding(), r.Delimiter(), tt.encoding, tt.delimiter)
				}
			})
		}
	}
}

func TestNotText(t *testing.T) {
	for name, input := range map[string]string{
		"workbook": "PK\x03\x04rest", "old workbook": "\xD0\xCF\x11\xE0\xA1", "PDF": "%PDF-1.7", "gzip": "\x1f\x8b\x08", "picture": "\x89PNG\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := csvrow.Open(strings.NewReader(input), csvrow.Options{})
			var wrong *csvrow.Error
			if !errors.As(err, &wrong) || wrong.Kind != csvrow.NotText {
				t.Errorf("got %v, want not_text", err)
			}
		})
	}
}

func TestRefusesUnknownOptions(t *testing.T) {
	for _, o := range []csvrow.Options{{Delimiter: 'x'}, {Encoding: "ebcdic"}} {
		if _, err := csvrow.Open(strings.NewReader("1"), o); err == nil {
			t.Errorf("%+v: no error", o)
		}
	}
}

func TestBrokenSource(t *testing.T) {
	gone := errors.New("connection lost")
	src := io.MultiReader(strings.NewReader("1,a\n"+strings.Repeat("2,b\n", 20000)+"3,c"), iotest.ErrReader(gone))
	r, err := csvrow.Open(src, csvrow.Options{})
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for {
		fields, _, _, err := r.Next()
		if err != nil {
			if !errors.Is(err, gone) || !strings.Contains(err.Error(), "line 20002") {
				t.Errorf("got %v, want the source's error at line 20002", err)
			}
			break
		}
		if fields[0] == "3" {
			t.Error("the row that was cut off was given as whole")
		}
		n++
	}
	if n != 20001 {
		t.Errorf("got %d rows, want 20001", n)
	}
}

// endless gives one row without an end.
type endless struct {
	char byte
	left int
}

func (e *endless) Read(p []byte) (int, error) {
	if e.left <= 0 {
		return 0, io.EOF
	}
	n := min(len(p), e.left)
	for i := range p[:n] {
		p[i] = e.char
	}
	e.left -= n
	return n, nil
}

func TestMemoryIsBounded(t *testing.T) {
	for name, start := range map[string]string{"plain": "1,", "quoted": "1,\""} {
		t.Run(name, func(t *testing.T) {
			src := io.MultiReader(strings.NewReader(start), &endless{'x', 64 << 20}, strings.NewReader("\n2,b\n"))
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			rows, _ := read(t, src, csvrow.Options{})
			runtime.ReadMemStats(&after)
			if len(rows) != 2 || !strings.HasPrefix(rows[0], "1! row_too_long") || rows[1] != "2: 2|b" {
				t.Errorf("got %.100q", rows)
			}
			if grown := after.TotalAlloc - before.TotalAlloc; grown > 1<<20 {
				t.Errorf("%d bytes were allocated for a row of 64 MiB", grown)
			}
		})
	}
}

func FuzzAgainstEncodingCSV(f *testing.F) {
	for _, s := range []string{"a,b\nc,\"d\ne\"\n", "\"a\"\"b\",c\n", "a\"b\n", "\"a", ",,\n\n,", "a,\"b\"c\nd"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, input string) {
		if strings.ContainsAny(input, "\x00\r") || strings.HasPrefix(input, "\uFEFF") || strings.HasPrefix(strings.ToLower(input), "sep=") || len(input) > 60000 || strings.Count(input, ",") >= 200 {
			t.Skip()
		}
		if strings.ToValidUTF8(input, "") != input {
			t.Skip()
		}
		reader, err := csvrow.Open(strings.NewReader(input), csvrow.Options{Delimiter: ',', Encoding: csvrow.UTF8})
		if err != nil {
			t.Skip() // looks like another kind of file
		}
		var got [][]string
		var lines []int
		var wrong error
		for {
			fields, line, _, err := reader.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				wrong = err
				continue
			}
			got = append(got, append([]string{}, fields...))
			lines = append(lines, line)
		}
		standard := csv.NewReader(strings.NewReader(input))
		standard.FieldsPerRecord = -1
		var want [][]string
		var wantLines []int
		for {
			record, err := standard.Read()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				if wrong == nil {
					t.Fatalf("%q: encoding/csv refuses it (%v), csvrow does not", input, err)
				}
				return
			}
			line, _ := standard.FieldPos(0)
			want, wantLines = append(want, record), append(wantLines, line)
		}
		if wrong != nil {
			t.Fatalf("%q: csvrow refuses it: %v", input, wrong)
		}
		if !reflect.DeepEqual(got, want) || !reflect.DeepEqual(lines, wantLines) {
			t.Fatalf("%q: got %q lines %v, want %q lines %v", input, got, lines, want, wantLines)
		}
	})
}

func FuzzAnyBytes(f *testing.F) {
	for _, s := range []string{"a,b\r\nc\x00", "\xff\xfe1\x00,\x00", "1;2\r3;\"4", "\xef\xbb\xbf1,\xeb\n2,\xc3\xab"} {
		f.Add([]byte(s), 40, 5)
	}
	f.Fuzz(func(t *testing.T, input []byte, maxRow, maxColumns int) {
		r, err := csvrow.Open(bytes.NewReader(input), csvrow.Options{MaxRow: max(maxRow, 1), MaxColumns: max(maxColumns, 1)})
		if err != nil || maxRow > 1<<20 {
			return
		}
		lastLine := 0
		for n := 0; ; n++ {
			fields, line, raw, err := r.Next()
			if errors.Is(err, io.EOF) {
				return
			}
			var wrong *csvrow.Error
			if errors.As(err, &wrong) && wrong.Kind == csvrow.NotText {
				return
			}
			if line <= lastLine {
				t.Fatalf("line %d after line %d", line, lastLine)
			}
			lastLine = line
			if len(raw) > max(maxRow, 1)*3+8 || len(fields) > max(maxColumns, 1) {
				t.Fatalf("row of %d bytes and %d columns", len(raw), len(fields))
			}
			if n > len(input)+1 {
				t.Fatal("more rows than bytes")
			}
		}
	})
}

func BenchmarkNext(b *testing.B) {
	var file bytes.Buffer
	for i := range 20000 {
		fmt.Fprintf(&file, "1212555%04d,Person %d,\"12,50\"\n", i%10000, i)
	}
	b.ReportAllocs()
	b.SetBytes(int64(file.Len()))
	for b.Loop() {
		r, err := csvrow.Open(bytes.NewReader(file.Bytes()), csvrow.Options{})
		if err != nil {
			b.Fatal(err)
		}
		for {
			if _, _, _, err := r.Next(); err != nil {
				break
			}
		}
	}
}
