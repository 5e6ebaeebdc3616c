package lab

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// fetch is GET Messages/{sid}.json.
func (l *Lab) fetch(w http.ResponseWriter, r *http.Request) {
	l.count.fetched.Add(1)
	l.count.requests.Add(1)
	a, refused := l.authorize(r, r.PathValue("account"))
	if refused != nil {
		l.refuse(w, refused)
		return
	}
	id, ok := strings.CutSuffix(r.PathValue("message"), ".json")
	m, found := l.ledger.get(parseSID(l.ledger.key.Load(), id))
	if !ok || !found || m.route.account != a.sid {
		l.refuse(w, refuse(20404, "The requested resource was not found"))
		return
	}
	w.Header()["Content-Type"] = jsonType
	_, _ = w.Write(l.appendMessage(nil, &m)) //nolint:gosec // JSON with its strings escaped
}

// listing is a parsed list request. Times bound date_sent in Unix ms; unsent messages match only when both are open, as with Twilio,
// where a DateSent filter misses what is still queued.
type listing struct {
	to         number
	from       string
	after      int64 // sent at or after
	before     int64 // sent before; 0: open
	size, page int
	below      uint32 // only numbers below; 0: from the newest
}

func parseListing(q url.Values, key uint64) (listing, *refusal) {
	in := listing{from: q.Get("From"), size: 50}
	if to := q.Get("To"); to != "" {
		n, ok := parseNumber(to)
		if !ok {
			return in, refuse(21211, "The To number is not a valid phone number")
		}
		in.to = n
	}
	bad := refuse(20001, "A date must be YYYY-MM-DD or an ISO 8601 time, in GMT")
	for name, values := range q {
		if !strings.HasPrefix(name, "DateSent") || len(values) == 0 {
			continue
		}
		from, until, ok := parseDate(values[0])
		if !ok {
			return in, bad
		}
		switch name {
		case "DateSent":
			in.after, in.before = from, until
		case "DateSent>":
			in.after = from
		case "DateSent<":
			in.before = until
		}
	}
	if s := q.Get("PageSize"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 {
			return in, refuse(20001, "PageSize must be 1 to 1000")
		}
		in.size = min(n, 1000)
	}
	in.page, _ = strconv.Atoi(q.Get("Page"))
	if token := q.Get("PageToken"); token != "" {
		in.below = parseSID(key, strings.TrimPrefix(token, "PA"))
		if in.below == 0 {
			return in, refuse(20001, "PageToken is not one of this list: follow next_page_uri")
		}
	}
	return in, nil
}

// parseDate gives the span a date stands for in Unix ms: a whole day in GMT, or one second.
func parseDate(s string) (from, until int64, ok bool) {
	if t, err := time.Parse(time.DateOnly, s); err == nil {
		return t.UnixMilli(), t.AddDate(0, 0, 1).UnixMilli(), true
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", time.DateTime} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UnixMilli(), t.UnixMilli() + 1000, true
		}
	}
	return 0, 0, false
}

// list is GET Messages.json: newest first.
func (l *Lab) list(w http.ResponseWriter, r *http.Request) {
	l.count.requests.Add(1)
	a, refused := l.authorize(r, r.PathValue("account"))
	if refused != nil {
		l.refuse(w, refused)
		return
	}
	q := r.URL.Query()
	in, refused := parseListing(q, l.ledger.key.Load())
	if refused != nil {
		l.refuse(w, refused)
		return
	}
	p := l.profiles.Load().of(in.from)
	if l.listFault(w, r, p) {
		return
	}
	listed := time.Now().UnixMilli() - int64(p.ListLagMS)
	wanted := func(m *record, way *route) bool {
		if way.account != a.sid || in.from != "" && way.from != in.from || m.accepted > listed {
			return false
		}
		if in.after == 0 && in.before == 0 {
			return true
		}
		sent := m.accepted + int64(m.sent) - 1
		return m.sent != 0 && sent >= in.after && (in.before == 0 || sent < in.before)
	}
	rows, more := l.collect(in, wanted, share(mix(l.seed, 8, l.draws.Add(1))) < p.ListDuplicated)
	w.Header()["Content-Type"] = jsonType
	_, _ = w.Write(l.appendPage(nil, r.URL.Path, q, in, rows, more)) //nolint:gosec // as above
}

// listFault answers instead of the list when the profile says so.
func (l *Lab) listFault(w http.ResponseWriter, r *http.Request, p *Profile) bool {
	switch draw([]faultShare{{listError, p.ListError}, {listTimeout, p.ListTimeout}}, share(mix(l.seed, 9, l.draws.Add(1)))) {
	case listError:
		l.count.fault(listError)
		serverError.write(w)
	case listTimeout:
		l.count.fault(listTimeout)
		l.hang(r, ms(or(p.HangMS, 60_000)))
	default:
		return !l.hold(ms(p.LatencyMS))
	}
	return true
}

// collect finds one page and whether another follows. Twice lists every message twice, as a page that shifts under the reader would.
func (l *Lab) collect(in listing, wanted func(*record, *route) bool, twice bool) (rows []message, more bool) {
	l.ledger.find(in.to, in.below, wanted, func(m message) bool {
		if len(rows) >= in.size {
			more = true
			return false
		}
		rows = append(rows, m)
		if twice && len(rows) < in.size {
			rows = append(rows, m)
		}
		return true
	})
	return rows, more
}

func (l *Lab) appendPage(b []byte, path string, q url.Values, in listing, rows []message, more bool) []byte {
	link := func(page int, token string) string {
		v := url.Values{}
		for name, values := range q {
			v[name] = values
		}
		v.Set("PageSize", strconv.Itoa(in.size))
		v.Set("Page", strconv.Itoa(page))
		v.Del("PageToken")
		if token != "" {
			v.Set("PageToken", token)
		}
		return path + "?" + v.Encode()
	}
	b = append(b, `{"messages":[`...)
	for i := range rows {
		if i > 0 {
			b = append(b, ',')
		}
		b = l.appendMessage(b, &rows[i])
	}
	next := ""
	if more {
		next = link(in.page+1, "PA"+l.sidOf(rows[len(rows)-1].n))
	}
	b = appendField(b, `],"first_page_uri":`, link(0, ""))
	b = appendNullable(b, `,"next_page_uri":`, next)
	b = append(b, `,"previous_page_uri":null`...)
	b = appendField(b, `,"uri":`, path+"?"+q.Encode())
	b = append(b, `,"page":`...)
	b = appendInt(b, int64(in.page))
	b = append(b, `,"page_size":`...)
	b = appendInt(b, int64(in.size))
	b = append(b, `,"start":`...)
	b = appendInt(b, int64(in.page*in.size))
	b = append(b, `,"end":`...)
	b = appendInt(b, int64(in.page*in.size+max(len(rows)-1, 0)))
	return append(b, '}')
}
