package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/store/sqldb"
)

// receiptChunk bounds one transaction: everybody else's writes wait for it on SQLite.
const receiptChunk = 500

// ApplyReceipts records what providers say later about messages they accepted. Each receipt is history once; a message only ever rises.
// A receipt proves that its attempt was accepted (R6): it settles the in-flight marker and takes the message out of the queue, so that a
// result that comes later finds nothing to do. A receipt about another sender's message changes nothing; one about a message or token
// that is not known here is kept for MatchOrphans. Applying a receipt again, or receipts in another order, ends in the same rows (I5, I6).
func (s *Store) ApplyReceipts(ctx context.Context, receipts []overture.Receipt, now time.Time) (overture.ReceiptTally, error) {
	var total overture.ReceiptTally
	for chunk := range slices.Chunk(receipts, receiptChunk) {
		tally, err := s.applyReceipts(ctx, chunk, now)
		if err != nil {
			return total, fmt.Errorf("apply receipts: %w", err)
		}
		total = total.Add(tally)
	}
	return total, nil
}

// applyReceipts works in one pass on SQLite. On PostgreSQL three things need locks before anything else is locked, or they would wait for
// the engine in a circle: an opt-out holds its brand, a message that waits in the queue without a marker holds its lane, so that no mark for it
// is written meanwhile, and so does one that takes from the lane's guard rails again. Such receipts, which are rare, have a pass of their own.
func (s *Store) applyReceipts(ctx context.Context, receipts []overture.Receipt, now time.Time) (overture.ReceiptTally, error) {
	if !s.db.Postgres() {
		tally, _, err := s.receiptPass(ctx, receipts, now, true)
		return tally, err
	}
	var ordinary, careful []overture.Receipt
	for _, r := range receipts {
		if r.OptOut {
			careful = append(careful, r)
		} else {
			ordinary = append(ordinary, r)
		}
	}
	tally, strays, err := s.receiptPass(ctx, ordinary, now, false)
	if err != nil {
		return tally, err
	}
	more, _, err := s.receiptPass(ctx, append(careful, strays...), now, true)
	return tally.Add(more), err
}

// receiptTries is how often a transaction is begun again after PostgreSQL chose it as the victim of a deadlock.
const receiptTries = 4

func (s *Store) receiptPass(ctx context.Context, receipts []overture.Receipt, now time.Time, careful bool) (tally overture.ReceiptTally, strays []overture.Receipt, err error) {
	if len(receipts) == 0 {
		return tally, nil, nil
	}
	if err := s.db.Prepare(ctx, receiptQueries(s)...); err != nil {
		return tally, nil, sqldb.Trouble(err)
	}
	for try := 1; ; try++ {
		b := &receiptBatch{store: s, now: now.UnixMilli(), careful: careful}
		err = s.db.TransactByKey(ctx, func(tx *sql.Tx) error { return b.run(context.WithoutCancel(ctx), tx, receipts) })
		var known *overture.Error
		if err == nil || try == receiptTries || !s.db.Postgres() || !errors.As(err, &known) || known.Code != "database_busy" {
			return b.tally, b.strays, err
		}
	}
}

// receiptBatch is one transaction's worth of receipts.
type receiptBatch struct {
	store   *Store
	now     int64
	careful bool
	counts  countDeltas
	tally   overture.ReceiptTally
	strays  []overture.Receipt // for a careful pass

	messages map[overture.MessageID]*receiptMessage
	history  []overture.Receipt
	settled  []*receiptMessage // their markers go
	unqueued []*receiptMessage // their dispatch rows go, wherever they stand in the queue
	raised   []*receiptMessage
	proven   []provenAttempt // that were given back as certainly not sent
	orphans  []overture.Receipt
}

// receiptMessage is a message with what is known about its attempts, and what the batch makes of it.
type receiptMessage struct {
	id       overture.MessageID
	account  overture.AccountID
	sender   overture.SenderID
	campaign overture.CampaignID
	lane     overture.LaneID
	address  overture.Address
	state    overture.State
	counted  sending // as it was read
	accepted sql.NullInt64
	code     int
	attempts int
	provider string
	marker   *receiptMarker
	history  []receiptAttempt

	to         overture.State
	toCode     int
	reason     string
	isRaised   bool
	isSettled  bool
	isUnqueued bool
}

type receiptMarker struct {
	due, epoch, started int64
	since               int64 // above 0: of a quarantine, which knows nothing of attempts after it
	attempt             int
	token               string
	outcome             string // of the attempt row that takes its place
	provider            string
}

type receiptAttempt struct {
	n         int
	token     string
	started   int64
	accepted  bool // known when it was written
	givenBack bool // it was held for certain that it was not sent
}

func (b *receiptBatch) run(ctx context.Context, tx *sql.Tx, receipts []overture.Receipt) error {
	b.counts = newCountDeltas()
	// Sorted, so that what is written does not depend on the order of arrival.
	receipts = slices.Clone(receipts)
	slices.SortFunc(receipts, func(a, c overture.Receipt) int {
		return cmp.Or(cmp.Compare(a.MessageID, c.MessageID), cmp.Compare(a.ProviderID, c.ProviderID), cmp.Compare(a.State, c.State), cmp.Compare(c.Code, a.Code))
	})
	if b.careful {
		if err := b.lock(ctx, tx, receipts); err != nil {
			return err
		}
	}
	if err := b.read(ctx, tx, receipts); err != nil {
		return err
	}
	for _, r := range receipts {
		b.decide(r)
	}
	fresh, err := b.write(ctx, tx)
	if err != nil {
		return err
	}
	if err := b.optOuts(ctx, tx, fresh); err != nil {
		return err
	}
	if err := b.takeAgain(ctx, tx); err != nil {
		return err
	}
	return b.store.writeCounts(ctx, tx, b.counts)
}

// decide says what one receipt does. It looks at the rows as they were, never at what other receipts of the batch do, so that their order
// does not matter.
func (b *receiptBatch) decide(r overture.Receipt) {
	m := b.messages[r.MessageID]
	if m == nil {
		if r.MessageID == 0 {
			b.tally.Foreign++ // a callback that carries no id of ours
			return
		}
		b.orphans = append(b.orphans, r)
		return
	}
	if m.account != r.AccountID || m.sender != r.SenderID {
		b.tally.Foreign++
		return
	}
	counts, known := m.concerns(r)
	if !known {
		b.orphans = append(b.orphans, r)
		return
	}
	proven := m.proves(r)
	if counts && m.state == overture.Queued && (m.marker == nil || proven != nil) && !b.careful {
		b.strays = append(b.strays, r)
		return
	}
	if n := len(b.history); n > 0 && b.history[n-1].MessageID == r.MessageID && b.history[n-1].ProviderID == r.ProviderID && b.history[n-1].State == r.State {
		b.tally.Repeated++ // the same twice in one batch; sorted, so the one with the higher code came first
		b.history[n-1].OptOut = b.history[n-1].OptOut || r.OptOut
	} else {
		b.history = append(b.history, r)
	}
	if counts {
		b.raise(m, r)
		b.prove(m, proven, r)
	}
}

// concerns tells whether the token is one of the message's, and whether the receipt says something about where the message stands. Words
// about an older attempt that was known to be accepted, after a person had the message sent again, are history only, unless they say that
// the person has it.
func (m *receiptMessage) concerns(r overture.Receipt) (counts, known bool) {
	if m.marker != nil && m.marker.token == "" { // of a quarantine: the attempt is not in our rows, and this is the proof that it was made
		m.marker.token = r.Token
	}
	if m.marker != nil && m.marker.token == r.Token {
		return true, true
	}
	newest := 0
	var of receiptAttempt
	for _, a := range m.history {
		newest = max(newest, a.n)
		if a.token == r.Token || a.token == "" && !known { // an attempt of a quarantine, held since: nobody knows its token
			of, known = a, true
		}
	}
	switch {
	case !known && m.provider != "" && m.provider == r.ProviderID: // found in the provider's record after our own was lost
		return m.state != overture.Queued, true
	case !known && m.marker != nil && m.marker.since > 0, // a later attempt, which the database has forgotten
		!known && m.state == overture.Held: // the same, and a person held what the quarantine doubted
		return true, true
	case !known:
		return false, false
	case r.State >= overture.Delivered:
		return true, true
	case of.accepted && m.state == overture.Queued:
		return false, true
	case m.marker == nil && of.n == newest:
		return true, true
	}
	return !of.accepted && r.State <= overture.Sent, true
}

// names tells whether the receipt says under which id the provider has the message: it carries the token of the latest attempt, while the
// answer to that attempt may have named another message.
func (m *receiptMessage) names(r overture.Receipt) bool {
	if m.marker != nil {
		return m.marker.token == r.Token
	}
	newest := receiptAttempt{}
	for _, a := range m.history {
		if a.n >= newest.n {
			newest = a
		}
	}
	return newest.token != "" && newest.token == r.Token
}

// raise moves the message up and ends its sending.
func (b *receiptBatch) raise(m *receiptMessage, r overture.Receipt) {
	if m.marker != nil {
		if !m.isSettled {
			m.isSettled = true
			m.marker.outcome = "unknown" // proven accepted through another attempt: nobody will know about this one
			b.settled = append(b.settled, m)
			b.tally.Settled++
		}
		if m.marker.token == r.Token {
			m.marker.outcome, m.marker.provider = "found", r.ProviderID
		}
		m.attempts = max(m.attempts, m.marker.attempt)
	} else if m.state == overture.Queued && !m.isUnqueued {
		m.isUnqueued = true
		b.unqueued = append(b.unqueued, m)
	}
	code, reason := 0, ""
	if r.State == overture.Undelivered {
		code, reason = r.Code, overture.ReasonUndelivered
		if r.OptOut {
			reason = overture.ReasonOptedOut
		}
	}
	if r.State < m.to || r.State == m.to && code <= m.toCode {
		return
	}
	m.to, m.toCode, m.reason = r.State, code, reason
	if m.provider == "" || m.names(r) {
		m.provider = r.ProviderID
	}
	if !m.isRaised {
		m.isRaised = true
		b.raised = append(b.raised, m)
	}
}

// optOuts records the people of whom a new receipt says that they stopped the brand. The brands are locked.
func (b *receiptBatch) optOuts(ctx context.Context, tx *sql.Tx, fresh func(overture.Receipt) bool) error {
	for _, r := range b.history {
		if !r.OptOut || !fresh(r) {
			continue
		}
		m := b.messages[r.MessageID]
		o := overture.OptOut{
			AccountID: m.account, Address: m.address, Source: overture.OptOutProvider,
			Evidence: fmt.Sprintf("%s code %d", m.id, r.Code), CreatedAt: time.UnixMilli(b.now),
		}
		if err := tx.QueryRowContext(ctx, `SELECT brand_id, channel FROM sender WHERE id = $1`, m.sender).Scan(&o.BrandID, &o.Channel); err != nil {
			return fmt.Errorf("brand of %s: %w", m.sender, err)
		}
		if _, err := b.store.applyOptOut(ctx, tx, o); err != nil {
			return err
		}
		b.tally.OptOuts++
	}
	return nil
}
