package store_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/consent"
	"github.com/overture-im/overture/internal/store/storetest"
)

// A file of stops as people keep them: a header, evidence for some, numbers in several forms, one twice, and rows that are no number.
func TestImportOfOptOuts(t *testing.T) {
	t.Parallel()
	s := storetest.Open(t)
	h := newDesk(t, s)
	r := consent.New(s, time.Now)
	by := overture.Actor{AccountID: h.account}
	like := overture.OptOut{AccountID: h.account, BrandID: h.brand, Channel: overture.SMS, Source: overture.OptOutImport, Evidence: "old system"}
	file := "number,why\r\n+12125550101,asked by phone\r\n1 (212) 555-0102,\r\n+12125550101,\r\nnobody\r\n+1212,\r\n"
	got, err := r.Import(t.Context(), by, like, strings.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	if got.Rows != 5 || got.Fresh != 2 || got.Known != 1 || got.Rejected != 2 || len(got.Problems) != 2 || got.Problems[0].Line != 5 {
		t.Errorf("imported: %+v; want 5 rows, 2 new, 1 known, lines 5 and 6 rejected", got)
	}
	for address, evidence := range map[overture.Address]string{"+12125550101": "asked by phone", "+12125550102": "old system"} {
		events, err := s.ConsentEvents(t.Context(), h.account, address)
		if err != nil || len(events) == 0 || events[0].Evidence != evidence || events[0].Source != overture.OptOutImport {
			t.Errorf("ledger of %s: %+v, %v; want the evidence %q of an import", address, events, err, evidence)
		}
	}
	other := like
	other.AccountID = h.account + 1
	if _, err := r.Import(t.Context(), overture.Actor{AccountID: h.account + 1}, other, strings.NewReader("+12125550103\n")); !errors.Is(err, overture.NotFound) {
		t.Errorf("into another account's brand: %v, want not found", err)
	}
	if _, err := r.Import(t.Context(), by, like, strings.NewReader("\x00\x01\x02 binary")); !errors.Is(err, overture.Invalid) {
		t.Errorf("a binary file: %v, want invalid", err)
	}
	var many strings.Builder
	for _, area := range []int{201, 202, 203, 205, 206, 207, 208, 209, 210, 212, 213, 214} {
		for i := range 100 {
			fmt.Fprintf(&many, "+1%d555%04d\n", area, 100+i)
		}
	}
	if got, err := r.Import(t.Context(), by, like, strings.NewReader(many.String())); err != nil || got.Rows != 1200 || got.Fresh != 1198 || got.Known != 2 {
		t.Errorf("several chunks: %+v, %v", got, err)
	}
}
