// Package overture is the vocabulary of the product: the nouns that two rooms share.
//
// A message travels in this order, and so do the folders under internal/outbound and internal/inbound:
//
//	compose → recipients → schedule → dispatch → provider → receipt → reply → conversation → agent
//
// The states of a message, with the package that writes each (send-protocol; see docs/MESSAGE-LIFECYCLE.md):
//
//	queued ──attempt committed──▶ attempting ──▶ accepted ──▶ sent ──▶ delivered ──▶ read
//	  ▲ (outbound/schedule)         │ (dispatch)   (dispatch)   (outbound/receipt: sent and later)
//	  │                             ├─ definite refusal ──▶ failed, or queued again with a later due time
//	  │                             ▼
//	  │                          unknown ── receipt or lookup finds it ──▶ accepted
//	  └── lookup proves absence ────┘  └── cannot be proven ──▶ held (a person resolves it)
//
//	ends without a send: suppressed · expired (outbound/dispatch), canceled (outbound/campaign)
//	later word: undelivered (outbound/receipt)
//
// The package imports only the standard library. It does no I/O, reads no clock and carries no wire tags.
package overture
