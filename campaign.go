package overture

import "time"

// CampaignState is the life of a campaign (B4).
type CampaignState string

// The life: draft → scheduled → running ⇄ paused → completed / canceled.
const (
	Draft            CampaignState = "draft"
	Scheduled        CampaignState = "scheduled" // launched, waits for its launch time
	Running          CampaignState = "running"
	Paused           CampaignState = "paused"
	Completed        CampaignState = "completed"
	CampaignCanceled CampaignState = "canceled"
)

var campaignMoves = map[CampaignState][]CampaignState{
	Draft:     {Scheduled, Running},
	Scheduled: {Running, Paused, CampaignCanceled, Draft}, // to draft: undo
	Running:   {Paused, Completed, CampaignCanceled, Draft},
	Paused:    {Running, Scheduled, CampaignCanceled, Draft},
	Completed: {Running}, // retry of failed or resend of held messages
}

// CanBecome tells whether the move is legal.
func (s CampaignState) CanBecome(next CampaignState) bool {
	for _, n := range campaignMoves[s] {
		if n == next {
			return true
		}
	}
	return false
}

// Campaign is what a manager composes and launches. Content, schedule and list freeze at launch (F2).
type Campaign struct {
	ID               CampaignID
	AccountID        AccountID
	BrandID          BrandID
	Name             string
	Channel          Channel
	SenderID         SenderID
	SkillID          SkillID
	Content          Content
	State            CampaignState
	LaunchAt         time.Time // zero: as soon as launched
	Window           Window
	Rate             int           // segments per second, at most the sender's
	Lookback         time.Duration // replies inside go to SkillID (I3)
	ExpiresAt        time.Time     // validity: unsent after this expires; zero: never
	Policy           SendPolicy
	OpenConversation OpenConversationPolicy
	Reason           string // why paused or canceled, shown to people

	RecipientCount int    // valid recipients in the list
	Rules          *Rules // packs and caps, frozen at launch; nil before
	ListHash       string // frozen at launch
	ContentHash    string // frozen at launch
	ConsentBy      UserID // who ticked the consent box (F1)
	ConsentAt      time.Time

	Rails       CampaignRails
	UndoSeconds int       // after the press on launch, in which nothing goes and it can be taken back
	UndoUntil   time.Time // set at launch; zero: no undo window
	Watch       Watch     // what the guard knows

	CreatedBy   UserID
	CreatedAt   time.Time
	UpdatedAt   time.Time
	LaunchedAt  time.Time
	CompletedAt time.Time
	ArchivedAt  time.Time

	PeopleDeletedAt time.Time // when retention began to delete recipients and messages; zero: they are there
}

// WindowFor gives the window of one recipient: the campaign's, narrowed by the rules for the place of the number.
func (c Campaign) WindowFor(to Address) Window { return c.Window.Under(c.Rules.For(to)) }

// SendPolicy says what to do with a message whose outcome cannot be proven.
type SendPolicy string

// The send policies.
const (
	Safe      SendPolicy = "safe"       // default: ask the provider's record, else hold
	MustReach SendPolicy = "must_reach" // after the grace period resend without proof: may arrive twice
)

// Counts are the recipients of a campaign by state. The sum always equals the list frozen at launch.
type Counts map[State]int

// Total is the number of recipients counted.
func (c Counts) Total() int {
	n := 0
	for _, v := range c {
		n += v
	}
	return n
}

// AcceptedOrLater counts what a provider certainly has.
func (c Counts) AcceptedOrLater() int {
	n := 0
	for s, v := range c {
		if s.WasAccepted() {
			n += v
		}
	}
	return n
}
