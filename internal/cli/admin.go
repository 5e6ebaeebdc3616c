package cli

import (
	"bufio"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/overture-im/overture/internal/app"
)

func adminCommand(s Streams) *cobra.Command {
	c := &cobra.Command{
		Use:   "admin",
		Short: "Work on the database that needs no sign-in",
		Args:  cobra.NoArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(createAccountCommand(s), stopAllCommand(s, "stop-all", true, "Kill switch: stop the sending of every account, on every node"),
		stopAllCommand(s, "start-all", false, "Let all accounts send again after stop-all"))
	return c
}

func stopAllCommand(s Streams, name string, stop bool, short string) *cobra.Command {
	var f serverFlags
	var reason string
	c := &cobra.Command{
		Use:   name,
		Short: short,
		Long: short + ".\n\nNothing is lost: what is queued stays queued, and what is in flight ends by itself. It works on the database of --data-dir or\n" +
			"--database-url, also while servers run on it, and holds until start-all, also over restarts.",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			o, err := f.finish(c.ErrOrStderr())
			if err != nil {
				return err
			}
			if err := app.StopAll(c.Context(), o, stop, reason); err != nil {
				return err
			}
			if stop {
				fmt.Fprintln(s.Out, "all sending is stopped; overture admin start-all lets it go on")
			} else {
				fmt.Fprintln(s.Out, "all accounts may send again")
			}
			return nil
		},
	}
	f.database(c.Flags())
	if stop {
		c.Flags().StringVar(&reason, "reason", "", "why, for the log and the campaign pages")
	}
	return c
}

func createAccountCommand(s Streams) *cobra.Command {
	var f serverFlags
	var n app.NewAccount
	var fromInput bool
	c := &cobra.Command{
		Use:   "create --account NAME --email ADDRESS",
		Short: "Begin an account with its first administrator",
		Long: "Begins an account with a brand of the same name and its first administrator, who then adds everybody else.\n" +
			"On SQLite, stop the server first: it is alone on its data directory.",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			o, err := f.finish(c.ErrOrStderr())
			if err != nil {
				return err
			}
			if n.Name == "" || n.Email == "" {
				return &usage{errors.New("say --account and --email")}
			}
			made := !fromInput
			if made {
				n.Password = rand.Text()
			} else if n.Password, err = firstLine(s.In); err != nil {
				return err
			}
			account, err := app.CreateAccount(c.Context(), o, n)
			if err != nil {
				return err
			}
			fmt.Fprintf(s.Out, "account: %s\nbrand: %s\nemail: %s\n", account.Account, account.Brand, n.Email)
			if made {
				fmt.Fprintf(s.Out, "password: %s\n", n.Password)
			}
			if n.WithAPIKey {
				fmt.Fprintf(s.Out, "api key: %s\n", account.APIKey.Reveal())
			}
			return nil
		},
	}
	f.database(c.Flags())
	c.Flags().StringVar(&n.Name, "account", "", "name of the account and of its first brand")
	c.Flags().StringVar(&n.Email, "email", "", "email address the administrator signs in with")
	c.Flags().BoolVar(&fromInput, "password-stdin", false, "read the password from the first line of standard input (default: make one and print it)")
	c.Flags().BoolVar(&n.WithAPIKey, "with-api-key", false, "also make an API key with every scope and print it")
	return c
}

func firstLine(r io.Reader) (string, error) {
	line, err := bufio.NewReader(r).ReadString('\n')
	if line = strings.TrimRight(line, "\r\n"); line == "" {
		return "", &usage{fmt.Errorf("no password on standard input (%w)", err)}
	}
	return line, nil
}
