package access

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/overture-im/overture"
)

// KeyStore keeps API keys.
type KeyStore interface {
	CreateAPIKey(ctx context.Context, by overture.Actor, k overture.APIKey, secretHash string) error
	APIKeyBySecret(ctx context.Context, secretHash string) (k overture.APIKey, accountEnabled bool, err error)
	APIKeys(ctx context.Context, account overture.AccountID, after overture.APIKeyID, limit int) ([]overture.APIKey, error)
	RevokeAPIKey(ctx context.Context, by overture.Actor, id overture.APIKeyID, now time.Time) error
	TouchAPIKey(ctx context.Context, id overture.APIKeyID, now time.Time) error
}

const (
	keyMark      = "ovk_" // scanners for leaked secrets can find it
	keyPrefixLen = len(keyMark) + 6
)

// CreateKey makes an API key with the scopes. secret is shown this once. expires zero: never.
func (c *Control) CreateKey(ctx context.Context, who Identity, name string, scopes []Permission, expires time.Time) (key overture.APIKey, shown overture.Secret, err error) {
	now := time.Now()
	if err := checkName("body.name", name); err != nil {
		return key, "", err
	}
	if len(scopes) == 0 {
		return key, "", invalid("no_scopes", "body.scopes", "name at least one scope: "+scopeList())
	}
	for i, s := range scopes {
		if !slices.Contains(Scopes(), s) {
			return key, "", invalid("unknown_scope", fmt.Sprintf("body.scopes[%d]", i), "an API key cannot have this scope; it can have: "+scopeList())
		}
		if !Allows(who, s) {
			return key, "", invalid("scope_not_yours", fmt.Sprintf("body.scopes[%d]", i), "a key cannot have a permission that its maker does not have")
		}
	}
	if !expires.IsZero() && !expires.After(now) {
		return key, "", invalid("expires_in_the_past", "body.expires_at", "the key would be over already; choose a later time, or leave it out")
	}
	text := keyMark + secret()
	key = overture.APIKey{
		ID: overture.APIKeyID(c.store.NewID()), AccountID: who.AccountID, Name: strings.TrimSpace(name), Prefix: text[:keyPrefixLen],
		CreatedBy: who.UserID, CreatedAt: now, ExpiresAt: expires,
	}
	for _, s := range scopes {
		if !slices.Contains(key.Scopes, string(s)) {
			key.Scopes = append(key.Scopes, string(s))
		}
	}
	if err := c.store.CreateAPIKey(ctx, who.Actor(), key, fingerprint(text)); err != nil {
		return key, "", fmt.Errorf("create API key: %w", err)
	}
	return key, overture.Secret(text), nil
}

func scopeList() string {
	var names []string
	for _, s := range Scopes() {
		names = append(names, string(s))
	}
	return strings.Join(names, ", ")
}

// Key tells who holds this API key. It reads the row every time, so revoking takes effect at once and on every node (T6).
// Unauthorized: nobody, or not any more.
func (c *Control) Key(ctx context.Context, text string) (Identity, error) {
	now := time.Now()
	k, accountEnabled, err := c.store.APIKeyBySecret(ctx, fingerprint(text))
	if err != nil && !errors.Is(err, overture.NotFound) {
		return Identity{}, fmt.Errorf("look up API key: %w", err)
	}
	if err != nil || !k.Live(now) || !accountEnabled {
		return Identity{}, &overture.Error{Kind: overture.Unauthorized, Code: "bad_api_key", Message: "the API key is unknown, revoked or expired; make a new one"}
	}
	if now.Sub(k.LastUsedAt) >= seenEvery {
		if err := c.store.TouchAPIKey(ctx, k.ID, now); err != nil {
			c.log.WarnContext(ctx, "last use of an API key not noted", "key_id", k.ID.String(), "error", err.Error())
		}
	}
	who := Identity{AccountID: k.AccountID, KeyID: k.ID}
	for _, s := range k.Scopes {
		who.Scopes = append(who.Scopes, Permission(s))
	}
	return who, nil
}

// APIKeys lists the account's keys, without their secrets, which nobody knows.
func (c *Control) APIKeys(ctx context.Context, account overture.AccountID, after overture.APIKeyID, limit int) ([]overture.APIKey, error) {
	keys, err := c.store.APIKeys(ctx, account, after, limit)
	if err != nil {
		return nil, fmt.Errorf("API keys: %w", err)
	}
	return keys, nil
}

// RevokeKey ends a key at once.
func (c *Control) RevokeKey(ctx context.Context, by overture.Actor, id overture.APIKeyID) error {
	if err := c.store.RevokeAPIKey(ctx, by, id, time.Now()); err != nil {
		return fmt.Errorf("revoke API key: %w", err)
	}
	return nil
}
