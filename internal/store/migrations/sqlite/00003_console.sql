-- +goose Up
-- administration: a skill that is offered no more
ALTER TABLE skill ADD COLUMN archived_at INTEGER;
-- analytics: when a person stopped the brand in answer to a message, and what was sent in each quarter of an hour (adr/0017)
ALTER TABLE message ADD COLUMN stopped_at INTEGER;
UPDATE message SET stopped_at = COALESCE(
	(SELECT MIN(i.received_at) FROM inbound i WHERE i.message_id = message.id AND i.message_id > 0 AND i.wish = 'stop'),
	(SELECT MIN(e.at) FROM campaign c JOIN conversation v ON v.brand_id = c.brand_id AND v.address = message.address AND v.message_id = message.id
		JOIN consent_event e ON e.account_id = v.account_id AND e.address = v.address AND e.brand_id = c.brand_id AND e.kind = 'opt_out' AND e.source = 'agent'
			AND e.at >= v.started_at AND (v.closed_at IS NULL OR e.at <= v.closed_at)
		WHERE c.id = message.campaign_id)) WHERE replied_at IS NOT NULL AND campaign_id > 0;
CREATE TABLE sent_count (
	campaign_id INTEGER NOT NULL,
	quarter INTEGER NOT NULL,
	failed INTEGER NOT NULL,
	held INTEGER NOT NULL,
	accepted INTEGER NOT NULL,
	sent INTEGER NOT NULL,
	undelivered INTEGER NOT NULL,
	delivered INTEGER NOT NULL,
	read INTEGER NOT NULL,
	replied INTEGER NOT NULL,
	answered INTEGER NOT NULL,
	stopped INTEGER NOT NULL,
	PRIMARY KEY (campaign_id, quarter)
) STRICT, WITHOUT ROWID;
INSERT INTO sent_count (campaign_id, quarter, failed, held, accepted, sent, undelivered, delivered, read, replied, answered, stopped)
	SELECT campaign_id, (CASE WHEN state >= 50 THEN COALESCE(accepted_at, updated_at) ELSE updated_at END) / 900000,
		COUNT(*) FILTER (WHERE state = 30), COUNT(*) FILTER (WHERE state = 40), COUNT(*) FILTER (WHERE state = 50), COUNT(*) FILTER (WHERE state = 60), COUNT(*) FILTER (WHERE state = 65), COUNT(*) FILTER (WHERE state = 70), COUNT(*) FILTER (WHERE state = 80),
		COUNT(replied_at), COUNT(replied_at) FILTER (WHERE state >= 50), COUNT(stopped_at)
	FROM message WHERE campaign_id > 0 AND state >= 30 GROUP BY 1, 2;
-- retention: how long an account keeps what, what must not be deleted, and the record of what was (adr/0018)
CREATE TABLE retention (
	account_id INTEGER PRIMARY KEY,
	version INTEGER NOT NULL,
	messages_days INTEGER NOT NULL,
	conversations_days INTEGER NOT NULL,
	uploads_days INTEGER NOT NULL,
	audit_days INTEGER NOT NULL,
	changed_by TEXT NOT NULL,
	changed_at INTEGER NOT NULL,
	ran_at INTEGER
) STRICT;
CREATE TABLE legal_hold (
	account_id INTEGER NOT NULL,
	campaign_id INTEGER NOT NULL,
	reason TEXT NOT NULL,
	held_by TEXT NOT NULL,
	held_at INTEGER NOT NULL,
	PRIMARY KEY (account_id, campaign_id)
) STRICT, WITHOUT ROWID;
CREATE TABLE deletion (
	account_id INTEGER NOT NULL,
	campaign_id INTEGER NOT NULL,
	people INTEGER NOT NULL,
	messages INTEGER NOT NULL,
	accepted INTEGER NOT NULL,
	by_person INTEGER NOT NULL,
	replied INTEGER NOT NULL,
	stopped INTEGER NOT NULL,
	resent INTEGER NOT NULL,
	last_message_id INTEGER NOT NULL,
	list_hash TEXT NOT NULL,
	began_at INTEGER NOT NULL,
	finished_at INTEGER,
	PRIMARY KEY (account_id, campaign_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX deletion_campaign_id ON deletion (campaign_id);
CREATE TABLE deleted_count (
	campaign_id INTEGER NOT NULL,
	state INTEGER NOT NULL,
	n INTEGER NOT NULL,
	PRIMARY KEY (campaign_id, state)
) STRICT, WITHOUT ROWID;
CREATE TABLE deleted_sent (
	campaign_id INTEGER NOT NULL,
	quarter INTEGER NOT NULL,
	failed INTEGER NOT NULL,
	held INTEGER NOT NULL,
	accepted INTEGER NOT NULL,
	sent INTEGER NOT NULL,
	undelivered INTEGER NOT NULL,
	delivered INTEGER NOT NULL,
	read INTEGER NOT NULL,
	replied INTEGER NOT NULL,
	answered INTEGER NOT NULL,
	stopped INTEGER NOT NULL,
	PRIMARY KEY (campaign_id, quarter)
) STRICT, WITHOUT ROWID;
CREATE TABLE deleted_spend (
	lane_id INTEGER NOT NULL,
	day INTEGER NOT NULL,
	messages INTEGER NOT NULL,
	segments INTEGER NOT NULL,
	money INTEGER NOT NULL,
	first_at INTEGER NOT NULL,
	PRIMARY KEY (lane_id, day)
) STRICT, WITHOUT ROWID;
CREATE TABLE retention_tally (
	account_id INTEGER NOT NULL,
	class TEXT NOT NULL,
	deleted INTEGER NOT NULL,
	last_at INTEGER NOT NULL,
	PRIMARY KEY (account_id, class)
) STRICT, WITHOUT ROWID;
CREATE TABLE retention_turn (
	id INTEGER PRIMARY KEY,
	owner TEXT NOT NULL,
	expires_at INTEGER NOT NULL
) STRICT;
ALTER TABLE campaign ADD COLUMN people_deleted_at INTEGER;
CREATE INDEX message_single ON message (account_id, id) WHERE campaign_id = 0 AND entry_id = 0;
CREATE INDEX inbound_deletable ON inbound (account_id, id) WHERE wish <> 'stop' AND wish <> 'start';
CREATE INDEX entry_inbound_id ON entry (inbound_id) WHERE inbound_id > 0;

-- +goose Down
DROP INDEX entry_inbound_id;
DROP INDEX inbound_deletable;
DROP INDEX message_single;
ALTER TABLE campaign DROP COLUMN people_deleted_at;
DROP TABLE retention_turn;
DROP TABLE retention_tally;
DROP TABLE deleted_spend;
DROP TABLE deleted_sent;
DROP TABLE deleted_count;
DROP TABLE deletion;
DROP TABLE legal_hold;
DROP TABLE retention;
DROP TABLE sent_count;
ALTER TABLE message DROP COLUMN stopped_at;
ALTER TABLE skill DROP COLUMN archived_at;
