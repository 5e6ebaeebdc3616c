package cli

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/client"
	"github.com/overture-im/overture/internal/kit/progress"
)

const consentWords = "every recipient agreed to receive this message, and I answer for that (opt-in consent, TCPA, GDPR)"

func launchCommand(s Streams, a *serverAddress) *cobra.Command {
	var l launchFlags
	c := &cobra.Command{
		Use:   "launch CAMPAIGN.yaml --recipients PEOPLE.csv",
		Short: "Launch a campaign from a file and a list",
		Long: "Makes a campaign from a YAML file, uploads the list, shows what is wrong with it, and launches.\n\n" +
			"Calling it again with the same two files within a day does not launch a second time: it finds the first launch, so a call\n" +
			"that was cut off can simply be repeated. To send the same files once more on purpose, say --again.",
		Args: exactly(1, "a campaign file"),
		RunE: func(c *cobra.Command, args []string) error { return l.launch(c, s, a, args[0]) },
	}
	l.add(c)
	c.Flags().BoolVar(&l.consent, "consent", false, consentWords)
	c.Flags().BoolVar(&l.watch, "watch", false, "stay and show the progress until the campaign ends")
	c.Flags().BoolVar(&l.again, "again", false, "launch even if the same files were launched before")
	c.Flags().BoolVar(&l.strict, "no-rejected", false, "do not launch when a row of the list was rejected")
	return c
}

func previewCommand(s Streams, a *serverAddress) *cobra.Command {
	var l launchFlags
	var rows int
	c := &cobra.Command{
		Use:   "preview CAMPAIGN.yaml --recipients PEOPLE.csv",
		Short: "Show what launch would send, and what is wrong with the list, without launching",
		Args:  exactly(1, "a campaign file"),
		RunE:  func(c *cobra.Command, args []string) error { return l.preview(c, s, a, args[0], rows) },
	}
	l.add(c)
	c.Flags().IntVar(&rows, "rows", 5, "how many final texts to show")
	return c
}

type launchFlags struct {
	recipients                    string
	consent, watch, again, strict bool
}

func (l *launchFlags) add(c *cobra.Command) {
	c.Flags().StringVar(&l.recipients, "recipients", "", "the CSV file (default: recipients of the campaign file)")
}

func (l *launchFlags) launch(c *cobra.Command, s Streams, a *serverAddress, path string) error {
	work, at, done, err := l.plan(c, s, a, path)
	if err != nil {
		return err
	}
	defer done()
	if err := l.askConsent(s); err != nil {
		return err
	}
	work.request.Consent, work.request.At = true, at
	if l.again {
		work.request.Key = ""
	}
	campaign, again, err := work.api.LaunchFile(c.Context(), work.request)
	if err != nil {
		return err
	}
	if again {
		fmt.Fprintf(s.Err, "these files were launched before, as %s: nothing was launched again (--again does)\n", campaign.ID)
	}
	fmt.Fprintln(s.Out, campaign.ID)
	if !l.watch {
		fmt.Fprintf(s.Err, "%s; follow it with: overture campaign show %s --watch\n", campaign.State, campaign.ID)
		return nil
	}
	return watch(c.Context(), s, work.api, campaign.ID)
}

func (l *launchFlags) preview(c *cobra.Command, s Streams, a *serverAddress, path string, rows int) error {
	work, _, done, err := l.plan(c, s, a, path)
	if err != nil {
		return err
	}
	defer done()
	work.request.Key = ""
	campaign, err := work.api.Prepare(c.Context(), work.request)
	if err != nil {
		return err
	}
	people, err := work.api.Recipients(c.Context(), campaign.ID, nil, rows)
	err = errors.Join(err, work.api.DeleteDraft(context.WithoutCancel(c.Context()), campaign.ID)) // a preview leaves nothing behind
	if err != nil {
		return err
	}
	for _, one := range people {
		fmt.Fprintf(s.Out, "row %d  %s  %d segment(s)\n  %s\n", one.Row, one.Address, one.Segments, printable(one.Text))
	}
	return nil
}

// plan is everything launch and preview share.
type plan struct {
	api     *client.Client
	request client.Launch
}

func (l *launchFlags) plan(c *cobra.Command, s Streams, a *serverAddress, path string) (p plan, at *time.Time, done func(), err error) {
	file, raw, err := readCampaignFile(path)
	if err != nil {
		return p, nil, nil, err
	}
	list := l.recipients
	if list == "" && file.Recipients != "" {
		list = file.Recipients
		if !filepath.IsAbs(list) {
			list = filepath.Join(filepath.Dir(path), list)
		}
	}
	if list == "" {
		return p, nil, nil, &usage{errors.New("no list: give it with --recipients, or as recipients: in the campaign file")}
	}
	draft, at, err := file.draft()
	if err != nil {
		return p, nil, nil, err
	}
	api, err := a.client()
	if err != nil {
		return p, nil, nil, err
	}
	if err := resolve(c, api, &draft); err != nil {
		return p, nil, nil, err
	}
	csv, size, key, err := openList(list, raw)
	if err != nil {
		return p, nil, nil, err
	}
	bar := progress.New(s.Err)
	return plan{api: api, request: client.Launch{
		Draft: draft, File: csv, FileName: filepath.Base(list), Key: key,
		Uploading: func(n int64) { bar.Show(time.Now(), float64(n)/float64(max(1, size)), "uploading the list") },
		Read: func(i client.Import, causes map[string]int, examples []client.Problem) error {
			bar.Done()
			return l.report(s.Err, i, causes, examples)
		},
	}}, at, func() { _ = csv.Close() }, nil
}

// openList opens the list and names both files together by what is in them: that is what makes a repeated call the same launch.
func openList(path string, campaign []byte) (f *os.File, size int64, key string, err error) {
	f, err = os.Open(path)
	if err != nil {
		return nil, 0, "", overture.ErrInvalid("no_list", "cannot read the list "+path+": "+plain(err))
	}
	h := sha256.New()
	fmt.Fprintf(h, "%d:", len(campaign))
	h.Write(campaign)
	if size, err = io.Copy(h, f); err != nil {
		_ = f.Close() // the read error is the one that matters
		return nil, 0, "", overture.ErrInvalid("no_list", "cannot read the list "+path+": "+plain(err))
	}
	return f, size, "file-" + hex.EncodeToString(h.Sum(nil))[:40], nil
}

// report tells what became of the list, grouped by cause.
func (l *launchFlags) report(w io.Writer, i client.Import, causes map[string]int, examples []client.Problem) error {
	fmt.Fprintf(w, "%d rows: %d recipients, %d rejected", i.Rows, i.Valid, i.Rejected)
	if i.OptedOut > 0 {
		fmt.Fprintf(w, ", %d opted out earlier (they are skipped)", i.OptedOut)
	}
	fmt.Fprintln(w)
	for _, code := range slices.Sorted(maps.Keys(causes)) {
		fmt.Fprintf(w, "  %d × %s\n", causes[code], strings.ReplaceAll(code, "_", " "))
		shown := 0
		for _, p := range examples {
			if p.Code == code && shown < 3 {
				fmt.Fprintf(w, "      row %d, column %s: %s\n", p.Row, p.Column, printable(p.Reason))
				shown++
			}
		}
	}
	switch {
	case i.Valid == 0:
		return overture.ErrInvalid("no_recipients", "the list has no valid row, so there is nobody to send to")
	case l.strict && i.Rejected > 0:
		return overture.ErrInvalid("rows_rejected", fmt.Sprintf("%d rows were rejected and --no-rejected was given: nothing was launched", i.Rejected))
	}
	return nil
}

func (l *launchFlags) askConsent(s Streams) error {
	if l.consent {
		return nil
	}
	f, ok := s.In.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return &usage{errors.New("say --consent to confirm what it says in its help")}
	}
	fmt.Fprintf(s.Err, "I confirm: %s.\nLaunch? Type yes: ", consentWords)
	answer, err := bufio.NewReader(f).ReadString('\n')
	if err != nil || strings.ToLower(strings.TrimSpace(answer)) != "yes" {
		return &usage{errors.New("not launched")}
	}
	return nil
}

// watch shows the progress until the campaign ends. Leaving it does not stop the campaign.
func watch(ctx context.Context, s Streams, api *client.Client, id string) error {
	bar := progress.New(s.Err)
	p, err := api.Watch(ctx, id, 500*time.Millisecond, func(p client.Progress) { bar.Show(time.Now(), p.Done(), p.Words(time.Now())) }, nil)
	bar.Done()
	if ctx.Err() != nil {
		fmt.Fprintf(s.Err, "the campaign goes on without you; look again with: overture campaign show %s --watch\n", id)
		return context.Cause(ctx)
	}
	if err != nil {
		return err
	}
	fmt.Fprintln(s.Out, p.Words(time.Now()))
	if p.Failed > 0 || p.Held > 0 {
		return &findings{fmt.Sprintf("%d failed and %d are held; see: overture campaign export %s", p.Failed, p.Held, id)}
	}
	return nil
}
