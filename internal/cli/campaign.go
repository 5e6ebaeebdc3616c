package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/client"
)

func campaignCommand(s Streams) *cobra.Command {
	var a serverAddress
	c := &cobra.Command{
		Use:   "campaign",
		Short: "Launch and follow campaigns over the API",
		Args:  cobra.NoArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	a.add(c.PersistentFlags())
	c.AddCommand(launchCommand(s, &a), previewCommand(s, &a), listCommand(s, &a), showCommand(s, &a), forecastCommand(s, &a), exportCommand(s, &a),
		actCommand(s, &a, "pause", "Stop sending within a second; what is under way is finished"),
		actCommand(s, &a, "resume", "Go on with a paused campaign"),
		actCommand(s, &a, "cancel", "End a campaign; who was not sent to stays visible as canceled"),
		actCommand(s, &a, "undo", "Take a launch back while its undo window is open: nothing was sent, and it is a draft again"),
		retryCommand(s, &a), whyCommand(s, &a))
	return c
}

func listCommand(s Streams, a *serverAddress) *cobra.Command {
	var limit int
	var asJSON bool
	c := &cobra.Command{
		Use:   "list",
		Short: "The newest campaigns of the account",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			api, err := a.client()
			if err != nil {
				return err
			}
			all, err := api.Campaigns(c.Context(), limit)
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(s.Out, all)
			}
			w := tabwriter.NewWriter(s.Out, 0, 4, 2, ' ', 0)
			fmt.Fprintln(w, "ID\tSTATE\tRECIPIENTS\tLAUNCHED\tNAME")
			for _, one := range all {
				fmt.Fprintf(w, "%s\t%s\t%d\t%s\t%s\n", one.ID, one.State, one.Recipients, local(one.LaunchedAt), printable(one.Name))
			}
			return w.Flush()
		},
	}
	c.Flags().IntVar(&limit, "limit", 20, "how many at most")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

func showCommand(s Streams, a *serverAddress) *cobra.Command {
	var follow, asJSON bool
	c := &cobra.Command{
		Use:   "show CAMPAIGN",
		Short: "How far one campaign is, and why nothing moves when nothing moves",
		Args:  exactly(1, "the id of a campaign"),
		RunE: func(c *cobra.Command, args []string) error {
			api, err := a.client()
			if err != nil {
				return err
			}
			if follow {
				return watch(c.Context(), s, api, args[0])
			}
			campaign, err := api.Campaign(c.Context(), args[0])
			if err != nil {
				return err
			}
			if campaign.State == string(overture.Draft) {
				if asJSON {
					return printJSON(s.Out, map[string]any{"campaign": campaign})
				}
				fmt.Fprintf(s.Out, "%s  draft  %s\nnot launched, %d recipients\n", campaign.ID, printable(campaign.Name), campaign.Recipients)
				return nil
			}
			p, err := api.Progress(c.Context(), args[0])
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(s.Out, map[string]any{"campaign": campaign, "progress": p})
			}
			fmt.Fprintf(s.Out, "%s  %s  %s\n%s\n", campaign.ID, p.State, printable(campaign.Name), p.Words(time.Now()))
			return nil
		},
	}
	c.Flags().BoolVar(&follow, "watch", false, "stay and show the progress until the campaign ends")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

func actCommand(s Streams, a *serverAddress, action, short string) *cobra.Command {
	return &cobra.Command{
		Use:   action + " CAMPAIGN",
		Short: short,
		Args:  exactly(1, "the id of a campaign"),
		RunE: func(c *cobra.Command, args []string) error {
			api, err := a.client()
			if err != nil {
				return err
			}
			campaign, err := api.Act(c.Context(), args[0], action, nil)
			if err != nil {
				return err
			}
			fmt.Fprintf(s.Out, "%s is %s\n", args[0], campaign.State)
			return nil
		},
	}
}

func retryCommand(s Streams, a *serverAddress) *cobra.Command {
	var all bool
	c := &cobra.Command{
		Use:   "retry-failed CAMPAIGN",
		Short: "Try failed messages again, and only these",
		Args:  exactly(1, "the id of a campaign"),
		RunE: func(c *cobra.Command, args []string) error {
			api, err := a.client()
			if err != nil {
				return err
			}
			done, err := api.RetryFailed(c.Context(), args[0], all)
			if err != nil {
				return err
			}
			fmt.Fprintf(s.Out, "%s is %s: %d queued again, %d too late\n", args[0], done.State, done.Retried, done.TooLate)
			return nil
		},
	}
	c.Flags().BoolVar(&all, "all", false, "every failure, not only those that may go well another time")
	return c
}

func exportCommand(s Streams, a *serverAddress) *cobra.Command {
	var path string
	c := &cobra.Command{
		Use:   "export [CAMPAIGN]",
		Short: "All campaigns, or one campaign's recipients and their messages, as CSV",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			api, err := a.client()
			if err != nil {
				return err
			}
			id := ""
			if len(args) == 1 {
				id = args[0]
			}
			if path == "" || path == "-" {
				return api.Export(c.Context(), id, s.Out)
			}
			// Written beside and moved into place: a broken export never looks like a whole one.
			part, err := os.CreateTemp(filepath.Dir(path), ".export-*")
			if err != nil {
				return overture.ErrInvalid("cannot_write", "cannot write "+path+": "+plain(err))
			}
			defer os.Remove(part.Name())
			if err := api.Export(c.Context(), id, part); err != nil {
				_ = part.Close() // the export's error is the one that matters
				return err
			}
			if err := part.Close(); err != nil {
				return fmt.Errorf("write %s: %w", path, err)
			}
			return os.Rename(part.Name(), path)
		},
	}
	c.Flags().StringVarP(&path, "output", "o", "", "file to write (default: standard output)")
	return c
}

// exactly is cobra.ExactArgs with words that say what is missing.
func exactly(n int, what string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) != n {
			return &usage{fmt.Errorf("%s needs %s; see %s --help", c.CommandPath(), what, c.CommandPath())}
		}
		return nil
	}
}

func printJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

func local(t *time.Time) string {
	if t == nil || t.IsZero() {
		return "–"
	}
	return t.Local().Format("2006-01-02 15:04")
}

// printable keeps control characters of people's texts away from the terminal.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if r < 0x20 || (r >= 0x7f && r < 0xa0) {
			return '·'
		}
		return r
	}, text)
}

// resolve turns the written sender and skill into ids: people write numbers and names.
func resolve(c *cobra.Command, api *client.Client, d *client.Draft) error {
	if !strings.HasPrefix(d.Sender, "snd_") {
		all, err := api.Senders(c.Context())
		if err != nil {
			return err
		}
		digits := onlyDigits(d.Sender)
		var known []string
		id := ""
		for _, one := range all {
			if one.Name == d.Sender || (digits != "" && onlyDigits(one.Address) == digits) {
				id = one.ID
			}
			known = append(known, one.Address)
		}
		if id == "" {
			return overture.ErrInvalid("unknown_sender", fmt.Sprintf("the account has no sender %q; it has: %s", d.Sender, listed(known)))
		}
		d.Sender = id
	}
	if strings.HasPrefix(d.Skill, "skl_") {
		return nil
	}
	all, err := api.Skills(c.Context())
	if err != nil {
		return err
	}
	var known []string
	for _, one := range all {
		if strings.EqualFold(one.Name, d.Skill) {
			d.Skill = one.ID
			return nil
		}
		known = append(known, one.Name)
	}
	return overture.ErrInvalid("unknown_skill", fmt.Sprintf("the account has no skill %q; it has: %s", d.Skill, listed(known)))
}

func onlyDigits(s string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, s)
}

func listed(names []string) string {
	if len(names) == 0 {
		return "none yet"
	}
	if len(names) > 10 {
		names = append(names[:10:10], "…")
	}
	return strings.Join(names, ", ")
}
