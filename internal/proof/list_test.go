package proof

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/overture-im/overture/internal/kit/phone"
)

func TestGeneratedListsAreValidAndDistinct(t *testing.T) {
	const n = 1_000_000
	if n > len(areaCodes)*10000 {
		t.Fatalf("%d area codes are not enough", len(areaCodes))
	}
	text, err := io.ReadAll(io.NewSectionReader(listOf(0, n), 0, n*listRow))
	if err != nil || len(text) != n*listRow {
		t.Fatal(len(text), err)
	}
	seen := make(map[string]bool, n)
	for line := range strings.Lines(string(text)) {
		number, _, _ := strings.Cut(line, ",")
		if seen[number] {
			t.Fatalf("%s twice", number)
		}
		seen[number] = true
	}
	for _, area := range areaCodes {
		if p, err := phone.Parse(fmt.Sprintf("+1%03d5550123", area)); err != nil || len(p.Zones) == 0 {
			t.Errorf("area code %d: %v %v", area, p, err)
		}
	}
}

func TestListCanBeReadFromAnywhere(t *testing.T) {
	whole, err := io.ReadAll(io.NewSectionReader(listOf(5, 10), 0, 10*listRow))
	if err != nil {
		t.Fatal(err)
	}
	for off := range whole {
		b := make([]byte, 7)
		n, _ := listOf(5, 10).ReadAt(b, int64(off))
		if string(b[:n]) != string(whole[off:min(off+7, len(whole))]) {
			t.Fatalf("at %d: %q", off, b[:n])
		}
	}
}
