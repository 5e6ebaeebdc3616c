package proof

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

// rss is the resident memory of a process in MiB; 0 where the system does not tell.
func rss(pid int) float64 {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kb, _ := strconv.Atoi(strings.Fields(rest)[0])
			return float64(kb) / 1024
		}
	}
	return 0
}

// cpuOf is the processor time a process has used, in user and system mode; 0 where the system does not tell. It counts in steps of 10 ms.
func cpuOf(pid int) time.Duration {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(stat), ") ") // the program's name may hold spaces
	fields := strings.Fields(rest)
	if len(fields) < 13 {
		return 0
	}
	user, _ := strconv.Atoi(fields[11])
	system, _ := strconv.Atoi(fields[12])
	return time.Duration(user+system) * 10 * time.Millisecond
}

// perMessage is processor time per message in microseconds.
func perMessage(cpu time.Duration, messages int64) float64 {
	return float64(cpu.Microseconds()) / float64(max(messages, 1))
}

// watchMemory samples processes every 50 ms; the returned function ends it and gives the peak of the largest in MiB.
func watchMemory(ctx context.Context, pids ...int) func() float64 {
	ctx, cancel := context.WithCancel(ctx)
	peak := 0.0
	var wg sync.WaitGroup
	wg.Go(func() {
		for ctx.Err() == nil {
			for _, pid := range pids {
				peak = max(peak, rss(pid))
			}
			select {
			case <-ctx.Done():
			case <-time.After(50 * time.Millisecond):
			}
		}
	})
	return func() float64 {
		cancel()
		wg.Wait()
		return peak
	}
}
