package proof

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"syscall"
	"time"
)

// Figure is one line of a figures run. Ceiling is what the bare machine reached in the same run, in the same unit; Ratio is value over
// ceiling. Compare ratios, not values: machines differ and are noisy.
type Figure struct {
	Name    string  `json:"name"`
	Value   float64 `json:"value"`
	Unit    string  `json:"unit"`
	Ceiling float64 `json:"ceiling"`
	Ratio   float64 `json:"ratio"`
}

// BenchOptions bound a figures run.
type BenchOptions struct {
	Binary      string
	DatabaseURL string // also measure dispatch on this PostgreSQL; empty: SQLite only
	Rows        int    // of the import; 0: 1,000,000
	Messages    int    // of the dispatch; 0: 100,000
	Receipts    int    // 0: 100,000
	Only        string // run only the part with this name: import, dispatch, receipts
}

// bench collects figures.
type bench struct {
	o       BenchOptions
	out     io.Writer
	figures []Figure
}

// Bench measures the product beside the bare machine and ends with one JSON line per figure. It takes some minutes; everything stays on
// loopback.
func Bench(ctx context.Context, o BenchOptions, out io.Writer) ([]Figure, error) {
	if o.Rows == 0 {
		o.Rows = 1_000_000
	}
	if o.Messages == 0 {
		o.Messages = 100_000
	}
	if o.Receipts == 0 {
		o.Receipts = 100_000
	}
	b := &bench{o: o, out: out}
	for _, part := range []struct {
		name string
		run  func(ctx context.Context, dir string) error
	}{
		{"dispatch", func(ctx context.Context, dir string) error { return b.dispatch(ctx, dir, "") }},
		{"dispatch-postgres", func(ctx context.Context, dir string) error {
			if o.DatabaseURL == "" {
				return nil
			}
			return b.dispatch(ctx, dir, o.DatabaseURL)
		}},
		{"import", b.importAndStart},
	} {
		if o.Only != "" && o.Only != part.name {
			continue
		}
		if err := b.in(ctx, part.run); err != nil {
			return b.figures, fmt.Errorf("%s: %w", part.name, err)
		}
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

func (b *bench) say(format string, args ...any) { fmt.Fprintf(b.out, format+"\n", args...) }

func (b *bench) add(name string, value float64, unit string, ceiling float64) {
	f := Figure{Name: name, Value: round(value), Unit: unit, Ceiling: round(ceiling)}
	if ceiling != 0 {
		f.Ratio = round(value / ceiling)
	}
	b.figures = append(b.figures, f)
	b.say("%-24s %12.2f %s (ceiling %.2f, ratio %.2f)", name, f.Value, unit, f.Ceiling, f.Ratio)
}

func round(v float64) float64 { return float64(int64(v*100+0.5)) / 100 }

func stopServer(rig *Rig) error { return rig.Signal(syscall.SIGTERM) }

// since is the time from a start in seconds.
func since(t time.Time) float64 { return time.Since(t).Seconds() }
