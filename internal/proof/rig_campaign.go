package proof

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"time"

	"github.com/overture-im/overture/internal/client"
)

// Launch makes a campaign to n fictional recipients, uploads its list and launches it. It returns the campaign's id.
func (r *Rig) Launch(ctx context.Context, name string, first, n int) (string, error) {
	return r.LaunchAt(ctx, name, first, n, nil)
}

// LaunchAt launches for later, so that the list is planned before the first message is due; nil is now.
func (r *Rig) LaunchAt(ctx context.Context, name string, first, n int, at *time.Time) (string, error) {
	return r.LaunchFrom(ctx, r.Sender, name, first, n, at)
}

// LaunchFrom is LaunchAt for one of several senders.
func (r *Rig) LaunchFrom(ctx context.Context, sender client.Sender, name string, first, n int, at *time.Time) (string, error) {
	c, err := r.draft(ctx, sender, name, 0)
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
	return r.draft(ctx, r.Sender, name, rate)
}

func (r *Rig) draft(ctx context.Context, sender client.Sender, name string, rate int) (string, error) {
	window := map[string]any{}
	for _, d := range []string{"mon", "tue", "wed", "thu", "fri", "sat", "sun"} {
		window[d] = []string{"00:00", "24:00"}
	}
	if rate == 0 {
		rate = cmp.Or(sender.Rate, 100_000)
	}
	c, err := r.API.CreateCampaign(ctx, client.Draft{
		Name: name, Channel: "sms", Sender: sender.ID, Skill: r.Skill,
		Text: "Hello {{1}}, your order is ready.", Rate: rate, Window: window, OpenConversation: "deliver",
	}, "")
	if err != nil {
		return "", fmt.Errorf("create campaign: %w", err)
	}
	return c.ID, nil
}
