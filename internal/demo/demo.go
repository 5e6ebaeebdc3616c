// Package demo plays a whole campaign on one machine: a server, a carrier lab, four people who sign in, and a thousand who receive. All
// parts speak real HTTP on loopback; nothing leaves the machine and every number is reserved for fiction.
package demo

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/overture-im/overture/internal/client"
	"github.com/overture-im/overture/internal/kit/progress"
)

// Options of Run.
type Options struct {
	Once    bool   // end by itself when the story is told, with one JSON object as the last line
	Listen  string // of the server; the default's port is given up for a free one when it is taken
	Out     io.Writer
	LogFile string // where the server's log goes; empty: a file beside the database
}

// onceBudget is how long a demo that ends by itself may take, from the start of the server: it promises 60 s, the rest is for the proof.
const onceBudget = 50 * time.Second

// Result is the last line of a demo that ends by itself.
type Result struct {
	Recipients    int `json:"recipients"` // rows in the file
	Rejected      int `json:"rejected"`   // rows that are no recipient: invalid or duplicate
	Accepted      int `json:"accepted"`   // the provider has them, delivered and undelivered included
	Delivered     int `json:"delivered"`
	Failed        int `json:"failed"`     // definitely refused
	Suppressed    int `json:"suppressed"` // opted out before
	Waiting       int `json:"waiting"`    // for their sending window
	Held          int `json:"held"`       // cannot be proven
	Replied       int `json:"replied"`
	OptedOut      int `json:"opted_out"`
	Conversations int `json:"conversations"`
	Answered      int `json:"answered"` // conversations in which an agent's answer reached the provider
	Lost          int `json:"lost"`
	Duplicated    int `json:"duplicated"`
}

// check tells what is wrong with the story's end.
func (r Result) check() error {
	switch sum := r.Rejected + r.Accepted + r.Failed + r.Suppressed + r.Waiting + r.Held; {
	case r.Lost != 0 || r.Duplicated != 0:
		return fmt.Errorf("%d messages were lost and %d repeated", r.Lost, r.Duplicated)
	case sum != r.Recipients:
		return fmt.Errorf("the sums do not add up: %d rejected + %d accepted + %d failed + %d suppressed + %d waiting + %d held = %d, and the file has %d rows",
			r.Rejected, r.Accepted, r.Failed, r.Suppressed, r.Waiting, r.Held, sum, r.Recipients)
	case r.Delivered > r.Accepted:
		return fmt.Errorf("%d delivered of %d accepted", r.Delivered, r.Accepted)
	case r.Recipients != rowsInFile || r.Replied == 0 || r.Answered == 0 || r.Waiting == 0:
		return errors.New("the story was not told to its end")
	}
	return nil
}

// Run plays the demo. Without Once it serves on until ctx ends.
func Run(ctx context.Context, o Options) (err error) {
	dir, err := os.MkdirTemp("", "overture-demo-")
	if err != nil {
		return fmt.Errorf("a folder for the demo: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	path := o.LogFile
	if path == "" {
		path = filepath.Join(dir, "server.log")
	}
	logTo, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("the server's log: %w", err)
	}
	defer logTo.Close()
	s := &stage{out: o.Out, log: slog.New(slog.NewTextHandler(logTo, nil)), dir: dir}
	defer func() { err = errors.Join(err, s.close()) }()
	send := hurried()
	if o.Once {
		send = fast()
	}
	if err := s.build(ctx, o.Listen, send); err != nil {
		return errors.Join(err, ctx.Err())
	}
	if !o.Once {
		s.say("First five small campaigns of the days before, so that there is something to look at …")
		if err := s.history(ctx); err != nil {
			return errors.Join(err, ctx.Err())
		}
	}
	s.say("console %s\nlab     %s   (a simulated provider with virtual phones)\nlog     %s", s.server.URL(), s.labURL, path)
	story := ctx
	if o.Once {
		var cancel context.CancelFunc
		story, cancel = context.WithDeadline(ctx, s.began.Add(onceBudget))
		defer cancel()
	}
	result, err := s.play(story)
	if err != nil {
		return err
	}
	if !o.Once {
		return s.keepOpen(ctx, result)
	}
	s.say("")
	s.summary(result)
	line, err := json.Marshal(result)
	if err != nil {
		return fmt.Errorf("write the result: %w", err)
	}
	fmt.Fprintln(s.out, string(line))
	return result.check()
}

// keepOpen fills the console with more than one campaign and serves on until ctx ends; the agent stays at the desk.
func (s *stage) keepOpen(ctx context.Context, story Result) error {
	working, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- (&desk{api: s.agent}).work(working) }()
	defer func() {
		stop()
		if err := <-done; err != nil {
			s.log.Debug("the agent's desk", "error", err)
		}
	}()
	if err := s.present(ctx); err != nil && ctx.Err() == nil {
		return err
	}
	s.signIn()
	s.summary(story)
	s.commandLine()
	select {
	case err := <-done:
		done <- nil
		if ctx.Err() == nil {
			return err
		}
	case <-ctx.Done():
	}
	return nil
}

// play tells the story: launch, watch, answer, look at what became of everybody.
func (s *stage) play(ctx context.Context) (Result, error) {
	campaign, read, err := s.launch(ctx)
	if err != nil {
		return Result{}, err
	}
	answering, stop := context.WithCancel(ctx)
	defer stop()
	desk := &desk{api: s.agent}
	done := make(chan error, 1)
	go func() { done <- desk.work(answering) }()

	bar := progress.New(s.out)
	_, err = s.manager.Watch(ctx, campaign, 250*time.Millisecond,
		func(p client.Progress) {
			bar.Show(time.Now(), p.Done(), p.Words(time.Now())+desk.words())
		},
		func(p client.Progress) bool { return onlyWindowsLeft(p) && s.quiet(ctx) && desk.idle() })
	bar.Done()
	stop()
	if worked := <-done; worked != nil && ctx.Err() == nil {
		return Result{}, worked
	}
	if err != nil && ctx.Err() == nil {
		return Result{}, err
	}
	return s.result(context.WithoutCancel(ctx), campaign, read)
}

// onlyWindowsLeft tells whether everybody has an outcome but those who wait for their window.
func onlyWindowsLeft(p client.Progress) bool {
	return p.Counts["attempting"]+p.Counts["unknown"] == 0 && p.Counts["queued"] > 0 && p.Counts["queued"] == p.WaitingForWindow && p.Accepted > 0
}

// quiet tells whether no receipt and no answer is on its way any more.
func (s *stage) quiet(ctx context.Context) bool {
	d, err := s.lab.Drain(ctx, 100*time.Millisecond)
	return err == nil && d.Drained
}

func (s *stage) say(format string, args ...any) { fmt.Fprintf(s.out, format+"\n", args...) }

func (s *stage) summary(r Result) {
	s.say("%d rows in the file", r.Recipients)
	for _, line := range []struct {
		n    int
		what string
	}{
		{r.Rejected, "rejected: invalid or duplicate numbers"},
		{r.Suppressed, "suppressed: they stopped the brand before"},
		{r.Waiting, "wait for their sending window: it is closed in Europe right now"},
		{r.Failed, "failed: refused by the provider for good"},
		{r.Held, "held: could not be proven either way"},
		{r.Accepted, "accepted by the provider"},
		{r.Delivered, "  of them delivered to the handset"},
		{r.Replied, "  of them replied"},
		{r.OptedOut, "  of them stopped"},
	} {
		s.say("%6d %s", line.n, line.what)
	}
	s.say("%6d conversations, %d answered by the agent", r.Conversations, r.Answered)
	s.say("%6d lost, %d repeated: our books against the provider's ledger", r.Lost, r.Duplicated)
	s.say("\nHow a number behaves is told by its last two digits:")
	for _, h := range habits() {
		s.say("  …%s  %s", h.ending, h.does)
	}
}

func (s *stage) signIn() {
	s.say("\nOpen the console:  %s", s.server.URL())
	for _, p := range s.people {
		s.say("  %-17s %-32s %s", strings.ReplaceAll(p.role, "_", " "), p.email, p.password)
	}
	s.say("There is one campaign that goes out now, one paused, one for tomorrow, one draft with errors in its list, one that went out just now,\n" +
		"and five of the last six days. All are real: sent by this server to the virtual phones of the lab, within the last two minutes. Only the calendar is not: after each of\n" +
		"the five the demo turned its whole database back by a day or two.\n\nWhat the first one of today, \"Spring offer\", did:")
}

func (s *stage) commandLine() {
	s.say("\nCommand line, in another terminal:\n  export OVERTURE_URL=%s OVERTURE_API_KEY=%s\n  bin/overture campaign list\n\nThe server keeps running; Ctrl-C ends it and removes everything.",
		s.server.URL(), s.key)
}

func password() string { return strings.ToLower(rand.Text()[:20]) }
