package app

import (
	"log/slog"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/outbound/receipt"
)

// Options of one server process. The zero value of every field means its default.
type Options struct {
	DataDir       string          // SQLite database, lock and master key; default "overture-data"
	DatabaseURL   string          // postgres://…; empty: SQLite in DataDir
	Listen        string          // host:port; default 127.0.0.1:8080; port 0 takes a free one
	PublicURL     string          // what providers and browsers reach; default http:// and the address listened on
	LabURL        string          // where the carrier lab is, for senders made at it; default http://127.0.0.1:4010
	Lab           bool            // senders may point at the carrier lab: plain http and private addresses are allowed
	Node          int             // 0…255, unique among live nodes of one database
	MasterKey     overture.Secret // 32 bytes in base64; empty: MasterKeyFile
	MasterKeyFile string          // default DataDir/master.key, made at the first start
	TrustProxy    bool            // the client's address is the last one in X-Forwarded-For; only behind a proxy of your own
	OperatorToken overture.Secret // opens /operator/… and /healthz?verbose; empty: made at each start, see operator.json in DataDir
	MinFreeDisk   int64           // bytes on DataDir's disk below which /readyz is red; default 256 MiB
	Synchronous   bool            // PostgreSQL's standbys are synchronous: a promotion loses nothing and begins no quarantine
	Log           *slog.Logger    // default: nothing is logged
	Send          SendSettings
	SingleSignOn  SingleSignOn

	// SetupLink is told at the start, while the server has no account, the address at which a browser makes the first one. The link holds
	// a secret: it is for the person who started the server, not for the log. Nil: nobody is told.
	SetupLink func(link string)

	publicGiven bool // PublicURL was set, not made up
}

// SingleSignOn names the identity provider (OpenID Connect) that people may sign in with. Without Issuer there is none.
type SingleSignOn struct {
	Issuer       string
	ClientID     string
	ClientSecret overture.Secret
	Name         string // on the button; default: the issuer's host
}

// SendSettings are the numbers of the send protocol (docs/MESSAGE-LIFECYCLE.md). Zero means the default.
type SendSettings struct {
	Connections   int           // requests to providers under way at once, per sender
	ClientTimeout time.Duration // one request to a provider
	Deadline      time.Duration // between the marker's commit and the request (R2)
	ProviderDelay time.Duration // the longest time a provider may take to show an accepted message in its own record
	Grace         time.Duration // before the provider's record is asked about an unknown outcome (R7); default: the three above together
	LookupSpacing time.Duration // between the two questions (R7)
	HoldAfter     time.Duration // of failed lookups, while a node was trying: then a person decides; only with the lab another than 24 h
	AskAfter      time.Duration // age at which the provider is asked about an accepted message without a last receipt
	LeaseTTL      time.Duration // how long a dead node's senders stay with it
}

func (o Options) withDefaults() Options {
	if o.DataDir == "" {
		o.DataDir = "overture-data"
	}
	if o.Listen == "" {
		o.Listen = "127.0.0.1:8080"
	}
	if o.MinFreeDisk == 0 {
		o.MinFreeDisk = 256 << 20
	}
	o.publicGiven = o.PublicURL != ""
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	o.Send = o.Send.withDefaults()
	if u, err := url.Parse(o.SingleSignOn.Issuer); err == nil && o.SingleSignOn.Name == "" {
		o.SingleSignOn.Name = u.Hostname()
	}
	return o
}

func (s SendSettings) withDefaults() SendSettings {
	if s.Connections == 0 {
		s.Connections = 64
	}
	if s.ClientTimeout == 0 {
		s.ClientTimeout = 15 * time.Second
	}
	if s.Deadline == 0 {
		s.Deadline = 5 * time.Second
	}
	if s.ProviderDelay == 0 {
		s.ProviderDelay = 100 * time.Second
	}
	if s.Grace == 0 {
		s.Grace = s.Deadline + s.ClientTimeout + s.ProviderDelay
	}
	if s.LookupSpacing == 0 {
		s.LookupSpacing = time.Minute
	}
	if s.HoldAfter == 0 {
		s.HoldAfter = 24 * time.Hour
	}
	if s.AskAfter == 0 {
		s.AskAfter = receipt.AskAfter
	}
	if s.LeaseTTL == 0 {
		s.LeaseTTL = 10 * time.Second
	}
	return s
}

// check refuses settings that contradict each other. Only a server with the lab may shorten the protocol's waiting times: a real
// provider may show a message in its record long after it took it.
func (o Options) check() error {
	wrong := func(field, message string) error {
		return &overture.Error{
			Kind: overture.Invalid, Code: "bad_options", Message: "--" + field + ": " + message,
			Fields: []overture.Field{{Location: field, Message: message}},
		}
	}
	if _, _, err := net.SplitHostPort(o.Listen); err != nil {
		return wrong("listen", "give host:port, for example 127.0.0.1:8080")
	}
	if o.Node < 0 || o.Node > 255 {
		return wrong("node", "give a number from 0 to 255, another one for each node")
	}
	if o.PublicURL != "" {
		u, err := url.Parse(o.PublicURL)
		if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") || u.RawQuery != "" || u.Fragment != "" {
			return wrong("public-url", "give the address others reach, for example https://messages.example.com")
		}
		if u.Scheme == "http" && !o.Lab && !loopback(u.Hostname()) {
			return wrong("public-url", "a public address must begin with https://")
		}
	}
	if err := o.SingleSignOn.check(o.Lab, wrong); err != nil {
		return err
	}
	s := o.Send
	if s.Connections < 1 || s.Connections > 2000 {
		return wrong("connections", "give a number from 1 to 2000")
	}
	if s.ClientTimeout < 0 || s.Deadline <= 0 || s.LookupSpacing < 0 || s.LeaseTTL < time.Second {
		return wrong("lease-ttl", "times must be positive and the lease at least 1s")
	}
	if !o.Lab && s.ProviderDelay < 100*time.Second {
		return wrong("provider-delay", "must be at least 1m40s with real providers: they may show an accepted message that late, and it would be sent twice")
	}
	if floor := s.Deadline + s.ClientTimeout + s.ProviderDelay; s.Grace < floor {
		return wrong("grace", "must be at least send deadline + client timeout + provider delay = "+floor.String()+", or an accepted message could be sent twice")
	}
	if !o.Lab && s.LookupSpacing < time.Minute {
		return wrong("lookup-spacing", "must be at least 1m")
	}
	if s.HoldAfter < time.Second || !o.Lab && s.HoldAfter != 24*time.Hour {
		return wrong("hold-after", "must be 24h with real providers, and at least 1s at a lab")
	}
	if s.AskAfter < 100*time.Millisecond || !o.Lab && s.AskAfter < time.Minute || s.AskAfter > receipt.AskAfter {
		return wrong("ask-after", "must be between 1m and 10m")
	}
	return nil
}

func (s SingleSignOn) check(lab bool, wrong func(field, message string) error) error {
	if s.Issuer == "" {
		if s != (SingleSignOn{}) {
			return wrong("oidc-issuer", "say which identity provider the other --oidc flags are about")
		}
		return nil
	}
	u, err := url.Parse(s.Issuer)
	clear := err == nil && u.Scheme == "http" && (lab || loopback(u.Hostname()))
	if err != nil || u.Host == "" || u.Scheme != "https" && !clear {
		return wrong("oidc-issuer", "give the issuer's address as its discovery document writes it, https://…")
	}
	if s.ClientID == "" {
		return wrong("oidc-client-id", "say under which id the identity provider knows this server")
	}
	return nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || (ip != nil && ip.IsLoopback())
}
