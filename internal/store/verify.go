package store

import (
	"context"
	"database/sql"
	"fmt"
	"iter"
	"time"

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
			AND c.recipient_count <> (SELECT COUNT(*) FROM message m WHERE m.campaign_id = c.id AND m.leg = 0)
				+ COALESCE((SELECT d.messages FROM deletion d WHERE d.account_id = c.account_id AND d.campaign_id = c.id), 0)`,
	},
	{
		"I2", "no message points at a recipient that is not on its campaign's list",
		`SELECT m.id FROM message m WHERE m.campaign_id > 0 AND NOT EXISTS (SELECT 1 FROM recipient r WHERE r.id = m.recipient_id AND r.campaign_id = m.campaign_id)`,
	},
	{
		"I2", "a queued message is in the queue",
		// A join would look through the whole lane for every message: the queue has no index by message.
		`SELECT id FROM message WHERE state = 0 EXCEPT SELECT d.message_id FROM dispatch d JOIN message m ON m.id = d.message_id AND m.lane_id = d.lane_id`,
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
		// From the opt-outs on, said by the cross joins: SQLite knows nothing of sizes and would try every opt-out with every message.
		`SELECT m.id FROM opt_out o CROSS JOIN recipient_address r CROSS JOIN message m CROSS JOIN sender s CROSS JOIN attempt a
			WHERE r.address = o.address AND m.campaign_id = r.campaign_id AND m.campaign_id > 0 AND m.recipient_id = r.recipient_id
			AND s.id = m.sender_id AND s.brand_id = o.brand_id AND s.channel = o.channel
			AND a.message_id = m.id AND a.started_at > o.created_at + 1000 AND a.token <> ''`,
	},
	{
		"I2", "a held message stands in the list of held messages, and nothing else does",
		`SELECT COALESCE(m.id, h.message_id) FROM held h FULL OUTER JOIN (SELECT id FROM message WHERE state = 40) m ON m.id = h.message_id
			WHERE m.id IS NULL OR h.message_id IS NULL`,
	},
	{
		"I1", "only a campaign that may resend without proof did so",
		`SELECT a.message_id FROM attempt a JOIN message m ON m.id = a.message_id LEFT JOIN campaign c ON c.id = m.campaign_id
			WHERE a.outcome = 'resent_without_proof' AND COALESCE(c.policy, 'safe') <> 'must_reach'`,
	},
	{
		"I5", "no message stands below what the carrier already said about it",
		`SELECT r.message_id FROM receipt r JOIN message m ON m.id = r.message_id WHERE r.state > m.state AND r.provider_id = m.provider_id`,
	},
	{
		"I8", "no campaign message was attempted before its launch time or after its validity",
		`SELECT a.message_id FROM campaign c JOIN message m ON m.campaign_id = c.id AND m.campaign_id > 0 JOIN attempt a ON a.message_id = m.id
			WHERE a.token <> '' AND (a.started_at < c.launch_at - 1000 OR (c.expires_at IS NOT NULL AND a.started_at > c.expires_at + 1000))`,
	},
	{
		"I2", "a completed campaign has nothing left to send",
		`SELECT DISTINCT m.campaign_id FROM message m JOIN campaign c ON c.id = m.campaign_id WHERE m.campaign_id > 0 AND m.state = 0 AND c.state = 'completed'`,
	},
	{
		"I13", "a message from the carrier is stored once",
		`SELECT MIN(i.id) FROM inbound i GROUP BY i.account_id, i.provider, i.provider_id HAVING COUNT(*) > 1`,
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
		"I16", "a lane's count of messages sent again without proof equals a recount of its attempts",
		`SELECT k.id FROM (
			SELECT id, resent AS n FROM lane WHERE resent <> 0
			UNION ALL SELECT l.id, -COUNT(*) FROM attempt a JOIN message m ON m.id = a.message_id JOIN lane l ON l.id = m.lane_id
				WHERE a.outcome = 'resent_without_proof' GROUP BY l.id
			UNION ALL SELECT l.id, -d.resent FROM deletion d JOIN lane l ON l.campaign_id = d.campaign_id AND l.account_id = d.account_id WHERE d.campaign_id > 0) k
			GROUP BY k.id HAVING SUM(k.n) <> 0`,
	},
	{
		"I16", "what was sent in each quarter of an hour, answered and stopped, equals a recount of the messages",
		`SELECT DISTINCT campaign_id FROM (
			SELECT campaign_id, quarter, ` + eachSentColumn(func(_ int, c string) string { return `SUM(` + c + `) AS ` + c }) + ` FROM (
				SELECT campaign_id, quarter, ` + eachSentColumn(func(_ int, c string) string { return c }) + ` FROM sent_count
				UNION ALL SELECT campaign_id, quarter, ` + eachSentColumn(func(_ int, c string) string { return `-` + c }) + ` FROM deleted_sent
				UNION ALL SELECT campaign_id, (` + countedAt + `) / 900000, ` + eachSentColumn(recounted) + `
					FROM message WHERE campaign_id > 0 AND state >= 30 GROUP BY 1, 2) u
			GROUP BY campaign_id, quarter) k WHERE (` + eachSentColumn(func(_ int, c string) string { return c }) + `) <> (0, 0, 0, 0, 0, 0, 0, 0, 0, 0)`,
	},
	{
		"I16", "a stop that a person wrote stands at the message it answers",
		`SELECT m.id FROM inbound i JOIN message m ON m.id = i.message_id WHERE i.message_id > 0 AND i.wish = 'stop' AND (m.replied_at IS NULL OR m.stopped_at IS NULL)`,
	},
	{
		"I16", "the counters of a campaign equal a recount of its rows",
		`SELECT k.campaign_id FROM (
			SELECT campaign_id, state, SUM(n) AS n FROM (
				SELECT campaign_id, state, n FROM campaign_count
				UNION ALL SELECT campaign_id, state, -n FROM deleted_count
				UNION ALL SELECT campaign_id, state, -COUNT(*) FROM message WHERE campaign_id > 0 GROUP BY campaign_id, state) u
			GROUP BY campaign_id, state) k WHERE k.n <> 0`,
	},
	{
		"I17", "retention deleted only what was over: of finished campaigns, nothing queued and nothing held",
		`SELECT d.campaign_id FROM deletion d LEFT JOIN campaign c ON c.id = d.campaign_id AND c.account_id = d.account_id
				WHERE d.campaign_id > 0 AND (c.completed_at IS NULL OR c.people_deleted_at IS NULL)
			UNION SELECT k.campaign_id FROM deleted_count k WHERE k.n <> 0 AND (k.state < 20 OR k.state = 40)
			UNION SELECT c.id FROM campaign c WHERE c.people_deleted_at IS NOT NULL
				AND NOT EXISTS (SELECT 1 FROM deletion d WHERE d.account_id = c.account_id AND d.campaign_id = c.id)`,
	},
	{
		"I17", "a campaign whose people were all deleted had as many as its list, and has none left",
		`SELECT d.campaign_id FROM deletion d JOIN campaign c ON c.id = d.campaign_id WHERE d.finished_at IS NOT NULL AND (c.recipient_count <> d.people
			OR EXISTS (SELECT 1 FROM recipient r WHERE r.campaign_id = c.id) OR EXISTS (SELECT 1 FROM message m WHERE m.campaign_id = c.id AND m.campaign_id > 0))`,
	},
	{
		"I17", "of a person who was deleted nothing is left but what protects them",
		`SELECT a.message_id FROM attempt a WHERE NOT EXISTS (SELECT 1 FROM message m WHERE m.id = a.message_id)
			UNION SELECT r.message_id FROM receipt r WHERE NOT EXISTS (SELECT 1 FROM message m WHERE m.id = r.message_id)
			UNION SELECT a.recipient_id FROM recipient_address a JOIN campaign c ON c.id = a.campaign_id AND c.people_deleted_at IS NOT NULL
				WHERE NOT EXISTS (SELECT 1 FROM recipient r WHERE r.id = a.recipient_id)`,
	},
}

// recounted counts in the messages, negated, what a column of sent_count counts.
func recounted(i int, _ string) string {
	switch i {
	case sentReplied:
		return `-COUNT(replied_at)`
	case sentAnswered:
		return `-COUNT(replied_at) FILTER (WHERE state >= 50)`
	case sentStopped:
		return `-COUNT(stopped_at)`
	}
	return fmt.Sprintf(`-COUNT(*) FILTER (WHERE state = %d)`, sentStates[i])
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
	for _, check := range []func(context.Context) (Finding, error){s.pauseBreaches, s.fileDamage} {
		f, err := check(ctx)
		if err != nil {
			return nil, err
		}
		if f.Count > 0 {
			out = append(out, f)
		}
	}
	drifted, err := s.driftedLimits(ctx)
	if err != nil {
		return nil, err
	}
	return append(out, drifted...), nil
}

// InvariantCount is how many checks BrokenInvariants runs.
func InvariantCount() int { return len(invariants) + 4 }

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

// Deletions gives the records of what retention deleted, by account and campaign.
func (s *Store) Deletions(ctx context.Context) ([]overture.Deletion, error) {
	var out []overture.Deletion
	err := eachRow(ctx, plain(s.db.Read, `SELECT account_id, campaign_id, people, messages, accepted, by_person, last_message_id, list_hash, began_at, finished_at
		FROM deletion ORDER BY account_id, campaign_id`), func(rows *sql.Rows) error {
		var d overture.Deletion
		var began int64
		var finished sql.NullInt64
		err := rows.Scan(&d.AccountID, &d.CampaignID, &d.People, &d.Messages, &d.Accepted, &d.ByPerson, &d.LastMessageID, &d.ListHash, &began, &finished)
		d.BeganAt, d.FinishedAt = time.UnixMilli(began).UTC(), sqldb.Time(finished)
		out = append(out, d)
		return err
	})
	if err != nil {
		return nil, sqldb.Trouble(fmt.Errorf("records of deletions: %w", err))
	}
	return out, nil
}
