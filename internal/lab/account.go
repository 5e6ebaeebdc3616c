package lab

import (
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Number is one of the lab's sending numbers, as registered by PUT /lab/numbers/{number}.
type Number struct {
	Number     string  `json:"number"` // E.164, a short code or an alphanumeric id
	AccountSID string  `json:"account_sid"`
	InboundURL string  `json:"inbound_url,omitempty"` // where messages to this number are posted; loopback only; empty: nowhere
	Rate       float64 `json:"rate,omitempty"`        // segments per second above which creates get 429; 0: no limit
	Burst      float64 `json:"burst,omitempty"`       // segments at once; 0: one second's worth, at least 1
	ServiceSID string  `json:"service_sid,omitempty"` // messaging service (MG…) this number belongs to
	Keywords   string  `json:"keywords,omitempty"`    // who handles STOP: "default" (the carrier), "advanced" (and says so: OptOutType), "none" (nobody)
}

// Words for Number.Keywords.
const (
	KeywordsDefault  = "default"
	KeywordsAdvanced = "advanced"
	KeywordsNone     = "none"
)

type account struct {
	sid      string
	token    string // signs webhooks
	inFlight *atomic.Int64
}

// sender is a registered number with its token bucket.
type sender struct {
	Number
	mu     sync.Mutex
	tokens float64
	at     time.Time
}

// directory is an immutable snapshot: reading it on the hot path costs no lock.
type directory struct {
	accounts map[string]*account
	auth     map[string]*account // by the whole Authorization header
	senders  map[string]*sender
	services map[string][]*sender
}

// register publishes a changed copy of the directory.
func (l *Lab) register(change func(*directory)) {
	l.directoryMu.Lock()
	defer l.directoryMu.Unlock()
	old := l.directory.Load()
	d := &directory{
		accounts: maps.Clone(old.accounts), auth: maps.Clone(old.auth), senders: maps.Clone(old.senders), services: map[string][]*sender{},
	}
	change(d)
	for _, name := range sortedKeys(d.senders) {
		if s := d.senders[name]; s.ServiceSID != "" {
			d.services[s.ServiceSID] = append(d.services[s.ServiceSID], s)
		}
	}
	l.directory.Store(d)
}

func emptyDirectory() *directory {
	return &directory{accounts: map[string]*account{}, auth: map[string]*account{}, senders: map[string]*sender{}}
}

func basicAuth(sid, token string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(sid+":"+token))
}

// addAccount registers an account, or gives it a new token.
func (l *Lab) addAccount(sid, token string) error {
	if len(sid) != 34 || !strings.HasPrefix(sid, "AC") {
		return errors.New(`sid must be "AC" and 32 hexadecimal digits`)
	}
	if token == "" {
		return errors.New("token is missing: give the auth token that signs webhooks")
	}
	l.register(func(d *directory) { d.setAccount(sid, token) })
	l.ledger.journal.note(line{Kind: lineAccount, SID: sid, Token: token})
	return nil
}

func (d *directory) setAccount(sid, token string) {
	inFlight := &atomic.Int64{}
	if old := d.accounts[sid]; old != nil {
		inFlight = old.inFlight
		delete(d.auth, basicAuth(sid, old.token))
	}
	a := &account{sid: sid, token: token, inFlight: inFlight}
	d.accounts[sid] = a
	d.auth[basicAuth(sid, token)] = a
}

// setNumber registers a number, or changes it.
func (l *Lab) setNumber(n Number) error {
	if n.Number == "" || len(n.Number) > 32 {
		return errors.New("number is missing: put it in the path, as /lab/numbers/+15005550006")
	}
	if l.directory.Load().accounts[n.AccountSID] == nil {
		return fmt.Errorf("there is no account %q: register it first with POST /lab/accounts", n.AccountSID)
	}
	if n.InboundURL != "" {
		if _, err := hookURL(n.InboundURL); err != nil {
			return fmt.Errorf("inbound_url: %w", err)
		}
	}
	if n.Rate < 0 || n.Burst < 0 {
		return errors.New("rate and burst are segments per second and at once: give 0 or more")
	}
	switch n.Keywords {
	case "", KeywordsDefault, KeywordsAdvanced, KeywordsNone:
	default:
		return errors.New(`keywords is "default", "advanced" or "none"`)
	}
	l.register(func(d *directory) { d.senders[n.Number] = newSender(n) })
	l.ledger.journal.note(line{Kind: lineNumber, Number: &n})
	return nil
}

func newSender(n Number) *sender {
	if n.Keywords == "" {
		n.Keywords = KeywordsDefault
	}
	if n.Burst == 0 {
		n.Burst = max(n.Rate, 1)
	}
	return &sender{Number: n, tokens: n.Burst}
}

// take removes segments from the bucket; false means too fast. A full bucket admits a message of any size.
func (s *sender) take(segments int, now time.Time) bool {
	if s.Rate == 0 {
		return true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.at.IsZero() {
		s.tokens = min(s.Burst, s.tokens+now.Sub(s.at).Seconds()*s.Rate)
	}
	s.at = now
	if s.tokens < min(float64(segments), s.Burst) {
		return false
	}
	s.tokens -= float64(segments)
	return true
}

// authorize finds the account behind the request's credentials, which must be the one in the path.
func (l *Lab) authorize(r *http.Request, accountSID string) (*account, *refusal) {
	header := r.Header.Get("Authorization")
	a := l.directory.Load().auth[header]
	if a == nil && l.open {
		if sid, token, ok := r.BasicAuth(); ok && l.addAccount(sid, token) == nil {
			a = l.directory.Load().auth[header]
		}
	}
	if a == nil || a.sid != accountSID {
		return nil, refuse(20003, "Authenticate: the account SID and auth token do not match an account of this lab")
	}
	return a, nil
}

// senderOf finds the sending number of an account: by From, or the service's own choice for this recipient, which stays the same.
func (l *Lab) senderOf(a *account, from, service string, to number) (*sender, *refusal) {
	d := l.directory.Load()
	switch {
	case from == "" && service == "":
		return nil, refuse(21603, "A From number or a MessagingServiceSid is required")
	case from == "":
		pool := d.services[service]
		if len(pool) == 0 || pool[0].AccountSID != a.sid {
			return nil, refuse(21701, "The messaging service does not exist: register a number with this service_sid")
		}
		return pool[mix(l.seed, uint64(to))%uint64(len(pool))], nil
	}
	switch from {
	case "+15005550001":
		return nil, refuse(21212, "The From number is not valid")
	case "+15005550007":
		return nil, refuse(21606, "The From number is not yours or cannot send SMS")
	case "+15005550008":
		return nil, refuse(21611, "The From number has too many messages waiting")
	}
	s := d.senders[from]
	if s == nil && (l.open || from == "+15005550006") {
		if err := l.setNumber(Number{Number: from, AccountSID: a.sid}); err == nil {
			s = l.directory.Load().senders[from]
		}
	}
	if s == nil || s.AccountSID != a.sid || service != "" && s.ServiceSID != service {
		return nil, refuse(21606, "The From number is not a sender of this account: register it with PUT /lab/numbers")
	}
	return s, nil
}

// hookURL checks that a webhook is absolute and on loopback: the lab calls nothing else.
func hookURL(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		return nil, errors.New("give an absolute http or https URL")
	case strings.Contains(u.Hostname(), "_"):
		return nil, errors.New("the host name must not contain an underscore")
	case !loopbackName(u.Hostname()):
		return nil, errors.New("the lab calls loopback addresses only: use 127.0.0.1, [::1] or localhost")
	}
	return u, nil
}
