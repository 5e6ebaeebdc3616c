// Package forecast tells before a launch what will happen: when whom, who not and why, what it costs, when it is over (E5).
//
//	Does:   plays the planner and the buckets of dispatch on a virtual clock over the real list; keeps the forecast of a launch and compares it
//	Reads:  campaigns, recipients, opt-outs, open conversations, senders, prices, what waits in other lanes; messages for the comparison
//	Writes: campaign_forecast
//	Wakes:  nobody; it is woken by launches
//
// A forecast passes these hands:
//
//	turn.go     how many are made at once
//	census.go   the list, read once: groups of recipients that are alike, and their order
//	cap.go      who has had as many messages as a frequency cap allows
//	play.go     the run: message by message on a virtual clock, inside windows, at the rate
//	rails.go    canary, ramp and spend limits of the campaign
//	lanes.go    what the sender's other campaigns take of the rate, and whose turn it is
//	tally.go    what happened in the run, by hour and zone
//	reason.go   why it takes as long as it does, and what another rate would change
//	keep.go     the forecast of a launch, made once and never changed
//	compare.go  forecast against what happened
package forecast

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/overture-im/overture"
)

// Store is what the room needs of the database.
type Store interface {
	Campaign(ctx context.Context, account overture.AccountID, id overture.CampaignID) (overture.Campaign, error)
	Sender(ctx context.Context, account overture.AccountID, id overture.SenderID) (overture.Sender, error)
	AnyWithoutText(ctx context.Context, campaign overture.CampaignID) (bool, error)
	CampaignPrices(ctx context.Context, account overture.AccountID, campaign overture.CampaignID) (overture.PriceTable, error)
	EachOutcome(ctx context.Context, account overture.AccountID, campaign overture.CampaignID, outcomes bool, f func(overture.ListedOutcome) error) error
	StoppedRecipients(ctx context.Context, c overture.Campaign) ([]overture.StoppedRecipient, error)
	ListMark(ctx context.Context, c overture.Campaign, whole bool) (string, error)
	Contacts(ctx context.Context, account overture.AccountID, people []overture.Address, since time.Time) (map[overture.Address][]time.Time, error)
	OtherLoads(ctx context.Context, c overture.Campaign, now time.Time) ([]overture.LaneLoad, error)
	CampaignCounts(ctx context.Context, account overture.AccountID, id overture.CampaignID) (overture.Counts, error)
	CampaignRailed(ctx context.Context, c overture.Campaign) (overture.Railed, error)
	Pauses(ctx context.Context, account overture.AccountID, id overture.CampaignID) ([]overture.Pause, error)
	Keeping
}

// Keeping is where forecasts of launches are kept.
type Keeping interface {
	KeptForecast(ctx context.Context, account overture.AccountID, campaign overture.CampaignID) (overture.KeptForecast, error)
	PendingForecasts(ctx context.Context, owner string, limit int) ([]overture.KeptForecast, error)
	ClaimForecast(ctx context.Context, k overture.KeptForecast, owner string, ttl time.Duration) (ok bool, err error)
	ReleaseForecasts(ctx context.Context, owner string) error
	KeepForecast(ctx context.Context, k overture.KeptForecast, owner string) error
	KeepActual(ctx context.Context, account overture.AccountID, campaign overture.CampaignID, actual []byte) error
}

// Lists tells the state of a draft's list; the rows are the recipient room's.
type Lists interface {
	Summary(ctx context.Context, account overture.AccountID, campaign overture.CampaignID) (overture.ListSummary, error)
}

// Windows finds the next time at which a message may go, as the planner does (outbound/schedule).
type Windows interface {
	Next(now time.Time, zones []string, w overture.Window, launchAt, expiresAt time.Time) (due, notAfter time.Time, expired bool, why string)
}

// Deps of the room. Store, Lists and Windows are required.
type Deps struct {
	Store   Store
	Lists   Lists
	Windows Windows
	// Recheck looks at a draft's list again after its text was changed; nil: not done.
	Recheck func(ctx context.Context, account overture.AccountID, campaign overture.CampaignID) error
	// Rules are what policy packs and caps say about a campaign, as at its launch; nil: nothing.
	Rules     func(ctx context.Context, c overture.Campaign) (*overture.Rules, error)
	CountryOf overture.CountryOf // nil: prices by country do not apply
	Owner     string             // unique for this process: one node makes a launch's forecast
	Log       *slog.Logger
	Wake      <-chan struct{} // a campaign was launched; nil: the keeper looks every few seconds
	Now       func() time.Time
}

// Service is the room. Safe for concurrent use: one census is read at a time, and few are played, so that forecasts leave the machine to those who send.
type Service struct {
	Deps
	reading chan struct{} // holds one token while a census is read
	playing chan struct{} // holds a token for every forecast under way that somebody asked for

	mu      sync.Mutex
	recent  []*census // newest last
	actuals map[overture.CampaignID]*measured
}

// New makes the room.
func New(d Deps) *Service {
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
	if d.Now == nil {
		d.Now = time.Now
	}
	return &Service{Deps: d, reading: make(chan struct{}, 1), playing: make(chan struct{}, playedAtOnce), actuals: map[overture.CampaignID]*measured{}}
}
