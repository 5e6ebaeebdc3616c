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
	CreateAccount(ctx context.Context, account overture.Account, brand overture.Brand, admin overture.User, passwordHash string) error
	Account(ctx context.Context, id overture.AccountID) (overture.Account, error)
	UpdateAccount(ctx context.Context, by overture.Actor, now time.Time, change func(*overture.Account) (string, error)) (overture.Account, error)
	CreateBrand(ctx context.Context, by overture.Actor, b overture.Brand) error
	Brands(ctx context.Context, account overture.AccountID, after overture.BrandID, limit int) ([]overture.Brand, error)
	CreateSkill(ctx context.Context, by overture.Actor, k overture.Skill, now time.Time) error
	Skills(ctx context.Context, account overture.AccountID, search string, after overture.SkillID, limit int) ([]overture.Skill, error)
	AuditEntries(ctx context.Context, account overture.AccountID, after overture.AuditID, limit int) ([]overture.AuditEntry, error)
}

// Started is what Bootstrap made.
type Started struct {
	Account overture.Account
	Brand   overture.Brand
	Admin   overture.User
}

// Bootstrap makes a new account with a first brand of the same name and a first administrator. It is for the command line: no route leads here.
func (c *Control) Bootstrap(ctx context.Context, accountName, email, password string) (Started, error) {
	if err := checkName("account name", accountName); err != nil {
		return Started{}, err
	}
	admin, hash, err := c.prepareUser(ctx, NewUser{Email: email, Name: "Administrator", Password: password, Role: overture.Administrator})
	if err != nil {
		return Started{}, err
	}
	now := admin.CreatedAt
	out := Started{Account: overture.Account{ID: overture.AccountID(c.store.NewID()), Name: strings.TrimSpace(accountName), Enabled: true, CreatedAt: now}}
	admin.AccountID = out.Account.ID
	out.Admin = admin
	out.Brand = overture.Brand{ID: overture.BrandID(c.store.NewID()), AccountID: out.Account.ID, Name: out.Account.Name, CreatedAt: now}
	if err := c.store.CreateAccount(ctx, out.Account, out.Brand, admin, hash); err != nil {
		return Started{}, fmt.Errorf("create account: %w", err)
	}
	return out, nil
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
	OrdinaryWords    *[]string // keywords that are plain answers while a conversation is open
}

// Bounds of settings. A single SMS segment is at most 160 characters, a message at most ten segments.
const (
	maxOptOutText = 160
	minSMSLimit   = 60
	maxSMSLimit   = 1600
	maxSendRate   = 1000
	maxLookback   = 366 * 24 * time.Hour
	maxHelpText   = 320
	maxName       = 200
)

// UpdateAccount changes the account's name and settings. They are defaults of new campaigns: launched ones keep theirs.
func (c *Control) UpdateAccount(ctx context.Context, by overture.Actor, change AccountChange) (overture.Account, error) {
	a, err := c.store.UpdateAccount(ctx, by, time.Now(), change.apply)
	if err != nil {
		return a, fmt.Errorf("update account: %w", err)
	}
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
	case s.SendRate < 1 || s.SendRate > maxSendRate:
		return invalid("send_rate", "body.send_rate", fmt.Sprintf("the send rate is 1 to %d segments per second", maxSendRate))
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

// Skills lists the account's skills whose name contains search.
func (c *Control) Skills(ctx context.Context, account overture.AccountID, search string, after overture.SkillID, limit int) ([]overture.Skill, error) {
	skills, err := c.store.Skills(ctx, account, search, after, limit)
	if err != nil {
		return nil, fmt.Errorf("skills: %w", err)
	}
	return skills, nil
}

// AuditEntries lists what was changed in the account, newest first.
func (c *Control) AuditEntries(ctx context.Context, account overture.AccountID, after overture.AuditID, limit int) ([]overture.AuditEntry, error) {
	entries, err := c.store.AuditEntries(ctx, account, after, limit)
	if err != nil {
		return nil, fmt.Errorf("audit entries: %w", err)
	}
	return entries, nil
}
