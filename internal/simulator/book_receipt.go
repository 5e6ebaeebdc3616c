package simulator

import (
	"cmp"
	"slices"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/kit/mutant"
)

// word is what a batch of receipts makes of one message. Decisions look at the row as it was before the batch, so that their order does
// not matter.
type word struct {
	m        *messageRow
	marker   markerRow
	was      overture.State
	to       overture.State
	code     int
	reason   string
	provider string
	attempts int
	raised   bool
	outcome  string // of the attempt row that takes the marker's place; empty: the marker stays
	found    string // provider id of that attempt
	unqueue  bool
	proven   map[int]string // attempts that were given back as certainly not sent, and were: the provider's ids
}

// ApplyReceipts is Store.ApplyReceipts for one chunk.
func (b *book) ApplyReceipts(receipts []overture.Receipt, now time.Time) overture.ReceiptTally {
	b.commits++
	var tally overture.ReceiptTally
	receipts = slices.Clone(receipts)
	slices.SortFunc(receipts, func(a, c overture.Receipt) int {
		return cmp.Or(cmp.Compare(a.MessageID, c.MessageID), cmp.Compare(a.ProviderID, c.ProviderID), cmp.Compare(a.State, c.State), cmp.Compare(c.Code, a.Code))
	})
	var words []*word
	var history []overture.Receipt
	for _, r := range receipts {
		m := b.message(r.MessageID)
		switch {
		case m == nil && r.MessageID == 0, m != nil && (m.account != r.AccountID || m.sender != r.SenderID):
			tally.Foreign++
			continue
		case m == nil:
			tally.Orphaned++
			b.orphan(r)
			continue
		}
		marker, provider := m.marker, m.providerID
		if n := len(words); n > 0 && words[n-1].m == m { // as the receipts before it left them
			marker, provider = words[n-1].marker, words[n-1].provider
		}
		counts, known := m.concerns(r, &marker, provider)
		if !known {
			tally.Orphaned++
			b.orphan(r)
			continue
		}
		if n := len(history); n > 0 && history[n-1].MessageID == r.MessageID && history[n-1].ProviderID == r.ProviderID && history[n-1].State == r.State {
			tally.Repeated++
			history[n-1].OptOut = history[n-1].OptOut || r.OptOut
		} else {
			history = append(history, r)
		}
		if !counts {
			continue
		}
		if n := len(words); n == 0 || words[n-1].m != m { // sorted by message
			words = append(words, &word{m: m, was: m.state, to: m.state, code: m.code, provider: m.providerID, attempts: m.attempts})
		}
		words[len(words)-1].marker = marker
		words[len(words)-1].raise(r)
		words[len(words)-1].prove(r)
	}
	b.takeAgain(words, now.UnixMilli())
	for _, w := range words {
		b.apply(w, now.UnixMilli(), &tally)
	}
	for _, r := range history {
		if !b.message(r.MessageID).keep(receiptRow{r.ProviderID, r.State, r.Code, r.OptOut}) {
			tally.Repeated++
		} else if r.OptOut {
			tally.OptOuts++
			b.optOut(b.brandOf(b.message(r.MessageID)), now.UnixMilli())
		}
	}
	return tally
}

// concerns tells whether a receipt belongs to an attempt of the message. A marker of a quarantine knows no token: the receipt is the proof
// that the attempt was made.
func (m *messageRow) concerns(r overture.Receipt, marker *markerRow, provider string) (counts, known bool) {
	if marker.there && marker.token == "" {
		marker.token = r.Token
	}
	if marker.there && marker.token == r.Token {
		return true, true
	}
	newest, n, accepted := 0, 0, false
	for _, a := range m.history {
		newest = max(newest, a.n)
		if a.token == r.Token || a.token == "" && !known { // an attempt of a quarantine, held since: nobody knows its token
			n, accepted, known = a.n, a.outcome == "accepted" || a.outcome == "found", true
		}
	}
	switch {
	case !known && provider != "" && provider == r.ProviderID: // found in the provider's record after our own was lost
		return m.state != overture.Queued, true
	case !known && marker.there && marker.since > 0, // a later attempt, which the database has forgotten
		!known && m.state == overture.Held: // the same, and a person held what the quarantine doubted
		return true, true
	case !known:
		return false, false
	case r.State >= overture.Delivered:
		return true, true
	case accepted && m.state == overture.Queued:
		return false, true
	case !marker.there && n == newest:
		return true, true
	}
	return !accepted && r.State <= overture.Sent, true
}

// givenBack are the outcomes after which a message is queued again because it was certainly not sent.
var givenBack = []string{"given_back", "throttled", "not_sent", "absent", "sender_refused"}

// prove notes an attempt of a queued message that was sent after all.
func (w *word) prove(r overture.Receipt) {
	if w.was != overture.Queued || w.marker.there && w.marker.token == r.Token {
		return
	}
	of := -1
	for i, a := range w.m.history {
		if a.token == r.Token || a.token == "" && of < 0 {
			of = i
		}
	}
	if of < 0 || !slices.Contains(givenBack, w.m.history[of].outcome) {
		return
	}
	if _, known := w.proven[of]; known {
		return
	}
	if w.proven == nil {
		w.proven = map[int]string{}
	}
	w.proven[of] = r.ProviderID
}

// takeAgain takes from the guard rails what those attempts gave back: today when a quarantine doubted them, else on the day of the mark, where it is
// counted.
func (b *book) takeAgain(words []*word, now int64) {
	daily := len(b.spent) > 0
	for _, doubted := range []bool{true, false} {
		for _, w := range words {
			for of, id := range w.proven {
				if a := &w.m.history[of]; (a.token == "") == doubted {
					a.outcome, a.providerID = "found", id
					b.takeAttempt(w.m, *a, daily, now)
				}
			}
		}
	}
}

func (b *book) takeAttempt(m *messageRow, a attemptRow, daily bool, now int64) {
	l, segments := b.lane(m.lane), int64(max(m.segments, 1))
	railed := daily || l.allowance.there || l.budget.there
	if !railed {
		return
	}
	l.allowance, l.budget = l.allowance.plus(-1), l.budget.plus(-segments)
	if l.campaign == 0 {
		return
	}
	if a.token == "" {
		b.spent[dayOf(now)] += segments
		return
	}
	if _, counted := b.spent[dayOf(a.started)]; counted {
		b.spent[dayOf(a.started)] += segments
	}
}

// newestToken is the token of the latest attempt in the history.
func (m *messageRow) newestToken() string {
	n, token := 0, ""
	for _, a := range m.history {
		if a.n >= n {
			n, token = a.n, a.token
		}
	}
	return token
}

func (w *word) raise(r overture.Receipt) {
	ours := w.marker.there && w.marker.token == r.Token
	if w.marker.there {
		if w.outcome == "" {
			w.outcome = "unknown" // proven accepted through another attempt: nobody will know about this one
		}
		if ours {
			w.outcome, w.found = "found", r.ProviderID
		}
		w.attempts = max(w.attempts, w.marker.attempt)
	} else if w.was == overture.Queued {
		w.unqueue = true
	}
	code, reason := 0, ""
	if r.State == overture.Undelivered {
		code, reason = r.Code, overture.ReasonUndelivered
		if r.OptOut {
			reason = overture.ReasonOptedOut
		}
	}
	if (r.State < w.to || r.State == w.to && code <= w.code) && !mutant.On(mutant.ReceiptRegression) {
		return
	}
	w.to, w.code, w.reason = r.State, code, reason
	if w.provider == "" || ours || !w.marker.there && w.m.newestToken() == r.Token {
		w.provider = r.ProviderID // which an answer may have called otherwise
	}
	w.raised = true
}

func (b *book) apply(w *word, now int64, tally *overture.ReceiptTally) {
	m := w.m
	if w.outcome != "" {
		tally.Settled++
		if mutant.On(mutant.ReceiptIgnoresMarker) {
			return
		}
		started := m.marker.started
		if m.marker.since > 0 && m.marker.token != "" { // a quarantine started the clock of our own attempt anew
			started = m.marker.since
		}
		b.unmark(m)
		b.lane(m.lane).unqueue(w.marker.due, m.id)
		m.attempt(attemptRow{n: w.marker.attempt, token: w.marker.token, epoch: w.marker.epoch, started: started, outcome: w.outcome, providerID: w.found})
	}
	if w.unqueue {
		l := b.lane(m.lane)
		l.queue = slices.DeleteFunc(l.queue, func(r queueRow) bool { return r.message == m.id })
	}
	if !w.raised {
		return
	}
	tally.Raised++
	m.code, m.reason, m.providerID, m.attempts = w.code, w.reason, w.provider, w.attempts
	if m.acceptedAt == 0 {
		m.acceptedAt = now
	}
	m.heldSince = 0
	b.setState(m, w.to, "receipt")
}

// keep writes a receipt once; fresh tells whether it says something new.
func (m *messageRow) keep(r receiptRow) (fresh bool) {
	for i, k := range m.receipts {
		if k.provider == r.provider && k.state == r.state {
			if r.code <= k.code && (k.optOut || !r.optOut) {
				return false
			}
			m.receipts[i].code, m.receipts[i].optOut = max(k.code, r.code), k.optOut || r.optOut
			return true
		}
	}
	m.receipts = append(m.receipts, r)
	return true
}

func (b *book) orphan(r overture.Receipt) {
	i := slices.IndexFunc(b.orphans, func(o overture.Receipt) bool {
		return o.SenderID == r.SenderID && o.ProviderID == r.ProviderID && o.State == r.State
	})
	if i < 0 {
		b.orphans = append(b.orphans, r)
		return
	}
	b.orphans[i].Code, b.orphans[i].OptOut = max(b.orphans[i].Code, r.Code), b.orphans[i].OptOut || r.OptOut
}

// MatchOrphans applies receipts that came before their message or attempt was known, and drops those older than a day.
func (b *book) MatchOrphans(now time.Time) overture.ReceiptTally {
	if len(b.orphans) == 0 {
		return overture.ReceiptTally{}
	}
	b.commits++
	since := now.Add(-24 * time.Hour).UnixMilli()
	var ripe, rest []overture.Receipt
	for _, o := range b.orphans {
		m := b.message(o.MessageID)
		_, known := false, false
		if m != nil {
			marker := m.marker
			_, known = m.concerns(o, &marker, m.providerID)
			known = known || m.sender != o.SenderID
		}
		switch {
		case o.ReceivedAt.UnixMilli() < since:
		case known:
			ripe = append(ripe, o)
		default:
			rest = append(rest, o)
		}
	}
	b.orphans = rest
	if len(ripe) == 0 {
		return overture.ReceiptTally{}
	}
	return b.ApplyReceipts(ripe, now)
}
