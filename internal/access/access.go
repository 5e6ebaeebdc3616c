package access

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/kit/bucket"
)

// Store is what the room needs of the database.
type Store interface {
	NewID() int64
	SessionStore
	UserStore
	KeyStore
	AccountStore
	SenderStore
	PriceStore
}

// Deps are the room's surroundings.
type Deps struct {
	Store Store
	Log   *slog.Logger
	// CheckBaseURL refuses a provider URL that this server may not call (public https, unless it runs with the lab). The error is shown.
	CheckBaseURL func(url string) error
	// SessionIdle and SessionEnd bound a session: time without a request, and time altogether. Zero: 12 hours and 7 days.
	SessionIdle, SessionEnd time.Duration
	Throttle                Throttle // zero: the defaults
	// SetupCode is what SetUp asks for; nobody else may know it. Empty: this server cannot be set up by a browser.
	SetupCode string
	// SessionsEnded is told after sessions may have ended before their time. Nil: nobody is.
	SessionsEnded func()
}

// Control is the room: one value with a method per use case.
type Control struct {
	store        Store
	log          *slog.Logger
	checkBaseURL func(url string) error
	idle, end    time.Duration
	throttle     Throttle
	setupCode    string
	begun        atomic.Bool // there is an account

	sessionsEnded func()
	tries         *bucket.Set
	hasher        *hasher
}

// New makes the room.
func New(d Deps) *Control {
	c := &Control{
		store: d.Store, log: d.Log, checkBaseURL: d.CheckBaseURL, idle: d.SessionIdle, end: d.SessionEnd,
		throttle: d.Throttle.withDefaults(), setupCode: d.SetupCode, tries: bucket.New(20_000), hasher: newHasher(),
		sessionsEnded: d.SessionsEnded,
	}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	if c.sessionsEnded == nil {
		c.sessionsEnded = func() {}
	}
	if c.idle == 0 {
		c.idle = 12 * time.Hour
	}
	if c.end == 0 {
		c.end = 7 * 24 * time.Hour
	}
	return c
}

// secret gives 256 random bits as text.
func secret() string {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// fingerprint is what is stored of a secret. The secret is random, so a plain hash is enough; lookup by it leaks nothing through time.
func fingerprint(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

func invalid(code, location, message string) error {
	return &overture.Error{Kind: overture.Invalid, Code: code, Message: message, Fields: []overture.Field{{Location: location, Message: message}}}
}
