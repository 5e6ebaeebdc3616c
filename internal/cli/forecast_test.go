package cli_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

const aForecast = `{"start_at":"2026-11-20T17:00:00Z","finish_at":"2026-11-20T23:30:00Z","recipients":5400,"ended":3,"bound":"window","words":["because of the window"],"notes":["a note"],
"rate":5,"sender_rate":2,"currency":"USD","sent":5390,"segments":5400,"cost_micros":42660000,"unpriced_segments":7,"skipped":{"opted_out":10},
"hours":[{"start":"2026-11-20T17:00:00Z","sent":3590,"skipped":{"opted_out":10},"held":1800},{"start":"2026-11-20T18:00:00Z","held":1800},{"start":"2026-11-20T19:00:00Z","held":1800},{"start":"2026-11-20T23:00:00Z","sent":1800}],
"zones":[{"zones":["America/New_York"],"recipients":3600,"sent":3590,"skipped":{"opted_out":10},"first_send_at":"2026-11-20T17:00:01Z"},{"zones":["Asia/Tokyo"],"recipients":1800,"sent":1800,"held":1800,"held_until":"2026-11-20T23:00:00Z"},{"zones":[],"recipients":5,"held":5}]}`

func TestForecast(t *testing.T) {
	t.Setenv("OVERTURE_API_KEY", "ovk_test")
	var got string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, _ := io.ReadAll(r.Body)
		got = r.Method + " " + r.URL.Path + " " + string(raw)
		if r.Method == http.MethodPost {
			_, _ = io.WriteString(w, aForecast)
			return
		}
		_, _ = io.WriteString(w, `{"state":"completed","words":["it finished as forecast"],"forecast":`+aForecast+`,"actual":{"over":true,"sent":5380,"failed":9,"held":1,"cost_micros":1,"finished_at":"2026-11-20T23:31:00Z"},
			"hours":[{"start":"2026-11-20T17:00:00Z","forecast":{"sent":3590},"actual":{"sent":3580}}]}`)
	}))
	t.Cleanup(s.Close)
	code, out, words := run(t, "campaign", "forecast", "cmp_1", "--at", "now", "--rate", "5", "--url", s.URL)
	if got != `POST /v1/campaigns/cmp_1/forecast {"launch_at":"now","rate":5}` {
		t.Errorf("asked %s", got)
	}
	for _, want := range []string{
		"5400 recipients, 5390 sent, 5400 segments, 42.66 USD + 7 unpriced", "3 have gone", "at 2 segments per second", "because of the window", "note: a note",
		strings.Repeat("█", 30), strings.Repeat("█", 16), "… 2 h of waiting", "10 opted out", "1800 Sat 08:00 JST", "Fri 12:00 EST", "5 never", "unknown",
	} {
		if code != 0 || !strings.Contains(out, want) {
			t.Errorf("%d %s\n%s\nwant %q in it", code, words, out, want)
		}
	}
	if strings.Contains(out, strings.Repeat("█", 31)) {
		t.Error("a bar is too long")
	}
	code, out, words = run(t, "campaign", "forecast", "cmp_1", "--compare", "--url", s.URL)
	for _, want := range []string{"completed: forecast 5390 sent, really 5380; skipped 10 and 0; 9 failed, 1 held", "it finished as forecast", "-10"} {
		if code != 0 || !strings.Contains(out, want) {
			t.Errorf("%d %s\n%s\nwant %q in it", code, words, out, want)
		}
	}
	if code, out, _ := run(t, "campaign", "forecast", "cmp_1", "--json", "--url", s.URL); code != 0 || !strings.Contains(out, `"bound": "window"`) {
		t.Errorf("json: %d %s", code, out)
	}
	if code, _, _ := run(t, "campaign", "forecast", "cmp_1", "--compare", "--rate", "5", "--url", s.URL); code != 2 {
		t.Errorf("contradiction: %d", code)
	}
}
