-- +goose Up
-- administration: a skill that is offered no more
ALTER TABLE skill ADD COLUMN archived_at BIGINT;
-- analytics: when a person stopped the brand in answer to a message, and what was sent in each quarter of an hour (adr/0017)
ALTER TABLE message ADD COLUMN stopped_at BIGINT;
UPDATE message SET stopped_at = COALESCE(
	(SELECT MIN(i.received_at) FROM inbound i WHERE i.message_id = message.id AND i.message_id > 0 AND i.wish = 'stop'),
	(SELECT MIN(e.at) FROM campaign c JOIN conversation v ON v.brand_id = c.brand_id AND v.address = message.address AND v.message_id = message.id
		JOIN consent_event e ON e.account_id = v.account_id AND e.address = v.address AND e.brand_id = c.brand_id AND e.kind = 'opt_out' AND e.source = 'agent'
			AND e.at >= v.started_at AND (v.closed_at IS NULL OR e.at <= v.closed_at)
		WHERE c.id = message.campaign_id)) WHERE replied_at IS NOT NULL AND campaign_id > 0;
CREATE TABLE sent_count (
	campaign_id BIGINT NOT NULL,
	quarter BIGINT NOT NULL,
	failed BIGINT NOT NULL,
	held BIGINT NOT NULL,
	accepted BIGINT NOT NULL,
	sent BIGINT NOT NULL,
	undelivered BIGINT NOT NULL,
	delivered BIGINT NOT NULL,
	read BIGINT NOT NULL,
	replied BIGINT NOT NULL,
	answered BIGINT NOT NULL,
	stopped BIGINT NOT NULL,
	PRIMARY KEY (campaign_id, quarter)
) WITH (fillfactor = 80);
INSERT INTO sent_count (campaign_id, quarter, failed, held, accepted, sent, undelivered, delivered, read, replied, answered, stopped)
	SELECT campaign_id, (CASE WHEN state >= 50 THEN COALESCE(accepted_at, updated_at) ELSE updated_at END) / 900000,
		COUNT(*) FILTER (WHERE state = 30), COUNT(*) FILTER (WHERE state = 40), COUNT(*) FILTER (WHERE state = 50), COUNT(*) FILTER (WHERE state = 60), COUNT(*) FILTER (WHERE state = 65), COUNT(*) FILTER (WHERE state = 70), COUNT(*) FILTER (WHERE state = 80),
		COUNT(replied_at), COUNT(replied_at) FILTER (WHERE state >= 50), COUNT(stopped_at)
	FROM message WHERE campaign_id > 0 AND state >= 30 GROUP BY 1, 2;
-- retention: how long an account keeps what, what must not be deleted, and the record of what was (adr/0018)
CREATE TABLE retention (
	account_id BIGINT PRIMARY KEY,
	version BIGINT NOT NULL,
	messages_days BIGINT NOT NULL,
	conversations_days BIGINT NOT NULL,
	uploads_days BIGINT NOT NULL,
	audit_days BIGINT NOT NULL,
	changed_by TEXT NOT NULL,
	changed_at BIGINT NOT NULL,
	ran_at BIGINT
);
CREATE TABLE legal_hold (
	account_id BIGINT NOT NULL,
	campaign_id BIGINT NOT NULL,
	reason TEXT NOT NULL,
	held_by TEXT NOT NULL,
	held_at BIGINT NOT NULL,
	PRIMARY KEY (account_id, campaign_id)
);
CREATE TABLE deletion (
	account_id BIGINT NOT NULL,
	campaign_id BIGINT NOT NULL,
	people BIGINT NOT NULL,
	messages BIGINT NOT NULL,
	accepted BIGINT NOT NULL,
	by_person BIGINT NOT NULL,
	replied BIGINT NOT NULL,
	stopped BIGINT NOT NULL,
	resent BIGINT NOT NULL,
	last_message_id BIGINT NOT NULL,
	list_hash TEXT NOT NULL,
	began_at BIGINT NOT NULL,
	finished_at BIGINT,
	PRIMARY KEY (account_id, campaign_id)
);
CREATE INDEX deletion_campaign_id ON deletion (campaign_id);
CREATE TABLE deleted_count (
	campaign_id BIGINT NOT NULL,
	state SMALLINT NOT NULL,
	n BIGINT NOT NULL,
	PRIMARY KEY (campaign_id, state)
);
CREATE TABLE deleted_sent (
	campaign_id BIGINT NOT NULL,
	quarter BIGINT NOT NULL,
	failed BIGINT NOT NULL,
	held BIGINT NOT NULL,
	accepted BIGINT NOT NULL,
	sent BIGINT NOT NULL,
	undelivered BIGINT NOT NULL,
	delivered BIGINT NOT NULL,
	read BIGINT NOT NULL,
	replied BIGINT NOT NULL,
	answered BIGINT NOT NULL,
	stopped BIGINT NOT NULL,
	PRIMARY KEY (campaign_id, quarter)
);
CREATE TABLE deleted_spend (
	lane_id BIGINT NOT NULL,
	day BIGINT NOT NULL,
	messages BIGINT NOT NULL,
	segments BIGINT NOT NULL,
	money BIGINT NOT NULL,
	first_at BIGINT NOT NULL,
	PRIMARY KEY (lane_id, day)
);
CREATE TABLE retention_tally (
	account_id BIGINT NOT NULL,
	class TEXT NOT NULL,
	deleted BIGINT NOT NULL,
	last_at BIGINT NOT NULL,
	PRIMARY KEY (account_id, class)
);
CREATE TABLE retention_turn (
	id BIGINT PRIMARY KEY,
	owner TEXT NOT NULL,
	expires_at BIGINT NOT NULL
);
ALTER TABLE campaign ADD COLUMN people_deleted_at BIGINT;
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
