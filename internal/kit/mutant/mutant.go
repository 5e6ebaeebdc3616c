// Package mutant names the rules of the send protocol that can be left out on purpose, so that the simulator proves that it would see it.
// Without the build tag "mutants" On is a constant false that the compiler removes: a released binary contains no mutant.
//
// A mutant sits where its rule lives: in the engine's pure core with On, or, for a rule that lives in SQL, in the simulator's model of the
// database, which a differential test holds equal to the real one.
package mutant

// Name of a mutant, after the rule of docs/MESSAGE-LIFECYCLE.md that it breaks.
type Name string

// The mutants. `make mutants` fails when the simulator does not catch one of them within 1,000 seeds.
const (
	CursorAtFetch           Name = "cursor-at-fetch"            // R13: what has been read counts as sent; a restart reads on behind it
	MarkAfterSend           Name = "mark-after-send"            // R1: the marker becomes durable after the request
	ShortGrace              Name = "short-grace"                // R7: 20 s until the first lookup
	NoSendDeadline          Name = "no-send-deadline"           // R2: a frozen worker sends its old mark
	NoEpochInSettlement     Name = "no-epoch-in-settlement"     // R3: an old owner's result overwrites the new owner's
	RetryOnBareServerError  Name = "retry-on-bare-5xx"          // R5: a 5xx counts as not processed
	ReceiptRegression       Name = "receipt-regression"         // R10: the last receipt wins, not the highest
	OptOutAtFetchOnly       Name = "opt-out-at-fetch-only"      // R9: the attempt does not look at opt-outs again
	NonUniqueInbound        Name = "non-unique-inbound"         // I13: a repeated webhook makes a second inbound message
	OKBeforeCommit          Name = "200-before-commit"          // R10: a webhook is answered before it is durable
	CounterOutsideTx        Name = "counter-outside-tx"         // I16: counters move after the transaction
	OneLookupIsEnough       Name = "one-lookup-is-enough"       // R7: absent once is taken for proof
	ThrottleFailsRecipient  Name = "throttle-fails-recipient"   // R12: a 429 fails the message
	MoveWithoutFence        Name = "move-without-fence"         // R3: a move of a queue row is written under any epoch
	AdoptWithoutGrace       Name = "adopt-without-grace"        // R7: an adopted marker is looked up at once
	ReleaseMarksOnShutdown  Name = "release-marks-on-shutdown"  // R2: a graceful stop gives back marks that are being sent
	WindowNotCheckedAtMark  Name = "window-not-checked-at-mark" // R9: a message is marked whatever the time
	PauseNotCheckedAtMark   Name = "pause-not-checked-at-mark"  // R9: the mark does not look at the lane
	RetryOnTimeout          Name = "retry-on-timeout"           // R5: a request without an answer counts as not sent
	LookupTakesAnyone       Name = "lookup-takes-known"         // R7: a lookup accepts a record that belongs to an earlier message
	ReceiptIgnoresMarker    Name = "receipt-ignores-marker"     // R6: a receipt leaves the marker of an unknown outcome alone
	GiveBackCountsAsSent    Name = "give-back-counts-as-sent"   // R2: a mark that came too late is recorded as accepted
	LostLeaseIgnored        Name = "lost-lease-ignored"         // R2: a node goes on after its lease is over or taken
	RateFromEmptyBucketFull Name = "bucket-starts-full"         // R12: a new owner starts with a full bucket of a second
	CapNotCheckedAtMark     Name = "cap-not-checked-at-mark"    // E6: the attempt does not look at the frequency cap
	CapForgetsDoubts        Name = "cap-forgets-doubts"         // E6: what is in flight or in doubt does not count towards a cap
	CapNotCountedInBatch    Name = "cap-not-counted-in-batch"   // E6: two messages to one person in one batch do not see each other
	CanaryOffByOne          Name = "canary-off-by-one"          // F2: one more than the canary goes out
	BudgetLooksBehind       Name = "budget-looks-behind"        // F2: a message may go over the spend limit, only the next one is stopped
	DayLimitIgnored         Name = "day-limit-ignored"          // F2: the account's limit of a day is not asked
	BarrierIgnored          Name = "barrier-ignored"            // F2: a lane that a guard rail closed is marked until somebody pauses it
	KillSwitchIgnored       Name = "kill-switch-ignored"        // R9: the mark does not look whether the account is stopped
	MarkInQuarantine        Name = "mark-in-quarantine"         // R11: the mark does not look whether there is a quarantine
	QuarantineSkipsLookups  Name = "quarantine-skips-lookups"   // R11: a quarantine is released without looking anything up
	QuarantineFillsRails    Name = "quarantine-fills-rails"     // F2: after a restore guard rails do not count what went out in the lost time
	CancelInQuarantine      Name = "cancel-in-quarantine"       // R11: a cancel ends what a quarantine has not looked up yet
	QuarantineTrustsClocks  Name = "quarantine-trusts-clocks"   // R11: what is due after the beginning by another node's clock is not looked up
	QuarantineForgetsPlan   Name = "quarantine-forgets-plan"    // R11: what is planned again after a restore is not looked up
	ResendGivesBack         Name = "resend-gives-back"          // F2: what goes again without proof is given back to the spend limit
	RedactedIsAbsent        Name = "redacted-is-absent"         // R7: an entry of the record without its text is overlooked
	RecipientWindowIgnored  Name = "recipient-window-ignored"   // E2: only the campaign's window counts, not the rules for the person's place
)

// All lists every mutant in the order they are run.
func All() []Name {
	return []Name{
		CursorAtFetch, MarkAfterSend, ShortGrace, NoSendDeadline, NoEpochInSettlement, RetryOnBareServerError, ReceiptRegression,
		OptOutAtFetchOnly, NonUniqueInbound, OKBeforeCommit, CounterOutsideTx, OneLookupIsEnough, ThrottleFailsRecipient, MoveWithoutFence,
		AdoptWithoutGrace, ReleaseMarksOnShutdown, WindowNotCheckedAtMark, PauseNotCheckedAtMark, RetryOnTimeout, LookupTakesAnyone,
		ReceiptIgnoresMarker, GiveBackCountsAsSent, LostLeaseIgnored, RateFromEmptyBucketFull,
		CapNotCheckedAtMark, CapForgetsDoubts, CapNotCountedInBatch, CanaryOffByOne, BudgetLooksBehind,
		DayLimitIgnored, BarrierIgnored, KillSwitchIgnored, MarkInQuarantine,
		QuarantineSkipsLookups, QuarantineFillsRails, CancelInQuarantine, QuarantineTrustsClocks, QuarantineForgetsPlan,
		ResendGivesBack, RedactedIsAbsent, RecipientWindowIgnored,
	}
}
