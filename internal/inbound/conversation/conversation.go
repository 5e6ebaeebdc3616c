// Package conversation is where agents work: the list of conversations, transcripts, answers.
//
//	Does:   shows conversations to those who may see them; accepts, answers, transfers, closes, records a stop said to an agent
//	Reads:  conversation, entry, message, inflight, opt_out, agent_skill, recipient, campaign
//	Writes: conversation, entry, agent.assigned_at, opt_out and consent_event; an answer's message and dispatch row
//	Wakes:  "dispatch" after an answer and a close, "inbound" when a conversation waits again or an agent has room
package conversation

import (
	"context"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/kit/segment"
)

const (
	topicInbound  = "inbound"
	topicDispatch = "dispatch"
)

// answerLimit is the provider's limit for one text, in characters.
const answerLimit = 1600

// The card shows at most five outbounds of the last 30 days (I2).
const (
	cardOutbounds = 5
	cardDays      = 30 * 24 * time.Hour
)

// Store is what the room needs to show conversations.
type Store interface {
	Conversations(ctx context.Context, f overture.ConversationFilter) ([]overture.ConversationCard, error)
	Conversation(ctx context.Context, account overture.AccountID, id overture.ConversationID) (overture.ConversationCard, error)
	Entries(ctx context.Context, account overture.AccountID, id overture.ConversationID, after overture.EntryID, limit int) ([]overture.Entry, error)
	RecentOutbounds(ctx context.Context, account overture.AccountID, brand overture.BrandID, address overture.Address, since time.Time) ([]overture.Outbound, error)
	UserSkills(ctx context.Context, account overture.AccountID, users []overture.UserID) (map[overture.UserID][]overture.SkillID, error)
}

// Changes is what the room needs to change conversations.
type Changes interface {
	Assign(ctx context.Context, a overture.Assignment, now time.Time) (won bool, err error)
	AddAnswer(ctx context.Context, by overture.Actor, a overture.Answer, now time.Time) (overture.Entry, error)
	Transfer(ctx context.Context, by overture.Actor, id overture.ConversationID, skill overture.SkillID, now time.Time) error
	CloseConversation(ctx context.Context, by overture.Actor, id overture.ConversationID, now time.Time) error
	MarkRead(ctx context.Context, account overture.AccountID, id overture.ConversationID) error
	OptOutPerson(ctx context.Context, by overture.Actor, c overture.Conversation, now time.Time) error
}

// Wakes carries wake-ups to other loops.
type Wakes interface {
	Publish(topic string)
}

// Inbox is the room. Every call names who asks: what a viewer may not see does not exist for that viewer.
type Inbox struct {
	store   Store
	changes Changes
	wakes   Wakes
	now     func() time.Time
}

// New makes the inbox. now is the clock, time.Now outside tests.
func New(store Store, changes Changes, wakes Wakes, now func() time.Time) *Inbox {
	return &Inbox{store: store, changes: changes, wakes: wakes, now: now}
}

// Viewer completes who looks with the skills of the user. all: sees every conversation of the account.
func (i *Inbox) Viewer(ctx context.Context, by overture.Actor, all bool) (overture.Viewer, error) {
	v := overture.Viewer{Actor: by, All: all}
	if all || by.UserID == 0 {
		return v, nil
	}
	skills, err := i.store.UserSkills(ctx, by.AccountID, []overture.UserID{by.UserID})
	v.Skills = skills[by.UserID]
	return v, err
}

// List gives the conversations the viewer sees, newest first.
func (i *Inbox) List(ctx context.Context, v overture.Viewer, f overture.ConversationFilter) ([]overture.ConversationCard, error) {
	f.AccountID, f.Viewer = v.AccountID, v
	return i.store.Conversations(ctx, f)
}

// Card gives one conversation with what the agent sees beside it. NotFound: there is none, or it is not for this viewer.
func (i *Inbox) Card(ctx context.Context, v overture.Viewer, id overture.ConversationID) (overture.ConversationCard, error) {
	c, err := i.seen(ctx, v, id)
	if err != nil {
		return c, err
	}
	sent, err := i.store.RecentOutbounds(ctx, c.AccountID, c.BrandID, c.Address, i.now().Add(-cardDays))
	if err != nil {
		return c, err
	}
	for k := len(sent) - 1; k >= 0 && len(c.Outbounds) < cardOutbounds; k-- {
		o := sent[k]
		text, err := o.Content.For(o.Personal)
		if err != nil { // a frozen list was checked at launch; the campaign's own text says more than nothing
			text = o.Content.Text
		}
		if o.Content.SmartEncoding {
			text = segment.Smart(text)
		}
		o.Text = overture.Text(text)
		c.Outbounds = append(c.Outbounds, o)
	}
	return c, nil
}

// Transcript gives the entries of a conversation in order, after the given one.
func (i *Inbox) Transcript(ctx context.Context, v overture.Viewer, id overture.ConversationID, after overture.EntryID, limit int) ([]overture.Entry, error) {
	if _, err := i.seen(ctx, v, id); err != nil {
		return nil, err
	}
	return i.store.Entries(ctx, v.AccountID, id, after, limit)
}

func (i *Inbox) seen(ctx context.Context, v overture.Viewer, id overture.ConversationID) (overture.ConversationCard, error) {
	c, err := i.store.Conversation(ctx, v.AccountID, id)
	if err == nil && !v.Sees(c.Conversation) {
		return overture.ConversationCard{}, overture.ErrNotFound("conversation")
	}
	return c, err
}

// Accept takes a waiting conversation for the viewer. Of several who try at once exactly one wins; the others get a Conflict (I19).
func (i *Inbox) Accept(ctx context.Context, v overture.Viewer, id overture.ConversationID) error {
	if v.UserID == 0 {
		return overture.ErrInvalid("no_person", "only a signed-in person can accept a conversation; API keys answer without accepting")
	}
	// Not i.seen: who lost the race a moment ago should hear that it is taken, not that it never was there.
	c, err := i.store.Conversation(ctx, v.AccountID, id)
	if err != nil {
		return err
	}
	if waiting := c.Conversation; !v.Sees(c.Conversation) {
		waiting.State = overture.ConversationWaiting
		if c.State == overture.ConversationClosed || !v.Sees(waiting) {
			return overture.ErrNotFound("conversation")
		}
	}
	_, err = i.changes.Assign(ctx, overture.Assignment{AccountID: v.AccountID, ConversationID: id, AgentID: v.UserID, ByHand: true}, i.now())
	return err
}

// Answer sends a text to the person. An agent answers only the own conversations; who sees all may answer any that is open.
func (i *Inbox) Answer(ctx context.Context, v overture.Viewer, id overture.ConversationID, text string) (overture.Entry, error) {
	text = strings.TrimSpace(strings.ReplaceAll(text, "\x00", ""))
	if text == "" {
		return overture.Entry{}, overture.ErrInvalid("empty_text", "write something to send")
	}
	if utf8.RuneCountInString(text) > answerLimit {
		return overture.Entry{}, overture.ErrInvalid("too_long", "one message holds 1600 characters; split the text")
	}
	if _, err := i.seen(ctx, v, id); err != nil {
		return overture.Entry{}, err
	}
	e, err := i.changes.AddAnswer(ctx, v.Actor, overture.Answer{ConversationID: id, Text: text, Segments: segment.Measure(text).Segments, OnlyAssigned: !v.All}, i.now())
	if err == nil {
		i.wakes.Publish(topicDispatch)
	}
	return e, err
}

// Transfer sends a conversation to the queue of another skill.
func (i *Inbox) Transfer(ctx context.Context, v overture.Viewer, id overture.ConversationID, skill overture.SkillID) error {
	return i.change(ctx, v, id, func() error {
		err := i.changes.Transfer(ctx, v.Actor, id, skill, i.now())
		if err == nil {
			i.wakes.Publish(topicInbound)
		}
		return err
	})
}

// Close ends a conversation. Messages of campaigns that were held back for it may go now.
func (i *Inbox) Close(ctx context.Context, v overture.Viewer, id overture.ConversationID) error {
	return i.change(ctx, v, id, func() error {
		err := i.changes.CloseConversation(ctx, v.Actor, id, i.now())
		if err == nil {
			i.wakes.Publish(topicInbound)
			i.wakes.Publish(topicDispatch)
		}
		return err
	})
}

// Read forgets what was unread.
func (i *Inbox) Read(ctx context.Context, v overture.Viewer, id overture.ConversationID) error {
	return i.change(ctx, v, id, func() error { return i.changes.MarkRead(ctx, v.AccountID, id) })
}

// OptOut records that the person asked the agent to stop: at once and for all the brand's numbers (J2).
func (i *Inbox) OptOut(ctx context.Context, v overture.Viewer, id overture.ConversationID) error {
	c, err := i.seen(ctx, v, id)
	if err != nil {
		return err
	}
	return i.changes.OptOutPerson(ctx, v.Actor, c.Conversation, i.now())
}

// change runs f for a conversation that is the viewer's own, or anybody's for who sees all.
func (i *Inbox) change(ctx context.Context, v overture.Viewer, id overture.ConversationID, f func() error) error {
	c, err := i.seen(ctx, v, id)
	if err != nil {
		return err
	}
	if !v.All && c.AgentID != v.UserID {
		return overture.ErrConflict("conversation_not_yours", "accept this conversation first")
	}
	return f()
}
