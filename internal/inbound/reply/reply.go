// Package reply takes in what people write and brings it to a conversation.
//
//	Does:   stores inbound messages before the provider gets its 2xx, applies stop and start with them, matches them to the newest outbound
//	        inside its lookback, and puts them into the person's conversation
//	Reads:  account, inbound, recipient, campaign, message, attempt, inflight, conversation, opt_out
//	Writes: inbound, opt_out, consent_event, conversation, entry, message.replied_at; a message and its dispatch row for the answer to HELP
//	Wakes:  "inbound" after every commit, "dispatch" after an answer to HELP
package reply

import (
	"context"
	"log/slog"
	"time"

	"github.com/overture-im/overture"
)

// Store is what the room needs of the database.
type Store interface {
	StoreInbound(ctx context.Context, replies []overture.Reply) error
	PendingReplies(ctx context.Context, limit int) ([]overture.Reply, error)
	OutboundsTo(ctx context.Context, account overture.AccountID, brand overture.BrandID, addresses []overture.Address, at time.Time) ([]overture.Outbound, error)
	ApplyReplies(ctx context.Context, replies []overture.Reply, now time.Time) (applied int, err error)
}

// Accounts gives an account's settings.
type Accounts interface {
	Account(ctx context.Context, id overture.AccountID) (overture.Account, error)
}

// Words reads what a message asks about hearing from the brand.
type Words interface {
	Read(in overture.Inbound, s overture.Settings) overture.Wish
}

// Wakes carries wake-ups between loops.
type Wakes interface {
	Publish(topic string)
	Subscribe(topic string) (wake <-chan struct{}, cancel func())
}

// Deps of the room. All are required.
type Deps struct {
	Store    Store
	Accounts Accounts
	Words    Words
	Wakes    Wakes
	Log      *slog.Logger
	Now      func() time.Time
}

const (
	topicInbound  = "inbound"
	topicDispatch = "dispatch"
)
