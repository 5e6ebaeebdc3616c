package proof

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/kit/twiliosign"
	"github.com/overture-im/overture/internal/store"
)

// receiptStates are what a provider says of a message after it took it, one after the other.
var receiptStates = []string{"sent", "delivered", "read"}

// receiptBench is a running server whose database holds messages that were sent and await their receipts.
type receiptBench struct {
	b        *bench
	rig      *Rig
	messages int
	next     int // receipts posted so far; receipt k is about message k mod messages
}

// receiptsSingle posts signed status callbacks, one update each as Twilio does, from 128 connections for the whole time, beside a bare
// server that only reads them. The time is cut into the repetitions; the bare server is measured between them.
func (b *bench) receiptsSingle(ctx context.Context, dir string) error {
	slice := b.o.Receipts / time.Duration(b.o.Repeat)
	// Enough that no receipt is posted twice at 12,000 a second; after that they repeat, as a provider's do.
	r, err := b.startReceipts(ctx, dir, min(max(int(b.o.Receipts.Seconds()*12_000)/len(receiptStates), 20_000), 2_400_000))
	if err != nil {
		return err
	}
	defer r.rig.Close()
	var rates, p50, p99, ceilings []float64
	before, err := r.bare(ctx, 128, r.single)
	if err != nil {
		return err
	}
	for range b.o.Repeat {
		s := &stream{connections: 128, lasts: slice, first: r.next, call: r.single}
		if err := s.run(ctx); err != nil {
			return err
		}
		r.next += s.posted
		after, err := r.bare(ctx, 128, r.single)
		if err != nil {
			return err
		}
		rates, p50, p99 = append(rates, s.perSecond()), append(p50, percentile(s.latencies, 0.50)), append(p99, percentile(s.latencies, 0.99))
		ceilings = append(ceilings, (before+after)/2)
		before = after
	}
	b.addAll("receipts_per_s", rates, "receipts/s", ceilings)
	b.addAll("receipts_p50_ms", p50, "ms", all(20, len(p50)))
	b.addAll("receipts_p99_ms", p99, "ms", all(250, len(p99)))
	return r.noneLost(ctx)
}

// receiptsBatched posts 1,000 updates at a time, as Meta packs them: from four connections as fast as they are taken, and then twenty
// posts a second for the latency. No provider of ours packs receipts yet: the posts go to the server's own door for the carrier lab, signed
// through the body's hash; everything behind it is the path of all receipts.
func (b *bench) receiptsBatched(ctx context.Context, dir string) error {
	slice, messages := 10*time.Second, 1_000_000
	if b.o.Quick {
		slice, messages = 2*time.Second, 60_000
	}
	r, err := b.startReceipts(ctx, dir, messages)
	if err != nil {
		return err
	}
	defer r.rig.Close()
	var rates, p50, p99, ceilings []float64
	for range b.o.Repeat {
		ceiling, err := r.bare(ctx, 4, r.packed)
		if err != nil {
			return err
		}
		fast := &stream{connections: 4, lasts: slice, first: r.next / updatesPerPost, call: r.packed}
		if err := fast.run(ctx); err != nil {
			return err
		}
		r.next += fast.posted * updatesPerPost
		paced := &stream{connections: 4, lasts: slice, first: r.next / updatesPerPost, call: r.packed, every: time.Second / 20}
		if err := paced.run(ctx); err != nil {
			return err
		}
		r.next += paced.posted * updatesPerPost
		rates, ceilings = append(rates, fast.perSecond()*updatesPerPost), append(ceilings, ceiling*updatesPerPost)
		p50, p99 = append(p50, percentile(paced.latencies, 0.50)), append(p99, percentile(paced.latencies, 0.99))
	}
	b.addAll("receipts_batched_per_s", rates, "receipts/s", ceilings)
	b.addAll("receipts_batched_p50_ms", p50, "ms", all(20, len(p50)))
	b.addAll("receipts_batched_p99_ms", p99, "ms", all(250, len(p99)))
	return r.noneLost(ctx)
}

func all(v float64, n int) []float64 {
	out := make([]float64, n)
	for i := range out {
		out[i] = v
	}
	return out
}

// startReceipts fills a database with sent messages and starts a server on it.
func (b *bench) startReceipts(ctx context.Context, dir string, messages int) (*receiptBench, error) {
	o := RigOptions{Binary: b.o.Binary, Dir: dir, ServeFlags: b.profileFlags("receipts")}
	rig, err := NewRig(ctx, o)
	if err != nil {
		return nil, err
	}
	r := &receiptBench{b: b, rig: rig, messages: messages}
	if err := b.fill(ctx, rig, store.Filling{State: overture.Accepted, Messages: messages}); err != nil {
		_ = rig.Close()
		return nil, err
	}
	b.say("receipts for %d sent messages", messages)
	return r, rig.Start(ctx)
}

// fill stops the server and makes the finished messages.
func (b *bench) fill(ctx context.Context, rig *Rig, f store.Filling) error {
	like, err := rig.Draft(ctx, "Like", 0)
	if err != nil {
		return err
	}
	if err := f.Like.Parse(like); err != nil {
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
	began := time.Now()
	if err := s.FillFinished(ctx, f, began.Add(-time.Hour).UnixMilli()); err != nil {
		return err
	}
	b.say("%d finished messages written in %.0f s", f.Messages, since(began))
	return nil
}

// single is the k-th receipt in a post of its own.
func (r *receiptBench) single(k int) call {
	i := k % r.messages
	status := receiptStates[k/r.messages%len(receiptStates)]
	u := r.rig.StatusURL() + "?m=" + store.FillMessage(i).String() + "&t=" + store.FillToken(i)
	sid := store.FillProviderID(i)
	form := url.Values{
		"MessageSid": {sid}, "SmsSid": {sid}, "MessageStatus": {status}, "SmsStatus": {status}, "AccountSid": {rigSID},
		"From": {rigNumber}, "To": {"+12005550123"}, "ApiVersion": {"2010-04-01"},
	}
	return call{url: u, body: []byte(form.Encode()), kind: "application/x-www-form-urlencoded", signature: twiliosign.Sign(rigToken, u, form)}
}

const updatesPerPost = 1000

// packed is the k-th post of a thousand.
func (r *receiptBench) packed(k int) call {
	type update struct {
		Message string `json:"message"`
		Token   string `json:"token"`
		ID      string `json:"id"`
		Status  string `json:"status"`
	}
	updates := make([]update, updatesPerPost)
	for at := range updates {
		n := k*updatesPerPost + at
		i := n % r.messages
		updates[at] = update{store.FillMessage(i).String(), store.FillToken(i), store.FillProviderID(i), receiptStates[n/r.messages%len(receiptStates)]}
	}
	body, _ := json.Marshal(updates) // strings always marshal
	u, signature := twiliosign.SignJSON(rigToken, r.hook("/hooks/lab/", "/receipts"), body)
	return call{url: u, body: body, kind: "application/json", signature: signature}
}

func (r *receiptBench) hook(before, after string) string {
	u := []byte(r.rig.StatusURL())
	u = bytes.Replace(u, []byte("/hooks/twilio/"), []byte(before), 1)
	return string(bytes.TrimSuffix(u, []byte("/status"))) + after
}

// bare is how many posts a second a server takes that only reads them.
func (r *receiptBench) bare(ctx context.Context, connections int, calls func(int) call) (float64, error) {
	base, stop, err := bareServer()
	if err != nil {
		return 0, err
	}
	defer stop()
	lasts := 3 * time.Second
	if r.b.o.Quick {
		lasts = time.Second
	}
	s := &stream{connections: connections, lasts: lasts, call: calls, base: base}
	err = s.run(ctx)
	return s.perSecond(), err
}

// noneLost stops the server and counts: every receipt that was answered with 2xx is there.
func (r *receiptBench) noneLost(ctx context.Context) error {
	if err := stopServer(r.rig); err != nil {
		return err
	}
	s, err := r.rig.Store(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	var stored int
	if err := s.DB().Read.QueryRowContext(ctx, `SELECT COUNT(*) FROM receipt`).Scan(&stored); err != nil {
		return fmt.Errorf("count receipts: %w", err)
	}
	want := min(r.next, len(receiptStates)*r.messages)
	if stored != want {
		return fmt.Errorf("%d receipts were posted and answered, %d are stored", want, stored)
	}
	report, err := Verify(ctx, s, nil)
	if err != nil {
		return err
	}
	if !report.Clean() {
		report.Write(r.b.out)
		return fmt.Errorf("the figures are worthless: promises were broken on the way")
	}
	r.b.say("verify: %d different receipts posted and stored, lost 0", stored)
	return nil
}
