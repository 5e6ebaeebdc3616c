// Package dispatch hands queued messages to providers, exactly by the send protocol (docs/MESSAGE-LIFECYCLE.md, rules R1–R13).
//
//	Does:   takes due messages of the senders this node owns, marks, sends, settles; looks up what is in doubt
//	Reads:  lanes, dispatch rows, messages, recipients, senders; the provider's own record
//	Writes: in-flight markers and attempts; message states accepted, failed, suppressed, expired, held
//	Wakes:  nobody; it is woken by the planner, by answers and by resumed campaigns
//
// What is to be done is decided in the child package core, which has no clock, database or network. This package carries its orders out:
//
//	engine.go     one runner for each sender that has work
//	runner.go     the loop of one sender: ask the core, carry out, tell it what came of it
//	orders.go     which order starts what
//	read.go       questions to the database: lease, lanes, pages, doubts, counts
//	committer.go  marks and settlements of all senders in one transaction per interval (R1, R3), or in one each where a database writes
//	              them beside each other; isolate.go finds what the database refuses
//	send.go       workers: the last question before the first byte (R2), render, provider call
//	lookup.go     the provider's record about one doubt (R7)
//	patient.go    no question to the database is waited for without end
//	observe.go    what operators see: events, snapshots, log lines
//
// A node owns a sender by lease. Everything about one sender is decided in one goroutine, so its rate is local memory and no sender waits for
// another.
package dispatch
