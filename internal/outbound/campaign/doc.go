// Package campaign composes a campaign, checks it, launches it, and looks after its life until it is completed or canceled.
//
//	Does:   drafts and their rules, text measure, checklist, launch, pause, resume, cancel, retry, test send, progress, why/why-not
//	Reads:  campaigns, lists, senders, skills, counters, the queue of a campaign's lane
//	Writes: campaign and lane state; orders about held messages; message state canceled; by a person's word also held → accepted, failed or queued, and failed → queued
//	Wakes:  "plan" after a launch, "dispatch" after resume, retry and resend, "campaign" after every change that people watch
//
// Life (B4), with who moves it:
//
//	scheduled, running, paused ──undo, while its window is open──▶ draft
//
//	draft ──launch──▶ scheduled ──planner, at its time──▶ running ──Finisher──▶ completed ──retry, resend──▶ running
//	                     │  ▲                              │  ▲
//	                     ▼  └─────────── resume ────────────  │
//	                   paused ◀────────── pause ───────────┘──┘        scheduled, running, paused ──cancel──▶ canceled
package campaign

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/overture-im/overture"
)

// Drafts keeps campaigns that are composed.
type Drafts interface {
	CreateCampaign(ctx context.Context, by overture.Actor, c overture.Campaign, now time.Time) (overture.Campaign, error)
	Campaign(ctx context.Context, account overture.AccountID, id overture.CampaignID) (overture.Campaign, error)
	Campaigns(ctx context.Context, f overture.CampaignFilter) ([]overture.CampaignLine, error)
	UpdateDraft(ctx context.Context, by overture.Actor, c overture.Campaign, fields string, now time.Time) (overture.Campaign, error)
	DeleteDraft(ctx context.Context, by overture.Actor, id overture.CampaignID, now time.Time) error
}

// Lives moves campaigns through their life.
type Lives interface {
	LaunchCampaign(ctx context.Context, by overture.Actor, c overture.Campaign, now time.Time) (overture.Campaign, error)
	PauseCampaign(ctx context.Context, by overture.Actor, id overture.CampaignID, reason string, now time.Time) (overture.Campaign, error)
	ResumeCampaign(ctx context.Context, by overture.Actor, id overture.CampaignID, now time.Time) (overture.Campaign, error)
	CancelCampaign(ctx context.Context, by overture.Actor, id overture.CampaignID, reason string, now time.Time) (overture.Campaign, error)
	UndoLaunch(ctx context.Context, by overture.Actor, id overture.CampaignID, now time.Time) (overture.Campaign, error)
	ArchiveCampaign(ctx context.Context, by overture.Actor, id overture.CampaignID, archived bool, now time.Time) (overture.Campaign, error)
}

// Surroundings are the account's things a campaign points at.
type Surroundings interface {
	Account(ctx context.Context, id overture.AccountID) (overture.Account, error)
	Sender(ctx context.Context, account overture.AccountID, id overture.SenderID) (overture.Sender, error)
	Skill(ctx context.Context, account overture.AccountID, id overture.SkillID) (overture.Skill, error)
	Prices(ctx context.Context, account overture.AccountID) (overture.PriceTable, error)
	IsOptedOut(ctx context.Context, account overture.AccountID, brand overture.BrandID, channel overture.Channel, address overture.Address) (bool, error)
}

// Lists is the list of recipients; the rows are the recipient room's.
type Lists interface {
	Summary(ctx context.Context, account overture.AccountID, campaign overture.CampaignID) (overture.ListSummary, error)
	Clear(ctx context.Context, account overture.AccountID, campaign overture.CampaignID) error
}

// Samples shows parts of a list.
type Samples interface {
	ZoneSample(ctx context.Context, campaign overture.CampaignID, limit int) ([]overture.QueuedSample, error)
	AnyWithoutText(ctx context.Context, campaign overture.CampaignID) (bool, error)
	EachOutcome(ctx context.Context, account overture.AccountID, campaign overture.CampaignID, outcomes bool, f func(overture.ListedOutcome) error) error
	CopyList(ctx context.Context, account overture.AccountID, from, to overture.CampaignID) (int, error)
}

// Queues puts messages into the queue again, or for the first time.
type Queues interface {
	FailedMessages(ctx context.Context, campaign overture.CampaignID, reasons []string, after overture.RecipientID, limit int) ([]overture.Ended, error)
	RequeueFailed(ctx context.Context, by overture.Actor, campaign overture.CampaignID, items []overture.Requeue, audit string, now time.Time) (int, error)
	HeldMessage(ctx context.Context, account overture.AccountID, id overture.MessageID) (overture.Ended, error)
	ResolveMessage(ctx context.Context, by overture.Actor, held overture.Ended, how overture.Resolution, place overture.Requeue, now time.Time) (overture.State, error)
	TestSend(ctx context.Context, by overture.Actor, campaign overture.CampaignID, m overture.Message, due, notAfter time.Time) (overture.Message, error)
}

// Watch reads how campaigns get on.
type Watch interface {
	Standing(ctx context.Context, account overture.AccountID, id overture.CampaignID) (overture.Standing, error)
	LaneQueue(ctx context.Context, lane overture.LaneID, now time.Time, groups int) (overture.Queue, error)
	WaitingSample(ctx context.Context, lane overture.LaneID, from time.Time, limit int) ([]overture.QueuedSample, error)
	RecipientFacts(ctx context.Context, account overture.AccountID, campaign overture.CampaignID, recipient overture.RecipientID) (overture.Facts, error)
}

// Windows finds the next time at which a message may go, as internal/outbound/schedule plans it. Zones are the candidates, empty when unknown.
type Windows interface {
	Next(now time.Time, zones []string, w overture.Window, launchAt, expiresAt time.Time) (due, notAfter time.Time, expired bool, why string)
}

// Store is everything this room needs of the database; *store.Store fits.
type Store interface {
	Drafts
	Lives
	Surroundings
	Samples
	Queues
	HeldList
	Watch
}

// Deps of the room. Store, Lists, Windows and ParsePhone are required.
type Deps struct {
	Store      Store
	Lists      Lists
	Windows    Windows
	ParsePhone func(text string) (e164 string, zones []string, err error)
	Recheck    func(ctx context.Context, account overture.AccountID, campaign overture.CampaignID) error // after a draft's text changed; nil: not done
	CountryOf  overture.CountryOf                                                                        // nil: prices by country do not apply
	Wake       func(topic string)                                                                        // nil: nobody to wake
	Log        *slog.Logger
}

// Service is the room. Safe for concurrent use.
type Service struct {
	store      Store
	lists      Lists
	windows    Windows
	parsePhone func(string) (string, []string, error)
	recheck    func(context.Context, overture.AccountID, overture.CampaignID) error
	countryOf  overture.CountryOf
	wake       func(string)
	log        *slog.Logger
	speed      *Speed

	mu     sync.Mutex
	recent map[overture.CampaignID]*glance
}

// New makes the room.
func New(d Deps) *Service {
	s := &Service{
		store: d.Store, lists: d.Lists, windows: d.Windows, parsePhone: d.ParsePhone, recheck: d.Recheck, countryOf: d.CountryOf, wake: d.Wake,
		log: d.Log, speed: NewSpeed(), recent: map[overture.CampaignID]*glance{},
	}
	if s.wake == nil {
		s.wake = func(string) {}
	}
	if s.recheck == nil {
		s.recheck = func(context.Context, overture.AccountID, overture.CampaignID) error { return nil }
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	return s
}
