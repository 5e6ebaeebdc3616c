package campaign

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/kit/tz"
)

// How long a progress report is kept: the counters half a second; the look at the queue, whose cost grows with it, so long that it takes at
// most a twentieth of one core.
const (
	keepReport = 500 * time.Millisecond
	queueShare = 20
	staleLook  = 5 * time.Second
	maxGroups  = 100 // opening times of a list are few; the rest are single retries
)

// Progress is one look at a launched campaign (B5).
type Progress struct {
	State      overture.CampaignState
	Reason     string // why paused or canceled
	Recipients int
	Counts     overture.Counts // every recipient is in exactly one

	Accepted   int // accepted by the provider, or later
	Delivered  int // handset receipts, read included
	Failed     int // refused, or later undelivered
	Suppressed int
	Held       int
	Waiting    int // not ended yet: queued, attempting, unknown
	Replied    int
	OptedOut   int
	Resent     int // sent again without proof (must_reach): these people may have it twice

	ConfiguredRate int     // segments per second: the campaign's, at most the sender's
	ActualRate     float64 // segments per second over the last 10 s; meaningful when RateKnown
	MinuteRate     float64 // the same over the last 60 s
	RateKnown      bool

	ForecastFinishAt time.Time         // by the forecast of the launch; zero: none, or not made yet
	FinishAt         time.Time         // estimate; zero when nothing moves or nothing is left
	NextDueAt        time.Time         // when the next waiting message becomes due; zero when none waits for a time
	WaitingForWindow int               // messages whose time is still to come
	StalledReason    overture.Sentence // why nothing moves, or what most wait for; zero when all is well
}

// glance is a remembered look at a campaign.
type glance struct {
	report  Progress
	account overture.AccountID
	until   time.Time
	queue   *look
}

// look is what the queue of a campaign looked like, and when it may be looked at again.
type look struct {
	queue  overture.Queue
	sample []overture.QueuedSample
	next   time.Time
	busy   bool // somebody is looking; guarded by Service.mu
}

// Progress tells how a campaign gets on. It is at most half a second old; what it says about the queue may be older on a large one.
func (s *Service) Progress(ctx context.Context, account overture.AccountID, id overture.CampaignID) (Progress, error) {
	now := time.Now()
	s.mu.Lock()
	last := s.recent[id]
	s.mu.Unlock()
	if last != nil && last.account == account && now.Before(last.until) {
		return last.report, nil
	}
	st, err := s.store.Standing(ctx, account, id)
	if err != nil {
		return Progress{}, err
	}
	s.speed.Observe(id, st.Counts.AcceptedOrLater(), now)
	g := &glance{account: account, until: now.Add(keepReport)}
	if last != nil && last.account == account {
		g.queue = last.queue
	}
	if err := s.lookAtQueue(ctx, st, g, now); err != nil {
		return Progress{}, err
	}
	g.report = s.report(st, g.queue.queue, g.queue.sample, now)
	s.mu.Lock()
	if len(s.recent) > 1000 {
		clear(s.recent)
	}
	s.recent[id] = g
	s.mu.Unlock()
	return g.report, nil
}

// lookAtQueue looks at once the first time, or when nobody asked for a while; otherwise it shows the last look while the next one is taken behind the caller's back.
func (s *Service) lookAtQueue(ctx context.Context, st overture.Standing, g *glance, now time.Time) error {
	if st.LaneID == 0 || waiting(st.Counts) == 0 {
		g.queue = &look{}
		return nil
	}
	if g.queue == nil || g.queue.next.IsZero() || now.Sub(g.queue.next) > staleLook {
		var err error
		g.queue, err = s.look(ctx, st.LaneID)
		return err
	}
	s.mu.Lock()
	due := now.After(g.queue.next) && !g.queue.busy
	g.queue.busy = g.queue.busy || due
	s.mu.Unlock()
	if due {
		go s.lookAgain(context.WithoutCancel(ctx), st.ID, st.LaneID, g.queue)
	}
	return nil
}

// lookAgain puts a fresh look where the old one is remembered, unless the campaign was changed or forgotten meanwhile.
func (s *Service) lookAgain(ctx context.Context, id overture.CampaignID, lane overture.LaneID, old *look) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	fresh, err := s.look(ctx, lane)
	s.mu.Lock()
	defer s.mu.Unlock()
	old.busy = false
	if err != nil {
		s.log.DebugContext(ctx, "queue not looked at", slog.String("campaign_id", id.String()), slog.Any("error", err))
		return
	}
	if g := s.recent[id]; g != nil && g.queue == old {
		s.recent[id] = &glance{report: g.report, account: g.account, until: g.until, queue: fresh}
	}
}

func (s *Service) look(ctx context.Context, lane overture.LaneID) (*look, error) {
	began := time.Now()
	queue, err := s.store.LaneQueue(ctx, lane, began, maxGroups)
	if err != nil {
		return nil, err
	}
	l := &look{queue: queue}
	if len(queue.Groups) > 0 {
		if l.sample, err = s.store.WaitingSample(ctx, lane, queue.Groups[0].Due, 100); err != nil {
			return nil, err
		}
	}
	now := time.Now()
	l.next = now.Add(queueShare * now.Sub(began))
	return l, nil
}

func waiting(c overture.Counts) int {
	return c[overture.Queued] + c[overture.Attempting] + c[overture.Unknown]
}

func (s *Service) report(st overture.Standing, q overture.Queue, sample []overture.QueuedSample, now time.Time) Progress {
	c := st.Counts
	p := Progress{
		State: st.State, Reason: st.Reason, Recipients: st.RecipientCount, Counts: c, Accepted: c.AcceptedOrLater(),
		Delivered: c[overture.Delivered] + c[overture.Read], Failed: c[overture.Failed] + c[overture.Undelivered],
		Suppressed: c[overture.Suppressed], Held: c[overture.Held], Waiting: waiting(c), Replied: st.Replied, OptedOut: st.OptedOut, Resent: st.Resent,
		ConfiguredRate: st.Rate, WaitingForWindow: q.Later, ForecastFinishAt: st.ForecastFinishAt,
	}
	if st.SenderRate > 0 {
		p.ConfiguredRate = min(p.ConfiguredRate, st.SenderRate)
	}
	if len(q.Groups) > 0 {
		p.NextDueAt = q.Groups[0].Due
	}
	each := segmentsEach(st)
	if rate, ok := s.speed.Rate(st.ID, 10*time.Second, now); ok {
		p.ActualRate, p.RateKnown = rate*each, true
		if minute, ok := s.speed.Rate(st.ID, time.Minute, now); ok {
			p.MinuteRate = minute * each
		}
	}
	p.StalledReason = stalled(st, q, sample, p, now)
	if p.Waiting > 0 && (st.State == overture.Running || st.State == overture.Scheduled) && !st.SenderStopped {
		p.FinishAt = finish(st, q, float64(p.ConfiguredRate)/each, p.Waiting, now)
	}
	return p
}

// segmentsEach is the mean number of segments of the list's messages.
func segmentsEach(st overture.Standing) float64 {
	if st.Segments <= 0 || st.RecipientCount <= 0 {
		return 1
	}
	return max(1, float64(st.Segments)/float64(st.RecipientCount))
}

// finish estimates when the last message goes out: what is due now and each later group in turn, at the rate, each inside its window; what
// does not fit before a window closes goes on when it opens a day later.
func finish(st overture.Standing, q overture.Queue, perSecond float64, waiting int, now time.Time) time.Time {
	if perSecond <= 0 {
		return time.Time{}
	}
	at := now
	if st.LaunchAt.After(at) {
		at = st.LaunchAt
	}
	ready := max(waiting-q.Later, q.Ready) // those in flight and those not planned yet count as due
	at = at.Add(seconds(float64(ready) / perSecond))
	for _, g := range q.Groups {
		due, end, left := g.Due, g.NotAfter, float64(g.Messages)
		for day := 0; left > 0 && day < 366; day++ {
			if at.Before(due) {
				at = due
			}
			room := max(0, end.Sub(at).Seconds()) * perSecond
			if !end.After(due) {
				room = left
			}
			done := min(left, room)
			at = at.Add(seconds(done / perSecond))
			left -= done
			due, end = due.Add(24*time.Hour), end.Add(24*time.Hour)
		}
	}
	return at.UTC().Truncate(time.Second).Add(time.Second)
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// stalled says in words why nothing moves, the strongest reason first, or what those wait for who are not due.
func stalled(st overture.Standing, q overture.Queue, sample []overture.QueuedSample, p Progress, now time.Time) (none overture.Sentence) {
	switch {
	case p.Waiting == 0:
		return none
	case st.State == overture.Paused:
		return overture.Written(st.Reason)
	case st.State == overture.CampaignCanceled && st.Quarantined:
		return overture.Say("%s; the installation is in quarantine: what may have been sent is looked up, the rest is canceled when an operator releases it; %s",
			overture.Written(st.Reason), overture.Plural(p.Waiting, "%d message is waiting", "%d messages are waiting"))
	case st.State == overture.CampaignCanceled:
		return overture.Say("%s; %s", overture.Written(st.Reason),
			overture.Plural(p.Waiting, "%d message is still being taken back or settled", "%d messages are still being taken back or settled"))
	case (st.State == overture.Scheduled || st.State == overture.Running) && now.Before(st.UndoUntil):
		return overture.Say("the launch can be undone until %s; nothing goes before", overture.At(st.UndoUntil.UTC(), clockUTC))
	case st.State == overture.Scheduled:
		return overture.Say("waits for its launch at %s", overture.At(st.LaunchAt.UTC(), "2006-01-02 15:04 UTC"))
	case st.State != overture.Running:
		return none
	case st.AllStopped:
		return overture.Say(allStopped)
	case st.Quarantined:
		return overture.Say(inQuarantine)
	case st.AccountStopped:
		return accountStopped(st.AccountStopWords)
	case st.Barrier != "":
		return overture.Say("a guard rail closed it (%s); the campaign is being paused", overture.Written(st.Barrier))
	case st.Watch.Phase == overture.PhaseVerdict:
		return overture.Say("the canary of %d went out; the campaign goes on by itself at %s if it went well", st.Watch.CanarySize, overture.At(st.Watch.VerdictAt.UTC(), clockUTC))
	case st.SenderStopped:
		return overture.Say("the sender is stopped: %s", overture.Written(st.SenderStopReason))
	case st.Planning && st.Planned == 0:
		return overture.Say("the first recipients are being given their times")
	}
	switch {
	case q.Ready > 0 && unowned(st, now):
		return overture.Say("no running server sends for this sender; start one")
	case q.Ready > 0 && p.RateKnown && p.ActualRate == 0 && p.Counts[overture.Attempting] == 0 && p.Counts[overture.Unknown] > 0:
		return doubtful(p.Counts[overture.Unknown])
	case q.Ready > 0:
		return none
	case q.Later > 0 && mostly(sample, "throttled"):
		return overture.Say("the provider asks to slow down; the next try is at %s", overture.At(p.NextDueAt.UTC(), clockUTC))
	case q.Later > 0 && mostly(sample, "not_sent"):
		return overture.Say("the provider cannot be reached; the next try is at %s", overture.At(p.NextDueAt.UTC(), clockUTC))
	case q.Later > 0:
		return waitsFor(st.Window, q, sample)
	case st.Planning:
		return overture.Say("%d of %d recipients have their time", st.Planned, st.RecipientCount)
	case p.Counts[overture.Unknown] > 0:
		return doubtful(p.Counts[overture.Unknown])
	}
	return none
}

const (
	clockUTC   = "15:04:05 UTC"
	allStopped = "the operator stopped all sending on this installation"
)

// unowned tells whether no server has been sending for the sender for a while; right after a launch or a resume none does yet.
func unowned(st overture.Standing, now time.Time) bool {
	since := st.UpdatedAt
	if st.LeaseUntil.After(since) {
		since = st.LeaseUntil
	}
	return now.Sub(since) > 15*time.Second
}

func mostly(sample []overture.QueuedSample, outcome string) bool {
	n := 0
	for _, w := range sample {
		if w.LastOutcome == outcome {
			n++
		}
	}
	return n > 0 && n*2 > len(sample)
}

// waitsFor makes "412 recipients wait for 08:00 in America/New_York": the group that opens next, in the words of its zone, then the others.
func waitsFor(w overture.Window, q overture.Queue, sample []overture.QueuedSample) overture.Sentence {
	next := q.Groups[0]
	words := overture.Plural(next.Messages, "%d recipient waits for %s", "%d recipients wait for %s", overture.At(next.Due.UTC(), "15:04 UTC"))
	if zone, others := commonZone(w, next, sample); zone != "" {
		if loc, err := tz.Load(zone); err == nil {
			words = overture.Plural(next.Messages, "%d recipient waits for %s in %s", "%d recipients wait for %s in %s", overture.At(next.Due.In(loc), "15:04"), zone)
			if others > 0 {
				words = overture.Say("%s and %s", words, overture.Plural(others, "%d other zone", "%d other zones"))
			}
		}
	}
	if more := q.Later - next.Messages; more > 0 {
		words = overture.Joined("; ", words, overture.Plural(more, "%d more waits for later", "%d more wait for later"))
	}
	return words
}

// commonZone is the zone that most of the sample's first group wait for, and how many other zones stand there.
func commonZone(w overture.Window, next overture.DueGroup, sample []overture.QueuedSample) (zone string, others int) {
	if len(sample) > next.Messages {
		sample = sample[:next.Messages]
	}
	count := map[string]int{}
	for _, person := range sample {
		if len(person.Zones) > 0 {
			count[opensIn(w, next.Due, person.Zones)]++
		}
	}
	names := make([]string, 0, len(count))
	for name := range count {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int {
		if count[a] != count[b] {
			return count[b] - count[a]
		}
		return strings.Compare(a, b)
	})
	if len(names) == 0 {
		return "", 0
	}
	return names[0], len(names) - 1
}

// opensIn picks the zone whose window opens at that moment out of those a person may live in; it is the one they wait for.
func opensIn(w overture.Window, due time.Time, zones []string) string {
	for _, name := range zones {
		if loc, err := tz.Load(name); err == nil {
			local := due.In(loc)
			if local.Hour()*60+local.Minute() == w.Of(local.Weekday()).From {
				return name
			}
		}
	}
	return zones[len(zones)-1]
}

func doubtful(n int) overture.Sentence {
	return overture.Plural(n, "%d message waits for the provider's own record: a send may have happened", "%d messages wait for the provider's own record: a send may have happened")
}

func accountStopped(why string) overture.Sentence {
	if why == "" {
		return overture.Say("the account is stopped")
	}
	return overture.Say("the account is stopped: %s", why)
}
