package lab

import (
	"fmt"
	"strconv"
	"strings"
)

// Rule is a part of the script that phones follow. All given conditions must hold. For each facet (fault, refusal, outcome, turns) the
// first matching rule that has it wins, so a rule about faults and one about answers may apply to the same phone.
type Rule struct {
	Name string `json:"name,omitempty"`

	// Conditions on the phone and on our number.
	Number string  `json:"number,omitempty"` // exactly this phone
	Prefix string  `json:"prefix,omitempty"` // phones that begin so, with or without plus
	Suffix string  `json:"suffix,omitempty"` // phones that end in these digits
	Sender string  `json:"sender,omitempty"` // only messages from this number of ours
	Share  float64 `json:"share,omitempty"`  // only this share of the phones, chosen by seed, rule and number; 0: all

	// Refusal and outcome.
	Refuse      int  `json:"refuse,omitempty"`      // creates are refused with this code: 21614, 21408 …
	Undelivered int  `json:"undelivered,omitempty"` // ends undelivered with this code: 30003, 30005, 30006 …
	Failed      int  `json:"failed,omitempty"`      // ends failed with this code
	NoReceipt   bool `json:"no_receipt,omitempty"`  // arrives, but stays "sent"
	Twice       bool `json:"twice,omitempty"`       // the handset shows it twice, and the delivered receipt comes twice

	// Answers: the first turn to the first message the phone gets from a number of ours, the second to the second, and so on.
	Turns [][]Reply `json:"turns,omitempty"`
	Every bool      `json:"every,omitempty"` // the last turn is repeated for ever; otherwise the phone falls silent

	// Fault of matching requests: one of the words of Profile's fields.
	Fault      string `json:"fault,omitempty"`
	FaultTimes int    `json:"fault_times,omitempty"` // per phone; 0: once, so that another try succeeds; -1: always. Receipt faults are always.
}

// Reply is what a phone writes. STOP, START and HELP are texts like any other.
type Reply struct {
	Text    string `json:"text"`
	AfterMS int    `json:"after_ms,omitempty"` // after the message arrived; 0: 200
}

// script is a compiled, immutable list of rules.
type script struct {
	rules []Rule
	exact map[number][]int // rules for one phone
	broad []int            // the others
}

func compile(rules []Rule) (*script, error) {
	s := &script{rules: rules, exact: map[number][]int{}}
	for i, r := range rules {
		fail := func(format string, args ...any) error {
			return fmt.Errorf("rule %d (%s): "+format, append([]any{i + 1, r.Name}, args...)...)
		}
		switch fault(r.Fault) {
		case noFault, resetBefore, serverErrorRefused, throttle, acceptTimeout, acceptReset, serverErrorAccepted, emptyAnswer, badJSON,
			hugeAnswer, slowAnswer, lateAccept, htmlAnswer, sameSID, redirect, receiptLost, receiptDuplicated, receiptLate, receiptReordered:
		default:
			return nil, fail("there is no fault %q: use a word such as accept_timeout", r.Fault)
		}
		if r.Share < 0 || r.Share > 1 {
			return nil, fail("share is 0 to 1")
		}
		if _, err := strconv.ParseUint(r.Suffix, 10, 64); r.Suffix != "" && (err != nil || len(r.Suffix) > 15) {
			return nil, fail("suffix is up to 15 digits")
		}
		if r.Number == "" {
			s.broad = append(s.broad, i)
			continue
		}
		n, ok := parseNumber(r.Number)
		if !ok {
			return nil, fail("%q is no phone number: write it as +12125550123", r.Number)
		}
		s.exact[n] = append(s.exact[n], i)
	}
	return s, nil
}

// find gives the first rule for messages to the phone from our sender that has the facet, nil when there is none.
func (s *script) find(seed uint64, to number, sender string, has func(*Rule) bool) *Rule {
	best := len(s.rules)
	for _, list := range [2][]int{s.broad, s.exact[to]} {
		for _, i := range list {
			if i >= best {
				break
			}
			if r := &s.rules[i]; has(r) && r.matches(seed, i, to, sender) {
				best = i
				break
			}
		}
	}
	if best == len(s.rules) {
		return nil
	}
	return &s.rules[best]
}

func (r *Rule) matches(seed uint64, index int, to number, sender string) bool {
	if r.Sender != "" && r.Sender != sender {
		return false
	}
	if r.Prefix != "" || r.Suffix != "" {
		var room [20]byte
		digits := string(to.append(room[:0])[1:])
		if !strings.HasPrefix(digits, strings.TrimPrefix(r.Prefix, "+")) || !strings.HasSuffix(digits, r.Suffix) {
			return false
		}
	}
	return r.Share == 0 || share(mix(seed, 3, uint64(index), uint64(to))) < r.Share
}

func hasRequestFault(r *Rule) bool { return r.Fault != "" && !hasReceiptFault(r) }
func hasReceiptFault(r *Rule) bool { return strings.HasPrefix(r.Fault, "receipt_") }
func hasRefusal(r *Rule) bool      { return r.Refuse != 0 }
func hasOutcome(r *Rule) bool      { return r.Undelivered != 0 || r.Failed != 0 || r.NoReceipt || r.Twice }
func hasTurns(r *Rule) bool        { return len(r.Turns) > 0 }

// setScripts replaces the rules. Counts of faults already played start anew.
func (l *Lab) setScripts(rules []Rule) error {
	s, err := compile(rules)
	if err != nil {
		return err
	}
	l.playedMu.Lock()
	l.script.Store(s)
	l.played = map[playedKey]int{}
	l.playedMu.Unlock()
	l.ledger.journal.note(line{Kind: lineScripts, Rules: rules})
	return nil
}

type playedKey struct {
	rule *Rule
	to   number
}

// scriptedFault gives the fault the script has for this request and counts it.
func (l *Lab) scriptedFault(to number, from string) fault {
	s := l.script.Load()
	if len(s.rules) == 0 || to == 0 {
		return noFault
	}
	r := s.find(l.seed, to, from, hasRequestFault)
	if r == nil {
		return noFault
	}
	if r.FaultTimes < 0 {
		return fault(r.Fault)
	}
	l.playedMu.Lock()
	defer l.playedMu.Unlock()
	k := playedKey{r, to}
	if l.played[k] >= or(r.FaultTimes, 1) {
		return noFault
	}
	l.played[k]++
	return fault(r.Fault)
}
