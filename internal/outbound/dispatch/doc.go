// Package dispatch hands queued messages to providers, exactly by the send protocol (docs/MESSAGE-LIFECYCLE.md, rules R1–R13).
//
//	Does:   takes due messages of the senders this node owns, checks, marks, sends, settles; looks up what is in doubt
//	Reads:  lanes, dispatch rows, messages, recipients, senders; the provider's own record
//	Writes: in-flight markers and attempts; message states accepted, failed, suppressed, expired, held
//	Wakes:  nobody; it is woken by the planner, by answers and by resumed campaigns
//
// One message passes these hands, in this order, each in a file of its own:
//
//	stream.go     read what is due, lane by lane, replies first
//	check.go      window and validity now; otherwise move or expire
//	bucket.go     the sender's and the campaign's rate, in segments
//	committer.go  the mark: durable before the first byte (R1), with the last look at opt-out, pause, cancel, takeover (R9)
//	send.go       deadline (R2), render, provider call, classification → settlement
//	committer.go  the settlement, fenced by the epoch (R3)
//	doubt.go      unknown outcomes: grace, two lookups, found / absent / held (R7)
//
// A node owns a sender by lease (lease.go). Everything about one sender happens in one runner (runner.go), so its rate is local memory and
// no sender waits for another.
package dispatch
