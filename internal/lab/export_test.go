package lab

import (
	"bytes"
	"net/http"
	"time"
)

// What the tests of the small parts need to see.

// Forget drops the agenda, so that a test sees what the ledger alone costs.
func Forget(l *Lab) {
	for _, e := range l.agenda.clear() {
		l.done(e)
	}
}

// AppendJSON is the hand-written JSON string.
func AppendJSON(s string) string { return string(appendJSON(nil, s)) }

// ReadForm gives the fields the lab reads of a form.
func ReadForm(raw []byte) (map[string]string, error) {
	r, err := http.NewRequest(http.MethodPost, "/", bytes.NewReader(raw)) //nolint:noctx // never sent
	if err != nil {
		return nil, err
	}
	f := &form{}
	if err := f.read(r); err != nil {
		return nil, err
	}
	out := map[string]string{}
	for name, value := range map[string][]byte{
		"To": f.to, "From": f.from, "MessagingServiceSid": f.service, "Body": f.body, "StatusCallback": f.callback, "ValidityPeriod": f.validFor,
	} {
		if value != nil {
			out[name] = string(value)
		}
	}
	return out, nil
}

// SID and ParseSID are the two directions of a SID.
func SID(key uint64, n uint32) string { return sid(key, n) }

// ParseSID gives 0 for what is no SID under the key.
func ParseSID(key uint64, s string) uint32 { return parseSID(key, s) }

// Agenda runs events with the given due times through the heap, popping up to each now.
func Agenda(dues, nows []int64) (popped []int64) {
	a := newAgenda()
	for _, due := range dues {
		a.add(event{due: due})
	}
	for _, now := range nows {
		batch, _ := a.pop(now, nil)
		for _, e := range batch {
			popped = append(popped, e.due)
		}
	}
	return popped
}

// ParseNumber gives the E.164 form back, empty when it is none.
func ParseNumber(s string) string {
	n, _ := parseNumber(s)
	return n.String()
}

// Policy reads a URL fragment: retries, then whether it retries without connection, without answer, on 404 and on 500, then the time-out.
func Policy(fragment string) (retries int, on [4]bool, timeout time.Duration) {
	p := policyOf(fragment)
	for i, c := range []called{{}, {connected: true}, {status: 404}, {status: 500}} {
		on[i] = p.retriesAfter(c)
	}
	return p.retries, on, p.timeout
}

// LoopbackTransport is what the lab calls webhooks with.
func LoopbackTransport() http.RoundTripper { return loopbackTransport(2) }

// ErrNotLoopback is its refusal.
var ErrNotLoopback = errNotLoopback
