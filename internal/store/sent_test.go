package store_test

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/store/storetest"
)

// tale is a post whose clock runs on, with a campaign that can be retried, and messages to which anything may happen.
type tale struct {
	*post
	rt      *rapid.T
	now     time.Time
	letters []*told
	replies int
}

// told is a letter with the attempt that is in flight, 0 when none is.
type told struct {
	letter
	attempts, inFlight int
}

func newTale(t *testing.T) *tale {
	t.Helper()
	p := newPost(t)
	p.exec(`INSERT INTO campaign (id, account_id, brand_id, name, channel, sender_id, skill_id, text, opt_out_text, smart_encoding, state, send_window, rate,
			lookback, policy, open_conversation, reason, recipient_count, list_hash, content_hash, created_by, created_at, updated_at, launched_at, planned_through, planning)
		VALUES ($1, 1, 11, 'c', 'sms', 21, 41, 'Hi', 'STOP', FALSE, 'running', '{}', 1, 0, 'safe', 'deliver', '', 0, '', '', 1, 1, 1, 1, 0, TRUE)`, campaign)
	p.exec(`INSERT INTO skill (id, account_id, name) VALUES (41, 1, 's')`)
	return &tale{post: p, now: noon}
}

func (p *tale) commitNow(w overture.SenderWork) overture.CommitResult {
	w.Lease, w.BrandID, w.AccountID, w.Channel = overture.Lease{SenderID: 21, Owner: "me", Epoch: epoch}, 11, 1, overture.SMS
	r, err := p.s.Commit(p.t.Context(), p.now, []overture.SenderWork{w})
	if err != nil {
		p.rt.Fatal(err)
	}
	return r[0]
}

func (p *tale) markAll(ls []*told) {
	var w overture.SenderWork
	for _, l := range ls {
		w.Marks = append(w.Marks, overture.Mark{Place: l.place, Attempt: l.attempts + 1, Token: tokenOf(l.letter, l.attempts+1), Address: l.to, LookupAt: p.now.Add(time.Minute)})
	}
	r := p.commitNow(w)
	for i, l := range ls {
		if r.Verdicts[i] == overture.Marked {
			l.attempts++
			l.inFlight = l.attempts
		}
	}
}

func (p *tale) settleAll(ls []*told, state overture.State) {
	var w overture.SenderWork
	for _, l := range ls {
		if l.inFlight == 0 {
			continue
		}
		x := overture.Settlement{Place: l.place, Attempt: l.inFlight, Token: tokenOf(l.letter, l.inFlight), StartedAt: p.now, State: state, Outcome: "refused"}
		switch state {
		case overture.Accepted:
			x.Outcome, x.ProviderID, x.HTTPStatus = "accepted", sidOf(l.letter, l.inFlight), 201
		case overture.Held:
			x.Outcome, x.Reason = "held", overture.ReasonNotProven
		case overture.Queued:
			x.Outcome, x.RetryAt, x.NotAfter = "throttled", l.place.Due.Add(time.Millisecond), noon.Add(1000*time.Hour)
		default:
		}
		w.Settlements = append(w.Settlements, x)
		if l.inFlight = 0; state == overture.Queued {
			l.place.Due = x.RetryAt
		}
	}
	p.commitNow(w)
}

// reply has people answer, with or without STOP, whether or not the acceptance is written yet.
func (p *tale) reply(l *told, wish overture.WishKind) {
	p.replies++
	in := overture.Inbound{
		AccountID: 1, SenderID: 21, Provider: "twilio", ProviderID: fmt.Sprint("SMin", p.now.UnixNano(), "-", p.replies), From: l.to, To: "+15005550021", Body: "text", ReceivedAt: p.now,
	}
	ctx := p.t.Context()
	if err := p.s.StoreInbound(ctx, []overture.Reply{{Inbound: in, BrandID: 11, Channel: overture.SMS, Wish: overture.Wish{Kind: wish, Alone: true, Certain: true}}}); err != nil {
		p.rt.Fatal(err)
	}
	pending, err := p.s.PendingReplies(ctx, 10)
	if err != nil || len(pending) != 1 {
		p.rt.Fatal(len(pending), err)
	}
	pending[0].Outbound = overture.Outbound{MessageID: l.id, CampaignID: campaign, SkillID: 41, SentAt: p.now}
	if _, err := p.s.ApplyReplies(ctx, pending, p.now); err != nil {
		p.rt.Fatal(err)
	}
}

// agentStops has an agent record that the person of an open conversation wants no more.
func (p *tale) agentStops() {
	var id int64
	if p.s.DB().Read.QueryRowContext(p.t.Context(), `SELECT MAX(id) FROM conversation`).Scan(&id) != nil {
		return // nobody wrote yet
	}
	c, err := p.s.Conversation(p.t.Context(), 1, overture.ConversationID(id))
	if err != nil {
		p.rt.Fatal(err)
	}
	if err := p.s.OptOutPerson(p.t.Context(), overture.Actor{AccountID: 1, UserID: 5}, c.Conversation, p.now); err != nil {
		p.rt.Fatal(err)
	}
}

func (p *tale) stateOf(l *told) overture.State {
	return overture.State(p.number(`SELECT state FROM message WHERE id = $1`, l.id))
}

// resolve has a person decide about a held message, or retry a failed one.
func (p *tale) resolve(l *told, how overture.Resolution) {
	ctx, by := p.t.Context(), overture.Actor{AccountID: 1, UserID: 5}
	place := overture.Requeue{MessageID: l.id, Due: l.place.Due.Add(time.Second), NotAfter: noon.Add(1000 * time.Hour)}
	switch p.stateOf(l) {
	case overture.Held:
		held := overture.Ended{MessageID: l.id, CampaignID: campaign, SenderID: 21, State: overture.Held, Address: l.to}
		if _, err := p.s.ResolveMessage(ctx, by, held, how, place, p.now); err != nil {
			p.rt.Fatal(err)
		}
		if how == overture.Resend {
			l.place.Due = place.Due
		}
	case overture.Failed:
		if _, err := p.s.RequeueFailed(ctx, by, campaign, []overture.Requeue{place}, "", p.now); err != nil {
			p.rt.Fatal(err)
		}
		l.place.Due = place.Due
	default:
	}
}

// Whatever happens to messages in whatever order, the counters of what was sent equal a recount of the rows (H4, I16).
func TestSentCountsEqualARecount(t *testing.T) {
	p := newTale(t)
	rapid.Check(t, func(rt *rapid.T) {
		p.rt = rt
		p.letters = nil
		for _, l := range p.queue(20) {
			p.letters = append(p.letters, &told{letter: l})
			p.exec(`UPDATE dispatch SET not_after = $1 WHERE message_id = $2`, noon.Add(1000*time.Hour).UnixMilli(), l.id)
		}
		some := func(what string) []*told {
			first := rapid.IntRange(0, 19).Draw(rt, "first to "+what)
			return p.letters[first:rapid.IntRange(first+1, 20).Draw(rt, "end of "+what)]
		}
		one := func(what string) *told { return p.letters[rapid.IntRange(0, 19).Draw(rt, what)] }
		p.markAll(p.letters)
		for range rapid.IntRange(3, 12).Draw(rt, "steps") {
			p.now = p.now.Add(time.Duration(rapid.IntRange(0, 20).Draw(rt, "minutes")) * time.Minute)
			switch rapid.SampledFrom([]string{"settle", "settle", "mark", "reply", "reply", "stop", "agent", "receipt", "resolve"}).Draw(rt, "step") {
			case "settle":
				p.settleAll(some("settle"), rapid.SampledFrom([]overture.State{overture.Accepted, overture.Accepted, overture.Failed, overture.Held, overture.Queued}).Draw(rt, "to"))
			case "mark":
				var idle []*told
				for _, l := range some("mark") {
					if l.inFlight == 0 && p.stateOf(l) == overture.Queued {
						idle = append(idle, l)
					}
				}
				p.markAll(idle)
			case "reply":
				p.reply(one("reply"), overture.NoWish)
			case "stop":
				p.reply(one("stop"), overture.WishStop)
			case "agent":
				p.agentStops()
			case "receipt":
				l := one("receipt")
				state := rapid.SampledFrom([]overture.State{overture.Sent, overture.Undelivered, overture.Delivered, overture.Read}).Draw(rt, "says")
				if l.attempts > 0 {
					l.inFlight = 0
					if _, err := p.s.ApplyReceipts(t.Context(), []overture.Receipt{word(l.letter, l.attempts, state, 30003)}, p.now); err != nil {
						rt.Fatal(err)
					}
				}
			case "resolve":
				p.resolve(one("resolve"), rapid.SampledFrom([]overture.Resolution{overture.TreatAsSent, overture.GiveUp, overture.Resend}).Draw(rt, "how"))
			}
		}
		findings, err := p.s.BrokenInvariants(t.Context())
		if err != nil {
			rt.Fatal(err)
		}
		for _, f := range findings {
			if f.Rule == "I16" {
				rt.Errorf("%s: %d", f.Says, f.Count)
			}
		}
	})
	for _, column := range []string{"failed", "held", "accepted", "sent", "undelivered", "delivered", "read", "replied", "answered", "stopped"} {
		if p.number(`SELECT SUM(`+column+`) FROM sent_count`) == 0 {
			t.Errorf("the test never counted a message as %s", column)
		}
	}
	// The migration finds the same in the rows as what was counted while they changed.
	before := p.counters()
	storetest.Backfill(t, p.s)
	if after := p.counters(); before != after {
		t.Errorf("counted:\n%s\nfilled from the rows:\n%s", before, after)
	}
}

func (p *tale) counters() (out string) {
	rows, err := p.s.DB().Read.QueryContext(p.t.Context(), `SELECT quarter, failed, held, accepted, sent, undelivered, delivered, read, replied, answered, stopped
		FROM sent_count WHERE failed + held + accepted + sent + undelivered + delivered + read > 0 ORDER BY quarter`)
	if err != nil {
		p.t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var x [11]int64
		var to []any
		for i := range x {
			to = append(to, &x[i])
		}
		if err := rows.Scan(to...); err != nil {
			p.t.Fatal(err)
		}
		out += fmt.Sprintln(x)
	}
	return out
}
