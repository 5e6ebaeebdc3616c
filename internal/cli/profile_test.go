package cli

import (
	"os"
	"path/filepath"
	"testing"
)

func TestProfilesAreWritten(t *testing.T) {
	dir := t.TempDir()
	p := profiles{cpu: filepath.Join(dir, "cpu"), allocs: filepath.Join(dir, "allocs"), mutex: filepath.Join(dir, "mutex")}
	stop, err := p.start()
	if err != nil {
		t.Fatal(err)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{p.cpu, p.allocs, p.mutex} {
		if raw, err := os.ReadFile(path); err != nil || len(raw) < 2 || raw[0] != 0x1f || raw[1] != 0x8b {
			t.Errorf("%s: %d bytes, %v; want a compressed profile", filepath.Base(path), len(raw), err)
		}
	}
	p = profiles{cpu: filepath.Join(dir, "missing", "cpu")}
	if _, err := p.start(); err == nil {
		t.Error("a profile that cannot be written is no error")
	}
}
