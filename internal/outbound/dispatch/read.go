package dispatch

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/outbound/dispatch/core"
)

// renew asks for the lease again, in its own goroutine, because a busy runner must not let it starve.
func (r *runner) renew(ctx context.Context) {
	asked := r.e.now()
	lease, ok, err := r.e.Store.AcquireLease(ctx, r.id, r.e.Owner, r.e.cfg.LeaseTTL)
	r.tell(func(now core.Moment) { r.machine.Renewed(lease, ok, err != nil, asked, now) })
}

// adopt takes over what earlier owners of the sender left behind.
func (r *runner) adopt(ctx context.Context) {
	n, err := r.e.Store.AdoptInflight(ctx, r.lease, time.Now(), r.e.cfg.Grace)
	if n > 0 {
		r.e.Log.InfoContext(ctx, "adopted attempts of an earlier owner; they will be looked up", "sender_id", r.id.String(), "count", n)
	}
	r.tell(func(now core.Moment) { r.machine.Adopted(n, err != nil, now) })
}

func (r *runner) readLanes(ctx context.Context) {
	sender, err := r.currentSender(ctx)
	var lanes []overture.Lane
	if err == nil {
		lanes, err = r.e.Store.OpenLanes(ctx, r.id)
	}
	r.tell(func(now core.Moment) {
		r.machine.TookLanes(core.LanesRead{Lanes: lanes, Rate: sender.Rate, Stopped: sender.Stopped, Failed: err != nil}, now)
	})
}

func (r *runner) count(ctx context.Context) {
	n, err := r.e.Store.InflightCount(ctx, r.id)
	r.tell(func(now core.Moment) { r.machine.TookCount(n, err != nil, now) })
}

func (r *runner) readPage(ctx context.Context, read core.PageRead) {
	p := core.Page{Lane: read.Lane}
	var err error
	p.Due, p.Last, p.More, err = r.e.Store.DueMessages(ctx, read.Lane, time.Now(), read.After, read.Limit)
	if err == nil && len(p.Due) == 0 && !p.More {
		p.NextDue, _, err = r.e.Store.NextDue(ctx, read.Lane)
	}
	for i := range p.Due {
		if err == nil {
			p.Due[i].Personal.Names, err = r.headers.of(ctx, p.Due[i].ImportID)
		}
	}
	if err != nil && ctx.Err() == nil {
		r.e.Log.WarnContext(ctx, "reading due messages", "sender_id", r.id.String(), "error", err)
	}
	p.Failed = err != nil
	r.tell(func(now core.Moment) { r.machine.TookPage(p, now) })
}

func (r *runner) readDoubts(ctx context.Context, limit int) {
	doubts, err := r.e.Store.Doubts(ctx, r.lease, time.Now(), limit)
	var lanes []overture.Lane
	if err == nil && len(doubts) > 0 {
		lanes, err = r.e.Store.LanesInDoubt(ctx, r.id)
	}
	r.tell(func(now core.Moment) {
		for _, s := range r.machine.TookDoubts(doubts, lanes, err != nil, now) {
			r.e.Observer.LookedUp(r.id, s.Outcome)
			i := slices.IndexFunc(doubts, func(d overture.Doubt) bool { return d.MessageID == s.MessageID })
			r.e.tell(r.id, doubts[i].CampaignID, &s)
		}
	})
}

// headers caches the header names of uploaded lists. Safe for concurrent use.
type headers struct {
	queue Queue
	mu    sync.Mutex
	known map[overture.ImportID]map[string]int
}

func (h *headers) of(ctx context.Context, id overture.ImportID) (map[string]int, error) {
	if id == 0 {
		return nil, nil //nolint:nilnil // no list, no names
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if names, ok := h.known[id]; ok {
		return names, nil
	}
	names, err := h.queue.ImportHeader(ctx, id)
	if err == nil {
		h.known[id] = names
	}
	return names, err
}
