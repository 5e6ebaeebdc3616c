package lab

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/overture-im/overture/internal/kit/twiliosign"
)

// policy is what the fragment of a webhook URL overrides: #rc= retries, rp= on what, ct= rt= tt= time-outs in ms.
type policy struct {
	retries              int
	connect, read        bool // retried: no connection; no answer in time
	clientErr, serverErr bool // retried: 4xx; 5xx
	timeout              time.Duration
}

// policyOf reads a fragment. Defaults are Twilio's: one retry, only when no connection came about; 5 s to connect and 15 s to answer.
func policyOf(fragment string) policy {
	p := policy{retries: 1, connect: true, timeout: 20 * time.Second}
	if fragment == "" {
		return p
	}
	v, err := url.ParseQuery(fragment)
	if err != nil {
		return p
	}
	if n, err := strconv.Atoi(v.Get("rc")); err == nil {
		p.retries = min(max(n, 0), 5)
	}
	if on := v.Get("rp"); on != "" {
		p.connect = false
		for word := range strings.SplitSeq(on, ",") {
			p.connect = p.connect || word == "ct" || word == "all"
			p.read = p.read || word == "rt" || word == "all"
			p.clientErr = p.clientErr || word == "4xx" || word == "all"
			p.serverErr = p.serverErr || word == "5xx" || word == "all"
		}
	}
	limit := func(key string, byDefault, most int) int {
		if n, err := strconv.Atoi(v.Get(key)); err == nil && n >= 100 && n <= most {
			return n
		}
		return byDefault
	}
	p.timeout = ms(limit("ct", 5000, 10_000) + limit("rt", 15_000, 15_000))
	p.timeout = min(p.timeout, ms(limit("tt", 20_000, 25_000)))
	return p
}

// called is how a webhook call ended.
type called struct {
	status    int  // 0: no answer
	connected bool // a connection came about
}

func (c called) ok() bool { return c.status >= 200 && c.status < 300 }

func (p policy) retriesAfter(c called) bool {
	switch {
	case c.status == 0 && !c.connected:
		return p.connect
	case c.status == 0:
		return p.read
	case c.status < 500:
		return p.clientErr
	default:
		return p.serverErr
	}
}

// post calls a webhook as Twilio does: form, signature over URL and parameters with the account's token.
func (l *Lab) post(ctx context.Context, target string, params url.Values, accountSID, idempotency string, timeout time.Duration) called {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	var c called
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { c.connected = true }})
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, target, strings.NewReader(params.Encode()))
	if err != nil {
		return c // checked when it was registered
	}
	token := ""
	if a := l.directory.Load().accounts[accountSID]; a != nil {
		token = a.token
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	req.Header.Set("User-Agent", "TwilioProxy/1.1 (carrier lab)")
	req.Header.Set(twiliosign.Header, twiliosign.Sign(token, target, params))
	req.Header.Set("I-Twilio-Idempotency-Token", idempotency)
	resp, err := l.client.Do(req)
	if err != nil {
		if errors.Is(err, errNotLoopback) {
			l.logger.Error("a webhook was not called", "error", errNotLoopback)
		}
		return c
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10))
	c.status = resp.StatusCode
	return c
}

var errNotLoopback = errors.New("the lab calls loopback addresses only")

// loopbackTransport refuses every connection that does not end on this machine, whatever a name resolves to.
func loopbackTransport(callers int) http.RoundTripper {
	d := &net.Dialer{Timeout: 5 * time.Second, Control: func(_, address string, _ syscall.RawConn) error {
		host, _, err := net.SplitHostPort(address)
		if err != nil {
			return err
		}
		if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
			return fmt.Errorf("%w, not %s", errNotLoopback, host)
		}
		return nil
	}}
	return &http.Transport{
		DialContext: d.DialContext, MaxIdleConns: callers, MaxIdleConnsPerHost: callers, MaxConnsPerHost: callers,
		IdleConnTimeout: time.Minute, DisableCompression: true,
	}
}

// loopbackName tells whether a URL's host stands for this machine.
func loopbackName(host string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// crew makes webhook calls until the queue is closed.
func (l *Lab) crew(ctx context.Context) {
	for {
		e, ok := l.queue.take()
		if !ok {
			return
		}
		if e.kind == kindReceipt {
			l.sendReceipt(ctx, e)
		} else {
			l.sendInbound(ctx, e)
		}
		l.done(e)
	}
}

// sendReceipt makes one try of a status callback.
func (l *Lab) sendReceipt(ctx context.Context, e event) {
	m, target, ok := l.ledger.lookCallback(e.gen, e.n)
	if !ok {
		return
	}
	l.count.callbacksTried.Add(1)
	way := policyOf(m.route.fragment)
	token := idempotencyToken(l.seed, uint64(e.n), uint64(e.at), uint64(e.gen))
	c := l.post(ctx, target, l.receiptParams(&m, e.at), m.route.account, token, way.timeout)
	if ctx.Err() != nil {
		return
	}
	now := time.Now().UnixMilli()
	switch {
	case c.ok():
		l.count.callbacksSent.Add(1)
		l.ledger.flag(e.n, 1<<(shiftHeard+e.at))
	case int(e.try) < way.retries && way.retriesAfter(c):
		again := e
		again.try, again.then, again.due = e.try+1, false, now+(200<<e.try)
		l.push(again)
	default:
		l.count.callbacksFailed.Add(1)
		l.logger.Debug("a status callback was given up", "status", c.status, "tries", e.try+1)
	}
	if e.then {
		l.payOwed(e.gen, e.n)
		l.moveOn(e.gen, &m, now)
	}
}

// receiptParams are the fields of a status callback.
func (l *Lab) receiptParams(m *message, at status) url.Values {
	id := l.sidOf(m.n)
	v := url.Values{
		"MessageSid": {id}, "SmsSid": {id}, "MessageStatus": {at.String()}, "SmsStatus": {at.String()}, "AccountSid": {m.route.account},
		"From": {m.route.from}, "To": {m.to.String()}, "ApiVersion": {"2010-04-01"},
	}
	if m.route.service != "" {
		v.Set("MessagingServiceSid", m.route.service)
	}
	if (at == statusUndelivered || at == statusFailed) && m.code != 0 {
		v.Set("ErrorCode", strconv.Itoa(int(m.code)))
		v.Set("ErrorMessage", reasonOf(int(m.code)))
	}
	if at == statusDelivered || at == statusUndelivered {
		v.Set("RawDlrDoneDate", time.UnixMilli(m.updatedAt()).UTC().Format("0601021504"))
	}
	return v
}

// idempotencyToken is the same for every try of one call.
func idempotencyToken(parts ...uint64) string {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%016x", mix(append(parts, 7)...))
	return b.String()
}
