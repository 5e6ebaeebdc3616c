package proof

import (
	"context"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/kit/egress"
	"github.com/overture-im/overture/internal/kit/twiliosign"
	"github.com/overture-im/overture/internal/lab"
	"github.com/overture-im/overture/internal/provider/twilio"
)

const benchConnections = 200

// dispatch measures a campaign through the whole product against a lab that takes 20 ms, beside a bare loop of the same HTTP client with
// the same number of connections against the same lab. Receipts are off while sending; they are measured after it, on the same messages.
func (b *bench) dispatch(ctx context.Context, dir, databaseURL string) error {
	engine := "sqlite"
	if databaseURL != "" {
		engine = "postgres"
	}
	rig, err := NewRig(ctx, RigOptions{
		Binary: b.o.Binary, Dir: dir, DatabaseURL: databaseURL, SenderRate: 100_000,
		ServeFlags: []string{"--connections", fmt.Sprint(benchConnections)},
	})
	if err != nil {
		return err
	}
	defer rig.Close()
	if err := rig.Lab.SetProfile(ctx, "", lab.Profile{LatencyMS: 20, ReceiptLost: 1}); err != nil {
		return err
	}
	b.say("bare loop: %d connections, 20 ms, %d messages", benchConnections, b.o.Messages/2)
	before, err := b.bareLoop(ctx, rig, b.o.Messages/4)
	if err != nil {
		return err
	}
	b.say("campaign of %d through the product on %s", b.o.Messages, engine)
	began := time.Now()
	memory := watchMemory(ctx, rig.PID())
	// Launched for later: the list is planned when the first message is due, and planning has a figure of its own.
	at := began.Add(10*time.Second + time.Duration(b.o.Messages)*100*time.Microsecond)
	if _, err := rig.LaunchAt(ctx, "Bench", 0, b.o.Messages, &at); err != nil {
		return err
	}
	first, last, err := b.sent(ctx, rig, began)
	if err != nil {
		return err
	}
	peak := memory()
	after, err := b.bareLoop(ctx, rig, b.o.Messages/4)
	if err != nil {
		return err
	}
	rate := float64(b.o.Messages) / (float64(last-first) / 1000)
	b.add("dispatch_"+engine+"_200", rate, "msg/s", (before+after)/2)
	b.add("dispatch_"+engine+"_200_rss", peak, "MiB", 150)
	if databaseURL == "" {
		if err := b.receipts(ctx, rig); err != nil {
			return err
		}
	}
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
	return nil
}

// sent waits until the lab has accepted the whole campaign and gives the times of its first and last message in milliseconds.
func (b *bench) sent(ctx context.Context, rig *Rig, began time.Time) (first, last int64, err error) {
	for {
		n := 0
		first, last = math.MaxInt64, 0
		s, err := rig.Lab.Summary(ctx)
		if err != nil {
			return 0, 0, err
		}
		if int(s.Accepted) >= b.o.Messages {
			for e, err := range rig.Lab.Ledger(ctx, 0) {
				if err != nil {
					return 0, 0, err
				}
				if e.MessageID == bareMessage {
					continue
				}
				n++
				first, last = min(first, e.RequestedAt), max(last, e.AcceptedAt)
			}
			if n >= b.o.Messages {
				return first, last, nil
			}
		}
		if time.Since(began) > 10*time.Minute {
			return 0, 0, fmt.Errorf("only %d of %d messages arrived in ten minutes", n, b.o.Messages)
		}
		if err := pause(ctx, time.Second); err != nil {
			return 0, 0, err
		}
	}
}

// bareMessage stands in the callback URL of the bare loop, so that verify leaves its messages alone.
const bareMessage = "bare"

// bareLoop sends n messages with the product's own HTTP client and adapter and nothing else: no database, no rate, no receipts.
func (b *bench) bareLoop(ctx context.Context, rig *Rig, n int) (perSecond float64, err error) {
	adapter := twilio.New(egress.New(egress.Options{AllowLoopback: true, Connections: benchConnections}))
	sender := overture.Sender{Address: rigNumber, BaseURL: rig.LabURL(), AccountSID: rigSID, AuthToken: rigToken}
	var next atomic.Int64
	var failed atomic.Pointer[error]
	var wg sync.WaitGroup
	began := time.Now()
	for range benchConnections {
		wg.Go(func() {
			for {
				i := int(next.Add(1))
				if i > n || ctx.Err() != nil || failed.Load() != nil {
					return
				}
				number, _, _ := strings.Cut(rowOf(i), ",")
				if _, err := adapter.Send(ctx, sender, overture.Outgoing{
					MessageID: overture.MessageID(i), Token: "bare", To: overture.Address(number),
					Body: "Hello P00000000, your order is ready. " + overture.OptOutTextDefault, StatusCallback: rig.URL() + "/hooks/none?m=" + bareMessage,
				}); err != nil {
					failed.Store(&err)
				}
			}
		})
	}
	wg.Wait()
	if e := failed.Load(); e != nil {
		return 0, fmt.Errorf("bare loop: %w", *e)
	}
	return float64(n) / since(began), nil
}

// signedCall is a receipt ready to be posted.
type signedCall struct{ url, form, signature string }

// receipts posts signed status callbacks for messages that were sent, from 128 connections, beside a bare server that only reads them.
func (b *bench) receipts(ctx context.Context, rig *Rig) error {
	calls, err := b.sign(ctx, rig)
	if err != nil {
		return err
	}
	bare, stop, err := bareServer()
	if err != nil {
		return err
	}
	ceiling, _, err := post(ctx, calls, bare)
	stop()
	if err != nil {
		return err
	}
	rate, latencies, err := post(ctx, calls, "")
	if err != nil {
		return err
	}
	b.add("receipts_per_s", rate, "receipts/s", ceiling)
	b.add("receipts_p50_ms", percentile(latencies, 0.50), "ms", 20)
	b.add("receipts_p99_ms", percentile(latencies, 0.99), "ms", 250)
	return nil
}

func (b *bench) sign(ctx context.Context, rig *Rig) ([]signedCall, error) {
	var calls []signedCall
	for e, err := range rig.Lab.Ledger(ctx, 0) {
		if err != nil {
			return nil, err
		}
		if e.MessageID == bareMessage || e.Token == "" {
			continue
		}
		u := rig.StatusURL() + "?m=" + e.MessageID + "&t=" + url.QueryEscape(e.Token)
		form := url.Values{
			"MessageSid": {e.SID}, "SmsSid": {e.SID}, "MessageStatus": {"delivered"}, "SmsStatus": {"delivered"}, "AccountSid": {rigSID},
			"From": {e.From}, "To": {e.To}, "ApiVersion": {"2010-04-01"},
		}
		calls = append(calls, signedCall{url: u, form: form.Encode(), signature: twiliosign.Sign(rigToken, u, form)})
		if len(calls) == b.o.Receipts {
			break
		}
	}
	return calls, nil
}

// post sends the calls from 128 connections to where they belong, or to another base; every answer must be 2xx.
func post(ctx context.Context, calls []signedCall, base string) (perSecond float64, latencies []time.Duration, err error) {
	const connections = 128
	transport := &http.Transport{MaxIdleConnsPerHost: connections, MaxConnsPerHost: connections}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport}
	latencies = make([]time.Duration, len(calls))
	var next atomic.Int64
	var bad atomic.Pointer[error]
	var wg sync.WaitGroup
	began := time.Now()
	for range connections {
		wg.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= len(calls) || bad.Load() != nil {
					return
				}
				target := calls[i].url
				if base != "" {
					_, rest, _ := strings.Cut(strings.TrimPrefix(target, "http://"), "/")
					target = base + "/" + rest
				}
				at := time.Now()
				if err := postOne(ctx, client, target, calls[i]); err != nil {
					bad.Store(&err)
				}
				latencies[i] = time.Since(at)
			}
		})
	}
	wg.Wait()
	if e := bad.Load(); e != nil {
		return 0, nil, *e
	}
	return float64(len(calls)) / since(began), latencies, nil
}

func postOne(ctx context.Context, client *http.Client, target string, c signedCall) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, target, strings.NewReader(c.form))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("X-Twilio-Signature", c.signature)
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body)
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("a receipt was answered %s", resp.Status)
	}
	return nil
}

func percentile(d []time.Duration, p float64) float64 {
	if len(d) == 0 {
		return 0
	}
	sorted := slices.Clone(d)
	slices.Sort(sorted)
	return float64(sorted[min(len(sorted)-1, int(float64(len(sorted))*p))].Microseconds()) / 1000
}
