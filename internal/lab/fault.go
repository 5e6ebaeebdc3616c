package lab

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"time"
)

// Profile is how badly the carrier behaves, for all senders or for one. The zero value is a fast carrier without faults. Shares are
// between 0 and 1. A request has at most one fault, so the request shares together are at most 1; receipt faults are drawn per callback.
type Profile struct {
	// Time before acceptance.
	LatencyMS int `json:"latency_ms,omitempty"`
	JitterMS  int `json:"jitter_ms,omitempty"` // uniform, added to the latency

	// Requests that are not accepted.
	ResetBefore        float64 `json:"reset_before,omitempty"`         // connection reset
	ServerErrorRefused float64 `json:"server_error_refused,omitempty"` // 500
	Throttle           float64 `json:"throttle,omitempty"`             // 429 with code 20429
	RetryAfterS        int     `json:"retry_after_s,omitempty"`        // 0: 429 without Retry-After
	Redirect           float64 `json:"redirect,omitempty"`             // 307 to the same call; who follows it sends again

	// Requests that are accepted, though the caller cannot know.
	AcceptTimeout       float64 `json:"accept_timeout,omitempty"`
	HangMS              int     `json:"hang_ms,omitempty"`      // then the connection is closed without an answer; 0: 60,000
	AcceptReset         float64 `json:"accept_reset,omitempty"` // connection reset
	ServerErrorAccepted float64 `json:"server_error_accepted,omitempty"`
	EmptyAnswer         float64 `json:"empty_answer,omitempty"` // 201 without a body
	BadJSON             float64 `json:"bad_json,omitempty"`     // 201 with half an answer
	HugeAnswer          float64 `json:"huge_answer,omitempty"`
	HugeMB              int     `json:"huge_mb,omitempty"` // 0: 16
	SlowAnswer          float64 `json:"slow_answer,omitempty"`
	SlowByteMS          int     `json:"slow_byte_ms,omitempty"` // per byte; 0: 1,000
	LateAccept          float64 `json:"late_accept,omitempty"`
	LateAcceptMS        int     `json:"late_accept_ms,omitempty"`  // after arrival, even when the caller is gone; 0: 30,000
	HTMLAnswer          float64 `json:"html_answer,omitempty"`     // 200 with a page for people, as a captive portal answers
	SameSID             float64 `json:"same_sid,omitempty"`        // 201 with the id of the first message in the ledger
	AnswerDelayMS       int     `json:"answer_delay_ms,omitempty"` // after acceptance, so that receipts come before the answer; no fault

	// Status callbacks.
	ReceiptLost       float64 `json:"receipt_lost,omitempty"`
	ReceiptDuplicated float64 `json:"receipt_duplicated,omitempty"`
	ReceiptLate       float64 `json:"receipt_late,omitempty"`
	ReceiptLateMS     int     `json:"receipt_late_ms,omitempty"`   // 0: 30,000
	ReceiptReordered  float64 `json:"receipt_reordered,omitempty"` // comes after the next one
	QuietSending      bool    `json:"quiet_sending,omitempty"`     // no callback for "sending"

	// The list endpoint.
	ListLagMS      int     `json:"list_lag_ms,omitempty"`     // younger messages are not listed yet
	ListError      float64 `json:"list_error,omitempty"`      // 500
	ListTimeout    float64 `json:"list_timeout,omitempty"`    // hangs for HangMS, then closes the connection
	ListDuplicated float64 `json:"list_duplicated,omitempty"` // each message comes twice

	// Delivery: delay of each step after the one before. 0: 20, 60 and 150 ms; negative: at once.
	SendingAfterMS   int     `json:"sending_after_ms,omitempty"`
	SentAfterMS      int     `json:"sent_after_ms,omitempty"`
	DeliveredAfterMS int     `json:"delivered_after_ms,omitempty"`
	DeliveryJitterMS int     `json:"delivery_jitter_ms,omitempty"` // uniform, added to each step
	Undelivered      float64 `json:"undelivered,omitempty"`        // of messages whose phone has no script for the outcome
	UndeliveredCode  int     `json:"undelivered_code,omitempty"`   // 0: 30003
}

// fault is one way a request or a receipt goes wrong. The words are those of Rule.Fault and Summary.Faults.
type fault string

const (
	noFault             fault = ""
	resetBefore         fault = "reset_before"
	serverErrorRefused  fault = "server_error_refused"
	throttle            fault = "throttle"
	acceptTimeout       fault = "accept_timeout"
	acceptReset         fault = "accept_reset"
	serverErrorAccepted fault = "server_error_accepted"
	emptyAnswer         fault = "empty_answer"
	badJSON             fault = "bad_json"
	hugeAnswer          fault = "huge_answer"
	slowAnswer          fault = "slow_answer"
	lateAccept          fault = "late_accept"
	htmlAnswer          fault = "html_answer"
	sameSID             fault = "same_sid"
	redirect            fault = "redirect"
	receiptLost         fault = "receipt_lost"
	receiptDuplicated   fault = "receipt_duplicated"
	receiptLate         fault = "receipt_late"
	receiptReordered    fault = "receipt_reordered"
	listError           fault = "list_error"
	listTimeout         fault = "list_timeout"
)

type faultShare struct {
	fault fault
	share float64
}

func (p *Profile) requestFaults() [14]faultShare {
	return [14]faultShare{
		{resetBefore, p.ResetBefore},
		{serverErrorRefused, p.ServerErrorRefused},
		{throttle, p.Throttle},
		{acceptTimeout, p.AcceptTimeout},
		{acceptReset, p.AcceptReset},
		{serverErrorAccepted, p.ServerErrorAccepted},
		{emptyAnswer, p.EmptyAnswer},
		{badJSON, p.BadJSON},
		{hugeAnswer, p.HugeAnswer},
		{slowAnswer, p.SlowAnswer},
		{lateAccept, p.LateAccept},
		{htmlAnswer, p.HTMLAnswer},
		{sameSID, p.SameSID},
		{redirect, p.Redirect},
	}
}

func (p *Profile) receiptFaults() [4]faultShare {
	return [4]faultShare{
		{receiptLost, p.ReceiptLost}, {receiptDuplicated, p.ReceiptDuplicated}, {receiptLate, p.ReceiptLate}, {receiptReordered, p.ReceiptReordered},
	}
}

// draw picks at most one fault: u in [0,1) falls into one share or into none.
func draw(shares []faultShare, u float64) fault {
	for _, s := range shares {
		if u < s.share {
			return s.fault
		}
		u -= s.share
	}
	return noFault
}

func (p *Profile) check() error {
	requests, receipts := p.requestFaults(), p.receiptFaults()
	for what, shares := range map[string][]faultShare{"the request faults": requests[:], "the receipt faults": receipts[:]} {
		sum := 0.0
		for _, s := range shares {
			if s.share < 0 || s.share > 1 {
				return fmt.Errorf("%s is a share: give 0 to 1", s.fault)
			}
			sum += s.share
		}
		if sum > 1.0000001 {
			return fmt.Errorf("%s sum up to %.3f: one request has one fault, so give shares that sum up to at most 1", what, sum)
		}
	}
	for _, s := range []float64{p.ListError, p.ListTimeout, p.ListDuplicated, p.Undelivered} {
		if s < 0 || s > 1 {
			return errors.New("list_error, list_timeout, list_duplicated and undelivered are shares: give 0 to 1")
		}
	}
	for _, ms := range []int{p.LatencyMS, p.JitterMS, p.RetryAfterS, p.HangMS, p.HugeMB, p.SlowByteMS, p.LateAcceptMS, p.ReceiptLateMS, p.ListLagMS, p.DeliveryJitterMS, p.AnswerDelayMS} {
		if ms < 0 {
			return errors.New("times and sizes cannot be negative, except the three delivery delays")
		}
	}
	return nil
}

// profiles is an immutable snapshot of the global profile and those of single senders.
type profiles struct {
	global   Profile
	bySender map[string]*Profile
}

func (p *profiles) of(sender string) *Profile {
	if own, ok := p.bySender[sender]; ok {
		return own
	}
	return &p.global
}

// setProfile replaces the profile of a sender, or the global one for "".
func (l *Lab) setProfile(sender string, p Profile) error {
	if err := p.check(); err != nil {
		return err
	}
	l.directoryMu.Lock()
	old := l.profiles.Load()
	fresh := &profiles{global: old.global, bySender: maps.Clone(old.bySender)}
	if sender == "" {
		fresh.global = p
	} else {
		if fresh.bySender == nil {
			fresh.bySender = map[string]*Profile{}
		}
		fresh.bySender[sender] = &p
	}
	l.profiles.Store(fresh)
	l.directoryMu.Unlock()
	l.ledger.journal.note(line{Kind: lineProfile, Sender: sender, Profile: &p})
	return nil
}

// requestFault decides what goes wrong with this create: by script, else by the profile's shares.
func (l *Lab) requestFault(p *Profile, to number, from string) fault {
	if f := l.scriptedFault(to, from); f != noFault {
		return f
	}
	shares := p.requestFaults()
	sum := 0.0
	for _, s := range shares {
		sum += s.share
	}
	if sum == 0 {
		return noFault
	}
	return draw(shares[:], share(mix(l.seed, 1, l.draws.Add(1))))
}

// receiptFault decides what goes wrong with one callback of a message; the same for every run with the same seed.
func (l *Lab) receiptFault(p *Profile, m *message, at status) fault {
	if r := l.script.Load().find(l.seed, m.to, m.route.from, hasReceiptFault); r != nil {
		return fault(r.Fault)
	}
	shares := p.receiptFaults()
	return draw(shares[:], share(mix(l.seed, 2, uint64(m.n), uint64(at))))
}

// hold waits as latency does: the caller may go away, the lab goes on. It ends early only when the lab stops, and says so.
func (l *Lab) hold(d time.Duration) bool {
	if d <= 0 {
		return true
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-l.stopped:
		return false
	}
}

// hang keeps the caller waiting until it goes, the time is over or the lab stops, then closes the connection without an answer.
func (l *Lab) hang(r *http.Request, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-r.Context().Done():
	case <-l.stopped:
	}
	panic(http.ErrAbortHandler) // net/http's way to close without an answer
}

// reset closes the connection so that the caller sees a reset.
func reset(w http.ResponseWriter) {
	if h, ok := w.(http.Hijacker); ok {
		if conn, _, err := h.Hijack(); err == nil {
			if tcp, ok := conn.(interface{ SetLinger(sec int) error }); ok {
				_ = tcp.SetLinger(0)
			}
			_ = conn.Close()
			return
		}
	}
	panic(http.ErrAbortHandler)
}

func ms(n int) time.Duration { return time.Duration(n) * time.Millisecond }

// or gives n, or the default when n is zero.
func or(n, byDefault int) int {
	if n == 0 {
		return byDefault
	}
	return n
}
