package overture_test

import (
	"testing"
	"time"

	"github.com/overture-im/overture"
)

func TestSessionLive(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	const idle = time.Hour
	for name, tt := range map[string]struct {
		change func(*overture.Session)
		want   bool
	}{
		"good":             {func(*overture.Session) {}, true},
		"at its end":       {func(s *overture.Session) { s.ExpiresAt = now }, false},
		"idle":             {func(s *overture.Session) { s.LastSeenAt = now.Add(-idle) }, false},
		"nearly idle":      {func(s *overture.Session) { s.LastSeenAt = now.Add(-idle + time.Millisecond) }, true},
		"user disabled":    {func(s *overture.Session) { s.User.Disabled = true }, false},
		"account disabled": {func(s *overture.Session) { s.AccountEnabled = false }, false},
		"user changed":     {func(s *overture.Session) { s.User.SessionVersion = 4 }, false},
	} {
		s := overture.Session{User: overture.User{SessionVersion: 3}, AccountEnabled: true, SessionVersion: 3, ExpiresAt: now.Add(time.Minute), LastSeenAt: now}
		tt.change(&s)
		if got := s.Live(now, idle); got != tt.want {
			t.Errorf("%s: Live = %v, want %v", name, got, tt.want)
		}
	}
}

func TestAPIKeyLive(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for name, tt := range map[string]struct {
		key  overture.APIKey
		want bool
	}{
		"forever":     {overture.APIKey{}, true},
		"until later": {overture.APIKey{ExpiresAt: now.Add(time.Second)}, true},
		"until now":   {overture.APIKey{ExpiresAt: now}, false},
		"revoked":     {overture.APIKey{RevokedAt: now.Add(-time.Second)}, false},
	} {
		if got := tt.key.Live(now); got != tt.want {
			t.Errorf("%s: Live = %v, want %v", name, got, tt.want)
		}
	}
}
