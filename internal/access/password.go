package access

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"runtime"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
)

// Argon2id as OWASP recommends for servers: 19 MiB, two passes, one lane.
const (
	argonMemory = 19 * 1024 // KiB
	argonTime   = 2
	argonLanes  = 1
	argonSalt   = 16
	argonHash   = 32
)

// Lengths of a password in characters. Long and without rules is stronger than short with rules; there is no second factor yet (T4).
const (
	minPassword = 15
	maxPassword = 200
)

// hasher makes and checks password hashes. Each takes 19 MiB and some 20 ms, so only a few run at once: a flood of sign-ins waits
// instead of filling the memory.
type hasher struct {
	slots chan struct{}
	dummy string // of no password; checked for unknown users, so that they take as long as known ones
}

func newHasher() *hasher {
	h := &hasher{slots: make(chan struct{}, max(2, runtime.GOMAXPROCS(0)))}
	var hash [argonHash]byte
	_, _ = rand.Read(hash[:]) // never fails; no password has a random hash
	h.dummy = encodeHash(make([]byte, argonSalt), hash[:])
	return h
}

func (h *hasher) enter(ctx context.Context) (leave func(), err error) {
	select {
	case h.slots <- struct{}{}:
		return func() { <-h.slots }, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for password check: %w", ctx.Err())
	}
}

// hash gives the encoded hash of a password, parameters included.
func (h *hasher) hash(ctx context.Context, password string) (string, error) {
	leave, err := h.enter(ctx)
	if err != nil {
		return "", err
	}
	defer leave()
	var salt [argonSalt]byte
	_, _ = rand.Read(salt[:]) // never fails
	return encodeHash(salt[:], argon2.IDKey([]byte(password), salt[:], argonTime, argonMemory, argonLanes, argonHash)), nil
}

func encodeHash(salt, hash []byte) string {
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, argonMemory, argonTime, argonLanes,
		base64.RawStdEncoding.EncodeToString(salt), base64.RawStdEncoding.EncodeToString(hash))
}

// matches tells whether the password belongs to the encoded hash, with the parameters that stand in it.
func (h *hasher) matches(ctx context.Context, password, encoded string) (bool, error) {
	leave, err := h.enter(ctx)
	if err != nil {
		return false, err
	}
	defer leave()
	var version int
	var memory, passes uint32
	var lanes uint8
	parts := strings.Split(encoded, "$")
	if len(parts) != 6 || parts[1] != "argon2id" {
		return false, fmt.Errorf("password hash: unknown form")
	}
	if _, err := fmt.Sscanf(parts[2]+" "+parts[3], "v=%d m=%d,t=%d,p=%d", &version, &memory, &passes, &lanes); err != nil || version != argon2.Version {
		return false, fmt.Errorf("password hash: unknown parameters")
	}
	salt, err := base64.RawStdEncoding.DecodeString(parts[4])
	if err != nil {
		return false, fmt.Errorf("password hash: salt: %w", err)
	}
	want, err := base64.RawStdEncoding.DecodeString(parts[5])
	if err != nil {
		return false, fmt.Errorf("password hash: %w", err)
	}
	got := argon2.IDKey([]byte(password), salt, passes, memory, lanes, uint32(len(want)))
	return subtle.ConstantTimeCompare(got, want) == 1, nil
}

// checkPassword says what is wrong with a new password.
func checkPassword(location, password, email string) error {
	switch n := utf8.RuneCountInString(password); {
	case n < minPassword:
		return invalid("password_too_short", location, fmt.Sprintf("a password has at least %d characters; a few words make a good one", minPassword))
	case n > maxPassword:
		return invalid("password_too_long", location, fmt.Sprintf("a password has at most %d characters", maxPassword))
	case strings.EqualFold(password, email):
		return invalid("password_is_email", location, "the password must not be the e-mail address")
	case strings.Count(password, password[:1]) == len(password):
		return invalid("password_too_simple", location, "the password is one character over and over; a few words make a good one")
	}
	return nil
}
