package reply_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/consent"
	"github.com/overture-im/overture/internal/inbound/inboundtest"
	"github.com/overture-im/overture/internal/inbound/reply"
	"github.com/overture-im/overture/internal/pubsub"
	"github.com/overture-im/overture/internal/store"
	"github.com/overture-im/overture/internal/store/storetest"
)

const ann, bob = overture.Address("+12125550123"), overture.Address("+447700900123")

var noon = inboundtest.Noon

// room is the reply room on a real store, with a clock that tests set.
type room struct {
	*inboundtest.Desk
	intake  *reply.Intake
	matcher *reply.Matcher
	now     time.Time
}

func newRoom(t *testing.T, s *store.Store) *room {
	t.Helper()
	r := &room{Desk: inboundtest.NewDesk(t, s), now: noon}
	r.open(s)
	return r
}

func (r *room) open(s *store.Store) {
	r.Store = s
	d := reply.Deps{Store: s, Accounts: r.Desk, Words: consent.NewWords(), Wakes: pubsub.New(), Log: inboundtest.Silence(), Now: func() time.Time { return r.now }}
	r.intake, r.matcher = reply.NewIntake(d), reply.NewMatcher(d)
}

// hears takes in a message on the brand's number n.
func (r *room) hears(t *testing.T, n int, in overture.Inbound) {
	t.Helper()
	if err := r.intake.Receive(t.Context(), r.Senders[n], in); err != nil {
		t.Fatalf("receive: %v", err)
	}
}

func (r *room) says(t *testing.T, from overture.Address, body string) {
	t.Helper()
	r.hears(t, 0, r.From(from, body, r.now))
}

func (r *room) settle(t *testing.T) {
	t.Helper()
	for {
		n, err := r.matcher.Step(t.Context())
		if err != nil {
			t.Fatalf("match: %v", err)
		}
		if n == 0 {
			return
		}
	}
}

func (r *room) optedOut(t *testing.T, who overture.Address) bool {
	t.Helper()
	yes, err := r.Store.IsOptedOut(t.Context(), r.Tenant.ID, r.Brand, overture.SMS, who)
	if err != nil {
		t.Fatal(err)
	}
	return yes
}

// transcript gives the conversations of the account as "author: text" lines, a conversation's head before them.
func (r *room) transcript(t *testing.T) string {
	t.Helper()
	return strings.Join(r.Words(t, `SELECT CASE WHEN e.author = 'brand' AND e.message_id = c.message_id THEN 'proactive ' ELSE '' END || e.author || ': ' || e.text
		FROM entry e JOIN conversation c ON c.id = e.conversation_id WHERE c.account_id = $1 ORDER BY c.id, e.id`, r.Tenant.ID), "\n")
}

func TestReplyOpensAConversation(t *testing.T) {
	r := newRoom(t, storetest.Open(t))
	c := r.NewCampaign(t, "Spring sale", r.Skill, time.Hour)
	m := r.Sent(t, c, ann, noon.Add(-time.Minute), overture.Delivered)
	r.says(t, ann, "Is it in blue?")
	r.settle(t)
	want := "proactive brand: Hi Ann \"sale\" Reply STOP to stop\nconsumer: Is it in blue?"
	if got := r.transcript(t); got != want {
		t.Errorf("transcript:\n%s\nwant:\n%s", got, want)
	}
	head := r.Words(t, `SELECT state || ' ' || source || ' ' || city || ' ' || country FROM conversation WHERE skill_id = $1 AND campaign_id = $2 AND message_id = $3
		AND agent_id = 0 AND unread = 1 AND sender_id = $4 AND started_at = $5`, r.Skill, c, m, r.Senders[0].ID, noon.UnixMilli())
	if fmt.Sprint(head) != "[waiting proactive Springfield US]" {
		t.Errorf("conversation %v", head)
	}
	if n := r.Count(t, `SELECT count(*) FROM message WHERE id = $1 AND replied_at = $2`, m, noon.UnixMilli()); n != 1 {
		t.Error("the message does not know its reply")
	}
	// The second message joins the open conversation and does not move the first reply's time.
	r.now = noon.Add(time.Minute)
	r.hears(t, 1, r.From(ann, "Hello?", r.now))
	r.settle(t)
	if got := r.transcript(t); got != want+"\nconsumer: Hello?" {
		t.Errorf("after a second message:\n%s", got)
	}
	if n := r.Count(t, `SELECT count(*) FROM message WHERE replied_at = $1`, noon.UnixMilli()); n != 1 {
		t.Error("the first reply's time has moved")
	}
	if n := r.Count(t, `SELECT count(*) FROM conversation WHERE unread = 2 AND sender_id = $1`, r.Senders[1].ID); n != 1 {
		t.Error("the conversation does not answer from the number the person wrote to last")
	}
}

func TestNewestOutboundInsideItsLookbackWins(t *testing.T) {
	long, short := 30*24*time.Hour, time.Hour
	type sent struct {
		name     string
		ago      time.Duration
		lookback time.Duration
		state    overture.State
	}
	for _, tc := range []struct {
		name string
		sent []sent
		want string
	}{
		{"newest of two", []sent{{"old", 3 * time.Hour, long, overture.Delivered}, {"new", 2 * time.Hour, long, overture.Accepted}}, "new"},
		{"newest whatever the order of writing", []sent{{"new", 2 * time.Hour, long, overture.Accepted}, {"old", 3 * time.Hour, long, overture.Delivered}}, "new"},
		{"newest is over, an older one is not", []sent{{"old", 3 * time.Hour, long, overture.Delivered}, {"new", 2 * time.Hour, short, overture.Delivered}}, "old"},
		{"last millisecond of the lookback", []sent{{"edge", short - time.Millisecond, short, overture.Delivered}}, "edge"},
		{"lookback over", []sent{{"edge", short, short, overture.Delivered}}, "none"},
		{"no lookback", []sent{{"zero", 0, 0, overture.Delivered}}, "none"},
		{"still unknown", []sent{{"old", 3 * time.Hour, long, overture.Delivered}, {"doubt", time.Second, long, overture.Unknown}}, "doubt"},
		{"reply before the provider's answer", []sent{{"now", 0, long, overture.Attempting}}, "now"},
		{"held", []sent{{"held", time.Hour, long, overture.Held}}, "held"},
		{"undelivered was accepted", []sent{{"undelivered", time.Hour, long, overture.Undelivered}}, "undelivered"},
		{"never sent", []sent{{"failed", time.Hour, long, overture.Failed}, {"suppressed", time.Hour, long, overture.Suppressed}, {"queued", time.Hour, long, overture.Queued}}, "none"},
		{"sent after the reply came", []sent{{"before", time.Hour, long, overture.Delivered}, {"after", -time.Minute, long, overture.Accepted}}, "before"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := newRoom(t, storetest.Open(t))
			for _, s := range tc.sent {
				r.Sent(t, r.NewCampaign(t, s.name, r.Skill, s.lookback), ann, noon.Add(-s.ago), s.state)
			}
			r.says(t, ann, "hello")
			r.settle(t)
			got := r.Words(t, `SELECT COALESCE(g.name, 'none') FROM conversation c LEFT JOIN campaign g ON g.id = c.campaign_id`)
			if fmt.Sprint(got) != "["+tc.want+"]" {
				t.Errorf("matched %v, want %s", got, tc.want)
			}
			wantSkill, wantSource := r.Skill, "proactive"
			if tc.want == "none" {
				wantSkill, wantSource = r.Default, "inbound"
			}
			if n := r.Count(t, `SELECT count(*) FROM conversation WHERE skill_id = $1 AND source = $2`, wantSkill, wantSource); n != 1 {
				t.Errorf("the conversation has the wrong skill or source")
			}
		})
	}
}

func TestUnknownPersonGoesToTheDefaultSkill(t *testing.T) {
	s := storetest.Open(t)
	r, other := newRoom(t, s), newRoom(t, s)
	// The same number heard from another tenant only.
	other.Sent(t, other.NewCampaign(t, "theirs", other.Skill, time.Hour), bob, noon, overture.Delivered)
	r.says(t, bob, "who are you?")
	r.settle(t)
	if got := r.transcript(t); got != "consumer: who are you?" {
		t.Errorf("transcript:\n%s", got)
	}
	if n := r.Count(t, `SELECT count(*) FROM conversation WHERE skill_id = $1 AND campaign_id = 0 AND source = 'inbound'`, r.Default); n != 1 {
		t.Error("not with the default skill")
	}
	if n := r.Count(t, `SELECT count(*) FROM message WHERE replied_at IS NOT NULL`); n != 0 {
		t.Error("another tenant's message counts as answered")
	}
	if n := r.Count(t, `SELECT count(*) FROM conversation WHERE account_id = $1`, other.Tenant.ID); n != 0 {
		t.Error("a conversation opened in another account")
	}
}

func TestStopIsBrandWideAndStartLifts(t *testing.T) {
	s := storetest.Open(t)
	r, other := newRoom(t, s), newRoom(t, s)
	r.Sent(t, r.NewCampaign(t, "Spring sale", r.Skill, time.Hour), ann, noon, overture.Delivered)
	r.hears(t, 1, r.From(ann, " Stop! ", noon))
	if !r.optedOut(t, ann) { // before any worker ran
		t.Fatal("STOP on the second number did not stop the brand")
	}
	if other.optedOut(t, ann) {
		t.Error("STOP reached another tenant")
	}
	r.settle(t)
	if got := r.transcript(t); got != "" {
		t.Errorf("STOP opened a conversation:\n%s", got)
	}
	if n := r.Count(t, `SELECT count(*) FROM message WHERE replied_at IS NOT NULL`); n != 1 {
		t.Error("STOP does not count as a response")
	}
	if n := r.Count(t, `SELECT count(*) FROM inbound WHERE wish = 'stop' AND alone AND message_id > 0 AND processed_at IS NOT NULL`); n != 1 {
		t.Error("the inbound does not tell that it was a stop to the campaign's message")
	}
	events, err := s.ConsentEvents(t.Context(), r.Tenant.ID, ann)
	if err != nil || len(events) != 1 || events[0].Kind != overture.ConsentOptOut || events[0].Review {
		t.Fatalf("ledger %+v, %v", events, err)
	}
	if want := r.Words(t, `SELECT id FROM inbound`); len(want) != 1 || events[0].Evidence == "" || events[0].Source != overture.OptOutKeyword {
		t.Errorf("evidence %q of source %q", events[0].Evidence, events[0].Source)
	}
	r.hears(t, 0, r.From(ann, "UNSTOP", noon))
	if r.optedOut(t, ann) {
		t.Error("UNSTOP did not lift it")
	}
}

func TestYes(t *testing.T) {
	r := newRoom(t, storetest.Open(t))
	r.says(t, ann, "Yes")
	r.settle(t)
	if got := r.transcript(t); got != "consumer: Yes" {
		t.Errorf("YES of somebody who is not opted out is an answer like any other; transcript:\n%s", got)
	}
	r.says(t, bob, "stop")
	r.says(t, bob, "YES")
	r.settle(t)
	if r.optedOut(t, bob) {
		t.Error("YES did not bring back a person who was opted out")
	}
	if n := r.Count(t, `SELECT count(*) FROM conversation WHERE address = $1`, string(bob)); n != 0 {
		t.Error("it opened a conversation")
	}
}

func TestPhraseIsHonouredAndReviewed(t *testing.T) {
	r := newRoom(t, storetest.Open(t))
	r.says(t, ann, "please stop texting me")
	r.says(t, bob, "Stop texting me. And when will order 4711 from last Tuesday arrive at last?")
	if !r.optedOut(t, ann) || !r.optedOut(t, bob) {
		t.Error("a phrase was not honoured")
	}
	page, _, err := r.Store.OptOuts(t.Context(), overture.OptOutFilter{AccountID: r.Tenant.ID, Review: true, Limit: 10})
	if err != nil || len(page) != 2 {
		t.Errorf("%d opt-outs to review, %v; want 2", len(page), err)
	}
	r.settle(t)
	if got := r.transcript(t); !strings.HasPrefix(got, "consumer: Stop texting me. And when") || strings.Count(got, "consumer:") != 1 {
		t.Errorf("only the message that asks something else opens a conversation:\n%s", got)
	}
}

func TestStopInsideAConversation(t *testing.T) {
	r := newRoom(t, storetest.Open(t))
	r.Tenant.Settings.OrdinaryWords = []string{"END", "CANCEL"}
	r.says(t, ann, "hello")
	r.settle(t)
	r.says(t, ann, "End")
	if r.optedOut(t, ann) {
		t.Error("the account's everyday word counted inside a conversation")
	}
	r.says(t, ann, "STOP")
	r.says(t, bob, "END")
	if !r.optedOut(t, ann) || !r.optedOut(t, bob) {
		t.Error("STOP inside a conversation, or END outside one, did not count")
	}
	r.settle(t)
	want := "consumer: hello\nconsumer: End\nconsumer: STOP\nsystem: The person opted out. Nothing more is sent to them."
	if got := r.transcript(t); got != want {
		t.Errorf("transcript:\n%s\nwant:\n%s", got, want)
	}
}

func TestHelpIsAnsweredOnce(t *testing.T) {
	r := newRoom(t, storetest.Open(t))
	in := r.From(ann, "HELP", noon)
	for range 3 {
		r.hears(t, 0, in)
		r.settle(t)
	}
	r.says(t, ann, "help") // at once again: two machines would never end
	r.settle(t)
	bodies := r.Words(t, `SELECT m.body FROM message m JOIN dispatch d ON d.message_id = m.id JOIN lane l ON l.id = d.lane_id
		WHERE l.kind = 'reply' AND l.sender_id = $1 AND m.segments = 1 AND m.address = $2`, r.Senders[0].ID, string(ann))
	if len(bodies) != 1 || !strings.Contains(bodies[0], "Acme") || !strings.Contains(bodies[0], "STOP") {
		t.Fatalf("answers to HELP: %q", bodies)
	}
	if got := r.transcript(t); got != "" {
		t.Errorf("HELP opened a conversation:\n%s", got)
	}
	r.now = noon.Add(2 * time.Minute)
	r.Tenant.Settings.HelpText = "Call us."
	r.says(t, ann, "Info")
	r.settle(t)
	if n := r.Count(t, `SELECT count(*) FROM message WHERE body = 'Call us.'`); n != 1 {
		t.Errorf("%d answers with the account's own text, want 1", n)
	}
	// The provider has answered, or would refuse.
	answered := r.From(bob, "HELP", r.now)
	answered.OptOutType = "HELP"
	r.hears(t, 0, answered)
	r.says(t, "+12125550188", "stop")
	r.says(t, "+12125550188", "help")
	r.settle(t)
	if n := r.Count(t, `SELECT count(*) FROM message`); n != 2 {
		t.Errorf("%d messages, want the 2 answers", n)
	}
}

func TestHelpInsideAConversationIsInTheTranscript(t *testing.T) {
	r := newRoom(t, storetest.Open(t))
	r.Tenant.Settings.HelpText = "Call us."
	r.says(t, ann, "hello")
	r.says(t, ann, "HELP")
	r.settle(t)
	if got := r.transcript(t); got != "consumer: hello\nconsumer: HELP\nsystem: Call us." {
		t.Errorf("transcript:\n%s", got)
	}
	if n := r.Count(t, `SELECT count(*) FROM entry e JOIN message m ON m.id = e.message_id AND m.entry_id = e.id WHERE m.body = 'Call us.'`); n != 1 {
		t.Error("the entry is not tied to its message")
	}
}

func TestDuplicatesHaveNoEffect(t *testing.T) {
	s := storetest.Open(t)
	r, other := newRoom(t, s), newRoom(t, s)
	in := r.From(ann, "hello", noon)
	var wg sync.WaitGroup
	errs := make(chan error, 40)
	for range 20 {
		wg.Go(func() { errs <- r.intake.Receive(t.Context(), r.Senders[0], in) })
	}
	wg.Wait()
	r.settle(t)
	r.hears(t, 0, in)
	r.settle(t)
	other.hears(t, 0, in) // the same id in another account is another message
	other.settle(t)
	close(errs)
	for err := range errs {
		if err != nil {
			t.Errorf("a duplicate is an error: %v", err)
		}
	}
	if got := r.transcript(t); got != "consumer: hello" {
		t.Errorf("transcript:\n%s", got)
	}
	if n := r.Count(t, `SELECT count(*) FROM inbound`); n != 2 {
		t.Errorf("%d inbound messages, want one per account", n)
	}
	// A STOP that comes again after START must not stop a second time.
	stop := r.From(bob, "STOP", noon)
	r.hears(t, 0, stop)
	r.says(t, bob, "START")
	r.hears(t, 0, stop)
	if r.optedOut(t, bob) {
		t.Error("a repeated STOP undid the START that came after it")
	}
}

func TestManyAtOnce(t *testing.T) {
	r := newRoom(t, storetest.Open(t))
	const people, messages = 30, 4
	var wg sync.WaitGroup
	for p := range people {
		wg.Go(func() {
			for k := range messages {
				in := r.From(overture.Address(fmt.Sprintf("+1212555%04d", p)), fmt.Sprint(k), noon)
				if err := r.intake.Receive(t.Context(), r.Senders[p%2], in); err != nil {
					t.Errorf("receive: %v", err)
				}
			}
		})
	}
	wg.Go(func() { // two matchers of two nodes, at the same time
		for range 20 {
			if _, err := r.matcher.Step(t.Context()); err != nil {
				t.Errorf("match: %v", err)
			}
		}
	})
	wg.Wait()
	r.settle(t)
	if n := r.Count(t, `SELECT count(*) FROM conversation`); n != people {
		t.Errorf("%d conversations, want %d", n, people)
	}
	got := r.Words(t, `SELECT e.text FROM entry e ORDER BY e.conversation_id, e.id`)
	for i, text := range got {
		if text != fmt.Sprint(i%messages) {
			t.Fatalf("entry %d is %q: the order of a person's messages was lost: %v", i, text, got)
		}
	}
	if len(got) != people*messages {
		t.Errorf("%d entries, want %d", len(got), people*messages)
	}
}

func TestTwoMatchersOpenOneConversation(t *testing.T) {
	r := newRoom(t, storetest.Open(t))
	twin := *r
	twin.open(r.Store)
	for k := range 40 {
		r.says(t, overture.Address(fmt.Sprintf("+1212555%04d", k%8)), "hi")
	}
	var wg sync.WaitGroup
	for _, m := range []*reply.Matcher{r.matcher, twin.matcher} {
		wg.Go(func() {
			for range 10 {
				if _, err := m.Step(t.Context()); err != nil && !errors.Is(err, overture.Unavailable) {
					t.Errorf("match: %v", err)
				}
			}
		})
	}
	wg.Wait()
	r.settle(t)
	if c, e := r.Count(t, `SELECT count(*) FROM conversation`), r.Count(t, `SELECT count(*) FROM entry`); c != 8 || e != 40 {
		t.Errorf("%d conversations with %d entries, want 8 with 40", c, e)
	}
}

func TestClosedConversationStaysClosed(t *testing.T) {
	r := newRoom(t, storetest.Open(t))
	r.Sent(t, r.NewCampaign(t, "Spring sale", r.Skill, time.Hour), ann, noon, overture.Delivered)
	r.says(t, ann, "first")
	r.settle(t)
	r.Exec(t, `UPDATE conversation SET state = 'closed'`)
	r.says(t, ann, "second")
	r.settle(t)
	if n := r.Count(t, `SELECT count(*) FROM conversation WHERE source = 'proactive'`); n != 2 {
		t.Errorf("%d conversations, want a second one", n)
	}
	if n := r.Count(t, `SELECT count(*) FROM entry e JOIN conversation c ON c.id = e.conversation_id WHERE c.state = 'closed'`); n != 2 {
		t.Errorf("the closed conversation has %d entries, want its 2", n)
	}
}

func TestAttachments(t *testing.T) {
	r := newRoom(t, storetest.Open(t))
	one, two := r.From(ann, "", noon), r.From(ann, "look", noon)
	one.Media, two.Media = 1, 2
	r.hears(t, 0, one)
	r.hears(t, 0, two)
	r.settle(t)
	if got := r.transcript(t); got != "consumer: [1 attachment]\nconsumer: look\n[2 attachments]" {
		t.Errorf("transcript:\n%s", got)
	}
}

func TestHostileText(t *testing.T) {
	r := newRoom(t, storetest.Open(t))
	r.says(t, ann, "a\x00b\xff'; DROP TABLE inbound; --")
	r.says(t, bob, strings.Repeat("ä", 100_000))
	r.settle(t)
	if got := r.transcript(t); !strings.HasPrefix(got, "consumer: ab\uFFFD'; DROP TABLE inbound; --\nconsumer: ää") || len(got) > 20_000 {
		t.Errorf("transcript of %d bytes: %.80s", len(got), got)
	}
}

func TestCrashBetweenReceiveAndMatch(t *testing.T) {
	o := storetest.Options(t)
	s, err := store.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	r := newRoom(t, s)
	r.Sent(t, r.NewCampaign(t, "Spring sale", r.Skill, time.Hour), ann, noon, overture.Delivered)
	r.says(t, ann, "hello")
	r.says(t, bob, "stop")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if s, err = store.Open(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	r.open(s)
	if !r.optedOut(t, bob) {
		t.Error("the stop was lost")
	}
	r.settle(t)
	if got := r.transcript(t); strings.Count(got, "consumer: hello") != 1 || strings.Count(got, "proactive brand:") != 1 {
		t.Errorf("transcript after the crash:\n%s", got)
	}
}

// spoiled fails for batches that hold a certain person's message.
type spoiled struct {
	*store.Store
	bad overture.Address
}

func (s spoiled) ApplyReplies(ctx context.Context, replies []overture.Reply, now time.Time) (int, error) {
	for _, r := range replies {
		if r.Inbound.From == s.bad {
			return 0, errors.New("cannot be applied")
		}
	}
	return s.Store.ApplyReplies(ctx, replies, now)
}

func TestOneBadReplyDoesNotHoldUpTheOthers(t *testing.T) {
	r := newRoom(t, storetest.Open(t))
	d := reply.Deps{Store: spoiled{r.Store, bob}, Accounts: r.Desk, Words: consent.NewWords(), Wakes: pubsub.New(), Log: inboundtest.Silence(), Now: func() time.Time { return r.now }}
	r.matcher = reply.NewMatcher(d)
	r.says(t, bob, "first")
	r.says(t, ann, "second")
	r.settle(t)
	if got := r.transcript(t); got != "consumer: second" {
		t.Errorf("transcript:\n%s", got)
	}
	r.open(r.Store) // mended
	r.settle(t)
	if got := r.transcript(t); got != "consumer: second\nconsumer: first" {
		t.Errorf("transcript after the mend:\n%s", got)
	}
}

func TestReceiveRefusesWhatItCannotKeep(t *testing.T) {
	r := newRoom(t, storetest.Open(t))
	if err := r.intake.Receive(t.Context(), r.Senders[0], overture.Inbound{From: ann, Body: "x"}); !errors.Is(err, overture.Invalid) {
		t.Errorf("without an id: %v", err)
	}
	if err := r.intake.Receive(t.Context(), r.Senders[0], overture.Inbound{ProviderID: "SM1", Body: "x"}); !errors.Is(err, overture.Invalid) {
		t.Errorf("without a number: %v", err)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if err := r.intake.Receive(gone, r.Senders[0], r.From(ann, "x", noon)); err == nil {
		t.Log("stored although the caller had gone: harmless, the provider sends it again")
	}
	if err := r.Store.Close(); err != nil {
		t.Fatal(err)
	}
	if err := r.intake.Receive(t.Context(), r.Senders[0], r.From(ann, "x", noon)); err == nil {
		t.Error("a closed database took a message")
	}
}

func TestRunWorksAndStops(t *testing.T) {
	r := newRoom(t, storetest.Open(t))
	bus := pubsub.New()
	d := reply.Deps{Store: r.Store, Accounts: r.Desk, Words: consent.NewWords(), Wakes: bus, Log: inboundtest.Silence(), Now: func() time.Time { return r.now }}
	intake := reply.NewIntake(d)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		reply.NewMatcher(d).Run(ctx)
		close(done)
	}()
	wake, unsubscribe := bus.Subscribe("inbound")
	defer unsubscribe()
	if err := intake.Receive(ctx, r.Senders[0], r.From(ann, "hello", noon)); err != nil {
		t.Fatal(err)
	}
	for r.transcript(t) == "" {
		<-wake // once for the store, once for the match
	}
	cancel()
	<-done
}
