package campaign

import (
	"context"
	"errors"
	"fmt"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/overture-im/overture"
)

// Limits of a campaign. Name: the vendor guides' 255 (S). Text: what the provider takes in one message, opt-out text included.
const (
	MaxName     = 255
	MaxText     = 1600
	MaxOptOut   = 160
	MaxLookback = 30*24*time.Hour + 23*time.Hour // days 0–30 and hours 0–23 (I3)
	MaxHolidays = 400
	MaxAhead    = 366 * 24 * time.Hour // a launch further away is a slip of the keyboard
	pastGrace   = time.Minute          // the clock of the person's machine, and the time it takes to press the button
)

// setting is what a draft is checked against.
type setting struct {
	settings  overture.Settings
	sender    overture.Sender
	senderErr bool
	skillErr  bool
}

// around reads account, sender and skill. One that the change names and the account does not have is NotFound, the same for another
// account's as for one that never existed; one that is missing is left to check.
func (s *Service) around(ctx context.Context, account overture.AccountID, ch Change, c *overture.Campaign) (setting, error) {
	var a setting
	acc, err := s.store.Account(ctx, account)
	if err != nil {
		return a, err
	}
	a.settings = acc.Settings.WithDefaults()
	sender, skill := c.SenderID, c.SkillID
	set(&sender, ch.SenderID)
	set(&skill, ch.SkillID)
	if a.sender, err = s.store.Sender(ctx, account, sender); err != nil {
		if a.senderErr = errors.Is(err, overture.NotFound); !a.senderErr || ch.SenderID != nil && sender != 0 {
			return a, at("body.sender", err)
		}
	}
	chosen, err := s.store.Skill(ctx, account, skill)
	if err != nil {
		if a.skillErr = errors.Is(err, overture.NotFound); !a.skillErr || ch.SkillID != nil && skill != 0 {
			return a, at("body.skill", err)
		}
	}
	if ch.SkillID != nil && skill != c.SkillID && chosen.Archived() {
		return a, at("body.skill", overture.ErrSkillArchived())
	}
	return a, nil
}

// at adds to an error of another room's thing where it stands in the request.
func at(location string, err error) error {
	var known *overture.Error
	if !errors.As(err, &known) {
		return err
	}
	out := *known
	out.Fields = append(out.Fields, overture.Field{Location: location, Message: known.Message})
	return &out
}

// check gives Invalid with every wrong field, or nil.
func (a setting) check(c overture.Campaign, ch Change, now time.Time) error {
	fields := a.wrong(c, ch, now)
	if len(fields) == 0 {
		return nil
	}
	return &overture.Error{Kind: overture.Invalid, Code: "invalid_campaign", Message: "the campaign was not saved; " + fields[0].Message, Fields: fields}
}

func (a setting) wrong(c overture.Campaign, ch Change, now time.Time) (fields []overture.Field) {
	say := func(field, format string, args ...any) {
		fields = append(fields, overture.Field{Location: "body." + field, Message: fmt.Sprintf(format, args...)})
	}
	switch n := utf8.RuneCountInString(c.Name); {
	case n == 0:
		say("name", "give the campaign a name; agents see it with every reply")
	case n > MaxName:
		say("name", "the name has %d characters; at most %d are allowed", n, MaxName)
	case !printable(c.Name, false):
		say("name", "the name has control characters; remove them")
	}
	if c.Channel != overture.SMS {
		say("channel", "the channel %q is not available; use sms", c.Channel)
	}
	switch {
	case a.senderErr:
		say("sender", "choose a sender of this account")
	case c.Channel == overture.SMS && a.sender.Channel != c.Channel:
		say("sender", "this sender is for %s; choose one for %s", a.sender.Channel, c.Channel)
	}
	if a.skillErr {
		say("skill", "choose a skill of this account; replies go there")
	}
	a.wrongText(c.Content, say)
	a.wrongSchedule(c, ch, now, say)
	wrongRails(c, say)
	if c.Policy != overture.Safe && c.Policy != overture.MustReach {
		say("policy", "the policy is safe or must_reach")
	}
	switch c.OpenConversation {
	case overture.OpenConversationSkip, overture.OpenConversationHold, overture.OpenConversationDeliver:
	default:
		say("open_conversation", "what happens in an open conversation is skip, hold or deliver")
	}
	return fields
}

func (a setting) wrongText(content overture.Content, say func(string, string, ...any)) {
	switch n := utf8.RuneCountInString(content.Text); {
	case !printable(content.Text, true):
		say("text", "the text has control characters or broken ones; remove them")
	case n+1+utf8.RuneCountInString(content.OptOutText) > MaxText:
		say("text", "text and opt-out text have %d characters; a message takes at most %d", n+1+utf8.RuneCountInString(content.OptOutText), MaxText)
	}
	switch n := utf8.RuneCountInString(content.OptOutText); {
	case n == 0:
		say("opt_out_text", "the opt-out text is mandatory in every SMS; say how to stop")
	case n > MaxOptOut:
		say("opt_out_text", "the opt-out text has %d characters; at most %d are allowed", n, MaxOptOut)
	case !printable(content.OptOutText, false):
		say("opt_out_text", "the opt-out text has control characters; remove them")
	}
}

// wrongSchedule looks at a launch time only when it is being set: a draft may lie while its date passes, and the checklist says so then.
func (a setting) wrongSchedule(c overture.Campaign, ch Change, now time.Time, say func(string, string, ...any)) {
	if ch.LaunchAt != nil && !c.LaunchAt.IsZero() {
		switch {
		case c.LaunchAt.Before(now.Add(-pastGrace)):
			say("launch_at", "the launch time is over; choose a later one, or leave it out to send as soon as it is launched")
		case c.LaunchAt.After(now.Add(MaxAhead)):
			say("launch_at", "the launch time is more than a year ahead; choose an earlier one")
		}
	}
	if (ch.ExpiresAt != nil || ch.LaunchAt != nil) && !c.ExpiresAt.IsZero() {
		switch {
		case !c.ExpiresAt.After(now):
			say("expires_at", "the validity is over already; choose a later end, or leave it out")
		case !c.ExpiresAt.After(c.LaunchAt):
			say("expires_at", "the validity ends before the launch; choose a later end")
		}
	}
	if most := max(a.sender.Rate, 1); !a.senderErr && (c.Rate < 1 || c.Rate > most) {
		say("rate", "the rate is %d segments per second; this sender takes 1 to %d", c.Rate, most)
	}
	if c.Lookback < 0 || c.Lookback > MaxLookback {
		say("lookback_hours", "the lookback is 0 to %d hours (30 days and 23 hours)", int(MaxLookback/time.Hour))
	}
	wrongWindow(c.Window, say)
}

func wrongWindow(w overture.Window, say func(string, string, ...any)) {
	open := false
	for d, h := range w.Days {
		if h.From < 0 || h.From > 1440 || h.To < 0 || h.To > 1440 {
			say("window", "the hours of %s are not between 00:00 and 24:00", time.Weekday(d))
		}
		open = open || h.From != h.To
	}
	if !open {
		say("window", "the window is closed on every day; nothing would ever go out; open at least one")
	}
	if len(w.Holidays) > MaxHolidays {
		say("window.holidays", "at most %d holidays are allowed", MaxHolidays)
		return
	}
	for _, day := range w.Holidays {
		if _, err := time.Parse(time.DateOnly, day); err != nil {
			say("window.holidays", "write holidays as 2026-12-25")
			return
		}
	}
}

// printable tells whether a text can be shown, stored and sent: valid UTF-8 without control characters, except line breaks and tabs where
// they are allowed.
func printable(s string, lines bool) bool {
	if !utf8.ValidString(s) {
		return false
	}
	for _, r := range s {
		if unicode.IsControl(r) && (!lines || r != '\n' && r != '\t') || r == utf8.RuneError {
			return false
		}
	}
	return true
}
