package overture

import "time"

// RetentionClass is a kind of data that an account may have deleted when it is old.
type RetentionClass string

// The classes. What stays in each case: campaigns with their counters, opt-outs and consent events.
const (
	RetainMessages      RetentionClass = "messages"      // people, messages, attempts and receipts of finished campaigns; single messages
	RetainConversations RetentionClass = "conversations" // closed conversations with answers, and inbound messages
	RetainUploads       RetentionClass = "uploads"       // lists of drafts that nobody touches
	RetainAudit         RetentionClass = "audit"         // the audit log
)

// RetentionClasses lists the classes in the order in which they are shown and worked on.
func RetentionClasses() []RetentionClass {
	return []RetentionClass{RetainMessages, RetainConversations, RetainUploads, RetainAudit}
}

// MaxRetentionDays is the longest period; longer is for ever.
const MaxRetentionDays = 36_500

// MinimumDays is the shortest period of a class. Messages are needed for 31 days by the longest frequency cap, which counts up to a day beyond
// a campaign's end; an audit log is kept for a year at least.
func (c RetentionClass) MinimumDays() int {
	switch c {
	case RetainMessages, RetainConversations:
		return 35
	case RetainUploads:
		return 7
	case RetainAudit:
		return 366
	}
	return MaxRetentionDays
}

// Retention is how long an account keeps its data.
type Retention struct {
	AccountID AccountID
	Version   int                    // of the periods; 0: nobody ever chose
	Days      map[RetentionClass]int // 0 or absent: for ever
	ChangedBy string
	ChangedAt time.Time
	RanAt     time.Time // when it was last looked for old data; zero: not since the periods were chosen
	Holds     []LegalHold
	Tally     map[RetentionClass]RetentionTally
}

// Cutoff is the moment before which data of a class is old; ok is false where it is kept for ever.
func (r Retention) Cutoff(c RetentionClass, now time.Time) (before time.Time, ok bool) {
	days := r.Days[c]
	return now.Add(-time.Duration(days) * 24 * time.Hour), days > 0
}

// RetentionTally is what was deleted of a class so far: people, conversations and lone messages, people on lists, entries.
type RetentionTally struct {
	Deleted int
	LastAt  time.Time
}

// LegalHold keeps everything of an account, or of one campaign, from being deleted by retention.
type LegalHold struct {
	CampaignID   CampaignID // zero: the whole account
	CampaignName string
	Reason       string
	By           string
	At           time.Time
}

// RetentionPreview is what would be deleted now of one class.
type RetentionPreview struct {
	Class     RetentionClass
	Days      int
	Items     int // as in RetentionTally
	Campaigns int // that the people belong to, or drafts
	Waiting   RetentionWaiting
}

// RetentionWaiting counts campaigns that are old enough and stay for now.
type RetentionWaiting struct {
	OnHold   int // a legal hold
	Held     int // they have held messages
	Lookback int // a reply would still be theirs
}

// Deletion is the record of what retention deleted of a campaign, or of messages outside campaigns (CampaignID zero). With it and the counters
// verify proves what the rows proved before.
type Deletion struct {
	AccountID     AccountID
	CampaignID    CampaignID
	People        int
	Messages      int
	Accepted      int       // messages the provider certainly has, without those a person settled
	ByPerson      int       // messages that a person settled
	LastMessageID MessageID // the highest id that was deleted
	ListHash      string    // of the people that were deleted
	BeganAt       time.Time
	FinishedAt    time.Time // zero: some are left
}

// ErrPeopleDeleted says that a campaign's people are gone: NotFound to who asks for one of them, Conflict to who needs them.
func ErrPeopleDeleted(kind Kind, at time.Time) error {
	return errorOf(kind, "people_deleted", "the people of this campaign were deleted by retention on "+at.UTC().Format(time.DateOnly)+"; its counters stay")
}

// DeletedByRetention are the words for files and reports.
func DeletedByRetention(at time.Time) string {
	return "deleted by retention on " + at.UTC().Format(time.DateOnly)
}
