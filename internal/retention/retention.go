// Package retention keeps data as long as an account wants, and deletes it after that (docs/adr/0018-retention.md).
//
//	Does:   keeps each account's periods and legal holds; tells what would be deleted; deletes what is old, in small transactions and short turns
//	Reads:  campaigns, recipients, messages, conversations, inbound messages, lists of drafts, the audit log
//	Writes: retention, legal_hold; takes rows of the above away and records in deletion what they were
//	Wakes:  nobody
package retention

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/overture-im/overture"
)

// Settings keeps periods and holds.
type Settings interface {
	Retention(ctx context.Context, account overture.AccountID) (overture.Retention, error)
	SetRetention(ctx context.Context, by overture.Actor, days map[overture.RetentionClass]int, was int, now time.Time) error
	PreviewRetention(ctx context.Context, r overture.Retention, now time.Time) ([]overture.RetentionPreview, error)
	HoldData(ctx context.Context, by overture.Actor, campaign overture.CampaignID, reason string, now time.Time) error
	ReleaseData(ctx context.Context, by overture.Actor, campaign overture.CampaignID, now time.Time) error
}

// Service is what administrators use.
type Service struct {
	store Settings
	now   func() time.Time
}

// New makes it.
func New(s Settings, now func() time.Time) *Service { return &Service{store: s, now: now} }

// Retention gives the account's periods and holds, and what was deleted so far.
func (s *Service) Retention(ctx context.Context, account overture.AccountID) (overture.Retention, error) {
	return s.store.Retention(ctx, account)
}

// Periods are days by class; 0 is for ever.
type Periods map[overture.RetentionClass]int

// Set changes the periods of the classes that p names. was is the version that the change replaces, -1 for whatever there is; Conflict when there
// is a newer one.
func (s *Service) Set(ctx context.Context, by overture.Actor, p Periods, was int) (overture.Retention, error) {
	r, err := s.over(ctx, by.AccountID, p, "body")
	if err != nil {
		return r, err
	}
	if err := s.store.SetRetention(ctx, by, r.Days, was, s.now()); err != nil {
		return r, fmt.Errorf("set retention: %w", err)
	}
	return s.store.Retention(ctx, by.AccountID)
}

// Preview tells what would be deleted now under other periods; what p does not name is as it is.
func (s *Service) Preview(ctx context.Context, account overture.AccountID, p Periods) ([]overture.RetentionPreview, error) {
	r, err := s.over(ctx, account, p, "query")
	if err != nil {
		return nil, err
	}
	return s.store.PreviewRetention(ctx, r, s.now())
}

// over lays periods over the account's. in is where in the request they stand.
func (s *Service) over(ctx context.Context, account overture.AccountID, p Periods, in string) (overture.Retention, error) {
	for _, c := range overture.RetentionClasses() {
		if days, named := p[c]; named && days != 0 && (days < c.MinimumDays() || days > overture.MaxRetentionDays) {
			words := fmt.Sprintf("%s are kept for ever (0), or for %d to %d days", c, c.MinimumDays(), overture.MaxRetentionDays)
			return overture.Retention{}, &overture.Error{
				Kind: overture.Invalid, Code: "retention_period", Message: words, Fields: []overture.Field{{Location: in + "." + string(c) + "_days", Message: words}},
			}
		}
	}
	r, err := s.store.Retention(ctx, account)
	for c, days := range p {
		r.Days[c] = days
	}
	return r, err
}

const maxReason = 200

// Hold keeps the account's data, or that of one campaign, from being deleted, at once and on all nodes.
func (s *Service) Hold(ctx context.Context, by overture.Actor, campaign overture.CampaignID, reason string) (overture.Retention, error) {
	reason = strings.TrimSpace(reason)
	if reason == "" || utf8.RuneCountInString(reason) > maxReason || !utf8.ValidString(reason) || strings.IndexFunc(reason, unicode.IsControl) >= 0 {
		words := "say why in 1 to 200 characters on one line: it stands in the audit log"
		return overture.Retention{}, &overture.Error{Kind: overture.Invalid, Code: "bad_reason", Message: words, Fields: []overture.Field{{Location: "body.reason", Message: words}}}
	}
	if err := s.store.HoldData(ctx, by, campaign, reason, s.now()); err != nil {
		return overture.Retention{}, fmt.Errorf("hold: %w", err)
	}
	return s.store.Retention(ctx, by.AccountID)
}

// Release ends a hold.
func (s *Service) Release(ctx context.Context, by overture.Actor, campaign overture.CampaignID) (overture.Retention, error) {
	if err := s.store.ReleaseData(ctx, by, campaign, s.now()); err != nil {
		return overture.Retention{}, fmt.Errorf("release: %w", err)
	}
	return s.store.Retention(ctx, by.AccountID)
}
