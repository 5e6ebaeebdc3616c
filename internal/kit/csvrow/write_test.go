package csvrow_test

import (
	"errors"
	"io"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/overture-im/overture/internal/kit/csvrow"
)

func TestGuard(t *testing.T) {
	for _, tt := range []struct{ cell, want string }{
		{"", ""},
		{"Ann", "Ann"},
		{"=1+1", "'=1+1"},
		{"+12125550100", "'+12125550100"},
		{"-5 %", "'-5 %"},
		{"@cmd", "'@cmd"},
		{"\tx", "'\tx"},
		{"\rx", "'\rx"},
		{"  =1", "'  =1"},
		{"\u00a0=1", "'\u00a0=1"},
		{"\u200b=1", "'\u200b=1"},
		{"＝1", "'＝1"},
		{"＋1", "'＋1"},
		{"Hi\n=1", "Hi\n'=1"},
		{"Hi\r\n+1\n ok", "Hi\r'\n'+1\n ok"},
		{"a=b", "a=b"},
	} {
		got := csvrow.Guard(tt.cell)
		if strings.Contains(tt.cell, "\r\n") {
			got = strings.ReplaceAll(got, "\r'\n", "\r\n")
			tt.want = strings.ReplaceAll(tt.want, "\r'\n", "\r\n")
		}
		if got != tt.want {
			t.Errorf("%q: got %q, want %q", tt.cell, got, tt.want)
		}
	}
}

// No line of any written cell begins a formula, and what is written is read back, once the guard is taken off.
func TestWrittenRowsAreSafeAndReadBack(t *testing.T) {
	cell := rapid.StringOfN(rapid.SampledFrom([]rune("ab1=+-@\t\r\n \"',;＝é\u00a0")), 0, 12, -1)
	rapid.Check(t, func(t *rapid.T) {
		cells := rapid.SliceOfN(cell, 1, 5).Draw(t, "cells")
		r, err := csvrow.Open(strings.NewReader("x\n"+string(csvrow.AppendSafe(nil, cells...))), csvrow.Options{Delimiter: ',', Encoding: csvrow.UTF8})
		if err != nil {
			t.Fatal(err)
		}
		if _, _, _, err := r.Next(); err != nil {
			t.Fatal(err)
		}
		got, _, _, err := r.Next()
		if errors.Is(err, io.EOF) && len(cells) == 1 && cells[0] == "" {
			return // one empty cell is an empty line
		}
		if err != nil {
			t.Fatalf("%q: %v", cells, err)
		}
		if len(got) != len(cells) {
			t.Fatalf("%q came back as %q", cells, got)
		}
		for i := range cells {
			for line := range strings.SplitSeq(got[i], "\n") {
				if trimmed := strings.TrimLeft(line, " \u00a0"); trimmed != "" && strings.ContainsRune("=+-@\t＝", []rune(trimmed)[0]) {
					t.Fatalf("%q was written as %q: a line begins a formula", cells[i], got[i])
				}
			}
			if !strings.ContainsAny(cells[i], "\r\n") && csvrow.Unguard(got[i]) != csvrow.Unguard(cells[i]) {
				t.Fatalf("%q came back as %q", cells[i], got[i])
			}
		}
	})
}
