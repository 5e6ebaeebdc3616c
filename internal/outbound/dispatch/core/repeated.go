package core

import "hash/maphash"

// recentIDs are the provider ids of the latest accepted answers of a tenure. An id that comes twice is not about at least one of the two
// requests, so the second answer proves nothing (R5). What comes later than this remembers is corrected by receipts, which name the
// message themselves (R6).
type recentIDs struct {
	seed       maphash.Seed
	young, old map[uint64]struct{}
}

// recentLimit bounds each of the two generations.
const recentLimit = 4096

// repeats tells whether the id was seen lately, and remembers it.
func (r *recentIDs) repeats(id string) bool {
	if id == "" {
		return false
	}
	if r.young == nil {
		r.seed, r.young = maphash.MakeSeed(), map[uint64]struct{}{}
	}
	key := maphash.String(r.seed, id)
	_, seen := r.young[key]
	if !seen {
		_, seen = r.old[key]
	}
	if len(r.young) >= recentLimit {
		clear(r.old)
		r.young, r.old = r.old, r.young
		if r.young == nil {
			r.young = map[uint64]struct{}{}
		}
	}
	r.young[key] = struct{}{}
	return seen
}
