package overture

import "time"

// Recipient is a consumer in one campaign, frozen at launch.
type Recipient struct {
	ID         RecipientID
	AccountID  AccountID
	CampaignID CampaignID
	ImportID   ImportID
	Row        int      // line in the file or typed text, 1-based, header included
	Address    Address  // E.164
	Zones      []string // candidate IANA zones; every one's window must be open (E3). Empty: unknown, strictest
	ZoneSource string   // "column", "number" or "unknown"
	Personal   Personal
	Segments   int // of the final text
}

// Problem is one rejected row of a list (D4, D6). The rest of the list goes on.
type Problem struct {
	ImportID ImportID
	Row      int
	Column   string // "phone", "2", a header name
	Code     string // closed list below
	Reason   string // in words, says what to do
	Raw      string // the row as it came, for repair and download
}

// Problem codes (D6).
const (
	ProblemInvalidNumber   = "invalid_number"
	ProblemNoCountryCode   = "no_country_code" // a national number: one rule puts all of them right
	ProblemDuplicateNumber = "duplicate_number"
	ProblemMissingVariable = "missing_variable"
	ProblemTooManyColumns  = "too_many_columns"
	ProblemUnknownZone     = "unknown_zone"
	ProblemTooLong         = "too_long"
	ProblemBadText         = "bad_text" // control characters or undecodable bytes
	ProblemEmptyText       = "empty_text"
	ProblemBadQuoting      = "bad_quoting"
)

// ImportState is the life of one upload or typed list.
type ImportState string

// The life of an import: loading → done, or loading → removing → failed. Only the rows of a done import are seen and launched; those of
// one that died are removed. A campaign has at most one import that is loading or removing.
const (
	ImportLoading  ImportState = "loading"
	ImportRemoving ImportState = "removing"
	ImportDone     ImportState = "done"
	ImportFailed   ImportState = "failed"
)

// Import is one upload into a campaign's list.
type Import struct {
	ID            ImportID
	AccountID     AccountID
	CampaignID    CampaignID
	State         ImportState
	Source        string // "csv" or "typed"
	FileName      string
	Encoding      string // "utf-8", "utf-16le", "latin-1" …
	Delimiter     string
	Header        []string // column names when the file has a header
	Rows          int      // data rows read; Valid + Rejected once it is done
	Valid         int
	Rejected      int // rows that are no recipients, duplicates among them
	Duplicates    int // rejected because the number is in the list already
	OptedOut      int // valid, but the brand's opt-out list has them: will be suppressed
	WorstRow      int // row with the longest final text
	WorstSegments int
	Segments      int64    // sum over valid rows
	ListHash      ListHash // of the valid rows
	ContentHash   string   // the text the rows were checked against
	Error         string
	CreatedAt     time.Time
	FinishedAt    time.Time
}

// ListSummary adds up the done imports of a campaign.
type ListSummary struct {
	Rows, Valid, Rejected, Duplicates, OptedOut int
	Problems                                    int // rejected rows that can still be repaired
	Segments                                    int64
	WorstImport                                 ImportID
	WorstRow, WorstSegments                     int
	Loading                                     bool // an import is loading or being removed
	Stale                                       bool // the text was changed after rows were checked: Recheck
}

// ProblemRef names a rejected row. Problems are ordered by it.
type ProblemRef struct {
	Import ImportID
	Row    int
}

// ProblemFilter narrows the problems of a campaign. Zero fields do not narrow.
type ProblemFilter struct {
	Code  string
	After ProblemRef
	Limit int
}

// ProblemCount is how many rows have a problem of one code, with one of the reasons as an example.
type ProblemCount struct {
	Code   string
	Count  int
	Reason string
}

// RecipientFilter narrows the recipients of a campaign. Zero fields do not narrow.
type RecipientFilter struct {
	ID      RecipientID
	Address Address // exactly this number
	Search  string  // part of the number, digits
	Row     int     // of its file; 0: all
	State   *State  // of the recipient's message
	After   RecipientID
	Limit   int
}

// ListedRecipient is a recipient with what became of it.
type ListedRecipient struct {
	Recipient
	OptedOut bool
	Message  *Message // nil before the message is planned
}

// Repair is one problem row that was looked at again: it becomes a recipient, or stays a problem in other words, or goes away.
type Repair struct {
	Ref       ProblemRef
	Recipient *Recipient // set: the row is right now
	Problem   *Problem   // set: still wrong
	OptedOut  bool
}

// ListTarget is the campaign a list is checked against.
type ListTarget struct {
	AccountID    AccountID
	CampaignID   CampaignID
	BrandID      BrandID
	Channel      Channel
	State        CampaignState
	Content      Content
	LengthPolicy LengthPolicy
	SMSLimit     int // characters, for LengthStrict
	Recipients   int // in the list already
}

// Recheck is a recipient whose row was rendered again because the text of the draft changed.
type Recheck struct {
	Recipient          // with its segments under the new text
	Was       int      // segments before
	Problem   *Problem // set: the row does not render any more and leaves the list
}
