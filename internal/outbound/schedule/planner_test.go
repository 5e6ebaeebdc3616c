package schedule_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/outbound/schedule"
	"github.com/overture-im/overture/internal/store"
	"github.com/overture-im/overture/internal/store/storetest"
)

const account, sender = 1, 3

// desk is a store with launched campaigns and a planner.
type desk struct {
	t       *testing.T
	s       *store.Store
	planner *schedule.Planner
	log     *strings.Builder
	mu      sync.Mutex
	woken   map[string]int
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	d := &desk{t: t, s: storetest.Open(t), woken: map[string]int{}, log: &strings.Builder{}}
	d.planner = d.newPlanner(nil)
	return d
}

func (d *desk) newPlanner(wake <-chan struct{}) *schedule.Planner {
	return schedule.New(schedule.Deps{
		Store: d.s, Calendar: schedule.NewCalendar(), Waker: d, Wake: wake,
		Log: slog.New(slog.NewTextHandler(lockedWriter{d}, nil)),
	})
}

type lockedWriter struct{ d *desk }

func (w lockedWriter) Write(b []byte) (int, error) {
	w.d.mu.Lock()
	defer w.d.mu.Unlock()
	return w.d.log.Write(b)
}

func (d *desk) Publish(topic string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.woken[topic]++
}

func (d *desk) exec(query string, args ...any) {
	d.t.Helper()
	if _, err := d.s.DB().Write.ExecContext(context.WithoutCancel(d.t.Context()), query, args...); err != nil {
		d.t.Fatalf("%s: %v", query, err)
	}
}

func (d *desk) number(query string, args ...any) int {
	d.t.Helper()
	var n int
	if err := d.s.DB().Write.QueryRowContext(d.t.Context(), query, args...).Scan(&n); err != nil {
		d.t.Fatalf("%s: %v", query, err)
	}
	return n
}

// campaign launches a campaign to recipients who live in zones in turn.
func (d *desk) campaign(id int, state overture.CampaignState, launchAt time.Time, recipients int, zones ...string) {
	d.t.Helper()
	const window = `{"Days":[{"From":480,"To":1260},{"From":480,"To":1260},{"From":480,"To":1260},{"From":480,"To":1260},{"From":480,"To":1260},{"From":480,"To":1260},{"From":480,"To":1260}],"Holidays":null}`
	d.exec(`INSERT INTO campaign (id, account_id, brand_id, name, channel, sender_id, skill_id, text, opt_out_text, smart_encoding, state, launch_at,
			send_window, rate, lookback, policy, open_conversation, reason, recipient_count, list_hash, content_hash, created_by, created_at,
			updated_at, launched_at, planned_through, planning)
		VALUES ($1, $2, 2, 'c', 'sms', $3, 9, 'Hi', '', FALSE, $4, $5, $6, 1, 0, 'safe', 'skip', '', $7, '', '', 1, 0, 0, $8, 0, TRUE)`,
		id, account, sender, string(state), launchAt.UnixMilli(), window, recipients, launchAt.UnixMilli())
	d.exec(`INSERT INTO lane (id, account_id, sender_id, campaign_id, kind, state, rate, weight) VALUES ($1, $2, $3, $4, 'campaign', 'open', 1, 1)`,
		1000+id, account, sender, id)
	d.exec(`INSERT INTO list_import (id, account_id, campaign_id, state, source, file_name, encoding, delimiter, header, row_count, valid, rejected, duplicates,
			opted_out, worst_row, worst_segments, segments, list_hash, error, created_at)
		VALUES ($1, $2, $3, 'done', 'csv', '', '', '', '', 0, 0, 0, 0, 0, 0, 0, 0, '', '', 0)`, 2000+id, account, id)
	for i := range recipients {
		d.recipient(id, 2000+id, i, zones[i%len(zones)])
	}
}

func (d *desk) recipient(campaign, importID, i int, zones string) {
	d.t.Helper()
	d.exec(`INSERT INTO recipient (id, account_id, campaign_id, import_id, row_number, address, zones, zone_source, text, vars, segments)
		VALUES ($1, $2, $3, $4, $5, $6, $7, 'number', '', '', 2)`, campaign*100_000+i, account, campaign, importID, i+1, fmt.Sprintf("+1212555%04d", i), zones)
}

// finish passes until there is nothing to plan.
func (d *desk) finish(now time.Time) {
	for more := true; more; {
		more = d.planner.Pass(d.t.Context(), now)
	}
}

// clean asks the same questions as overture verify.
func (d *desk) clean() {
	d.t.Helper()
	findings, err := d.s.BrokenInvariants(d.t.Context())
	if err != nil {
		d.t.Fatal(err)
	}
	for _, f := range findings {
		if f.Count > 0 {
			d.t.Errorf("%s %s: %d, such as %v", f.Rule, f.Says, f.Count, f.Samples)
		}
	}
}

func (d *desk) want(what string, want int, query string, args ...any) {
	d.t.Helper()
	if got := d.number(query, args...); got != want {
		d.t.Errorf("%s: %d, want %d", what, got, want)
	}
}

var noon = time.Date(2026, 11, 20, 17, 0, 0, 0, time.UTC) // 12:00 in New York, 09:00 in Los Angeles, 02:00 in Tokyo

func TestEveryRecipientBecomesOneMessage(t *testing.T) {
	d := newDesk(t)
	d.campaign(7, overture.Running, noon, 603, "America/New_York", "Asia/Tokyo", "America/New_York,America/Chicago")
	d.finish(noon)
	d.want("messages", 603, `SELECT COUNT(*) FROM message WHERE campaign_id = 7 AND state = 0 AND leg = 0 AND body = '' AND segments = 2 AND lane_id = 1007 AND sender_id = 3 AND account_id = 1`)
	d.want("addresses", 603, `SELECT COUNT(*) FROM message m JOIN recipient r ON r.id = m.recipient_id AND r.address = m.address`)
	d.want("queue", 603, `SELECT COUNT(*) FROM dispatch WHERE lane_id = 1007`)
	d.want("counter", 603, `SELECT n FROM campaign_count WHERE campaign_id = 7 AND state = 0`)
	d.want("planning", 0, `SELECT COUNT(*) FROM campaign WHERE planning = TRUE`)
	d.want("go now", 402, `SELECT COUNT(*) FROM dispatch WHERE due_at = $1 AND not_after = $2`, noon.UnixMilli(),
		time.Date(2026, 11, 21, 2, 0, 0, 0, time.UTC).Add(-schedule.SendMargin).UnixMilli())
	tokyo := time.Date(2026, 11, 20, 23, 0, 0, 0, time.UTC) // 08:00 there
	d.want("wait for Tokyo", 201, `SELECT COUNT(*) FROM dispatch WHERE due_at = $1 AND not_after = $2`, tokyo.UnixMilli(),
		tokyo.Add(13*time.Hour-schedule.SendMargin).UnixMilli())
	if d.woken["dispatch"] != 3 || d.woken["campaign"] != 1 {
		t.Errorf("woken %v, want dispatch once per chunk and campaign once", d.woken)
	}
	d.clean()
}

func TestAnEmptyRemainderEndsThePlanning(t *testing.T) {
	d := newDesk(t)
	d.campaign(7, overture.Running, noon, 250, "America/New_York") // exactly one chunk
	d.campaign(8, overture.Running, noon, 0)
	d.finish(noon)
	d.want("planning", 0, `SELECT COUNT(*) FROM campaign WHERE planning = TRUE`)
	d.want("messages", 250, `SELECT COUNT(*) FROM message`)
	d.clean()
}

func TestPlanningGoesOnAfterACrashAndNeverRepeats(t *testing.T) {
	d := newDesk(t)
	d.campaign(7, overture.Running, noon, 600, "America/New_York")
	d.planner.Pass(t.Context(), noon)
	d.want("messages after one pass", 250, `SELECT COUNT(*) FROM message`)
	d.planner = d.newPlanner(nil) // another process
	d.planner.Pass(t.Context(), noon)
	d.want("messages after two", 500, `SELECT COUNT(*) FROM message`)
	// The cursor is no authority: were it wrong, the rows would still be right.
	d.exec(`UPDATE campaign SET planned_through = 0`)
	d.finish(noon.Add(time.Minute))
	d.want("messages", 600, `SELECT COUNT(*) FROM message`)
	d.want("queue", 600, `SELECT COUNT(*) FROM dispatch`)
	d.clean()
}

func TestACanceledCampaignGetsNoQueue(t *testing.T) {
	d := newDesk(t)
	d.campaign(7, overture.Running, noon, 600, "America/New_York")
	d.planner.Pass(t.Context(), noon)
	d.exec(`UPDATE campaign SET state = 'canceled'`)
	d.exec(`UPDATE lane SET state = 'canceled'`)
	d.finish(noon)
	d.want("canceled", 350, `SELECT COUNT(*) FROM message WHERE state = $1 AND reason = 'campaign_canceled'`, overture.Canceled)
	d.want("queue", 250, `SELECT COUNT(*) FROM dispatch`)
	d.want("counter", 350, `SELECT n FROM campaign_count WHERE state = $1`, overture.Canceled)
	d.clean()
}

func TestAPausedCampaignIsPlanned(t *testing.T) {
	d := newDesk(t)
	d.campaign(7, overture.Paused, noon, 10, "America/New_York")
	d.exec(`UPDATE lane SET state = 'paused'`)
	d.finish(noon)
	d.want("queue", 10, `SELECT COUNT(*) FROM dispatch`)
	d.want("paused", 1, `SELECT COUNT(*) FROM campaign WHERE state = 'paused' AND planning = FALSE`)
}

func TestAScheduledCampaignIsPlannedAtOnceAndStartsInTime(t *testing.T) {
	d := newDesk(t)
	launch := noon.Add(49 * time.Hour)
	d.campaign(7, overture.Scheduled, launch, 10, "America/New_York", "Asia/Tokyo")
	d.finish(noon)
	d.want("at the launch", 5, `SELECT COUNT(*) FROM dispatch WHERE due_at = $1`, launch.UnixMilli())
	d.want("when Tokyo opens", 5, `SELECT COUNT(*) FROM dispatch WHERE due_at > $1`, launch.UnixMilli())
	d.planner.Pass(t.Context(), launch.Add(-time.Millisecond))
	d.want("started too early", 0, `SELECT COUNT(*) FROM campaign WHERE state = 'running'`)
	d.planner.Pass(t.Context(), launch)
	d.want("started", 1, `SELECT COUNT(*) FROM campaign WHERE state = 'running' AND updated_at = $1`, launch.UnixMilli())
	if !strings.Contains(d.log.String(), "campaign started") {
		t.Error("the start is not in the log")
	}
	d.clean()
}

func TestRowsOfAnUnfinishedImportAreInvisible(t *testing.T) {
	d := newDesk(t)
	d.campaign(7, overture.Running, noon, 3, "America/New_York")
	d.exec(`INSERT INTO list_import (id, account_id, campaign_id, state, source, file_name, encoding, delimiter, header, row_count, valid, rejected, duplicates,
			opted_out, worst_row, worst_segments, segments, list_hash, error, created_at)
		VALUES (3000, 1, 7, 'loading', 'csv', '', '', '', '', 0, 0, 0, 0, 0, 0, 0, 0, '', '', 0)`)
	d.recipient(7, 3000, 77, "America/New_York")
	d.finish(noon)
	d.want("messages", 3, `SELECT COUNT(*) FROM message`)
	d.clean()
}

// Who can never be reached inside the window is queued without a moment to go, so that dispatch ends it visibly: nobody is lost.
func TestNoMomentIsVisibleInTheQueue(t *testing.T) {
	d := newDesk(t)
	d.campaign(7, overture.Running, noon, 4, "", "Mars/Olympus", "Europe/London,Pacific/Auckland,Asia/Kolkata", "America/New_York")
	d.finish(noon)
	d.want("without a moment", 3, `SELECT COUNT(*) FROM dispatch WHERE not_after = 0 AND due_at = $1`, noon.UnixMilli())
	d.want("with one", 1, `SELECT COUNT(*) FROM dispatch WHERE not_after > due_at`)
	d.clean()
}

func TestOneBrokenCampaignDoesNotHoldUpOthers(t *testing.T) {
	d := newDesk(t)
	d.campaign(7, overture.Running, noon, 3, "America/New_York")
	d.campaign(8, overture.Running, noon, 3, "America/New_York")
	d.campaign(9, overture.Running, noon, 1200, "America/New_York")
	d.exec(`DELETE FROM lane WHERE campaign_id = 7`)
	d.exec(`UPDATE campaign SET send_window = 'nonsense' WHERE id = 8`)
	d.finish(noon)
	d.want("messages of the good one", 1200, `SELECT COUNT(*) FROM message WHERE campaign_id = 9`)
	d.want("others", 0, `SELECT COUNT(*) FROM message WHERE campaign_id <> 9`)
	if n := strings.Count(d.log.String(), "ERROR"); n != 2 {
		t.Errorf("%d errors in the log, want each trouble once:\n%s", n, d.log)
	}
	d.exec(`INSERT INTO lane (id, account_id, sender_id, campaign_id, kind, state, rate, weight) VALUES (1, 1, 3, 7, 'campaign', 'open', 1, 1)`)
	d.finish(noon.Add(time.Hour))
	d.want("after the repair", 3, `SELECT COUNT(*) FROM message WHERE campaign_id = 7`)
}

func TestPlannersDoNotGetInEachOthersWay(t *testing.T) {
	d := newDesk(t)
	d.campaign(7, overture.Running, noon, 1300, "America/New_York")
	var wg sync.WaitGroup
	for range 3 {
		planner := d.newPlanner(nil)
		wg.Go(func() {
			for range 20 {
				planner.Pass(t.Context(), noon)
			}
		})
	}
	wg.Wait()
	d.finish(noon)
	d.want("messages", 1300, `SELECT COUNT(*) FROM message`)
	d.want("queue", 1300, `SELECT COUNT(*) FROM dispatch`)
	d.want("counter", 1300, `SELECT n FROM campaign_count WHERE campaign_id = 7`)
	d.clean()
	if strings.Contains(d.log.String(), "ERROR") {
		t.Error(d.log)
	}
}

func TestRunPlansWhenWokenAndStartsByTheClock(t *testing.T) {
	if storetest.OnPostgres() {
		t.Skip("sockets hold the fake clock; Pass is tested on both engines")
	}
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		wake := make(chan struct{}, 1)
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- d.newPlanner(wake).Run(ctx) }()
		<-time.After(2500 * time.Millisecond) // in a bubble: it is between two looks
		launch := time.Now().Add(10 * time.Second)
		d.campaign(7, overture.Scheduled, launch, 600, "UTC")
		wake <- struct{}{}
		<-time.After(100 * time.Millisecond)
		d.want("planned before the next look", 600, `SELECT COUNT(*) FROM message`)
		<-time.After(time.Until(launch.Add(time.Second)))
		d.want("started", 1, `SELECT COUNT(*) FROM campaign WHERE state = 'running'`)
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if strings.Contains(d.log.String(), "ERROR") {
			t.Error(d.log)
		}
	})
}
