package api

import "testing"

func TestTraceparent(t *testing.T) {
	const trace = "4bf92f3577b34da6a3ce929d0e0e4736"
	if got := traceOf("00-" + trace + "-00f067aa0ba902b7-01"); got != trace {
		t.Errorf("the caller's trace became %s", got)
	}
	if got := traceOf("cc-" + trace + "-00f067aa0ba902b7-01-more"); got != trace {
		t.Errorf("a later version's trace became %s", got)
	}
	for _, wrong := range []string{"", "x", "00-" + noTrace + "-00f067aa0ba902b7-01", "00-" + trace + "-" + noSpan + "-01", "ff-" + trace + "-00f067aa0ba902b7-01", "00-" + trace + "\n-00f067aa0ba902b7-01"} {
		if got := traceOf(wrong); got == trace || len(got) != 32 {
			t.Errorf("traceparent %q gives the trace %q", wrong, got)
		}
	}
}
