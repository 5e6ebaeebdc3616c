package overture

// Topic is what an event of the console's live updates is about.
type Topic string

// The topics.
const (
	CampaignTopic Topic = "campaign"
	HeldTopic     Topic = "held"
	InboundTopic  Topic = "inbound"
	OptOutTopic   Topic = "opt_out"
	SenderTopic   Topic = "sender"
)

// Thing is something that pages show and that changes. Without an id it is everything of its topic.
type Thing struct {
	Topic Topic
	ID    string
}

// Marks fold the state of each thing into a number. A number that differs from the one of the last look, or is new or gone, means that the
// thing has changed; how, is for whoever may ask.
type Marks map[Thing]uint64
