package proof

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"
)

// Figure is one line of a figures run. Value, Ceiling and Ratio are medians over the repetitions. Ceiling is what the bare machine reached
// in the same run, in the same unit, or the bound where there is nothing to compare with; Ratio is value over ceiling, taken within each
// repetition. Compare ratios, not values: machines differ and are noisy.
type Figure struct {
	Name     string  `json:"name"`
	Value    float64 `json:"value"`
	Unit     string  `json:"unit"`
	Ceiling  float64 `json:"ceiling"`
	Ratio    float64 `json:"ratio"`
	Min      float64 `json:"min"`
	Max      float64 `json:"max"`
	RatioMin float64 `json:"ratio_min"`
	RatioMax float64 `json:"ratio_max"`
	Repeats  int     `json:"repeats"`
}

// BenchOptions bound a figures run. Zero values mean the sizes of the issue, or with Quick sizes that take seconds.
type BenchOptions struct {
	Binary      string
	DatabaseURL string // also measure on this PostgreSQL; empty: SQLite only
	Only        string // run the figures whose part or name this is
	Quick       bool
	Repeat      int           // repetitions of every figure; 0: 5
	Rows        int           // of the import; 0: 1,000,000
	Messages    int           // of one repetition of a dispatch figure; 0: 100,000
	Recipients  int           // of the large campaigns; 0: 1,000,000
	Finished    int           // finished rows under the claim; 0: 10,000,000
	Receipts    time.Duration // how long single receipts are posted; 0: ten minutes
	Profile     string        // folder for profiles of the servers: CPU, allocations, locks; empty: none
}

func (o BenchOptions) withDefaults() BenchOptions {
	fill := func(to *int, full, quick int) {
		switch {
		case *to != 0:
		case o.Quick:
			*to = quick
		default:
			*to = full
		}
	}
	fill(&o.Repeat, 5, 2)
	fill(&o.Rows, 1_000_000, 50_000)
	fill(&o.Messages, 100_000, 20_000)
	fill(&o.Recipients, 1_000_000, 100_000)
	fill(&o.Finished, 10_000_000, 200_000)
	if o.Receipts == 0 {
		o.Receipts = 10 * time.Minute
		if o.Quick {
			o.Receipts = 10 * time.Second
		}
	}
	return o
}

// bench collects figures.
type bench struct {
	o       BenchOptions
	out     io.Writer
	figures []Figure
}

// benchPart makes one or more figures in a folder of its own.
type benchPart struct {
	name     string
	also     []string // other figures it makes
	postgres bool
	run      func(ctx context.Context, dir string) error
}

func (b *bench) parts() []benchPart {
	parts := b.dispatchParts()
	return append(parts,
		benchPart{name: "receipts_per_s", also: []string{"receipts"}, run: b.receiptsSingle},
		benchPart{name: "receipts_batched_per_s", also: []string{"receipts"}, run: b.receiptsBatched},
		benchPart{name: "cpu_growth", run: b.cpuGrowth},
		benchPart{name: "claim_p99_ms", also: []string{"claim"}, run: func(ctx context.Context, dir string) error { return b.claim(ctx, dir, "") }},
		benchPart{name: "claim_postgres_p99_ms", also: []string{"claim"}, postgres: true, run: func(ctx context.Context, dir string) error { return b.claim(ctx, dir, b.o.DatabaseURL) }},
		benchPart{name: "forecast_1m_s", also: []string{"forecast"}, run: func(ctx context.Context, dir string) error { return b.forecast(ctx, dir, "") }},
		benchPart{name: "forecast_1m_postgres_s", also: []string{"forecast"}, postgres: true, run: func(ctx context.Context, dir string) error { return b.forecast(ctx, dir, b.o.DatabaseURL) }},
		benchPart{name: "metrics_1m_ms", also: []string{"metrics"}, run: func(ctx context.Context, dir string) error { return b.metrics(ctx, dir, "") }},
		benchPart{name: "metrics_1m_postgres_ms", also: []string{"metrics"}, postgres: true, run: func(ctx context.Context, dir string) error { return b.metrics(ctx, dir, b.o.DatabaseURL) }},
		benchPart{name: "launch_ms", also: []string{"launch", "launch_idle_ms"}, run: func(ctx context.Context, dir string) error { return b.launch(ctx, dir, "") }},
		benchPart{name: "launch_postgres_ms", also: []string{"launch", "launch_idle_postgres_ms"}, postgres: true, run: func(ctx context.Context, dir string) error { return b.launch(ctx, dir, b.o.DatabaseURL) }},
		benchPart{name: "import", also: []string{"import_rows_per_s", "start_ms"}, run: b.importAndStart},
	)
}

// Bench measures the product beside the bare machine and ends with one JSON line per figure. The full sizes take about an hour; everything
// stays on loopback.
func Bench(ctx context.Context, o BenchOptions, out io.Writer) ([]Figure, error) {
	b := &bench{o: o.withDefaults(), out: out}
	if o.Profile != "" {
		if err := os.MkdirAll(o.Profile, 0o750); err != nil {
			return nil, fmt.Errorf("folder for profiles: %w", err)
		}
	}
	known := false
	for _, part := range b.parts() {
		if b.o.Only != "" && b.o.Only != part.name && !slices.Contains(part.also, b.o.Only) {
			continue
		}
		known = true
		if part.postgres && b.o.DatabaseURL == "" {
			b.say("%s is left out: give --database-url for the figures of PostgreSQL", part.name)
			continue
		}
		if err := b.in(ctx, part.run); err != nil {
			return b.figures, fmt.Errorf("%s: %w", part.name, err)
		}
	}
	if !known {
		return nil, fmt.Errorf("there is no figure %q", b.o.Only)
	}
	enc := json.NewEncoder(out)
	for _, f := range b.figures {
		if err := enc.Encode(f); err != nil {
			return b.figures, fmt.Errorf("write figures: %w", err)
		}
	}
	return b.figures, nil
}

// in runs a part in a folder of its own.
func (b *bench) in(ctx context.Context, run func(ctx context.Context, dir string) error) error {
	dir, err := os.MkdirTemp("", "overture-bench-")
	if err != nil {
		return fmt.Errorf("folder: %w", err)
	}
	defer os.RemoveAll(dir)
	return run(ctx, dir)
}

// profileFlags are more flags of the server, so that it leaves profiles with the figure's name.
func (b *bench) profileFlags(name string) []string {
	if b.o.Profile == "" {
		return nil
	}
	path := filepath.Join(b.o.Profile, name)
	return []string{"--cpu-profile", path + ".pprof", "--alloc-profile", path + ".allocs.pprof", "--mutex-profile", path + ".mutex.pprof"}
}

func (b *bench) say(format string, args ...any) { fmt.Fprintf(b.out, format+"\n", args...) }

// add records a figure that was measured once.
func (b *bench) add(name string, value float64, unit string, ceiling float64) {
	b.addAll(name, []float64{value}, unit, []float64{ceiling})
}

// addAll records a figure that was measured several times, each time beside its ceiling.
func (b *bench) addAll(name string, values []float64, unit string, ceilings []float64) {
	ratios := make([]float64, len(values))
	for i, v := range values {
		if ceilings[i] != 0 {
			ratios[i] = v / ceilings[i]
		}
	}
	f := Figure{
		Name: name, Unit: unit, Repeats: len(values), Value: round(median(values)), Ceiling: round(median(ceilings)), Ratio: round(median(ratios)),
		Min: round(slices.Min(values)), Max: round(slices.Max(values)), RatioMin: round(slices.Min(ratios)), RatioMax: round(slices.Max(ratios)),
	}
	b.figures = append(b.figures, f)
	b.say("%-28s %10.2f %s (%.2f to %.2f), ceiling %.2f, ratio %.2f (%.2f to %.2f)", name, f.Value, unit, f.Min, f.Max, f.Ceiling, f.Ratio, f.RatioMin, f.RatioMax)
}

func round(v float64) float64 { return float64(int64(v*100+0.5)) / 100 }

// median of values; the mean of the middle two when their number is even.
func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

func percentile(d []time.Duration, p float64) float64 {
	if len(d) == 0 {
		return 0
	}
	sorted := slices.Clone(d)
	slices.Sort(sorted)
	return float64(sorted[min(len(sorted)-1, int(float64(len(sorted))*p))].Microseconds()) / 1000
}

func stopServer(rig *Rig) error { return rig.Signal(syscall.SIGTERM) }

// since is the time from a start in seconds.
func since(t time.Time) float64 { return time.Since(t).Seconds() }
