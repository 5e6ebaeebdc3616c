package access

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/kit/bucket"
)

// SessionStore keeps sessions.
type SessionStore interface {
	UserByEmail(ctx context.Context, email string) (u overture.User, passwordHash string, err error)
	CreateSession(ctx context.Context, by overture.Actor, session overture.Session, tokenHash string) error
	SessionByToken(ctx context.Context, tokenHash string) (overture.Session, error)
	TouchSession(ctx context.Context, tokenHash string, now time.Time) error
	DeleteSession(ctx context.Context, account overture.AccountID, id overture.SessionID) error
	DeleteOldSessions(ctx context.Context, now, idleSince time.Time) error
}

// Throttle bounds how often anybody may try to sign in (T4): per e-mail address, per client address, and altogether. A success gives the
// e-mail address its tries back.
type Throttle struct {
	PerEmail, PerAddress, Global bucket.Rate
}

func (t Throttle) withDefaults() Throttle {
	if t.PerEmail == (bucket.Rate{}) {
		t.PerEmail = bucket.Rate{PerSecond: 1.0 / 60, Burst: 10} // at most 70 guesses in the first hour, 60 in each later one
	}
	if t.PerAddress == (bucket.Rate{}) {
		t.PerAddress = bucket.Rate{PerSecond: 0.2, Burst: 30}
	}
	if t.Global == (bucket.Rate{}) {
		t.Global = bucket.Rate{PerSecond: 10, Burst: 100}
	}
	return t
}

// errWrong is the same for an unknown address, a wrong password, a disabled user and a disabled account: it tells nobody who has an account.
func errWrong() error {
	return &overture.Error{Kind: overture.Unauthorized, Code: "wrong_credentials", Message: "the e-mail address or the password is wrong"}
}

// SignIn checks the password and begins a session. token goes to the browser and is not kept.
//
// Unauthorized: address or password is wrong. TooMany: too many tries.
func (c *Control) SignIn(ctx context.Context, email, password, clientAddress, requestID string) (token string, session overture.Session, err error) {
	now := time.Now()
	email = normalEmail(email)
	if err := c.mayTry(email, clientAddress, now); err != nil {
		return "", session, err
	}
	user, hash, err := c.store.UserByEmail(ctx, email)
	known := err == nil
	if !known {
		if !errors.Is(err, overture.NotFound) {
			return "", session, fmt.Errorf("sign in: %w", err)
		}
		hash = c.hasher.dummy
	}
	right, err := c.hasher.matches(ctx, password, hash)
	if err != nil {
		return "", session, fmt.Errorf("sign in: %w", err)
	}
	if !known || !right || user.Disabled {
		return "", session, errWrong()
	}
	account, err := c.store.Account(ctx, user.AccountID)
	if err != nil {
		return "", session, fmt.Errorf("sign in: %w", err)
	}
	if !account.Enabled {
		return "", session, errWrong()
	}
	if token, session, err = c.begin(ctx, user, "", requestID, now); err != nil {
		return "", session, err
	}
	c.tries.Forget("email " + email)
	return token, session, nil
}

// SignInAs begins a session of the user with this address, for whom somebody else vouches; how says who, for the audit log.
//
// Forbidden: there is no such user, or the user or the account is disabled. TooMany: too many tries.
func (c *Control) SignInAs(ctx context.Context, email, how, clientAddress string) (token string, session overture.Session, err error) {
	now := time.Now()
	if err := c.mayTryAnonymously(clientAddress, now); err != nil {
		return "", session, err
	}
	unknown := &overture.Error{Kind: overture.Forbidden, Code: "unknown_user", Message: "nobody here has this e-mail address; ask an administrator"}
	user, _, err := c.store.UserByEmail(ctx, normalEmail(email))
	if errors.Is(err, overture.NotFound) {
		return "", session, unknown
	}
	if err != nil {
		return "", session, fmt.Errorf("sign in: %w", err)
	}
	account, err := c.store.Account(ctx, user.AccountID)
	if err != nil {
		return "", session, fmt.Errorf("sign in: %w", err)
	}
	if user.Disabled || !account.Enabled {
		return "", session, unknown
	}
	return c.begin(ctx, user, how, "", now)
}

// begin makes a session of a user who has proved who they are; how is a word for the audit log, empty for a password.
func (c *Control) begin(ctx context.Context, user overture.User, how, requestID string, now time.Time) (token string, session overture.Session, err error) {
	token = secret()
	session = overture.Session{
		ID: overture.SessionID(c.store.NewID()), User: user, AccountEnabled: true, SessionVersion: user.SessionVersion,
		CreatedAt: now, ExpiresAt: now.Add(c.end), LastSeenAt: now, Through: how,
	}
	by := overture.Actor{AccountID: user.AccountID, UserID: user.ID, RequestID: requestID}
	if err := c.store.CreateSession(ctx, by, session, fingerprint(token)); err != nil {
		return "", session, fmt.Errorf("sign in: %w", err)
	}
	return token, session, nil
}

type tries struct {
	name string
	rate bucket.Rate
}

func (c *Control) mayTry(email, clientAddress string, now time.Time) error {
	return c.mayTryAnonymously(clientAddress, now, tries{"email " + email, c.throttle.PerEmail})
}

// mayTryAnonymously is for tries that name nobody: a stranger could use up everybody's.
func (c *Control) mayTryAnonymously(clientAddress string, now time.Time, more ...tries) error {
	var longest time.Duration
	for _, b := range append(more, tries{"everybody", c.throttle.Global}, tries{"address " + clientAddress, c.throttle.PerAddress}) {
		if _, wait := c.tries.Take(b.name, b.rate, now); wait > longest {
			longest = wait
		}
	}
	if longest > 0 {
		return &overture.Error{
			Kind: overture.TooMany, Code: "too_many_tries", RetryAfter: longest,
			Message: "too many tries to sign in; wait a minute and try again",
		}
	}
	return nil
}

// seenEvery is how exactly the last use of a session or key is known; it saves a write per request.
const seenEvery = time.Minute

func errSignedOut() error {
	return &overture.Error{Kind: overture.Unauthorized, Code: "not_signed_in", Message: "the session is over; sign in again"}
}

// Session tells who holds this token, and counts as use of the session. Unauthorized: nobody, or not any more.
func (c *Control) Session(ctx context.Context, token string) (Identity, error) {
	now := time.Now()
	hash := fingerprint(token)
	s, err := c.liveSession(ctx, hash, now)
	if err != nil {
		return Identity{}, err
	}
	if now.Sub(s.LastSeenAt) >= seenEvery {
		if err := c.store.TouchSession(ctx, hash, now); err != nil {
			c.log.WarnContext(ctx, "last use of a session not noted", "session_id", s.ID.String(), "error", err.Error())
		}
	}
	return holderOf(s), nil
}

// Watch tells the same without counting as use: an open page alone does not keep a session from its end.
func (c *Control) Watch(ctx context.Context, token string) (Identity, error) {
	s, err := c.liveSession(ctx, fingerprint(token), time.Now())
	if err != nil {
		return Identity{}, err
	}
	return holderOf(s), nil
}

func holderOf(s overture.Session) Identity {
	return Identity{AccountID: s.User.AccountID, UserID: s.User.ID, SessionID: s.ID, Role: s.User.Role}
}

func (c *Control) liveSession(ctx context.Context, tokenHash string, now time.Time) (overture.Session, error) {
	s, err := c.store.SessionByToken(ctx, tokenHash)
	if errors.Is(err, overture.NotFound) {
		return s, errSignedOut()
	}
	if err != nil {
		return s, fmt.Errorf("look up session: %w", err)
	}
	if !s.Live(now, c.idle) {
		return s, errSignedOut()
	}
	return s, nil
}

// SignOut ends one session.
func (c *Control) SignOut(ctx context.Context, who Identity) error {
	if err := c.store.DeleteSession(ctx, who.AccountID, who.SessionID); err != nil {
		return fmt.Errorf("sign out: %w", err)
	}
	c.sessionsEnded()
	return nil
}

// ChangePassword replaces one's own password and ends all of one's sessions, this one too. Tries count as sign-ins.
func (c *Control) ChangePassword(ctx context.Context, who Identity, old, replacement, clientAddress string) error {
	user, err := c.store.User(ctx, who.AccountID, who.UserID)
	if err != nil {
		return fmt.Errorf("change password: %w", err)
	}
	if err := c.mayTry(user.Email, clientAddress, time.Now()); err != nil {
		return err
	}
	hash, err := c.store.PasswordHash(ctx, who.AccountID, who.UserID)
	if err != nil {
		return fmt.Errorf("change password: %w", err)
	}
	right, err := c.hasher.matches(ctx, old, hash)
	if err != nil {
		return fmt.Errorf("change password: %w", err)
	}
	if !right {
		return invalid("wrong_password", "body.old_password", "the old password is wrong")
	}
	return c.setPassword(ctx, who.Actor(), user, replacement, "body.new_password")
}

func (c *Control) setPassword(ctx context.Context, by overture.Actor, user overture.User, password, location string) error {
	if err := checkPassword(location, password, user.Email); err != nil {
		return err
	}
	hash, err := c.hasher.hash(ctx, password)
	if err != nil {
		return fmt.Errorf("set password: %w", err)
	}
	if err := c.store.SetPassword(ctx, by, user.ID, hash, time.Now()); err != nil {
		return fmt.Errorf("set password: %w", err)
	}
	c.sessionsEnded()
	return nil
}

// SweepSessions removes sessions that are over. The caller runs it now and then; sessions end without it.
func (c *Control) SweepSessions(ctx context.Context) error {
	now := time.Now()
	if err := c.store.DeleteOldSessions(ctx, now, now.Add(-c.idle)); err != nil {
		return fmt.Errorf("sweep sessions: %w", err)
	}
	return nil
}

func normalEmail(email string) string { return strings.ToLower(strings.TrimSpace(email)) }
