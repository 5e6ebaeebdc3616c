package demo

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/overture-im/overture/internal/client"
)

// present leaves what a console shows on a working day: a campaign that goes out while one looks, one that a person paused, one whose list
// needs repair, and one for tomorrow.
func (s *stage) present(ctx context.Context) error {
	for _, leave := range []func(context.Context) error{s.leaveRunning, s.leavePaused, s.leaveDraft, s.leaveScheduled} {
		if err := leave(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (s *stage) draft(name, skill, text string, rate int) (client.Draft, error) {
	w, err := window(time.Now())
	if err != nil {
		return client.Draft{}, err
	}
	return client.Draft{Name: name, Channel: "sms", Sender: s.others[skill].ID, Skill: s.skills[skill], Text: text, Window: wireWindow(w), Rate: rate}, nil
}

// leaveRunning takes about a quarter of an hour: long enough to look at everything while it moves.
func (s *stage) leaveRunning(ctx context.Context) error {
	d, err := s.draft("Loyalty card: points double", loyalty, "Harbor Coffee {{city}}: your points count double this week. Show {{code}} at the counter.", 1)
	if err != nil {
		return err
	}
	_, _, err = s.manager.LaunchFile(ctx, client.Launch{Draft: d, File: listOf("CARD", awake...), FileName: "loyalty.csv", Consent: true})
	if err != nil {
		return fmt.Errorf("launch what keeps running: %w", err)
	}
	return nil
}

func (s *stage) leavePaused(ctx context.Context) error {
	d, err := s.draft("Voucher for regulars", loyalty, "Harbor Coffee {{city}}: a voucher for our regulars: {{code}}.", 20)
	if err != nil {
		return err
	}
	made, _, err := s.manager.LaunchFile(ctx, client.Launch{
		Draft: d, File: listOf("REG", placeOf("Toronto"), placeOf("San Francisco")), FileName: "regulars.csv", Consent: true,
	})
	if err != nil {
		return fmt.Errorf("launch what is paused: %w", err)
	}
	if err := s.sent(ctx, made.ID, 20); err != nil {
		return err
	}
	_, err = s.manager.Act(ctx, made.ID, "pause", map[string]string{"reason": "The tills do not take the codes yet; the shop calls back"})
	return err
}

func (s *stage) leaveDraft(ctx context.Context) error {
	d, err := s.draft("Autumn tasting", loyalty, "Harbor Coffee {{city}}: taste six roasts with us. Your seat: {{code}}.", 20)
	if err != nil {
		return err
	}
	rows := strings.SplitAfterN(peopleCSV, "\n", 200)
	_, err = s.manager.Prepare(ctx, client.Launch{Draft: d, File: strings.NewReader(strings.Join(rows[:199], "")), FileName: "tasting.csv"})
	if err != nil {
		return fmt.Errorf("make the draft: %w", err)
	}
	return nil
}

func (s *stage) leaveScheduled(ctx context.Context) error {
	d, err := s.draft("Tomorrow: breakfast for two", loyalty, "Harbor Coffee {{city}}: two breakfasts for one until eleven with {{code}}.", 20)
	if err != nil {
		return err
	}
	tomorrow := time.Now().Add(24 * time.Hour).Truncate(time.Hour)
	_, _, err = s.manager.LaunchFile(ctx, client.Launch{
		Draft: d, File: listOf("TWO", placeOf("New York"), placeOf("Vancouver")), FileName: "breakfast.csv", Consent: true, At: &tomorrow,
	})
	if err != nil {
		return fmt.Errorf("schedule for tomorrow: %w", err)
	}
	return nil
}
