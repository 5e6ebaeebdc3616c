// Package lab is the carrier lab: a separate HTTP server that behaves like Twilio, with virtual phones behind it, scripted faults and a
// ledger of everything it accepted. Demo, tests, torture and bench send to it, and `overture verify` checks the database against its ledger.
//
//	Does:   accepts messages as Twilio's API does, moves them through their statuses, calls status and inbound webhooks, plays the phones
//	Reads:  its own memory, and the ledger file of an earlier run
//	Writes: the ledger (append-only; in memory, and in a file when one is given)
//	Wakes:  the product, by signed webhooks on loopback; it refuses to call anything else
//
// The life of a message in the lab. Each step has a delay, and its callback is tried before the next step begins, so that receipts arrive
// in order unless a fault says otherwise:
//
//	POST ─▶ queued ─▶ sending ─▶ sent ─┬▶ delivered ─▶ the phone reads it, and may answer
//	 │      (accepted, with a service) ├▶ undelivered, with a code
//	 │                      └▶ failed  └  (nothing more: no receipt)
//	 └▶ refused: 4xx with a code, 429, or a fault: not in the ledger
//
// One mutex guards the ledger, because a create holds it for well under a microsecond; everything slow happens outside of it. Nothing
// runs per message: one goroutine watches the agenda of what is due, and a fixed crew makes the webhook calls.
//
// Facts about Twilio come from its API description and public documentation. Deliberate differences: only SMS, only loopback webhooks, no
// price, no TwiML answers, and a sender's rate gives 429 instead of a queue.
package lab
