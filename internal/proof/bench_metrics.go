package proof

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/store"
)

// metricsBound is what a scrape may take, in milliseconds.
const metricsBound = 50

// metrics measures GET /metrics of a server whose database has a million finished messages and a million that wait in the queue of a paused
// campaign. The gauges are counted in the background; a scrape reads memory.
func (b *bench) metrics(ctx context.Context, dir, databaseURL string) error {
	name := "metrics_1m_ms"
	if databaseURL != "" {
		name = "metrics_1m_postgres_ms"
	}
	rig, err := NewRig(ctx, RigOptions{Binary: b.o.Binary, Dir: dir, DatabaseURL: databaseURL, SenderRate: 100_000})
	if err != nil {
		return err
	}
	defer rig.Close()
	if err := b.fill(ctx, rig, store.Filling{State: overture.Accepted, Messages: b.o.Recipients}); err != nil {
		return err
	}
	if err := rig.Start(ctx); err != nil {
		return err
	}
	if err := b.planForClaim(ctx, rig, b.o.Recipients); err != nil {
		return err
	}
	counted := `overture_messages{state="queued"} ` + strconv.FormatFloat(float64(b.o.Recipients), 'g', -1, 64)
	if err := Until(ctx, "the gauges have counted the queue", time.Minute, func() (bool, error) {
		page, _, err := scrape(ctx, rig.URL())
		return strings.Contains(page, counted), err
	}); err != nil {
		return err
	}
	scrapes := make([]time.Duration, 0, 600)
	for range cap(scrapes) { // half a minute, so that several counts of the gauges fall into it
		_, took, err := scrape(ctx, rig.URL())
		if err != nil {
			return err
		}
		scrapes = append(scrapes, took)
		if err := pause(ctx, 50*time.Millisecond); err != nil {
			return err
		}
	}
	b.say("  %d scrapes: p50 %.1f ms, p99 %.1f ms, slowest %.1f ms", len(scrapes), percentile(scrapes, 0.5), percentile(scrapes, 0.99), percentile(scrapes, 1))
	b.add(name, percentile(scrapes, 0.99), "ms", metricsBound)
	return nil
}

// scrape does what Prometheus does.
func scrape(ctx context.Context, server string) (page string, took time.Duration, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, server+"/metrics", nil)
	if err != nil {
		return "", 0, err
	}
	began := time.Now()
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", 0, fmt.Errorf("scrape: %w", err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("scrape: status %d", resp.StatusCode)
	}
	return string(raw), time.Since(began), err
}
