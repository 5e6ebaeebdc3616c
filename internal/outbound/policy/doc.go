// Package policy keeps the policy packs: versioned rules on when people of a country or state may be texted, and how often.
//
//	Does:   reads the packs of the program, turns an account's choice into rulings per place, simulates a choice on a list, activates it
//	Reads:  the embedded packs, the account's settings, recipients and contacts of a campaign that is simulated on
//	Writes: account settings (policy)
//	Wakes:  nobody: a launched campaign keeps the packs it was launched under
//
// A pack only narrows a campaign's window, never widens it. Files are never edited after a release: a change is a new version in a new
// file, and the old one stays, because messages were decided by it (docs/adr/0011-policy-packs.md).
package policy
