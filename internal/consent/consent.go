// Package consent keeps what people said about hearing from a brand: stop, come back, help. An opt-out is brand-wide (J1), effective with its
// commit (J2), and leaves an append-only trace (J3).
//
//	Does:   recognizes stop, start and help in what people write; records opt-outs and opt-ins with their evidence
//	Reads:  opt_out, consent_event
//	Writes: opt_out, consent_event, always both in one transaction
//	Wakes:  nobody: the dispatch engine reads opt-outs inside the transaction of every attempt
package consent

import (
	"context"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/kit/phone"
)

// Store is what the room needs of the database.
type Store interface {
	OptOut(ctx context.Context, by overture.Actor, o overture.OptOut) (fresh bool, err error)
	OptOutMany(ctx context.Context, by overture.Actor, list []overture.OptOut) (fresh int, err error)
	OptIn(ctx context.Context, by overture.Actor, o overture.OptOut) (lifted bool, err error)
	IsOptedOut(ctx context.Context, account overture.AccountID, brand overture.BrandID, channel overture.Channel, address overture.Address) (bool, error)
	OptOuts(ctx context.Context, f overture.OptOutFilter) (page []overture.OptOut, next string, err error)
	ConsentEvents(ctx context.Context, account overture.AccountID, address overture.Address) ([]overture.ConsentEvent, error)
}

// Register is the record of opt-outs and opt-ins that people and programs keep by hand; keywords arrive through inbound/reply.
type Register struct {
	store Store
	now   func() time.Time
}

// New makes the register. now is the clock, time.Now outside tests.
func New(store Store, now func() time.Time) *Register { return &Register{store: store, now: now} }

// evidenceLimit bounds what people type about an opt-out or opt-in, in characters.
const evidenceLimit = 1000

// OptOut stops a person for a brand on all its numbers. Recording it twice is no error. It tells whether the stop is new.
func (r *Register) OptOut(ctx context.Context, by overture.Actor, o overture.OptOut) (fresh bool, err error) {
	if o, err = r.checked(by, o); err != nil {
		return false, err
	}
	if o.Evidence == "" {
		o.Evidence = by.String()
	}
	return r.store.OptOut(ctx, by, o)
}

// OptIn lets the brand write again. The evidence of the person's agreement is the brand's duty and is required (J1).
func (r *Register) OptIn(ctx context.Context, by overture.Actor, o overture.OptOut) (lifted bool, err error) {
	if o, err = r.checked(by, o); err != nil {
		return false, err
	}
	if o.Evidence == "" {
		return false, overture.ErrInvalid("evidence_missing", "say how and when the person agreed to hear from the brand again; it is kept as evidence")
	}
	return r.store.OptIn(ctx, by, o)
}

// IsOptedOut tells whether the person stopped the brand on the channel.
func (r *Register) IsOptedOut(ctx context.Context, account overture.AccountID, brand overture.BrandID, channel overture.Channel, address overture.Address) (bool, error) {
	return r.store.IsOptedOut(ctx, account, brand, channel, address)
}

// List gives a page of opt-outs, newest first, and the cursor of the next page.
func (r *Register) List(ctx context.Context, f overture.OptOutFilter) (page []overture.OptOut, next string, err error) {
	if f.Limit <= 0 || f.Limit > 500 {
		f.Limit = 100
	}
	f.Search = plain(f.Search)
	return r.store.OptOuts(ctx, f)
}

// History gives everything one person said about hearing from the account's brands, oldest first.
func (r *Register) History(ctx context.Context, account overture.AccountID, address overture.Address) ([]overture.ConsentEvent, error) {
	n, err := phone.Parse(string(address))
	if err != nil {
		return nil, overture.ErrInvalid("invalid_number", err.Error())
	}
	address = overture.Address(n.E164)
	return r.store.ConsentEvents(ctx, account, address)
}

func (r *Register) checked(by overture.Actor, o overture.OptOut) (overture.OptOut, error) {
	o.AccountID = by.AccountID
	if o.Channel == "" {
		o.Channel = overture.SMS
	}
	if o.Channel == overture.SMS {
		n, err := phone.Parse(string(o.Address))
		if err != nil {
			return o, overture.ErrInvalid("invalid_number", err.Error())
		}
		o.Address = overture.Address(n.E164)
	}
	o.Evidence = plain(o.Evidence)
	if n := utf8.RuneCountInString(o.Evidence); n > evidenceLimit {
		return o, overture.ErrInvalid("evidence_too_long", "keep the evidence under 1000 characters")
	}
	o.CreatedAt = r.now()
	return o, nil
}

// plain drops what no text column takes: broken UTF-8 and NUL.
func plain(s string) string {
	return strings.TrimSpace(strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", ""))
}
