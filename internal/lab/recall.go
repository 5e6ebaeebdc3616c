package lab

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"time"
)

// recall opens the journal and becomes the lab that wrote it. What was under way goes on: messages from their last status, inbound
// webhooks from their first try. A callback that was due in the moment of death is lost, as receipts may be.
func (l *Lab) recall(path string) error {
	empty := true
	j, err := openJournal(path, func(ln *line, at int64) error {
		if empty != (ln.Kind == lineLab) {
			return errors.New("the file does not begin as a lab's ledger does: give another path")
		}
		empty = false
		return l.replay(ln, at)
	})
	if err != nil {
		return err
	}
	l.ledger.journal = j
	if empty {
		j.note(line{Kind: lineLab, Key: l.ledger.key.Load()})
		return j.trouble()
	}
	for n := uint32(1); n <= l.ledger.count; n++ {
		m, _ := l.ledger.look(0, n)
		if m.status.final() {
			continue
		}
		if l.outcome(l.profiles.Load().of(m.route.from), &m).after(m.status) != statusNone {
			l.push(event{kind: kindStatus, n: n, due: time.Now().UnixMilli()})
		}
	}
	for i, mail := range l.phones.letters {
		if mail.heard == 0 && !mail.gaveUp {
			l.call(event{kind: kindInbound, n: uint32(i) + 1})
		}
	}
	return nil
}

func (l *Lab) replay(ln *line, at int64) error {
	to, _ := parseNumber(ln.To)
	from, _ := parseNumber(ln.From)
	switch ln.Kind {
	case lineLab:
		l.ledger.key.Store(ln.Key)
	case lineAccepted:
		if ln.N != l.ledger.count+1 || to == 0 {
			return fmt.Errorf("message %d does not follow message %d", ln.N, l.ledger.count)
		}
		l.ledger.add(&submission{
			account: ln.AccountSID, from: ln.From, service: []byte(ln.ServiceSID), base: []byte(ln.Base), query: []byte(ln.Query),
			fragment: []byte(ln.Fragment), to: to, body: []byte(ln.Body), segments: ln.Segments, arrived: ln.Arrived,
		}, sha256.Sum256([]byte(ln.Body)), ln.At)
		l.ledger.offsets = append(l.ledger.offsets, at)
	case lineStatus:
		s := parseStatus(ln.Status)
		if ln.N == 0 || ln.N > l.ledger.count || s == statusNone {
			return fmt.Errorf("there is no message %d to become %q", ln.N, ln.Status)
		}
		l.ledger.set(ln.N, s, ln.Code, ln.At)
		m, _ := l.ledger.look(0, ln.N)
		if end := l.outcome(l.profiles.Load().of(m.route.from), &m); s == statusDelivered || s == statusSent && end.noReceipt {
			l.ledger.flag(ln.N, flagArrived)
		}
	case lineStop:
		key := stop{from, ln.To}
		if ln.Lifted {
			delete(l.phones.stops, key)
		} else {
			l.phones.stops[key] = true
		}
	case lineWritten:
		if int(ln.N) != len(l.phones.letters)+1 {
			return fmt.Errorf("what a phone wrote, %d, does not follow %d", ln.N, len(l.phones.letters))
		}
		l.phones.keep(letter{from: from, to: ln.To, body: ln.Body, written: ln.At})
	case lineHeard:
		if ln.N == 0 || int(ln.N) > len(l.phones.letters) {
			return fmt.Errorf("there is nothing a phone wrote with number %d", ln.N)
		}
		mail := &l.phones.letters[ln.N-1]
		mail.heard, mail.gaveUp = ln.At, ln.At == 0
	case lineAccount:
		l.register(func(d *directory) { d.setAccount(ln.SID, ln.Token) })
	case lineNumber:
		if ln.Number != nil {
			l.register(func(d *directory) { d.senders[ln.Number.Number] = newSender(*ln.Number) })
		}
	case lineProfile:
		if ln.Profile != nil {
			return l.setProfile(ln.Sender, *ln.Profile)
		}
	case lineScripts:
		return l.setScripts(ln.Rules)
	default:
		return fmt.Errorf("%q is no kind of line a lab writes", ln.Kind)
	}
	return nil
}
