package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/lab"
	"github.com/overture-im/overture/internal/store"
	"github.com/overture-im/overture/internal/store/storetest"
)

// world is what runs in one story.
type world struct {
	t        testing.TB
	database []string // flags that name the database
	store    store.Options
	procs    map[string]*process
	listen   map[string]string // the same address after a restart
}

type process struct {
	cmd   *exec.Cmd
	log   *safeBuffer
	ended chan struct{}
	err   error
}

type worldKey struct{}

func worldOf(ts *testscript.TestScript) *world {
	w, ok := ts.Value(worldKey{}).(*world)
	if !ok {
		ts.Fatalf("the story has no world")
	}
	return w
}

func setUp(t *testing.T, env *testscript.Env) error {
	t.Helper()
	w := &world{t: t, procs: map[string]*process{}, listen: map[string]string{}}
	env.Values[worldKey{}] = w
	env.Defer(w.cleanUp)
	options := storetest.Options(t)
	options.DataDir = filepath.Join(env.WorkDir, "data")
	w.store, w.database = options, []string{"--data-dir", options.DataDir}
	if options.DatabaseURL != "" {
		w.database = append(w.database, "--database-url", options.DatabaseURL)
	}
	env.Setenv("HOME", env.WorkDir)
	env.Setenv("PROGRAM", binary)
	env.Setenv("XDG_CONFIG_HOME", filepath.Join(env.WorkDir, "config"))
	return nil
}

// expand puts the flags of the story's database where DATABASE stands.
func (w *world) expand(args []string) []string {
	var out []string
	for _, a := range args {
		if a == "DATABASE" {
			out = append(out, w.database...)
			continue
		}
		out = append(out, a)
	}
	return out
}

// cleanUp kills what still runs and shows the logs of a story that failed.
func (w *world) cleanUp() {
	for name, p := range w.procs {
		_ = p.cmd.Process.Kill() // it may be gone
		<-p.ended
		if w.t.Failed() {
			w.t.Logf("log of the %s:\n%s", name, p.log.String())
		}
	}
}

// quick are the waiting times of the send protocol as short as the lab allows.
var quick = []string{"--lab", "--client-timeout", "2s", "--send-deadline", "2s", "--provider-delay", "1s", "--lookup-spacing", "1s", "--lease-ttl", "2s", "--log-level", "warn"}

func start(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, 1, "start lab|server [FLAG…]")
	w, name := worldOf(ts), args[0]
	if w.procs[name] != nil {
		ts.Fatalf("the %s runs already", name)
	}
	if w.listen[name] == "" {
		w.listen[name] = freeAddress(ts)
	}
	address := w.listen[name]
	var cmd []string
	switch name {
	case "lab":
		cmd = []string{"lab", "--listen", address, "--ledger", ts.MkAbs("ledger.ndjson")}
		ts.Setenv("LAB", "http://"+address)
	case "server":
		cmd = append(append([]string{"serve", "--listen", address}, w.database...), quick...)
		ts.Setenv("OVERTURE_URL", "http://"+address)
	default:
		ts.Fatalf("start lab or server, not %s", name)
	}
	p := &process{cmd: exec.CommandContext(context.Background(), binary, append(cmd, args[1:]...)...), log: &safeBuffer{}, ended: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = p.log, p.log
	ts.Check(p.cmd.Start())
	go func() { p.err = p.cmd.Wait(); close(p.ended) }()
	w.procs[name] = p
	p.await(ts, map[string]string{"lab": "http://" + address + "/lab/health", "server": "http://" + address + "/livez"}[name])
}

// await returns when the process answers.
func (p *process) await(ts *testscript.TestScript, url string) {
	deadline := time.Now().Add(patience)
	for time.Now().Before(deadline) {
		if answers(url) {
			return
		}
		select {
		case <-p.ended:
			ts.Fatalf("it ended at its start: %v\n%s", p.err, p.log.String())
		default:
			rest()
		}
	}
	ts.Fatalf("%s does not answer\n%s", url, p.log.String())
}

func answers(url string) bool {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return false
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

func end(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, 1, "end lab|server")
	p := worldOf(ts).signal(ts, args[0], syscall.SIGTERM)
	if p.err != nil {
		ts.Fatalf("the %s did not end well: %v\n%s", args[0], p.err, p.log.String())
	}
}

func crash(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, 1, "crash lab|server")
	worldOf(ts).signal(ts, args[0], syscall.SIGKILL)
}

func (w *world) signal(ts *testscript.TestScript, name string, sig syscall.Signal) *process {
	p := w.procs[name]
	if p == nil {
		ts.Fatalf("no %s runs", name)
	}
	ts.Check(p.cmd.Process.Signal(sig))
	select {
	case <-p.ended:
	case <-time.After(patience):
		ts.Fatalf("the %s did not end\n%s", name, p.log.String())
	}
	delete(w.procs, name)
	return p
}

func freeAddress(ts *testscript.TestScript) string {
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	ts.Check(err)
	defer l.Close()
	return l.Addr().String()
}

// rest is the pause between two looks at something outside this process.
func rest() {
	timer := time.NewTimer(50 * time.Millisecond)
	defer timer.Stop()
	<-timer.C
}

func secret(key string) overture.Secret { return overture.Secret(key) }

func rulesOf(text string) ([]lab.Rule, error) {
	var rules []lab.Rule
	d := json.NewDecoder(strings.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&rules); err != nil {
		return nil, fmt.Errorf("script: %w", err)
	}
	return rules, nil
}

// safeBuffer keeps what a process says.
type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}
