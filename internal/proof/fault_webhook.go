package proof

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"

	"github.com/overture-im/overture/internal/kit/twiliosign"
	"github.com/overture-im/overture/internal/lab"
)

// webhookFaults are receipts and answers that come twice, late, early, for others, damaged, or while we are down.
func webhookFaults() []Fault {
	return []Fault{
		{
			ID: "F-W1a", Name: "receipts doubled, late, out of order, lost", Engines: onBoth, Messages: 400, Keep: true, Expect: allDelivered(0.85),
			Profile: lab.Profile{ReceiptDuplicated: 0.4, ReceiptLate: 0.2, ReceiptLateMS: 1500, ReceiptReordered: 0.3, ReceiptLost: 0.05},
		},
		{
			ID: "F-W1b", Name: "receipts before the answer to the request", Engines: onBoth, Messages: 200, Keep: true, Expect: allDelivered(1),
			Profile: lab.Profile{AnswerDelayMS: 400, SendingAfterMS: -1, SentAfterMS: -1, DeliveredAfterMS: -1},
		},
		{ID: "F-W1c", Name: "receipts for others: another sender's, a wrong token, an unknown message", Engines: onBoth, Messages: 50, Inject: foreignReceipts},
		{ID: "F-W2", Name: "a valid receipt again, 60 times; unsigned and changed ones", Engines: onBoth, Messages: 50, Inject: replayed},
		{ID: "F-W3", Name: "we are down when receipts and answers come", Engines: onBoth, Messages: 300, Inject: away, Expect: allDelivered(0.99)},
		{
			ID: "F-W3b", Name: "every receipt is lost, and we are down meanwhile: asked for", Engines: onBoth, Messages: 200, Inject: lostForGood, Keep: true, Expect: allDelivered(0.999),
			Profile: lab.Profile{ReceiptLost: 1}, Rig: RigOptions{ServeFlags: append([]string{"--ask-after", "1500ms"}, faultFlags...)},
		},
		{
			ID: "F-W3c", Name: "every receipt is lost under three nodes: one of them asks, once for each message", Engines: []string{onPostgres}, Messages: 150, Keep: true,
			Profile: lab.Profile{ReceiptLost: 1}, Rig: RigOptions{Nodes: 3, ServeFlags: append([]string{"--ask-after", "1500ms"}, faultFlags...)},
			Inject: askedOnce, Expect: allDelivered(1),
		},
		{
			ID: "F-W4a", Name: "poison in webhooks: zero bytes, broken text, absurd numbers", Engines: onBoth, Messages: 100, Inject: poisonWebhooks,
			Profile: lab.Profile{LatencyMS: 20}, Keep: true, Expect: allDelivered(1),
		},
		{ID: "F-W4b", Name: "a damaged row on the list ends alone; the queue does not notice", Engines: onBoth, Rig: RigOptions{SenderRate: 50}, Inject: poisonRow},
	}
}

// allDelivered expects the carrier's last word on that share of the messages.
func allDelivered(share float64) func(context.Context, *Scene) error {
	return func(ctx context.Context, s *Scene) error {
		book, err := s.Store(ctx)
		if err != nil {
			return err
		}
		defer book.Close()
		n, err := book.Delivered(ctx)
		if err != nil {
			return err
		}
		s.Note("%d of %d delivered", n, s.Launched)
		if float64(n) < share*float64(s.Launched) {
			return fmt.Errorf("%d of %d are delivered", n, s.Launched)
		}
		return nil
	}
}

// receiptOf is a valid status callback for a message of the ledger.
func (s *Scene) receiptOf(e lab.Entry, status string) (target string, form url.Values) {
	return s.StatusURL() + "?" + url.Values{"m": {e.MessageID}, "t": {e.Token}}.Encode(), url.Values{
		"MessageSid": {e.SID}, "SmsSid": {e.SID}, "MessageStatus": {status}, "SmsStatus": {status}, "AccountSid": {rigSID}, "From": {e.From}, "To": {e.To},
		"ApiVersion": {"2010-04-01"},
	}
}

// post calls a webhook as the carrier does and gives the status.
func (s *Scene) post(ctx context.Context, target string, form url.Values, token string) (int, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, target, strings.NewReader(form.Encode()))
	if err != nil {
		return 0, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if token != "" {
		req.Header.Set(twiliosign.Header, twiliosign.Sign(token, target, form))
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode, err
}

// finished waits for the end of the campaign and of all receipts, and gives the lab's ledger.
func (s *Scene) finished(ctx context.Context) ([]lab.Entry, error) {
	if err := s.Settled(ctx, time.Minute); err != nil {
		return nil, err
	}
	if _, err := s.Lab.Drain(ctx, 20*time.Second); err != nil {
		return nil, err
	}
	var all []lab.Entry
	for e, err := range s.Lab.Ledger(ctx, 0) {
		if err != nil {
			return nil, err
		}
		all = append(all, e)
	}
	if len(all) == 0 {
		return nil, errors.New("the ledger is empty")
	}
	return all, nil
}

func foreignReceipts(ctx context.Context, s *Scene) error {
	ledger, err := s.finished(ctx)
	if err != nil {
		return err
	}
	before, err := s.API.Progress(ctx, s.Campaign)
	if err != nil {
		return err
	}
	for _, e := range ledger {
		wrongToken, unknown := e, e
		wrongToken.Token = "AAAAAAAAAAAAAAAAAAAAAA"
		unknown.MessageID = "msg_0000000000001"
		for _, x := range []lab.Entry{wrongToken, unknown} {
			target, form := s.receiptOf(x, "undelivered")
			form.Set("MessageSid", "SM00000000000000000000000000000000")
			form.Set("ErrorCode", "30003")
			if status, err := s.post(ctx, target, form, rigToken); err != nil || status >= 500 {
				return fmt.Errorf("a receipt for nobody got %d: %w", status, err)
			}
		}
	}
	return s.unchanged(ctx, before.Counts)
}

func (s *Scene) unchanged(ctx context.Context, before map[string]int) error {
	after, err := s.API.Progress(ctx, s.Campaign)
	if err != nil {
		return err
	}
	if fmt.Sprint(before) != fmt.Sprint(after.Counts) {
		return fmt.Errorf("the campaign was %v and is %v", before, after.Counts)
	}
	return nil
}

func replayed(ctx context.Context, s *Scene) error {
	ledger, err := s.finished(ctx)
	if err != nil {
		return err
	}
	before, err := s.API.Progress(ctx, s.Campaign)
	if err != nil {
		return err
	}
	e := ledger[0]
	for i := range 60 {
		target, form := s.receiptOf(e, []string{"delivered", "sent", "queued"}[i%3]) // also backwards
		if status, err := s.post(ctx, target, form, rigToken); err != nil || status != http.StatusNoContent {
			return fmt.Errorf("a replayed receipt got %d: %w", status, err)
		}
	}
	target, form := s.receiptOf(e, "failed")
	for what, try := range map[string]func() (int, error){
		"without a signature": func() (int, error) { return s.post(ctx, target, form, "") },
		"with another token":  func() (int, error) { return s.post(ctx, target, form, "not the token") },
		"for another provider path": func() (int, error) {
			return s.post(ctx, strings.Replace(target, "/hooks/twilio/", "/hooks/twilio/x", 1), form, rigToken)
		},
	} {
		if status, err := try(); err != nil || status < 400 || status > 499 {
			return fmt.Errorf("a receipt %s got %d: %w", what, status, err)
		}
	}
	return s.unchanged(ctx, before.Counts)
}

// away stops the server when everything is sent and before the carrier's word comes, and lets people answer meanwhile.
func away(ctx context.Context, s *Scene) error {
	if err := s.Lab.SetProfile(ctx, "", lab.Profile{SendingAfterMS: 1500, SentAfterMS: 100, DeliveredAfterMS: 100}); err != nil {
		return err
	}
	if s.Engine == onPostgres || s.Launched > 0 {
		if _, err := s.Go(ctx, 100); err != nil {
			return err
		}
	}
	if err := s.Accepted(ctx, s.Launched, time.Minute); err != nil {
		return err
	}
	if err := s.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	sid, err := s.Lab.Write(ctx, "+12015550199", rigNumber, "Is anybody there?")
	if err != nil {
		return err
	}
	// The carrier's retries end after some seconds; we are back before, as after a restart or a failover.
	if err := pause(ctx, 4*time.Second); err != nil {
		return err
	}
	if err := s.Start(ctx); err != nil {
		return err
	}
	if err := s.Settled(ctx, time.Minute); err != nil {
		return err
	}
	for in, err := range s.Lab.Inbound(ctx, 0) {
		if err != nil {
			return err
		}
		if in.SID == sid && in.AcknowledgedAt == 0 && in.GaveUp {
			s.Note("the carrier gave up on an answer after %d tries", in.Tries)
		}
	}
	return nil
}

// lostForGood stops the server while a campaign is under way of which no receipt ever comes. Back, it learns from the provider's record what
// became of each message.
func lostForGood(ctx context.Context, s *Scene) error {
	if err := s.Accepted(ctx, s.Launched/2, time.Minute); err != nil {
		return err
	}
	if err := s.Signal(syscall.SIGKILL); err != nil {
		return err
	}
	if err := pause(ctx, 2*time.Second); err != nil {
		return err
	}
	if err := s.Start(ctx); err != nil {
		return err
	}
	return s.learned(ctx)
}

// learned waits until every message has its last word although no receipt comes.
func (s *Scene) learned(ctx context.Context) error {
	began := time.Now()
	// A killed node's search is taken over after a minute.
	err := Until(ctx, "every message has its last word", 100*time.Second, func() (bool, error) {
		p, err := s.API.Progress(ctx, s.Campaign)
		return err == nil && p.Counts["delivered"] == s.Launched, err
	})
	if err != nil {
		return err
	}
	s.Note("all settled after %.1f s", time.Since(began).Seconds())
	sum, err := s.Lab.Summary(ctx)
	if err == nil && sum.Faults["receipt_lost"] == 0 {
		err = errors.New("no receipt was lost, so nothing was proven")
	}
	return err
}

// askedOnce counts the questions to the provider's record: three nodes share the work and ask nothing twice.
func askedOnce(ctx context.Context, s *Scene) error {
	if err := s.learned(ctx); err != nil {
		return err
	}
	if err := pause(ctx, 2*time.Second); err != nil { // whoever asks a second time does it by now
		return err
	}
	sum, err := s.Lab.Summary(ctx)
	if err != nil {
		return err
	}
	s.Note("%d questions about %d messages", sum.Fetched, s.Launched)
	if sum.Fetched != int64(s.Launched) {
		return errors.New("a message was asked for more than once")
	}
	return nil
}

// poisonWebhooks sends what a parser or a database may choke on, signed, while a campaign is under way. The door says 2xx or 4xx, never
// 5xx, and the process lives.
func poisonWebhooks(ctx context.Context, s *Scene) error {
	if err := s.Accepted(ctx, 10, 20*time.Second); err != nil {
		return err
	}
	pid := s.PID()
	e := lab.Entry{MessageID: "msg_0000000000001", Token: "t", SID: "SM00000000000000000000000000000001", From: rigNumber, To: "+12015550150"}
	for e2, err := range s.Lab.Ledger(ctx, 0) {
		if err != nil {
			return err
		}
		e = e2
		break
	}
	bad := []string{"\x00", "a\x00b", "\xff\xfe", strings.Repeat("9", 400), "-1", "\u202e\u0000x", "{}", "NaN", strings.Repeat("é", 3000), "99999999999999999999"}
	for _, poison := range bad {
		for _, field := range []string{"MessageSid", "MessageStatus", "ErrorCode", "To", "From"} {
			target, form := s.receiptOf(e, "sent")
			form.Set(field, poison)
			if err := s.digested(ctx, target, form); err != nil {
				return fmt.Errorf("receipt with %s=%.20q: %w", field, poison, err)
			}
		}
		for _, query := range []url.Values{{"m": {poison}, "t": {e.Token}}, {"m": {e.MessageID}, "t": {poison}}} {
			_, form := s.receiptOf(e, "sent")
			if err := s.digested(ctx, s.StatusURL()+"?"+query.Encode(), form); err != nil {
				return fmt.Errorf("receipt with query %.40q: %w", query, err)
			}
		}
		for i, field := range []string{"Body", "MessageSid", "From", "To", "FromCity", "OptOutType", "NumMedia"} {
			form := url.Values{
				"MessageSid": {fmt.Sprintf("SM%031d%d", len(poison), i)}, "AccountSid": {rigSID}, "From": {"+12015550198"}, "To": {rigNumber}, "Body": {"hello"},
				"NumMedia": {"0"}, "ApiVersion": {"2010-04-01"},
			}
			form.Set(field, poison)
			if err := s.digested(ctx, s.Sender.InboundURL, form); err != nil {
				return fmt.Errorf("answer with %s=%.20q: %w", field, poison, err)
			}
		}
	}
	if s.PID() != pid || s.Ready(ctx, 0) != nil {
		return errors.New("the server did not survive it")
	}
	return nil
}

func (s *Scene) digested(ctx context.Context, target string, form url.Values) error {
	status, err := s.post(ctx, target, form, rigToken)
	if err == nil && status >= 500 {
		err = fmt.Errorf("answered %d, so the carrier sends it again and again", status)
	}
	return err
}

// poisonRow damages one recipient after the launch: nothing that our own code would write.
func poisonRow(ctx context.Context, s *Scene) error {
	at := time.Now().Add(2 * time.Second)
	c, err := s.LaunchAt(ctx, "One row is damaged", 0, 60, &at)
	if err != nil {
		return err
	}
	s.Launched += 60
	if err := Until(ctx, "planned", 10*time.Second, func() (bool, error) {
		p, err := s.API.Progress(ctx, c)
		return err == nil && p.Counts["queued"] == 60, err
	}); err != nil {
		return err
	}
	const row = `(SELECT MIN(id) FROM recipient)`
	var sound string
	if err := s.rewrite(ctx, func(db *sql.DB) error {
		if err := db.QueryRowContext(ctx, `SELECT vars FROM recipient WHERE id = `+row).Scan(&sound); err != nil {
			return err
		}
		_, err := db.ExecContext(ctx, `UPDATE recipient SET vars = '{damaged' WHERE id = `+row)
		return err
	}); err != nil {
		return err
	}
	if err := s.Settled(ctx, 20*time.Second); err != nil {
		return err
	}
	p, err := s.API.Progress(ctx, c)
	if err != nil {
		return err
	}
	if p.Accepted != 59 || p.Failed != 1 {
		return fmt.Errorf("59 should be accepted and 1 failed; it is %v", p.Counts)
	}
	// Verify would rightly say that the list is not the frozen one.
	return s.rewrite(ctx, func(db *sql.DB) error {
		_, err := db.ExecContext(ctx, `UPDATE recipient SET vars = $1 WHERE id = `+row, sound)
		return err
	})
}

// rewrite changes rows behind the server's back. SQLite's file belongs to the server alone, so it is stopped meanwhile.
func (s *Scene) rewrite(ctx context.Context, f func(db *sql.DB) error) error {
	if s.Engine == onSQLite {
		if err := s.Signal(syscall.SIGTERM); err != nil {
			return err
		}
	}
	book, err := s.Store(ctx)
	if err != nil {
		return err
	}
	if err := errors.Join(f(book.DB().Write), book.Close()); err != nil {
		return err
	}
	return s.Start(ctx)
}
