//go:build unix

package dispatch_test

import (
	"context"
	"log/slog"
	"syscall"
	"testing"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/outbound/dispatch"
)

// BenchmarkDispatch sends b.N messages through the whole engine and store to a provider in the same process. Without a delay it shows what
// the engine itself costs: cpu-µs/msg holds on a busy machine too.
func BenchmarkDispatch(b *testing.B) {
	b.Run("50", func(b *testing.B) { benchmarkDispatch(b, 50, 20*time.Millisecond) })
	b.Run("200", func(b *testing.B) { benchmarkDispatch(b, 200, 20*time.Millisecond) })
	b.Run("saturated", func(b *testing.B) { benchmarkDispatch(b, 128, 0) })
}

func benchmarkDispatch(b *testing.B, connections int, delay time.Duration) {
	b.Helper()
	h := build(b, b.N)
	h.provider.delay = delay
	e, err := dispatch.New(dispatch.Deps{
		Store: senders{h.s, h}, Providers: map[string]dispatch.Provider{"fake": h.provider}, Windows: &h.windows,
		Smart: func(s string) string { return s }, Owner: "bench", Log: slog.New(slog.DiscardHandler),
		Callback: func(_ overture.Sender, m overture.MessageID, token string) string {
			return "https://example.test/?m=" + m.String() + "&t=" + token
		},
	},
		dispatch.Config{Connections: connections})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.Context())
	b.ResetTimer()
	began := cpuTime()
	done := make(chan struct{})
	go func() { defer close(done); _ = e.Run(ctx) }()
	for h.number(`SELECT COUNT(*) FROM (SELECT 1 FROM dispatch LIMIT 1) x`) > 0 {
		time.Sleep(5 * time.Millisecond)
	}
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "msg/s")
	b.ReportMetric(float64((cpuTime()-began).Microseconds())/float64(b.N), "cpu-µs/msg")
	cancel()
	<-done
}

// cpuTime is what this process has used so far.
func cpuTime() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u) // fails only for a bad pointer
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// The provider is told how long it may queue a message by itself, so that it does not text after the window closed; an answer has no such end.
func TestTheProviderIsToldTheTimeLeft(t *testing.T) {
	inTime(t, func(t *testing.T) {
		h := build(t, 4)
		closes := time.Now().Add(20 * time.Minute).Truncate(time.Millisecond)
		h.exec(`UPDATE dispatch SET not_after = $1`, closes.UnixMilli())
		h.run("a", short)
		h.until("sent", h.drained)
		for _, out := range h.provider.calls {
			if left := time.Until(closes); out.ValidFor < left || out.ValidFor > 20*time.Minute {
				t.Errorf("valid for %v with %v left", out.ValidFor, left)
			}
		}
		if len(h.provider.calls) != 4 {
			t.Errorf("%d calls", len(h.provider.calls))
		}
	})
}
