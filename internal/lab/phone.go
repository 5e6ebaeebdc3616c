package lab

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/overture-im/overture/internal/kit/segment"
)

// Every number is a phone. A phone has state only once it wrote or stopped somebody; what it received stands in the ledger.

// letter is a message a phone wrote.
type letter struct {
	from    number
	to      string
	body    string
	written int64 // Unix ms
	heard   int64 // its webhook got 2xx; 0: not yet
	tries   int
	gaveUp  bool
}

// said is an entry of a phone's own thread: what the person wrote, or the carrier's answer to a keyword, which only the phone sees.
type said struct {
	at     int64
	peer   string
	text   string
	letter uint32 // its number; 0: the carrier
}

type stop struct {
	phone number
	scope string // a sender's number, or its messaging service
}

// phones is the state of all phones. Safe for concurrent use.
type phones struct {
	mu      sync.Mutex
	letters []letter
	threads map[number][]said
	stops   map[stop]bool
}

func newPhones() *phones {
	p := &phones{}
	p.reset()
	return p
}

func (p *phones) reset() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.letters, p.threads, p.stops = nil, map[number][]said{}, map[stop]bool{}
}

func (p *phones) hasStopped(phone number, scope string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.stops) > 0 && p.stops[stop{phone, scope}]
}

// scope of an opt-out: the messaging service when the number is in one, else the number.
func (s *sender) scope() string {
	if s.ServiceSID != "" {
		return s.ServiceSID
	}
	return s.Number.Number
}

// keywordOf tells what the carrier takes a whole message for: "STOP", "START", "HELP" or nothing.
func keywordOf(body string) string {
	switch strings.ToUpper(strings.TrimSpace(body)) {
	case "STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT":
		return "STOP"
	case "START", "YES", "UNSTOP":
		return "START"
	case "HELP", "INFO":
		return "HELP"
	}
	return ""
}

// write has a phone write to one of our numbers: keywords take effect, then the number's inbound webhook is called. It gives the SID.
func (l *Lab) write(from number, to, body string) (string, error) {
	s := l.directory.Load().senders[to]
	switch {
	case s == nil:
		return "", fmt.Errorf("%s is not a number of this lab: register it with PUT /lab/numbers/%s", to, to)
	case body == "":
		return "", errors.New("body is missing: say what the person writes")
	case utf8.RuneCountInString(body) > maxBody || !utf8.ValidString(body):
		return "", errors.New("body must be UTF-8 text of at most 1600 characters")
	}
	now := time.Now().UnixMilli()
	l.phones.mu.Lock()
	n := l.phones.keep(letter{from: from, to: to, body: body, written: now})
	if s.Keywords != KeywordsNone {
		l.obey(from, s, keywordOf(body), now)
	}
	l.ledger.journal.note(line{Kind: lineWritten, N: n, From: from.String(), To: to, Body: body, At: now})
	l.phones.mu.Unlock()
	l.count.inboundWritten.Add(1)
	if s.InboundURL != "" {
		l.call(event{kind: kindInbound, n: n, gen: l.ledger.generation()})
	}
	return l.sidOf(n | inboundBit), nil
}

// keep adds a letter and gives its number. The caller holds mu.
func (p *phones) keep(m letter) uint32 {
	p.letters = append(p.letters, m)
	n := uint32(len(p.letters))
	p.threads[m.from] = append(p.threads[m.from], said{at: m.written, peer: m.to, text: m.body, letter: n})
	return n
}

// obey applies a keyword as the carrier does, and answers in the phone's thread. The caller holds phones.mu.
func (l *Lab) obey(from number, s *sender, keyword string, now int64) {
	key := stop{from, s.scope()}
	text := ""
	switch {
	case keyword == "STOP" && !l.phones.stops[key]:
		l.phones.stops[key] = true
		text = "You have unsubscribed and will get no more messages from this number. Reply START to come back."
	case keyword == "START" && l.phones.stops[key]:
		delete(l.phones.stops, key)
		text = "You are subscribed again. Reply HELP for help, STOP to unsubscribe."
	case keyword == "HELP":
		text = "Reply STOP to unsubscribe. Message and data rates may apply."
	default:
		return
	}
	l.phones.threads[from] = append(l.phones.threads[from], said{at: now, peer: s.Number.Number, text: text})
	if keyword != "HELP" {
		l.ledger.journal.note(line{Kind: lineStop, From: from.String(), To: key.scope, Lifted: keyword == "START", At: now})
	}
}

// sendInbound makes one try of a number's inbound webhook. It is retried until 2xx, at most l.inboundTries times.
func (l *Lab) sendInbound(ctx context.Context, e event) {
	l.phones.mu.Lock()
	if e.gen != l.ledger.generation() || int(e.n) > len(l.phones.letters) {
		l.phones.mu.Unlock()
		return
	}
	mail := l.phones.letters[e.n-1]
	l.phones.mu.Unlock()
	s := l.directory.Load().senders[mail.to]
	if s == nil || s.InboundURL == "" {
		return
	}
	target, fragment, _ := strings.Cut(s.InboundURL, "#")
	id := l.sidOf(e.n | inboundBit)
	c := l.post(ctx, target, inboundParams(id, &mail, s), s.AccountSID, idempotencyToken(l.seed, uint64(e.n), 99, uint64(e.gen)), policyOf(fragment).timeout)
	if ctx.Err() != nil {
		return
	}
	now := time.Now().UnixMilli()
	l.phones.mu.Lock()
	defer l.phones.mu.Unlock()
	if e.gen != l.ledger.generation() || int(e.n) > len(l.phones.letters) {
		return
	}
	kept := &l.phones.letters[e.n-1]
	kept.tries++
	switch {
	case c.ok():
		kept.heard = now
		l.count.inboundSent.Add(1)
	case kept.tries < l.inboundTries:
		e.due = now + min(int64(200)<<min(kept.tries-1, 10), 5000)
		l.push(e)
		return
	default:
		kept.gaveUp = true
		l.count.inboundFailed.Add(1)
		l.logger.Warn("an inbound webhook was given up", "status", c.status, "tries", kept.tries)
	}
	l.ledger.journal.note(line{Kind: lineHeard, N: e.n, At: kept.heard})
}

// inboundParams are the fields of an inbound webhook.
func inboundParams(id string, m *letter, s *sender) url.Values {
	v := url.Values{
		"MessageSid": {id}, "SmsMessageSid": {id}, "SmsSid": {id}, "AccountSid": {s.AccountSID}, "ApiVersion": {"2010-04-01"},
		"SmsStatus": {"received"}, "From": {m.from.String()}, "To": {m.to}, "Body": {m.body}, "NumMedia": {"0"},
		"NumSegments": {strconv.Itoa(segment.Measure(m.body).Segments)},
		"FromCity":    {""}, "FromState": {""}, "FromZip": {""}, "FromCountry": {countryOf(m.from)},
		"ToCity": {""}, "ToState": {""}, "ToZip": {""}, "ToCountry": {""},
	}
	if n, ok := parseNumber(m.to); ok {
		v.Set("ToCountry", countryOf(n))
	}
	if s.ServiceSID != "" {
		v.Set("MessagingServiceSid", s.ServiceSID)
	}
	if word := keywordOf(m.body); word != "" && s.Keywords == KeywordsAdvanced {
		v.Set("OptOutType", word)
	}
	return v
}

// countryOf is best effort, like the field it fills.
func countryOf(n number) string {
	digits := n.String()[1:]
	for prefix, country := range map[string]string{"1": "US", "44": "GB", "49": "DE", "33": "FR", "34": "ES", "39": "IT", "61": "AU", "91": "IN", "55": "BR", "52": "MX"} {
		if strings.HasPrefix(digits, prefix) {
			return country
		}
	}
	return ""
}

// arrive puts a message on the handset, which may answer by its script.
func (l *Lab) arrive(gen uint32, m *message, twice bool) {
	flags := uint16(flagArrived)
	if twice {
		flags |= flagTwice
	}
	l.ledger.flag(m.n, flags)
	r := l.script.Load().find(l.seed, m.to, m.route.from, hasTurns)
	if r == nil {
		return
	}
	turn := l.ledger.received(m.to, m.route.from, len(r.Turns)+1) - 1
	if turn >= len(r.Turns) {
		if !r.Every {
			return
		}
		turn = len(r.Turns) - 1
	}
	now := time.Now().UnixMilli()
	for _, reply := range r.Turns[turn] {
		to, ours, text := m.to, m.route.from, reply.Text
		l.push(event{kind: kindReply, gen: gen, due: now + int64(or(reply.AfterMS, 200)), do: func() {
			if gen != l.ledger.generation() {
				return
			}
			if _, err := l.write(to, ours, text); err != nil {
				l.logger.Error("a phone could not answer", "error", err)
			}
		}})
	}
}

// received counts the messages a phone has from one of our numbers, at most limit.
func (l *ledger) received(phone number, from string, limit int) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for at := l.byTo[phone]; at != 0 && n < limit; at = l.at(at).older {
		if r := l.at(at); r.flags&flagArrived != 0 && l.routes[r.route].from == from {
			n++
		}
	}
	return n
}

// Phone is a virtual phone with its thread, oldest entry first.
type Phone struct {
	Number      string       `json:"number"`
	StoppedFrom []string     `json:"stopped_from"` // numbers or services the phone has stopped
	Thread      []PhoneEntry `json:"thread"`
}

// PhoneEntry is one entry of a phone's thread.
type PhoneEntry struct {
	At        int64  `json:"at"`        // Unix ms
	Direction string `json:"direction"` // "received" from us, "written" by the person, "carrier": the carrier's own answer
	Peer      string `json:"peer"`      // our number
	SID       string `json:"sid,omitempty"`
	Body      string `json:"body"`
	Copies    int    `json:"copies,omitempty"` // times the handset shows it, when received
}

// phone gives a phone's thread.
func (l *Lab) phone(n number) Phone {
	out := Phone{Number: n.String(), StoppedFrom: []string{}, Thread: []PhoneEntry{}}
	arrived := func(r *record, _ *route) bool { return r.flags&flagArrived != 0 }
	l.ledger.find(n, 0, arrived, func(m message) bool {
		copies := 1
		if m.flags&flagTwice != 0 {
			copies = 2
		}
		out.Thread = append(out.Thread, PhoneEntry{
			At: m.updatedAt(), Direction: "received", Peer: m.route.from, SID: l.sidOf(m.n), Body: m.body, Copies: copies,
		})
		return len(out.Thread) < 1000
	})
	l.phones.mu.Lock()
	defer l.phones.mu.Unlock()
	for _, e := range l.phones.threads[n] {
		entry := PhoneEntry{At: e.at, Direction: "carrier", Peer: e.peer, Body: e.text}
		if e.letter != 0 {
			entry.Direction, entry.SID = "written", l.sidOf(e.letter|inboundBit)
		}
		out.Thread = append(out.Thread, entry)
	}
	slices.SortStableFunc(out.Thread, func(a, b PhoneEntry) int { return cmp.Compare(a.At, b.At) })
	for s := range l.phones.stops {
		if s.phone == n {
			out.StoppedFrom = append(out.StoppedFrom, s.scope)
		}
	}
	slices.Sort(out.StoppedFrom)
	return out
}
