//go:build !mutants

package mutant

// Built tells whether this binary contains the mutants.
const Built = false

// On is always false: this binary has no mutants.
func On(Name) bool { return false }

// Use does nothing: this binary has no mutants.
func Use(Name) {}
