package recipient

import (
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/kit/csvrow"
	"github.com/overture-im/overture/internal/kit/phone"
	"github.com/overture-im/overture/internal/kit/tz"
)

func bareRoom() *Room {
	return New(Deps{
		ParsePhone: func(s string) (string, []string, error) {
			n, err := phone.Parse(s)
			return n.E164, n.Zones, err
		},
		ZoneKnown: func(name string) bool {
			_, err := tz.Load(name)
			return err == nil
		},
	})
}

// What is written as a row of a list is read back as the same cells: repair and download rest on it.
func TestRowsAreReadBackAsWritten(t *testing.T) {
	cell := rapid.StringOfN(rapid.SampledFrom([]rune("ab1 ,;\t\"'\né=")), 0, 8, -1)
	rapid.Check(t, func(t *rapid.T) {
		fields := rapid.SliceOfN(cell, 1, 5).Draw(t, "fields")
		im := overture.Import{Source: "csv", Delimiter: rapid.SampledFrom([]string{",", ";", "\t"}).Draw(t, "delimiter")}
		if strings.Join(fields, "") == "" {
			return // an empty line
		}
		c := bareRoom().checker(overture.ListTarget{}, im.Source, nil)
		got, wrong := splitLine(c, im, &overture.Problem{Raw: c.join(fields, delimiterOf(im))})
		if wrong != nil || !slices.Equal(got, fields) {
			t.Fatalf("%q came back as %q, %+v", fields, got, wrong)
		}
	})
}

// Whatever is uploaded, every row ends as a recipient that can be sent to or as a problem that says what to do.
func FuzzRows(f *testing.F) {
	f.Add([]byte("phone,name\n12125550100,Ann\n\"x\n"), "Hi {{name}}", true)
	f.Add([]byte("12125550100;Zo\xeb\n+1(212)5550101;;;\n"), "", false)
	f.Add([]byte("zone\tmobile\tmessage\nUTC\t12125550100\tHi\x07\n"), "{{1}} {{2}}", true)
	codes := []string{
		overture.ProblemInvalidNumber, overture.ProblemDuplicateNumber, overture.ProblemMissingVariable, overture.ProblemTooManyColumns, overture.ProblemUnknownZone,
		overture.ProblemTooLong, overture.ProblemBadText, overture.ProblemEmptyText, overture.ProblemBadQuoting,
	}
	f.Fuzz(func(t *testing.T, file []byte, text string, smart bool) {
		target := overture.ListTarget{Content: overture.Content{Text: text, OptOutText: "STOP ends", SmartEncoding: smart}, SMSLimit: 140}
		reader, err := csvrow.Open(strings.NewReader(string(file)), csvrow.Options{})
		if err != nil {
			return
		}
		next := csvSource(reader)
		first, err := firstRow(next)
		if err != nil {
			return
		}
		header, err := headerOf(target, first, HeaderAuto)
		if err != nil {
			return
		}
		c := bareRoom().checker(target, "csv", header)
		var values []string
		for rows := resume(first, next); ; {
			fields, line, raw, problem, err := rows()
			if errors.Is(err, io.EOF) || err != nil {
				return
			}
			var rec overture.Recipient
			if problem == nil {
				rec, problem = c.row(fields, line, raw, &values)
			}
			if problem != nil {
				if !slices.Contains(codes, problem.Code) || problem.Reason == "" || problem.Row != line || !utf8.ValidString(problem.Raw) || strings.ContainsRune(problem.Raw+problem.Reason, 0) {
					t.Fatalf("%q: problem %+v", raw, problem)
				}
				continue
			}
			final, err := target.Content.For(rec.Personal)
			if _, ok := pack(rec.Address); !ok || rec.Segments < 1 || rec.Row != line || err != nil || !strings.HasSuffix(final, "STOP ends") {
				t.Fatalf("%q: recipient %+v, text %q, %v", raw, rec, final, err)
			}
		}
	})
}
