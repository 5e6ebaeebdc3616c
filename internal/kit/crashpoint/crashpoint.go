// Package crashpoint marks places at which a proof kills the process (docs/adr/0015-faults.md). Without the build tag "crashpoints" Pass is an
// empty function that the compiler removes.
//
// With the tag, OVERTURE_CRASH_AT=CP8:3 ends the process with SIGKILL when it passes CP8 for the third time. A kill runs no deferred
// call and flushes nothing: what was not durable is gone, as when the power fails.
//
//	CP1   a sender's lease is about to be asked for
//	CP2   marks are about to be committed
//	CP2b  marks are written and not committed
//	CP3   a mark is committed, nothing is sent
//	CP8   the provider's answer is read, its result not committed
//	CP9   results are committed, and this process does not know it yet
//	CP10  results are committed and told, nothing else is
//	CP11  the provider's record was asked about a doubt, nothing is decided
//	CP12a a receipt has arrived and is not written
//	CP12b receipts are committed and not answered
//	CP12c a receipt's answer is about to be written
//	CP12d an inbound message is stored and not answered
//	CP13a a launch is written and not committed
//	CP13b a launch is committed and not answered
//	CP13c a part of a list is planned
//	CP14a a part of a list is stored
//	CP14b a list is stored and about to be indexed
//	CP15  any statement is about to go to the database
//	CP16  a part of the server is about to be stopped
//
// CP4 to CP7 need nothing in here: they are moments on the wire, where the proof stands itself.
package crashpoint
