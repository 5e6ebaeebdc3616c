package access

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/overture-im/overture"
)

// SenderStore keeps senders; their credentials are sealed there.
type SenderStore interface {
	CreateSender(ctx context.Context, by overture.Actor, x overture.Sender) error
	Sender(ctx context.Context, account overture.AccountID, id overture.SenderID) (overture.Sender, error)
	Senders(ctx context.Context, account overture.AccountID, after overture.SenderID, limit int) ([]overture.Sender, error)
	UpdateSender(ctx context.Context, by overture.Actor, id overture.SenderID, now time.Time, change func(*overture.Sender) (string, error)) (overture.Sender, error)
	SetSenderStopped(ctx context.Context, by overture.Actor, id overture.SenderID, stopped bool, reason string, now time.Time) error
}

// NewSender is what an administrator says about a sender to create.
type NewSender struct {
	BrandID             overture.BrandID
	Name                string
	Channel             overture.Channel
	Provider            string
	Address             overture.Address
	BaseURL             string // empty: the provider's
	AccountSID          string
	AuthToken           overture.Secret
	MessagingServiceSID string
	Rate                int // zero: 1 segment per second
}

// SenderChange changes what is not nil. A new auth token moves the old one to second place, where it still proves signatures until the
// provider has stopped using it; setting the second token to "" ends that.
type SenderChange struct {
	Name                *string
	BaseURL             *string
	AccountSID          *string
	AuthToken           *overture.Secret
	SecondAuthToken     *overture.Secret
	MessagingServiceSID *string
	Rate                *int
}

// Twilio is the one provider so far.
const Twilio = "twilio"

const (
	twilioBaseURL = "https://api.twilio.com"
	maxToken      = 200
)

var (
	e164              = regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`)
	twilioAccount     = regexp.MustCompile(`^AC[0-9a-fA-F]{32}$`)
	twilioMessageServ = regexp.MustCompile(`^MG[0-9a-fA-F]{32}$`)
)

// CreateSender adds a from-number. NotFound: the brand is not the account's.
func (c *Control) CreateSender(ctx context.Context, by overture.Actor, n NewSender) (overture.Sender, error) {
	x := overture.Sender{
		ID: overture.SenderID(c.store.NewID()), AccountID: by.AccountID, BrandID: n.BrandID, Name: strings.TrimSpace(n.Name), Channel: n.Channel,
		Provider: n.Provider, Address: n.Address, BaseURL: n.BaseURL, AccountSID: n.AccountSID, AuthToken: n.AuthToken,
		MessagingServiceSID: n.MessagingServiceSID, WebhookKey: webhookKey(), Rate: n.Rate, CreatedAt: time.Now(),
	}
	if x.BaseURL == "" {
		x.BaseURL = twilioBaseURL
	}
	if x.Rate == 0 {
		x.Rate = 1
	}
	if n.Provider != Twilio || n.Channel != overture.SMS {
		return x, invalid("unknown_provider", "body.provider", "the provider is twilio, on the channel sms")
	}
	if err := c.checkSender(x); err != nil {
		return x, err
	}
	if err := c.store.CreateSender(ctx, by, x); err != nil {
		return x, fmt.Errorf("create sender: %w", err)
	}
	x.AuthToken = ""
	return x, nil
}

func (c *Control) checkSender(x overture.Sender) error {
	if err := checkName("body.name", x.Name); err != nil {
		return err
	}
	switch {
	case !e164.MatchString(string(x.Address)):
		return invalid("bad_address", "body.address", "the address is a phone number with plus and country code, such as +12125550100")
	case !twilioAccount.MatchString(x.AccountSID):
		return invalid("bad_account_sid", "body.account_sid", "the account SID is AC and 32 hexadecimal digits, as the provider's console shows it")
	case x.MessagingServiceSID != "" && !twilioMessageServ.MatchString(x.MessagingServiceSID):
		return invalid("bad_messaging_service_sid", "body.messaging_service_sid", "the messaging service SID is MG and 32 hexadecimal digits, or nothing")
	case !goodToken(x.AuthToken):
		return invalid("bad_auth_token", "body.auth_token", "the auth token is 1 to 200 visible ASCII characters, as the provider's console shows it")
	case x.SecondAuthToken != "" && !goodToken(x.SecondAuthToken):
		return invalid("bad_auth_token", "body.second_auth_token", "the second auth token is 1 to 200 visible ASCII characters, or nothing")
	case x.Rate < 1 || x.Rate > MaxRate:
		return invalid("bad_rate", "body.rate", fmt.Sprintf("the rate is 1 to %d segments per second", MaxRate))
	}
	if c.checkBaseURL != nil {
		if err := c.checkBaseURL(x.BaseURL); err != nil {
			return &overture.Error{
				Kind: overture.Invalid, Code: "bad_base_url", Err: err,
				Message: "the server may not call this base URL; it is a public https address such as " + twilioBaseURL,
				Fields:  []overture.Field{{Location: "body.base_url", Message: err.Error()}},
			}
		}
	}
	return nil
}

func goodToken(s overture.Secret) bool {
	text := s.Reveal()
	return text != "" && len(text) <= maxToken && strings.IndexFunc(text, func(r rune) bool { return r < '!' || r > '~' }) < 0
}

// UpdateSender changes a sender. Messages on their way keep what they were sent with.
func (c *Control) UpdateSender(ctx context.Context, by overture.Actor, id overture.SenderID, change SenderChange) (overture.Sender, error) {
	x, err := c.store.UpdateSender(ctx, by, id, time.Now(), func(x *overture.Sender) (string, error) {
		return change.apply(x), c.checkSender(*x)
	})
	if err != nil {
		return x, fmt.Errorf("update sender: %w", err)
	}
	return x, nil
}

// apply makes the change and names the fields it changed; never their values.
func (ch SenderChange) apply(x *overture.Sender) string {
	var changed []string
	set(&changed, "name", &x.Name, trimmed(ch.Name))
	set(&changed, "base_url", &x.BaseURL, ch.BaseURL)
	set(&changed, "account_sid", &x.AccountSID, ch.AccountSID)
	set(&changed, "messaging_service_sid", &x.MessagingServiceSID, ch.MessagingServiceSID)
	set(&changed, "rate", &x.Rate, ch.Rate)
	old := x.AuthToken
	set(&changed, "auth_token", &x.AuthToken, ch.AuthToken)
	if x.AuthToken != old && ch.SecondAuthToken == nil {
		ch.SecondAuthToken = &old
	}
	set(&changed, "second_auth_token", &x.SecondAuthToken, ch.SecondAuthToken)
	return strings.Join(changed, ", ")
}

// StopSender stops every message of the sender at once, for a person. Without a reason it says that it was a person.
func (c *Control) StopSender(ctx context.Context, by overture.Actor, id overture.SenderID, reason string) (overture.Sender, error) {
	if err := checkReason(&reason); err != nil {
		return overture.Sender{}, err
	}
	if reason == "" {
		reason = "stopped by a person"
	}
	return c.setStopped(ctx, by, id, true, reason)
}

// StartSender lets a stopped sender send again.
func (c *Control) StartSender(ctx context.Context, by overture.Actor, id overture.SenderID) (overture.Sender, error) {
	return c.setStopped(ctx, by, id, false, "")
}

func (c *Control) setStopped(ctx context.Context, by overture.Actor, id overture.SenderID, stopped bool, reason string) (overture.Sender, error) {
	if err := c.store.SetSenderStopped(ctx, by, id, stopped, reason, time.Now()); err != nil {
		return overture.Sender{}, fmt.Errorf("stop or start sender: %w", err)
	}
	return c.Sender(ctx, by.AccountID, id)
}

// Sender gives one sender of the account, without credentials.
func (c *Control) Sender(ctx context.Context, account overture.AccountID, id overture.SenderID) (overture.Sender, error) {
	x, err := c.store.Sender(ctx, account, id)
	if err != nil {
		return x, fmt.Errorf("sender: %w", err)
	}
	return x, nil
}

// Senders lists the account's senders, without credentials.
func (c *Control) Senders(ctx context.Context, account overture.AccountID, after overture.SenderID, limit int) ([]overture.Sender, error) {
	xs, err := c.store.Senders(ctx, account, after, limit)
	if err != nil {
		return nil, fmt.Errorf("senders: %w", err)
	}
	return xs, nil
}

// webhookKey is the unguessable part of the paths a provider calls for this sender.
func webhookKey() string {
	var b [24]byte
	_, _ = rand.Read(b[:]) // never fails
	return base64.RawURLEncoding.EncodeToString(b[:])
}
