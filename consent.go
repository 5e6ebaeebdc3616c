package overture

import "time"

// WishKind says what a person's words mean for hearing from the brand (J2).
type WishKind string

// The kinds of wish. NoWish is everything else people write.
const (
	NoWish    WishKind = ""
	WishStop  WishKind = "stop"
	WishStart WishKind = "start"
	WishHelp  WishKind = "help"
)

// Wish is what an inbound message asks about hearing from the brand: read once, when it comes in, and applied with it.
type Wish struct {
	Kind    WishKind
	Certain bool // a whole-message keyword; false: a phrase or a slip, honoured first and reviewed after
	Alone   bool // nothing else was said: opens no conversation
	Source  OptOutSource
	Matched string // the word or phrase that was recognized, as it stands in our own list

	OnlyOptedOut  bool // counts only from a person who is opted out (YES)
	NotInDialogue bool // an everyday word of this account: no wish while the person is in an open conversation
	Answered      bool // the provider has answered it already
}

// ConsentKind of an entry in the consent ledger.
type ConsentKind string

// The kinds of consent events.
const (
	ConsentOptOut ConsentKind = "opt_out"
	ConsentOptIn  ConsentKind = "opt_in"
	ConsentHelp   ConsentKind = "help" // HELP was asked and answered by us
)

// ConsentEvent is one line of the append-only ledger of what a person wanted (J3).
type ConsentEvent struct {
	AccountID AccountID
	BrandID   BrandID
	Channel   Channel
	Address   Address
	Kind      ConsentKind
	Source    OptOutSource
	Evidence  string
	Review    bool // honoured on a phrase or a slip; a person should look at it
	At        time.Time
}

// OptOutFilter narrows the list of opt-outs. Zero fields do not narrow.
type OptOutFilter struct {
	AccountID AccountID
	BrandID   BrandID
	Search    string // part of the address
	Review    bool   // only those that wait for a review
	Cursor    string // where the page before ended
	Limit     int
}
