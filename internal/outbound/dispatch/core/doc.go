// Package core decides everything about sending the messages of one sender, and does nothing itself.
//
//	Does:   says what to read, mark, send, settle, look up, and when to wake it; keeps cursors, turns, rate, breaker, back-pressure
//	Reads:  nothing: what was read, what a mark or a send came to, and the time are arguments
//	Writes: nothing: it gives orders
//	Wakes:  nobody
//
// A Machine belongs to one tenure of one sender: from the moment a node took its lease until it gives it back or loses it. Whoever drives it
// (dispatch's runner with a database and the network, the simulator with models of both) tells it what happened by calling its methods,
// then calls Tick and carries the orders out. It is used by one caller at a time; it has no goroutine, no clock, no randomness, no log, and
// the same calls give the same orders.
//
// The rules R1–R13 of docs/MESSAGE-LIFECYCLE.md that are decided here, by file:
//
//	lease.go     until when the sender is ours; when to renew; adopting what an earlier owner left (R2, R3)
//	lanes.go     the lanes that are open, and reading them page by page; a page counts for nothing (R13)
//	turns.go     whose turn it is: answers, then the lane with the least left, now and then the one served least
//	bucket.go    the rate in segments, with a share kept for answers (R12)
//	pace.go      slowing down and recovering after the provider's 429 (R12)
//	breaker.go   one message at a time while the provider is in trouble
//	check.go     window and validity, at the mark and again at the send (R9)
//	mark.go      asking for marks, and taking their verdicts; only what came back marked is sent (R1)
//	send.go      the deadline of a send (R2), and what it came to
//	classify.go  a send that was not accepted → what happens to the message (R5)
//	doubt.go     which doubts may be looked up, and when (R7)
//	record.go    what the provider's record proves (R7)
package core
