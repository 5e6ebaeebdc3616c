package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/kit/tz"
	"github.com/overture-im/overture/internal/store/sqldb"
)

// rulebook remembers rules that were read. Rows of rules never change, so nothing is ever forgotten; there is one per account, policy and
// release of the time-zone database.
type rulebook struct {
	compile func(overture.Policy) (overture.Rulings, error) // nil: this process can read policies only where they are empty

	mu      sync.Mutex
	byID    map[overture.RulesID]*overture.Rules
	rulings map[string]overture.Rulings // by policy as text: the same policy has the same rulings, whoever chose it
}

func newRulebook(compile func(overture.Policy) (overture.Rulings, error)) *rulebook {
	return &rulebook{compile: compile, byID: map[overture.RulesID]*overture.Rules{}, rulings: map[string]overture.Rulings{}}
}

// policyRow is how overture.Policy lies in a row and in the account's settings.
type policyRow struct {
	Packs         []packRow `json:"packs,omitempty"`
	MinConfidence string    `json:"min_confidence,omitempty"`
	CapMax        int       `json:"cap_max,omitempty"`
	CapHours      int       `json:"cap_hours,omitempty"`
	OverCap       string    `json:"over_cap,omitempty"`
}

type packRow struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

func rowOfPolicy(p overture.Policy) policyRow {
	row := policyRow{MinConfidence: string(p.MinConfidence), CapMax: p.Cap.Max, CapHours: int(p.Cap.Per / time.Hour), OverCap: string(p.OverCap)}
	for _, x := range p.Packs {
		row.Packs = append(row.Packs, packRow(x))
	}
	return row
}

func (row policyRow) policy() overture.Policy {
	p := overture.Policy{
		MinConfidence: overture.Confidence(row.MinConfidence), OverCap: overture.OverCap(row.OverCap),
		Cap: overture.Cap{Max: row.CapMax, Per: time.Duration(row.CapHours) * time.Hour},
	}
	for _, x := range row.Packs {
		p.Packs = append(p.Packs, overture.PackRef(x))
	}
	return p
}

// rulesByID gives rules that stand in the database; nil for zero, which is before rules were recorded.
func (s *Store) rulesByID(ctx context.Context, q sqldb.Querier, id overture.RulesID) (*overture.Rules, error) {
	if id == 0 {
		return nil, nil //nolint:nilnil // no rules were recorded, and nil rules say so
	}
	s.rules.mu.Lock()
	known := s.rules.byID[id]
	s.rules.mu.Unlock()
	if known != nil {
		return known, nil
	}
	r := &overture.Rules{ID: id}
	var raw string
	if err := q.QueryRowContext(ctx, `SELECT tzdata, policy FROM rules WHERE id = $1`, id).Scan(&r.TZData, &raw); err != nil {
		return nil, sqldb.Trouble(fmt.Errorf("rules %d: %w", id, err))
	}
	var row policyRow
	if err := json.Unmarshal([]byte(raw), &row); err != nil {
		return nil, fmt.Errorf("rules %d: %w", id, err)
	}
	r.Policy = row.policy()
	rulings, err := s.rules.of(r.Policy)
	if err != nil {
		return nil, fmt.Errorf("rules %d: %w", id, err)
	}
	r.Rulings = rulings
	s.rules.mu.Lock()
	defer s.rules.mu.Unlock()
	if known := s.rules.byID[id]; known != nil {
		return known, nil
	}
	s.rules.byID[id] = r
	return r, nil
}

// CurrentRules are those that a launch would freeze now. They have no number.
func (s *Store) CurrentRules(ctx context.Context, account overture.AccountID) (*overture.Rules, error) {
	a, err := s.Account(ctx, account)
	if err != nil {
		return nil, err
	}
	r := &overture.Rules{TZData: tz.Version(), Policy: a.Settings.Policy}
	r.Rulings, err = s.rules.of(r.Policy)
	return r, err
}

// of works out a policy, once: the same policy has the same rulings, whoever chose it.
func (b *rulebook) of(p overture.Policy) (overture.Rulings, error) {
	if p.IsZero() {
		return nil, nil //nolint:nilnil // no policy has no rulings, and asking nil rules says so
	}
	raw, err := json.Marshal(rowOfPolicy(p))
	if err != nil {
		return nil, fmt.Errorf("policy: %w", err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if known, ok := b.rulings[string(raw)]; ok {
		return known, nil
	}
	if b.compile == nil {
		return nil, errors.New("this process does not know the policy packs")
	}
	// A pack that this program does not have, because a newer one wrote it, must not let messages go.
	rulings, err := b.compile(p)
	if err != nil {
		return nil, err
	}
	b.rulings[string(raw)] = rulings
	return rulings, nil
}

// freezeRules gives the row for what an account's policy is now and the time-zone data of this program.
func (s *Store) freezeRules(ctx context.Context, tx *sql.Tx, account overture.AccountID, policy overture.Policy, now time.Time) (overture.RulesID, error) {
	raw, err := json.Marshal(rowOfPolicy(policy))
	if err != nil {
		return 0, fmt.Errorf("policy: %w", err)
	}
	// Small numbers, because every message carries one. Two nodes may count to the same next number at once: the later one tries again.
	const tries = 8
	for range tries {
		var id overture.RulesID
		err := tx.QueryRowContext(ctx, `SELECT id FROM rules WHERE account_id = $1 AND tzdata = $2 AND policy = $3`, account, tz.Version(), string(raw)).Scan(&id)
		if err == nil {
			return id, nil
		}
		if !errors.Is(err, sql.ErrNoRows) {
			return 0, fmt.Errorf("find rules: %w", err)
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO rules (id, account_id, tzdata, policy, created_at)
			SELECT COALESCE(MAX(id), 0) + 1, CAST($1 AS BIGINT), CAST($2 AS TEXT), CAST($3 AS TEXT), CAST($4 AS BIGINT) FROM rules WHERE TRUE ON CONFLICT DO NOTHING`, account, tz.Version(), string(raw), now.UnixMilli()); err != nil {
			return 0, fmt.Errorf("write rules: %w", err)
		}
	}
	return 0, errors.New("write rules: other nodes write them all the time")
}

// Contacts gives the moments, after since, at which messages of the account's campaigns were handed to a provider for these people, or may
// have been: accepted, held, or in flight. Agents' answers and test sends do not count. The campaigns are found by the address and then
// by whether they were alive in the period, so that the cost does not grow with how long people have been written to.
func (s *Store) Contacts(ctx context.Context, account overture.AccountID, people []overture.Address, since time.Time) (map[overture.Address][]time.Time, error) {
	return s.contacts(ctx, plain(s.db.Read, s.contactsQuery()), account, people, since.UnixMilli())
}

// contactsQuery reads (address, moment) pairs. Subqueries in place of joins are on purpose: they leave both engines only one way through it,
// from the address to its campaigns to one message in each. With joins and without statistics PostgreSQL reads all messages of a campaign
// that was loaded a moment ago, and SQLite goes through all campaigns of the account. A campaign's last message is settled within a day of
// its completion, or of its cancel.
func (s *Store) contactsQuery() string {
	people, _ := sqldb.In[string](s.db, "ra.address", 3, nil)
	return `WITH own AS MATERIALIZED (
			SELECT ra.address, ra.campaign_id, ra.recipient_id FROM recipient_address ra WHERE ` + people + `),
		alive AS MATERIALIZED (
			SELECT o.address, o.campaign_id, o.recipient_id FROM own o WHERE (SELECT c.account_id FROM campaign c WHERE c.id = o.campaign_id
				AND c.launched_at IS NOT NULL AND (c.completed_at IS NULL OR c.completed_at > CAST($2 AS BIGINT) - 86400000)) = $1),
		contact AS MATERIALIZED (
			SELECT a.address, (SELECT MAX(COALESCE(m.accepted_at, (SELECT f.started_at FROM inflight f WHERE f.message_id = m.id),
					CASE WHEN m.state = 40 THEN COALESCE((SELECT h.attempted_at FROM held h WHERE h.message_id = m.id), m.updated_at) END))
				FROM message m WHERE m.campaign_id = a.campaign_id AND m.campaign_id > 0 AND m.recipient_id = a.recipient_id) AS at
			FROM alive a)
		SELECT address, at FROM contact WHERE at > $2`
}

func (s *Store) contacts(ctx context.Context, query rowSource, account overture.AccountID, people []overture.Address, since int64) (map[overture.Address][]time.Time, error) {
	out := map[overture.Address][]time.Time{}
	if len(people) == 0 {
		return out, nil
	}
	_, list := sqldb.In(s.db, "", 0, people)
	rows, err := query(ctx, account, since, list)
	if err != nil {
		return nil, sqldb.Trouble(fmt.Errorf("contacts: %w", err))
	}
	defer rows.Close()
	for rows.Next() {
		var to overture.Address
		var at int64
		if err := rows.Scan(&to, &at); err != nil {
			return nil, fmt.Errorf("contacts: %w", err)
		}
		out[to] = append(out[to], time.UnixMilli(at).UTC())
	}
	return out, sqldb.Trouble(rows.Err())
}

func rulesID(r *overture.Rules) overture.RulesID {
	if r == nil {
		return 0
	}
	return r.ID
}
