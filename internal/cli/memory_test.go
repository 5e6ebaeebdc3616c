package cli

import (
	"errors"
	"log/slog"
	"math"
	"runtime/debug"
	"testing"
)

func TestMemoryLimit(t *testing.T) {
	machine := map[string]string{"/proc/meminfo": "MemFree: 1 kB\nMemTotal:       2048000 kB\n"}
	container := map[string]string{"/sys/fs/cgroup/memory.max": "1000000000\n", "/proc/meminfo": machine["/proc/meminfo"]}
	unlimited := map[string]string{"/sys/fs/cgroup/memory.max": "max\n", "/sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712", "/proc/meminfo": machine["/proc/meminfo"]}
	for _, c := range []struct {
		setting, env string
		files        map[string]string
		want         int64
		wrong        bool
	}{
		{"auto", "", container, 800_000_000, false},
		{"auto", "", unlimited, 1_048_576_000, false},
		{"auto", "", machine, 1_048_576_000, false},
		{"auto", "", nil, 0, false},
		{"auto", "512MiB", container, 0, false},
		{"300MiB", "512MiB", container, 300 << 20, false},
		{"off", "", container, math.MaxInt64, false},
		{"1KiB", "", nil, 0, true},
		{"99999999999GiB", "", nil, 0, true},
		{"much", "", nil, 0, true},
	} {
		got, _, err := memoryLimit(c.setting, c.env, func(path string) ([]byte, error) {
			if text, ok := c.files[path]; ok {
				return []byte(text), nil
			}
			return nil, errors.New("no such file")
		})
		if got != c.want || (err != nil) != c.wrong {
			t.Errorf("--memory-limit %s with %d files: %d, %v; want %d", c.setting, len(c.files), got, err, c.want)
		}
	}
}

func TestUnderALimitGarbageIsCollectedLessOften(t *testing.T) {
	limit, percent := debug.SetMemoryLimit(-1), debug.SetGCPercent(100)
	defer func() { debug.SetMemoryLimit(limit); debug.SetGCPercent(percent) }()
	for _, c := range []struct {
		setting, gogc string
		want          int
	}{
		{"512MiB", "", heapGrowth(true)},
		{"512MiB", "50", 70},
		{"off", "", 70},
	} {
		t.Setenv("GOGC", c.gogc)
		debug.SetGCPercent(70)
		if err := limitMemory(c.setting, heapGrowth(true), slog.New(slog.DiscardHandler)); err != nil {
			t.Fatal(err)
		}
		if got := debug.SetGCPercent(70); got != c.want {
			t.Errorf("--memory-limit %s, GOGC=%q: collected at %d %%, want %d", c.setting, c.gogc, got, c.want)
		}
	}
}
