// Package simulator proves the send protocol: it drives the engine's own decisions (outbound/dispatch/core, outbound/schedule) with models of
// everything around them, on a virtual clock, and checks the promises of docs/MESSAGE-LIFECYCLE.md.
//
//	Does:   plays seeded runs of several nodes with faults of database, provider, network, clocks, processes and people; checks every
//	        run; shrinks what fails to a short list of events that replays
//	Reads:  nothing; a run is a function of its seed or of a list of events
//	Writes: nothing
//	Wakes:  nobody
//
// The model of the database (book*.go) is held equal to the real store by a differential test on both engines.
package simulator
