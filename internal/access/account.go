package access

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/kit/tz"
)

// AccountStore keeps accounts with their settings, brands and skills, and gives the audit log.
type AccountStore interface {
	HasAccounts(ctx context.Context) (bool, error)
	CreateAccount(ctx context.Context, account overture.Account, brand overture.Brand, admin overture.User, passwordHash string) error
	CreateFirstAccount(ctx context.Context, account overture.Account, brand overture.Brand, admin overture.User, passwordHash string) error
	Account(ctx context.Context, id overture.AccountID) (overture.Account, error)
	SetAccountStopped(ctx context.Context, by overture.Actor, stopped bool, reason string, now time.Time) (overture.Account, error)
	UpdateAccount(ctx context.Context, by overture.Actor, now time.Time, change func(*overture.Account) (string, error)) (overture.Account, error)
	CreateBrand(ctx context.Context, by overture.Actor, b overture.Brand) error
	Brands(ctx context.Context, account overture.AccountID, after overture.BrandID, limit int) ([]overture.Brand, error)
	CreateSkill(ctx context.Context, by overture.Actor, k overture.Skill, now time.Time) error
	UpdateSkill(ctx context.Context, by overture.Actor, id overture.SkillID, now time.Time, change func(*overture.Skill) (string, error)) (overture.Skill, error)
	Skills(ctx context.Context, f overture.SkillFilter) ([]overture.Skill, error)
	AuditEntries(ctx context.Context, f overture.AuditFilter) ([]overture.AuditEntry, error)
}

// Account gives the account with its settings, defaults filled in.
func (c *Control) Account(ctx context.Context, id overture.AccountID) (overture.Account, error) {
	a, err := c.store.Account(ctx, id)
	if err != nil {
		return a, fmt.Errorf("account: %w", err)
	}
	a.Settings = a.Settings.WithDefaults()
	return a, nil
}

// AccountChange changes what is not nil.
type AccountChange struct {
	Name             *string
	OptOutText       *string
	SMSLimit         *int
	LengthPolicy     *overture.LengthPolicy
	Window           *overture.Window
	SendRate         *int
	Lookback         *time.Duration
	DefaultSkillID   *overture.SkillID
	HelpText         *string
	TimeZone         *string
	OpenConversation *overture.OpenConversationPolicy
	OrdinaryWords    *[]string                           // keywords that are plain answers while a conversation is open
	Rails            func(overture.Rails) overture.Rails // lays the change over the guard rails as they are
}

// MaxRate in segments per second is what a sender may be given, and so the default of new campaigns too.
const MaxRate = 100_000

// Bounds of settings. A single SMS segment is at most 160 characters, a message at most ten segments.
const (
	maxOptOutText = 160
	minSMSLimit   = 60
	maxSMSLimit   = 1600
	maxLookback   = 366 * 24 * time.Hour
	maxHelpText   = 320
	maxName       = 200
)

// UpdateAccount changes the account's name and settings. They are defaults of new campaigns: launched ones keep theirs.
func (c *Control) UpdateAccount(ctx context.Context, by overture.Actor, change AccountChange) (overture.Account, error) {
	if change.Rails != nil {
		if err := c.inCurrency(ctx, by.AccountID, &change); err != nil {
			return overture.Account{}, err
		}
	}
	a, err := c.store.UpdateAccount(ctx, by, time.Now(), change.apply)
	if err != nil {
		return a, fmt.Errorf("update account: %w", err)
	}
	a.Settings = a.Settings.WithDefaults()
	return a, nil
}

// inCurrency names the currency of a limit in money when it is set: that of the price table.
func (c *Control) inCurrency(ctx context.Context, account overture.AccountID, change *AccountChange) error {
	prices, err := c.Prices(ctx, account)
	if err != nil {
		return err
	}
	asked := change.Rails
	if asked(overture.Rails{}).SpendPerDay > 0 && prices.Version == 0 {
		return invalid("no_prices", "body.rails.spend_per_day", "a limit in money needs prices; set the price table first")
	}
	change.Rails = func(was overture.Rails) overture.Rails {
		r := asked(was)
		switch {
		case r.SpendPerDay == 0:
			r.SpendCurrency = ""
		case asked(overture.Rails{}).SpendPerDay > 0: // it is in the change
			r.SpendCurrency = prices.Currency
		}
		return r
	}
	return nil
}

// SetStopped is the account's kill switch: while it is stopped no send begins, on any node.
func (c *Control) SetStopped(ctx context.Context, by overture.Actor, stopped bool, reason string) (overture.Account, error) {
	if err := checkReason(&reason); err != nil {
		return overture.Account{}, err
	}
	a, err := c.store.SetAccountStopped(ctx, by, stopped, reason, time.Now())
	if err != nil {
		return a, fmt.Errorf("stop or start the account: %w", err)
	}
	c.log.InfoContext(ctx, "kill switch", "account_id", by.AccountID.String(), "stopped", stopped)
	a.Settings = a.Settings.WithDefaults()
	return a, nil
}

// apply makes the change, names the fields it changed, and refuses settings that do not fit together.
func (ch AccountChange) apply(a *overture.Account) (string, error) {
	var changed []string
	s := &a.Settings
	set(&changed, "name", &a.Name, trimmed(ch.Name))
	set(&changed, "opt_out_text", &s.OptOutText, trimmed(ch.OptOutText))
	set(&changed, "sms_limit", &s.SMSLimit, ch.SMSLimit)
	set(&changed, "length_policy", &s.LengthPolicy, ch.LengthPolicy)
	set(&changed, "send_rate", &s.SendRate, ch.SendRate)
	set(&changed, "lookback", &s.Lookback, ch.Lookback)
	set(&changed, "default_skill", &s.DefaultSkillID, ch.DefaultSkillID)
	set(&changed, "help_text", &s.HelpText, trimmed(ch.HelpText))
	set(&changed, "time_zone", &s.TimeZone, ch.TimeZone)
	set(&changed, "open_conversation", &s.OpenConversation, ch.OpenConversation)
	if ch.OrdinaryWords != nil {
		s.OrdinaryWords = *ch.OrdinaryWords
		changed = append(changed, "ordinary_words")
	}
	if ch.Rails != nil {
		if r := ch.Rails(s.Rails); r != s.Rails {
			s.Rails = r
			changed = append(changed, "rails")
		}
	}
	if ch.Window != nil {
		s.Window = *ch.Window
		changed = append(changed, "window")
	}
	if err := checkName("body.name", a.Name); err != nil {
		return "", err
	}
	return strings.Join(changed, ", "), ch.check(s.WithDefaults())
}

func (ch AccountChange) check(s overture.Settings) error {
	optOut := utf8.RuneCountInString(s.OptOutText)
	switch {
	case ch.OptOutText != nil && strings.TrimSpace(*ch.OptOutText) == "":
		return invalid("opt_out_text", "body.opt_out_text", "the opt-out text is mandatory; say how to stop")
	case optOut > maxOptOutText || !printable(s.OptOutText):
		return invalid("opt_out_text", "body.opt_out_text", fmt.Sprintf("the opt-out text has at most %d characters, without line breaks", maxOptOutText))
	case s.SMSLimit < minSMSLimit || s.SMSLimit > maxSMSLimit || s.SMSLimit <= optOut:
		return invalid("sms_limit", "body.sms_limit", fmt.Sprintf("the limit is between %d and %d characters and leaves room beside the opt-out text", minSMSLimit, maxSMSLimit))
	case s.LengthPolicy != overture.LengthWarn && s.LengthPolicy != overture.LengthOneSegment && s.LengthPolicy != overture.LengthStrict:
		return invalid("length_policy", "body.length_policy", "the length policy is warn, one_segment or strict")
	case s.SendRate < 1 || s.SendRate > MaxRate:
		return invalid("send_rate", "body.send_rate", fmt.Sprintf("the send rate is 1 to %d segments per second", MaxRate))
	case s.Lookback < time.Hour || s.Lookback > maxLookback:
		return invalid("lookback", "body.lookback_hours", "the lookback is 1 hour to 366 days")
	case utf8.RuneCountInString(s.HelpText) > maxHelpText || !printable(s.HelpText):
		return invalid("help_text", "body.help_text", fmt.Sprintf("the answer to HELP has at most %d characters, without line breaks", maxHelpText))
	case !tz.Valid(s.TimeZone):
		return invalid("time_zone", "body.time_zone", "the time zone is an IANA name such as America/New_York")
	case s.OpenConversation != overture.OpenConversationSkip && s.OpenConversation != overture.OpenConversationHold && s.OpenConversation != overture.OpenConversationDeliver:
		return invalid("open_conversation", "body.open_conversation", "the policy for open conversations is skip, hold or deliver")
	}
	return nil
}

// set changes *field to *value where value is not nil and differs, and notes the field's name.
func set[T comparable](changed *[]string, name string, field, value *T) {
	if value != nil && *value != *field {
		*field = *value
		*changed = append(*changed, name)
	}
}

func trimmed(text *string) *string {
	if text == nil {
		return nil
	}
	t := strings.TrimSpace(*text)
	return &t
}

func printable(text string) bool {
	return utf8.ValidString(text) && strings.IndexFunc(text, unicode.IsControl) < 0
}

// checkReason trims and checks what a person says about a stop.
func checkReason(reason *string) error {
	if *reason = strings.TrimSpace(*reason); utf8.RuneCountInString(*reason) > maxName || !printable(*reason) {
		return invalid("bad_reason", "body.reason", "say the reason in at most 200 characters on one line")
	}
	return nil
}

// checkName is for names that people read: of accounts, brands, skills, users, keys, senders.
func checkName(location, name string) error {
	name = strings.TrimSpace(name)
	if name == "" || utf8.RuneCountInString(name) > maxName || !printable(name) {
		return invalid("bad_name", location, fmt.Sprintf("a name has 1 to %d characters, without line breaks", maxName))
	}
	return nil
}

// CreateBrand adds a brand to the account.
func (c *Control) CreateBrand(ctx context.Context, by overture.Actor, name string) (overture.Brand, error) {
	if err := checkName("body.name", name); err != nil {
		return overture.Brand{}, err
	}
	b := overture.Brand{ID: overture.BrandID(c.store.NewID()), AccountID: by.AccountID, Name: strings.TrimSpace(name), CreatedAt: time.Now()}
	if err := c.store.CreateBrand(ctx, by, b); err != nil {
		return b, fmt.Errorf("create brand: %w", err)
	}
	return b, nil
}

// Brands lists the account's brands.
func (c *Control) Brands(ctx context.Context, account overture.AccountID, after overture.BrandID, limit int) ([]overture.Brand, error) {
	brands, err := c.store.Brands(ctx, account, after, limit)
	if err != nil {
		return nil, fmt.Errorf("brands: %w", err)
	}
	return brands, nil
}

// CreateSkill adds a routing target to the account.
func (c *Control) CreateSkill(ctx context.Context, by overture.Actor, name string) (overture.Skill, error) {
	if err := checkName("body.name", name); err != nil {
		return overture.Skill{}, err
	}
	k := overture.Skill{ID: overture.SkillID(c.store.NewID()), AccountID: by.AccountID, Name: strings.TrimSpace(name)}
	if err := c.store.CreateSkill(ctx, by, k, time.Now()); err != nil {
		return k, fmt.Errorf("create skill: %w", err)
	}
	return k, nil
}

// SkillChange changes what is not nil.
type SkillChange struct {
	Name     *string
	Archived *bool // an archived skill keeps its agents, campaigns and conversations, and gets nothing new
}

// UpdateSkill renames a skill, archives it or brings it back.
func (c *Control) UpdateSkill(ctx context.Context, by overture.Actor, id overture.SkillID, change SkillChange) (overture.Skill, error) {
	now := time.Now()
	k, err := c.store.UpdateSkill(ctx, by, id, now, func(k *overture.Skill) (string, error) {
		var changed []string
		set(&changed, "name", &k.Name, trimmed(change.Name))
		if change.Archived != nil && *change.Archived != k.Archived() {
			k.ArchivedAt = time.Time{}
			changed = append(changed, map[bool]string{true: "archived", false: "brought back"}[*change.Archived])
			if *change.Archived {
				k.ArchivedAt = now.Truncate(time.Millisecond).UTC()
			}
		}
		return strings.Join(changed, ", "), checkName("body.name", k.Name)
	})
	if err != nil {
		return k, fmt.Errorf("update skill: %w", err)
	}
	return k, nil
}

// Skills lists the account's skills.
func (c *Control) Skills(ctx context.Context, f overture.SkillFilter) ([]overture.Skill, error) {
	skills, err := c.store.Skills(ctx, f)
	if err != nil {
		return nil, fmt.Errorf("skills: %w", err)
	}
	return skills, nil
}

// AuditEntries lists what was changed in the account, newest first.
func (c *Control) AuditEntries(ctx context.Context, f overture.AuditFilter) ([]overture.AuditEntry, error) {
	entries, err := c.store.AuditEntries(ctx, f)
	if err != nil {
		return nil, fmt.Errorf("audit entries: %w", err)
	}
	return entries, nil
}
