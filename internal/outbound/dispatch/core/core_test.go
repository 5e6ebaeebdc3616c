package core_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/outbound/dispatch/core"
)

// desk drives one Machine by hand, on a clock of its own.
type desk struct {
	t     testing.TB
	m     *core.Machine
	cfg   core.Config
	now   core.Moment
	lease overture.Lease
	ids   overture.MessageID
}

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// always is a calendar that is always open.
type always struct{}

func (always) Next(now time.Time, _ []string, _ overture.Window, _, expiresAt time.Time) (time.Time, time.Time, bool, string) {
	return now, now.Add(time.Hour), !expiresAt.IsZero() && !now.Before(expiresAt), ""
}

const (
	sender    = overture.SenderID(7)
	replyLane = overture.LaneID(1)
	bigLane   = overture.LaneID(2)
	smallLane = overture.LaneID(3)
)

func sit(t testing.TB, cfg core.Config) *desk {
	t.Helper()
	d := &desk{t: t, cfg: cfg.WithDefaults(), now: core.Moment{Mono: time.Hour, Wall: noon}, lease: overture.Lease{SenderID: sender, Owner: "a", Epoch: 3}}
	n := 0
	d.m = core.New(cfg, d.lease, d.now, d.now, always{}, func() string { n++; return fmt.Sprint("token", n) })
	return d
}

// tick lets the Machine think after d more time; orders are copied, so that they stay.
func (d *desk) tick(after time.Duration) core.Orders {
	d.now = d.now.Add(after)
	o := *d.m.Tick(d.now)
	o.Settlements, o.Moves, o.Sends = slices.Clone(o.Settlements), slices.Clone(o.Moves), slices.Clone(o.Sends)
	o.Pages, o.Lookups = slices.Clone(o.Pages), slices.Clone(o.Lookups)
	return o
}

// open tells the Machine that it owns everything that an earlier owner left, and which lanes are open.
func (d *desk) open(rate int, lanes ...overture.Lane) core.Orders {
	o := d.tick(0)
	if !o.Adopt || !o.ReadLanes {
		d.t.Fatalf("a new tenure orders %+v", o)
	}
	d.m.Adopted(0, false, d.now)
	d.m.TookLanes(core.LanesRead{Lanes: lanes, Rate: rate}, d.now)
	o = d.tick(0)
	if o.ReadDoubts == 0 {
		d.t.Fatal("nobody reads the doubts")
	}
	d.m.TookDoubts(nil, nil, false, d.now)
	return o
}

func campaignLane(id overture.LaneID) overture.Lane {
	return overture.Lane{ID: id, SenderID: sender, CampaignID: overture.CampaignID(id), Weight: 1, Content: overture.Content{Text: "Hi"}}
}

// fill gives a lane n due messages of some segments.
func (d *desk) fill(lane overture.LaneID, n, segments int) {
	p := core.Page{Lane: lane}
	for range n {
		d.ids++
		p.Due = append(p.Due, overture.DueMessage{
			Place:    overture.Place{LaneID: lane, Due: noon, MessageID: d.ids},
			NotAfter: noon.Add(24 * time.Hour), CampaignID: overture.CampaignID(lane), Segments: segments, Address: overture.Address(fmt.Sprintf("+1212555%04d", d.ids%10_000)),
		})
	}
	p.Last, p.More = p.Due[n-1].Place, true
	d.m.TookPage(p, d.now)
}

// mark answers marks with a verdict.
func (d *desk) mark(tasks []core.Task, v overture.Verdict) {
	verdicts := make([]overture.Verdict, len(tasks))
	for i := range verdicts {
		verdicts[i] = v
	}
	d.m.TookVerdicts(tasks, verdicts, d.now, false, d.now)
}

func (d *desk) renew() {
	d.m.Renewed(d.lease, true, false, d.now, d.now)
}

// one sends one message up to its task.
func (d *desk) one() core.Task {
	d.t.Helper()
	d.open(0, campaignLane(bigLane))
	d.fill(bigLane, 1, 1)
	o := d.tick(time.Millisecond)
	if len(o.Marks) != 1 || len(o.Sends) != 0 {
		d.t.Fatalf("%d marks and %d sends for one due message", len(o.Marks), len(o.Sends))
	}
	d.mark(o.Marks, overture.Marked)
	if o = d.tick(0); len(o.Sends) != 1 {
		d.t.Fatalf("%d sends of one marked message", len(o.Sends))
	}
	return o.Sends[0]
}

func accepted(id string) core.Result {
	return core.Result{Tried: true, Accepted: overture.AcceptedSend{ProviderID: id, HTTPStatus: 201}}
}

func failed(class overture.SendClass) core.Result {
	return core.Result{Tried: true, Error: &overture.SendError{Class: class}}
}
