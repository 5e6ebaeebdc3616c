package campaign_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/outbound/campaign"
	"github.com/overture-im/overture/internal/outbound/guard"
)

// railed makes and launches a campaign of n with guard rails.
func (h *house) railed(n int, rails overture.CampaignRails, undo int) overture.Campaign {
	h.t.Helper()
	c := h.draft(func(ch *campaign.Change) { ch.Rails, ch.UndoSeconds = &rails, &undo })
	h.list(c, n)
	c, err := h.room.Launch(h.t.Context(), h.by, c.ID, campaign.Order{Consent: true})
	h.must(err)
	h.t.Cleanup(h.recount)
	return c
}

// recount looks whether the limits agree with the attempts, as verify does.
func (h *house) recount() {
	h.t.Helper()
	findings, err := h.store.BrokenInvariants(context.Background())
	h.must(err)
	for _, f := range findings {
		if f.Rule == "F2" {
			h.t.Errorf("%s: %d, such as %v", f.Says, f.Count, f.Samples)
		}
	}
}

// work commits what one sender has to write, as the engine does.
func (h *house) work(now time.Time, w overture.SenderWork) overture.CommitResult {
	h.t.Helper()
	lease, ok, err := h.store.AcquireLease(h.t.Context(), h.sender, "node", time.Minute)
	if err != nil || !ok {
		h.t.Fatal(ok, err)
	}
	w.Lease, w.BrandID, w.AccountID, w.Channel = lease, h.brand, h.by.AccountID, overture.SMS
	r, err := h.store.Commit(h.t.Context(), now, []overture.SenderWork{w})
	h.must(err)
	return r[0]
}

// tries asks for the marks of messages and tells which were given.
func (h *house) tries(now time.Time, ids []overture.MessageID) (marked []overture.Mark) {
	h.t.Helper()
	var marks []overture.Mark
	for _, id := range ids {
		var m overture.Mark
		var due int64
		h.must(h.store.DB().Write.QueryRowContext(h.t.Context(), `SELECT d.lane_id, d.due_at, m.address, m.attempts + 1 FROM dispatch d JOIN message m ON m.id = d.message_id
			WHERE m.id = $1`, id).Scan(&m.LaneID, &due, &m.Address, &m.Attempt))
		m.MessageID, m.Due, m.Token, m.LookupAt = id, time.UnixMilli(due), "t"+id.String(), now.Add(time.Minute)
		marks = append(marks, m)
	}
	for len(marks) > 0 {
		n := min(len(marks), 100)
		for i, v := range h.work(now, overture.SenderWork{Marks: marks[:n]}).Verdicts {
			if v == overture.Marked {
				marked = append(marked, marks[i])
			}
		}
		marks = marks[n:]
	}
	return marked
}

// settle ends marks in a state.
func (h *house) settle(now time.Time, marks []overture.Mark, state overture.State, outcome string) {
	h.t.Helper()
	var xs []overture.Settlement
	for _, m := range marks {
		x := overture.Settlement{Place: m.Place, Attempt: m.Attempt, Token: m.Token, StartedAt: now, Outcome: outcome, State: state, RetryAt: now.Add(time.Second), NotAfter: now.Add(time.Hour), LookupAt: now}
		if state == overture.Accepted {
			x.ProviderID = "SM" + m.MessageID.String()
		}
		xs = append(xs, x)
	}
	if r := h.work(now, overture.SenderWork{Settlements: xs}); r.Superseded > 0 {
		h.t.Fatalf("%d settlements superseded", r.Superseded)
	}
}

func (h *house) guard() *guard.Guard {
	return guard.New(h.store, nil, slog.New(slog.DiscardHandler))
}

func (h *house) read(c overture.Campaign) overture.Campaign {
	h.t.Helper()
	c, err := h.room.Campaign(h.t.Context(), h.by.AccountID, c.ID)
	h.must(err)
	return c
}

// Not one more than the canary goes out, whatever is tried, refused by the provider or given back; a good one lets the campaign go on, by the ramp.
func TestCanaryIsExactAndGoesOn(t *testing.T) {
	h := newHouse(t)
	now := time.Now()
	c := h.railed(40, overture.CampaignRails{
		Canary: overture.Canary{Percent: 25, WaitMinutes: 5, FailedPercent: 20}, Ramp: overture.Ramp{Percents: []int{20, 50}, StepMinutes: 10},
	}, 0)
	ids := h.plan(c, now.Add(-time.Minute))
	first := h.tries(now, ids)
	if len(first) != 10 || len(h.tries(now, ids[20:])) != 0 {
		t.Fatalf("%d marked at first; want 10, then none", len(first))
	}
	lanes, err := h.store.OpenLanes(t.Context(), h.sender)
	h.must(err)
	if len(lanes) != 0 {
		t.Error("a lane whose canary is out is still read")
	}
	h.settle(now, first[:3], overture.Queued, "throttled")             // certainly not sent: they or others may go instead
	h.settle(now, first[3:4], overture.Queued, "resent_without_proof") // may have been sent: nobody goes instead
	h.settle(now, first[4:6], overture.Failed, "refused")              // handed over
	again := h.tries(now, ids[20:])
	if len(again) != 3 {
		t.Fatalf("%d marked in place of 3 that were given back", len(again))
	}
	h.settle(now, append(again, first[6:]...), overture.Accepted, "accepted")
	g := h.guard()
	h.must(g.Once(t.Context(), now))
	if w := h.read(c).Watch; w.Phase != overture.PhaseVerdict || w.CanarySize != 10 {
		t.Fatalf("watch %+v", w)
	}
	p, err := h.room.Progress(t.Context(), h.by.AccountID, c.ID)
	h.must(err)
	if !strings.Contains(p.StalledReason.String(), "the canary of 10 went out") || p.Resent != 1 {
		t.Errorf("progress says %q, %d sent again without proof", p.StalledReason, p.Resent)
	}
	h.must(g.Once(t.Context(), now.Add(4*time.Minute)))
	if n := len(h.tries(now.Add(4*time.Minute), ids[30:])); n != 0 {
		t.Errorf("%d marked before the verdict", n)
	}
	h.must(g.Once(t.Context(), now.Add(6*time.Minute))) // 2 of 10 refused, limit 20 %: good
	if w := h.read(c).Watch; w.Phase != overture.PhaseRamp || h.number(`SELECT rate FROM lane WHERE campaign_id = $1`, c.ID) != 1 {
		t.Errorf("watch %+v after a good canary; rate of the lane %d", w, h.number(`SELECT rate FROM lane WHERE campaign_id = $1`, c.ID))
	}
	if n := len(h.tries(now.Add(6*time.Minute), ids[30:])); n != 10 {
		t.Errorf("%d marked after a good canary", n)
	}
	h.must(g.Once(t.Context(), now.Add(17*time.Minute)))
	h.must(g.Once(t.Context(), now.Add(28*time.Minute)))
	if w := h.read(c).Watch; w.Phase != overture.PhaseFree || h.number(`SELECT rate FROM lane WHERE campaign_id = $1`, c.ID) != int64(c.Rate) {
		t.Errorf("watch %+v after the ramp", w)
	}
}

// A bad canary pauses the campaign with the reason; a resume goes on all the same, and is not paused again for what it acknowledged.
func TestABadCanaryPauses(t *testing.T) {
	h := newHouse(t)
	now := time.Now()
	c := h.railed(300, overture.CampaignRails{Canary: overture.Canary{Recipients: 10, FailedPercent: 10}}, 0)
	ids := h.plan(c, now.Add(-time.Minute))
	marked := h.tries(now, ids[:50])
	h.settle(now, marked[:2], overture.Failed, "refused")
	h.settle(now, marked[2:], overture.Accepted, "accepted")
	g := h.guard()
	h.must(g.Once(t.Context(), now))
	h.must(g.Once(t.Context(), now.Add(time.Second)))
	got := h.read(c)
	if got.State != overture.Paused || got.Watch.PausedBy != "canary" || !strings.Contains(got.Reason, "2 of the canary's 10 were refused or not delivered (20 %), limit 10 %") {
		t.Fatalf("%s, %+v, %q", got.State, got.Watch, got.Reason)
	}
	if h.number(`SELECT COUNT(*) FROM audit WHERE action = 'campaign.paused_by_itself' AND detail LIKE '%20 !%%' ESCAPE '!'`) != 1 {
		t.Error("no audit entry with the figures")
	}
	_, err := h.room.Resume(t.Context(), h.by, c.ID)
	h.must(err)
	h.must(g.Once(t.Context(), now.Add(2*time.Second)))
	if n := len(h.tries(now.Add(2*time.Second), ids[50:])); n != 250 || h.read(c).State != overture.Running {
		t.Errorf("%d marked after the resume, %s", n, h.read(c).State)
	}
}

// Too many refusals among the last outcomes pause a campaign; a resume acknowledges them, and new ones pause again.
func TestTooManyRefusalsPause(t *testing.T) {
	h := newHouse(t)
	now := time.Now()
	c := h.railed(1000, overture.CampaignRails{}, 0)
	ids := h.plan(c, now.Add(-time.Minute))
	g := h.guard()
	step := func(from, to int, state overture.State, outcome string) {
		t.Helper()
		h.settle(now, h.tries(now, ids[from:to]), state, outcome)
		now = now.Add(time.Second)
		h.must(g.Once(t.Context(), now))
	}
	step(0, 500, overture.Accepted, "accepted")
	step(500, 540, overture.Failed, "refused")
	if c = h.read(c); c.State != overture.Running {
		t.Fatalf("40 of the last 540 paused it: %s", c.Reason)
	}
	step(540, 600, overture.Accepted, "accepted")
	step(600, 710, overture.Failed, "refused")
	if c = h.read(c); c.State != overture.Paused || c.Watch.PausedBy != "failed" || !strings.Contains(c.Reason, "limit 25 %") || !strings.Contains(c.Reason, "paused by itself") {
		t.Fatalf("%s %q: 150 of all 710, but of the last 210 more than half", c.State, c.Reason)
	}
	if n := len(h.tries(now, ids[710:730])); n != 0 {
		t.Errorf("%d marked while paused", n)
	}
	_, err := h.room.Resume(t.Context(), h.by, c.ID)
	h.must(err)
	h.must(g.Once(t.Context(), now.Add(time.Second)))
	h.must(h.guard().Once(t.Context(), now.Add(time.Second))) // another node, that has seen nothing
	if c = h.read(c); c.State != overture.Running {
		t.Fatalf("paused again for the same evidence: %s", c.Reason)
	}
	step(710, 800, overture.Failed, "refused")
	if h.read(c).State != overture.Running {
		t.Error("paused on less than a sample")
	}
	step(800, 920, overture.Failed, "refused")
	if h.read(c).State != overture.Paused {
		t.Error("210 refusals after the resume did not pause it")
	}
}

// Messages in doubt count as they stand.
func TestTooManyDoubtsPause(t *testing.T) {
	h := newHouse(t)
	now := time.Now()
	c := h.railed(250, overture.CampaignRails{}, 0)
	ids := h.plan(c, now.Add(-time.Minute))
	h.settle(now, h.tries(now, ids[:80]), overture.Accepted, "accepted")
	h.settle(now, h.tries(now, ids[80:210]), overture.Unknown, "unknown")
	h.must(h.guard().Once(t.Context(), now))
	if c = h.read(c); c.State != overture.Paused || c.Watch.PausedBy != "unknown" {
		t.Errorf("%s %q", c.State, c.Reason)
	}
}

// A campaign's spend limit is exact, segments counted; a resume allows as many again. The account's day limit stops campaigns, not answers.
func TestSpendLimits(t *testing.T) {
	h := newHouse(t)
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	c := h.railed(100, overture.CampaignRails{Segments: 61}, 0)
	ids := h.plan(c, now.Add(-time.Minute))
	h.exec(`UPDATE message SET segments = 2 WHERE campaign_id = $1`, c.ID)
	marked := h.tries(now, ids)
	if len(marked) != 30 {
		t.Fatalf("%d of two segments each inside 61", len(marked))
	}
	g := h.guard()
	h.must(g.Once(t.Context(), now))
	got := h.read(c)
	if got.State != overture.Paused || !strings.Contains(got.Reason, "spend limit of 61 segments") {
		t.Fatalf("%s %q", got.State, got.Reason)
	}
	h.settle(now, marked[:20], overture.Accepted, "accepted")
	h.settle(now, marked[20:], overture.Queued, "not_sent") // not sent, not spent
	_, err := h.room.Resume(t.Context(), h.by, c.ID)
	h.must(err)
	if n := len(h.tries(now, ids[40:])); n != 30 {
		t.Errorf("%d marked after the resume", n)
	}

	h = newHouse(t)
	h.limit(func(r *overture.Rails) { r.SegmentsPerDay = 25 })
	one, two := h.railed(20, overture.CampaignRails{}, 0), h.railed(20, overture.CampaignRails{}, 0)
	n := len(h.tries(now, h.plan(one, now.Add(-time.Minute))))
	others := h.plan(two, now.Add(-time.Minute))
	marked = h.tries(now, others)
	if n != 20 || len(marked) != 5 {
		t.Errorf("%d and %d inside 25 a day", n, len(marked))
	}
	h.must(h.guard().Once(t.Context(), now))
	if got := h.read(two); got.State != overture.Paused || got.Watch.PausedBy != overture.BarrierDaySpend || !strings.Contains(got.Reason, "25 segments a day") {
		t.Errorf("%s %q", got.State, got.Reason)
	}
	answer, err := h.store.EnqueueDirect(t.Context(), overture.Message{AccountID: h.by.AccountID, SenderID: h.sender, Address: "+12125559999", Body: "hi"}, now, now.Add(time.Hour))
	h.must(err)
	if len(h.tries(now, []overture.MessageID{answer.ID})) != 1 {
		t.Error("the day limit stopped an answer")
	}
	h.settle(now, marked, overture.Queued, "throttled")
	_, err = h.room.Resume(t.Context(), h.by, two.ID)
	h.must(err)
	if n := len(h.tries(now, others[10:])); n != 5 {
		t.Errorf("%d marked in place of 5 that were not sent", n)
	}
	_, err = h.room.Resume(t.Context(), h.by, two.ID)
	_ = err // it may be paused or running; tomorrow it goes either way
	h.exec(`UPDATE lane SET barrier = ''`)
	if n := len(h.tries(now.Add(24*time.Hour), others[15:])); n != 0 {
		t.Errorf("%d marked past their validity", n)
	}
}

// prices gives the account a price table.
func (h *house) prices(currency string, table ...overture.Price) {
	h.t.Helper()
	_, err := h.store.SetPrices(h.t.Context(), h.by, currency, table, -1, time.Now())
	h.must(err)
}

func sms(prefix string, micros int64) overture.Price {
	return overture.Price{Channel: overture.SMS, Prefix: prefix, Micros: micros}
}

// A limit in money is exact, by the prices of the launch; what was certainly not sent is given back, and a resume allows as much again.
func TestCampaignSpendsNoMoreMoney(t *testing.T) {
	h := newHouse(t)
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	h.prices("USD", sms("1", 8_000), sms("12125550001", 20_000)) // the second of the list is dearer
	c := h.railed(20, overture.CampaignRails{Spend: 100_000}, 0)
	h.prices("USD", sms("1", 1)) // launched campaigns keep theirs
	ids := h.plan(c, now.Add(-time.Minute))
	marked := h.tries(now, ids)
	if len(marked) != 11 { // 10 × 8,000 + 20,000
		t.Fatalf("%d marked inside 0.10 USD, want 11", len(marked))
	}
	if left := h.number(`SELECT money FROM lane WHERE campaign_id = $1`, c.ID); left != 0 {
		t.Errorf("%d millionths left", left)
	}
	h.must(h.guard().Once(t.Context(), now))
	got := h.read(c)
	if got.State != overture.Paused || got.Watch.PausedBy != overture.BarrierCampaignMoney || !strings.Contains(got.Reason, "spend limit of 0.10 USD") {
		t.Fatalf("%s %+v %q", got.State, got.Watch, got.Reason)
	}
	h.settle(now, marked[:2], overture.Queued, "not_sent") // not sent, not spent
	if left := h.number(`SELECT money FROM lane WHERE campaign_id = $1`, c.ID); left != 28_000 {
		t.Errorf("%d millionths left after 8,000 and 20,000 were given back", left)
	}
	h.settle(now, marked[2:], overture.Accepted, "accepted")
	_, err := h.room.Resume(t.Context(), h.by, c.ID)
	h.must(err)
	if n := len(h.tries(now, ids[11:])); n != 9 {
		t.Errorf("%d marked after the resume", n)
	}
	if left := h.number(`SELECT money FROM lane WHERE campaign_id = $1`, c.ID); left != 28_000 {
		t.Errorf("%d millionths of a renewed 100,000 left after 9 × 8,000", left)
	}
}

// The account's day in money bounds all its campaigns together and lets answers go; without a limit nothing is counted.
func TestAccountSpendsNoMoreMoneyADay(t *testing.T) {
	h := newHouse(t)
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	h.prices("USD", sms("1", 8_000))
	free := h.railed(5, overture.CampaignRails{}, 0)
	h.tries(now, h.plan(free, now.Add(-time.Minute)))
	if n := h.number(`SELECT COUNT(*) FROM account_spend`); n != 0 {
		t.Error("counted without a limit")
	}
	h.limit(func(r *overture.Rails) { r.SpendPerDay, r.SpendCurrency = 200_000, "USD" })
	one, two := h.railed(20, overture.CampaignRails{}, 0), h.railed(20, overture.CampaignRails{}, 0)
	n := len(h.tries(now, h.plan(one, now.Add(-time.Minute))))
	others := h.plan(two, now.Add(-time.Minute))
	marked := h.tries(now, others)
	if n != 20 || len(marked) != 5 {
		t.Fatalf("%d and %d marked inside 0.20 USD a day", n, len(marked))
	}
	h.must(h.guard().Once(t.Context(), now))
	if got := h.read(two); got.Watch.PausedBy != overture.BarrierDayMoney || !strings.Contains(got.Reason, "0.20 USD a day") {
		t.Errorf("%+v %q", got.Watch, got.Reason)
	}
	h.settle(now, marked, overture.Queued, "throttled")
	if n := h.number(`SELECT money FROM account_spend WHERE account_id = $1`, h.by.AccountID); n != 160_000 {
		t.Errorf("%d millionths spent after 5 of 25 were given back", n)
	}
	answer, err := h.store.EnqueueDirect(t.Context(), overture.Message{AccountID: h.by.AccountID, SenderID: h.sender, Address: "+12125559999", Body: "hi"}, now, now.Add(time.Hour))
	h.must(err)
	if len(h.tries(now, []overture.MessageID{answer.ID})) != 1 {
		t.Error("the day limit stopped an answer")
	}
	_, err = h.room.Resume(t.Context(), h.by, two.ID)
	h.must(err)
	if n := len(h.tries(now.Add(12*time.Hour-2*time.Minute), others[5:])); n != 5 {
		t.Errorf("%d marked on the same day, 0.04 USD left", n)
	}
	h.exec(`UPDATE lane SET barrier = ''`)
	h.exec(`UPDATE dispatch SET not_after = not_after + 86400000`)
	if n := len(h.tries(now.Add(12*time.Hour), others[10:])); n != 10 {
		t.Errorf("%d marked on the next day", n)
	}
}

// Without a price a limit in money cannot be kept: the launch is refused, and what changed since stops the campaign before it sends.
func TestMoneyLimitNeedsPrices(t *testing.T) {
	h := newHouse(t)
	now := time.Now()
	refused := func(words string) {
		t.Helper()
		spend := overture.CampaignRails{Spend: 1_000_000}
		c := h.draft(func(ch *campaign.Change) { ch.Rails = &spend })
		h.list(c, 3)
		if _, err := h.room.Launch(t.Context(), h.by, c.ID, campaign.Order{Consent: true}); !errors.Is(err, overture.Invalid) || !strings.Contains(err.Error(), words) {
			t.Errorf("got %v, want %q", err, words)
		}
	}
	refused("has no prices")
	h.prices("USD", sms("44", 40_000))
	refused("no price for +12125…")
	h.prices("USD", sms("1", 8_000))
	h.limit(func(r *overture.Rails) { r.SpendPerDay, r.SpendCurrency = 1_000_000, "EUR" })
	refused("the account's spend limit is in EUR, its prices are in USD")
	h.limit(func(r *overture.Rails) { r.SpendPerDay, r.SpendCurrency = 0, "" })
	c := h.railed(3, overture.CampaignRails{}, 0)
	ids := h.plan(c, now.Add(-time.Minute))
	h.limit(func(r *overture.Rails) { r.SpendPerDay, r.SpendCurrency = 1_000_000, "EUR" })
	if n := len(h.tries(now, ids)); n != 0 {
		t.Errorf("%d marked at prices in another currency", n)
	}
	h.must(h.guard().Once(t.Context(), now))
	if got := h.read(c); got.Watch.PausedBy != overture.BarrierUnpriced || !strings.Contains(got.Reason, "have none for a destination") {
		t.Errorf("%+v %q", got.Watch, got.Reason)
	}
}

// limit changes the account's guard rails.
func (h *house) limit(change func(*overture.Rails)) {
	h.t.Helper()
	_, err := h.store.UpdateAccount(h.t.Context(), h.by, time.Now(), func(a *overture.Account) (string, error) {
		change(&a.Settings.Rails)
		return "rails", nil
	})
	h.must(err)
}

// A limit that the list just fits does not leave the campaign hanging, and one that is used up to the last pauses it.
func TestSpendLimitUsedUpToTheLast(t *testing.T) {
	h := newHouse(t)
	now := time.Now()
	c := h.railed(12, overture.CampaignRails{Segments: 10}, 0)
	ids := h.plan(c, now.Add(-time.Minute))
	if a, b := len(h.tries(now, ids[:10])), len(h.tries(now, ids[10:])); a != 10 || b != 0 {
		t.Fatalf("%d and %d marked", a, b)
	}
	h.must(h.guard().Once(t.Context(), now))
	if got := h.read(c); got.State != overture.Paused {
		t.Errorf("two wait, the limit is used up, and the campaign is %s", got.State)
	}
}

// Ten thousand numbers of one prefix, outside campaigns: at most 50 go, the alarm is raised once, nothing is lost (T20).
func TestNumberPumpingIsStopped(t *testing.T) {
	h := newHouse(t)
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	total := 10_000
	if testing.Short() {
		total = 1_000
	}
	ids := make([]overture.MessageID, total)
	_, err := h.store.EnqueueDirect(t.Context(), overture.Message{AccountID: h.by.AccountID, SenderID: h.sender, Address: "+12125550000", Body: "x"}, now.Add(time.Hour), now.Add(2*time.Hour))
	h.must(err)
	lane := h.number(`SELECT id FROM lane WHERE campaign_id = 0`)
	tx := h.begin()
	for i := range ids {
		ids[i] = overture.MessageID(h.store.NewID())
		tx.exec(`INSERT INTO message (id, account_id, campaign_id, recipient_id, entry_id, sender_id, lane_id, leg, address, body, state, attempts, segments, provider_id, code, reason, updated_at)
			VALUES ($1, $2, 0, 0, 0, $3, $4, 0, $5, 'x', 0, 0, 1, '', 0, '', 0)`, ids[i], h.by.AccountID, h.sender, lane, fmt.Sprintf("+1212555%04d", i))
		tx.exec(`INSERT INTO dispatch (lane_id, due_at, message_id, not_after) VALUES ($1, $2, $3, $4)`, lane, now.UnixMilli(), ids[i], now.Add(5*time.Hour).UnixMilli())
	}
	h.must(tx.Commit())
	if n := len(h.tries(now, ids)); n != overture.DefaultPrefixPerHour {
		t.Errorf("%d of %d numbers were written to, want %d", n, total, overture.DefaultPrefixPerHour)
	}
	if n := h.number(`SELECT COUNT(*) FROM dispatch WHERE due_at = $1`, now.Add(time.Hour).UnixMilli()); int(n) != total-overture.DefaultPrefixPerHour+1 {
		t.Errorf("%d wait for the next hour", n)
	}
	if n := h.number(`SELECT COUNT(*) FROM audit WHERE action = 'guard.prefix_limit'`); n != 1 {
		t.Errorf("%d alarms in the audit log", n)
	}
	g := h.guard()
	h.must(g.Once(t.Context(), now))
	h.must(g.Once(t.Context(), now))
	if g.PrefixAlerts() != 1 {
		t.Errorf("%d alarms counted", g.PrefixAlerts())
	}
	// Somebody who was written to within the hour gets more; another prefix is free; the next hour allows new numbers.
	direct := func(a string) int {
		m, err := h.store.EnqueueDirect(t.Context(), overture.Message{AccountID: h.by.AccountID, SenderID: h.sender, Address: overture.Address(a), Body: "x"}, now, now.Add(5*time.Hour))
		h.must(err)
		return len(h.tries(now, []overture.MessageID{m.ID}))
	}
	if direct("+12125550000") != 1 || direct("+12125569999") != 1 || direct("+12125559998") != 0 {
		t.Error("the same person, another prefix, a new number of the full one: want sent, sent, waiting")
	}
	h.settle(now, nil, overture.Accepted, "")
	if n := len(h.tries(now.Add(time.Hour), ids[100:200])); n != 50 {
		t.Errorf("%d in the next hour", n)
	}
	// A campaign is not bounded by it.
	c := h.railed(120, overture.CampaignRails{}, 0)
	if n := len(h.tries(now, h.plan(c, now.Add(-time.Minute)))); n != 120 {
		t.Errorf("%d of 120 recipients of one prefix in a campaign", n)
	}
}

// The kill switches are asked in the attempt's transaction: for the account, and for all.
func TestKillSwitches(t *testing.T) {
	h := newHouse(t)
	now := time.Now()
	other := joinHouse(t, h.store, "two")
	c, d := h.railed(40, overture.CampaignRails{}, 0), other.railed(10, overture.CampaignRails{}, 0)
	ids, others := h.plan(c, now.Add(-time.Minute)), other.plan(d, now.Add(-time.Minute))
	_, err := h.store.SetAccountStopped(t.Context(), h.by, true, "stolen key", now)
	h.must(err)
	if n, m := len(h.tries(now, ids[:10])), len(other.tries(now, others[:2])); n != 0 || m != 2 {
		t.Errorf("%d of the stopped account, %d of the other", n, m)
	}
	p, err := h.room.Progress(t.Context(), h.by.AccountID, c.ID)
	h.must(err)
	if p.StalledReason.String() != "the account is stopped: stolen key" {
		t.Errorf("progress says %q", p.StalledReason)
	}
	_, err = h.store.SetAccountStopped(t.Context(), h.by, false, "", now)
	h.must(err)
	h.must(h.store.SetEverythingStopped(t.Context(), true, "incident", now))
	h.must(h.store.SetEverythingStopped(t.Context(), true, "again", now)) // once is enough
	if n, m := len(h.tries(now, ids[:10])), len(other.tries(now, others[2:4])); n != 0 || m != 0 {
		t.Errorf("%d and %d while everything is stopped", n, m)
	}
	if n := h.number(`SELECT COUNT(*) FROM audit WHERE action = 'installation.stopped'`); n != 2 {
		t.Errorf("%d audit entries, one per account wanted", n)
	}
	h.must(h.store.SetEverythingStopped(t.Context(), false, "", now))
	if n := len(h.tries(now, ids[:10])); n != 10 {
		t.Errorf("%d after the start", n)
	}
}

// Inside its window a launch can be undone: a draft again, with its list, and launched anew. After it, not.
func TestUndo(t *testing.T) {
	h := newHouse(t)
	c := h.railed(3, overture.CampaignRails{}, 30)
	plannings, err := h.store.Plannings(t.Context())
	h.must(err)
	if len(plannings) != 0 {
		t.Error("planned inside the undo window")
	}
	p, err := h.room.Progress(t.Context(), h.by.AccountID, c.ID)
	h.must(err)
	if !strings.Contains(p.StalledReason.String(), "can be undone until") {
		t.Errorf("progress says %q", p.StalledReason)
	}
	c, err = h.room.Undo(t.Context(), h.by, c.ID)
	h.must(err)
	if got := h.read(c); got.State != overture.Draft || !got.LaunchedAt.IsZero() || got.RecipientCount != 3 || !got.LaunchAt.IsZero() || got.ConsentBy != 0 {
		t.Errorf("after the undo: %+v", got)
	}
	_, err = h.room.Edit(t.Context(), h.by, c.ID, campaign.Change{Name: new("Better")}, time.Time{})
	h.must(err)
	c, err = h.room.Launch(t.Context(), h.by, c.ID, campaign.Order{Consent: true})
	h.must(err)
	h.exec(`UPDATE campaign SET undo_until = $1 WHERE id = $2`, time.Now().Add(-time.Millisecond).UnixMilli(), c.ID)
	if plannings, err = h.store.Plannings(t.Context()); err != nil || len(plannings) != 1 {
		t.Errorf("%d to plan after the window, %v", len(plannings), err)
	}
	if _, err := h.room.Undo(t.Context(), h.by, c.ID); code(err) != "undo_over" {
		t.Errorf("undo after the window: %v", err)
	}
	h.sound()
}

// Undo against the planner, pause and canary against marks: whoever comes first, never both.
func TestRailsInARace(t *testing.T) {
	h := newHouse(t)
	for range 15 {
		c := h.railed(4, overture.CampaignRails{}, 30)
		plan := overture.Planning{CampaignID: c.ID, AccountID: c.AccountID, SenderID: c.SenderID}
		var planned bool
		var planErr, undoErr error
		var both sync.WaitGroup
		both.Go(func() { // a planner whose clock is ahead
			rs, err := h.store.RecipientsToPlan(context.WithoutCancel(t.Context()), plan, 10)
			var ms []overture.PlannedMessage
			for _, r := range rs {
				ms = append(ms, overture.PlannedMessage{RecipientID: r.ID, Address: r.Address, Segments: 1, Due: time.Now(), NotAfter: time.Now().Add(time.Hour)})
			}
			if planErr = err; err == nil {
				planned, planErr = h.store.WritePlan(context.WithoutCancel(t.Context()), plan, ms, true, time.Now())
			}
		})
		both.Go(func() { _, undoErr = h.room.Undo(context.WithoutCancel(t.Context()), h.by, c.ID) })
		both.Wait()
		h.must(planErr)
		if planned == (undoErr == nil) {
			t.Fatalf("planned %v and undone %v", planned, undoErr == nil)
		}
	}
	c := h.railed(200, overture.CampaignRails{Canary: overture.Canary{Recipients: 77, WaitMinutes: 1}}, 0)
	ids := h.plan(c, time.Now().Add(-time.Minute))
	var all sync.WaitGroup
	var mu sync.Mutex
	marked := 0
	for part := range 4 {
		all.Go(func() {
			n := len(h.tries(time.Now(), ids[part*50:part*50+50]))
			mu.Lock()
			marked += n
			mu.Unlock()
		})
	}
	all.Go(func() { _, _ = h.room.Pause(context.WithoutCancel(t.Context()), h.by, c.ID, "") })
	all.Wait()
	if flying := h.number(`SELECT COUNT(*) FROM inflight f JOIN lane l ON l.id = f.lane_id WHERE l.campaign_id = $1`, c.ID); marked > 77 || int(flying) != marked {
		t.Errorf("%d marked, %d markers, canary of 77", marked, flying)
	}
	if left := h.number(`SELECT allowance FROM lane WHERE campaign_id = $1`, c.ID); int(left) != 77-marked {
		t.Errorf("%d left of the allowance after %d marks", left, marked)
	}
	h.sound()
}
