// Package cli is the command line. Commands that run a server work on the database; commands about campaigns are a client of the REST
// API and work from any machine.
//
// Exit codes: 0 done; 1 something unexpected; 2 wrong input (command, file or campaign); 3 not signed in or not allowed; 4 no such thing,
// or it is in a state that does not allow the call; 5 the server or database is not available; 6 done, but messages failed or are held,
// or verify found something; 130 interrupted.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/overture-im/overture"
)

// Streams of the process.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer
}

// The exit codes of the package comment.
const (
	exitOK          = 0
	exitUnexpected  = 1
	exitInput       = 2
	exitForbidden   = 3
	exitState       = 4
	exitUnavailable = 5
	exitFindings    = 6
	exitInterrupted = 130
)

// findings is returned by commands that did their work and have bad news.
type findings struct{ words string }

func (f *findings) Error() string { return f.words }

// usage marks errors of the command line itself.
type usage struct{ err error }

func (u *usage) Error() string { return u.err.Error() }
func (u *usage) Unwrap() error { return u.err }

// Run does one command and gives the exit code.
func Run(ctx context.Context, args []string, s Streams) int {
	root := newRoot(s)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitOK
	}
	code := codeOf(ctx, err)
	if code == exitInterrupted {
		fmt.Fprintln(s.Err, "interrupted")
		return code
	}
	fmt.Fprintln(s.Err, "overture: "+wordsOf(err))
	return code
}

func newRoot(s Streams) *cobra.Command {
	root := &cobra.Command{
		Use:   "overture",
		Short: "Self-hosted proactive messaging",
		Long: "Overture sends a campaign to many people, proves what happened to each message, and brings the answers to the right agent.\n\n" +
			"Every flag can also be set in the environment: --data-dir is OVERTURE_DATA_DIR.\n\n" +
			"Exit codes: 0 done · 1 unexpected · 2 wrong input · 3 not signed in or not allowed · 4 no such thing or wrong state ·\n" +
			"5 server or database not available · 6 done, but messages failed or are held, or verify found something · 130 interrupted",
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.NoArgs,
		RunE:          func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	root.SetIn(s.In)
	root.SetOut(s.Out)
	root.SetErr(s.Err)
	root.CompletionOptions.HiddenDefaultCmd = true
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return &usage{fmt.Errorf("%w; see %s --help", err, c.CommandPath())}
	})
	root.PersistentPreRunE = func(c *cobra.Command, _ []string) error { return fromEnvironment(c.Flags()) }
	root.AddCommand(serveCommand(), labCommand(), demoCommand(s), migrateCommand(), adminCommand(s), campaignCommand(s), pricesCommand(s), policyCommand(s), heldCommand(s), accountCommand(s), retentionCommand(s), loginCommand(s),
		verifyCommand(), backupCommand(s), restoreCommand(s), quarantineCommand(s), tortureCommand(), faultsCommand(), soakCommand(), benchCommand(), simulateCommand())
	return root
}

// fromEnvironment sets every flag that was not given from OVERTURE_ and its name in capitals.
func fromEnvironment(flags *pflag.FlagSet) error {
	var errs []error
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Changed || f.Name == "help" {
			return
		}
		name := "OVERTURE_" + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
		value, ok := os.LookupEnv(name)
		if !ok || value == "" {
			return
		}
		if err := flags.Set(f.Name, value); err != nil {
			errs = append(errs, &usage{fmt.Errorf("%s: %w", name, err)})
		}
	})
	return errors.Join(errs...)
}

func codeOf(ctx context.Context, err error) int {
	var found *findings
	var wrong *usage
	switch {
	case errors.As(err, &found):
		return exitFindings
	case errors.As(err, &wrong), strings.HasPrefix(err.Error(), "unknown command"):
		return exitInput
	case ctx.Err() != nil && errors.Is(err, context.Canceled):
		return exitInterrupted
	}
	switch overture.KindOf(err) {
	case overture.Invalid, overture.TooLarge:
		return exitInput
	case overture.Unauthorized, overture.Forbidden:
		return exitForbidden
	case overture.NotFound, overture.Conflict:
		return exitState
	case overture.Unavailable, overture.TooMany:
		return exitUnavailable
	default:
		return exitUnexpected
	}
}

// wordsOf gives the message for a person with one line per wrong field. The operator's detail of a known error is left out, except where
// there is nothing else to go by.
func wordsOf(err error) string {
	var e *overture.Error
	if !errors.As(err, &e) {
		return err.Error()
	}
	var b strings.Builder
	b.WriteString(e.Message)
	for _, f := range e.Fields {
		if f.Message != "" && !strings.Contains(e.Message, f.Message) {
			fmt.Fprintf(&b, "\n  %s: %s", strings.TrimPrefix(f.Location, "body."), f.Message)
		}
	}
	if e.Kind == overture.Internal && e.Err != nil {
		fmt.Fprintf(&b, " (%v)", e.Err)
	}
	return b.String()
}
