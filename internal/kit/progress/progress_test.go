package progress_test

import (
	"strings"
	"testing"
	"time"

	"github.com/overture-im/overture/internal/kit/progress"
)

func TestPlainOutputIsThinnedAndKeepsTheLastState(t *testing.T) {
	var out strings.Builder
	b := progress.New(&out)
	start := time.UnixMilli(0)
	for i := range 100 { // ten seconds, ten times a second
		b.Show(start.Add(time.Duration(i)*100*time.Millisecond), float64(i)/100, "at work")
	}
	b.Show(start.Add(10*time.Second), 1.7, "finished")
	b.Done()
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) < 4 || len(lines) > 6 {
		t.Errorf("got %d lines for ten seconds, want about one every three seconds:\n%s", len(lines), out.String())
	}
	if last := lines[len(lines)-1]; !strings.Contains(last, "100%  finished") {
		t.Errorf("last line is %q, want the final state", last)
	}
	if strings.ContainsAny(out.String(), "\r\x1b") {
		t.Error("output that is not a terminal got control characters")
	}
}
