package dispatch_test

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/outbound/dispatch"
	"github.com/overture-im/overture/internal/store"
	"github.com/overture-im/overture/internal/store/storetest"
)

// short is the protocol in small: the same order of times, a thousand times faster, so that the suite also runs without a fake clock.
var short = dispatch.Config{
	Connections: 8, LeaseTTL: 2 * time.Second, SendDeadline: 200 * time.Millisecond, ClientTimeout: 100 * time.Millisecond,
	ProviderDelay: 100 * time.Millisecond, Grace: 500 * time.Millisecond, MustReachGrace: 800 * time.Millisecond, LookupSpacing: 200 * time.Millisecond,
	HoldAfter: 2 * time.Second,
}

// inTime runs a test under a fake clock on SQLite and in real time on PostgreSQL, whose sockets hold a bubble's clock.
func inTime(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	if storetest.OnPostgres() {
		f(t)
		return
	}
	synctest.Test(t, f)
}

// house is a store with one account, sender, campaign and lane, and a provider that does as it is told.
type house struct {
	t        testing.TB
	s        *store.Store
	provider *provider
	windows  windows
	ids      []overture.MessageID
	// around puts something between the engine and the store; nil: nothing.
	around   func(dispatch.Store) dispatch.Store
	observer dispatch.Observer // nil: nobody
	log      *slog.Logger      // nil: nobody reads it
	wake     chan struct{}
	engine   *dispatch.Engine // the last that was started
}

const (
	account  = 1
	brand    = 2
	sender   = 3
	campaign = 4
	lane     = 5
)

func build(t testing.TB, n int) *house {
	t.Helper()
	h := &house{t: t, s: storetest.Open(t), provider: &provider{answers: map[overture.Address]func(int) (overture.AcceptedSend, error){}, record: map[overture.Address][]overture.FoundSend{}}}
	now := time.Now().UnixMilli()
	h.exec(`INSERT INTO account (id, name, enabled, settings, created_at) VALUES ($1, 'a', TRUE, '{}', $2)`, account, now)
	h.exec(`INSERT INTO brand (id, account_id, name, created_at) VALUES ($1, $2, 'b', $3)`, brand, account, now)
	h.exec(`INSERT INTO sender (id, account_id, brand_id, name, channel, provider, address, base_url, account_sid, sealed_credentials,
		messaging_service_sid, webhook_key, rate, stopped, stop_reason, created_at) VALUES ($1, $2, $3, 's', 'sms', 'fake', '+15005550006', '', '', '', '', 'k', 1000, FALSE, '', $4)`,
		sender, account, brand, now)
	h.exec(`INSERT INTO campaign (id, account_id, brand_id, name, channel, sender_id, skill_id, text, opt_out_text, smart_encoding, state, send_window, rate, lookback,
		policy, open_conversation, reason, recipient_count, list_hash, content_hash, created_by, created_at, updated_at, planned_through, planning)
		VALUES ($1, $2, $3, 'c', 'sms', $4, 0, 'Hi {{1}}', 'Reply STOP', FALSE, 'running', '', 0, 0, 'safe', 'skip', '', $5, '', '', 0, $6, $6, 0, FALSE)`,
		campaign, account, brand, sender, n, now)
	h.exec(`INSERT INTO lane (id, account_id, sender_id, campaign_id, kind, state, rate, weight) VALUES ($1, $2, $3, $4, 'campaign', 'open', 0, 1)`, lane, account, sender, campaign)
	h.inTx(func(exec func(string, ...any)) {
		for i := range n {
			id := int64(1000 + i)
			exec(`INSERT INTO recipient (id, account_id, campaign_id, import_id, row_number, address, zones, zone_source, text, vars, segments)
				VALUES ($1, $2, $3, 0, $4, $5, 'UTC', 'number', '', $6, 1)`, id, account, campaign, i+1, string(address(i)), fmt.Sprintf(`["P%d"]`, i))
			exec(`INSERT INTO recipient_address (address, campaign_id, recipient_id) VALUES ($1, $2, $3)`, string(address(i)), campaign, id)
			exec(`INSERT INTO message (id, account_id, campaign_id, recipient_id, entry_id, sender_id, lane_id, leg, address, body, state, attempts, segments,
				provider_id, code, reason, updated_at) VALUES ($1, $2, $3, $1, 0, $4, $5, 0, $6, '', 0, 0, 1, '', 0, '', $7)`, id, account, campaign, sender, lane, string(address(i)), now)
			exec(`INSERT INTO dispatch (lane_id, due_at, message_id, not_after) VALUES ($1, $2, $3, $4)`, lane, now, id, now+3_600_000)
			h.ids = append(h.ids, overture.MessageID(id))
		}
	})
	h.exec(`INSERT INTO campaign_count (campaign_id, state, n) VALUES ($1, 0, $2)`, campaign, n)
	return h
}

// inTx runs many statements in one transaction.
func (h *house) inTx(f func(exec func(query string, args ...any))) {
	h.t.Helper()
	err := h.s.DB().Transact(context.Background(), func(tx *sql.Tx) error { //nolint:usetesting // also in bubbles
		f(func(query string, args ...any) {
			if _, err := tx.Exec(query, args...); err != nil { //nolint:noctx // a test
				h.t.Fatalf("%s: %v", query, err)
			}
		})
		return nil
	})
	if err != nil {
		h.t.Fatal(err)
	}
}

func address(i int) overture.Address { return overture.Address(fmt.Sprintf("+1212%07d", 5550000+i)) }

func (h *house) exec(query string, args ...any) {
	h.t.Helper()
	if _, err := h.s.DB().Write.ExecContext(h.t.Context(), query, args...); err != nil {
		h.t.Fatalf("%s: %v", query, err)
	}
}

func (h *house) number(query string, args ...any) int {
	h.t.Helper()
	var n int
	if err := h.s.DB().Read.QueryRowContext(context.Background(), query, args...).Scan(&n); err != nil { //nolint:usetesting // also asked after the engine stopped
		h.t.Fatalf("%s: %v", query, err)
	}
	return n
}

func (h *house) state(i int) overture.State {
	return overture.State(h.number(`SELECT state FROM message WHERE id = $1`, int64(h.ids[i])))
}

// run starts an engine; the returned function stops it and waits.
func (h *house) run(owner string, cfg dispatch.Config) (stop func()) {
	h.t.Helper()
	log := slog.New(slog.DiscardHandler)
	if h.log != nil {
		log = h.log
	}
	if os.Getenv("DISPATCH_LOG") != "" {
		log = slog.New(slog.NewTextHandler(os.Stderr, nil))
	}
	var book dispatch.Store = senders{h.s, h}
	if h.around != nil {
		book = h.around(book)
	}
	e, err := dispatch.New(dispatch.Deps{
		Store: book, Providers: h.providers(), Windows: &h.windows,
		Smart: func(s string) string { return s }, Owner: owner, Log: log, Observer: h.observer, Wake: h.wake,
		Callback: func(_ overture.Sender, m overture.MessageID, token string) string {
			return "https://example.test/?m=" + m.String() + "&t=" + token
		},
	}, cfg)
	if err != nil {
		h.t.Fatal(err)
	}
	h.engine = e
	ctx, cancel := context.WithCancel(context.Background()) //nolint:usetesting // stopped by the test
	done := make(chan struct{})
	go func() { defer close(done); _ = e.Run(ctx) }()
	stopped := false
	stop = func() {
		if !stopped {
			stopped = true
			cancel()
			<-done
		}
	}
	h.t.Cleanup(stop)
	return stop
}

// providers knows the fake one, unless there is none.
func (h *house) providers() map[string]dispatch.Provider {
	if h.provider == nil {
		return nil
	}
	return map[string]dispatch.Provider{"fake": h.provider}
}

// until waits for a condition, in fake or real time.
func (h *house) until(what string, ok func() bool) {
	h.t.Helper()
	for range 3000 {
		if ok() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	h.t.Fatalf("never happened: %s", what)
}

func (h *house) drained() bool {
	return h.number(`SELECT (SELECT COUNT(*) FROM dispatch) + (SELECT COUNT(*) FROM inflight)`) == 0
}

// sums proves that the counters equal a recount of the rows (I16) and that every message is in one state.
func (h *house) sums(want map[overture.State]int) {
	h.t.Helper()
	for _, s := range overture.States() {
		rows := h.number(`SELECT COUNT(*) FROM message WHERE campaign_id = $1 AND state = $2`, campaign, int(s))
		counter := h.number(`SELECT COALESCE(SUM(n), 0) FROM campaign_count WHERE campaign_id = $1 AND state = $2`, campaign, int(s))
		if rows != counter || rows != want[s] {
			h.t.Errorf("%v: %d rows, counter %d, want %d", s, rows, counter, want[s])
		}
	}
}

// senders adds the sender room's methods to the store.
type senders struct {
	*store.Store
	h *house
}

func (s senders) SenderForDispatch(context.Context, overture.SenderID) (overture.Sender, error) {
	var stopped bool
	err := s.DB().Read.QueryRow(`SELECT stopped FROM sender WHERE id = $1`, sender).Scan(&stopped) //nolint:noctx // a fake
	return overture.Sender{ID: sender, AccountID: account, BrandID: brand, Channel: overture.SMS, Provider: "fake", Rate: rateOf(s.h), Stopped: stopped}, err
}

func (s senders) StopSender(ctx context.Context, id overture.SenderID, reason string) error {
	_, err := s.DB().Write.ExecContext(ctx, `UPDATE sender SET stopped = TRUE, stop_reason = $1 WHERE id = $2`, reason, id)
	return err
}

type windows struct{ closedUntil time.Time }

func (w *windows) Next(now time.Time, _ []string, _ overture.Window, _, expiresAt time.Time) (time.Time, time.Time, bool, string) {
	if !expiresAt.IsZero() && !now.Before(expiresAt) {
		return time.Time{}, time.Time{}, true, "expired"
	}
	due := now
	if w.closedUntil.After(now) {
		due = w.closedUntil
	}
	return due, due.Add(time.Hour), false, ""
}

// provider is a stateful fake: it keeps a record of what it accepted, like the real one.
type provider struct {
	mu      sync.Mutex
	calls   []overture.Outgoing
	answers map[overture.Address]func(call int) (overture.AcceptedSend, error)
	count   map[overture.Address]int
	record  map[overture.Address][]overture.FoundSend
	finds   int
	lists   int
	findErr error
	delay   time.Duration
}

func (p *provider) Send(ctx context.Context, _ overture.Sender, out overture.Outgoing) (overture.AcceptedSend, error) {
	if p.delay > 0 {
		select {
		case <-time.After(p.delay):
		case <-ctx.Done():
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.calls = append(p.calls, out)
	if p.count == nil {
		p.count = map[overture.Address]int{}
	}
	p.count[out.To]++
	if f := p.answers[out.To]; f != nil {
		a, err := f(p.count[out.To])
		if err != nil {
			return a, err
		}
	}
	return p.acceptLocked(out), nil
}

func (p *provider) acceptLocked(out overture.Outgoing) overture.AcceptedSend {
	sid := fmt.Sprintf("SM%032x", len(p.calls))
	p.record[out.To] = append(p.record[out.To], overture.FoundSend{ProviderID: sid, Body: out.Body, State: overture.Accepted, CreatedAt: time.Now()})
	return overture.AcceptedSend{ProviderID: sid, Segments: 1, HTTPStatus: 201}
}

func (p *provider) Find(_ context.Context, _ overture.Sender, to overture.Address, _ time.Time) ([]overture.FoundSend, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.finds++
	return slices.Clone(p.record[to]), p.findErr
}

func (p *provider) List(_ context.Context, _ overture.Sender, since time.Time, take func(overture.ListedSend) error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lists++
	for to, sends := range p.record {
		for _, f := range sends {
			if f.CreatedAt.Before(since) {
				continue
			}
			for range 2 {
				if err := take(overture.ListedSend{To: to, FoundSend: f}); err != nil {
					return err
				}
			}
		}
	}
	return p.findErr
}

func (p *provider) accepted(to overture.Address) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.record[to])
}

func refuse(class overture.SendClass, refusal overture.Refusal, code int) func(int) (overture.AcceptedSend, error) {
	return func(int) (overture.AcceptedSend, error) {
		return overture.AcceptedSend{}, &overture.SendError{Class: class, Refusal: refusal, Code: code, HTTPStatus: 400}
	}
}

func once(f func(int) (overture.AcceptedSend, error)) func(int) (overture.AcceptedSend, error) {
	return func(call int) (overture.AcceptedSend, error) {
		if call == 1 {
			return f(call)
		}
		return overture.AcceptedSend{}, nil
	}
}

func TestEveryMessageIsSentOnceWithItsText(t *testing.T) {
	inTime(t, func(t *testing.T) {
		h := build(t, 60)
		h.run("a", short)
		h.until("all sent", h.drained)
		h.sums(map[overture.State]int{overture.Accepted: 60})
		for i := range h.ids {
			if n := h.provider.accepted(address(i)); n != 1 {
				t.Errorf("recipient %d got %d messages", i, n)
			}
		}
		if got := h.provider.record[address(7)][0].Body; got != "Hi P7 Reply STOP" {
			t.Errorf("text is %q", got)
		}
		if n := h.number(`SELECT COUNT(*) FROM attempt WHERE outcome = 'accepted'`); n != 60 {
			t.Errorf("%d attempts in the history", n)
		}
	})
}

func TestOutcomesOfOneSend(t *testing.T) {
	inTime(t, func(t *testing.T) {
		h := build(t, 7)
		p := h.provider
		p.answers[address(0)] = refuse(overture.Refused, overture.RefusedAddress, 21211)
		p.answers[address(1)] = refuse(overture.Refused, overture.RefusedOptOut, 21610)
		p.answers[address(2)] = once(refuse(overture.Throttled, "", 20429))
		p.answers[address(3)] = once(refuse(overture.NotSent, "", 0))
		p.answers[address(4)] = refuse(overture.Refused, overture.RefusedContent, 21617)
		p.answers[address(5)] = once(func(int) (overture.AcceptedSend, error) { // accepted, but the answer got lost
			p.acceptLocked(overture.Outgoing{To: address(5), Body: "Hi P5 Reply STOP"})
			return overture.AcceptedSend{}, &overture.SendError{Class: overture.SendUnknown, HTTPStatus: 500}
		})
		p.answers[address(6)] = once(refuse(overture.SendUnknown, "", 0)) // never arrived
		h.run("a", short)
		h.until("all settled", h.drained)
		h.sums(map[overture.State]int{overture.Failed: 2, overture.Suppressed: 1, overture.Accepted: 4})
		for i, want := range []overture.State{overture.Failed, overture.Suppressed, overture.Accepted, overture.Accepted, overture.Failed, overture.Accepted, overture.Accepted} {
			if got := h.state(i); got != want {
				t.Errorf("message %d is %v, want %v", i, got, want)
			}
		}
		for _, i := range []int{2, 3, 5, 6} {
			if n := p.accepted(address(i)); n != 1 {
				t.Errorf("recipient %d got %d messages, want exactly one", i, n)
			}
		}
		if n := h.number(`SELECT COUNT(*) FROM opt_out WHERE brand_id = $1 AND address = $2`, brand, string(address(1))); n != 1 {
			t.Errorf("the provider's opt-out was not recorded")
		}
		if n := h.number(`SELECT COUNT(*) FROM attempt WHERE message_id = $1 AND outcome = 'found'`, int64(h.ids[5])); n != 1 {
			t.Errorf("the lost answer was not found in the provider's record")
		}
		if n := h.number(`SELECT COUNT(*) FROM attempt WHERE message_id = $1 AND outcome = 'absent'`, int64(h.ids[6])); n != 1 {
			t.Errorf("the resend was not preceded by proof of absence")
		}
	})
}

func TestDoubtThatCannotBeLookedUpIsHeldNotResent(t *testing.T) {
	inTime(t, func(t *testing.T) {
		h := build(t, 1)
		h.provider.answers[address(0)] = refuse(overture.SendUnknown, "", 0)
		h.provider.findErr = fmt.Errorf("list endpoint down")
		h.run("a", short)
		h.until("held", func() bool { return h.state(0) == overture.Held })
		if len(h.provider.calls) != 1 {
			t.Errorf("%d calls, want one: no repeat on doubt", len(h.provider.calls))
		}
		h.sums(map[overture.State]int{overture.Held: 1})
	})
}

func TestLookupTwiceBeforeAnythingIsRepeated(t *testing.T) {
	inTime(t, func(t *testing.T) {
		h := build(t, 1)
		var first, second time.Time
		h.provider.answers[address(0)] = func(call int) (overture.AcceptedSend, error) {
			if call == 1 {
				first = time.Now()
				return overture.AcceptedSend{}, &overture.SendError{Class: overture.SendUnknown}
			}
			second = time.Now()
			return overture.AcceptedSend{}, nil
		}
		h.run("a", short)
		h.until("sent", h.drained)
		if h.provider.finds < 2 {
			t.Errorf("%d lookups before the resend, want two", h.provider.finds)
		}
		if gap := second.Sub(first); gap < short.Grace+short.LookupSpacing-50*time.Millisecond {
			t.Errorf("resent after %v, before grace and spacing", gap)
		}
	})
}

func TestOptOutPauseAndConversationAreSeenInsideTheMark(t *testing.T) {
	inTime(t, func(t *testing.T) {
		h := build(t, 3)
		now := time.Now().UnixMilli()
		h.exec(`INSERT INTO opt_out (brand_id, channel, address, account_id, source, evidence, review, created_at) VALUES ($1, 'sms', $2, $3, 'keyword', '', FALSE, $4)`, brand, string(address(0)), account, now)
		h.exec(`INSERT INTO conversation (id, account_id, brand_id, sender_id, channel, address, skill_id, agent_id, campaign_id, message_id, source, state, city, country, unread, started_at, updated_at)
			VALUES (9, $1, $2, $3, 'sms', $4, 0, 0, 0, 0, 'inbound', 'waiting', '', '', 0, $5, $5)`, account, brand, sender, string(address(1)), now)
		h.run("a", short)
		h.until("settled", h.drained)
		h.sums(map[overture.State]int{overture.Suppressed: 2, overture.Accepted: 1})
		if len(h.provider.calls) != 1 {
			t.Errorf("%d calls, want one", len(h.provider.calls))
		}
	})
}

func TestPauseStopsNewAttemptsAndResumeGoesOn(t *testing.T) {
	inTime(t, func(t *testing.T) {
		h := build(t, 200)
		h.exec(`UPDATE lane SET rate = 100 WHERE id = $1`, lane)
		h.run("a", short)
		h.until("some sent", func() bool { return h.number(`SELECT COUNT(*) FROM attempt`) > 20 })
		h.exec(`UPDATE lane SET state = 'paused' WHERE id = $1`, lane)
		time.Sleep(300 * time.Millisecond)
		at := h.number(`SELECT COUNT(*) FROM attempt`)
		time.Sleep(2 * time.Second)
		if n := h.number(`SELECT COUNT(*) FROM attempt`); n != at || n == 200 {
			t.Errorf("%d attempts after the pause, %d when it took effect", n, at)
		}
		h.exec(`UPDATE lane SET state = 'open' WHERE id = $1`, lane)
		h.until("all sent", h.drained)
		h.sums(map[overture.State]int{overture.Accepted: 200})
	})
}

func TestRateIsKeptInSegments(t *testing.T) {
	inTime(t, func(t *testing.T) {
		h := build(t, 40)
		h.exec(`UPDATE message SET segments = 2`)
		h.exec(`UPDATE lane SET rate = 20 WHERE id = $1`, lane)
		start := time.Now()
		h.run("a", short)
		h.until("all sent", h.drained)
		if took := time.Since(start); took < 3500*time.Millisecond {
			t.Errorf("80 segments at 20 per second took only %v", took)
		}
	})
}

func TestClosedWindowMovesTheMessage(t *testing.T) {
	inTime(t, func(t *testing.T) {
		h := build(t, 2)
		h.windows.closedUntil = time.Now().Add(3 * time.Second)
		h.exec(`UPDATE dispatch SET not_after = due_at`) // the window they were planned for is over
		h.run("a", short)
		time.Sleep(2 * time.Second)
		if len(h.provider.calls) != 0 {
			t.Fatalf("%d messages went out while the window was closed", len(h.provider.calls))
		}
		h.until("sent when it opened", h.drained)
		h.sums(map[overture.State]int{overture.Accepted: 2})
	})
}

func TestValidityOverExpires(t *testing.T) {
	inTime(t, func(t *testing.T) {
		h := build(t, 2)
		h.exec(`UPDATE campaign SET expires_at = $1`, time.Now().Add(-time.Second).UnixMilli())
		h.run("a", short)
		h.until("ended", h.drained)
		h.sums(map[overture.State]int{overture.Expired: 2})
	})
}

func TestRejectedCredentialsStopTheSenderAndFailNobody(t *testing.T) {
	inTime(t, func(t *testing.T) {
		h := build(t, 20)
		for i := range h.ids {
			h.provider.answers[address(i)] = refuse(overture.Refused, overture.RefusedSender, 20003)
		}
		stop := h.run("a", short)
		h.until("stopped", func() bool { return h.number(`SELECT COUNT(*) FROM sender WHERE stopped = TRUE`) == 1 })
		stop()
		h.sums(map[overture.State]int{overture.Queued: 20})
	})
}

func TestTakeoverLooksUpWhatTheDeadOwnerLeft(t *testing.T) {
	inTime(t, func(t *testing.T) {
		h := build(t, 3)
		now := time.Now().UnixMilli()
		h.exec(`INSERT INTO sender_lease (sender_id, owner, epoch, expires_at) VALUES ($1, 'dead', 7, $2)`, sender, now-1)
		for i := range 2 { // message 0 was accepted, message 1 never left
			h.exec(`INSERT INTO inflight (message_id, lane_id, sender_id, due_at, not_after, epoch, attempt, token, started_at, state, lookups, next_lookup_at)
				SELECT message_id, lane_id, $1, due_at, not_after, 7, 1, 'old', $2, 'attempting', 0, $2 FROM dispatch WHERE message_id = $3`, sender, now, int64(h.ids[i]))
		}
		h.provider.acceptLocked(overture.Outgoing{To: address(0), Body: "Hi P0 Reply STOP"})
		h.run("b", short)
		h.until("settled", h.drained)
		h.sums(map[overture.State]int{overture.Accepted: 3})
		for i := range 3 {
			if n := h.provider.accepted(address(i)); n != 1 {
				t.Errorf("recipient %d got %d messages", i, n)
			}
		}
		if e := h.number(`SELECT epoch FROM sender_lease WHERE sender_id = $1`, sender); e != 8 {
			t.Errorf("epoch %d, want 8: it rises with the owner", e)
		}
	})
}

func TestSupersededResultChangesNothing(t *testing.T) {
	inTime(t, func(t *testing.T) {
		h := build(t, 1)
		ctx := t.Context()
		lease, ok, err := h.s.AcquireLease(ctx, sender, "a", time.Minute)
		if err != nil || !ok {
			t.Fatal(ok, err)
		}
		due, _, _, err := h.s.DueMessages(ctx, lane, time.Now(), overture.Place{}, 10)
		if err != nil || len(due) != 1 {
			t.Fatal(due, err)
		}
		work := overture.SenderWork{Lease: lease, BrandID: brand, AccountID: account, Channel: overture.SMS}
		mark := work
		mark.Marks = []overture.Mark{{Place: due[0].Place, Attempt: 1, Token: "t", Address: due[0].Address, LookupAt: time.Now()}}
		res, err := h.s.Commit(ctx, time.Now(), []overture.SenderWork{mark})
		if err != nil || res[0].Verdicts[0] != overture.Marked {
			t.Fatal(res, err)
		}
		if res, err = h.s.Commit(ctx, time.Now(), []overture.SenderWork{mark}); err != nil || res[0].Verdicts[0] != overture.Gone {
			t.Fatalf("a second mark of the same message: %v %v", res, err)
		}
		stale := work
		stale.Lease.Epoch--
		stale.Settlements = []overture.Settlement{{Place: due[0].Place, Attempt: 1, Token: "t", StartedAt: time.Now(), Outcome: "accepted", State: overture.Accepted, ProviderID: "SMx"}}
		res, err = h.s.Commit(ctx, time.Now(), []overture.SenderWork{stale})
		if err != nil || res[0].Superseded != 1 || h.state(0) != overture.Queued {
			t.Errorf("a result of an old epoch: %+v %v, state %v", res, err, h.state(0))
		}
		other := mark
		other.Lease.Owner = "b"
		if res, err = h.s.Commit(ctx, time.Now(), []overture.SenderWork{other}); err != nil || res[0].Verdicts[0] != overture.LeaseLost {
			t.Errorf("a mark without the lease: %+v %v", res, err)
		}
	})
}

func TestStopFinishesWhatIsInFlight(t *testing.T) {
	inTime(t, func(t *testing.T) {
		h := build(t, 100)
		h.provider.delay = 50 * time.Millisecond
		stop := h.run("a", short)
		h.until("some in flight", func() bool { return h.number(`SELECT COUNT(*) FROM inflight`) > 3 })
		stop()
		if n := h.number(`SELECT COUNT(*) FROM inflight`); n != 0 {
			t.Errorf("%d attempts in doubt after a graceful stop", n)
		}
		if a, q := h.number(`SELECT COUNT(*) FROM message WHERE state = 50`), h.number(`SELECT COUNT(*) FROM dispatch`); a+q != 100 {
			t.Errorf("accepted %d + queued %d is not 100", a, q)
		}
		h.provider.delay = 0
		h.run("b", short)
		h.until("the rest", h.drained)
		h.sums(map[overture.State]int{overture.Accepted: 100})
		for i := range h.ids {
			if n := h.provider.accepted(address(i)); n != 1 {
				t.Errorf("recipient %d got %d messages", i, n)
			}
		}
	})
}

func TestShortGraceIsRefused(t *testing.T) {
	if _, err := dispatch.New(dispatch.Deps{}, dispatch.Config{Grace: 20 * time.Second}); overture.KindOf(err) != overture.Invalid {
		t.Errorf("a grace of 20 s was allowed: %v", err)
	}
}

// rateOf is the sender's rate: high enough not to matter.
func rateOf(*house) int { return 1_000_000 }
