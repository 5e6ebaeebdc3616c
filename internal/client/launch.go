package client

import (
	"context"
	"io"
	"time"

	"github.com/overture-im/overture"
)

// Launch is everything it takes to go from a file to a running campaign.
type Launch struct {
	Draft    Draft
	File     io.ReadSeeker
	FileName string
	Consent  bool
	At       *time.Time
	// Key names this launch: the same key never launches a second campaign, however often it is tried. Empty: a new launch each time.
	Key string
	// Uploading is told how many bytes of the file went out. It may be nil.
	Uploading func(n int64)
	// Read is told what became of the list, with the count of each cause of rejection and some examples; an error stops before the launch.
	Read func(i Import, causes map[string]int, examples []Problem) error
}

// exampleProblems is how many rejected rows Read gets.
const exampleProblems = 10

// LaunchFile makes the draft, uploads the list and launches. again tells that an earlier call with the same key already launched: then
// nothing was changed. A draft left behind by a call that broke off is taken up, its half list replaced.
func (c *Client) LaunchFile(ctx context.Context, l Launch) (campaign Campaign, again bool, err error) {
	campaign, err = c.Prepare(ctx, l)
	if err != nil || campaign.State != string(overture.Draft) {
		return campaign, err == nil, err
	}
	launched, err := c.Launch(ctx, campaign.ID, l.Consent, l.At, keyed(l.Key, "launch"))
	if err != nil {
		return campaign, false, err
	}
	return launched, false, nil
}

// Prepare does all of LaunchFile but the launch. A campaign that is no draft any more is returned as it is.
func (c *Client) Prepare(ctx context.Context, l Launch) (Campaign, error) {
	made, err := c.CreateCampaign(ctx, l.Draft, keyed(l.Key, "create"))
	if err != nil {
		return made, err
	}
	campaign, err := c.Campaign(ctx, made.ID) // the answer to a repeated call may be old
	if overture.KindOf(err) == overture.NotFound {
		if made, err = c.CreateCampaign(ctx, l.Draft, ""); err != nil { // the earlier draft was deleted
			return made, err
		}
		campaign, err = c.Campaign(ctx, made.ID)
	}
	if err != nil || campaign.State != string(overture.Draft) {
		return campaign, err
	}
	if campaign.Recipients > 0 {
		if err := c.ClearRecipients(ctx, campaign.ID); err != nil {
			return campaign, err
		}
	}
	read, err := c.Upload(ctx, campaign.ID, l.File, l.FileName, nil, l.Uploading)
	if err != nil {
		return campaign, err
	}
	var examples []Problem
	causes := map[string]int{}
	if read.Rejected > 0 {
		if examples, causes, err = c.Problems(ctx, campaign.ID, "", exampleProblems); err != nil {
			return campaign, err
		}
	}
	if l.Read != nil {
		if err := l.Read(read, causes, examples); err != nil {
			return campaign, err
		}
	}
	return campaign, nil
}

func keyed(key, step string) string {
	if key == "" {
		return ""
	}
	return key + "-" + step
}
