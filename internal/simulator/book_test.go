package simulator

import (
	"context"
	"database/sql"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/store"
	"github.com/overture-im/overture/internal/store/storetest"
)

// pair is the model and the real store side by side. Every round of the property has an account, a brand, senders, campaigns, lanes and
// recipients of its own in the one store: their ids are base plus the model's.
type pair struct {
	*rapid.T
	b      *book
	s      *store.Store
	base   int64
	real   map[overture.MessageID]overture.MessageID // model → store
	model  map[overture.MessageID]overture.MessageID
	leases []overture.Lease // of the model, also lost ones
	now    time.Time
	caps   bool // most marks have one
	n      int  // makes times, tokens and provider ids differ
}

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

var (
	rounds     int64
	roundsLock sync.Mutex
)

// TestModelEqualsStore drives the simulator's model of the database and the real store with the same random calls and compares answers,
// rows and counters after each. It runs on SQLite, and on PostgreSQL when storetest does.
func TestModelEqualsStore(t *testing.T) {
	s := storetest.Open(t)
	if f := flag.Lookup("rapid.checks"); f != nil && f.Value.String() == f.DefValue { // a round is a thousand statements
		few := map[bool]string{false: "50", true: "20"}[storetest.OnPostgres()]
		if err := f.Value.Set(few); err != nil {
			t.Fatal(err)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		roundsLock.Lock()
		rounds++
		base := rounds * 10_000
		roundsLock.Unlock()
		p := newPair(t, s, base)
		actions := map[string]func(*rapid.T){
			"plan": p.plan, "acquire": p.acquire, "release": p.release, "adopt": p.adopt, "commit": p.commit, "commit again": p.commit, "commit more": p.commit,
			"commit still": p.commit, "receipts again": p.receipts,
			"read": p.read, "doubts": p.doubts, "receipts": p.receipts, "orphans": p.orphans, "opt out": p.optOut, "opt in": p.optIn, "talk": p.talk,
			"campaign": p.life, "remainder": p.remainder, "finish": p.finish, "resolve": p.resolve, "retry": p.retry, "stop": p.stop,
			"take over": p.takeOver, "inbound": p.inbound, "direct": p.direct,
			"kill": p.kill, "day": p.day, "guard": p.guard, "guard again": p.guard, "go back": p.goBack, "doubt": p.doubt, "let go": p.letGo,
		}
		defer p.end()
		p.caps = rapid.IntRange(0, 2).Draw(t, "caps") == 0
		for _, calm := range [][]string{{"kill"}, {"go back", "doubt", "let go"}, {"guard", "guard again", "day"}, {"campaign", "stop"}} {
			if rapid.IntRange(0, 2).Draw(t, "calm") > 0 { // where everything is closed nothing is seen
				for _, name := range calm {
					delete(actions, name)
				}
			}
		}
		p.begin(t)
		for range rapid.IntRange(20, 60).Draw(t, "steps") {
			p.now = p.now.Add(time.Duration(rapid.IntRange(1, 90_000).Draw(t, "later")) * time.Millisecond)
			name := rapid.SampledFrom(slices.Sorted(maps.Keys(actions))).Draw(t, "call")
			actions[name](t)
			p.compare(name)
		}
	})
}

func newPair(t *rapid.T, s *store.Store, base int64) *pair {
	p := &pair{
		T: t, b: nil, s: s, base: base, now: noon,
		real: map[overture.MessageID]overture.MessageID{}, model: map[overture.MessageID]overture.MessageID{},
	}
	p.b = newBook(func() int64 { return time.Now().UnixMilli() }) // PostgreSQL's clock for leases; all of them are an hour long or over
	account, brand := overture.AccountID(base), overture.BrandID(base)
	p.exec(`INSERT INTO account (id, name, enabled, settings, created_at) VALUES ($1, 'a', TRUE, '{}', 0)`, base)
	p.exec(`INSERT INTO brand (id, account_id, name, created_at) VALUES ($1, $1, 'b', 0)`, base)
	for i := int64(1); i <= 2; i++ {
		p.b.senders = append(p.b.senders, senderRow{id: overture.SenderID(i), brand: brand, account: account, rate: 10})
		p.exec(`INSERT INTO sender (id, account_id, brand_id, name, channel, provider, address, base_url, account_sid, sealed_credentials, messaging_service_sid,
			webhook_key, rate, stopped, stop_reason, created_at) VALUES ($1, $2, $2, 's', 'sms', 'twilio', $3, '', '', '', '', $4, 10, FALSE, '', 0)`,
			base+i, base, fmt.Sprintf("+1500555%04d", i), fmt.Sprint("key", base+i))
	}
	policies := []overture.SendPolicy{overture.Safe, overture.MustReach}
	talks := []overture.OpenConversationPolicy{overture.OpenConversationSkip, overture.OpenConversationHold, overture.OpenConversationDeliver}
	for i := int64(1); i <= 3; i++ {
		sender := overture.SenderID(1 + i%2)
		c := campaignRow{
			account: account, sender: sender, window: overture.AlwaysOpen(), launchAt: noon.UnixMilli(), policy: policies[i%2], talk: talks[i%3],
			content: overture.Content{Text: "Hello", OptOutText: "Reply STOP"},
		}
		window, _ := json.Marshal(c.window)
		p.exec(`INSERT INTO campaign (id, account_id, brand_id, name, channel, sender_id, skill_id, text, opt_out_text, smart_encoding, state, launch_at, send_window, rate,
			lookback, policy, open_conversation, reason, recipient_count, list_hash, content_hash, created_by, created_at, updated_at, launched_at, planned_through, planning)
			VALUES ($1, $2, $2, 'c', 'sms', $3, 0, 'Hello', 'Reply STOP', FALSE, 'running', $4, $5, 0, 0, $6, $7, '', 12, '', '', 0, $4, $4, $4, 0, TRUE)`,
			base+i, base, base+int64(sender), c.launchAt, string(window), string(c.policy), string(c.talk))
		for k := range int64(12) {
			r := overture.Recipient{ID: overture.RecipientID(i*100 + k), Address: address(int(k)), Segments: 1 + int(k)%3}
			c.recipients = append(c.recipients, r)
			p.exec(`INSERT INTO recipient (id, account_id, campaign_id, import_id, row_number, address, zones, zone_source, text, vars, segments)
				VALUES ($1, $2, $3, 0, $4, $5, '', 'number', '', '', $6)`, base+int64(r.ID), base, base+i, k+1, string(r.Address), r.Segments)
			p.exec(`INSERT INTO recipient_address (address, campaign_id, recipient_id) VALUES ($1, $2, $3)`, string(r.Address), base+i, base+int64(r.ID))
		}
		p.railed(i, &c)
		lane := p.b.launch(c, int(i))
		p.writeRails(p.b.campaign(overture.CampaignID(i)))
		p.b.campaigns[i-1].state = overture.Running
		p.insertLane(lane)
	}
	for i := int64(1); i <= 2; i++ {
		p.insertLane(p.b.openLane(overture.SenderID(i), 0, 0))
	}
	return p
}

func address(i int) overture.Address { return overture.Address(fmt.Sprintf("+1212555%04d", 100+i)) }

func (p *pair) insertLane(id overture.LaneID) {
	l := p.b.lane(id)
	kind, campaign := "campaign", p.base+int64(l.campaign)
	if l.campaign == 0 {
		kind, campaign = "reply", 0
	}
	p.exec(`INSERT INTO lane (id, account_id, sender_id, campaign_id, kind, state, rate, weight, allowance, budget, granted) VALUES ($1, $2, $3, $4, $5, 'open', $6, 1, $7, $8, $9)`,
		p.base+int64(id), p.base, p.base+int64(l.sender), campaign, kind, l.rate, l.allowance.arg(), l.budget.arg(), l.granted)
}

func (p *pair) exec(query string, args ...any) {
	p.Helper()
	if _, err := p.s.DB().Write.ExecContext(context.Background(), query, args...); err != nil {
		p.Fatalf("%s: %v", query, err)
	}
}

func (p *pair) no(err error) {
	p.Helper()
	if err != nil {
		p.Fatal(err)
	}
}

func (p *pair) same(what string, model, real any) {
	p.Helper()
	if !reflect.DeepEqual(model, real) {
		p.Fatalf("%s:\nmodel %+v\nstore %+v", what, model, real)
	}
}

// The ids of the store.

func (p *pair) sender(id overture.SenderID) overture.SenderID { return id + overture.SenderID(p.base) }

func (p *pair) place(x overture.Place) overture.Place {
	x.LaneID += overture.LaneID(p.base)
	if id, ok := p.real[x.MessageID]; ok {
		x.MessageID = id
	}
	return x
}

func (p *pair) lease(l overture.Lease) overture.Lease {
	l.SenderID = p.sender(l.SenderID)
	return l
}

func (p *pair) actor() overture.Actor { return overture.Actor{AccountID: overture.AccountID(p.base)} }

// Draws.

func (p *pair) anySender(t *rapid.T) overture.SenderID {
	return overture.SenderID(rapid.IntRange(1, 2).Draw(t, "sender"))
}

func (p *pair) anyCampaign(t *rapid.T) overture.CampaignID {
	return overture.CampaignID(rapid.IntRange(1, 3).Draw(t, "campaign"))
}

func (p *pair) anyMessage(t *rapid.T) *messageRow {
	if len(p.b.messages) == 0 {
		return nil
	}
	return &p.b.messages[rapid.IntRange(0, len(p.b.messages)-1).Draw(t, "message")]
}

// anyTried is a message that was marked at least once, nil when there is none.
func (p *pair) anyTried(t *rapid.T) *messageRow {
	var tried []*messageRow
	for i := range p.b.messages {
		if m := &p.b.messages[i]; m.marker.there || len(m.history) > 0 {
			tried = append(tried, m)
		}
	}
	if len(tried) == 0 {
		return nil
	}
	return tried[rapid.IntRange(0, len(tried)-1).Draw(t, "tried")]
}

func (p *pair) next() int { p.n++; return p.n }

func (p *pair) soon() time.Time { return p.now.Add(time.Duration(p.next()) * time.Millisecond) }

func (p *pair) anyLease(t *rapid.T) overture.Lease {
	if len(p.leases) == 0 {
		return overture.Lease{SenderID: 1, Owner: "nobody", Epoch: 1}
	}
	at := len(p.leases) - 1 - min(rapid.IntRange(0, 6).Draw(t, "lease"), len(p.leases)-1)
	return p.leases[at]
}

// The calls.

// begin plans every list and gives both senders an owner, so that all further calls find work.
func (p *pair) begin(t *rapid.T) {
	for range 6 {
		p.plan(t)
	}
	for len(p.leases) < 2 {
		p.acquire(t)
	}
	p.compare("beginning")
}

func (p *pair) plan(t *rapid.T) {
	plannings := p.b.Plannings()
	if len(plannings) == 0 {
		return
	}
	x := rapid.SampledFrom(plannings).Draw(t, "planning")
	recipients := p.b.RecipientsToPlan(x, rapid.IntRange(1, 6).Draw(t, "chunk"))
	if rapid.IntRange(0, 9).Draw(t, "stale") == 0 {
		x.Through++ // another node was faster
	}
	var planned []overture.PlannedMessage
	for _, r := range recipients {
		m := overture.PlannedMessage{RecipientID: r.ID, Address: r.Address, Segments: r.Segments, Due: p.now.Add(-time.Duration(p.next()) * time.Millisecond)}
		if rapid.IntRange(0, 5).Draw(t, "window") > 0 {
			m.NotAfter = p.now.Add(time.Hour)
		}
		planned = append(planned, m)
	}
	last := len(recipients) == 0 || rapid.IntRange(0, 4).Draw(t, "last") == 0
	ok := p.b.WritePlan(x, planned, last)
	x.CampaignID, x.AccountID, x.SenderID = x.CampaignID+overture.CampaignID(p.base), overture.AccountID(p.base), p.sender(x.SenderID)
	if x.Through > 0 {
		x.Through += overture.RecipientID(p.base)
	}
	for i := range planned {
		planned[i].RecipientID += overture.RecipientID(p.base)
	}
	realOK, err := p.s.WritePlan(t.Context(), x, planned, last, p.now)
	p.no(err)
	p.same("WritePlan", ok, realOK)
	p.learn()
}

// learn reads the ids of new campaign messages.
func (p *pair) learn() {
	rows, err := p.s.DB().Read.QueryContext(context.Background(), `SELECT id, campaign_id, recipient_id FROM message WHERE account_id = $1 AND campaign_id > 0`, p.base)
	p.no(err)
	defer rows.Close()
	for rows.Next() {
		var id overture.MessageID
		var campaign overture.CampaignID
		var recipient overture.RecipientID
		p.no(rows.Scan(&id, &campaign, &recipient))
		for i := range p.b.messages {
			if m := &p.b.messages[i]; m.campaign == campaign-overture.CampaignID(p.base) && m.recipient == recipient-overture.RecipientID(p.base) {
				p.real[m.id], p.model[id] = id, m.id
			}
		}
	}
	p.no(rows.Err())
}

func (p *pair) acquire(t *rapid.T) {
	sender, owner := p.anySender(t), fmt.Sprint(rapid.SampledFrom([]string{"one", "two"}).Draw(t, "owner"), p.base)
	ttl := rapid.SampledFrom([]time.Duration{time.Hour, -time.Hour}).Draw(t, "ttl")
	if row := p.b.sender(sender); !storetest.OnPostgres() && row.lease.Owner != owner && row.lease.Owner != "" && row.expires >= p.b.clock() {
		return // the only process on SQLite takes over at once; the model is PostgreSQL's
	}
	l, ok := p.b.AcquireLease(sender, owner, ttl)
	real, realOK, err := p.s.AcquireLease(t.Context(), p.sender(sender), owner, ttl)
	p.no(err)
	p.same("AcquireLease", ok, realOK)
	if ok {
		p.same("lease", p.lease(l), real)
		p.leases = append(p.leases, l)
	}
}

// takeOver lets another node have a sender and adopt what is in flight.
func (p *pair) takeOver(t *rapid.T) {
	if len(p.leases) == 0 {
		return
	}
	last := p.leases[len(p.leases)-1]
	p.b.ReleaseLease(last)
	p.no(p.s.ReleaseLease(t.Context(), p.lease(last)))
	p.acquire(t)
	for i := range p.b.senders {
		l := p.b.senders[i].lease
		if l.Owner == "" {
			continue
		}
		n, err := p.s.AdoptInflight(t.Context(), p.lease(l), p.now, time.Minute)
		p.no(err)
		p.same("AdoptInflight", p.b.AdoptInflight(l, p.now, time.Minute), n)
	}
}

func (p *pair) release(t *rapid.T) {
	l := p.anyLease(t)
	p.b.ReleaseLease(l)
	p.no(p.s.ReleaseLease(t.Context(), p.lease(l)))
}

func (p *pair) adopt(t *rapid.T) {
	l := p.anyLease(t)
	n, err := p.s.AdoptInflight(t.Context(), p.lease(l), p.now, 2*time.Minute)
	p.no(err)
	p.same("AdoptInflight", p.b.AdoptInflight(l, p.now, 2*time.Minute), n)
}

// commit makes one round of the engine for one or two leases, each message in it at most once.
func (p *pair) commit(t *rapid.T) {
	var work []overture.SenderWork
	used := map[overture.MessageID]bool{}
	for range rapid.IntRange(1, 2).Draw(t, "senders") {
		l := p.anyLease(t)
		if slices.ContainsFunc(work, func(w overture.SenderWork) bool { return w.Lease.SenderID == l.SenderID }) {
			continue
		}
		w := overture.SenderWork{Lease: l, BrandID: overture.BrandID(p.base), AccountID: overture.AccountID(p.base), Channel: overture.SMS}
		for range rapid.IntRange(1, 5).Draw(t, "items") {
			m := p.anyMessage(t)
			if tried := p.anyTried(t); tried != nil && rapid.Bool().Draw(t, "again") {
				m = tried
			}
			if m == nil || used[m.id] || m.sender != l.SenderID {
				continue
			}
			used[m.id] = true
			p.work(t, &w, m)
		}
		work = append(work, w)
	}
	slices.SortFunc(work, func(a, b overture.SenderWork) int { return int(a.Lease.SenderID - b.Lease.SenderID) }) // as a node does
	results := p.b.Commit(p.now, work)
	translated := make([]overture.SenderWork, len(work))
	for i, w := range work {
		w.Lease = p.lease(w.Lease)
		w.Marks, w.Settlements, w.Moves = slices.Clone(w.Marks), slices.Clone(w.Settlements), slices.Clone(w.Moves)
		for k := range w.Marks {
			w.Marks[k].Place = p.place(w.Marks[k].Place)
		}
		for k := range w.Settlements {
			w.Settlements[k].Place = p.place(w.Settlements[k].Place)
		}
		for k := range w.Moves {
			w.Moves[k].Place = p.place(w.Moves[k].Place)
		}
		translated[i] = w
	}
	real, err := p.s.Commit(t.Context(), p.now, translated)
	p.no(err)
	p.same("Commit", results, real)
}

func (p *pair) work(t *rapid.T, w *overture.SenderWork, m *messageRow) {
	place := overture.Place{LaneID: m.lane, MessageID: m.id, Due: p.now.Add(-time.Hour)}
	for _, r := range p.b.lane(m.lane).queue {
		if r.message == m.id {
			place.Due = moment(r.due)
		}
	}
	if m.marker.there {
		place.Due = moment(m.marker.due)
	}
	if rapid.IntRange(0, 9).Draw(t, "stale place") == 0 {
		place.Due = place.Due.Add(-time.Millisecond)
	}
	kind := rapid.SampledFrom([]string{"mark", "settle", "move"}).Draw(t, "kind")
	if m.marker.there && rapid.IntRange(0, 2).Draw(t, "settle it") > 0 {
		kind = "settle"
	}
	switch kind {
	case "mark":
		c := rapid.IntRange(0, 2).Draw(t, "talks")
		w.Marks = append(w.Marks, overture.Mark{
			Place: place, Attempt: m.attempts + 1, Token: fmt.Sprintf("t%d-%d", p.base, p.next()), Address: m.address, LookupAt: p.now.Add(2 * time.Minute),
			SkipTalks: c == 1, HoldTalks: c == 2, Ruling: p.anyRuling(t),
		})
	case "move":
		x := overture.Move{Place: place, State: overture.Queued, NewDue: p.soon(), NotAfter: p.now.Add(2 * time.Hour)}
		if rapid.IntRange(0, 3).Draw(t, "same time") == 0 { // only the end of its window changes
			x.NewDue = place.Due
		}
		if rapid.Bool().Draw(t, "expired") {
			x = overture.Move{Place: place, State: overture.Expired, Reason: overture.ReasonValidityOver}
		}
		w.Moves = append(w.Moves, x)
	default:
		if m.marker.there { // an attempt knows its place from its mark
			place.Due = moment(m.marker.due)
		}
		x := overture.Settlement{Place: place, Attempt: max(m.marker.attempt, 1), Token: m.marker.token, StartedAt: moment(m.marker.started)}
		switch rapid.IntRange(0, 6).Draw(t, "outcome") {
		case 0, 1:
			x.Outcome, x.State, x.ProviderID, x.HTTPStatus = "accepted", overture.Accepted, p.providerID(), 201
		case 2:
			x.Outcome, x.State, x.Reason, x.Code = "refused", overture.Failed, overture.ReasonAddressRefused, 21211
		case 3:
			x.Outcome, x.State, x.Reason, x.Code, x.OptOut = "refused", overture.Suppressed, overture.ReasonOptedOut, 21610, true
		case 4:
			x.Outcome = rapid.SampledFrom([]string{"throttled", "not_sent", "given_back", "sender_refused", "absent", "resent_without_proof"}).Draw(t, "again")
			x.State, x.RetryAt, x.NotAfter, x.Code = overture.Queued, p.soon(), p.now.Add(time.Hour), 20429
		case 5:
			x.Outcome, x.State, x.LookupAt, x.Lookups = "unknown", overture.Unknown, p.now.Add(time.Minute), m.marker.lookups+1
			x.FailedFor = time.Duration(rapid.IntRange(0, 9).Draw(t, "failed")) * time.Second
		case 6:
			x.Outcome, x.State, x.Reason = "held", overture.Held, overture.ReasonNotProven
		}
		if rapid.IntRange(0, 7).Draw(t, "stale") == 0 {
			x.Token = "another attempt's"
		}
		w.Settlements = append(w.Settlements, x)
	}
}

func (p *pair) providerID() string { return fmt.Sprintf("SM%d-%d", p.base, p.next()) }

func (p *pair) read(t *rapid.T) {
	lane := overture.LaneID(rapid.IntRange(1, 5).Draw(t, "lane"))
	limit := rapid.IntRange(1, 8).Draw(t, "limit")
	var after overture.Place
	if q := p.b.lane(lane).queue; len(q) > 0 && rapid.Bool().Draw(t, "after") {
		r := rapid.SampledFrom(q).Draw(t, "place")
		after = overture.Place{LaneID: lane, Due: moment(r.due), MessageID: r.message}
	}
	due, last, more := p.b.DueMessages(lane, p.now, after, limit)
	real, realLast, realMore, err := p.s.DueMessages(t.Context(), lane+overture.LaneID(p.base), p.now, p.place(after), limit)
	p.no(err)
	for i := range due {
		due[i] = p.dueOf(due[i])
	}
	if last.MessageID != 0 {
		last = p.place(last)
	}
	realLast.Due = realLast.Due.UTC()
	p.same("DueMessages", [3]any{dueLines(due), last, more}, [3]any{dueLines(real), realLast, realMore})
	at, ok := p.b.NextDue(lane)
	realAt, realOK, err := p.s.NextDue(t.Context(), lane+overture.LaneID(p.base))
	p.no(err)
	p.same("NextDue", [2]any{at, ok}, [2]any{realAt.UTC(), realOK})
	sender := p.anySender(t)
	p.same("OpenLanes", p.lanes(p.b.OpenLanes(sender)), p.realLanes(p.s.OpenLanes(t.Context(), p.sender(sender))))
	p.same("LanesInDoubt", p.lanes(p.b.LanesInDoubt(sender)), p.realLanes(p.s.LanesInDoubt(t.Context(), p.sender(sender))))
	n, err := p.s.InflightCount(t.Context(), p.sender(sender))
	p.no(err)
	p.same("InflightCount", p.b.InflightCount(sender), n)
	with, err := p.s.SendersWithWork(t.Context())
	p.no(err)
	with = slices.DeleteFunc(with, func(id overture.SenderID) bool { return int64(id) < p.base || int64(id) >= p.base+10_000 })
	slices.Sort(with)
	mine := p.b.SendersWithWork()
	for i := range mine {
		mine[i] = p.sender(mine[i])
	}
	p.same("SendersWithWork", fmt.Sprint(mine), fmt.Sprint(with))
}

func (p *pair) dueOf(m overture.DueMessage) overture.DueMessage {
	m.Place = p.place(m.Place)
	if m.CampaignID != 0 {
		m.CampaignID += overture.CampaignID(p.base)
	}
	return m
}

// dueLines are what the engine reads of due messages.
func dueLines(due []overture.DueMessage) (out []string) {
	for _, m := range due {
		out = append(out, fmt.Sprint(m.LaneID, m.Due.UnixMilli(), m.MessageID, m.NotAfter.UnixMilli(), m.CampaignID, m.Address, m.Body, m.Zones, m.Segments, m.Attempts,
			m.NotSent, millis(m.NotSentSince)))
	}
	return out
}

// doubtLines are what the engine reads of doubts, in an order of their own: several may be due at the same moment.
func doubtLines(doubts []overture.Doubt) (out []string) {
	for _, d := range doubts {
		out = append(out, fmt.Sprint(dueLines([]overture.DueMessage{d.DueMessage}), d.Attempt, d.Token, d.StartedAt.UnixMilli(), d.Lookups, d.FailedFor))
	}
	slices.Sort(out)
	return out
}

func (p *pair) lanes(ls []overture.Lane) []overture.Lane {
	for i := range ls {
		l := &ls[i]
		l.ID, l.SenderID = l.ID+overture.LaneID(p.base), p.sender(l.SenderID)
		if l.CampaignID != 0 {
			l.CampaignID += overture.CampaignID(p.base)
		}
	}
	return ls
}

func (p *pair) realLanes(ls []overture.Lane, err error) []overture.Lane {
	p.no(err)
	for i := range ls {
		ls[i].LaunchAt = ls[i].LaunchAt.UTC()
	}
	return ls
}

func (p *pair) doubts(t *rapid.T) {
	l, limit := p.anyLease(t), rapid.IntRange(1, 8).Draw(t, "limit")
	model := p.b.Doubts(l, p.now.Add(time.Minute), 1000)
	real, err := p.s.Doubts(t.Context(), p.lease(l), p.now.Add(time.Minute), 1000)
	p.no(err)
	for i := range model {
		model[i].DueMessage = p.dueOf(model[i].DueMessage)
	}
	p.same("Doubts", doubtLines(model), doubtLines(real))
	few, err := p.s.Doubts(t.Context(), p.lease(l), p.now.Add(time.Minute), limit)
	p.no(err)
	p.same("Doubts, limited", len(p.b.Doubts(l, p.now.Add(time.Minute), limit)), len(few))
	sender, to := p.anySender(t), address(rapid.IntRange(0, 11).Draw(t, "address"))
	if m := p.anyTried(t); m != nil {
		sender, to = m.sender, m.address
	}
	known, err := p.s.KnownProviderIDs(t.Context(), p.sender(sender), to)
	p.no(err)
	mine := p.b.KnownProviderIDs(sender, to)
	maps.DeleteFunc(known, func(id string, _ bool) bool { // other rounds share the addresses
		return !slices.ContainsFunc([]string{"SM%d-", "SMt%d-", "SMlost%d-", "SMnobody%d-"}, func(ours string) bool { return strings.HasPrefix(id, fmt.Sprintf(ours, p.base)) })
	})
	p.same("KnownProviderIDs", mine, known)
}

func (p *pair) receipts(t *rapid.T) {
	var batch []overture.Receipt
	most := 5
	if storetest.OnPostgres() && len(p.b.quarantine) > 0 {
		most = 1 // its two passes see a quarantine's marker differently; both end it
	}
	for range rapid.IntRange(1, most).Draw(t, "receipts") {
		m := p.anyTried(t)
		if m == nil {
			return
		}
		r := overture.Receipt{
			Provider: "twilio", AccountID: m.account, SenderID: m.sender, MessageID: m.id, Token: m.marker.token, ReceivedAt: p.now,
			State: rapid.SampledFrom([]overture.State{overture.Accepted, overture.Sent, overture.Undelivered, overture.Delivered, overture.Read}).Draw(t, "state"),
		}
		if n := len(m.history); n > 0 && (r.Token == "" || rapid.Bool().Draw(t, "older")) {
			r.Token = m.history[rapid.IntRange(0, n-1).Draw(t, "attempt")].token
		}
		if r.Token == "" { // of an attempt that a quarantine knows nothing of
			r.Token = fmt.Sprintf("lost%d-%d", p.base, m.id)
		}
		r.ProviderID = "SM" + r.Token
		if m.providerID != "" && rapid.IntRange(0, 3).Draw(t, "its own id") == 0 {
			r.ProviderID = m.providerID
		}
		if r.State == overture.Undelivered {
			r.Code = rapid.SampledFrom([]int{30003, 30005, 21610}).Draw(t, "code")
			r.OptOut = r.Code == 21610
		}
		switch rapid.IntRange(0, 19).Draw(t, "odd") {
		case 0:
			r.Token = fmt.Sprintf("nobody%d-%d", p.base, p.next())
			r.ProviderID = "SM" + r.Token
		case 1:
			r.SenderID = 3 - r.SenderID // another sender's message
		case 2:
			r.MessageID = 0
		}
		batch = append(batch, r)
	}
	tally := p.b.ApplyReceipts(batch, p.now)
	real := slices.Clone(batch)
	for i := range real {
		real[i].SenderID = p.sender(real[i].SenderID)
		if id, ok := p.real[real[i].MessageID]; ok {
			real[i].MessageID = id
		}
	}
	realTally, err := p.s.ApplyReceipts(t.Context(), real, p.now)
	p.no(err)
	// PostgreSQL takes those that stop a brand in a pass of their own, so a message may be raised in both.
	stops := len(slices.DeleteFunc(slices.Clone(batch), func(r overture.Receipt) bool { return !r.OptOut }))
	if more := realTally.Raised - tally.Raised; storetest.OnPostgres() && more > 0 {
		realTally.Raised -= min(more, stops)
	}
	if less := tally.Repeated - realTally.Repeated; storetest.OnPostgres() && less > 0 { // for the same reason: what the first pass wrote is no repeat
		realTally.Repeated += min(less, stops)
	}
	p.same("ApplyReceipts", tally, realTally)
}

func (p *pair) orphans(t *rapid.T) {
	if rapid.IntRange(0, 3).Draw(t, "late") == 0 {
		p.now = p.now.Add(25 * time.Hour)
	}
	p.b.MatchOrphans(p.now)
	_, err := p.s.MatchOrphans(t.Context(), p.now)
	p.no(err)
}

func (p *pair) person(t *rapid.T) (personKey, overture.OptOut) {
	to := address(rapid.IntRange(0, 11).Draw(t, "address"))
	return personKey{overture.BrandID(p.base), to}, overture.OptOut{
		AccountID: overture.AccountID(p.base), BrandID: overture.BrandID(p.base), Channel: overture.SMS, Address: to, Source: overture.OptOutKeyword, CreatedAt: p.now,
	}
}

func (p *pair) optOut(t *rapid.T) {
	who, o := p.person(t)
	p.b.optOut(who, p.now.UnixMilli())
	_, err := p.s.OptOut(t.Context(), p.actor(), o)
	p.no(err)
}

func (p *pair) optIn(t *rapid.T) {
	who, o := p.person(t)
	p.b.optIn(who)
	_, err := p.s.OptIn(t.Context(), p.actor(), o)
	p.no(err)
}

func (p *pair) talk(t *rapid.T) {
	who, _ := p.person(t)
	if p.b.talks[who] {
		delete(p.b.talks, who)
		p.exec(`UPDATE conversation SET state = 'closed' WHERE brand_id = $1 AND address = $2`, p.base, string(who.address))
		return
	}
	p.b.talks[who] = true
	p.exec(`INSERT INTO conversation (id, account_id, brand_id, sender_id, channel, address, skill_id, agent_id, campaign_id, message_id, source, state, city, country,
		unread, started_at, updated_at) VALUES ($1, $2, $2, $3, 'sms', $4, 0, 0, 0, 0, 'x', 'waiting', '', '', 0, 0, 0)`, p.s.NewID(), p.base, p.base+1, string(who.address))
}

func (p *pair) life(t *rapid.T) {
	id := p.anyCampaign(t)
	next := rapid.SampledFrom([]overture.CampaignState{overture.Paused, overture.Running, overture.Paused, overture.Running, overture.CampaignCanceled}).Draw(t, "next")
	ok := p.b.moveCampaign(id, next, p.now)
	real := id + overture.CampaignID(p.base)
	var err error
	switch next {
	case overture.Paused:
		_, err = p.s.PauseCampaign(t.Context(), p.actor(), real, "", p.now)
	case overture.Running:
		_, err = p.s.ResumeCampaign(t.Context(), p.actor(), real, p.now)
	default:
		_, err = p.s.CancelCampaign(t.Context(), p.actor(), real, "", p.now)
	}
	if err != nil && overture.KindOf(err) != overture.Conflict {
		p.no(err)
	}
	p.same(string(next), ok, err == nil)
}

func (p *pair) open(id overture.CampaignID) overture.OpenCampaign {
	c := p.b.campaign(id)
	return overture.OpenCampaign{
		ID: id + overture.CampaignID(p.base), AccountID: overture.AccountID(p.base), SenderID: p.sender(c.sender),
		LaneID: p.b.laneFor(c.sender, id).id + overture.LaneID(p.base),
	}
}

func (p *pair) remainder(t *rapid.T) {
	id, limit := p.anyCampaign(t), rapid.IntRange(1, 5).Draw(t, "limit")
	n, err := p.s.CancelRemainder(t.Context(), p.open(id), limit, p.now)
	p.no(err)
	p.same("CancelRemainder", p.b.CancelRemainder(id, limit), n)
}

func (p *pair) finish(t *rapid.T) {
	id := p.anyCampaign(t)
	done, err := p.s.FinishCampaign(t.Context(), p.open(id), p.now)
	p.no(err)
	p.same("FinishCampaign", p.b.FinishCampaign(id, p.now), done)
}

func (p *pair) resolve(t *rapid.T) {
	m := p.anyMessage(t)
	if m == nil {
		return
	}
	how := rapid.SampledFrom([]overture.Resolution{overture.TreatAsSent, overture.Resend, overture.GiveUp}).Draw(t, "how")
	held := overture.Ended{MessageID: p.real[m.id], SenderID: p.sender(m.sender)}
	if m.campaign != 0 {
		held.CampaignID, held.RecipientID = m.campaign+overture.CampaignID(p.base), m.recipient+overture.RecipientID(p.base)
	}
	place := overture.Requeue{MessageID: held.MessageID, Due: p.soon(), NotAfter: p.now.Add(time.Hour)}
	_, err := p.s.ResolveMessage(t.Context(), p.actor(), held, how, place, p.now)
	if err != nil && overture.KindOf(err) != overture.Conflict {
		p.no(err)
	}
	p.same("ResolveMessage", p.b.Resolve(m.id, how, place.Due.UnixMilli(), place.NotAfter.UnixMilli(), p.now.UnixMilli()), err == nil)
}

func (p *pair) retry(t *rapid.T) {
	m := p.anyMessage(t)
	if m == nil || m.campaign == 0 {
		return
	}
	place := overture.Requeue{MessageID: p.real[m.id], Due: p.soon(), NotAfter: p.now.Add(time.Hour)}
	n, err := p.s.RequeueFailed(t.Context(), p.actor(), m.campaign+overture.CampaignID(p.base), []overture.Requeue{place}, "", p.now)
	if err != nil && overture.KindOf(err) != overture.Conflict {
		p.no(err)
	}
	p.same("RequeueFailed", p.b.RequeueFailed(m.id, place.Due.UnixMilli(), place.NotAfter.UnixMilli()), n == 1)
}

func (p *pair) stop(t *rapid.T) {
	id, stopped := p.anySender(t), rapid.IntRange(0, 2).Draw(t, "stopped") == 0
	p.b.setStopped(id, stopped)
	p.no(p.s.SetSenderStopped(t.Context(), p.actor(), p.sender(id), stopped, "why", p.now))
}

func (p *pair) inbound(t *rapid.T) {
	_, o := p.person(t)
	wish := rapid.SampledFrom([]overture.WishKind{overture.NoWish, overture.WishStop, overture.WishStart}).Draw(t, "wish")
	id := fmt.Sprintf("IN%d-%d", p.base, rapid.IntRange(0, 3).Draw(t, "id"))
	p.b.StoreInbound(inboundRow{account: o.AccountID, sender: 1, providerID: id, from: o.Address, wish: wish}, p.now.UnixMilli())
	p.no(p.s.StoreInbound(t.Context(), []overture.Reply{{
		Inbound: overture.Inbound{AccountID: o.AccountID, SenderID: p.sender(1), Provider: "twilio", ProviderID: id, From: o.Address, ReceivedAt: p.now},
		BrandID: o.BrandID, Channel: overture.SMS, Wish: overture.Wish{Kind: wish, Certain: true, Source: overture.OptOutKeyword},
	}}))
}

func (p *pair) direct(t *rapid.T) {
	sender, to := p.anySender(t), address(rapid.IntRange(0, 11).Draw(t, "address"))
	due, notAfter := p.now, p.now.Add(time.Hour)
	id := p.b.EnqueueDirect(sender, to, "hi", 1, due.UnixMilli(), notAfter.UnixMilli())
	m, err := p.s.EnqueueDirect(t.Context(), overture.Message{
		AccountID: overture.AccountID(p.base), SenderID: p.sender(sender), Address: to, Body: "hi", Segments: 1,
	}, due, notAfter)
	p.no(err)
	p.real[id], p.model[m.ID] = m.ID, id
}

// Rows.

// rows are all that the engine keeps, in text that names messages as the model does.
func (p *pair) rows() (model, real map[string][]string) {
	b := p.b
	model, real = map[string][]string{}, map[string][]string{}
	add := func(table, format string, args ...any) {
		model[table] = append(model[table], fmt.Sprintf(format, args...))
	}
	for _, c := range b.campaigns {
		add("campaign", "%d %s %v %d %v", c.id, c.state, c.planning, max(int64(c.through), 0), c.completed != 0)
		for s, n := range c.counts {
			if n != 0 {
				add("count", "%d %d %d", c.id, s, n)
			}
		}
	}
	for _, s := range b.senders {
		add("sender", "%d %v", s.id, s.stopped)
		if s.lease.Epoch > 0 {
			add("lease", "%d %s %d", s.id, s.lease.Owner, s.lease.Epoch)
		}
	}
	for _, l := range b.lanes {
		add("lane", "%d %s", l.id, l.state)
		for _, q := range l.queue {
			add("dispatch", "%d %d %d %d", l.id, q.due, q.message, q.notAfter)
		}
	}
	for _, m := range b.messages {
		add("message", "%d %d %d %s %d %s %v", m.id, m.state, m.attempts, m.providerID, m.code, m.reason, m.acceptedAt)
		if k := m.marker; k.there {
			state := map[bool]string{false: "attempting", true: "unknown"}[k.unknown]
			add("inflight", "%d %d %d %d %d %s %d %s %d %d", m.id, k.due, k.notAfter, k.epoch, k.attempt, k.token, k.started, state, k.lookups, k.lookupAt)
		}
		for _, a := range m.history {
			add("attempt", "%d %d %s %d %d %s %d %d %s", m.id, a.n, a.token, a.epoch, a.started, a.outcome, a.http, a.code, a.providerID)
		}
		for _, r := range m.receipts {
			add("receipt", "%d %s %d %d %d", m.id, r.provider, r.state, r.code, map[bool]int{true: 1}[r.optOut])
		}
	}
	for who, at := range b.optOuts {
		add("opt_out", "%s %d", who.address, at)
	}
	for _, o := range b.orphans {
		add("orphan", "%d %s %d", o.SenderID, o.Token, o.State)
	}
	for _, in := range b.inbound {
		add("inbound", "%s %s", in.providerID, in.from)
	}
	const mine = ` BETWEEN $1 + 1 AND $1 + 9999`
	queries := map[string]string{
		"campaign": `SELECT id, state, planning, planned_through, completed_at IS NOT NULL FROM campaign WHERE account_id = $1`,
		"count":    `SELECT campaign_id, state, n FROM campaign_count WHERE n <> 0 AND campaign_id` + mine,
		"sender":   `SELECT id, stopped FROM sender WHERE account_id = $1`,
		"lease":    `SELECT sender_id, owner, epoch FROM sender_lease WHERE sender_id` + mine,
		"lane":     `SELECT id, state FROM lane WHERE account_id = $1`,
		"dispatch": `SELECT lane_id, due_at, message_id, not_after FROM dispatch WHERE lane_id` + mine,
		"message":  `SELECT id, state, attempts, provider_id, code, reason, COALESCE(accepted_at, 0) FROM message WHERE account_id = $1`,
		"inflight": `SELECT message_id, due_at, not_after, epoch, attempt, token, started_at, state, lookups, next_lookup_at FROM inflight WHERE sender_id` + mine,
		"attempt":  `SELECT a.message_id, a.n, a.token, a.epoch, a.started_at, a.outcome, a.http_status, a.code, a.provider_id FROM attempt a JOIN message m ON m.id = a.message_id WHERE m.account_id = $1`,
		"receipt":  `SELECT r.message_id, r.provider_id, r.state, r.code, CASE WHEN r.opt_out THEN 1 ELSE 0 END FROM receipt r JOIN message m ON m.id = r.message_id WHERE m.account_id = $1`,
		"opt_out":  `SELECT address, created_at FROM opt_out WHERE brand_id = $1`,
		"orphan":   `SELECT sender_id, token, state FROM orphan_receipt WHERE sender_id` + mine,
		"inbound":  `SELECT provider_id, from_address FROM inbound WHERE account_id = $1`,
	}
	maps.Copy(queries, p.railRows(add))
	for table, query := range queries {
		real[table] = p.query(query)
	}
	for _, side := range []map[string][]string{model, real} {
		for table := range side {
			slices.Sort(side[table])
		}
	}
	return model, real
}

// query gives rows as text, with the ids of the model: numbers of this round lose the base, store ids of messages become the model's.
func (p *pair) query(query string) (out []string) {
	rows, err := p.s.DB().Read.QueryContext(context.Background(), query, p.base)
	p.no(err)
	defer rows.Close()
	names, err := rows.Columns()
	p.no(err)
	for rows.Next() {
		values, into := make([]sql.NullString, len(names)), make([]any, len(names))
		for i := range values {
			into[i] = &values[i]
		}
		p.no(rows.Scan(into...))
		line := ""
		for i, v := range values {
			if i > 0 {
				line += " "
			}
			line += p.word(names[i], v.String)
		}
		out = append(out, line)
	}
	p.no(rows.Err())
	return out
}

func (p *pair) word(column, v string) string {
	var n int64
	switch column {
	case "id", "campaign_id", "sender_id", "lane_id", "planned_through", "message_id":
		fmt.Sscan(v, &n)
		if id, ok := p.model[overture.MessageID(n)]; ok {
			return fmt.Sprint(int64(id))
		}
		return fmt.Sprint(max(n-p.base, 0))
	case "watch":
		return p.watchWord(v)
	case "planning", "stopped", "?column?", "completed_at IS NOT NULL":
		return fmt.Sprint(v == "1" || v == "true")
	}
	return v
}

func (p *pair) compare(after string) {
	model, real := p.rows()
	if says := p.b.drift(); says != "" {
		p.Fatalf("after %s: %s", after, says)
	}
	for _, table := range slices.Sorted(maps.Keys(real)) {
		if !slices.Equal(model[table], real[table]) {
			p.Fatalf("after %s, table %s:\nmodel %q\nstore %q", after, table, model[table], real[table])
		}
	}
}
