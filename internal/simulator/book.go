package simulator

import (
	"cmp"
	"slices"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/kit/mutant"
)

// book is the model of the database: what internal/store does for the engine, in plain memory, one call per transaction. A differential
// test (book_test.go) holds it equal to the real store on both engines. Times are Unix milliseconds, as in the tables. Ids of senders,
// campaigns, lanes and messages count from 1, so that a row is found by its index. Not safe for concurrent use.
type book struct {
	clock func() int64 // the database's own clock, for leases

	senders   []senderRow
	campaigns []campaignRow
	lanes     []laneRow
	messages  []messageRow
	markers   int // rows in inflight
	// unanswered says that the connection breaks after this transaction: what a program did in a second one is lost.
	unanswered bool
	commits    int // transactions that changed something, the order of the oracle's log
	optOuts    map[personKey]int64
	talks      map[personKey]bool // open conversations
	stopped    bool               // the account's kill switch
	stoppedAll bool               // the installation's
	limits     overture.Rails     // of the account
	spent      map[int64]int64    // segments of campaigns by UTC day, where a day limit counts them
	quarantine []quarantineRow
	orphans    []overture.Receipt
	inbound    []inboundRow
	inboundID  map[string]int                     // provider's id → row
	lost       map[overture.MessageID]*messageRow // rows that went with lost transactions: somebody may still be sending them

	// granted hears that a campaign may spend its whole limit once more. Never nil.
	granted func(overture.CampaignID)
	// consent hears of opt-outs and opt-ins. Never nil.
	consent func(who personKey, out bool)
	// watch hears of every change of a state, also those of operators; the oracle listens. Never nil.
	watch func(m *messageRow, from, to overture.State, by string)
}

type personKey struct {
	brand   overture.BrandID
	address overture.Address
}

type senderRow struct {
	id      overture.SenderID
	brand   overture.BrandID
	account overture.AccountID
	rate    int
	stopped bool
	lease   overture.Lease
	expires int64 // of the lease
}

type campaignRow struct {
	id         overture.CampaignID
	account    overture.AccountID
	sender     overture.SenderID
	state      overture.CampaignState
	window     overture.Window
	launchAt   int64
	expiresAt  int64 // 0: never
	policy     overture.SendPolicy
	talk       overture.OpenConversationPolicy
	content    overture.Content
	through    overture.RecipientID
	planning   bool
	completed  int64           // 0: not yet
	rules      *overture.Rules // nil: none
	rails      overture.CampaignRails
	watch      overture.Watch
	recipients []overture.Recipient // frozen at launch
	counts     [overture.Read + 1]int
}

type laneRow struct {
	id       overture.LaneID
	account  overture.AccountID
	sender   overture.SenderID
	campaign overture.CampaignID
	state    overture.LaneState
	rate     int
	weight   int
	queue    []queueRow // the dispatch rows, in the order of the primary key

	allowance, budget limit
	barrier           string
	resent            int
	granted           int64 // segments that the spend limit ever allowed
}

// limit is a column that may be NULL: no limit.
type limit struct {
	there bool
	n     int64
}

type queueRow struct {
	due      int64
	message  overture.MessageID
	notAfter int64
}

type messageRow struct {
	id         overture.MessageID
	account    overture.AccountID
	campaign   overture.CampaignID
	recipient  overture.RecipientID
	sender     overture.SenderID
	lane       overture.LaneID
	address    overture.Address
	body       string
	zones      []string
	state      overture.State
	attempts   int
	segments   int
	providerID string
	code       int
	reason     string
	acceptedAt int64 // 0: NULL
	heldSince  int64 // when the attempt began that became held; 0: no row in held
	marker     markerRow
	history    []attemptRow
	receipts   []receiptRow
}

type markerRow struct {
	there    bool
	due      int64
	notAfter int64
	epoch    int64
	attempt  int
	token    string
	started  int64
	unknown  bool
	lookups  int
	lookupAt int64
	failed   int64 // how long lookups have failed
	since    int64 // of a quarantine: from when on the provider's record counts
}

type attemptRow struct {
	n          int
	token      string
	epoch      int64
	started    int64
	outcome    string
	code       int
	http       int
	providerID string
}

type receiptRow struct {
	provider string
	state    overture.State
	code     int
	optOut   bool
}

type inboundRow struct {
	account    overture.AccountID
	sender     overture.SenderID
	providerID string
	from       overture.Address
	wish       overture.WishKind
	entries    int // in conversations
	processed  bool
}

func newBook(clock func() int64) *book {
	return &book{
		clock: clock, optOuts: map[personKey]int64{}, talks: map[personKey]bool{}, spent: map[int64]int64{}, inboundID: map[string]int{},
		watch: func(*messageRow, overture.State, overture.State, string) {}, consent: func(personKey, bool) {}, granted: func(overture.CampaignID) {},
	}
}

func (b *book) sender(id overture.SenderID) *senderRow       { return &b.senders[id-1] }
func (b *book) campaign(id overture.CampaignID) *campaignRow { return &b.campaigns[id-1] }
func (b *book) lane(id overture.LaneID) *laneRow             { return &b.lanes[id-1] }

func (b *book) message(id overture.MessageID) *messageRow {
	if id < 1 || int(id) > len(b.messages) {
		return nil
	}
	if m := &b.messages[id-1]; m.sender != 0 {
		return m
	}
	return nil // its row went with a lost transaction
}

// ever gives a message also when its row is lost.
func (b *book) ever(id overture.MessageID) *messageRow {
	if m := b.lost[id]; m != nil {
		return m
	}
	return b.message(id)
}

// who names what must reach a person at most once: a place in a list, which keeps its name when its message is planned again, or an answer.
func (m *messageRow) who() int64 {
	if m.campaign != 0 {
		return int64(m.recipient) << 32
	}
	return int64(m.id)
}

// frozen are the rules of a campaign.
func (c *campaignRow) frozen() *overture.Rules {
	if mutant.On(mutant.RecipientWindowIgnored) && c.rules.For(addresses[0]).Longest() == 0 {
		return nil
	}
	return c.rules
}

func (b *book) brandOf(m *messageRow) personKey {
	return personKey{b.sender(m.sender).brand, m.address}
}

func byPlace(r queueRow, p queueRow) int {
	return cmp.Or(cmp.Compare(r.due, p.due), cmp.Compare(r.message, p.message))
}

func (l *laneRow) find(due int64, id overture.MessageID) (int, bool) {
	return slices.BinarySearchFunc(l.queue, queueRow{due: due, message: id}, byPlace)
}

func (l *laneRow) enqueue(r queueRow) {
	if i, there := l.find(r.due, r.message); !there {
		l.queue = slices.Insert(l.queue, i, r)
	}
}

func (l *laneRow) unqueue(due int64, id overture.MessageID) bool {
	i, there := l.find(due, id)
	if there {
		l.queue = slices.Delete(l.queue, i, i+1)
	}
	return there
}

// setState changes a state and moves the counter with it, in the same transaction (I16).
func (b *book) setState(m *messageRow, to overture.State, by string) {
	from := m.state
	m.state = to
	if m.campaign != 0 && from != to && (!b.unanswered || !mutant.On(mutant.CounterOutsideTx)) {
		c := b.campaign(m.campaign)
		c.counts[from]--
		c.counts[to]++
	}
	b.watch(m, from, to, by)
}

func (b *book) unmark(m *messageRow) {
	if m.marker.there {
		m.marker = markerRow{}
		b.markers--
	}
}

func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func moment(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}
