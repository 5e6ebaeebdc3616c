package recipient

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/kit/flake"
)

func TestNumbersAreOrderedLikeTheirText(t *testing.T) {
	address := rapid.StringMatching(`\+[0-9]{1,15}`)
	rapid.Check(t, func(t *rapid.T) {
		a, b := overture.Address(address.Draw(t, "a")), overture.Address(address.Draw(t, "b"))
		na, okA := pack(a)
		nb, okB := pack(b)
		if !okA || !okB {
			t.Fatalf("%s or %s cannot be packed", a, b)
		}
		if na.address() != a {
			t.Fatalf("%s came back as %s", a, na.address())
		}
		if (na < nb) != (a < b) || (na == nb) != (a == b) {
			t.Fatalf("%s and %s are ordered otherwise", a, b)
		}
	})
	for _, bad := range []overture.Address{"", "+", "12125550100", "+1212555010a", "+1234567890123456"} {
		if _, ok := pack(bad); ok {
			t.Errorf("%q was packed", bad)
		}
	}
}

func TestNumbersFindDuplicates(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		keys := rapid.SliceOfN(rapid.Uint64Range(1, 5000), 0, 9000).Draw(t, "keys")
		x, model := newNumbers(), map[uint64]int{}
		for row, k := range keys {
			first, fresh := x.add(number(k), row)
			want, known := model[k]
			if fresh == known || known && first != want {
				t.Fatalf("row %d: first in %d (fresh %v), want %d (known %v)", row, first, fresh, want, known)
			}
			if fresh {
				model[k] = row
			}
		}
		order := x.sorted(func(int) bool { return false })
		if x.n != len(model) || len(order) != len(model) {
			t.Fatalf("%d numbers, %d in order, want %d", x.n, len(order), len(model))
		}
		for i := 1; i < len(order); i++ {
			if x.key(int(order[i-1])) >= x.key(int(order[i])) {
				t.Fatal("not in order")
			}
		}
	})
}

func TestStoredIDs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s storedIDs
		var want []overture.RecipientID
		source := flake.New(3)
		for range rapid.IntRange(0, 5).Draw(t, "chunks") {
			kept := rapid.SliceOfN(rapid.Bool(), 0, chunkRows).Draw(t, "kept")
			var c storedChunk
			n := 0
			for i := range kept {
				if kept[i] {
					c.keep(i)
					n++
				}
			}
			c.first = source.Take(max(n, 1))
			stored := 0
			for i := range kept {
				id := overture.RecipientID(0)
				if kept[i] {
					id = overture.RecipientID(source.At(c.first, stored))
					stored++
				}
				want = append(want, id)
			}
			s.add(c, len(kept))
		}
		for i := range want {
			if got := s.id(i); got != want[i] {
				t.Fatal(fmt.Sprintf("number %d has id %d, want %d", i, got, want[i]))
			}
		}
	})
}
