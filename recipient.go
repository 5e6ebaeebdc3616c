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

// The life of an import. Rows of a loading import are invisible; those of a dead one are removed.
const (
	ImportLoading ImportState = "loading"
	ImportDone    ImportState = "done"
	ImportFailed  ImportState = "failed"
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
	Rows          int      // data rows read
	Valid         int
	Rejected      int
	Duplicates    int
	OptedOut      int // valid, but the brand's opt-out list has them: will be suppressed
	WorstRow      int // row with the longest final text
	WorstSegments int
	Segments      int64 // sum over valid rows
	ListHash      string
	Error         string
	CreatedAt     time.Time
	FinishedAt    time.Time
}
