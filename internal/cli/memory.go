package cli

import (
	"fmt"
	"log/slog"
	"math"
	"os"
	"regexp"
	"runtime/debug"
	"strconv"
	"strings"
)

// heapGrowth is by how many percent the heap may grow beyond what lives before it is collected: rare collections save a good part of the
// collector's processor time while sending. What lives is a few tens of MiB, and the soft limit is there for when it is not. SQLite keeps
// its pages beside the heap, in the same process; PostgreSQL does not.
func heapGrowth(postgres bool) int {
	if postgres {
		return 300
	}
	return 200
}

// limitMemory sets the soft limit at which the garbage collector works harder rather than let the process grow. Under one, collections are
// as rare as growth says, unless GOGC says how often.
func limitMemory(setting string, growth int, log *slog.Logger) error {
	limit, from, err := memoryLimit(setting, os.Getenv("GOMEMLIMIT"), os.ReadFile)
	if err != nil {
		return err
	}
	if limit > 0 {
		debug.SetMemoryLimit(limit)
		log.Info("soft limit of memory", "mib", limit>>20, "from", from)
	}
	if os.Getenv("GOGC") == "" && debug.SetMemoryLimit(-1) < math.MaxInt64 {
		debug.SetGCPercent(growth)
	}
	return nil
}

// memoryLimit gives the limit in bytes and where it comes from; 0 leaves the runtime as it is.
func memoryLimit(setting, env string, read func(string) ([]byte, error)) (limit int64, from string, err error) {
	switch {
	case setting == "off":
		return math.MaxInt64, "--memory-limit", nil
	case setting != "auto" && setting != "":
		limit, err := parseBytes(setting)
		return limit, "--memory-limit", err
	case env != "":
		return 0, "", nil // the runtime has read it
	}
	const noLimit = 1 << 60 // cgroup v1 says no limit with a number close to the largest
	for _, path := range []string{"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"} {
		if raw, err := read(path); err == nil {
			if n, err := strconv.ParseInt(strings.TrimSpace(string(raw)), 10, 64); err == nil && n > 0 && n < noLimit {
				return n / 10 * 8, "the container", nil
			}
		}
	}
	if raw, err := read("/proc/meminfo"); err == nil {
		if m := memTotal.FindSubmatch(raw); m != nil {
			if n, err := strconv.ParseInt(string(m[1]), 10, 64); err == nil {
				return n << 10 / 2, "the machine", nil
			}
		}
	}
	return 0, "", nil
}

var (
	memTotal  = regexp.MustCompile(`(?m)^MemTotal:\s+(\d+) kB`)
	byteWords = regexp.MustCompile(`^(\d+)(B|KiB|MiB|GiB)?$`)
)

func parseBytes(text string) (int64, error) {
	m := byteWords.FindStringSubmatch(text)
	if m == nil {
		return 0, fmt.Errorf("--memory-limit: use auto, off or a size as 512MiB, not %q", text)
	}
	n, err := strconv.ParseInt(m[1], 10, 64)
	shift := map[string]int{"": 0, "B": 0, "KiB": 10, "MiB": 20, "GiB": 30}[m[2]]
	if err != nil || n > math.MaxInt64>>shift || n<<shift < 16<<20 {
		return 0, fmt.Errorf("--memory-limit: %q is not at least 16MiB", text)
	}
	return n << shift, nil
}
