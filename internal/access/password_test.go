package access

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/crypto/argon2"

	"github.com/overture-im/overture"
)

func TestPasswordHash(t *testing.T) {
	t.Parallel()
	h := newHasher()
	one, err := h.hash(t.Context(), "correct horse battery")
	if err != nil {
		t.Fatal(err)
	}
	two, err := h.hash(t.Context(), "correct horse battery")
	if err != nil {
		t.Fatal(err)
	}
	if one == two || !strings.HasPrefix(one, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Errorf("hashes %q and %q: want a fresh salt and the parameters", one, two)
	}
	// A hash carries its parameters, so that those of new hashes can change.
	older := fmt.Sprintf("$argon2id$v=19$m=64,t=1,p=2$%s$%s", base64.RawStdEncoding.EncodeToString([]byte("salt of old days")),
		base64.RawStdEncoding.EncodeToString(argon2.IDKey([]byte("old and cheap"), []byte("salt of old days"), 1, 64, 2, 24)))
	for name, tt := range map[string]struct {
		password, encoded string
		want, bad         bool
	}{
		"right":             {"correct horse battery", one, true, false},
		"wrong":             {"correct horse batterY", one, false, false},
		"empty":             {"", one, false, false},
		"of nobody":         {"correct horse battery", h.dummy, false, false},
		"older parameters":  {"old and cheap", older, true, false},
		"no hash":           {"x", "no password", false, true},
		"another algorithm": {"x", "$2a$10$abc$d$e", false, true},
		"no parameters":     {"x", "$argon2id$v=19$$YQ$YQ", false, true},
	} {
		got, err := h.matches(t.Context(), tt.password, tt.encoded)
		if got != tt.want || (err != nil) != tt.bad {
			t.Errorf("%s: matches = %v, %v; want %v, error %v", name, got, err, tt.want, tt.bad)
		}
	}
}

func TestOnlyAFewHashesRunAtOnce(t *testing.T) {
	t.Parallel()
	h := newHasher()
	for range cap(h.slots) {
		if _, err := h.enter(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := h.hash(ctx, "correct horse battery"); !errors.Is(err, context.Canceled) {
		t.Errorf("hash = %v while all slots are taken, want it to wait", err)
	}
	if _, err := h.matches(ctx, "x", h.dummy); !errors.Is(err, context.Canceled) {
		t.Errorf("matches = %v while all slots are taken, want it to wait", err)
	}
}

func TestCheckPassword(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ password, code string }{
		"good":          {"correct horse battery", ""},
		"15 characters": {"123456789012345", ""},
		"14 characters": {"12345678901234", "password_too_short"},
		"15 runes":      {"ÄÖÜäöüßÄÖÜäöüßÄ", ""},
		"14 runes":      {"ÄÖÜäöüßÄÖÜäöüß", "password_too_short"},
		"empty":         {"", "password_too_short"},
		"very long":     {strings.Repeat("ab", 101), "password_too_long"},
		"the address":   {"Somebody@alpha.example", "password_is_email"},
		"one character": {strings.Repeat("a", 20), "password_too_simple"},
	} {
		err := checkPassword("body.password", tt.password, "somebody@alpha.example")
		var known *overture.Error
		if errors.As(err, &known); (err == nil) != (tt.code == "") || err != nil && (known.Code != tt.code || known.Fields[0].Location != "body.password") {
			t.Errorf("%s: %v, want code %q", name, err, tt.code)
		}
	}
}

// T4: of 10,000 guesses in an hour at most 100 may reach the password check of one address, from however many clients.
func TestGuessesPerHour(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := New(Deps{})
		passed, start := 0, time.Now()
		for i := range 10_000 {
			if c.mayTry("victim@alpha.example", "192.0.2."+string(rune('a'+i%200)), start.Add(time.Duration(i)*360*time.Millisecond)) == nil {
				passed++
			}
		}
		if passed > 100 || passed < 20 {
			t.Errorf("%d guesses passed, want at most 100 and not none", passed)
		}
	})
}

// nobody is a store without users.
type nobody struct{ Store }

func (nobody) UserByEmail(context.Context, string) (overture.User, string, error) {
	return overture.User{}, "", overture.ErrNotFound("user")
}

// An unknown address takes the same way as a known one, through a whole password check: while all slots are taken it waits for one.
func TestUnknownUsersCostAsMuch(t *testing.T) {
	t.Parallel()
	c := New(Deps{Store: nobody{}})
	ctx, cancel := context.WithCancel(t.Context())
	if _, _, err := c.SignIn(ctx, "nobody@alpha.example", "correct horse battery", "192.0.2.1", ""); overture.KindOf(err) != overture.Unauthorized {
		t.Errorf("sign in: %v", err)
	}
	for range cap(c.hasher.slots) {
		c.hasher.slots <- struct{}{}
	}
	cancel()
	if _, _, err := c.SignIn(ctx, "nobody@alpha.example", "correct horse battery", "192.0.2.1", ""); !errors.Is(err, context.Canceled) {
		t.Errorf("sign in of an unknown user did not check a password: %v", err)
	}
}
