// Package proof is the part of the product that shows it keeps its promises: verify, torture and the figures.
//
//	Does:   checks the invariants against the database and a provider's own ledger; kills the real binary and checks again; measures
//	Reads:  every row; the lab's ledger
//	Writes: nothing
//	Wakes:  nobody
package proof

import (
	"context"
	"fmt"
	"io"
	"iter"
	"strings"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/store"
)

// Book is the database side of a verification; *store.Store fits.
type Book interface {
	BrokenInvariants(ctx context.Context) ([]store.Finding, error)
	MessageFacts(ctx context.Context) iter.Seq2[store.MessageFact, error]
	LaunchedLists(ctx context.Context) ([]overture.Campaign, error)
	Deletions(ctx context.Context) ([]overture.Deletion, error)
	RecountListHash(ctx context.Context, account overture.AccountID, campaign overture.CampaignID) (hash string, recipients int, err error)
}

// LedgerEntry is one message in the provider's own record.
type LedgerEntry struct {
	MessageID  overture.MessageID
	ProviderID string
	Body       string // empty when the ledger does not keep bodies
	Asked      int64  // Unix ms when the request arrived; 0: the ledger does not say
	Accepted   int64  // Unix ms
}

// Report is the result of a verification.
type Report struct {
	Checks     int             // invariants run against the database
	Messages   int             // messages looked at
	Accepted   int             // messages the provider certainly has, by our books
	Ledger     int             // messages in the provider's ledger
	Lost       int             // our books say accepted, the provider never got it; or recipients without a message
	Duplicated int             // accepted more than once though the policy is safe
	Unsettled  int             // still queued, attempting or unknown
	Held       int             // waiting for a person
	Findings   []store.Finding // what is broken
	HasLedger  bool

	Deletions []overture.Deletion // what retention deleted: proven from counters and these records, not from rows
}

// Clean tells whether every promise held.
func (r Report) Clean() bool { return len(r.Findings) == 0 && r.Lost == 0 && r.Duplicated == 0 }

// Verify checks the invariants against the rows, and, when ledger is not nil, our books against the provider's. Run it when nothing is
// being sent: a message between its acceptance and our commit of it counts as in doubt, not as broken.
func Verify(ctx context.Context, book Book, ledger iter.Seq2[LedgerEntry, error]) (Report, error) {
	r := Report{Checks: store.InvariantCount() + 1}
	findings, err := book.BrokenInvariants(ctx)
	if err != nil {
		return r, err
	}
	r.Findings = findings
	for _, f := range findings {
		if f.Rule == "I2" {
			r.Lost += f.Count
		}
	}
	if r.Deletions, err = book.Deletions(ctx); err != nil {
		return r, err
	}
	if err := frozenLists(ctx, book, &r); err != nil {
		return r, err
	}
	entries, err := readLedger(ledger, &r)
	if err != nil {
		return r, err
	}
	problems := map[string]*store.Finding{}
	found := func(rule, says string, id overture.MessageID) {
		f := problems[says]
		if f == nil {
			f = &store.Finding{Rule: rule, Says: says}
			problems[says] = f
		}
		if f.Count++; len(f.Samples) < 5 {
			f.Samples = append(f.Samples, int64(id))
		}
	}
	for m, err := range book.MessageFacts(ctx) {
		if err != nil {
			return r, err
		}
		r.Messages++
		switch {
		case m.State.WasAccepted():
			r.Accepted++
		case !m.State.Final():
			r.Unsettled++
		case m.State == overture.Held:
			r.Held++
		}
		if !r.HasLedger {
			continue
		}
		e := entries[m.ID]
		delete(entries, m.ID)
		if e.count > 1 && !m.MayRepeat {
			r.Duplicated += e.count - 1
			found("I1", "the provider accepted a message more than once", m.ID)
		}
		switch {
		case m.State.WasAccepted() && e.count == 0 && !m.ByPerson:
			r.Lost++
			found("I3", "our books say accepted and the provider never got it", m.ID)
		case m.State == overture.Queued && e.count > 0:
			found("I3", "the provider has a message that our books would send again", m.ID)
		case e.count > 0 && (m.State == overture.Failed || m.State == overture.Suppressed || m.State == overture.Canceled || m.State == overture.Expired) && !m.ByPerson:
			found("I4", "our books say it did not go, and the provider accepted it", m.ID)
		}
		if e.bodies != "" && m.OptOutText != "" && !strings.Contains(e.bodies, m.OptOutText) {
			found("I12", "a campaign text went out without its opt-out text", m.ID)
		}
	}
	deletedMessages(entries, &r, found)
	for id := range entries {
		found("I3", "the provider accepted a message that is not in our books", id)
	}
	for _, f := range problems {
		r.Findings = append(r.Findings, *f)
	}
	return r, nil
}

// deletedMessages compares what the provider has beyond our rows with the records of what retention deleted, as a sum: which they were is gone.
func deletedMessages(entries map[overture.MessageID]tally, r *Report, found func(rule, says string, id overture.MessageID)) {
	var accepted, byPerson int
	var last overture.MessageID
	for _, d := range r.Deletions {
		accepted, byPerson, last = accepted+d.Accepted, byPerson+d.ByPerson, max(last, d.LastMessageID)
	}
	if !r.HasLedger || last == 0 {
		return
	}
	have := 0
	for id := range entries {
		if id <= last {
			have++
		}
	}
	if have > accepted+byPerson { // they are named one by one
		return
	}
	if have < accepted {
		r.Lost += accepted - have
		found("I3", "our books say accepted of messages that were deleted since, and the provider never got as many", last)
	}
	for id := range entries {
		if id <= last {
			delete(entries, id)
		}
	}
}

type tally struct {
	count  int
	bodies string
}

func readLedger(ledger iter.Seq2[LedgerEntry, error], r *Report) (map[overture.MessageID]tally, error) {
	entries := map[overture.MessageID]tally{}
	if ledger == nil {
		return entries, nil
	}
	r.HasLedger = true
	for e, err := range ledger {
		if err != nil {
			return nil, fmt.Errorf("read the provider's ledger: %w", err)
		}
		r.Ledger++
		t := entries[e.MessageID]
		t.count++
		if t.bodies == "" {
			t.bodies = e.Body
		}
		entries[e.MessageID] = t
	}
	return entries, nil
}

// frozenLists recomputes the hash of every launched list (F2).
func frozenLists(ctx context.Context, book Book, r *Report) error {
	campaigns, err := book.LaunchedLists(ctx)
	if err != nil {
		return err
	}
	deleted := map[overture.CampaignID]string{}
	for _, d := range r.Deletions {
		deleted[d.CampaignID] = d.ListHash
	}
	changed := store.Finding{Rule: "F2", Says: "a launched list is the one that was frozen"}
	for _, c := range campaigns {
		hash, _, err := book.RecountListHash(ctx, c.AccountID, c.ID)
		if err != nil && (overture.KindOf(err) == overture.Unavailable || ctx.Err() != nil) {
			return err
		}
		if gone, ok := deleted[c.ID]; ok && err == nil { // what is left and what was deleted make the whole
			hash, err = together(hash, gone)
		}
		if err != nil || hash != c.ListHash { // a row that cannot be read is not what was frozen
			changed.Count++
			changed.Samples = append(changed.Samples, int64(c.ID))
		}
	}
	if changed.Count > 0 {
		r.Findings = append(r.Findings, changed)
	}
	return nil
}

func together(left, gone string) (string, error) {
	a, err := overture.ParseListHash(left)
	if err != nil {
		return "", err
	}
	b, err := overture.ParseListHash(gone)
	return a.Plus(b).String(), err
}

// deletionsNamed is how many campaigns a report names.
const deletionsNamed = 20

// writeDeletions says what was proven from counters because its rows are gone.
func (r Report) writeDeletions(w io.Writer) {
	named := 0
	for _, d := range r.Deletions {
		what := "messages outside campaigns"
		if d.CampaignID != 0 {
			what = fmt.Sprintf("%s, %d people", d.CampaignID, d.People)
		}
		switch named++; {
		case named <= deletionsNamed:
			fmt.Fprintf(w, "%s: recounted from counters, %s\n", what, overture.DeletedByRetention(d.BeganAt))
		case named == len(r.Deletions):
			fmt.Fprintf(w, "and %d more\n", named-deletionsNamed)
		}
	}
}

// Write tells the result to a person.
func (r Report) Write(w io.Writer) {
	fmt.Fprintf(w, "%d checks over %d messages: %d accepted, %d unsettled, %d held\n", r.Checks, r.Messages, r.Accepted, r.Unsettled, r.Held)
	if r.HasLedger {
		fmt.Fprintf(w, "provider's ledger: %d messages\n", r.Ledger)
	}
	r.writeDeletions(w)
	for _, f := range r.Findings {
		fmt.Fprintf(w, "BROKEN %s: not true that %s: %d, for example %v\n", f.Rule, f.Says, f.Count, f.Samples)
	}
	fmt.Fprintf(w, "lost %d, duplicated %d\n", r.Lost, r.Duplicated)
}
