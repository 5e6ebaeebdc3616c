// Package recipient brings people into a campaign's list and keeps the list right until launch.
//
//	Does:   reads CSV files and typed lines, checks every row, previews, repairs, clears
//	Reads:  campaign, account settings, opt_out; uploaded files
//	Writes: list_import, recipient, recipient_address, problem, campaign.recipient_count — only of drafts
//	Wakes:  nobody; the launch freezes the list and wakes the planner
package recipient

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/overture-im/overture"
)

// Target gives what a list is checked against.
type Target interface {
	ListTarget(ctx context.Context, account overture.AccountID, campaign overture.CampaignID) (overture.ListTarget, error)
	ListSummary(ctx context.Context, account overture.AccountID, campaign overture.CampaignID) (overture.ListSummary, error)
	Imports(ctx context.Context, account overture.AccountID, campaign overture.CampaignID) ([]overture.Import, error)
}

// Loading writes an import: begun, filled in chunks, indexed, and only then part of the list.
type Loading interface {
	NewID() int64
	BeginImport(ctx context.Context, im overture.Import) error
	AppendToImport(ctx context.Context, im overture.Import, rows []overture.Recipient, problems []overture.Problem, now time.Time) error
	IndexRecipients(ctx context.Context, im overture.Import, rows []overture.Recipient, now time.Time) error
	TouchImport(ctx context.Context, im overture.Import, now time.Time) error
	FinishImport(ctx context.Context, im overture.Import, now time.Time) error
}

// Removing takes imports away.
type Removing interface {
	CancelImport(ctx context.Context, account overture.AccountID, campaign overture.CampaignID, im overture.ImportID, now time.Time) error
	AbandonImport(ctx context.Context, im overture.Import, why string, now time.Time) error
	RemoveImport(ctx context.Context, im overture.Import) error
	DeadImports(ctx context.Context, silentSince time.Time) ([]overture.Import, error)
	ClearList(ctx context.Context, account overture.AccountID, campaign overture.CampaignID, now time.Time) error
}

// Looking reads the list and the opt-outs beside it.
type Looking interface {
	ListedRows(ctx context.Context, campaign overture.CampaignID, addresses []overture.Address) (map[overture.Address]int, error)
	OptedOutOf(ctx context.Context, t overture.ListTarget, addresses []overture.Address) (map[overture.Address]bool, error)
	OptOutAddresses(ctx context.Context, t overture.ListTarget, after overture.Address, limit int) ([]string, error)
	ListRows(ctx context.Context, account overture.AccountID, campaign overture.CampaignID, after overture.RecipientID, limit int) ([]overture.Recipient, error)
	Recipients(ctx context.Context, account overture.AccountID, campaign overture.CampaignID, f overture.RecipientFilter) ([]overture.ListedRecipient, error)
}

// Repairing reads problem rows and puts them right.
type Repairing interface {
	Problems(ctx context.Context, account overture.AccountID, campaign overture.CampaignID, f overture.ProblemFilter) ([]overture.Problem, error)
	ProblemsInRow(ctx context.Context, account overture.AccountID, campaign overture.CampaignID, row int) ([]overture.Problem, error)
	ProblemCounts(ctx context.Context, account overture.AccountID, campaign overture.CampaignID) ([]overture.ProblemCount, error)
	Repair(ctx context.Context, t overture.ListTarget, repairs []overture.Repair, now time.Time) error
	ApplyRechecks(ctx context.Context, t overture.ListTarget, content string, rechecks []overture.Recheck, now time.Time) error
	FinishRecheck(ctx context.Context, t overture.ListTarget, content string, worst []overture.Import) error
}

// Store is all of them; *store.Store fits.
type Store interface {
	Target
	Loading
	Removing
	Looking
	Repairing
}

// Deps of the room.
type Deps struct {
	Store Store
	// ParsePhone reads a number in any accepted form (D2). zones are its candidate IANA zones, nil when unknown; the error says what to do.
	ParsePhone func(s string) (e164 string, zones []string, err error)
	// ZoneKnown tells whether our own zone data has a name.
	ZoneKnown func(name string) bool
	Log       *slog.Logger
}

// Room is the recipients room. Safe for concurrent use.
type Room struct {
	Deps
	mu   sync.Mutex
	live map[overture.ImportID]context.CancelCauseFunc // loading in this process: never dead
}

// New makes the room.
func New(d Deps) *Room { return &Room{Deps: d, live: map[overture.ImportID]context.CancelCauseFunc{}} }

// chunkRows is how many rows one transaction takes: on SQLite everybody else's writes wait for it.
const chunkRows = 500

// Imports lists the imports of a campaign, newest first; while one is loading its counts grow.
func (r *Room) Imports(ctx context.Context, account overture.AccountID, campaign overture.CampaignID) ([]overture.Import, error) {
	if _, err := r.Store.ListTarget(ctx, account, campaign); err != nil {
		return nil, err
	}
	return r.Store.Imports(ctx, account, campaign)
}

// Cancel stops an import that is loading; nothing of it stays in the list. NotFound: no such import. Conflict: it is loaded already.
func (r *Room) Cancel(ctx context.Context, account overture.AccountID, campaign overture.CampaignID, im overture.ImportID) error {
	if err := r.Store.CancelImport(ctx, account, campaign, im, time.Now()); err != nil {
		return err
	}
	r.mu.Lock()
	stop := r.live[im]
	r.mu.Unlock()
	if stop != nil { // it need not wait for its next chunk
		stop(overture.ErrConflict("import_canceled", "the upload was canceled; nothing of it is in the list"))
	}
	return nil
}

// Summary adds up the done imports of a campaign.
func (r *Room) Summary(ctx context.Context, account overture.AccountID, campaign overture.CampaignID) (overture.ListSummary, error) {
	return r.Store.ListSummary(ctx, account, campaign)
}

// Clear removes the whole list of a draft. Conflict: launched, or an import is loading.
func (r *Room) Clear(ctx context.Context, account overture.AccountID, campaign overture.CampaignID) error {
	return r.Store.ClearList(ctx, account, campaign, time.Now())
}

// draft gives the target of a change. Conflict: the list is frozen.
func (r *Room) draft(ctx context.Context, account overture.AccountID, campaign overture.CampaignID) (overture.ListTarget, error) {
	t, err := r.Store.ListTarget(ctx, account, campaign)
	if err == nil && t.State != overture.Draft {
		err = overture.ErrConflict("campaign_not_draft", "the campaign is "+string(t.State)+": its list was frozen at launch; duplicate it to use another list")
	}
	return t, err
}
