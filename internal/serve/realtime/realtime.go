// Package realtime is the door for live updates: one WebSocket per tab of the console, over which hints go that something changed.
//
//	Does:   GET /v1/live; looks each second at what the accounts with an open page show, and tells their sockets what differs from the last look
//	Reads:  what internal/access and Deps.Marks read
//	Writes: nothing
//	Wakes:  nobody
//
// An event says that something changed, never what (docs/adr/0016): the page asks the API again, which judges who may see it. A socket gets
// events of its own account whose topic its role may read. Because each node looks into the database, what another node did is seen as well.
package realtime

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/access"
	"github.com/overture-im/overture/internal/kit/bucket"
)

// Sessions tells who holds a session's token. Unauthorized: nobody, or not any more.
type Sessions interface {
	Session(ctx context.Context, token string) (access.Identity, error)
	Watch(ctx context.Context, token string) (access.Identity, error)
}

// Deps of New.
type Deps struct {
	Sessions  Sessions
	Marks     func(ctx context.Context, account overture.AccountID, now time.Time) (overture.Marks, error)
	Cookie    string                       // name of the session's cookie
	PublicURL string                       // its host is an origin beside the one that was asked
	ClientIP  func(r *http.Request) string // nil: the peer's address
	Log       *slog.Logger

	Inbound <-chan struct{} // an answer came, or a conversation changed
	Ended   <-chan struct{} // sessions ended before their time

	Limits Limits
	Pace   Pace
}

// Limits bound what the door keeps. Zero means the default.
type Limits struct {
	Ring       int         // events kept for those who come back; default 4,096
	Queue      int         // events that wait for one socket; default 256
	PerSession int         // sockets of one session; default 16
	All        int         // sockets; default 2,000
	PerAddress bucket.Rate // connections of one client address; default 10 per second and 100 at once
}

// Pace is how often things happen. Zero means the default.
type Pace struct {
	Look  time.Duration // into the database; default 1 s
	Check time.Duration // whether the sessions live; default 15 s
	Beat  time.Duration // a sign of life over each socket; default 15 s
	Keep  time.Duration // how long an account without sockets is still looked at, for those who come back; default 2 min
}

func (l Limits) withDefaults() Limits {
	l.Ring, l.Queue, l.PerSession, l.All = or(l.Ring, 4096), or(l.Queue, 256), or(l.PerSession, 16), or(l.All, 2000)
	l.PerAddress = or(l.PerAddress, bucket.Rate{PerSecond: 10, Burst: 100})
	return l
}

func (p Pace) withDefaults() Pace {
	return Pace{or(p.Look, time.Second), or(p.Check, 15*time.Second), or(p.Beat, 15*time.Second), or(p.Keep, 2*time.Minute)}
}

func or[T comparable](value, otherwise T) T {
	var zero T
	if value == zero {
		return otherwise
	}
	return value
}

// mayHear is the permission that an event of each topic asks for.
var mayHear = map[overture.Topic]access.Permission{
	overture.CampaignTopic: access.CampaignsRead,
	overture.HeldTopic:     access.RecipientsRead,
	overture.InboundTopic:  access.ConversationsOwn,
	overture.OptOutTopic:   access.OptOutsRead,
	overture.SenderTopic:   access.SendersRead,
}

// Live is the door.
type Live struct {
	deps    Deps
	limits  Limits
	pace    Pace
	hub     *hub
	callers *bucket.Set
	open    prometheus.GaugeFunc
	watched prometheus.GaugeFunc
	sent    prometheus.Counter
	closed  *prometheus.CounterVec
	blind   bool // the last look failed; Run's own
}

// New makes the door. Nobody gets an event before Run.
func New(d Deps) *Live {
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
	l := &Live{deps: d, limits: d.Limits.withDefaults(), pace: d.Pace.withDefaults(), callers: bucket.New(10_000)}
	l.hub = newHub(l.limits)
	l.open = prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "overture_live_sockets", Help: "Open live connections of pages."},
		func() float64 { open, _ := l.hub.size(); return float64(open) })
	l.watched = prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "overture_live_accounts", Help: "Accounts that are looked at for live pages."},
		func() float64 { _, accounts := l.hub.size(); return float64(accounts) })
	l.sent = prometheus.NewCounter(prometheus.CounterOpts{Name: "overture_live_events_total", Help: "Events, each counted once however many sockets it went to."})
	l.closed = prometheus.NewCounterVec(prometheus.CounterOpts{Name: "overture_live_closed_total", Help: "Live connections that this side ended or lost, by reason."}, []string{"reason"})
	for _, r := range []reason{wentAway, signedOut, tooSlow, stopping} {
		l.closed.WithLabelValues(string(r))
	}
	return l
}

// Collectors are the door's metrics.
func (l *Live) Collectors() []prometheus.Collector {
	return []prometheus.Collector{l.open, l.watched, l.sent, l.closed}
}

// Run looks and tells until ctx ends, and gives nil then, when every socket is closed.
func (l *Live) Run(ctx context.Context) error {
	look, check := time.NewTicker(l.pace.Look), time.NewTicker(l.pace.Check)
	defer look.Stop()
	defer check.Stop()
	var answers bool // came since the last tick: told once per tick, however many
	for {
		select {
		case <-ctx.Done():
			l.hub.stop()
			return nil
		case <-l.deps.Inbound:
			answers = true
		case <-l.deps.Ended:
			l.checkSessions(ctx)
		case <-check.C:
			l.checkSessions(ctx)
		case now := <-look.C:
			if answers {
				answers = false
				l.sent.Add(float64(l.hub.tellAll(overture.Thing{Topic: overture.InboundTopic})))
			}
			l.look(ctx, now)
		}
	}
}

// look compares what the accounts with sockets show with the last look.
func (l *Live) look(ctx context.Context, now time.Time) {
	for _, f := range l.hub.feeds(now, l.pace.Keep) {
		marks, err := l.deps.Marks(ctx, f.account, now)
		if err != nil {
			if !l.blind && ctx.Err() == nil {
				l.deps.Log.WarnContext(ctx, "open pages are not told what changes; they are as soon as the database answers", "error", err)
			}
			l.blind = true
			return // the next look finds the difference
		}
		l.blind = false
		l.sent.Add(float64(l.hub.compare(f, marks)))
	}
}

// checkSessions closes the sockets whose session is over.
func (l *Live) checkSessions(ctx context.Context) {
	for _, s := range l.hub.all() {
		_, err := l.deps.Sessions.Watch(ctx, s.token)
		if overture.KindOf(err) == overture.Unauthorized { // not when the database is silent
			s.end(signedOut)
		}
	}
}
