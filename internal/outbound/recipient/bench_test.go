package recipient_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/overture-im/overture/internal/outbound/recipient"
	"github.com/overture-im/overture/internal/store/storetest"
)

// bigFile writes n rows "phone,name,amount" with fictional numbers (exchange 555) of every area code, in no order. It is written as it
// is read: nothing of it lies in memory.
func bigFile(t testing.TB, n int) io.ReadCloser {
	t.Helper()
	var areas []int
	for area := 201; area < 990; area++ {
		good := true
		for _, last := range []int{0, 100, 1212, 4444, 9999} {
			_, _, err := parsePhone(fmt.Sprintf("1%d555%04d", area, last))
			good = good && err == nil
		}
		if good {
			areas = append(areas, area)
		}
	}
	if len(areas)*10000 < n {
		t.Fatalf("only %d area codes", len(areas))
	}
	r, w := io.Pipe()
	go func() {
		b := bufio.NewWriterSize(w, 64<<10)
		_, _ = b.WriteString("phone,name,amount\n")
		var line []byte
		for i := range n {
			k := i * 7919 % n // no factor of 10: every number once
			line = append(line[:0], '1')
			line = strconv.AppendInt(line, int64(areas[k%len(areas)]), 10)
			line = append(line, "555"...)
			last := k / len(areas)
			line = append(line, byte('0'+last/1000%10), byte('0'+last/100%10), byte('0'+last/10%10), byte('0'+last%10))
			line = append(line, ",Jane Doe "...)
			line = strconv.AppendInt(line, int64(i), 10)
			line = append(line, ",\"12,50\"\n"...)
			if _, err := b.Write(line); err != nil {
				break
			}
		}
		_ = w.CloseWithError(b.Flush())
	}()
	return r
}

// BenchmarkImport loads a list from parse to done. Rows: OVERTURE_BENCH_ROWS, a million when it is not set. It tells the memory above idle
// and how long other people's writes waited meanwhile.
func BenchmarkImport(b *testing.B) {
	n := 1_000_000
	if v, err := strconv.Atoi(os.Getenv("OVERTURE_BENCH_ROWS")); err == nil {
		n = v
	}
	d := open(b)
	for b.Loop() {
		campaign := d.draft(b, "Hi {{name}}, your balance is {{amount}}.")
		runtime.GC()
		idle := resident(b)
		ctx, stop := context.WithCancel(b.Context())
		waits := make(chan []time.Duration)
		go func() { waits <- d.waits(ctx, b) }()
		var peak atomic.Int64
		start := time.Now()
		im, err := d.ImportCSV(b.Context(), d.account, campaign, bigFile(b, n), recipient.CSVOptions{Progress: func(rows int) {
			if rows%20000 < 500 {
				peak.Store(max(peak.Load(), resident(b)))
			}
		}})
		took := time.Since(start)
		peak.Store(max(peak.Load(), resident(b)))
		stop()
		all := <-waits
		if !storetest.OnPostgres() {
			b.ReportMetric(float64(d.logSize(b))/(1<<20), "MiB-log")
		}
		if err != nil || im.Valid != n {
			b.Fatalf("%+v, %v", im, err)
		}
		b.ReportMetric(float64(n)/took.Seconds(), "rows/s")
		b.ReportMetric(float64(peak.Load()-idle)/(1<<20), "MiB-above-idle")
		b.ReportMetric(float64(quantile(all, 0.5).Microseconds())/1000, "write-p50-ms")
		b.ReportMetric(float64(quantile(all, 0.99).Microseconds())/1000, "write-p99-ms")
		b.ReportMetric(float64(quantile(all, 1).Microseconds())/1000, "write-max-ms")
		b.ReportMetric(0, "ns/op")
		if os.Getenv("OVERTURE_BENCH_CLEAR") != "" {
			start = time.Now()
			if err := d.Clear(b.Context(), d.account, campaign); err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(time.Since(start).Seconds(), "clear-s")
		}
	}
}

// logSize is the size of SQLite's write-ahead log, which stays at the largest it was.
func (d *desk) logSize(b *testing.B) int64 {
	b.Helper()
	var seq int
	var name, file string
	if err := d.store.DB().Read.QueryRowContext(b.Context(), "PRAGMA database_list").Scan(&seq, &name, &file); err != nil {
		b.Fatal(err)
	}
	info, err := os.Stat(file + "-wal")
	if err != nil {
		b.Fatal(err)
	}
	return info.Size()
}

// waits writes one small row every 20 ms and tells how long each write took.
func (d *desk) waits(ctx context.Context, b *testing.B) []time.Duration {
	b.Helper()
	var all []time.Duration
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return all
		case <-tick.C:
		}
		start := time.Now()
		if _, err := d.store.DB().Write.ExecContext(context.WithoutCancel(ctx), `UPDATE brand SET name = $1 WHERE id = $2`, start.String(), d.brand); err != nil {
			b.Error(err)
		}
		all = append(all, time.Since(start))
	}
}

func quantile(all []time.Duration, q float64) time.Duration {
	if len(all) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(all))
	return sorted[int(q*float64(len(sorted)-1))]
}

// resident is the process's memory as the system sees it, in bytes.
func resident(t testing.TB) int64 {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Skip("memory is read from /proc")
	}
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kib, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			return kib << 10
		}
	}
	t.Fatal("no VmRSS")
	return 0
}
