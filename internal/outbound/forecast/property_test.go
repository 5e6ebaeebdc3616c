package forecast_test

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/outbound/dispatch"
	"github.com/overture-im/overture/internal/outbound/forecast"
	"github.com/overture-im/overture/internal/outbound/schedule"
	"github.com/overture-im/overture/internal/store"
	"github.com/overture-im/overture/internal/store/storetest"
)

// The forecast against the real planner and the real engine on a virtual clock, with a carrier without faults. Sums are exact: who is sent
// to, who is skipped by which rule, segments, cost. Times are those of the engine within a tolerance: the engine looks for work twice a
// second, reads lanes four times a second and commits every few milliseconds, so a curve may lie seconds beside the forecast.
const tolerance = 3 * time.Second

var zoneSets = []string{
	"America/New_York", "America/Los_Angeles", "America/New_York,America/Chicago", "Europe/London", "Asia/Kolkata", "Asia/Tokyo", "UTC", "", "Mars/Olympus",
}

// world is one account with a sender, and a campaign whose list is drawn.
type world struct {
	t      testing.TB
	s      *store.Store
	rate   int // of the sender
	priced bool

	mu   sync.Mutex
	sent map[overture.MessageID]time.Time
}

func (w *world) exec(query string, args ...any) {
	w.t.Helper()
	if _, err := w.s.DB().Write.ExecContext(context.Background(), query, args...); err != nil { //nolint:usetesting // also after a test ended
		w.t.Fatalf("%s: %v", query, err)
	}
}

func (w *world) number(query string, args ...any) int {
	w.t.Helper()
	var n int
	if err := w.s.DB().Read.QueryRowContext(context.Background(), query, args...).Scan(&n); err != nil { //nolint:usetesting // also after a test ended
		w.t.Fatalf("%s: %v", query, err)
	}
	return n
}

const (
	account = 1
	brand   = 2
	sender  = 3
)

func newWorld(t testing.TB, rate int) *world {
	t.Helper()
	w := &world{t: t, s: storetest.Open(t), rate: rate, sent: map[overture.MessageID]time.Time{}}
	w.exec(`INSERT INTO account (id, name, enabled, settings, created_at) VALUES (1, 'a', TRUE, '{}', 0)`)
	w.exec(`INSERT INTO brand (id, account_id, name, created_at) VALUES (2, 1, 'b', 0)`)
	w.exec(`INSERT INTO sender (id, account_id, brand_id, name, channel, provider, address, base_url, account_sid, sealed_credentials, messaging_service_sid,
		webhook_key, rate, stopped, stop_reason, created_at) VALUES (3, 1, 2, 's', 'sms', 'fake', '+15005550006', '', '', '', '', 'k', $1, FALSE, '', 0)`, rate)
	return w
}

// person of a drawn list.
type person struct {
	zones    string
	segments int
	optedOut bool
}

// campaign writes a launched campaign with its list; its messages are the planner's business.
func (w *world) campaign(id int64, c overture.Campaign, people []person) {
	w.t.Helper()
	now := time.Now()
	launch := now
	if c.LaunchAt.After(now) {
		launch = c.LaunchAt
	}
	tx, err := w.s.DB().Write.BeginTx(context.Background(), nil) //nolint:usetesting // also in bubbles
	if err != nil {
		w.t.Fatal(err)
	}
	exec := func(query string, args ...any) {
		if _, err := tx.Exec(query, args...); err != nil { //nolint:noctx // a test
			w.t.Fatalf("%s: %v", query, err)
		}
	}
	exec(`INSERT INTO campaign (id, account_id, brand_id, name, channel, sender_id, skill_id, text, opt_out_text, smart_encoding, state, launch_at, send_window, rate,
			lookback, expires_at, policy, open_conversation, reason, recipient_count, list_hash, content_hash, created_by, created_at, updated_at, launched_at, planned_through, planning)
		VALUES ($1, 1, 2, 'c', 'sms', 3, 9, 'Hi', '', FALSE, 'running', $2, $3, $4, 0, $5, 'safe', 'skip', '', $6, '', '', 1, 0, 0, $7, 0, TRUE)`,
		id, launch.UnixMilli(), windowJSON(w.t, c.Window), c.Rate, millis(c.ExpiresAt), len(people), now.UnixMilli())
	exec(`INSERT INTO lane (id, account_id, sender_id, campaign_id, kind, state, rate, weight) VALUES ($1, 1, 3, $2, 'campaign', 'open', $3, 1)`, 1000+id, id, c.Rate)
	segments := 0
	for i, p := range people {
		segments += p.segments
		to := fmt.Sprintf("+1212%03d%04d", id, i)
		rid := id*100_000 + int64(i) + 1
		exec(`INSERT INTO recipient (id, account_id, campaign_id, import_id, row_number, address, zones, zone_source, text, vars, segments)
			VALUES ($1, 1, $2, $3, $4, $5, $6, 'number', '', '', $7)`, rid, id, 2000+id, i+1, to, p.zones, p.segments)
		exec(`INSERT INTO recipient_address (address, campaign_id, recipient_id) VALUES ($1, $2, $3)`, to, id, rid)
		if p.optedOut {
			exec(`INSERT INTO opt_out (brand_id, channel, address, account_id, source, evidence, review, created_at) VALUES (2, 'sms', $1, 1, 'api', '', FALSE, 0)`, to)
		}
	}
	exec(`INSERT INTO list_import (id, account_id, campaign_id, state, source, file_name, encoding, delimiter, header, row_count, valid, rejected, duplicates,
			opted_out, worst_row, worst_segments, segments, list_hash, error, created_at)
		VALUES ($1, 1, $2, 'done', 'csv', '', '', '', '', $3, $3, 0, 0, 0, 0, 0, $4, '', '', 0)`, 2000+id, id, len(people), segments)
	if err := tx.Commit(); err != nil {
		w.t.Fatal(err)
	}
}

// price gives the account prices for the first twenty people of a campaign, one for each ten; the campaign is of their version.
func (w *world) price(campaign int64) {
	w.t.Helper()
	prefix := fmt.Sprintf("1212%03d", campaign)
	w.exec(`INSERT INTO price_table (account_id, version, currency, prices, created_by, created_at) VALUES (1, 1, 'USD', $1, '', 0)`,
		`[{"channel":"sms","prefix":"`+prefix+`000","micros":5000},{"channel":"sms","prefix":"`+prefix+`001","micros":7900}]`)
	w.exec(`UPDATE campaign SET price_version = 1 WHERE id = $1`, campaign)
	w.priced = true
}

// Send is the carrier without faults.
func (w *world) Send(_ context.Context, _ overture.Sender, out overture.Outgoing) (overture.AcceptedSend, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sent[out.MessageID] = time.Now()
	return overture.AcceptedSend{ProviderID: "SM" + out.MessageID.String(), Segments: 1, HTTPStatus: 201}, nil
}

func (w *world) Find(context.Context, overture.Sender, overture.Address, time.Time) ([]overture.FoundSend, error) {
	return nil, nil
}

func (w *world) List(context.Context, overture.Sender, time.Time, func(overture.ListedSend) error) error {
	return nil
}

// withSender answers for the sealed sender.
type withSender struct {
	*store.Store
	w *world
}

func (s withSender) SenderForDispatch(context.Context, overture.SenderID) (overture.Sender, error) {
	return overture.Sender{ID: sender, AccountID: account, BrandID: brand, Channel: overture.SMS, Provider: "fake", Rate: s.w.rate}, nil
}

// execute lets planner and engine do the campaigns. Where nothing is due for a while the engine rests and the clock jumps, as if the node had
// been stopped: hours without work would be thousands of looks at an empty queue.
func (w *world) execute(calendar *schedule.Calendar) {
	w.t.Helper()
	log := slog.New(slog.DiscardHandler)
	planner := schedule.New(schedule.Deps{Store: w.s, Calendar: calendar, Waker: quiet{}, Log: log})
	for planner.Pass(context.Background(), time.Now()) {
	}
	for w.number(`SELECT (SELECT COUNT(*) FROM dispatch) + (SELECT COUNT(*) FROM inflight)`) > 0 {
		due := w.number(`SELECT COALESCE(MIN(due_at), 0) FROM dispatch`)
		time.Sleep(time.Until(time.UnixMilli(int64(due))))
		engine, err := dispatch.New(dispatch.Deps{
			Store: withSender{w.s, w}, Providers: map[string]dispatch.Provider{"fake": w}, Windows: calendar,
			Smart: func(s string) string { return s }, Owner: "test", Log: log,
			Callback: func(overture.Sender, overture.MessageID, string) string { return "https://example.test" },
		}, dispatch.Config{Connections: 8})
		if err != nil {
			w.t.Fatal(err)
		}
		ctx, stop := context.WithCancel(context.Background())
		done := make(chan struct{})
		go func() { defer close(done); _ = engine.Run(ctx) }()
		for {
			time.Sleep(200 * time.Millisecond)
			soon := time.Now().Add(5 * time.Second).UnixMilli()
			if w.number(`SELECT (SELECT COUNT(*) FROM dispatch WHERE due_at <= $1) + (SELECT COUNT(*) FROM inflight)`, soon) == 0 {
				break
			}
		}
		stop()
		<-done
	}
}

type quiet struct{}

func (quiet) Publish(string) {}

func (w *world) room(windows forecast.Windows) *forecast.Service {
	return forecast.New(forecast.Deps{Store: w.s, Lists: lists{w.s}, Windows: windows})
}

// lags are how long after a window opens the engine may be at work. A message whose turn falls within it of the close goes or stays by a hair,
// and moves what comes after it by a day; so the forecast must be right for one of them.
var lags = []time.Duration{0, 15 * time.Millisecond, 50 * time.Millisecond, 150 * time.Millisecond, 600 * time.Millisecond}

// late lets windows open so much later.
type late struct {
	*schedule.Calendar
	by time.Duration
}

func (l late) Next(now time.Time, zones []string, w overture.Window, launchAt, expiresAt time.Time) (due, notAfter time.Time, expired bool, why string) {
	due, notAfter, expired, why = l.Calendar.Next(now, zones, w, launchAt, expiresAt)
	if due.Add(l.by).Before(notAfter) {
		due = due.Add(l.by)
	}
	return due, notAfter, expired, why
}

type lists struct{ *store.Store }

func (l lists) Summary(ctx context.Context, account overture.AccountID, campaign overture.CampaignID) (overture.ListSummary, error) {
	return l.ListSummary(ctx, account, campaign)
}

// plot is a drawn campaign and the moment at which it is launched.
type plot struct {
	at         time.Time
	campaign   overture.Campaign
	people     []person
	senderRate int
}

func drawPlot(t *rapid.T) plot {
	var p plot
	// Any minute of a fortnight around a change of clocks, so that windows open and close in mid-campaign.
	p.at = time.Date(2026, 10, 25, 0, 0, 0, 0, time.UTC).Add(time.Duration(rapid.IntRange(0, 14*24*60).Draw(t, "minute")) * time.Minute)
	p.senderRate = rapid.SampledFrom([]int{1, 2, 5, 20, 100}).Draw(t, "sender rate")
	p.campaign.Rate = rapid.IntRange(1, p.senderRate).Draw(t, "rate")
	p.campaign.Window = overture.DefaultWindow()
	if rapid.Bool().Draw(t, "narrow") { // closes soon after it opens, so that lists do not fit
		for d := range p.campaign.Window.Days {
			from := 8*60 + rapid.IntRange(0, 600).Draw(t, "from")
			p.campaign.Window.Days[d] = overture.Hours{From: from, To: from + rapid.IntRange(1, 3).Draw(t, "minutes")}
		}
	}
	if rapid.IntRange(0, 3).Draw(t, "later") == 0 {
		p.campaign.LaunchAt = p.at.Add(time.Duration(rapid.IntRange(1, 40*3600).Draw(t, "launch")) * time.Second)
	}
	if rapid.IntRange(0, 3).Draw(t, "valid") == 0 {
		p.campaign.ExpiresAt = p.at.Add(time.Duration(rapid.IntRange(10, 50*3600).Draw(t, "validity")) * time.Second)
	}
	sets := rapid.SliceOfNDistinct(rapid.SampledFrom(zoneSets), 1, 4, rapid.ID).Draw(t, "zones")
	for range rapid.IntRange(1, 60).Draw(t, "people") {
		p.people = append(p.people, person{
			zones: rapid.SampledFrom(sets).Draw(t, "zone"), segments: rapid.IntRange(1, 4).Draw(t, "segments"),
			optedOut: rapid.IntRange(0, 9).Draw(t, "stop") == 0,
		})
	}
	return p
}

// fewer keeps the suite quick: -rapid.checks asks for another number.
func fewer(t *testing.T, checks int) {
	t.Helper()
	if f := flag.Lookup("rapid.checks"); f.Value.String() == f.DefValue {
		if err := f.Value.Set(strconv.Itoa(checks)); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = f.Value.Set(f.DefValue) })
	}
}

func TestForecastIsExecution(t *testing.T) {
	if storetest.OnPostgres() {
		t.Skip("sockets hold the fake clock; what the forecast reads is tested on both engines")
	}
	fewer(t, 12)
	rapid.Check(t, func(rt *rapid.T) {
		p := drawPlot(rt)
		synctest.Test(t, func(t *testing.T) {
			time.Sleep(time.Until(p.at))
			w := newWorld(t, p.senderRate)
			w.campaign(7, p.campaign, p.people)
			w.price(7)
			calendar := schedule.NewCalendar()
			var all []forecast.Forecast
			for _, lag := range lags {
				f, err := w.room(late{calendar, lag}).Make(t.Context(), account, 7, forecast.Wish{})
				if err != nil {
					t.Fatal(err)
				}
				all = append(all, f)
			}
			w.execute(calendar)
			var first []string
			for i, f := range all {
				different := w.differences(f, 7)
				if len(different) == 0 {
					return
				}
				if i == 0 {
					first = different
				}
			}
			for _, difference := range first {
				rt.Errorf("%s", difference)
			}
		})
	})
}
