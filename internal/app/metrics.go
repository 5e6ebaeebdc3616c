package app

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/outbound/dispatch"
	"github.com/overture-im/overture/internal/outbound/dispatch/core"
	"github.com/overture-im/overture/internal/outbound/receipt"
	"github.com/overture-im/overture/internal/store"
)

// meter counts what the rooms do. Every label's values come from a closed list, so the number of series does not grow with accounts,
// campaigns or messages; no number, text or id ever becomes a label.
type meter struct {
	attempts  *prometheus.CounterVec // outcome, code class
	took      prometheus.Histogram
	commits   prometheus.Histogram
	batch     prometheus.Histogram
	lookups   *prometheus.CounterVec // outcome
	provider  *prometheus.HistogramVec
	receipts  *prometheus.CounterVec // outcome
	applied   prometheus.Histogram
	throttled prometheus.Counter
	lost      *prometheus.CounterVec // outcome
	pulse     *pulse                 // by sender, for pages; not a metric
}

var (
	fast  = []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10}
	slow  = []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 15}
	sizes = []float64{1, 2, 5, 10, 20, 50, 100, 200, 500, 1000}
)

// The closed lists of label values.
var (
	outcomes  = []string{"accepted", "refused", "sender_refused", "throttled", "not_sent", "unknown", "given_back", "other"}
	findings  = []string{"found", "absent", "unknown", "held", "resent_without_proof", "other"}
	questions = []string{"raised", "same", "gone", "failed", "throttled", "other"}
)

func newMeter() *meter {
	histogram := func(name, help string, buckets []float64) prometheus.Histogram {
		return prometheus.NewHistogram(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets})
	}
	m := &meter{
		pulse:     newPulse(),
		attempts:  prometheus.NewCounterVec(prometheus.CounterOpts{Name: "overture_attempts_total", Help: "Attempts that ended, by outcome and class of the provider's code."}, []string{"outcome", "code"}),
		took:      histogram("overture_attempt_seconds", "From an attempt's mark to its end.", slow),
		commits:   histogram("overture_commit_seconds", "One commit of marks, fsync included.", fast),
		batch:     histogram("overture_commit_marks", "Marks in one commit.", sizes),
		lookups:   prometheus.NewCounterVec(prometheus.CounterOpts{Name: "overture_lookups_total", Help: "Questions to providers' records about unknown outcomes, by what came of them."}, []string{"outcome"}),
		provider:  prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "overture_provider_seconds", Help: "Answers of providers by kind of call.", Buckets: slow}, []string{"call"}),
		receipts:  prometheus.NewCounterVec(prometheus.CounterOpts{Name: "overture_receipts_total", Help: "Receipts by what they changed."}, []string{"outcome"}),
		applied:   histogram("overture_receipt_commit_seconds", "One commit of receipts, fsync included: what a webhook waits for.", fast),
		throttled: prometheus.NewCounter(prometheus.CounterOpts{Name: "overture_throttled_total", Help: "Times a provider asked to slow down (429)."}),
		lost:      prometheus.NewCounterVec(prometheus.CounterOpts{Name: "overture_lost_receipts_total", Help: "Questions to providers about messages without a last receipt, by what came of them."}, []string{"outcome"}),
	}
	for _, o := range outcomes {
		m.attempts.WithLabelValues(o, "none")
	}
	for _, o := range findings {
		m.lookups.WithLabelValues(o)
	}
	for _, o := range questions {
		m.lost.WithLabelValues(o)
	}
	for _, o := range []string{"raised", "settled", "repeated", "orphaned", "foreign", "opted_out"} {
		m.receipts.WithLabelValues(o)
	}
	for _, c := range []string{"send", "find", "list", "fetch"} {
		m.provider.WithLabelValues(c)
	}
	return m
}

func (m *meter) collectors() []prometheus.Collector {
	return []prometheus.Collector{m.attempts, m.took, m.commits, m.batch, m.lookups, m.provider, m.receipts, m.applied, m.throttled, m.lost}
}

// oneOf keeps a label inside its list.
func oneOf(list []string, value string) string {
	for _, v := range list {
		if v == value {
			return v
		}
	}
	return "other"
}

// classOf is the class of a provider's code: Twilio's have five digits, the first two say where the trouble lies.
func classOf(code int) string {
	switch code / 1000 {
	case 0:
		if code == 0 {
			return "none"
		}
	case 20:
		return "20xxx"
	case 21:
		return "21xxx"
	case 30:
		return "30xxx"
	case 63:
		return "63xxx"
	}
	return "other"
}

// Marked, Attempted and LookedUp make the meter an observer of the engine.
func (m *meter) Marked(_ overture.SenderID, marks int, took time.Duration) {
	m.commits.Observe(took.Seconds())
	m.batch.Observe(float64(marks))
}

// Attempted counts the end of an attempt.
func (m *meter) Attempted(sender overture.SenderID, _ overture.CampaignID, outcome string, code int, took time.Duration) {
	if outcome == "throttled" {
		m.throttled.Inc()
	}
	m.attempts.WithLabelValues(oneOf(outcomes, outcome), classOf(code)).Inc()
	m.pulse.count(sender, time.Now())
	m.took.Observe(took.Seconds())
}

// LookedUp counts a lookup.
func (m *meter) LookedUp(_ overture.SenderID, outcome string) {
	m.lookups.WithLabelValues(oneOf(findings, outcome)).Inc()
}

// providers times what providers answer.
func (m *meter) providers(all map[string]dispatch.Provider) map[string]dispatch.Provider {
	out := make(map[string]dispatch.Provider, len(all))
	send, find, list := m.provider.WithLabelValues("send"), m.provider.WithLabelValues("find"), m.provider.WithLabelValues("list")
	for name, p := range all {
		out[name] = timed{p, send, find, list}
	}
	return out
}

type timed struct {
	dispatch.Provider
	send, find, list prometheus.Observer
}

// Send passes on.
func (t timed) Send(ctx context.Context, s overture.Sender, out overture.Outgoing) (overture.AcceptedSend, error) {
	began := time.Now()
	a, err := t.Provider.Send(ctx, s, out)
	t.send.Observe(time.Since(began).Seconds())
	return a, err
}

// Find passes on.
func (t timed) Find(ctx context.Context, s overture.Sender, to overture.Address, since time.Time) ([]overture.FoundSend, error) {
	began := time.Now()
	found, err := t.Provider.Find(ctx, s, to, since)
	t.find.Observe(time.Since(began).Seconds())
	return found, err
}

// List passes on. What is timed is the whole reading, page after page.
func (t timed) List(ctx context.Context, s overture.Sender, since time.Time, take func(overture.ListedSend) error) error {
	began := time.Now()
	err := t.Provider.List(ctx, s, since, take)
	t.list.Observe(time.Since(began).Seconds())
	return err
}

// sources times what providers answer to questions about single messages.
func (m *meter) sources(all map[string]receipt.Source) map[string]receipt.Source {
	out := make(map[string]receipt.Source, len(all))
	for name, s := range all {
		out[name] = timedSource{s, m.provider.WithLabelValues("fetch")}
	}
	return out
}

type timedSource struct {
	receipt.Source
	fetch prometheus.Observer
}

// Fetch passes on.
func (t timedSource) Fetch(ctx context.Context, s overture.Sender, providerID string) (overture.Receipt, bool, error) {
	began := time.Now()
	r, found, err := t.Source.Fetch(ctx, s, providerID)
	t.fetch.Observe(time.Since(began).Seconds())
	return r, found, err
}

// asked counts a question about a message without a last receipt.
func (m *meter) asked(outcome string) { m.lost.WithLabelValues(oneOf(questions, outcome)).Inc() }

// receiptBook counts what receipts change, and how long their commits take.
type receiptBook struct {
	*store.Store
	m   *meter
	log *slog.Logger
}

// ApplyReceipts passes on.
func (b receiptBook) ApplyReceipts(ctx context.Context, receipts []overture.Receipt, now time.Time) (overture.ReceiptTally, error) {
	began := time.Now()
	t, err := b.Store.ApplyReceipts(ctx, receipts, now)
	b.m.applied.Observe(time.Since(began).Seconds())
	b.m.tally(t)
	if err == nil && b.log.Enabled(ctx, slog.LevelDebug) {
		for _, r := range receipts {
			b.log.LogAttrs(ctx, slog.LevelDebug, "receipt", slog.String("message_id", r.MessageID.String()), slog.String("state", r.State.String()),
				slog.Int("code", r.Code), slog.String("provider_id", r.ProviderID), slog.String("sender_id", r.SenderID.String()))
		}
	}
	return t, err
}

// MatchOrphans passes on.
func (b receiptBook) MatchOrphans(ctx context.Context, now time.Time) (overture.ReceiptTally, error) {
	t, err := b.Store.MatchOrphans(ctx, now)
	b.m.tally(t)
	return t, err
}

func (m *meter) tally(t overture.ReceiptTally) {
	for outcome, n := range map[string]int{"raised": t.Raised, "settled": t.Settled, "repeated": t.Repeated, "orphaned": t.Orphaned, "foreign": t.Foreign, "opted_out": t.OptOuts} {
		m.receipts.WithLabelValues(outcome).Add(float64(n))
	}
}

// gauges tell how things stand. The database is asked every few seconds in the background; a scrape only reads memory.
type gauges struct {
	options  Options
	owner    string
	db       *store.Store
	engine   func() []core.Snapshot
	log      *slog.Logger
	last     atomic.Pointer[store.Census]
	lastSaid bool
}

const (
	censusEvery  = 5 * time.Second
	censusBudget = 4 * time.Second
)

// Run counts until ctx ends.
func (g *gauges) Run(ctx context.Context) error {
	tick := time.NewTicker(censusEvery)
	defer tick.Stop()
	for {
		g.count(ctx)
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

func (g *gauges) count(ctx context.Context) {
	asking, cancel := context.WithTimeout(ctx, censusBudget)
	defer cancel()
	c, err := g.db.Census(asking, g.owner, time.Now())
	if err == nil {
		g.last.Store(&c)
	} else if !g.lastSaid && !errors.Is(err, context.Canceled) {
		g.log.WarnContext(ctx, "the gauges could not be counted; trying again", "error", err)
	}
	g.lastSaid = err != nil
}

// gauge describes one number.
type gauge struct {
	desc *prometheus.Desc
	read func(*reading) (value float64, ok bool)
	kind prometheus.ValueType // 0: a gauge
}

// reading is what one scrape sees.
type reading struct {
	now     time.Time
	census  store.Census
	senders []core.Snapshot
	g       *gauges
}

func plainGauge(name, help string, read func(*reading) float64) gauge {
	return gauge{desc: prometheus.NewDesc(name, help, nil, nil), read: func(r *reading) (float64, bool) { return read(r), true }}
}

func labeled(name, help string, labels prometheus.Labels, read func(*reading) float64) gauge {
	return gauge{desc: prometheus.NewDesc(name, help, nil, labels), read: func(r *reading) (float64, bool) { return read(r), true }}
}

func age(now, then time.Time) float64 {
	if then.IsZero() {
		return 0
	}
	return max(0, now.Sub(then).Seconds())
}

func yes(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

func (r *reading) countSenders(is func(core.Snapshot) bool) float64 {
	n := 0
	for _, s := range r.senders {
		if is(s) {
			n++
		}
	}
	return float64(n)
}

// gaugeList is every gauge. The alert rules and the dashboard in deploy/ name them; a test holds them to it.
var gaugeList = buildGauges()

func buildGauges() []gauge {
	state := func(name string, read func(*store.Census) int) gauge {
		return labeled("overture_messages", "Messages that are not at rest, by state.", prometheus.Labels{"state": name}, func(r *reading) float64 { return float64(read(&r.census)) })
	}
	job := func(name string) gauge {
		return labeled("overture_jobs", "Background jobs by state.", prometheus.Labels{"state": name}, func(r *reading) float64 { return float64(r.census.Jobs[name]) })
	}
	pool := func(name string, read func(poolStat) float64) gauge {
		return labeled("overture_database_connections", "Connections to the database by use; on SQLite those that read.", prometheus.Labels{"use": name},
			func(r *reading) float64 { return read(poolOf(r.g.db)) })
	}
	return []gauge{
		state("queued", func(c *store.Census) int { return c.Queued }),
		state("attempting", func(c *store.Census) int { return c.Attempting }),
		state("unknown", func(c *store.Census) int { return c.Unknown }),
		state("held", func(c *store.Census) int { return c.Held }),
		plainGauge("overture_queue_age_seconds", "How long the oldest due message has been waiting.", func(r *reading) float64 { return age(r.now, r.census.OldestDue) }),
		plainGauge("overture_unknown_age_seconds", "How long the oldest unknown outcome has been unknown.", func(r *reading) float64 { return age(r.now, r.census.OldestUnknown) }),
		plainGauge("overture_receipts_unmatched", "Receipts whose message is not known here.", func(r *reading) float64 { return float64(r.census.Orphans) }),
		plainGauge("overture_inbound_waiting", "Answers that wait to be matched.", func(r *reading) float64 { return float64(r.census.Inbound) }),
		plainGauge("overture_opt_outs", "People who have stopped a brand.", func(r *reading) float64 { return float64(r.census.OptOuts) }),
		plainGauge("overture_campaigns_planning", "Launched campaigns whose messages are still being written.", func(r *reading) float64 { return float64(r.census.Planning) }),
		plainGauge("overture_leases", "Senders this node owns.", func(r *reading) float64 { return float64(r.census.Leases) }),
		plainGauge("overture_senders_stopped", "Senders their provider rejected, or a person stopped.", func(r *reading) float64 { return float64(r.census.StoppedSenders) }),
		plainGauge("overture_senders_breaker_open", "Senders of this node whose provider does not answer sensibly.", func(r *reading) float64 {
			return r.countSenders(func(s core.Snapshot) bool { return s.BreakerOpen })
		}),
		plainGauge("overture_senders_slowed", "Senders of this node that a provider slowed below their rate.", func(r *reading) float64 {
			return r.countSenders(func(s core.Snapshot) bool { return s.Speed < 0.95 })
		}),
		plainGauge("overture_ready_to_send", "Messages read by this node that wait for their rate or turn.", func(r *reading) float64 {
			n := 0
			for _, s := range r.senders {
				n += s.Ready
			}
			return float64(n)
		}),
		plainGauge("overture_accounts_stopped", "Accounts whose kill switch is on.", func(r *reading) float64 { return float64(r.census.StoppedAccounts) }),
		plainGauge("overture_emergency_stop", "1 while the kill switch for all is on.", func(r *reading) float64 { return yes(r.census.EmergencyStop) }),
		plainGauge("overture_quarantine", "1 while nothing is sent because the database may be older than the world.", func(r *reading) float64 { return yes(r.census.Quarantine) }),
		{
			desc: prometheus.NewDesc("overture_backup_age_seconds", "Since the last overture backup; absent on PostgreSQL and before the first one.", nil, nil),
			read: func(r *reading) (float64, bool) {
				return age(r.now, r.census.LastBackup), !r.census.LastBackup.IsZero()
			},
		},
		{
			desc: prometheus.NewDesc("overture_disk_free_bytes", "Free on the data directory's disk.", nil, nil),
			read: func(r *reading) (float64, bool) {
				free, err := freeSpace(r.g.options.DataDir)
				return float64(free), err == nil
			},
		},
		plainGauge("overture_disk_free_threshold_bytes", "Below it the server is not ready.", func(r *reading) float64 { return float64(r.g.options.MinFreeDisk) }),
		plainGauge("overture_wal_bytes", "SQLite's write-ahead log; 0 on PostgreSQL.", func(r *reading) float64 { return float64(walSize(r.g.options)) }),
		job("queued"), job("running"), job("failed"), job("done"),
		pool("open", func(s poolStat) float64 { return s.open }),
		pool("in_use", func(s poolStat) float64 { return s.inUse }),
		pool("limit", func(s poolStat) float64 { return s.limit }),
		{
			desc: prometheus.NewDesc("overture_database_waits_total", "Times somebody waited for a database connection.", nil, nil),
			read: func(r *reading) (float64, bool) { return poolOf(r.g.db).waits, true },
			kind: prometheus.CounterValue,
		},
	}
}

// poolStat is the state of the connections to the database.
type poolStat struct{ open, inUse, limit, waits float64 }

func poolOf(db *store.Store) poolStat {
	if pool := db.DB().Pool; pool != nil {
		s := pool.Stat()
		return poolStat{float64(s.TotalConns()), float64(s.AcquiredConns()), float64(s.MaxConns()), float64(s.EmptyAcquireCount())}
	}
	s := db.DB().Read.Stats()
	return poolStat{float64(s.OpenConnections), float64(s.InUse), float64(s.MaxOpenConnections), float64(s.WaitCount)}
}

// Describe lists every gauge.
func (g *gauges) Describe(out chan<- *prometheus.Desc) {
	for _, one := range gaugeList {
		out <- one.desc
	}
	out <- buildInfo
}

var buildInfo = prometheus.NewDesc("overture_build_info", "1; the labels say what runs.", []string{"version", "go", "engine"}, nil)

// Collect reads every gauge.
func (g *gauges) Collect(out chan<- prometheus.Metric) {
	r := &reading{now: time.Now(), senders: g.engine(), g: g}
	if c := g.last.Load(); c != nil {
		r.census = *c
	}
	for _, one := range gaugeList {
		if v, ok := one.read(r); ok {
			out <- prometheus.MustNewConstMetric(one.desc, cmp.Or(one.kind, prometheus.GaugeValue), v)
		}
	}
	out <- prometheus.MustNewConstMetric(buildInfo, prometheus.GaugeValue, 1, version(), runtime.Version(), engineName(g.options))
}
