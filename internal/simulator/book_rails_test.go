package simulator

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"pgregory.net/rapid"

	"github.com/overture-im/overture"
)

// railed gives two of the campaigns rails of their own. The account's default limits of prefixes are out of reach here.
func (p *pair) railed(i int64, c *campaignRow) {
	switch i {
	case 1:
		c.rails.Canary = overture.Canary{Recipients: 3, WaitMinutes: 1}
	case 2:
		c.rails.Segments = 5
	}
}

func (p *pair) writeRails(c *campaignRow) {
	rails, err := json.Marshal(c.rails)
	p.no(err)
	watch, err := json.Marshal(c.watch)
	p.no(err)
	p.exec(`UPDATE campaign SET rails = $1, watch = $2 WHERE id = $3`, string(rails), string(watch), p.base+int64(c.id))
}

func (p *pair) dayLimit(segments int64) {
	p.b.limits.SegmentsPerDay = segments
	p.exec(`UPDATE account SET settings = $1 WHERE id = $2`, fmt.Sprintf(`{"rails":{"segments_per_day":%d}}`, segments), p.base)
}

func (l limit) arg() any {
	if !l.there {
		return nil
	}
	return l.n
}

func (l limit) String() string {
	if !l.there {
		return ""
	}
	return fmt.Sprint(l.n)
}

// end leaves nothing that stops later rounds: quarantines and the kill switch concern the whole installation.
func (p *pair) end() {
	const mine = ` BETWEEN $1 + 1 AND $1 + 9999`
	p.exec(`DELETE FROM dispatch WHERE lane_id`+mine, p.base)
	p.exec(`DELETE FROM inflight WHERE sender_id`+mine, p.base)
	p.exec(`UPDATE campaign SET planning = FALSE WHERE account_id = $1`, p.base)
	p.exec(`DELETE FROM quarantine`)
	p.exec(`DELETE FROM emergency_stop`)
}

func (p *pair) kill(t *rapid.T) {
	stopped := rapid.IntRange(0, 2).Draw(t, "stopped") == 0
	if rapid.Bool().Draw(t, "everything") {
		p.b.setEverythingStopped(stopped)
		p.no(p.s.SetEverythingStopped(t.Context(), stopped, "why", p.now))
		return
	}
	p.b.setAccountStopped(stopped)
	_, err := p.s.SetAccountStopped(t.Context(), p.actor(), stopped, "why", p.now)
	p.no(err)
}

func (p *pair) day(t *rapid.T) { p.dayLimit(int64(rapid.IntRange(0, 12).Draw(t, "segments"))) }

// guard pauses a campaign, or moves on what the guard remembers of it, sometimes after somebody else did.
func (p *pair) guard(t *rapid.T) {
	c := p.b.campaign(p.anyCampaign(t))
	real, err := p.s.Campaign(t.Context(), overture.AccountID(p.base), c.id+overture.CampaignID(p.base))
	p.no(err)
	if rapid.IntRange(0, 2).Draw(t, "pause") == 0 {
		rail := rapid.SampledFrom([]string{overture.BarrierCampaignSpend, overture.BarrierDaySpend, "canary"}).Draw(t, "rail")
		if rail == overture.BarrierCampaignSpend && c.rails.Segments == 0 { // what it does not have does not pause it
			rail = overture.BarrierDaySpend
		}
		done, err := p.s.PauseByItself(t.Context(), real, rail, "why", p.now)
		p.no(err)
		p.same("PauseByItself", p.b.PauseByItself(c.id, rail), done)
		return
	}
	was, realWas := c.watch, real.Watch
	if rapid.IntRange(0, 4).Draw(t, "stale") == 0 {
		was.Step++
		real.Watch.Step++
	}
	next, realNext := was, realWas
	switch c.watch.Phase {
	case overture.PhaseCanary:
		next.Phase, next.VerdictAt = overture.PhaseVerdict, p.now.Add(time.Minute).UTC().Truncate(time.Millisecond)
	default:
		next.Phase, next.VerdictAt = overture.PhaseFree, time.Time{}
	}
	realNext.Phase, realNext.VerdictAt = next.Phase, next.VerdictAt
	done, err := p.s.AdvanceWatch(t.Context(), real, realNext, "", p.now)
	p.no(err)
	p.same("AdvanceWatch", p.b.AdvanceWatch(c.id, was, next), done)
}

// goBack begins a quarantine in a year that is later than every clock of the store, so that its markers have times that are known.
func (p *pair) goBack(t *rapid.T) {
	if rapid.IntRange(0, 2).Draw(t, "really") > 0 {
		return
	}
	since, now := p.now.Add(-time.Duration(rapid.IntRange(1, 90).Draw(t, "minutes"))*time.Minute), time.Date(2060, 1, 1, 0, 0, p.next(), 0, time.UTC)
	p.no(p.s.BeginQuarantine(t.Context(), overture.QuarantineOrder{Since: since, Reason: "why"}, now))
	p.b.BeginQuarantine(since.UnixMilli(), now.UnixMilli())
}

func (p *pair) doubt(t *rapid.T) {
	n, err := p.s.Doubt(t.Context(), 2*time.Minute)
	p.no(err)
	p.same("Doubt", p.b.Doubt(time.Now().UnixMilli(), 2*time.Minute), n)
	in, err := p.s.InQuarantine(t.Context())
	p.no(err)
	p.same("InQuarantine", p.b.inQuarantine(), in)
	q, err := p.s.Quarantine(t.Context())
	p.no(err)
	mine := p.b.Quarantine()
	p.same("Quarantine", [4]any{mine.Active, mine.Planning, mine.ToCheck, mine.InDoubt}, [4]any{q.Active, q.Planning, q.ToCheck, q.InDoubt})
}

func (p *pair) letGo(t *rapid.T) {
	hold := rapid.Bool().Draw(t, "hold the rest")
	err := p.s.ReleaseQuarantine(t.Context(), "somebody", hold, p.now)
	if err != nil && overture.KindOf(err) != overture.Conflict {
		p.no(err)
	}
	p.same("ReleaseQuarantine", p.b.ReleaseQuarantine(hold), err == nil)
}

// anyRuling is what a mark is judged by: mostly nothing.
func (p *pair) anyRuling(t *rapid.T) *overture.Ruling {
	names := policyNames[2:4] // the long ones
	if !p.caps {
		names = append([]string{"", "", "", "", ""}, policyNames...)
	}
	return rulesOf(rapid.SampledFrom(names).Draw(t, "policy")).For("+12125550100")
}

// watchWord is what is compared of a campaign's watch: not the outcomes that a resume acknowledged, on which no mark depends.
func (p *pair) watchWord(raw string) string {
	var w overture.Watch
	if strings.TrimSpace(raw) != "" {
		p.no(json.Unmarshal([]byte(raw), &w))
	}
	return fmt.Sprint(w.Phase, "/", w.CanarySize, "/", millis(w.VerdictAt), "/", w.PausedBy)
}

func (p *pair) railRows(add func(table, format string, args ...any)) map[string]string {
	b := p.b
	for _, l := range b.lanes {
		add("rails", "%d %v %v %d %s %d", l.id, l.allowance, l.budget, l.granted, l.barrier, l.resent)
	}
	for _, c := range b.campaigns {
		raw, err := json.Marshal(c.watch)
		p.no(err)
		add("watch", "%d %s", c.id, p.watchWord(string(raw)))
	}
	for day, n := range b.spent {
		add("spend", "%d %d", day, n)
	}
	for _, m := range b.messages {
		if m.heldSince != 0 {
			add("held", "%d %d", m.id, m.heldSince)
		}
		if m.marker.there {
			add("since", "%d %d", m.id, m.marker.since)
		}
	}
	for _, q := range b.quarantine {
		add("quarantine", "%d %d %v", q.since, q.until, q.released)
	}
	add("stopped", "%v %v", b.stopped, b.stoppedAll)
	return map[string]string{
		"rails":      `SELECT id, allowance, budget, granted, barrier, resent FROM lane WHERE account_id = $1`,
		"watch":      `SELECT id, watch FROM campaign WHERE account_id = $1`,
		"spend":      `SELECT day, spent FROM account_spend WHERE account_id = $1`,
		"held":       `SELECT message_id, attempted_at FROM held WHERE account_id = $1`,
		"since":      `SELECT message_id, since FROM inflight WHERE sender_id BETWEEN $1 + 1 AND $1 + 9999`,
		"quarantine": `SELECT since, until, released_at IS NOT NULL AS stopped FROM quarantine WHERE $1 > 0`,
		"stopped":    `SELECT stopped, EXISTS (SELECT 1 FROM emergency_stop) AS planning FROM account WHERE id = $1`,
	}
}
