package store

import (
	"encoding/json"
	"slices"
	"testing"
)

// FuzzReadVars holds the quick way equal to encoding/json.
func FuzzReadVars(f *testing.F) {
	for _, list := range []string{
		`["P1"]`, `["a","b","ü €"]`, `["",""]`, `[]`, ``, `null`, `["a"`, `["a",]`, `["a" , "b"]`, `["a\"b"]`, `["a\u00e9"]`, `["a"]x`, `["a"],"b"]`, `["a","b`,
		"[\"a\nb\"]", "[\"\xff\"]", `["a",1]`, ` ["a"]`, `["a"]]`,
	} {
		f.Add(list)
	}
	f.Fuzz(func(t *testing.T, list string) {
		var want []string
		wantErr := json.Unmarshal([]byte(list), &want)
		got, err := readVars(list)
		if (err != nil) != (wantErr != nil) {
			t.Fatalf("%q: error %v, want %v", list, err, wantErr)
		}
		if err == nil && !slices.Equal(got, want) {
			t.Fatalf("%q: %q, want %q", list, got, want)
		}
	})
}
