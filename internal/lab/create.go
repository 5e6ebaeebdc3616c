package lab

import (
	"bytes"
	"net/http"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/overture-im/overture/internal/kit/segment"
)

const (
	maxBody     = 1600 // characters
	maxCallback = 4096 // bytes
)

// create is POST Messages.json: everything a campaign costs the carrier passes here.
func (l *Lab) create(w http.ResponseWriter, r *http.Request, accountSID string) {
	arrived := time.Now()
	l.count.requests.Add(1)
	a, refused := l.authorize(r, accountSID)
	if refused != nil {
		l.refuse(w, refused)
		return
	}
	w.Header().Set("Twilio-Concurrent-Requests", strconv.FormatInt(a.inFlight.Add(1), 10))
	defer a.inFlight.Add(-1)

	f, _ := l.forms.Get().(*form)
	if f == nil {
		f = &form{}
	}
	defer l.forms.Put(f)
	if err := f.read(r); err != nil {
		l.refuse(w, refuse(20001, "The request could not be read: "+err.Error()))
		return
	}
	to, _ := parseNumber(f.to)
	from := string(f.from)
	p := l.profiles.Load().of(from)
	ill := l.requestFault(p, to, from)
	if ill != noFault {
		l.count.fault(ill)
	}
	switch ill {
	case resetBefore:
		reset(w)
		return
	case serverErrorRefused:
		serverError.write(w)
		return
	case throttle:
		l.refuse(w, tooMany(or(p.RetryAfterS, -1)))
		return
	case redirect:
		w.Header().Set("Location", r.URL.Path)
		w.WriteHeader(http.StatusTemporaryRedirect)
		return
	default:
	}
	l.pending[kindRequest].Add(1)
	m, refused := l.take(a, f, to, from, arrived, l.delay(p, ill))
	l.pending[kindRequest].Add(-1)
	if refused != nil {
		if refused == gone {
			panic(http.ErrAbortHandler)
		}
		l.refuse(w, refused)
		return
	}
	l.answer(w, r, p, ill, f, &m)
}

// delay before acceptance.
func (l *Lab) delay(p *Profile, ill fault) time.Duration {
	if ill == lateAccept {
		return ms(or(p.LateAcceptMS, 30_000))
	}
	d := ms(p.LatencyMS)
	if p.JitterMS > 0 {
		d += time.Duration(share(mix(l.seed, 4, l.draws.Add(1))) * float64(ms(p.JitterMS)))
	}
	return d
}

//nolint:gochecknoglobals // constant answers
var (
	serverError = refuse(20500, "An internal server error has occurred")
	gone        = &refusal{} // the lab stopped while it held the request
)

func tooMany(after int) *refusal {
	return &refusal{code: 20429, status: http.StatusTooManyRequests, message: "Too Many Requests", after: after}
}

func (l *Lab) refuse(w http.ResponseWriter, refused *refusal) {
	l.count.refusal(refused)
	refused.write(w)
}

// take waits the latency, checks the request as the carrier does and puts it into the ledger.
func (l *Lab) take(a *account, f *form, to number, from string, arrived time.Time, wait time.Duration) (message, *refusal) {
	if !l.hold(wait) {
		return message{}, gone
	}
	now := time.Now()
	if refused := l.checkTo(f, to); refused != nil {
		return message{}, refused
	}
	s, refused := l.senderOf(a, from, string(f.service), to)
	if refused != nil {
		return message{}, refused
	}
	sub := submission{account: a.sid, from: s.Number.Number, service: f.service, to: to, body: f.body, arrived: arrived.UnixMilli(), key: f.key}
	if refused := l.checkContent(f, &sub); refused != nil {
		return message{}, refused
	}
	if r := l.script.Load().find(l.seed, to, s.Number.Number, hasRefusal); r != nil {
		return message{}, refuse(r.Refuse, "Refused by the lab's script")
	}
	if l.phones.hasStopped(to, s.scope()) {
		return message{}, refuse(21610, optedOut)
	}
	if !s.take(sub.segments, now) {
		return message{}, tooMany(1)
	}
	m, err := l.ledger.accept(&sub, now.UnixMilli())
	f.key = sub.key
	if err != nil {
		l.logger.Error("accept a message", "error", err)
		return message{}, refuse(20503, "The lab cannot keep its ledger")
	}
	m.body = f.text
	l.begin(&m)
	return m, nil
}

// checkTo refuses malformed numbers and those of Twilio's test numbers that stand for a refusal.
func (l *Lab) checkTo(f *form, to number) *refusal {
	if len(f.to) == 0 {
		return refuse(21604, "A To number is required")
	}
	if to == 0 {
		return refuse(21211, "The To number is not a valid phone number")
	}
	switch to {
	case 15005550001:
		return refuse(21211, "The To number is not a valid phone number")
	case 15005550002:
		return refuse(21612, "The To number is not reachable from this From number")
	case 15005550003:
		return refuse(21408, "Sending to this region is not enabled for the account")
	case 15005550004:
		return refuse(21610, optedOut)
	case 15005550009:
		return refuse(21614, "The To number is not a mobile number")
	}
	return nil
}

func (l *Lab) checkContent(f *form, sub *submission) *refusal {
	switch {
	case len(f.body) == 0:
		return refuse(21602, "A message body is required")
	case utf8.RuneCount(f.body) > maxBody:
		return refuse(21617, "The message body exceeds the limit of 1600 characters")
	}
	if len(f.validFor) > 0 {
		if s, err := strconv.Atoi(string(f.validFor)); err != nil || s < 1 || s > 36000 {
			return refuse(21624, "ValidityPeriod must be between 1 and 36000 seconds")
		}
	}
	if len(f.callback) > 0 {
		full := f.callback
		if len(full) > maxCallback {
			return refuse(21609, "The StatusCallback URL is not valid: it is longer than 4096 bytes")
		}
		full, sub.fragment, _ = bytes.Cut(full, []byte{'#'})
		sub.base, sub.query, _ = bytes.Cut(full, []byte{'?'})
		if known := l.knownHook.Load(); known == nil || *known != string(sub.base) {
			base := string(sub.base)
			if _, err := hookURL(base); err != nil {
				return refuse(21609, "The StatusCallback URL is not valid: "+err.Error())
			}
			l.knownHook.Store(&base)
		}
	}
	f.text = string(f.body)
	sub.segments = segment.Measure(f.text).Segments
	return nil
}

// answer tells the caller what happened, unless the fault is that it does not.
func (l *Lab) answer(w http.ResponseWriter, r *http.Request, p *Profile, ill fault, f *form, m *message) {
	if p.AnswerDelayMS > 0 && !l.hold(ms(p.AnswerDelayMS)) {
		panic(http.ErrAbortHandler)
	}
	switch ill {
	case acceptTimeout:
		l.hang(r, ms(or(p.HangMS, 60_000)))
	case acceptReset:
		reset(w)
		return
	case serverErrorAccepted:
		serverError.write(w)
		return
	default:
	}
	h := w.Header()
	if ill == htmlAnswer {
		h.Set("Content-Type", "text/html")
		_, _ = w.Write([]byte("<!doctype html><title>Welcome</title><p>Please sign in to use this network."))
		return
	}
	h["Content-Type"] = jsonType
	if ill == emptyAnswer {
		w.WriteHeader(http.StatusCreated)
		return
	}
	told := m
	if ill == sameSID {
		first := *m
		first.n, told = 1, &first
	}
	b := l.appendMessage(f.answer[:0], told)
	f.answer = b
	switch ill {
	case badJSON:
		w.WriteHeader(http.StatusCreated)
		_, _ = w.Write(b[:len(b)/3])
	case hugeAnswer:
		w.WriteHeader(http.StatusCreated)
		l.flood(w, or(p.HugeMB, 16))
	case slowAnswer:
		w.WriteHeader(http.StatusCreated)
		l.drip(w, r, b, ms(or(p.SlowByteMS, 1000)))
	default:
		w.WriteHeader(http.StatusCreated)
		_, _ = w.Write(b)
	}
}

// flood writes an answer that is valid JSON so far but never gets to the point.
func (l *Lab) flood(w http.ResponseWriter, megabytes int) {
	_, err := w.Write([]byte(`{"filler":"`))
	filler := bytes.Repeat([]byte{'x'}, 1<<16)
	for i := 0; i < megabytes*16 && err == nil; i++ {
		_, err = w.Write(filler)
	}
}

// drip writes the answer byte by byte.
func (l *Lab) drip(w http.ResponseWriter, r *http.Request, b []byte, pause time.Duration) {
	rc := http.NewResponseController(w)
	t := time.NewTicker(pause)
	defer t.Stop()
	for i := range b {
		if _, err := w.Write(b[i : i+1]); err != nil || rc.Flush() != nil {
			return
		}
		select {
		case <-t.C:
		case <-r.Context().Done():
			return
		case <-l.stopped:
			return
		}
	}
}
