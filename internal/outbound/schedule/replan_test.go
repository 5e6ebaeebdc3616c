package schedule_test

import (
	"strings"
	"testing"
	"time"

	"github.com/overture-im/overture/internal/kit/tz"
	"github.com/overture-im/overture/internal/outbound/schedule"
)

// ago makes it look as if an older program had planned the campaign: its rules name older time-zone data, and every slot is an hour late.
func (d *desk) ago(campaign int) {
	d.t.Helper()
	d.exec(`INSERT INTO rules (id, account_id, tzdata, policy, created_at) VALUES (901, $1, '2020a', '{}', 0) ON CONFLICT DO NOTHING`, account)
	d.exec(`UPDATE campaign SET rules_id = 901, replanning = FALSE WHERE id = $1`, campaign)
	d.exec(`UPDATE message SET rules_id = 901 WHERE campaign_id = $1`, campaign)
	d.exec(`UPDATE dispatch SET due_at = due_at + 3600000, not_after = not_after + 3600000 WHERE lane_id = $1`, 1000+campaign)
}

const (
	atNewYork = `SELECT COUNT(*) FROM dispatch q JOIN message m ON m.id = q.message_id JOIN recipient r ON r.id = m.recipient_id
		WHERE r.zones = 'America/New_York' AND q.due_at = $1 AND q.not_after = $2`
	stale = `SELECT COUNT(*) FROM message m JOIN rules r ON r.id = m.rules_id WHERE r.tzdata = '2020a'`
)

func TestNewerTimeZoneDataPlansAgain(t *testing.T) {
	d := newDesk(t)
	night := time.Date(2026, 11, 20, 4, 0, 0, 0, time.UTC) // 23:00 in New York, 20:00 in Los Angeles, 13:00 in Tokyo
	d.campaign(10, "running", night, 600, "America/New_York", "America/Los_Angeles")
	d.campaign(11, "running", night, 300, "America/New_York")
	d.finish(night)
	eight, nine := time.Date(2026, 11, 20, 13, 0, 0, 0, time.UTC), time.Date(2026, 11, 21, 2, 0, 0, 0, time.UTC).Add(-schedule.SendMargin)
	d.want("planned for 08:00 in New York", 600, atNewYork, eight.UnixMilli(), nine.UnixMilli())
	d.want("rules of this program", 900, `SELECT COUNT(*) FROM message m JOIN rules r ON r.id = m.rules_id WHERE r.tzdata = $1`, tz.Version())
	other := d.number(`SELECT SUM(due_at % 1000003) FROM dispatch WHERE lane_id = 1011`)

	d.ago(10)
	d.want("an hour late now", 300, atNewYork, eight.Add(time.Hour).UnixMilli(), nine.Add(time.Hour).UnixMilli())
	// Three are on their way to the provider: nobody may take their row away.
	d.exec(`INSERT INTO inflight (message_id, lane_id, sender_id, due_at, not_after, epoch, attempt, token, started_at, state, lookups, next_lookup_at)
		SELECT message_id, lane_id, $1, due_at, not_after, 1, 1, 't', 0, 'attempting', 0, 0 FROM dispatch WHERE lane_id = 1010 ORDER BY message_id LIMIT 3`, sender)
	d.planner = d.newPlanner(nil) // a restart
	d.finish(night)
	d.want("still stale", 3, stale)
	d.want("the three at their old place", 3, `SELECT COUNT(*) FROM dispatch q JOIN inflight f ON f.message_id = q.message_id AND f.due_at = q.due_at AND f.not_after = q.not_after`)
	d.want("for 08:00 in New York, with the other campaign", 600-d.number(`SELECT COUNT(*) FROM inflight f JOIN message m ON m.id = f.message_id JOIN recipient r ON r.id = m.recipient_id
		WHERE r.zones = 'America/New_York'`), atNewYork, eight.UnixMilli(), nine.UnixMilli())
	d.want("not finished", 1, `SELECT COUNT(*) FROM campaign WHERE replanning = TRUE`)
	if now := d.number(`SELECT SUM(due_at % 1000003) FROM dispatch WHERE lane_id = 1011`); now != other {
		t.Error("the other campaign was planned again too")
	}
	d.finish(night.Add(10 * time.Second)) // too early to look again
	d.want("not finished", 1, `SELECT COUNT(*) FROM campaign WHERE replanning = TRUE`)

	// They come back into the queue: they are planned again now.
	d.exec(`DELETE FROM inflight`)
	for range 3 { // a pass that finds them, one that finds nothing, and one after the pause
		night = night.Add(40 * time.Second)
		d.finish(night)
	}
	d.want("stale at the end", 0, stale)
	d.want("finished", 0, `SELECT COUNT(*) FROM campaign WHERE replanning = TRUE`)
	d.want("for 08:00 in New York", 600, atNewYork, eight.UnixMilli(), nine.UnixMilli())
	d.want("rows", 900, `SELECT COUNT(*) FROM dispatch`)
	if !strings.Contains(d.log.String(), "planned again with newer time-zone data") {
		t.Error("nobody is told")
	}
	d.clean()
}

// Messages that are due keep their place, backoffs are kept, and what is not allowed any more moves.
func TestPlanningAgainInTheDay(t *testing.T) {
	d := newDesk(t)
	d.campaign(10, "running", noon, 4, "America/New_York", "America/Los_Angeles", "Asia/Tokyo", "America/New_York")
	d.finish(noon)
	d.ago(10)
	due := func(zone string) (at, until time.Time) {
		t.Helper()
		row := d.s.DB().Write.QueryRowContext(t.Context(), `SELECT q.due_at, q.not_after FROM dispatch q JOIN message m ON m.id = q.message_id
			JOIN recipient r ON r.id = m.recipient_id WHERE r.zones = $1 AND m.attempts = 0`, zone)
		var a, b int64
		if err := row.Scan(&a, &b); err != nil {
			t.Fatal(err)
		}
		return time.UnixMilli(a).UTC(), time.UnixMilli(b).UTC()
	}
	d.exec(`UPDATE message SET attempts = 1 WHERE recipient_id = $1`, 10*100_000+3)
	d.exec(`UPDATE dispatch SET due_at = $1 WHERE message_id = (SELECT id FROM message WHERE recipient_id = $2)`, noon.Add(2*time.Hour+5*time.Minute).UnixMilli(), 10*100_000+3)
	later := noon.Add(2 * time.Hour)
	d.finish(later)
	if at, until := due("America/New_York"); !at.Equal(noon.Add(time.Hour)) || !until.Equal(time.Date(2026, 11, 21, 2, 0, 0, 0, time.UTC).Add(-schedule.SendMargin)) {
		t.Errorf("New York, due and open: %v … %v", at, until)
	}
	if at, _ := due("Asia/Tokyo"); !at.Equal(time.Date(2026, 11, 20, 23, 0, 0, 0, time.UTC)) {
		t.Errorf("Tokyo, to wait for 08:00: %v", at)
	}
	d.want("the one that was tried waits for its time", 1, `SELECT COUNT(*) FROM dispatch WHERE due_at = $1`, noon.Add(2*time.Hour+5*time.Minute).UnixMilli())
	d.want("stale", 0, stale)
	d.clean()
}

// A node with older data of a fleet leaves alone what was planned with newer data.
func TestOlderTimeZoneDataChangesNothing(t *testing.T) {
	d := newDesk(t)
	d.campaign(10, "running", noon, 10, "America/New_York")
	d.finish(noon)
	d.exec(`INSERT INTO rules (id, account_id, tzdata, policy, created_at) VALUES (902, $1, '2099a', '{}', 0)`, account)
	d.exec(`UPDATE campaign SET rules_id = 902`)
	d.finish(noon.Add(time.Second))
	d.want("campaigns with the newer rules", 1, `SELECT COUNT(*) FROM campaign WHERE rules_id = 902 AND replanning = FALSE`)
}
