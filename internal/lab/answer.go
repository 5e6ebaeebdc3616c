package lab

import (
	"net/http"
	"strconv"
	"sync/atomic"
	"time"
)

// refusal is an answer in Twilio's error shape: the request was not accepted.
type refusal struct {
	code    int
	status  int
	message string
	after   int // Retry-After in seconds; negative: no such header
}

func refuse(code int, message string) *refusal {
	return &refusal{code: code, status: statusOf(code), message: message, after: -1}
}

// statusOf a code: 400 for all but the few of Twilio's 20xxx that repeat an HTTP status.
func statusOf(code int) int {
	switch code {
	case 20003:
		return http.StatusUnauthorized
	case 20404:
		return http.StatusNotFound
	case 20429:
		return http.StatusTooManyRequests
	case 20500:
		return http.StatusInternalServerError
	case 20503:
		return http.StatusServiceUnavailable
	}
	return http.StatusBadRequest
}

//nolint:gochecknoglobals // constant header values, shared so that an answer does not allocate them
var jsonType = []string{"application/json"}

func (f *refusal) write(w http.ResponseWriter) {
	b := append(make([]byte, 0, 256), `{"code":`...)
	b = appendInt(b, int64(f.code))
	b = appendField(b, `,"message":`, f.message)
	b = append(b, `,"more_info":"https://www.twilio.com/docs/errors/`...)
	b = appendInt(b, int64(f.code))
	b = append(b, `","status":`...)
	b = append(appendInt(b, int64(f.status)), '}')
	h := w.Header()
	h["Content-Type"] = jsonType
	if f.status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", `Basic realm="Twilio API"`)
	}
	if f.status == http.StatusTooManyRequests && f.after >= 0 {
		h.Set("Retry-After", strconv.Itoa(f.after))
	}
	w.WriteHeader(f.status)
	_, _ = w.Write(b) //nolint:gosec // JSON with its strings escaped
}

// appendMessage appends a message resource as the API shows it.
func (l *Lab) appendMessage(b []byte, m *message) []byte {
	id := l.sidOf(m.n)
	b = appendField(b, `{"sid":`, id)
	b = appendField(b, `,"account_sid":`, m.route.account)
	b = append(b, `,"api_version":"2010-04-01","status":"`...)
	b = append(b, m.status.String()...)
	b = append(b, `","direction":"outbound-api"`...)
	segments := int64(m.segments)
	if m.status == statusAccepted { // no sender picked yet
		b = append(b, `,"from":null`...)
		segments = 0
	} else {
		b = appendField(b, `,"from":`, m.route.from)
	}
	b = append(b, `,"to":"`...)
	b = append(m.to.append(b), '"')
	b = appendNullable(b, `,"messaging_service_sid":`, m.route.service)
	b = appendField(b, `,"body":`, m.body)
	b = append(b, `,"num_segments":"`...)
	b = appendInt(b, segments)
	b = append(b, `","num_media":"0","error_code":`...)
	if m.code == 0 {
		b = append(b, `null,"error_message":null`...)
	} else {
		b = appendInt(b, int64(m.code))
		b = appendField(b, `,"error_message":`, reasonOf(int(m.code)))
	}
	b = append(b, `,"price":null,"price_unit":null,"date_created":"`...)
	b = l.dates.append(b, m.accepted)
	b = append(b, `","date_updated":"`...)
	b = l.dates.append(b, m.updatedAt())
	b = append(b, `","date_sent":`...)
	if m.sent == 0 {
		b = append(b, "null"...)
	} else {
		b = append(b, '"')
		b = append(l.dates.append(b, m.accepted+int64(m.sent)-1), '"')
	}
	b = append(b, `,"uri":"/2010-04-01/Accounts/`...)
	b = append(b, m.route.account...)
	b = append(b, `/Messages/`...)
	b = append(b, id...)
	b = append(b, `.json","subresource_uris":{"media":"/2010-04-01/Accounts/`...)
	b = append(b, m.route.account...)
	b = append(b, `/Messages/`...)
	b = append(b, id...)
	return append(b, `/Media.json"}}`...)
}

// dates formats seconds as RFC 2822 in GMT; the last second is remembered, since almost every answer needs the current one.
type dates struct{ last atomic.Pointer[dated] }

type dated struct {
	second int64
	text   string
}

func (d *dates) append(b []byte, ms int64) []byte {
	second := ms / 1000
	if last := d.last.Load(); last != nil && last.second == second {
		return append(b, last.text...)
	}
	fresh := &dated{second: second, text: time.Unix(second, 0).UTC().Format(time.RFC1123Z)}
	d.last.Store(fresh)
	return append(b, fresh.text...)
}

// reasonOf gives short words for the codes the lab produces.
func reasonOf(code int) string {
	switch code {
	case 30003:
		return "Unreachable destination handset"
	case 30004:
		return "Message blocked"
	case 30005:
		return "Unknown destination handset"
	case 30006:
		return "Landline or unreachable carrier"
	case 30007:
		return "Message filtered"
	case 30008:
		return "Unknown error"
	case 21610:
		return optedOut
	}
	return "The message was not delivered"
}

const optedOut = "The recipient has opted out of messages from this sender"
