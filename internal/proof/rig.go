package proof

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/client"
	"github.com/overture-im/overture/internal/lab"
	"github.com/overture-im/overture/internal/store"
)

// RigOptions say what to run. All traffic stays on loopback.
type RigOptions struct {
	Binary      string                  // the real program
	Dir         string                  // empty folder for data, logs and the lab's ledger
	DatabaseURL string                  // postgres://…: a schema of its own is made there and dropped; empty: SQLite in Dir
	ServeFlags  []string                // more flags of "overture serve"
	NodeFlags   func(node int) []string // and those in which the nodes differ; nil: none
	SenderRate  int                     // segments per second of the sender; 0: practically unlimited
	Ledger      bool                    // the lab keeps its ledger on disk
	Texts       int                     // how many different texts the lab keeps; 0: its default, -1: all
	Senders     int                     // 0: 1
	Nodes       int                     // servers on one PostgreSQL behind one address; 0: 1
	ViaLink     bool                    // the sender reaches the lab through Rig.Wire
	Wrap        []string                // a program that runs the server, as ulimit or strace
	Env         []string                // of the first start of every node
	// Via gives the servers another way to the database than the rig itself has.
	Via func(databaseURL string) string
}

// Rig is a real server and a real carrier lab as processes of their own, with one account, brand, skill and sender.
type Rig struct {
	o      RigOptions
	Lab    *lab.Client
	API    *client.Client
	Sender client.Sender // the first of Senders
	Skill  string

	Senders []client.Sender

	Wire  *Link // between server and lab, with RigOptions.ViaLink
	Front *Link // the address of several nodes; nil with one

	labURL  string
	public  string // host:port that clients and the lab call
	nodes   []*node
	labCmd  *exec.Cmd
	store   store.Options
	cleanup []func()
}

// node is one server process of a rig.
type node struct {
	number int
	listen string
	args   []string
	log    string
	cmd    *exec.Cmd // nil: not running
	exited chan error
}

// The rig's sign-in. The data lives as long as the run.
const (
	rigEmail    = "rig@example.test"
	rigPassword = "a long enough rig password"
	rigNumber   = "+15005550006"
	rigSID      = "AC00000000000000000000000000000001"
	rigToken    = "rig-auth-token"
)

// NewRig starts lab and server and sets the account up. Close ends both.
func NewRig(ctx context.Context, o RigOptions) (*Rig, error) {
	r := &Rig{o: o, store: store.Options{DataDir: filepath.Join(o.Dir, "data"), DatabaseURL: o.DatabaseURL}}
	if err := r.build(ctx); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	return r, nil
}

func (r *Rig) build(ctx context.Context) error {
	if r.o.DatabaseURL != "" {
		url, drop, err := store.ScratchSchema(ctx, r.o.DatabaseURL)
		if err != nil {
			return err
		}
		r.store.DatabaseURL = url
		r.cleanup = append(r.cleanup, drop)
	}
	if err := r.startLab(ctx); err != nil {
		return err
	}
	if err := r.placeNodes(); err != nil {
		return err
	}
	if err := r.admin(ctx, rigPassword+"\n", "create", "--account", "Rig", "--email", rigEmail, "--password-stdin"); err != nil {
		return err
	}
	for i := range r.nodes {
		if err := r.StartNode(ctx, i, r.o.Env...); err != nil {
			return err
		}
	}
	return r.furnish(ctx)
}

// admin does what only those can who have the machine.
func (r *Rig) admin(ctx context.Context, stdin string, command ...string) error {
	cmd := exec.CommandContext(ctx, r.o.Binary, append(append([]string{"admin"}, command...), r.database()...)...)
	cmd.Stdin = strings.NewReader(stdin)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("admin %s: %w: %s", command[0], err, out)
	}
	return nil
}

func (r *Rig) database() []string {
	database := []string{"--data-dir", r.store.DataDir}
	if url := r.store.DatabaseURL; url != "" {
		if r.o.Via != nil {
			url = r.o.Via(url)
		}
		database = append(database, "--database-url", url)
	}
	return database
}

// placeNodes gives every node its address. Several stand behind one, as behind a load balancer.
func (r *Rig) placeNodes() error {
	var targets []string
	for i := range max(r.o.Nodes, 1) {
		port, err := freePort()
		if err != nil {
			return err
		}
		n := &node{number: i, listen: "127.0.0.1:" + strconv.Itoa(port), log: filepath.Join(r.o.Dir, fmt.Sprintf("server%d.log", i))}
		targets = append(targets, n.listen)
		r.nodes = append(r.nodes, n)
	}
	r.public = targets[0]
	if len(targets) > 1 {
		front, err := NewLink(targets...)
		if err != nil {
			return fmt.Errorf("one address for all nodes: %w", err)
		}
		r.Front, r.public = front, front.Addr()
		r.cleanup = append(r.cleanup, front.Close)
	}
	for _, n := range r.nodes {
		n.args = append(append([]string{
			"serve", "--listen", n.listen, "--public-url", "http://" + r.public, "--lab", "--log-level", "warn",
			"--node", strconv.Itoa(n.number),
		}, r.database()...), r.o.ServeFlags...)
		if r.o.NodeFlags != nil {
			n.args = append(n.args, r.o.NodeFlags(n.number)...)
		}
	}
	return nil
}

func (r *Rig) startLab(ctx context.Context) error {
	args := []string{"lab", "--listen", "127.0.0.1:0"}
	if r.o.Texts != 0 {
		args = append(args, "--texts", strconv.Itoa(r.o.Texts))
	}
	if r.o.Ledger {
		args = append(args, "--ledger", filepath.Join(r.o.Dir, "ledger.ndjson"))
	}
	r.labCmd = exec.CommandContext(ctx, r.o.Binary, args...)
	out, err := r.labCmd.StdoutPipe()
	if err != nil {
		return fmt.Errorf("start lab: %w", err)
	}
	if err := r.labCmd.Start(); err != nil {
		return fmt.Errorf("start lab: %w", err)
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if _, url, ok := strings.Cut(lines.Text(), "lab listens on "); ok {
			r.labURL = strings.TrimSpace(url)
			go func() { _, _ = io.Copy(io.Discard, out) }()
			r.Lab = lab.NewClient(r.labURL)
			return nil
		}
	}
	return errors.New("the lab ended before it listened")
}

// furnish makes brand, skill and sender, and tells the lab about the number.
func (r *Rig) furnish(ctx context.Context) error {
	var err error
	if r.API, err = client.New(client.Options{URL: "http://" + r.public, Tries: 20}); err != nil {
		return err
	}
	if err := r.API.SignIn(ctx, rigEmail, rigPassword); err != nil {
		return fmt.Errorf("sign in: %w", err)
	}
	brand, err := r.API.CreateBrand(ctx, "Rig brand")
	if err != nil {
		return fmt.Errorf("create brand: %w", err)
	}
	skill, err := r.API.CreateSkill(ctx, "Rig skill")
	if err != nil {
		return fmt.Errorf("create skill: %w", err)
	}
	r.Skill = skill.ID
	rate := cmp.Or(r.o.SenderRate, 100_000)
	if err := r.Lab.AddAccount(ctx, rigSID, rigToken); err != nil {
		return err
	}
	base := r.labURL
	if r.o.ViaLink {
		if r.Wire, err = NewLink(strings.TrimPrefix(r.labURL, "http://")); err != nil {
			return fmt.Errorf("link to the lab: %w", err)
		}
		r.cleanup = append(r.cleanup, r.Wire.Close)
		base = "http://" + r.Wire.Addr()
	}
	for i := range max(r.o.Senders, 1) {
		number := rigNumber
		if i > 0 {
			number = fmt.Sprintf("+1500555%04d", 100+i)
		}
		sender, err := r.API.CreateSender(ctx, client.NewSender{
			Brand: brand.ID, Name: fmt.Sprintf("Rig number %d", i+1), Channel: "sms", Provider: "twilio", Address: number,
			BaseURL: base, AccountSID: rigSID, AuthToken: rigToken, Rate: rate,
		})
		if err != nil {
			return fmt.Errorf("create sender: %w", err)
		}
		r.Senders = append(r.Senders, sender)
		if err := r.Lab.SetNumber(ctx, lab.Number{Number: number, AccountSID: rigSID, InboundURL: sender.InboundURL}); err != nil {
			return err
		}
	}
	r.Sender = r.Senders[0]
	return nil
}

// Once gives a client that tries each call only once, so that every refusal shows.
func (r *Rig) Once(ctx context.Context) (*client.Client, error) {
	once, err := client.New(client.Options{URL: r.URL(), Tries: 1})
	if err != nil {
		return nil, err
	}
	if err := once.SignIn(ctx, rigEmail, rigPassword); err != nil {
		return nil, fmt.Errorf("sign in: %w", err)
	}
	return once, nil
}

// Start runs every node that is not running and waits until each answers.
func (r *Rig) Start(ctx context.Context) error {
	for i := range r.nodes {
		if err := r.StartNode(ctx, i); err != nil {
			return err
		}
	}
	return nil
}

// StartNode runs one node, with more environment, and waits until it answers. It does nothing when the node runs.
func (r *Rig) StartNode(ctx context.Context, i int, env ...string) error {
	n := r.nodes[i]
	if n.cmd != nil {
		return nil
	}
	log, err := os.OpenFile(n.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("server log: %w", err)
	}
	defer func() { _ = log.Close() }()
	line := append(append(slices.Clone(r.o.Wrap), r.o.Binary), n.args...)
	cmd := exec.CommandContext(ctx, line[0], line[1:]...)
	cmd.Stdout, cmd.Stderr, cmd.Env = log, log, append(os.Environ(), env...)
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start server: %w", err)
	}
	n.cmd, n.exited = cmd, make(chan error, 1)
	go func() { n.exited <- cmd.Wait() }()
	for {
		if err := r.answers(ctx, n.listen, "/livez"); err == nil {
			return nil
		}
		select {
		case err := <-n.exited:
			n.cmd = nil
			return fmt.Errorf("the server ended at its start: %w: %s", err, r.LogTail(i))
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// LogTail gives the last words of a node.
func (r *Rig) LogTail(i int) string {
	tail, _ := os.ReadFile(r.nodes[i].log) // no log, no words
	return string(tail[max(0, len(tail)-2000):])
}

// answers asks one node and gives an error unless it says 2xx within a second.
func (r *Rig) answers(ctx context.Context, listen, path string) error {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second) // a readiness write has 2 s
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+listen+path, nil)
	if err != nil {
		return err
	}
	req.Close = true // nobody may answer for a dead server
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	if err := resp.Body.Close(); err != nil || resp.StatusCode < 300 {
		return err
	}
	return fmt.Errorf("%s answers %s", path, resp.Status)
}

// Ready tells whether a node wants traffic.
func (r *Rig) Ready(ctx context.Context, i int) error {
	return r.answers(ctx, r.nodes[i].listen, "/readyz")
}

// Signal ends every node with a signal and waits until the processes are gone: nobody else may answer on their ports.
func (r *Rig) Signal(sig syscall.Signal) error {
	var errs []error
	for _, n := range r.nodes {
		if n.cmd != nil {
			errs = append(errs, n.signal(sig))
		}
	}
	for i := range r.nodes {
		errs = append(errs, r.Gone(i, 40*time.Second)) // longer than the server's own time to finish what is in flight
	}
	return errors.Join(errs...)
}

// SignalNode ends one node with a signal and waits until it is gone.
func (r *Rig) SignalNode(i int, sig syscall.Signal) error {
	if r.nodes[i].cmd == nil {
		return nil
	}
	return errors.Join(r.nodes[i].signal(sig), r.Gone(i, 40*time.Second))
}

// Tell sends a node a signal that does not end it, as SIGSTOP and SIGCONT.
func (r *Rig) Tell(i int, sig syscall.Signal) error { return r.nodes[i].signal(sig) }

func (n *node) signal(sig syscall.Signal) error {
	if err := n.cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("signal server: %w", err)
	}
	return nil
}

// Gone waits until a node has ended, however it did; after the time it is killed, and that is an error.
func (r *Rig) Gone(i int, within time.Duration) error {
	n := r.nodes[i]
	if n.cmd == nil {
		return nil
	}
	defer func() { n.cmd = nil }()
	select {
	case <-n.exited: //nolint:errcheck // how it ended is the signal's doing
		return nil
	case <-time.After(within):
		err := errors.Join(fmt.Errorf("node %d did not end within %v", i, within), n.cmd.Process.Kill())
		<-n.exited //nolint:errcheck // killed
		return err
	}
}

// StatusURL is where receipts of the rig's sender go, without a query.
func (r *Rig) StatusURL() string {
	return strings.TrimSuffix(r.Sender.InboundURL, "inbound") + "status"
}

// PID of the first server process.
func (r *Rig) PID() int { return r.NodePID(0) }

// NodePID of a running server process.
func (r *Rig) NodePID(i int) int { return r.nodes[i].cmd.Process.Pid }

// URL of the server, or of all nodes together.
func (r *Rig) URL() string { return "http://" + r.public }

// LabURL is the lab's address.
func (r *Rig) LabURL() string { return r.labURL }

// Verify stops nothing: call it after the server ended. It opens the database and compares it with the lab's ledger.
func (r *Rig) Verify(ctx context.Context) (Report, error) {
	s, err := store.Open(ctx, r.store)
	if err != nil {
		return Report{}, err
	}
	defer s.Close()
	return Verify(ctx, s, LabLedger(ctx, r.Lab))
}

// Store opens the rig's database; the server must be stopped when it is SQLite.
func (r *Rig) Store(ctx context.Context) (*store.Store, error) { return store.Open(ctx, r.store) }

// LabLedger reads a lab's ledger as a provider's record.
func LabLedger(ctx context.Context, c *lab.Client) iter.Seq2[LedgerEntry, error] {
	return func(yield func(LedgerEntry, error) bool) {
		for e, err := range c.Ledger(ctx, 0) {
			if err != nil {
				yield(LedgerEntry{}, err)
				return
			}
			if entry, ours := entryOf(e); ours && !yield(entry, nil) {
				return
			}
		}
	}
}

// entryOf reads one entry; ours is false when another program used the lab.
func entryOf(e lab.Entry) (entry LedgerEntry, ours bool) {
	var id overture.MessageID
	if id.Parse(e.MessageID) != nil {
		return entry, false
	}
	return LedgerEntry{MessageID: id, ProviderID: e.SID, Body: e.Body, Asked: e.RequestedAt, Accepted: e.AcceptedAt}, true
}

// Close ends server and lab and drops what was made.
func (r *Rig) Close() error {
	err := r.Signal(syscall.SIGKILL)
	if r.labCmd != nil && r.labCmd.Process != nil {
		_ = r.labCmd.Process.Signal(syscall.SIGTERM)
		_ = r.labCmd.Wait()
	}
	for _, f := range r.cleanup {
		f()
	}
	return err
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // local and immediate
	if err != nil {
		return 0, fmt.Errorf("find a free port: %w", err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil //nolint:forcetypeassert // a TCP listener has a TCP address
}
