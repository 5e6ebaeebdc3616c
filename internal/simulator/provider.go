package simulator

import (
	"fmt"
	"slices"
	"time"

	"github.com/overture-im/overture"
)

// provider is the model of an SMS provider: it takes requests, answers or does not, keeps a record, and sends receipts. Its ledger is the
// truth that the oracle compares the books with.
type provider struct {
	w        *world
	answers  map[[3]int]string // campaign, message, number of the request → how
	receipts map[[2]int]string
	requests map[overture.MessageID]int
	ledger   []accept
	lag      time.Duration // of the record
	lagUntil time.Duration
	broken   time.Duration // the record answers with errors until
	redacted int           // the record shows no text of every so many messages; 0: it shows all
}

// accept is one message that the provider took: what a person gets.
type accept struct {
	message overture.MessageID
	sender  overture.SenderID
	to      overture.Address
	body    string
	token   string
	id      string
	at      time.Duration
	visible time.Duration // in the record from then on
	late    bool          // later than any grace covers
	twice   bool          // listed twice
	who     int64
}

func newProvider(w *world) *provider {
	p := &provider{w: w, answers: map[[3]int]string{}, receipts: map[[2]int]string{}, requests: map[overture.MessageID]int{}, broken: -1, lagUntil: -1}
	for _, e := range w.sc.Events {
		switch e.Kind {
		case evAnswer:
			p.answers[[3]int{e.Campaign, e.Message, e.N}] = e.How
		case evReceipt:
			p.receipts[[2]int{e.Campaign, e.Message}] = e.How
		}
	}
	return p
}

func (p *provider) beginRecord(e Event) {
	until := p.w.now + ms(e.For)
	switch e.How {
	case "lag":
		p.lag, p.lagUntil = ms(int64(e.N)), until
	case "redacted":
		p.redacted = e.N
	default:
		p.broken = until
	}
}

// request is one call of the adapter's Send.
type request struct {
	message *messageRow
	sender  overture.SenderID
	body    string
	token   string
	node    *node
}

// reply is what comes back, and after how long. An error of class unknown with no delay left is the client's own time-out.
type reply struct {
	after    time.Duration
	accepted overture.AcceptedSend
	err      *overture.SendError
}

func failed(class overture.SendClass, http, code int) *overture.SendError {
	return &overture.SendError{Class: class, HTTPStatus: http, Code: code}
}

func refused(r overture.Refusal, code int) *overture.SendError {
	return &overture.SendError{Class: overture.Refused, Refusal: r, HTTPStatus: 400, Code: code}
}

// send takes a request that leaves now.
func (p *provider) send(r request) reply {
	w, m := p.w, r.message
	p.requests[m.id]++
	c, i := -1, 0
	if m.campaign != 0 {
		c, i = placeIn(m.recipient)
	}
	how := p.answers[[3]int{c, i, p.requests[m.id]}]
	if how == "refuse sender" && w.now >= ms(w.sc.QuietAt) { // nobody would start it again
		how = ""
	}
	w.note('s', int64(m.id), int64(p.requests[m.id]))
	w.oracle.sent(r)
	arrives := w.between(time.Millisecond, 60*time.Millisecond)
	back := arrives + w.between(time.Millisecond, 250*time.Millisecond)
	timeout := w.cfg.ClientTimeout
	unknown := func(after time.Duration, http int) reply {
		return reply{after: after, err: failed(overture.SendUnknown, http, 0)}
	}
	w.say("%s request %d for %s (%s): %s", w.stamp(), p.requests[m.id], m.id, r.token, cmpOr(how, "accept"))
	switch how {
	case "throttle":
		return reply{after: back, err: failed(overture.Throttled, 429, 20429)}
	case "throttle wait":
		e := failed(overture.Throttled, 429, 20429)
		e.RetryAfter = w.between(time.Second, 20*time.Second)
		return reply{after: back, err: e}
	case "refuse address":
		return reply{after: back, err: refused(overture.RefusedAddress, 21211)}
	case "refuse content":
		return reply{after: back, err: refused(overture.RefusedContent, 21617)}
	case "refuse policy":
		return reply{after: back, err: refused(overture.RefusedPolicy, 21408)}
	case "refuse opt-out":
		return reply{after: back, err: refused(overture.RefusedOptOut, 21610)}
	case "refuse sender":
		return reply{after: back, err: refused(overture.RefusedSender, 20003)}
	case "not sent":
		return reply{after: w.between(0, 3*time.Second), err: failed(overture.NotSent, 0, 0)}
	case "reset":
		return unknown(back, 0)
	case "5xx":
		return unknown(back, 503)
	case "timeout":
		return unknown(timeout, 0)
	case "reset accepted":
		p.accept(r, arrives, false)
		return unknown(back, 0)
	case "5xx accepted":
		p.accept(r, arrives, false)
		return unknown(back, 500)
	case "no id":
		p.accept(r, arrives, false)
		return unknown(back, 201)
	case "bad answer":
		p.accept(r, arrives, false)
		return unknown(back, 200)
	case "timeout accepted":
		p.accept(r, w.between(arrives, timeout), false)
		return unknown(timeout, 0)
	case "timeout late":
		p.accept(r, w.between(timeout, timeout+w.cfg.ProviderDelay-time.Second), false)
		return unknown(timeout, 0)
	case "beyond grace":
		p.accept(r, w.between(w.cfg.Grace, 15*time.Minute), true)
		return unknown(timeout, 0)
	case "slow":
		back = w.between(time.Second, timeout-time.Millisecond)
	}
	id := p.accept(r, arrives, false)
	if how == "listed twice" {
		p.w.after(arrives, func() {
			for k := range p.ledger {
				if p.ledger[k].id == id {
					p.ledger[k].twice = true
				}
			}
		})
	}
	return reply{after: back, accepted: overture.AcceptedSend{ProviderID: id, HTTPStatus: 201}}
}

func cmpOr(a, b string) string {
	if a == "" {
		return b
	}
	return a
}

// accept lets the provider take a request in a while, whatever becomes of whoever sent it. It gives the provider's id.
func (p *provider) accept(r request, in time.Duration, late bool) string {
	id := "SM" + r.token
	left := p.w.now
	p.w.after(in, func() {
		a := accept{message: r.message.id, sender: r.sender, to: r.message.address, body: r.body, token: r.token, id: id, at: p.w.now, late: late, who: r.message.who()}
		a.visible = p.w.now
		if p.lagUntil >= p.w.now {
			// The grace period covers acceptance and record together: what is accepted late is listed soon.
			longest := left + p.w.cfg.Grace + p.w.cfg.LookupSpacing - 5*time.Second
			a.visible = max(min(p.w.now+p.lag, longest), p.w.now)
		}
		p.ledger = append(p.ledger, a)
		p.w.note('a', int64(a.message), 0)
		p.w.say("%s the provider takes %s (%s)", p.w.stamp(), a.message, a.token)
		p.w.oracle.accepted(a)
		p.tell(a)
	})
	return id
}

// find is the adapter's Find: the record of what went to an address.
func (p *provider) find(sender overture.SenderID, to overture.Address, since time.Time) (found []overture.FoundSend, ok bool) {
	if p.broken >= p.w.now {
		return nil, false
	}
	for _, a := range p.ledger {
		at := p.w.begins.Add(a.at).Truncate(time.Second) // the record knows seconds
		if a.sender != sender || a.to != to || a.visible > p.w.now || at.Before(since) {
			continue
		}
		f := overture.FoundSend{ProviderID: a.id, Body: a.body, State: overture.Sent, CreatedAt: at}
		if p.redacted > 0 && int(a.message)%p.redacted == 0 {
			f.Body = ""
		}
		found = append(found, f)
		if a.twice {
			found = append(found, f)
		}
	}
	slices.Reverse(found) // newest first
	return found, true
}

// tell sends the receipts of a message that was taken.
func (p *provider) tell(a accept) {
	w := p.w
	m := w.db.book.ever(a.message)
	how := ""
	if m.campaign != 0 {
		c, i := placeIn(m.recipient)
		how = p.receipts[[2]int{c, i}]
	} else if w.sc.Mode == Perfect {
		return
	}
	if w.sc.Mode == Perfect && int(a.message)%3 != 0 { // some receipts, so that most of a perfect run is cheap
		return
	}
	send := func(state overture.State, code int, in time.Duration) {
		r := overture.Receipt{
			Provider: "twilio", AccountID: 1, SenderID: a.sender, MessageID: a.message, Token: a.token, ProviderID: a.id, State: state, Code: code,
			OptOut: code == 21610,
		}
		w.after(in, func() { p.post(func(n *node, done func(bool)) { n.receipt(r, done) }, 1) })
	}
	soon := func() time.Duration { return w.between(100*time.Millisecond, 5*time.Second) }
	later := func() time.Duration { return 5*time.Second + w.between(0, 20*time.Second) }
	switch how {
	case "lost":
	case "twice":
		send(overture.Sent, 0, soon())
		send(overture.Sent, 0, soon())
		send(overture.Delivered, 0, later())
		send(overture.Delivered, 0, later())
	case "reversed":
		send(overture.Delivered, 0, soon())
		send(overture.Sent, 0, later())
	case "early": // before the answer to the request
		send(overture.Sent, 0, 0)
	case "undelivered":
		send(overture.Sent, 0, soon())
		send(overture.Undelivered, 30005, later())
	case "read":
		send(overture.Read, 0, later())
	case "opt-out":
		send(overture.Undelivered, 21610, soon())
	case "unknown": // of somebody else's message
		w.after(soon(), func() {
			r := overture.Receipt{Provider: "twilio", AccountID: 1, SenderID: a.sender, MessageID: 999, Token: "nobody", ProviderID: "SMnobody" + a.id, State: overture.Sent}
			p.post(func(n *node, done func(bool)) { n.receipt(r, done) }, 1)
		})
		send(overture.Delivered, 0, later())
	case "weeks late":
		send(overture.Sent, 0, soon())
		send(overture.Delivered, 0, 20*24*time.Hour)
		send(overture.Sent, 0, 21*24*time.Hour)
	default:
		send(overture.Delivered, 0, later())
	}
}

// posts is how often the provider calls a webhook that does not answer.
const posts = 6

// post calls a webhook on any node, again when it does not answer with 200.
func (p *provider) post(call func(n *node, done func(ok bool)), try int) {
	w := p.w
	again := func() {
		if try < posts {
			w.after(time.Duration(try)*w.between(500*time.Millisecond, 10*time.Second), func() { p.post(call, try+1) })
		}
	}
	n := w.nodes[w.random.IntN(len(w.nodes))]
	if !n.up || n.frozen > w.now {
		again()
		return
	}
	answered := false
	call(n, func(ok bool) {
		if answered {
			return
		}
		answered = true
		if !ok {
			again()
		}
	})
	w.after(15*time.Second, func() { // the provider's own time-out; a node that died does not answer either
		if !answered {
			answered = true
			again()
		}
	})
}

func (w *world) stamp() string { return fmt.Sprintf("%10.3f", w.now.Seconds()) }
