package speech

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/overture-im/overture"
)

// Every sentence that the program can say is in every language, with the same things in it, and no language has one that nobody says.
func TestCatalogueIsWhole(t *testing.T) {
	said := sentencesOfSource(t)
	if len(said) < 400 {
		t.Fatalf("only %d sentences were found in the source: the search is broken", len(said))
	}
	german := German()
	for _, english := range slices.Sorted(maps.Keys(said)) {
		if _, known := german.texts[english]; !known && !wordless(english) {
			t.Errorf("%s: no German for %q", said[english], english)
		}
	}
	listed := merged(germanWords(), germanFramework(), germanTitles())
	for _, english := range slices.Sorted(maps.Keys(german.texts)) {
		_, word := listed[english]
		if _, known := said[english]; !known && !word {
			t.Errorf("nobody says %q", english)
		}
		if want, got := holes(english), holes(german.texts[english]); want != got {
			t.Errorf("%q takes %s, its German %q takes %s", english, want, got, german.texts[english])
		}
	}
}

// holes lists what goes into a format: n for a number, s for anything else, in the order of the arguments.
func holes(format string) string {
	kinds := map[int]string{}
	most := 0
	for _, p := range parts(format) {
		if p.verb == 0 {
			continue
		}
		kinds[p.arg], most = "s", max(most, p.arg+1)
		if strings.ContainsRune("dgf", rune(p.verb)) {
			kinds[p.arg] = "n"
		}
	}
	out := make([]string, most)
	for i := range out {
		if out[i] = kinds[i]; out[i] == "" {
			out[i] = "-"
		}
	}
	return "[" + strings.Join(out, " ") + "]"
}

// Words of closed lists go into sentences as text, so the search for sentences does not see them.
func TestWordsOfListsAreKnown(t *testing.T) {
	german := German()
	known := func(word string) {
		t.Helper()
		if german.Hear(word) == word {
			t.Errorf("no German for %q", word)
		}
	}
	for _, s := range overture.States() {
		known(s.String())
	}
	for _, s := range []overture.CampaignState{overture.Draft, overture.Scheduled, overture.Running, overture.Paused, overture.Completed, overture.CampaignCanceled} {
		known(string(s))
	}
	const root = "../../../.."
	for name, word := range constsOf(t, root) {
		if strings.HasPrefix(name, "Reason") || strings.HasPrefix(name, "Barrier") {
			known(word)
			if strings.HasPrefix(name, "Barrier") {
				known(strings.ReplaceAll(word, "_", " "))
			}
		}
	}
	outcome := regexp.MustCompile(`Outcome[^=\n]*= "([a-z_]+)"`)
	files, err := filepath.Glob(filepath.Join(root, "internal/outbound/dispatch/core/*.go"))
	if err != nil || len(files) == 0 {
		t.Fatal("no files of dispatch/core", err)
	}
	for _, path := range files {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range outcome.FindAllStringSubmatch(string(text), -1) {
			known(strings.ReplaceAll(m[1], "_", " "))
		}
	}
}

// What was said, written down and heard again is the same sentence: no format is taken for another one.
func TestEveryFormatIsHeardAsItself(t *testing.T) {
	german := German()
	patterns := german.ear()
	if len(patterns) < 100 {
		t.Fatalf("only %d formats can be heard", len(patterns))
	}
	for _, p := range patterns {
		args := make([]any, 9)
		for _, v := range p.verbs {
			switch v.verb {
			case 'd':
				args[v.arg] = 1234
			case 'g', 'f':
				args[v.arg] = 2.0
			case 'X':
				args[v.arg] = 7
			default:
				args[v.arg] = "Zeta-" + string(rune('A'+v.arg))
			}
		}
		most := 0
		for _, v := range p.verbs {
			most = max(most, v.arg+1)
		}
		if args[0] == nil {
			args[0] = 1
		}
		english := fmt.Sprintf(p.format, args[:most]...)
		want := german.fill(german.texts[p.format], german.args(p, p.text.FindStringSubmatch(english)[1:]))
		if got := german.Hear(english); got != want || got == english {
			t.Errorf("%q is heard as %q, want %q", english, got, want)
		}
	}
}
