package proof

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// cluster is a PostgreSQL server of a fault's own: a temporary folder, a port of its own on loopback, no password. Nobody else's is touched.
type cluster struct {
	dir     string
	bin     string
	port    int
	prepare func(*exec.Cmd)
	options string // more of the server's command line
}

// newCluster makes and starts one, or skips the fault where this machine cannot.
func newCluster(ctx context.Context, s *Scene, name string) (*cluster, error) {
	bin := postgresPrograms()
	if bin == "" {
		return nil, &skip{"no initdb and pg_ctl of PostgreSQL on this machine"}
	}
	c, err := emptyCluster(s, name, bin)
	if err != nil {
		return nil, err
	}
	if err := c.run(ctx, "initdb", "-D", c.data(), "-A", "trust", "-U", "postgres", "-N", "-E", "UTF8", "--locale=C"); err != nil {
		return nil, err
	}
	return c, c.start(ctx)
}

func emptyCluster(s *Scene, name, bin string) (*cluster, error) {
	dir, err := os.MkdirTemp("", "overture-pg-"+name+"-") // not below the scene's folder, which only we may enter
	if err != nil {
		return nil, fmt.Errorf("cluster folder: %w", err)
	}
	s.Undo(func() { _ = os.RemoveAll(dir) })
	prepare, why := asUnprivileged(dir)
	if why != "" {
		return nil, &skip{why}
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	c := &cluster{dir: dir, bin: bin, port: port, prepare: prepare}
	s.Undo(func() { c.end() })
	return c, nil
}

// postgresPrograms finds the folder of the server's programs, the newest version's.
func postgresPrograms() string {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	sort.Slice(found, func(i, j int) bool { return versionOf(found[i]) < versionOf(found[j]) })
	if len(found) > 0 {
		return filepath.Dir(found[len(found)-1])
	}
	if path, err := exec.LookPath("initdb"); err == nil {
		if real, err := filepath.EvalSymlinks(path); err == nil {
			if _, err := os.Stat(filepath.Join(filepath.Dir(real), "pg_ctl")); err == nil {
				return filepath.Dir(real)
			}
		}
	}
	return ""
}

func versionOf(path string) int {
	n, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(path))))
	return n
}

func (c *cluster) data() string    { return filepath.Join(c.dir, "data") }
func (c *cluster) address() string { return "127.0.0.1:" + strconv.Itoa(c.port) }

// urlAt is a database URL over another address, as through a link.
func urlAt(address string) string {
	return "postgres://postgres@" + address + "/postgres?sslmode=disable"
}

func (c *cluster) run(ctx context.Context, program string, args ...string) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	out, err := os.CreateTemp("", "overture-pg-out-") // a file: the server would hold a pipe open for ever
	if err != nil {
		return fmt.Errorf("%s: %w", program, err)
	}
	defer func() { _ = out.Close(); _ = os.Remove(out.Name()) }()
	cmd := exec.CommandContext(ctx, filepath.Join(c.bin, program), args...)
	cmd.Stdout, cmd.Stderr, cmd.Dir = out, out, c.dir
	c.prepare(cmd)
	if err := cmd.Run(); err != nil {
		words, _ := os.ReadFile(out.Name())
		log, _ := os.ReadFile(filepath.Join(c.dir, "log"))
		return fmt.Errorf("%s: %w: %s %s", program, err, words, log[max(0, len(log)-600):])
	}
	return nil
}

func (c *cluster) start(ctx context.Context) error {
	o := fmt.Sprintf("-p %d -c listen_addresses=127.0.0.1 -c unix_socket_directories=%s -c max_connections=60 -c wal_level=replica -c shared_buffers=64MB %s",
		c.port, c.dir, c.options)
	return c.run(ctx, "pg_ctl", "start", "-w", "-D", c.data(), "-o", o, "-l", filepath.Join(c.dir, "log"))
}

func (c *cluster) stop(ctx context.Context) error {
	return c.run(ctx, "pg_ctl", "stop", "-m", "immediate", "-D", c.data())
}

// end leaves nothing behind, whatever state the server is in.
func (c *cluster) end() {
	_ = c.tell(syscall.SIGKILL)
}

// pids are the server's processes, the postmaster first.
func (c *cluster) pids() []int {
	raw, err := os.ReadFile(filepath.Join(c.data(), "postmaster.pid"))
	if err != nil {
		return nil
	}
	first, _, _ := strings.Cut(string(raw), "\n")
	master, err := strconv.Atoi(strings.TrimSpace(first))
	if err != nil || master <= 1 {
		return nil
	}
	pids := []int{master}
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, name := range stats {
		b, err := os.ReadFile(name)
		if err != nil {
			continue
		}
		// pid (name) state ppid …; the name may contain spaces and brackets.
		rest := string(b[strings.LastIndexByte(string(b), ')')+1:])
		if f := strings.Fields(rest); len(f) > 1 && f[1] == strconv.Itoa(master) {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(name)))
			pids = append(pids, pid)
		}
	}
	return pids
}

// tell sends every process of the server a signal.
func (c *cluster) tell(sig syscall.Signal) error {
	var errs []error
	for _, pid := range c.pids() {
		if p, err := os.FindProcess(pid); err == nil {
			if err := p.Signal(sig); !errors.Is(err, os.ErrProcessDone) {
				errs = append(errs, err)
			}
		}
	}
	return errors.Join(errs...)
}

// standby makes a copy that follows, and starts it.
func (c *cluster) standby(ctx context.Context, s *Scene) (*cluster, error) {
	b, err := emptyCluster(s, "standby", c.bin)
	if err != nil {
		return nil, err
	}
	err = b.run(ctx, "pg_basebackup", "-h", "127.0.0.1", "-p", strconv.Itoa(c.port), "-U", "postgres", "-D", b.data(), "-R", "-X", "stream", "-c", "fast")
	if err != nil {
		return nil, err
	}
	return b, b.start(ctx)
}

func (c *cluster) promote(ctx context.Context) error {
	return c.run(ctx, "pg_ctl", "promote", "-w", "-D", c.data())
}

// sql runs a statement as the superuser.
func (c *cluster) sql(ctx context.Context, statement string) error {
	return c.run(ctx, "psql", "-h", "127.0.0.1", "-p", strconv.Itoa(c.port), "-U", "postgres", "-v", "ON_ERROR_STOP=1", "-c", statement)
}
