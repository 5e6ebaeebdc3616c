package segment_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"unicode/utf16"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/overture-im/overture/internal/kit/segment"
)

// The vectors come from Twilio's published calculator, sms-segments-calculator 1.3.0 on Node 20.
func TestVectors(t *testing.T) {
	file, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var data struct {
		Vectors []struct {
			Name, Encoding, Text string
			Segments, Chars      int
			Smart                bool
		}
	}
	if err := json.Unmarshal(file, &data); err != nil {
		t.Fatal(err)
	}
	if len(data.Vectors) < 34 {
		t.Fatalf("only %d vectors", len(data.Vectors))
	}
	for _, v := range data.Vectors {
		t.Run(v.Name, func(t *testing.T) {
			text := v.Text
			if v.Smart {
				text = segment.Smart(text)
			}
			got := segment.Measure(text)
			if got.Encoding != v.Encoding || got.Segments != v.Segments {
				t.Errorf("got %+v, want %s in %d segments", got, v.Encoding, v.Segments)
			}
			units := v.Chars // the calculator's chars are septets in GSM-7 and grapheme clusters in UCS-2
			if got.Encoding == segment.UCS2 {
				units = len(utf16.Encode([]rune(text)))
			}
			if got.Units != units {
				t.Errorf("got %d units, want %d", got.Units, units)
			}
		})
	}
}

func TestOffender(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		offender   rune
		at         int
	}{
		{"none", "Hello, 5 € for you: é à ü Ω", 0, 0},
		{"first character", "ç", 'ç', 0},
		{"after characters of several bytes", "é€Ω`x", '`', 3},
		{"emoji at the end", "hi 😀", '😀', 3},
		{"only the first of two", "aá“", 'á', 1},
		{"a byte that is not UTF-8", "ab\xff", utf8.RuneError, 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := segment.Measure(tt.text)
			if got.Offender != tt.offender || got.OffenderAt != tt.at {
				t.Errorf("got %q at %d, want %q at %d", got.Offender, got.OffenderAt, tt.offender, tt.at)
			}
		})
	}
}

func TestSmart(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"nothing to replace", "Plain text, é and 😀 stay", "Plain text, é and 😀 stay"},
		{"quotes and dashes", "“it’s” — so", "\"it's\" - so"},
		{"ellipsis", "wait…", "wait..."},
		{"backtick", "a`b", "a'b"},
		{"no-break space becomes two", "a\u00a0b", "a  b"},
		{"tab becomes seven", "a\tb", "a       b"},
		{"zero width goes", "a\u200bb\ufeff", "ab"},
		{"fraction", "½", "1/2"},
		{"full width", "ＡＢ！", "AB!"},
		{"broken UTF-8 stays for the caller to refuse", "’\xff", "'\xff"},
		{"line breaks stay", "a\r\nb", "a\r\nb"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := segment.Smart(tt.text); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// slow is the reference: encode every character, fill the parts one by one.
func slow(text string) (encoding string, units, segments int) {
	const basic = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
	const extension = "\f^{}\\[~]|€"
	encoding, single, part := segment.GSM7, 160, 153
	var costs []int
	for _, r := range text {
		switch {
		case r != utf8.RuneError && strings.ContainsRune(basic, r):
			costs = append(costs, 1)
		case strings.ContainsRune(extension, r):
			costs = append(costs, 2)
		default:
			encoding = segment.UCS2
		}
	}
	if encoding == segment.UCS2 {
		single, part = 70, 67
		costs = nil
		for _, r := range text {
			costs = append(costs, len(utf16.Encode([]rune{r})))
		}
	}
	var parts [][]int
	used := part
	for _, c := range costs {
		units += c
		if used+c > part {
			parts = append(parts, nil)
			used = 0
		}
		used += c
		parts[len(parts)-1] = append(parts[len(parts)-1], c)
	}
	if units <= single {
		return encoding, units, 1
	}
	return encoding, units, len(parts)
}

func check(t interface{ Errorf(string, ...any) }, text string) {
	got := segment.Measure(text)
	encoding, units, segments := slow(text)
	if got.Encoding != encoding || got.Units != units || got.Segments != segments {
		t.Errorf("%q: got %+v, want %s, %d units, %d segments", text, got, encoding, units, segments)
	}
	if runes := []rune(text); encoding == segment.GSM7 && got.Offender != 0 || encoding == segment.UCS2 && runes[got.OffenderAt] != got.Offender {
		t.Errorf("%q: offender %q at %d in %s", text, got.Offender, got.OffenderAt, encoding)
	}
	once := segment.Smart(text)
	if twice := segment.Smart(once); twice != once {
		t.Errorf("%q: smart encoding is not idempotent: %q, then %q", text, once, twice)
	}
}

func TestMeasureAgreesWithReference(t *testing.T) {
	runes := rapid.OneOf(
		rapid.SampledFrom([]rune("aZ0 @€[]{}|^~\\\f\nΩé")),
		rapid.SampledFrom([]rune("azé€яç`\t“😀👨\u200d")),
	)
	gsm := rapid.SampledFrom([]rune("aaaaa€[é"))
	rapid.Check(t, func(t *rapid.T) {
		alphabet := rapid.SampledFrom([]*rapid.Generator[rune]{runes, gsm}).Draw(t, "alphabet")
		check(t, string(rapid.SliceOfN(alphabet, 0, 500).Draw(t, "text")))
	})
}

func FuzzMeasure(f *testing.F) {
	for _, s := range []string{"", "abc", "€", "я😀", "a\xffb", strings.Repeat("a", 152) + "€" + strings.Repeat("a", 152)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) { check(t, text) })
}

func TestPlainTextDoesNotAllocate(t *testing.T) {
	text := strings.Repeat("Hello, your order is ready. ", 6)
	if n := testing.AllocsPerRun(100, func() {
		if segment.Measure(segment.Smart(text)).Segments != 2 {
			t.Fatal("wrong count")
		}
	}); n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
}

func BenchmarkMeasureASCII(b *testing.B) {
	text := strings.Repeat("Hello, your order is ready. ", 6)[:160]
	b.ReportAllocs()
	for b.Loop() {
		segment.Measure(text)
	}
}

func BenchmarkSmartASCII(b *testing.B) {
	text := strings.Repeat("Hello, your order is ready. ", 6)[:160]
	b.ReportAllocs()
	for b.Loop() {
		segment.Smart(text)
	}
}
