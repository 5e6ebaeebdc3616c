package speech_test

import (
	"testing"

	"github.com/overture-im/overture/internal/serve/api/speech"
)

func BenchmarkHear(b *testing.B) {
	german := speech.German()
	for name, text := range map[string]string{
		"ours":    "the final text has 1700 characters and an SMS takes at most 1600; shorten it",
		"persons": "The tills do not take the codes yet; the shop calls back on Monday",
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				german.Hear(text)
			}
		})
	}
}
