package lab

import (
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/url"
)

// Entry is an accepted message as the ledger tells it. Times are Unix ms.
type Entry struct {
	N            int64    `json:"n"` // 1, 2, 3 … in order of acceptance
	SID          string   `json:"sid"`
	MessageID    string   `json:"message_id"` // m in the query of StatusCallback
	Token        string   `json:"token"`      // t in the query of StatusCallback
	AccountSID   string   `json:"account_sid"`
	From         string   `json:"from"`
	ServiceSID   string   `json:"service_sid,omitempty"`
	To           string   `json:"to"`
	Body         string   `json:"body"`      // empty when it is no longer kept
	BodyHash     string   `json:"body_hash"` // first 32 hexadecimal digits of the SHA-256 of the text
	Segments     int      `json:"segments"`
	Status       string   `json:"status"`
	ErrorCode    int      `json:"error_code,omitempty"`
	RequestedAt  int64    `json:"requested_at"` // when the request arrived
	AcceptedAt   int64    `json:"accepted_at"`
	UpdatedAt    int64    `json:"updated_at"`
	Acknowledged []string `json:"acknowledged,omitempty"` // statuses whose callback was answered with 2xx
}

// EntryPage is a page of the ledger.
type EntryPage struct {
	Entries []Entry `json:"entries"`
	Next    int64   `json:"next"` // give it as after for the next page
	More    bool    `json:"more"`
}

// InboundEntry is a message a phone wrote. Times are Unix ms.
type InboundEntry struct {
	N              int64  `json:"n"`
	SID            string `json:"sid"`
	From           string `json:"from"`
	To             string `json:"to"`
	Body           string `json:"body"`
	WrittenAt      int64  `json:"written_at"`
	AcknowledgedAt int64  `json:"acknowledged_at"` // its webhook was answered with 2xx; 0: not
	Tries          int    `json:"tries"`
	GaveUp         bool   `json:"gave_up,omitempty"`
}

// InboundPage is a page of what phones wrote.
type InboundPage struct {
	Entries []InboundEntry `json:"entries"`
	Next    int64          `json:"next"`
	More    bool           `json:"more"`
}

func (l *Lab) entry(m *message) Entry {
	q, _ := url.ParseQuery(m.query)
	e := Entry{
		N: int64(m.n), SID: l.sidOf(m.n), MessageID: q.Get("m"), Token: q.Get("t"), AccountSID: m.route.account, From: m.route.from,
		ServiceSID: m.route.service, To: m.to.String(), Body: m.body, BodyHash: hex.EncodeToString(m.hash[:]), Segments: int(m.segments),
		Status: m.status.String(), ErrorCode: int(m.code), RequestedAt: m.accepted - int64(m.arrived), AcceptedAt: m.accepted, UpdatedAt: m.updatedAt(),
	}
	for s := range statusCount {
		if m.flags&(1<<(shiftHeard+s)) != 0 {
			e.Acknowledged = append(e.Acknowledged, s.String())
		}
	}
	return e
}

// controlLedger gives a page of the ledger, or with format=ndjson everything after the given entry, line by line.
func (l *Lab) controlLedger(w http.ResponseWriter, r *http.Request) {
	after, limit, err := pageOf(r)
	if err != nil {
		writeJSON(w, http.StatusBadRequest, map[string]string{"error": err.Error()})
		return
	}
	if r.URL.Query().Get("format") == "ndjson" {
		l.streamLedger(w, after)
		return
	}
	page := EntryPage{Entries: []Entry{}, Next: after}
	rows := l.ledger.page(uint32(after), limit+1)
	for i := range rows[:min(limit, len(rows))] {
		page.Entries = append(page.Entries, l.entry(&rows[i]))
		page.Next = int64(rows[i].n)
	}
	page.More = len(rows) > limit
	writeJSON(w, http.StatusOK, page)
}

func (l *Lab) streamLedger(w http.ResponseWriter, after int64) {
	w.Header().Set("Content-Type", "application/x-ndjson")
	out := json.NewEncoder(w)
	for {
		rows := l.ledger.page(uint32(after), 500)
		for i := range rows {
			if out.Encode(l.entry(&rows[i])) != nil {
				return // the reader is gone
			}
			after = int64(rows[i].n)
		}
		if len(rows) == 0 {
			return
		}
	}
}

func (l *Lab) controlInbound(r *http.Request) (any, error) {
	after, limit, err := pageOf(r)
	if err != nil {
		return nil, err
	}
	page := InboundPage{Entries: []InboundEntry{}, Next: after}
	l.phones.mu.Lock()
	defer l.phones.mu.Unlock()
	for i := int(after); i < len(l.phones.letters); i++ {
		if len(page.Entries) == limit {
			page.More = true
			break
		}
		m := l.phones.letters[i]
		page.Entries = append(page.Entries, InboundEntry{
			N: int64(i + 1), SID: l.sidOf(uint32(i+1) | inboundBit), From: m.from.String(), To: m.to, Body: m.body,
			WrittenAt: m.written, AcknowledgedAt: m.heard, Tries: m.tries, GaveUp: m.gaveUp,
		})
		page.Next = int64(i + 1)
	}
	return page, nil
}
