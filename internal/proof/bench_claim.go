package proof

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/lab"
	"github.com/overture-im/overture/internal/store"
)

// claim measures how long taking work takes when the tables are full: with millions of finished messages, each with its recipient and its
// attempt, it works off a planned campaign as the engine does — one goroutine reads due messages 500 at a time, one commits up to 100
// marks with the results of the marks before, one transaction every 8 ms — while another applies receipts to finished messages. Nothing is
// sent. The figure is the slower of both steps' 99th percentile.
func (b *bench) claim(ctx context.Context, dir, databaseURL string) error {
	name := "claim_p99_ms"
	if databaseURL != "" {
		name = "claim_postgres_p99_ms"
	}
	rig, err := NewRig(ctx, RigOptions{Binary: b.o.Binary, Dir: dir, DatabaseURL: databaseURL, SenderRate: 100_000})
	if err != nil {
		return err
	}
	defer rig.Close()
	if err := rig.Lab.SetProfile(ctx, "", lab.Profile{}); err != nil {
		return err
	}
	if err := b.fill(ctx, rig, store.Filling{State: overture.Accepted, Messages: b.o.Finished}); err != nil {
		return err
	}
	if err := rig.Start(ctx); err != nil {
		return err
	}
	n := b.o.Messages
	if err := b.planForClaim(ctx, rig, n); err != nil {
		return err
	}
	if err := stopServer(rig); err != nil {
		return err
	}
	s, err := rig.Store(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	c := &claimer{s: s, finished: b.o.Finished}
	if err := c.run(ctx, n); err != nil {
		return err
	}
	reads, marks := percentile(c.reads, 0.99), percentile(c.marks, 0.99)
	b.say("  %d reads: p50 %.1f ms, p99 %.1f ms; %d commits of marks: p50 %.1f ms, p99 %.1f ms; %d receipts meanwhile", len(c.reads), percentile(c.reads, 0.5), reads,
		len(c.marks), percentile(c.marks, 0.5), marks, c.receipts)
	b.add(name, max(reads, marks), "ms", 20)
	return nil
}

// planForClaim has the server plan a campaign whose messages are due at once, but sends none of them.
func (b *bench) planForClaim(ctx context.Context, rig *Rig, n int) error {
	c, err := rig.Draft(ctx, "Claim", 0)
	if err != nil {
		return err
	}
	if err := rig.uploadRows(ctx, c, 0, n); err != nil {
		return err
	}
	soon := time.Now().Add(time.Second)
	if _, err := rig.API.Launch(ctx, c, true, &soon, "launch-"+c); err != nil {
		return fmt.Errorf("launch: %w", err)
	}
	if _, err := rig.API.Act(ctx, c, "pause", nil); err != nil {
		return err
	}
	return b.planned(ctx, rig)
}

// claimer takes the place of the engine.
type claimer struct {
	s            *store.Store
	finished     int
	reads, marks []time.Duration
	receipts     int
}

func (c *claimer) run(ctx context.Context, n int) error {
	if _, err := c.s.DB().Write.ExecContext(ctx, `UPDATE lane SET state = 'open' WHERE state = 'paused'`); err != nil {
		return fmt.Errorf("open the lane: %w", err)
	}
	senders, err := c.s.SendersWithWork(ctx)
	if err != nil || len(senders) != 1 {
		return fmt.Errorf("%d senders with work: %w", len(senders), err)
	}
	var lease overture.Lease
	if err := Until(ctx, "the stopped server's lease is over", 30*time.Second, func() (ok bool, err error) {
		lease, ok, err = c.s.AcquireLease(ctx, senders[0], "claim", time.Hour)
		return ok, err
	}); err != nil {
		return err
	}
	lanes, err := c.s.OpenLanes(ctx, senders[0])
	if err != nil || len(lanes) != 1 {
		return fmt.Errorf("%d lanes: %w", len(lanes), err)
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var wg sync.WaitGroup
	defer wg.Wait()
	defer stop()
	due := make(chan []overture.DueMessage, 4)
	failed := make(chan error, 2)
	wg.Go(func() {
		if err := c.read(ctx, lanes[0].ID, n, due); err != nil && ctx.Err() == nil {
			failed <- err
		}
	})
	wg.Go(func() {
		if err := c.hear(ctx, lanes[0]); err != nil && ctx.Err() == nil {
			failed <- err
		}
	})
	return c.mark(ctx, lease, lanes[0], n, due, failed)
}

// read is the engine's stream.
func (c *claimer) read(ctx context.Context, lane overture.LaneID, n int, out chan<- []overture.DueMessage) error {
	var after overture.Place
	for taken := 0; taken < n; {
		at := time.Now()
		page, last, _, err := c.s.DueMessages(ctx, lane, at, after, 500)
		if err != nil {
			return err
		}
		if len(page) == 0 { // all that is left is marked and not settled yet
			after = overture.Place{}
			if err := pause(ctx, 5*time.Millisecond); err != nil {
				return err
			}
			continue
		}
		c.reads = append(c.reads, time.Since(at))
		after, taken = last, taken+len(page)
		select {
		case out <- page:
		case <-ctx.Done():
			return nil
		}
	}
	return nil
}

// mark is the engine's committer: marks, and the results of the marks before, in one transaction.
func (c *claimer) mark(ctx context.Context, lease overture.Lease, lane overture.Lane, n int, due <-chan []overture.DueMessage, failed <-chan error) error {
	var ready []overture.DueMessage
	var settled []overture.Settlement
	for taken := 0; taken < n || len(settled) > 0; {
		at := time.Now()
		if len(ready) == 0 && taken < n {
			select {
			case ready = <-due:
			case err := <-failed:
				return err
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		work := overture.SenderWork{Lease: lease, BrandID: lane.BrandID, AccountID: lane.AccountID, Channel: lane.Channel, Settlements: settled}
		for _, m := range ready[:min(len(ready), 100)] {
			work.Marks = append(work.Marks, overture.Mark{
				Place: m.Place, Attempt: 1, Token: fmt.Sprintf("claimed%015d", taken+len(work.Marks)), Address: m.Address, LookupAt: at.Add(2 * time.Minute),
			})
		}
		began := time.Now()
		results, err := c.s.Commit(ctx, began, []overture.SenderWork{work})
		if err != nil {
			return err
		}
		c.marks = append(c.marks, time.Since(began))
		settled = settled[:0:0]
		for i, m := range work.Marks {
			if results[0].Verdicts[i] != overture.Marked {
				return fmt.Errorf("a message was not marked: %v", results[0].Verdicts[i])
			}
			settled = append(settled, overture.Settlement{
				Place: m.Place, Attempt: 1, Token: m.Token, StartedAt: began, Outcome: "accepted", State: overture.Accepted,
				ProviderID: fmt.Sprintf("SM%032d", taken+i), HTTPStatus: 201,
			})
		}
		ready, taken = ready[len(work.Marks):], taken+len(work.Marks)
		if err := pause(ctx, time.Until(at.Add(8*time.Millisecond))); err != nil {
			return err
		}
	}
	return nil
}

// hear applies receipts to messages all over the table, a hundred at a time.
func (c *claimer) hear(ctx context.Context, lane overture.Lane) error {
	for k := 0; ctx.Err() == nil; k++ {
		receipts := make([]overture.Receipt, 100)
		for i := range receipts {
			at := (k*len(receipts) + i) * 7919 % c.finished
			receipts[i] = overture.Receipt{
				Provider: "twilio", AccountID: lane.AccountID, SenderID: lane.SenderID, MessageID: store.FillMessage(at), Token: store.FillToken(at),
				ProviderID: store.FillProviderID(at), State: overture.Delivered, ReceivedAt: time.Now(),
			}
		}
		if _, err := c.s.ApplyReceipts(ctx, receipts, time.Now()); err != nil {
			return err
		}
		c.receipts += len(receipts)
		if err := pause(ctx, 20*time.Millisecond); err != nil {
			return nil //nolint:nilerr // it is over
		}
	}
	return nil
}
