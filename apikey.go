package overture

import "time"

// APIKey lets a program in. Its secret is shown once; only a hash is kept.
type APIKey struct {
	ID         APIKeyID
	AccountID  AccountID
	Name       string
	Prefix     string   // the first characters of the secret, to recognise it by
	Scopes     []string // permissions of internal/access
	CreatedBy  UserID
	CreatedAt  time.Time
	ExpiresAt  time.Time // zero: never
	RevokedAt  time.Time // zero: still good
	LastUsedAt time.Time // to the minute
}

// Live tells whether the key opens anything at this time.
func (k APIKey) Live(now time.Time) bool {
	return k.RevokedAt.IsZero() && (k.ExpiresAt.IsZero() || now.Before(k.ExpiresAt))
}
