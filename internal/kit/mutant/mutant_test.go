package mutant

import (
	"slices"
	"testing"
)

// TestReleasedBinariesHaveNoMutants: only the build tag puts them in.
func TestReleasedBinariesHaveNoMutants(t *testing.T) {
	Use(ShortGrace)
	defer Use("")
	if On(ShortGrace) != Built {
		t.Errorf("On = %v in a binary with Built = %v", On(ShortGrace), Built)
	}
	if On(MarkAfterSend) {
		t.Error("a mutant that nobody chose is on")
	}
}

func TestNamesAreUnique(t *testing.T) {
	names := All()
	slices.Sort(names)
	if n := len(slices.Compact(slices.Clone(names))); n != len(names) {
		t.Errorf("%d names, %d of them different", len(names), n)
	}
}
