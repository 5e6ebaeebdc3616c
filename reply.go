package overture

import "time"

// Outbound is a campaign message that certainly or possibly reached a person, as the side that reads replies sees it.
type Outbound struct {
	MessageID    MessageID
	CampaignID   CampaignID
	CampaignName string
	SkillID      SkillID
	Address      Address
	Lookback     time.Duration
	SentAt       time.Time // start of the attempt that reached the person
	State        State
	Content      Content
	Personal     Personal
	Text         Text // the final text; set by the room that shows it
}

// Answerable tells whether a reply that came in at that moment belongs to the message: not before it was sent, a little clock difference
// between nodes allowed, and before its lookback is over (I3).
func (o Outbound) Answerable(at time.Time) bool {
	const skew = 5 * time.Second
	return !at.Before(o.SentAt.Add(-skew)) && at.Before(o.SentAt.Add(o.Lookback))
}

// Reply is an inbound message on its way from the webhook to a conversation.
type Reply struct {
	Inbound   Inbound
	BrandID   BrandID
	BrandName string
	Channel   Channel
	Wish      Wish // when it is stored: what the words ask; afterwards: what of it counted

	Outbound Outbound // the message that was answered; zero: none inside its lookback
	SkillID  SkillID  // where a new conversation goes; zero: any agent
	Answer   Text     // our own answer to HELP; empty: none
	Segments int      // of the answer
}
