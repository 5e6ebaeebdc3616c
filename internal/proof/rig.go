package proof

import (
	"bufio"
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
	Binary      string   // the real program
	Dir         string   // empty folder for data, logs and the lab's ledger
	DatabaseURL string   // postgres://…: a schema of its own is made there and dropped; empty: SQLite in Dir
	ServeFlags  []string // more flags of "overture serve"
	SenderRate  int      // segments per second of the sender; 0: practically unlimited
	Ledger      bool     // the lab keeps its ledger on disk
}

// Rig is a real server and a real carrier lab as processes of their own, with one account, brand, skill and sender.
type Rig struct {
	o      RigOptions
	Lab    *lab.Client
	API    *client.Client
	Sender client.Sender
	Skill  string

	labURL    string
	listen    string
	serveArgs []string
	server    *exec.Cmd
	labCmd    *exec.Cmd
	exited    chan error
	store     store.Options
	cleanup   []func()
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
	port, err := freePort()
	if err != nil {
		return err
	}
	r.listen = "127.0.0.1:" + strconv.Itoa(port)
	if err := r.startLab(ctx); err != nil {
		return err
	}
	database := []string{"--data-dir", r.store.DataDir}
	if r.store.DatabaseURL != "" {
		database = append(database, "--database-url", r.store.DatabaseURL)
	}
	admin := exec.CommandContext(ctx, r.o.Binary, append([]string{"admin", "create", "--account", "Rig", "--email", rigEmail, "--password-stdin"}, database...)...)
	admin.Stdin = strings.NewReader(rigPassword + "\n")
	if out, err := admin.CombinedOutput(); err != nil {
		return fmt.Errorf("admin create: %w: %s", err, out)
	}
	r.serveArgs = append(append([]string{"serve", "--listen", r.listen, "--public-url", "http://" + r.listen, "--lab", "--log-level", "warn"}, database...), r.o.ServeFlags...)
	if err := r.Start(ctx); err != nil {
		return err
	}
	return r.furnish(ctx)
}

func (r *Rig) startLab(ctx context.Context) error {
	args := []string{"lab", "--listen", "127.0.0.1:0"}
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
	if r.API, err = client.New(client.Options{URL: "http://" + r.listen, Tries: 20}); err != nil {
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
	rate := r.o.SenderRate
	if rate == 0 {
		rate = 100_000
	}
	if err := r.Lab.AddAccount(ctx, rigSID, rigToken); err != nil {
		return err
	}
	if r.Sender, err = r.API.CreateSender(ctx, client.NewSender{
		Brand: brand.ID, Name: "Rig number", Channel: "sms", Provider: "twilio", Address: rigNumber,
		BaseURL: r.labURL, AccountSID: rigSID, AuthToken: rigToken, Rate: rate,
	}); err != nil {
		return fmt.Errorf("create sender: %w", err)
	}
	return r.Lab.SetNumber(ctx, lab.Number{Number: rigNumber, AccountSID: rigSID, InboundURL: r.Sender.InboundURL})
}

// Start runs the server and waits until it answers.
func (r *Rig) Start(ctx context.Context) error {
	log, err := os.OpenFile(filepath.Join(r.o.Dir, "server.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("server log: %w", err)
	}
	defer func() { _ = log.Close() }()
	cmd := exec.CommandContext(ctx, r.o.Binary, r.serveArgs...)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start server: %w", err)
	}
	r.server, r.exited = cmd, make(chan error, 1)
	go func() { r.exited <- cmd.Wait() }()
	for {
		if err := r.alive(ctx); err == nil {
			return nil
		}
		select {
		case err := <-r.exited:
			r.server = nil
			tail, _ := os.ReadFile(filepath.Join(r.o.Dir, "server.log"))
			return fmt.Errorf("the server ended at its start: %w: %s", err, tail[max(0, len(tail)-2000):])
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func (r *Rig) alive(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+r.listen+"/livez", nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	return resp.Body.Close()
}

// Signal ends the server with a signal and waits until the process is gone: nobody else may answer on its port.
func (r *Rig) Signal(sig syscall.Signal) error {
	if r.server == nil {
		return nil
	}
	if err := r.server.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("signal server: %w", err)
	}
	defer func() { r.server = nil }()
	select {
	case <-r.exited: //nolint:errcheck // how it ended is the signal's doing
		return nil
	case <-time.After(40 * time.Second): // longer than the server's own time to finish what is in flight
		return errors.Join(errors.New("the server did not end when told to"), r.server.Process.Kill())
	}
}

// StatusURL is where receipts of the rig's sender go, without a query.
func (r *Rig) StatusURL() string {
	return strings.TrimSuffix(r.Sender.InboundURL, "inbound") + "status"
}

// PID of the server process.
func (r *Rig) PID() int { return r.server.Process.Pid }

// URL of the server.
func (r *Rig) URL() string { return "http://" + r.listen }

// LabURL is the lab's address.
func (r *Rig) LabURL() string { return r.labURL }

// Launch makes a campaign to n fictional recipients, uploads its list and launches it. It returns the campaign's id.
func (r *Rig) Launch(ctx context.Context, name string, first, n int) (string, error) {
	return r.LaunchAt(ctx, name, first, n, nil)
}

// LaunchAt launches for later, so that the list is planned before the first message is due; nil is now.
func (r *Rig) LaunchAt(ctx context.Context, name string, first, n int, at *time.Time) (string, error) {
	c, err := r.Draft(ctx, name, 0)
	if err != nil {
		return "", err
	}
	file := io.NewSectionReader(listOf(first, n), 0, int64(n)*listRow)
	if _, err := r.API.Upload(ctx, c, file, "people.csv", nil, nil); err != nil {
		return "", fmt.Errorf("upload list: %w", err)
	}
	if _, err := r.API.Launch(ctx, c, true, at, "launch-"+c); err != nil {
		return "", fmt.Errorf("launch: %w", err)
	}
	return c, nil
}

// Draft makes a draft campaign that is always inside its window. A rate of 0 is as fast as the sender.
func (r *Rig) Draft(ctx context.Context, name string, rate int) (string, error) {
	window := map[string]any{}
	for _, d := range []string{"mon", "tue", "wed", "thu", "fri", "sat", "sun"} {
		window[d] = []string{"00:00", "24:00"}
	}
	if rate == 0 {
		rate = 100_000
	}
	c, err := r.API.CreateCampaign(ctx, client.Draft{
		Name: name, Channel: "sms", Sender: r.Sender.ID, Skill: r.Skill,
		Text: "Hello {{1}}, your order is ready.", Rate: rate, Window: window, OpenConversation: "deliver",
	}, "")
	if err != nil {
		return "", fmt.Errorf("create campaign: %w", err)
	}
	return c.ID, nil
}

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
			var id overture.MessageID
			if id.Parse(e.MessageID) != nil {
				continue // not ours: another program used the lab
			}
			if !yield(LedgerEntry{MessageID: id, ProviderID: e.SID, Body: e.Body}, nil) {
				return
			}
		}
	}
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
