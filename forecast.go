package overture

import "time"

// ListedOutcome is one recipient of a campaign as forecasts read it: what decides when the message goes, and what has become of it. The byte
// slices are only valid until the next one is read.
type ListedOutcome struct {
	RecipientID RecipientID
	Address     []byte
	Zones       []byte // comma-separated; empty: unknown
	Segments    int
	State       State     // Queued also while there is no message yet
	Reason      []byte    // beside the state
	EndedAt     time.Time // when it was accepted, or ended without; zero while it is queued
}

// StoppedRecipient is one who would be skipped now, and why: ReasonOptedOut or ReasonOpenConversation.
type StoppedRecipient struct {
	RecipientID RecipientID
	Reason      string
}

// LaneLoad is what waits in another lane of a sender.
type LaneLoad struct {
	CampaignID   CampaignID
	Name         string
	Rate         int // segments per second; 0: only the sender's
	Weight       int
	MeanSegments float64 // of its list
	Groups       []DueGroup
}

// KeptForecast is the forecast that was made when a campaign was launched, and the comparison once the campaign has ended. Both are the
// forecast room's own JSON.
type KeptForecast struct {
	AccountID  AccountID
	CampaignID CampaignID
	State      KeptState
	LaunchedAt time.Time
	Forecast   []byte
	Actual     []byte    // empty until the campaign has ended and somebody asked
	FinishAt   time.Time // as forecast; zero until it is kept
	MadeAt     time.Time
}

// KeptState is the life of a kept forecast.
type KeptState string

// pending → kept, or → failed when it cannot be made.
const (
	ForecastPending KeptState = "pending"
	ForecastKept    KeptState = "kept"
	ForecastFailed  KeptState = "failed"
)

// Pause is a stretch in which a campaign was paused; To is zero while it is.
type Pause struct{ From, To time.Time }
