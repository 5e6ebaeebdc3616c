//go:build mutants

package mutant

// Built tells whether this binary contains the mutants.
const Built = true

var used Name // set before any simulation starts, read by all

// On tells whether the named rule is left out.
func On(n Name) bool { return used == n }

// Use leaves one rule out; the empty name leaves none out. Not safe while a simulation runs.
func Use(n Name) { used = n }
