package proof

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/overture-im/overture/internal/lab"
)

// dispatchFigure is one way to send: a campaign through the whole product beside a bare loop of the same HTTP client against the same lab.
type dispatchFigure struct {
	name        string
	postgres    bool
	connections int // in total, over all servers
	latency     int // of the lab, in milliseconds
	servers     int // 0: 1
	large       bool
}

// senders of a figure with several servers: each sender is owned by one server at a time, and the work spreads with the senders.
const sendersPerServer = 2

func (b *bench) dispatchParts() []benchPart {
	var parts []benchPart
	for _, f := range []dispatchFigure{
		{name: "dispatch_sqlite_50", connections: 50, latency: 20},
		{name: "dispatch_sqlite_200", connections: 200, latency: 20, large: true},
		{name: "dispatch_postgres_200", postgres: true, connections: 200, latency: 20},
		{name: "dispatch_postgres_200x3", postgres: true, connections: 198, latency: 20, servers: 3},
		{name: "dispatch_sqlite_saturated", connections: 128},
		{name: "dispatch_postgres_saturated", postgres: true, connections: 128},
	} {
		parts = append(parts, benchPart{
			name: f.name, also: []string{"dispatch"}, postgres: f.postgres,
			run: func(ctx context.Context, dir string) error { return b.dispatch(ctx, dir, f) },
		})
	}
	return parts
}

// dispatch interleaves: bare loop, product, bare loop, product, … bare loop. Each repetition of the product is compared with the mean of
// the bare loops before and after it. Receipts are off while sending and have figures of their own, and so has planning: the list is
// planned before. The figure is void when verify finds a broken promise or a message twice in the lab's ledger.
func (b *bench) dispatch(ctx context.Context, dir string, f dispatchFigure) error {
	run, err := b.startDispatch(ctx, dir, f)
	if err != nil {
		return err
	}
	defer run.fleet.rig.Close()
	rates, ceilings, err := run.repeat(ctx)
	if err != nil {
		return err
	}
	b.addAll(f.name, rates, "msg/s", ceilings)
	if peak := run.memory(); peak > 0 {
		b.add(f.name+"_rss", peak, "MiB", 150)
	}
	return b.verified(ctx, run.fleet.rig)
}

// verified stops the servers and compares their books with the lab's ledger.
func (b *bench) verified(ctx context.Context, rig *Rig) error {
	if err := stopServer(rig); err != nil {
		return err
	}
	report, err := rig.Verify(ctx)
	if err != nil {
		return err
	}
	if !report.Clean() {
		report.Write(b.out)
		return fmt.Errorf("the figures are worthless: promises were broken on the way")
	}
	b.say("verify: %d messages, %d accepted, %d in the lab's ledger, lost 0, duplicated 0", report.Messages, report.Accepted, report.Ledger)
	return nil
}

// dispatchRun is a planned campaign, one per sender, that waits for its repetitions.
type dispatchRun struct {
	b         *bench
	f         dispatchFigure
	fleet     *fleet
	bare      *bareLoop
	campaigns []string
	memory    func() float64
}

func (b *bench) startDispatch(ctx context.Context, dir string, f dispatchFigure) (*dispatchRun, error) {
	nodes, senders := max(f.servers, 1), 1
	o := RigOptions{Binary: b.o.Binary, Dir: dir, SenderRate: 100_000, Nodes: nodes}
	if nodes > 1 {
		senders = nodes * sendersPerServer
		o.NodeFlags = func(node int) []string { return b.profileFlags(f.name + "_node" + strconv.Itoa(node)) }
	} else {
		o.ServeFlags = b.profileFlags(f.name)
	}
	o.Senders, o.ServeFlags = senders, append(o.ServeFlags, "--connections", fmt.Sprint(f.connections/senders))
	if f.postgres {
		o.DatabaseURL = b.o.DatabaseURL
	}
	fleet, err := newFleet(ctx, o)
	if err != nil {
		return nil, err
	}
	r := &dispatchRun{b: b, f: f, fleet: fleet, bare: newBareLoop(fleet.rig, f.connections)}
	if err := r.launch(ctx, senders); err != nil {
		_ = fleet.rig.Close()
		return nil, err
	}
	return r, nil
}

// launch makes one campaign per sender, has them planned and pauses them.
func (r *dispatchRun) launch(ctx context.Context, senders int) error {
	rig := r.fleet.rig
	if err := rig.Lab.SetProfile(ctx, "", lab.Profile{LatencyMS: r.f.latency, ReceiptLost: 1}); err != nil {
		return err
	}
	need := r.b.o.Messages*r.b.o.Repeat*6/5/senders + 2000
	if r.f.large {
		need = max(need, r.b.o.Recipients)
	}
	r.b.say("%s: %d connections, %d ms, %d repetitions of %d messages, %d recipients in each of %d campaigns", r.f.name, r.f.connections, r.f.latency,
		r.b.o.Repeat, r.b.o.Messages, need, senders)
	r.memory = watchMemory(ctx, r.fleet.pids()...)
	for i := range senders {
		c, err := r.fleet.launchPaused(ctx, i, i*need, need)
		if err != nil {
			return err
		}
		r.campaigns = append(r.campaigns, c)
	}
	return r.b.planned(ctx, rig)
}

func (r *dispatchRun) repeat(ctx context.Context) (rates, ceilings []float64, err error) {
	before, err := r.bare.run(ctx, r.b.o.Messages/2)
	if err != nil {
		return nil, nil, err
	}
	for range r.b.o.Repeat {
		serverCPU, labCPU, load := r.fleet.cpu(), cpuOf(r.fleet.rig.labCmd.Process.Pid), loadAverage()
		rate, sent, err := r.send(ctx)
		if err != nil {
			return nil, nil, err
		}
		serverCPU, labCPU = r.fleet.cpu()-serverCPU, cpuOf(r.fleet.rig.labCmd.Process.Pid)-labCPU
		ownCPU := cpuOf(os.Getpid())
		after, err := r.bare.run(ctx, r.b.o.Messages/2)
		if err != nil {
			return nil, nil, err
		}
		ownCPU = cpuOf(os.Getpid()) - ownCPU
		rates, ceilings = append(rates, rate), append(ceilings, (before+after)/2)
		r.b.say("  %6.0f msg/s, bare %6.0f and %6.0f: ratio %.2f; CPU per message: servers %.0f µs, lab %.0f µs, bare loop %.0f µs; load before %s",
			rate, before, after, rate/((before+after)/2), perMessage(serverCPU, sent), perMessage(labCPU, sent),
			perMessage(ownCPU, int64(r.b.o.Messages/2)), load)
		before = after
	}
	return rates, ceilings, nil
}

// send lets the campaigns run for one repetition and tells how many messages per second the lab accepted. The first tenth, in which the
// senders start, is not counted.
func (r *dispatchRun) send(ctx context.Context) (perSecond float64, sent int64, err error) {
	start, err := r.fleet.rig.Lab.Summary(ctx)
	if err != nil {
		return 0, 0, err
	}
	for i, c := range r.campaigns {
		if _, err := r.fleet.api(i).Act(ctx, c, "resume", nil); err != nil {
			return 0, 0, err
		}
	}
	n := int64(r.b.o.Messages)
	warm, at, err := r.reach(ctx, start.Accepted+n/10)
	if err != nil {
		return 0, 0, err
	}
	done, end, err := r.reach(ctx, start.Accepted+n)
	if err != nil {
		return 0, 0, err
	}
	for i, c := range r.campaigns {
		if _, err := r.fleet.api(i).Act(ctx, c, "pause", nil); err != nil {
			return 0, 0, err
		}
	}
	last, err := r.settled(ctx)
	return float64(done-warm) / end.Sub(at).Seconds(), last - start.Accepted, err
}

// reach waits until the lab has accepted so many messages in all.
func (r *dispatchRun) reach(ctx context.Context, accepted int64) (int64, time.Time, error) {
	for deadline := time.Now().Add(5 * time.Minute); time.Now().Before(deadline); {
		s, err := r.fleet.rig.Lab.Summary(ctx)
		if err != nil {
			return 0, time.Time{}, err
		}
		if now := time.Now(); s.Accepted >= accepted {
			return s.Accepted, now, nil
		}
		if err := pause(ctx, 20*time.Millisecond); err != nil {
			return 0, time.Time{}, err
		}
	}
	return 0, time.Time{}, fmt.Errorf("the lab did not get %d messages in five minutes", accepted)
}

// settled waits until a paused campaign sends nothing any more.
func (r *dispatchRun) settled(ctx context.Context) (int64, error) {
	last := int64(-1)
	for {
		s, err := r.fleet.rig.Lab.Summary(ctx)
		if err != nil {
			return 0, err
		}
		if s.Accepted == last && s.Pending.Requests == 0 {
			return last, nil
		}
		last = s.Accepted
		if err := pause(ctx, 300*time.Millisecond); err != nil {
			return 0, err
		}
	}
}
