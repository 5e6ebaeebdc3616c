package demo

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/app"
	"github.com/overture-im/overture/internal/client"
	"github.com/overture-im/overture/internal/lab"
)

// stage is everything the demo runs.
type stage struct {
	out    io.Writer
	log    *slog.Logger
	dir    string
	began  time.Time // when the server started
	closes []func() error

	options app.Options
	server  *app.App
	labURL  string
	lab     *lab.Client
	key     string

	admin, manager, agent *client.Client
	people                []person
	brand                 string
	skills                map[string]string // id by name
	sender                client.Sender     // of the story
	others                map[string]client.Sender
}

type person struct{ role, email, password string }

const (
	adminEmail = "admin@demo.example"
	fromNumber = "+16465550199"
	rate       = 80 // segments per second: fast enough for a story, slow enough to watch

	offers, loyalty, orders = "Spring offers", "Loyalty", "Orders" // skills; the other two name their own senders too
	loyaltyNumber           = "+16465550198"
	ordersNumber            = "+16465550197"
)

// calm is how the lab behaves towards every sender.
var calm = lab.Profile{LatencyMS: 20, JitterMS: 30, DeliveredAfterMS: 400, DeliveryJitterMS: 800, QuietSending: true}

// fast are the waiting times of the send protocol, shortened as only the lab allows: its record shows an accepted message at once.
func fast() app.SendSettings {
	return app.SendSettings{Connections: 64, ClientTimeout: 3 * time.Second, Deadline: 3 * time.Second, ProviderDelay: time.Second, LookupSpacing: time.Second, HoldAfter: 2 * time.Second}
}

// hurried is for the days before, which go by while somebody waits: a doubt is looked into after two and a half seconds.
func hurried() app.SendSettings {
	f := fast()
	f.ClientTimeout, f.Deadline, f.ProviderDelay, f.LookupSpacing, f.HoldAfter = time.Second, time.Second, 500*time.Millisecond, 500*time.Millisecond, time.Second
	return f
}

func (s *stage) build(ctx context.Context, listen string, send app.SendSettings) error {
	if err := s.startLab(ctx); err != nil {
		return err
	}
	if err := s.startServer(ctx, listen, send); err != nil {
		return err
	}
	if err := s.furnish(ctx); err != nil {
		return err
	}
	return s.hire(ctx)
}

func (s *stage) close() error {
	var errs []error
	for i := len(s.closes) - 1; i >= 0; i-- {
		errs = append(errs, s.closes[i]())
	}
	return errors.Join(errs...)
}

// startLab runs the lab as an HTTP server of its own.
func (s *stage) startLab(ctx context.Context) error {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	ready, ended := &firstLine{line: make(chan string, 1)}, make(chan error, 1)
	go func() {
		ended <- lab.Serve(ctx, "127.0.0.1:0", lab.Options{Seed: 1, Logger: s.log, LedgerPath: filepath.Join(s.dir, "ledger.ndjson")}, ready)
	}()
	s.closes = append(s.closes, func() error { cancel(); return <-ended })
	select {
	case line := <-ready.line:
		s.labURL = strings.TrimSpace(strings.TrimPrefix(line, "lab listens on "))
	case err := <-ended:
		ended <- nil
		return fmt.Errorf("start the lab: %w", err)
	}
	s.lab = lab.NewClient(s.labURL)
	return nil
}

// firstLine hands on the first line written to it.
type firstLine struct {
	line chan string
	part bytes.Buffer
	done bool
}

func (f *firstLine) Write(p []byte) (int, error) {
	f.part.Write(p)
	if line, _, whole := strings.Cut(f.part.String(), "\n"); whole && !f.done {
		f.done = true
		f.line <- line
	}
	return len(p), nil
}

func (s *stage) startServer(ctx context.Context, listen string, send app.SendSettings) error {
	s.options = app.Options{DataDir: filepath.Join(s.dir, "data"), Listen: listen, Lab: true, LabURL: s.labURL, Log: s.log, Send: send}
	admin := person{string(overture.Administrator), adminEmail, password()}
	made, err := app.CreateAccount(ctx, s.options, app.NewAccount{Name: "Harbor Coffee", Email: admin.email, Password: admin.password, WithAPIKey: true})
	if err != nil {
		return fmt.Errorf("create the account: %w", err)
	}
	s.key, s.brand = made.APIKey.Reveal(), made.Brand.String()
	s.people = append(s.people, admin)
	s.began = time.Now()
	if s.server, err = start(ctx, s.options); errors.Is(err, syscall.EADDRINUSE) {
		host, _, _ := net.SplitHostPort(listen)
		s.options.Listen = net.JoinHostPort(host, "0")
		s.server, err = start(ctx, s.options)
	}
	if err != nil {
		return err
	}
	s.options.Listen = s.server.Addr() // a later start takes the place of the first
	s.closes = append(s.closes, func() error { return s.server.Stop(context.WithoutCancel(ctx)) })
	return nil
}

func start(ctx context.Context, o app.Options) (*app.App, error) {
	a, err := app.New(o)
	if err != nil {
		return nil, err
	}
	return a, a.Start(context.WithoutCancel(ctx))
}

// furnish makes what campaigns need: skills, from-numbers the lab knows, and people who stopped the brand before.
func (s *stage) furnish(ctx context.Context) error {
	var err error
	if s.admin, err = s.as(ctx, s.people[0]); err != nil {
		return err
	}
	s.skills, s.others = map[string]string{}, map[string]client.Sender{}
	for _, name := range []string{offers, loyalty, orders} {
		skill, err := s.admin.CreateSkill(ctx, name)
		if err != nil {
			return fmt.Errorf("create the skill %s: %w", name, err)
		}
		s.skills[name] = skill.ID
	}
	if s.sender, err = s.rent(ctx, "Harbor Coffee", fromNumber); err != nil {
		return err
	}
	if s.others[loyalty], err = s.rent(ctx, "Harbor Coffee loyalty", loyaltyNumber); err != nil {
		return err
	}
	if s.others[orders], err = s.rent(ctx, "Harbor Coffee orders", ordersNumber); err != nil {
		return err
	}
	if err := s.lab.SetProfile(ctx, "", calm); err != nil {
		return err
	}
	silent := calm
	silent.ListError = 1 // this number's record cannot be asked: what is in doubt stays so, until a person decides
	if err := s.lab.SetProfile(ctx, ordersNumber, silent); err != nil {
		return err
	}
	if err := s.lab.SetScripts(ctx, append(pastScripts(), scripts()...)); err != nil {
		return err
	}
	for _, number := range optedOutBefore() {
		if err := s.admin.OptOut(ctx, number, s.brand, "stopped at the counter"); err != nil {
			return fmt.Errorf("record an opt-out: %w", err)
		}
	}
	return nil
}

// rent makes a from-number that the lab knows.
func (s *stage) rent(ctx context.Context, name, number string) (client.Sender, error) {
	sid, token := "AC"+randomHex(16), randomHex(16)
	sender, err := s.admin.CreateSender(ctx, client.NewSender{
		Brand: s.brand, Name: name, Channel: "sms", Provider: "twilio", Address: number, BaseURL: s.labURL, AccountSID: sid, AuthToken: token, Rate: rate,
	})
	if err != nil {
		return sender, fmt.Errorf("create the sender %s: %w", name, err)
	}
	if err := s.lab.AddAccount(ctx, sid, token); err != nil {
		return sender, err
	}
	return sender, s.lab.SetNumber(ctx, lab.Number{Number: number, AccountSID: sid, InboundURL: sender.InboundURL})
}

// hire adds one user of each other role and signs in those who act.
func (s *stage) hire(ctx context.Context) error {
	for _, role := range []overture.Role{overture.CampaignManager, overture.AgentManager, overture.AgentRole} {
		name := strings.ReplaceAll(string(role), "_", "-")
		p := person{string(role), name + "@demo.example", password()}
		u := client.NewUser{Email: p.email, Name: "Demo " + strings.ReplaceAll(string(role), "_", " "), Role: p.role, Password: p.password}
		if role == overture.AgentRole {
			u.Skills = slices.Collect(maps.Values(s.skills))
		}
		if _, err := s.admin.CreateUser(ctx, u); err != nil {
			return fmt.Errorf("create the %s: %w", name, err)
		}
		s.people = append(s.people, p)
	}
	return s.signInAll(ctx)
}

// signInAll signs in those who act.
func (s *stage) signInAll(ctx context.Context) error {
	var err error
	if s.admin, err = s.as(ctx, s.people[0]); err != nil {
		return err
	}
	if s.manager, err = s.as(ctx, s.people[1]); err != nil {
		return err
	}
	if s.agent, err = s.as(ctx, s.people[3]); err != nil {
		return err
	}
	if err := s.agent.Available(ctx, true, 100); err != nil {
		return fmt.Errorf("make the agent available: %w", err)
	}
	return nil
}

func (s *stage) as(ctx context.Context, p person) (*client.Client, error) {
	c, err := client.New(client.Options{URL: s.server.URL()})
	if err != nil {
		return nil, err
	}
	if err := c.SignIn(ctx, p.email, p.password); err != nil {
		return nil, fmt.Errorf("sign in as %s: %w", p.role, err)
	}
	return c, nil
}

func randomHex(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	return hex.EncodeToString(b)
}
