package campaign_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/outbound/campaign"
	"github.com/overture-im/overture/internal/outbound/schedule"
	"github.com/overture-im/overture/internal/store"
)

// hold does what the engine does with an attempt that cannot be proven: mark, doubt with what the provider said, held.
func (h *house) hold(c overture.Campaign, id overture.MessageID, started time.Time, status, code int) {
	h.t.Helper()
	h.exec(`UPDATE campaign SET launch_at = $1 WHERE id = $2 AND launch_at > $1`, started.UnixMilli(), c.ID)
	lease, ok, err := h.store.AcquireLease(h.t.Context(), c.SenderID, "node", time.Minute)
	if err != nil || !ok {
		h.t.Fatal(ok, err)
	}
	due := time.UnixMilli(h.number(`SELECT due_at FROM dispatch WHERE message_id = $1`, id))
	place := overture.Place{LaneID: overture.LaneID(h.lane(c)), Due: due, MessageID: id}
	work := func(w overture.SenderWork, at time.Time) overture.CommitResult {
		w.Lease, w.BrandID, w.AccountID, w.Channel = lease, h.brand, h.by.AccountID, overture.SMS
		r, err := h.store.Commit(h.t.Context(), at, []overture.SenderWork{w})
		h.must(err)
		return r[0]
	}
	n := int(h.number(`SELECT attempts FROM message WHERE id = $1`, id)) + 1
	r := work(overture.SenderWork{Marks: []overture.Mark{{Place: place, Attempt: n, Token: "t" + id.String(), Address: "+1", LookupAt: started}}}, started)
	if r.Verdicts[0] != overture.Marked {
		h.t.Fatalf("mark of %s: verdict %d", id, r.Verdicts[0])
	}
	x := overture.Settlement{
		Place: place, Attempt: n, Token: "t" + id.String(), StartedAt: started, Outcome: "unknown", State: overture.Unknown,
		LookupAt: started, Code: code, HTTPStatus: status,
	}
	work(overture.SenderWork{Settlements: []overture.Settlement{x}}, started)
	x.Outcome, x.State, x.Reason, x.Lookups, x.Code, x.HTTPStatus = "held", overture.Held, overture.ReasonNotProven, 1, 0, 0
	if r := work(overture.SenderWork{Settlements: []overture.Settlement{x}}, started.Add(time.Minute)); r.Superseded != 0 {
		h.t.Fatal("the settlement was superseded")
	}
}

func (h *house) resolver() *campaign.Resolver {
	return &campaign.Resolver{Store: h.store, Windows: schedule.NewCalendar(), Log: slog.New(slog.DiscardHandler)}
}

func (h *house) sound() {
	h.t.Helper()
	broken, err := h.store.BrokenInvariants(h.t.Context())
	h.must(err)
	for _, f := range broken {
		h.t.Errorf("%s: %s: %d, such as %v", f.Rule, f.Says, f.Count, f.Samples)
	}
}

// The list says what is known: when it was tried, what the provider said, how often its record was asked.
func TestHeldListTellsWhatIsKnown(t *testing.T) {
	h := newHouse(t)
	c := h.launched(3)
	ids := h.plan(c, time.Now().Add(-3*time.Hour))
	long, short := time.Now().Add(-2*time.Hour), time.Now().Add(-time.Minute)
	h.hold(c, ids[0], long, 503, 20503)
	h.hold(c, ids[1], short, 0, 0)
	all, err := h.room.Held(t.Context(), overture.HeldFilter{AccountID: h.by.AccountID, Limit: 10})
	h.must(err)
	if len(all) != 2 || all[0].MessageID != ids[0] || all[0].HTTPStatus != 503 || all[0].Code != 20503 || all[0].Lookups != 1 || all[0].Attempt != 1 ||
		all[0].AttemptedAt.UnixMilli() != long.UnixMilli() || !strings.Contains(all[0].Doubt().String(), "server error") || !strings.Contains(all[1].Doubt().String(), "no readable answer") {
		t.Errorf("held: %+v", all)
	}
	for name, tc := range map[string]struct {
		f    overture.HeldFilter
		want int
	}{
		"age":            {overture.HeldFilter{AccountID: h.by.AccountID, AttemptedBefore: time.Now().Add(-time.Hour), Limit: 10}, 1},
		"page":           {overture.HeldFilter{AccountID: h.by.AccountID, After: ids[0], Limit: 10}, 1},
		"other account":  {overture.HeldFilter{AccountID: 77, Limit: 10}, 0},
		"other sender":   {overture.HeldFilter{AccountID: h.by.AccountID, SenderID: 5, Limit: 10}, 0},
		"named messages": {overture.HeldFilter{AccountID: h.by.AccountID, Messages: ids[1:], Limit: 10}, 1},
	} {
		got, err := h.room.Held(t.Context(), tc.f)
		h.must(err)
		n, err := h.room.HeldTotal(t.Context(), tc.f)
		h.must(err)
		if len(got) != tc.want || n != tc.want {
			t.Errorf("%s: %d listed, %d counted, want %d", name, len(got), n, tc.want)
		}
	}
	h.sound()
}

// A late receipt settles a held message, and it leaves the list.
func TestAReceiptSettlesAHeldMessage(t *testing.T) {
	h := newHouse(t)
	c := h.launched(1)
	ids := h.plan(c, time.Now().Add(-time.Hour))
	h.hold(c, ids[0], time.Now().Add(-time.Minute), 0, 0)
	_, err := h.store.ApplyReceipts(t.Context(), []overture.Receipt{{
		Provider: "twilio", AccountID: h.by.AccountID, SenderID: h.sender, MessageID: ids[0], Token: "t" + ids[0].String(), ProviderID: "SM1",
		State: overture.Delivered, ReceivedAt: time.Now(),
	}}, time.Now())
	h.must(err)
	if n, err := h.room.HeldTotal(t.Context(), overture.HeldFilter{AccountID: h.by.AccountID}); err != nil || n != 0 {
		t.Errorf("%d still held, %v", n, err)
	}
	h.counters(c, map[overture.State]int{overture.Delivered: 1})
	h.sound()
}

// Orders about many: each action, more than one chunk, what somebody settles meanwhile is left alone, what becomes held later is not meant.
func TestResolveHeldInBulk(t *testing.T) {
	for how, want := range map[overture.Resolution]overture.State{
		overture.TreatAsSent: overture.Accepted, overture.GiveUp: overture.Failed, overture.Resend: overture.Queued,
	} {
		t.Run(string(how), func(t *testing.T) {
			h := newHouse(t)
			c := h.launched(252)
			ids := h.plan(c, time.Now().Add(-time.Hour))
			for _, id := range ids[:251] {
				h.hold(c, id, time.Now().Add(-time.Minute), 0, 0)
			}
			o, err := h.room.ResolveHeld(t.Context(), h.by, how, overture.HeldFilter{CampaignID: c.ID})
			h.must(err)
			time.Sleep(2 * time.Millisecond) // what is held after the order has a later time
			h.hold(c, ids[251], time.Now().Add(time.Second), 0, 0)
			_, err = h.room.Resolve(t.Context(), h.by, ids[7], overture.GiveUp) // somebody resolves one meanwhile
			h.must(err)
			h.must(h.resolver().Once(t.Context()))
			if o, err = h.room.HeldOrder(t.Context(), h.by.AccountID, o.ID); err != nil || o.FinishedAt.IsZero() || o.Matched != 251 || o.Resolved != 250 || o.LeftHeld != 0 {
				t.Errorf("order %+v, %v", o, err)
			}
			want := map[overture.State]int{want: 250, overture.Held: 1}
			want[overture.Failed]++
			h.counters(c, want)
			h.sound()
			if n := h.number(`SELECT COUNT(*) FROM audit WHERE action = 'held.resolved' AND detail LIKE '%250 of 251%'`); n != 1 {
				t.Errorf("%d audit entries of the order", n)
			}
		})
	}
}

// A chunk is carried out once, whoever else carries it out at the same time.
func TestTwoNodesResolveOneOrder(t *testing.T) {
	h := newHouse(t)
	c := h.launched(230)
	for _, id := range h.plan(c, time.Now().Add(-time.Hour)) {
		h.hold(c, id, time.Now().Add(-time.Minute), 0, 0)
	}
	o, err := h.room.ResolveHeld(t.Context(), h.by, overture.TreatAsSent, overture.HeldFilter{})
	h.must(err)
	var both sync.WaitGroup
	for range 2 {
		both.Go(func() {
			for range 20 {
				_ = h.resolver().Once(context.WithoutCancel(t.Context())) // a lost race is somebody else's chunk
			}
		})
	}
	both.Wait()
	if o, err = h.room.HeldOrder(t.Context(), h.by.AccountID, o.ID); err != nil || o.FinishedAt.IsZero() || o.Resolved != 230 {
		t.Errorf("order %+v, %v", o, err)
	}
	h.counters(c, map[overture.State]int{overture.Accepted: 230})
	h.sound()
}

// A canceled campaign sends nothing again: its held messages stay, and the order says so.
func TestHeldOfACanceledCampaignIsNotSentAgain(t *testing.T) {
	h := newHouse(t)
	c := h.launched(2)
	for _, id := range h.plan(c, time.Now().Add(-time.Hour)) {
		h.hold(c, id, time.Now().Add(-time.Minute), 0, 0)
	}
	_, err := h.room.Cancel(t.Context(), h.by, c.ID, "")
	h.must(err)
	o, err := h.room.ResolveHeld(t.Context(), h.by, overture.Resend, overture.HeldFilter{CampaignID: c.ID})
	h.must(err)
	h.must(h.resolver().Once(t.Context()))
	if o, err = h.room.HeldOrder(t.Context(), h.by.AccountID, o.ID); err != nil || o.FinishedAt.IsZero() || o.Resolved != 0 || o.LeftHeld != 2 {
		t.Errorf("order %+v, %v", o, err)
	}
	h.counters(c, map[overture.State]int{overture.Held: 2})
	h.sound()
}

// sick is a store in which one campaign cannot be read.
type sick struct {
	*store.Store
	campaign overture.CampaignID
}

func (s sick) Campaign(ctx context.Context, account overture.AccountID, id overture.CampaignID) (overture.Campaign, error) {
	if id == s.campaign {
		return overture.Campaign{}, errors.New("this row cannot be read")
	}
	return s.Store.Campaign(ctx, account, id)
}

// An order that cannot be carried out says so and does not hold up the next one.
func TestASickOrderHoldsUpNobody(t *testing.T) {
	h := newHouse(t)
	bad, good := h.launched(1), h.launched(1)
	for _, c := range []overture.Campaign{bad, good} {
		h.hold(c, h.plan(c, time.Now().Add(-time.Hour))[0], time.Now().Add(-time.Minute), 0, 0)
	}
	_, err := h.room.ResolveHeld(t.Context(), h.by, overture.Resend, overture.HeldFilter{CampaignID: bad.ID})
	h.must(err)
	second, err := h.room.ResolveHeld(t.Context(), h.by, overture.Resend, overture.HeldFilter{CampaignID: good.ID})
	h.must(err)
	r := h.resolver()
	r.Store = sick{h.store, bad.ID}
	if err := r.Once(t.Context()); err == nil || !strings.Contains(err.Error(), "cannot be read") {
		t.Errorf("the sick order's error is %v", err)
	}
	if o, err := h.room.HeldOrder(t.Context(), h.by.AccountID, second.ID); err != nil || o.FinishedAt.IsZero() || o.Resolved != 1 {
		t.Errorf("order %+v, %v", o, err)
	}
	h.sound()
}
