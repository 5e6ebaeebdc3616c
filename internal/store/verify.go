package store

import (
	"context"
	"fmt"
	"iter"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/store/sqldb"
)

// Finding is one broken invariant: what it says, how many rows break it, and some of their ids.
type Finding struct {
	Rule    string // as in docs/MESSAGE-LIFECYCLE.md
	Says    string
	Count   int
	Samples []int64
}

// invariants are queries whose rows break a promise. Every query selects one id per offender.
var invariants = []struct{ rule, says, query string }{
	{
		"I2", "a planned campaign has exactly one message per recipient of its list",
		`SELECT c.id FROM campaign c WHERE c.launched_at IS NOT NULL AND c.planning = FALSE
			AND c.recipient_count <> (SELECT COUNT(*) FROM message m WHERE m.campaign_id = c.id AND m.leg = 0)`,
	},
	{
		"I2", "no message points at a recipient that is not on its campaign's list",
		`SELECT m.id FROM message m WHERE m.campaign_id > 0 AND NOT EXISTS (SELECT 1 FROM recipient r WHERE r.id = m.recipient_id AND r.campaign_id = m.campaign_id)`,
	},
	{
		"I2", "a queued message is in the queue",
		`SELECT m.id FROM message m LEFT JOIN dispatch d ON d.message_id = m.id AND d.lane_id = m.lane_id WHERE m.state = 0 AND d.message_id IS NULL`,
	},
	{
		"I2", "what is in the queue is a queued message",
		`SELECT d.message_id FROM dispatch d LEFT JOIN message m ON m.id = d.message_id WHERE m.id IS NULL OR m.state <> 0`,
	},
	{
		"I2", "a message is in the queue once",
		`SELECT d.message_id FROM dispatch d GROUP BY d.message_id HAVING COUNT(*) > 1`,
	},
	{
		"I3", "a marker belongs to a queued message",
		`SELECT f.message_id FROM inflight f LEFT JOIN message m ON m.id = f.message_id WHERE m.id IS NULL OR m.state <> 0`,
	},
	{
		"I3", "an accepted message carries the provider's id, unless a person settled it",
		`SELECT m.id FROM message m WHERE m.state >= 50 AND m.provider_id = '' AND m.reason <> 'settled_by_person'`,
	},
	{
		"I1", "a message was accepted at most once, unless its campaign may resend without proof",
		`SELECT a.message_id FROM attempt a JOIN message m ON m.id = a.message_id LEFT JOIN campaign c ON c.id = m.campaign_id
			WHERE a.outcome IN ('accepted', 'found') AND COALESCE(c.policy, 'safe') = 'safe'
			GROUP BY a.message_id HAVING COUNT(*) > 1`,
	},
	{
		"I1", "one provider id belongs to one message",
		`SELECT MIN(m.id) FROM message m WHERE m.provider_id <> '' GROUP BY m.provider_id HAVING COUNT(*) > 1`,
	},
	{
		"I4", "what was suppressed, canceled or expired was never accepted",
		`SELECT m.id FROM message m JOIN attempt a ON a.message_id = m.id WHERE m.state IN (20, 21, 22) AND a.outcome IN ('accepted', 'found')`,
	},
	{
		"I7", "no campaign message was attempted after the person's opt-out was recorded",
		`SELECT m.id FROM opt_out o JOIN recipient_address r ON r.address = o.address
			JOIN message m ON m.campaign_id = r.campaign_id AND m.campaign_id > 0 AND m.recipient_id = r.recipient_id
			JOIN sender s ON s.id = m.sender_id AND s.brand_id = o.brand_id AND s.channel = o.channel
			JOIN attempt a ON a.message_id = m.id AND a.started_at > o.created_at + 1000`,
	},
	{
		"I13", "one inbound id is one entry of one conversation",
		`SELECT MIN(e.id) FROM entry e WHERE e.inbound_id > 0 GROUP BY e.inbound_id HAVING COUNT(*) > 1`,
	},
	{
		"I2", "a proactive conversation begins with what was sent",
		`SELECT c.id FROM conversation c WHERE c.message_id > 0
			AND (SELECT e.author FROM entry e WHERE e.conversation_id = c.id ORDER BY e.id LIMIT 1) <> 'brand'`,
	},
	{
		"I16", "the counters of a campaign equal a recount of its rows",
		`SELECT k.campaign_id FROM (
			SELECT campaign_id, state, SUM(n) AS n FROM (
				SELECT campaign_id, state, n FROM campaign_count
				UNION ALL SELECT campaign_id, state, -COUNT(*) FROM message WHERE campaign_id > 0 GROUP BY campaign_id, state) u
			GROUP BY campaign_id, state) k WHERE k.n <> 0`,
	},
}

const samplesPerFinding = 5

// BrokenInvariants runs every check against the rows and returns what is broken, nothing when all holds.
func (s *Store) BrokenInvariants(ctx context.Context) ([]Finding, error) {
	var out []Finding
	for _, inv := range invariants {
		f := Finding{Rule: inv.rule, Says: inv.says}
		err := each(ctx, plain(s.db.Read, inv.query), func(id int64) {
			if f.Count++; len(f.Samples) < samplesPerFinding {
				f.Samples = append(f.Samples, id)
			}
		})
		if err != nil {
			return nil, sqldb.Trouble(fmt.Errorf("check %q: %w", inv.says, err))
		}
		if f.Count > 0 {
			out = append(out, f)
		}
	}
	return out, nil
}

// InvariantCount is how many checks BrokenInvariants runs.
func InvariantCount() int { return len(invariants) }

// MessageFact is what verify compares with a provider's own record.
type MessageFact struct {
	ID         overture.MessageID
	CampaignID overture.CampaignID
	State      overture.State // attempting and unknown are read from the marker
	ProviderID string
	MayRepeat  bool // the campaign's policy is must_reach
	ByPerson   bool // a person settled it
	OptOutText string
}

// MessageFacts streams every message in the order of ids. Memory stays flat.
func (s *Store) MessageFacts(ctx context.Context) iter.Seq2[MessageFact, error] {
	return func(yield func(MessageFact, error) bool) {
		rows, err := s.db.Read.QueryContext(ctx, `SELECT m.id, m.campaign_id, m.state, m.provider_id, m.reason, COALESCE(f.state, ''),
				COALESCE(c.policy, ''), COALESCE(c.opt_out_text, '')
			FROM message m LEFT JOIN inflight f ON f.message_id = m.id LEFT JOIN campaign c ON c.id = m.campaign_id ORDER BY m.id`)
		if err != nil {
			yield(MessageFact{}, sqldb.Trouble(fmt.Errorf("read messages: %w", err)))
			return
		}
		defer rows.Close()
		for rows.Next() {
			var m MessageFact
			var reason, marker, policy string
			if err := rows.Scan(&m.ID, &m.CampaignID, &m.State, &m.ProviderID, &reason, &marker, &policy, &m.OptOutText); err != nil {
				yield(m, fmt.Errorf("read messages: %w", err))
				return
			}
			switch marker {
			case "attempting":
				m.State = overture.Attempting
			case "unknown":
				m.State = overture.Unknown
			}
			m.MayRepeat, m.ByPerson = policy == string(overture.MustReach), reason == overture.ReasonSettledByPerson
			if !yield(m, nil) {
				return
			}
		}
		if err := rows.Err(); err != nil {
			yield(MessageFact{}, sqldb.Trouble(err))
		}
	}
}

// LaunchedLists gives every launched campaign with the list hash frozen at launch.
func (s *Store) LaunchedLists(ctx context.Context) ([]overture.Campaign, error) {
	rows, err := s.db.Read.QueryContext(ctx, `SELECT id, account_id, list_hash FROM campaign WHERE launched_at IS NOT NULL ORDER BY id`)
	if err != nil {
		return nil, sqldb.Trouble(fmt.Errorf("launched campaigns: %w", err))
	}
	defer rows.Close()
	var out []overture.Campaign
	for rows.Next() {
		var c overture.Campaign
		if err := rows.Scan(&c.ID, &c.AccountID, &c.ListHash); err != nil {
			return nil, fmt.Errorf("launched campaigns: %w", err)
		}
		out = append(out, c)
	}
	return out, sqldb.Trouble(rows.Err())
}
