package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/user"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/app"
)

// operatorDoor talks to the operator's door of a running server on this machine.
type operatorDoor struct {
	url   string
	token overture.Secret
}

// findOperator finds the running server of a data directory. A file that a killed server left behind counts as none.
func findOperator(ctx context.Context, o app.Options) (door operatorDoor, running bool, err error) {
	found, ok, err := app.FindDoor(o.DataDir)
	if err != nil || !ok {
		return door, false, err
	}
	door = operatorDoor{url: found.URL, token: found.Token}
	err = door.call(ctx, http.MethodGet, "/operator/quarantine", nil, nil)
	var wire *net.OpError
	if errors.As(err, &wire) {
		return door, false, nil
	}
	return door, err == nil, err
}

func (d operatorDoor) do(ctx context.Context, method, path string, body any) (*http.Response, error) {
	var send io.Reader
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			return nil, fmt.Errorf("ask the server: %w", err)
		}
		send = bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(d.url, "/")+path, send)
	if err != nil {
		return nil, fmt.Errorf("ask the server: %w", err)
	}
	req.Header.Set("Authorization", "Bearer "+d.token.Reveal())
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, fmt.Errorf("ask the server: %w", err)
	}
	if resp.StatusCode == http.StatusOK {
		return resp, nil
	}
	defer resp.Body.Close()
	var t struct{ Code, Detail string }
	if err := json.NewDecoder(io.LimitReader(resp.Body, 64<<10)).Decode(&t); err != nil {
		t.Detail = resp.Status
	}
	kind := overture.Internal
	switch resp.StatusCode {
	case http.StatusUnauthorized:
		kind = overture.Unauthorized
	case http.StatusConflict:
		kind = overture.Conflict
	case http.StatusUnprocessableEntity:
		kind = overture.Invalid
	case http.StatusServiceUnavailable:
		kind = overture.Unavailable
	}
	return nil, &overture.Error{Kind: kind, Code: t.Code, Message: t.Detail}
}

func (d operatorDoor) call(ctx context.Context, method, path string, body, into any) error {
	resp, err := d.do(ctx, method, path, body)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if into == nil {
		return nil
	}
	return json.NewDecoder(resp.Body).Decode(into)
}

func (d operatorDoor) backup(ctx context.Context, w io.Writer, recipients []string) error {
	resp, err := d.do(ctx, http.MethodPost, "/operator/backup", map[string]any{"age_recipients": recipients})
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(w, resp.Body); err != nil {
		return &overture.Error{Kind: overture.Unavailable, Code: "backup_cut", Message: "the backup broke off; see the server's log", Err: err}
	}
	return nil
}

func printQuarantine(w io.Writer, q app.QuarantineState) {
	if !q.Active {
		fmt.Fprintln(w, "no quarantine: messages are sent")
		return
	}
	if !q.Begun {
		fmt.Fprintf(w, "in quarantine: nothing is sent\nreason: %s\nit begins when a server starts on this database, which looks everything up that may have been sent since %s\n", q.Reason, q.Since.Format(time.RFC3339))
		return
	}
	fmt.Fprintf(w, "in quarantine: nothing is sent\nreason: %s\nmay have been sent between: %s and %s\n", q.Reason, q.Since.Format(time.RFC3339), q.Until.Format(time.RFC3339))
	fmt.Fprintf(w, "campaigns to plan: %d\nmessages to mark: %d\nmessages to look up: %d\n", q.Planning, q.ToCheck, q.InDoubt)
	if q.Drafts > 0 {
		fmt.Fprintf(w, "drafts from before: %d. They may have been launched in that time; nobody here can know. Look at the provider's record before you launch one\n", q.Drafts)
	}
	if q.Clear {
		fmt.Fprintln(w, "everything was looked up: overture quarantine release lets sending go on")
	}
}

func quarantineCommand(s Streams) *cobra.Command {
	c := &cobra.Command{
		Use:   "quarantine",
		Short: "See, begin and release the time in which nothing is sent because the database is older than the world",
		Long: "A database that was restored, or taken over by a standby that had not heard of every commit, calls messages queued that people got long ago.\n" +
			"In quarantine nothing is sent; everything that may have gone out is looked up in the provider's record, twice. Then an operator releases it.\n" +
			"The commands reach the running server of --data-dir, or work on the database of --database-url.",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(quarantineStatus(s), quarantineBegin(s), quarantineRelease(s))
	return c
}

// quarantines is a running server's door, or the database itself.
func quarantines(ctx context.Context, f *serverFlags, errs io.Writer, do func(operatorDoor) error, offline func(app.Options) error) error {
	o, err := f.finish(errs)
	if err != nil {
		return err
	}
	if o.DatabaseURL != "" { // the database is open to us, and the server in --data-dir may be another one's
		return offline(o)
	}
	door, running, err := findOperator(ctx, o)
	if err != nil {
		return err
	}
	if running {
		return do(door)
	}
	return offline(o)
}

func quarantineStatus(s Streams) *cobra.Command {
	var f serverFlags
	var asJSON bool
	c := &cobra.Command{
		Use: "status", Short: "What is in quarantine, and what is left to look up", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			var q app.QuarantineState
			err := quarantines(c.Context(), &f, c.ErrOrStderr(), func(d operatorDoor) error {
				return d.call(c.Context(), http.MethodGet, "/operator/quarantine", nil, &q)
			}, func(o app.Options) error {
				var err error
				q, err = app.Quarantine(c.Context(), o)
				return err
			})
			if err != nil {
				return err
			}
			if asJSON {
				return json.NewEncoder(s.Out).Encode(q)
			}
			printQuarantine(s.Out, q)
			return nil
		},
	}
	f.database(c.Flags())
	c.Flags().BoolVar(&asJSON, "json", false, "one JSON line")
	return c
}

func quarantineBegin(s Streams) *cobra.Command {
	var f serverFlags
	var since, reason string
	c := &cobra.Command{
		Use: "begin --since TIME --reason WORDS", Short: "Stop all sending and have everything looked up that may have gone out since a time", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			at, err := time.Parse(time.RFC3339, since)
			if err != nil || reason == "" {
				return &usage{errors.New("give --since as 2026-11-21T04:05:06Z, the moment up to which the database surely knows everything, and --reason")}
			}
			order := overture.QuarantineOrder{Since: at, Reason: reason}
			err = quarantines(c.Context(), &f, c.ErrOrStderr(), func(d operatorDoor) error {
				return d.call(c.Context(), http.MethodPost, "/operator/quarantine", map[string]any{"since": at, "reason": reason}, nil)
			}, func(o app.Options) error { return app.BeginQuarantine(c.Context(), o, order) })
			if err == nil {
				fmt.Fprintln(s.Out, "in quarantine: nothing is sent; a running server looks everything up; see overture quarantine status")
			}
			return err
		},
	}
	f.database(c.Flags())
	c.Flags().StringVar(&since, "since", "", "the moment up to which the database surely knows everything, as 2026-11-21T04:05:06Z")
	c.Flags().StringVar(&reason, "reason", "", "why, for whoever looks later")
	return c
}

func quarantineRelease(s Streams) *cobra.Command {
	var f serverFlags
	var who string
	var holdRest bool
	c := &cobra.Command{
		Use: "release", Short: "Let sending go on, after everything was looked up", Args: cobra.NoArgs,
		Long: "Refused while something that may have been sent was not looked up. With --hold-rest what is still in doubt becomes held and waits for a\n" +
			"person's decision; it is not sent. The act stands in every account's audit log.",
		RunE: func(c *cobra.Command, _ []string) error {
			if who == "" {
				who = "operator"
				if u, err := user.Current(); err == nil {
					who = u.Username
				}
			}
			err := quarantines(c.Context(), &f, c.ErrOrStderr(), func(d operatorDoor) error {
				return d.call(c.Context(), http.MethodPost, "/operator/quarantine/release", map[string]any{"who": who, "hold_rest": holdRest}, nil)
			}, func(o app.Options) error { return app.ReleaseQuarantine(c.Context(), o, who, holdRest) })
			if err == nil {
				fmt.Fprintln(s.Out, "released: sending goes on")
			}
			return err
		},
	}
	f.database(c.Flags())
	c.Flags().StringVar(&who, "by", "", "your name, for the audit log (default: the user of this machine)")
	c.Flags().BoolVar(&holdRest, "hold-rest", false, "hold what is still in doubt for a person")
	return c
}
