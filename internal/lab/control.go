package lab

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// control is the API under /lab/, by which demo, tests and people run the lab. It has no password: the lab is reachable on loopback only.
func (l *Lab) control() http.Handler {
	mux := http.NewServeMux()
	handle := func(pattern string, f func(*http.Request) (any, error)) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			r.Body = http.MaxBytesReader(w, r.Body, 16<<20)
			out, err := f(r)
			if err != nil {
				writeJSON(w, http.StatusBadRequest, map[string]string{"error": err.Error()})
				return
			}
			if out == nil {
				out = struct{}{}
			}
			writeJSON(w, http.StatusOK, out)
		})
	}
	handle("GET /lab/health", func(*http.Request) (any, error) {
		if err := l.ledger.journal.trouble(); err != nil {
			return nil, fmt.Errorf("the ledger file cannot be written, free space and start a new lab: %w", err)
		}
		return map[string]string{"status": "ok"}, nil
	})
	handle("POST /lab/accounts", l.controlAccount)
	handle("PUT /lab/numbers/{number}", l.controlNumber)
	handle("GET /lab/profile", l.controlReadProfile)
	handle("PUT /lab/profile", l.controlProfile)
	handle("GET /lab/scripts", func(*http.Request) (any, error) { return scriptsBody{l.script.Load().rules}, nil })
	handle("PUT /lab/scripts", l.controlScripts)
	handle("GET /lab/ledger/summary", func(*http.Request) (any, error) { return l.summary(), nil })
	handle("GET /lab/inbound", l.controlInbound)
	handle("GET /lab/phones/{number}", l.controlPhone)
	handle("POST /lab/phones/{number}/messages", l.controlWrite)
	handle("POST /lab/drain", l.controlDrain)
	handle("POST /lab/reset", l.controlReset)
	mux.HandleFunc("GET /lab/ledger", l.controlLedger)
	mux.HandleFunc("/lab/", func(w http.ResponseWriter, r *http.Request) {
		writeJSON(w, http.StatusNotFound, map[string]string{"error": r.Method + " " + r.URL.Path + " is not a call of the lab: try GET /lab/ledger/summary"})
	})
	return mux
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header()["Content-Type"] = jsonType
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

// read decodes a body strictly: a misspelt field would otherwise be a fault that never happens.
func read(r *http.Request, into any) error {
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		if errors.Is(err, io.EOF) {
			return errors.New("the body is empty: send JSON")
		}
		return fmt.Errorf("the body is not the JSON this call takes: %w", err)
	}
	return nil
}

type accountBody struct {
	SID   string `json:"sid"`
	Token string `json:"token"`
}

func (l *Lab) controlAccount(r *http.Request) (any, error) {
	var in accountBody
	if err := read(r, &in); err != nil {
		return nil, err
	}
	return nil, l.addAccount(in.SID, in.Token)
}

func (l *Lab) controlNumber(r *http.Request) (any, error) {
	var in Number
	if err := read(r, &in); err != nil {
		return nil, err
	}
	if in.Number != "" && in.Number != r.PathValue("number") {
		return nil, errors.New("the number in the body is not the one in the path: leave it out of the body")
	}
	in.Number = r.PathValue("number")
	return nil, l.setNumber(in)
}

func (l *Lab) controlReadProfile(r *http.Request) (any, error) {
	return l.profiles.Load().of(senderParam(r)), nil
}

// senderParam reads ?sender=; a plus that was not escaped is taken for what it was meant to be.
func senderParam(r *http.Request) string {
	s := r.URL.Query().Get("sender")
	if rest, ok := strings.CutPrefix(s, " "); ok {
		return "+" + rest
	}
	return s
}

func (l *Lab) controlProfile(r *http.Request) (any, error) {
	var in Profile
	if err := read(r, &in); err != nil {
		return nil, err
	}
	return nil, l.setProfile(senderParam(r), in)
}

type scriptsBody struct {
	Rules []Rule `json:"rules"`
}

func (l *Lab) controlScripts(r *http.Request) (any, error) {
	var in scriptsBody
	if err := read(r, &in); err != nil {
		return nil, err
	}
	return nil, l.setScripts(in.Rules)
}

func (l *Lab) controlPhone(r *http.Request) (any, error) {
	n, err := pathNumber(r)
	if err != nil {
		return nil, err
	}
	return l.phone(n), nil
}

type writeBody struct {
	To   string `json:"to"`
	Body string `json:"body"`
}

type writtenBody struct {
	SID string `json:"sid"`
}

func (l *Lab) controlWrite(r *http.Request) (any, error) {
	var in writeBody
	n, err := pathNumber(r)
	if err == nil {
		err = read(r, &in)
	}
	if err != nil {
		return nil, err
	}
	id, err := l.write(n, in.To, in.Body)
	return writtenBody{id}, err
}

func pathNumber(r *http.Request) (number, error) {
	n, ok := parseNumber(r.PathValue("number"))
	if !ok {
		return 0, fmt.Errorf("%q is no phone number: write it as +12125550123", r.PathValue("number"))
	}
	return n, nil
}

// pageOf reads ?after= and ?limit=.
func pageOf(r *http.Request) (after int64, limit int, err error) {
	q := r.URL.Query()
	limit = 1000
	if s := q.Get("after"); s != "" {
		if after, err = strconv.ParseInt(s, 10, 64); err != nil || after < 0 || after >= inboundBit {
			return 0, 0, errors.New("after is the n of the last entry you have: give a number, 0 to begin")
		}
	}
	if s := q.Get("limit"); s != "" {
		if limit, err = strconv.Atoi(s); err != nil || limit < 1 || limit > 10_000 {
			return 0, 0, errors.New("limit is 1 to 10000")
		}
	}
	return after, limit, nil
}

type drainBody struct {
	WaitMS int `json:"wait_ms"`
}

// Drained is the answer of a drain.
type Drained struct {
	Drained bool    `json:"drained"` // nothing is pending
	Pending Pending `json:"pending"` // what is, when the time was over first
}

func (l *Lab) controlDrain(r *http.Request) (any, error) {
	var in drainBody
	if err := read(r, &in); err != nil {
		return nil, err
	}
	if in.WaitMS < 0 || in.WaitMS > 3_600_000 {
		return nil, errors.New("wait_ms is 0 to 3600000")
	}
	return l.drain(r, ms(in.WaitMS)), nil
}

// drain waits until nothing is pending. It looks every few milliseconds: whoever drains is a test or a person.
func (l *Lab) drain(r *http.Request, wait time.Duration) Drained {
	end := time.NewTimer(wait)
	defer end.Stop()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for {
		if p := l.pendingWork(); p.Total() == 0 {
			return Drained{Drained: true}
		}
		select {
		case <-tick.C:
		case <-end.C:
			return l.notDrained()
		case <-r.Context().Done():
			return l.notDrained()
		case <-l.stopped:
			return l.notDrained()
		}
	}
}

func (l *Lab) notDrained() Drained {
	p := l.pendingWork()
	return Drained{Drained: p.Total() == 0, Pending: p}
}

type resetBody struct {
	All bool `json:"all"`
}

func (l *Lab) controlReset(r *http.Request) (any, error) {
	var in resetBody
	if err := read(r, &in); err != nil {
		return nil, err
	}
	return nil, l.reset(in.All)
}

// reset forgets messages, phones, opt-outs, counts and everything pending; with all also accounts, numbers, profiles and scripts.
func (l *Lab) reset(all bool) error {
	if err := l.ledger.reset(randomKey()); err != nil {
		return err
	}
	l.phones.reset()
	for _, e := range append(l.agenda.clear(), l.queue.clear()...) {
		l.done(e)
	}
	l.count.reset()
	if all {
		l.directoryMu.Lock()
		l.directory.Store(emptyDirectory())
		l.profiles.Store(&profiles{})
		l.directoryMu.Unlock()
		return l.setScripts(nil)
	}
	// The new file gets what is kept.
	j, d, p := l.ledger.journal, l.directory.Load(), l.profiles.Load()
	for _, id := range sortedKeys(d.accounts) {
		j.note(line{Kind: lineAccount, SID: id, Token: d.accounts[id].token})
	}
	for _, name := range sortedKeys(d.senders) {
		j.note(line{Kind: lineNumber, Number: &d.senders[name].Number})
	}
	j.note(line{Kind: lineProfile, Profile: &p.global})
	for _, name := range sortedKeys(p.bySender) {
		j.note(line{Kind: lineProfile, Sender: name, Profile: p.bySender[name]})
	}
	return l.setScripts(l.script.Load().rules) // faults that play once may play again
}
