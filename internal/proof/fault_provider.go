package proof

import (
	"context"
	"crypto/tls"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/overture-im/overture/internal/client"
	"github.com/overture-im/overture/internal/lab"
)

// providerFaults are a carrier on a bad day, and a network that cuts at the worst byte.
func providerFaults() []Fault {
	lost := lab.Profile{ReceiptLost: 1} // so that only lookups can settle what is in doubt
	return []Fault{
		{
			ID: "F-V1a", Name: "nothing but 429 for 3 s, with Retry-After", Profile: lab.Profile{Throttle: 1, RetryAfterS: 1}, Messages: 300,
			Inject: storm, Expect: nobodyFailed,
		},
		{
			ID: "F-V1b", Name: "nothing but 429 for 3 s, without Retry-After", Profile: lab.Profile{Throttle: 1}, Messages: 300,
			Inject: storm, Expect: nobodyFailed,
		},
		{
			ID: "F-V1c", Full: true, Name: "429 for half of all calls", Profile: lab.Profile{Throttle: 0.5}, Messages: 200,
			Inject: func(ctx context.Context, s *Scene) error { return s.Accepted(ctx, 60, time.Minute) }, Expect: nobodyFailed,
		},
		{
			ID: "F-V2a", Name: "5xx for every call, then back within 30 s", Profile: lab.Profile{ServerErrorRefused: 1}, Messages: 200, Inject: outage,
			Expect: nobodyFailed,
		},
		{
			ID: "F-V2b", Full: true, Name: "5xx for every call although each was accepted", Profile: lab.Profile{ServerErrorAccepted: 1, ReceiptLost: 1}, Messages: 60,
			Inject: outage, Expect: nobodyFailed,
		},
		{
			ID: "F-V3a", Name: "the answer is cut at every byte", Engines: onBoth, Rig: RigOptions{ViaLink: true}, Profile: lost, Keep: true,
			Inject: everyByte(false), Expect: nobodyFailed,
		},
		{
			ID: "F-V3e", Name: "the request is cut at every byte", Engines: onBoth, Rig: RigOptions{ViaLink: true}, Profile: lost, Keep: true,
			Inject: everyByte(true), Expect: nobodyFailed,
		},
		{
			ID: "F-V3b", Name: "accepted, then reset or no answer at all", Profile: lab.Profile{AcceptReset: 0.2, AcceptTimeout: 0.05, HangMS: 2000, ReceiptLost: 0.5},
			Messages: 300, Keep: true, Expect: nobodyFailed,
		},
		{
			ID: "F-V3c", Name: "accepted late, after we gave up", Profile: lab.Profile{LateAccept: 0.1, LateAcceptMS: 1000, ReceiptLost: 1}, Messages: 200, Keep: true,
			Expect: nobodyFailed,
		},
		{
			ID: "F-V3d", Full: true, Name: "the carrier's record lags, fails and repeats itself", Keep: true, Messages: 200, Expect: nobodyFailed,
			Profile: lab.Profile{AcceptReset: 0.2, ReceiptLost: 1, ListLagMS: 400, ListError: 0.3, ListTimeout: 0.05, HangMS: 1500, ListDuplicated: 0.3},
		},
		{
			ID: "F-V4", Quiet: true, Name: "answers at one byte a second; another sender keeps its rate", Rig: RigOptions{Senders: 2, SenderRate: 100}, Inject: slowAnswers,
			Expect: nobodyFailed,
		},
		{
			ID: "F-V5a", Name: "a wrong certificate, a closed port: certainly not sent", Inject: notReached,
		},
		{
			ID: "F-V5b", Name: "a redirect is not followed", Profile: lab.Profile{Redirect: 0.2}, Messages: 200, Keep: true, Expect: nobodyFailed,
		},
		{
			ID: "F-V6a", Name: "pages for people, empty and half answers", Messages: 300, Keep: true, Expect: nobodyFailed,
			Profile: lab.Profile{HTMLAnswer: 0.1, EmptyAnswer: 0.1, BadJSON: 0.1, ReceiptLost: 0.5},
		},
		{
			ID: "F-V6c", Name: "the id of another message in the answer: every message ends with its own id, nobody gets it twice", Profile: lab.Profile{SameSID: 0.3},
			Messages: 200, Keep: true, Inject: foreignIDs, Expect: nobodyFailed,
		},
		{
			ID: "F-V6b", Name: "answers of 100 MB", Profile: lab.Profile{HugeAnswer: 0.3, HugeMB: 100}, Messages: 100, Inject: hugeAnswers, Keep: true, Expect: nobodyFailed,
		},
	}
}

// nobodyFailed expects that every recipient was accepted: no fault of the carrier's is a person's.
func nobodyFailed(_ context.Context, s *Scene) error {
	if s.Report.Accepted != s.Report.Messages {
		return fmt.Errorf("%d of %d accepted: a carrier's trouble became a person's failure", s.Report.Accepted, s.Report.Messages)
	}
	return nil
}

func storm(ctx context.Context, s *Scene) error {
	if err := pause(ctx, 3*time.Second); err != nil {
		return err
	}
	sum, err := s.Lab.Summary(ctx)
	if err != nil {
		return err
	}
	if err := s.Lab.SetProfile(ctx, "", lab.Profile{}); err != nil {
		return err
	}
	at := time.Now()
	if err := s.Accepted(ctx, 1, 30*time.Second); err != nil {
		return err
	}
	s.Note("%d calls refused in 3 s, first accepted %v later", sum.Throttled, time.Since(at).Round(10*time.Millisecond))
	// Two windows of 16 may be on their way when the first refusal comes; after that a second's pause, or 100, 200, 400 … ms.
	if sum.Throttled > 150 {
		return fmt.Errorf("%d calls in 3 s against a carrier that asked to wait", sum.Throttled)
	}
	if took := time.Since(at); took > 5*time.Second {
		return fmt.Errorf("sending went on %v after a storm of 3 s", took)
	}
	return nil
}

// outage keeps the carrier broken for a while and measures how fast sending returns.
func outage(ctx context.Context, s *Scene) error {
	if err := pause(ctx, time.Duration(s.Times(4, 60))*time.Second); err != nil {
		return err
	}
	broken, err := s.Lab.Summary(ctx)
	if err != nil {
		return err
	}
	if err := s.Lab.SetProfile(ctx, "", lab.Profile{}); err != nil {
		return err
	}
	at := time.Now()
	if err := Until(ctx, "sending goes on", 30*time.Second, func() (bool, error) {
		sum, err := s.Lab.Summary(ctx)
		return err == nil && sum.Accepted > broken.Accepted+3, err
	}); err != nil {
		return err
	}
	calls := broken.Faults["server_error_refused"] + broken.Faults["server_error_accepted"]
	s.Note("%d calls while it was broken, back after %v", calls, time.Since(at).Round(10*time.Millisecond))
	// 10 until the breaker opens, a window of 16 that was marked before, and a probe a second.
	if limit := int64(40 + s.Times(0, 60)); calls > limit {
		return fmt.Errorf("%d calls to a carrier that answers only 5xx", calls)
	}
	return nil
}

// everyByte cuts the third answer of connection n at its byte n, or the third request, so that two of three arrive and the breaker stays closed.
// Every place was met when there were more connections than bytes: those that come later are not cut any more.
func everyByte(requests bool) func(context.Context, *Scene) error {
	return func(ctx context.Context, s *Scene) error {
		step := s.Times(12, 1)
		var longest atomic.Int64 // of those that arrived whole, in bytes with their header
		s.Wire.Plan(func(n int) Watch {
			sends, at, lookup := 0, 0, false
			return func(up bool, chunk []byte) (int, Fate) {
				if up {
					switch method, _, _ := strings.Cut(string(chunk[:min(len(chunk), 8)]), " "); method {
					case http.MethodGet: // lookups pass
						lookup = true
					case http.MethodPost:
						lookup = false
						sends++
						at = 0
					}
				}
				if up != requests || lookup {
					return len(chunk), Pass
				}
				if cut := n * step; sends == 3 && at+len(chunk) > cut {
					return cut - at, Reset
				}
				at += len(chunk)
				for was := longest.Load(); int64(at) > was && !longest.CompareAndSwap(was, int64(at)); {
					was = longest.Load()
				}
				return len(chunk), Pass
			}
		})
		for met := false; !met; met = int64(s.Wire.Opened()*step) > longest.Load() {
			if _, err := s.Go(ctx, 300); err != nil {
				return err
			}
			if err := s.Accepted(ctx, s.Launched, 3*time.Minute); err != nil {
				return err
			}
		}
		s.Note("%d connections, at most %d bytes", s.Wire.Opened(), longest.Load())
		s.Wire.Plan(nil)
		return nil
	}
}

// slowAnswers gives the first sender's calls an answer at one byte a second, and watches the second sender's rate.
func slowAnswers(ctx context.Context, s *Scene) error {
	if err := s.Lab.SetProfile(ctx, rigNumber, lab.Profile{SlowAnswer: 1}); err != nil {
		return err
	}
	if _, err := s.Go(ctx, 60); err != nil {
		return err
	}
	if err := s.busyRequests(ctx, 5); err != nil {
		return err
	}
	n := 500
	c, err := s.LaunchFrom(ctx, s.Senders[1], "Beside", s.Launched, n, nil)
	if err != nil {
		return err
	}
	s.Launched += n
	if err := Until(ctx, "the other sender is done", time.Minute, func() (bool, error) {
		p, err := s.API.Progress(ctx, c)
		return err == nil && p.Accepted == n, err
	}); err != nil {
		return err
	}
	if err := s.Lab.SetProfile(ctx, rigNumber, lab.Profile{}); err != nil {
		return err
	}
	at, err := s.acceptances(ctx, s.Senders[1].Address)
	if err != nil {
		return err
	}
	rate := float64(len(at)-1) / at[len(at)-1].Sub(at[0]).Seconds()
	s.Note("the other sender went at %.1f/s of 100/s", rate)
	if rate < 95 {
		return fmt.Errorf("a slow carrier of one sender slowed another to %.1f/s", rate)
	}
	return nil
}

// busyRequests waits until the lab has seen so many requests.
func (s *Scene) busyRequests(ctx context.Context, n int64) error {
	return Until(ctx, fmt.Sprintf("%d requests", n), 20*time.Second, func() (bool, error) {
		sum, err := s.Lab.Summary(ctx)
		return err == nil && sum.Requests >= n, err
	})
}

// notReached points two senders where no carrier is: at a certificate nobody trusts, and at a closed port. Nothing may be in doubt, and
// nothing sent; the campaigns are canceled at the end.
func notReached(ctx context.Context, s *Scene) error {
	impostor := httptest.NewUnstartedServer(nil)
	impostor.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	impostor.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug) // every refused handshake is what we want
	impostor.StartTLS()
	s.Undo(impostor.Close)
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // local and immediate
	if err != nil {
		return err
	}
	closed := "http://" + l.Addr().String()
	_ = l.Close()
	brand, err := s.API.CreateBrand(ctx, "Elsewhere")
	if err != nil {
		return err
	}
	for i, base := range []string{impostor.URL, closed} {
		sender, err := s.API.CreateSender(ctx, client.NewSender{
			Brand: brand.ID, Name: fmt.Sprintf("Elsewhere %d", i), Channel: "sms", Provider: "twilio", Address: fmt.Sprintf("+1500555%04d", 180+i),
			BaseURL: base, AccountSID: rigSID, AuthToken: rigToken, Rate: 100,
		})
		if err != nil {
			return err
		}
		c, err := s.LaunchFrom(ctx, sender, "Elsewhere", s.Launched, 40, nil)
		if err != nil {
			return err
		}
		s.Launched += 40
		if err := pause(ctx, 2500*time.Millisecond); err != nil {
			return err
		}
		p, err := s.API.Progress(ctx, c)
		if err != nil {
			return err
		}
		if p.Counts["unknown"] > 0 || p.Waiting != 40 {
			return fmt.Errorf("towards %s: %v, though nothing can have been sent", base, p.Counts)
		}
		if _, err := s.API.Act(ctx, c, "cancel", nil); err != nil {
			return err
		}
	}
	return nil
}

// foreignIDs expects that an id seen before proves nothing, and that receipts, which name the message themselves, bring every message to its
// end and to its own id: verify finds no id that two messages have, and each has the one that the carrier knows it by.
func foreignIDs(ctx context.Context, s *Scene) error {
	ledger, err := s.finished(ctx)
	if err != nil {
		return err
	}
	if err := errors.Join(s.Signal(syscall.SIGTERM), allDelivered(1)(ctx, s)); err != nil {
		return err
	}
	r, err := s.Verify(ctx)
	if err != nil {
		return err
	}
	if len(r.Findings) > 0 || r.Lost+r.Duplicated > 0 {
		return fmt.Errorf("verify found %v", r.Findings)
	}
	return s.rewrite(ctx, func(db *sql.DB) error {
		for _, e := range ledger {
			entry, _ := entryOf(e)
			var id string
			if err := db.QueryRowContext(ctx, `SELECT provider_id FROM message WHERE id = $1`, int64(entry.MessageID)).Scan(&id); err != nil {
				return err
			}
			if id != e.SID {
				return fmt.Errorf("%s is called %s here and %s by the carrier", entry.MessageID, id, e.SID)
			}
		}
		return nil
	})
}

// hugeAnswers watches the server's memory while the carrier floods it.
func hugeAnswers(ctx context.Context, s *Scene) error {
	before := rss(s.PID())
	memory := watchMemory(ctx, s.PID())
	if err := s.Accepted(ctx, 90, time.Minute); err != nil {
		return err
	}
	most := memory()
	s.Note("memory %.0f MiB before, at most %.0f MiB", before, most)
	if most > before+64 {
		return fmt.Errorf("answers of 100 MB took %.0f MiB of memory", most-before)
	}
	return nil
}
