package core

import (
	"slices"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/kit/mutant"
)

// TookRecord takes what the provider's record said about a doubt, and decides. It gives the settlement that it ordered.
func (m *Machine) TookRecord(l *Lookup, r Record, now Moment) overture.Settlement {
	m.doubts.looking--
	known := m.doubts.memory[l.Doubt.MessageID]
	if known == nil {
		known = m.doubts.recall(l.Doubt.MessageID, m.adoptedLeft())
	}
	m.heardRecord(r, now)
	s := m.judge(l, r, known, now)
	if s.State == overture.Unknown {
		known.told = now.Mono
	}
	m.settleDoubt(known, s, now)
	if s.State == overture.Queued {
		m.readSoon(l.Doubt.LaneID, now)
	}
	return s
}

// heardRecord learns whether the record answers. It is left alone for what the provider asks, and asked once every few seconds while it does not.
func (m *Machine) heardRecord(r Record, now Moment) {
	if !r.Failed {
		m.doubts.breaker.success()
		m.doubts.failing = 0
		return
	}
	if m.doubts.failing == 0 {
		m.doubts.failing = now.Mono
	}
	m.doubts.breaker.failure(now.Mono)
	if r.Rest > 0 {
		m.doubts.breaker.rest(now.Mono + min(r.Rest, longestWish))
	}
}

func (m *Machine) judge(l *Lookup, r Record, known *memory, now Moment) overture.Settlement {
	s := settlementOfDoubt(&l.Doubt)
	if r.Failed {
		return m.later(s, known, now)
	}
	proof, young, hidden := m.proof(&l.Doubt, r, now)
	if proof == "" && hidden {
		return m.undecided(s, known, now)
	}
	known.failed = 0
	switch {
	case proof != "":
		m.doubts.proofs[proofKey(proof)] = l.Doubt.MessageID
		s.Outcome, s.State, s.ProviderID = "found", overture.Accepted, proof
	case young:
		s.Outcome, s.State, s.LookupAt = "unknown", overture.Unknown, now.Wall.Add(m.cfg.LookupSpacing)
	default:
		known.looked = now.Mono
		return m.absent(s, now)
	}
	return s
}

// RecordMargin is how far the clock that stamped an attempt may have been from the provider's. It is long on purpose: a node whose clock was
// ahead by more would not see its own message in the record, and it would be sent again. What the margin lets in besides are entries of
// earlier messages, whose ids are known.
const RecordMargin = 2 * time.Hour

// proof gives the provider id of the entry that proves a doubt: the same text, not before the attempt, and belonging to no other message.
// young says that the only such entry may belong to a request whose answer is still on its way, so that nothing can be said yet. hidden says that
// there is an entry without its text, as after somebody had the provider redact it: it may be this message, so it is not absent.
func (m *Machine) proof(d *overture.Doubt, r Record, now Moment) (id string, young, hidden bool) {
	found := slices.Clone(r.Found)
	slices.SortStableFunc(found, func(a, b overture.FoundSend) int { return a.CreatedAt.Compare(b.CreatedAt) })
	for _, f := range found {
		if f.CreatedAt.Before(d.Since.Add(-RecordMargin)) || m.belongsToAnother(f.ProviderID, d.MessageID, r.Known) {
			continue
		}
		if f.Body != r.Wanted {
			hidden = hidden || f.Body == "" && !mutant.On(mutant.RedactedIsAbsent)
			continue
		}
		if f.CreatedAt.After(now.Wall.Add(-m.cfg.SendDeadline-m.cfg.ClientTimeout)) && f.CreatedAt.After(d.StartedAt.Add(m.cfg.grace())) {
			young = true
			continue
		}
		return f.ProviderID, false, false
	}
	return "", young, hidden
}

// belongsToAnother tells whether a provider id is taken: by our rows, or by another doubt that it proved a moment ago. A doubt that it proved
// itself may come up again, when the database refused to settle it.
func (m *Machine) belongsToAnother(id string, message overture.MessageID, known map[string]bool) bool {
	if mutant.On(mutant.LookupTakesAnyone) {
		return false
	}
	of, taken := m.doubts.proofs[proofKey(id)]
	return taken && of != message || known[id]
}

// absent decides after a lookup that found nothing: once is not enough, twice is proof (R7).
func (m *Machine) absent(s overture.Settlement, now Moment) overture.Settlement {
	if s.Lookups++; s.Lookups < 2 && !mutant.On(mutant.OneLookupIsEnough) {
		s.Outcome, s.State, s.LookupAt = "unknown", overture.Unknown, now.Wall.Add(m.cfg.LookupSpacing)
		return s
	}
	s.Outcome, s.State, s.RetryAt = "absent", overture.Queued, now.Wall
	return s
}

// later keeps a doubt that could not be looked up. When lookups of it have failed for HoldAfter, counting only time in which a node was
// trying, a person has to decide.
func (m *Machine) later(s overture.Settlement, known *memory, now Moment) overture.Settlement {
	tried := m.cfg.LookupSpacing
	if known.failed > 0 {
		tried = max(tried, now.Mono-known.failed)
	} else {
		tried = max(tried, now.Mono-max(known.waits, m.doubts.failing)) // others were tried in its place
	}
	return m.again(s, known, tried, m.cfg.HoldAfter, now)
}

// hiddenFor is how long the record may show an entry without its text before a person decides: time for a receipt, which still may settle it.
const hiddenFor = 10 * time.Minute

// undecided keeps a doubt whose entry in the record shows no text. It is neither found nor absent, and asking again rarely changes that.
func (m *Machine) undecided(s overture.Settlement, known *memory, now Moment) overture.Settlement {
	tried := m.cfg.LookupSpacing
	if known.failed > 0 {
		tried = max(tried, now.Mono-known.failed)
	}
	return m.again(s, known, tried, min(hiddenFor, m.cfg.HoldAfter), now)
}

// again looks a doubt up once more after the spacing, or holds it when that was tried for longer than the limit.
func (m *Machine) again(s overture.Settlement, known *memory, tried, limit time.Duration, now Moment) overture.Settlement {
	known.failed = now.Mono
	if s.FailedFor += tried; s.FailedFor >= limit {
		s.Outcome, s.State, s.Reason = "held", overture.Held, overture.ReasonNotProven
		return s
	}
	s.Outcome, s.State, s.LookupAt = "unknown", overture.Unknown, now.Wall.Add(m.cfg.LookupSpacing)
	return s
}
