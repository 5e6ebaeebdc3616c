package dispatch_test

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/outbound/dispatch"
)

// BenchmarkDispatch sends b.N messages through the whole engine and store to a provider in the same process that takes 20 ms.
func BenchmarkDispatch(b *testing.B) {
	for _, connections := range []int{50, 200} {
		b.Run(fmt.Sprint(connections), func(b *testing.B) {
			benchmarkDispatch(b, connections)
		})
	}
}

func benchmarkDispatch(b *testing.B, connections int) {
	b.Helper()
	h := build(b, b.N)
	h.provider.delay = 20 * time.Millisecond
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
	done := make(chan struct{})
	go func() { defer close(done); _ = e.Run(ctx) }()
	for h.number(`SELECT COUNT(*) FROM (SELECT 1 FROM dispatch LIMIT 1) x`) > 0 {
		time.Sleep(5 * time.Millisecond)
	}
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "msg/s")
	cancel()
	<-done
}
