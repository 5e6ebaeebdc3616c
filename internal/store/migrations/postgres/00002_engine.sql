-- +goose Up
CREATE TABLE price_table (
	account_id BIGINT NOT NULL,
	version BIGINT NOT NULL,
	currency TEXT NOT NULL,
	prices TEXT NOT NULL,
	created_by TEXT NOT NULL,
	created_at BIGINT NOT NULL,
	PRIMARY KEY (account_id, version)
);
ALTER TABLE campaign ADD COLUMN price_version BIGINT NOT NULL DEFAULT 0;
CREATE TABLE campaign_forecast (
	campaign_id BIGINT PRIMARY KEY,
	account_id BIGINT NOT NULL,
	state TEXT NOT NULL,
	launched_at BIGINT NOT NULL,
	forecast TEXT NOT NULL,
	actual TEXT NOT NULL,
	finish_at BIGINT NOT NULL,
	made_at BIGINT NOT NULL,
	owner TEXT NOT NULL DEFAULT '',
	expires_at BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX campaign_forecast_pending ON campaign_forecast (campaign_id) WHERE state = 'pending';
-- guard rails and what is held (adr/0013)
ALTER TABLE account ADD COLUMN stopped BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE account ADD COLUMN stop_reason TEXT NOT NULL DEFAULT '';
ALTER TABLE account ADD COLUMN stopped_at BIGINT;
CREATE TABLE emergency_stop (
	id BIGINT PRIMARY KEY,
	reason TEXT NOT NULL,
	stopped_at BIGINT NOT NULL
);
ALTER TABLE campaign ADD COLUMN undo_seconds INTEGER NOT NULL DEFAULT 0;
ALTER TABLE campaign ADD COLUMN undo_until BIGINT;
ALTER TABLE campaign ADD COLUMN rails TEXT NOT NULL DEFAULT '';
ALTER TABLE campaign ADD COLUMN watch TEXT NOT NULL DEFAULT '';
ALTER TABLE lane ADD COLUMN allowance BIGINT;
ALTER TABLE lane ADD COLUMN budget BIGINT;
ALTER TABLE lane ADD COLUMN money BIGINT;
ALTER TABLE lane ADD COLUMN granted BIGINT NOT NULL DEFAULT 0;
ALTER TABLE lane ADD COLUMN granted_money BIGINT NOT NULL DEFAULT 0;
ALTER TABLE lane ADD COLUMN barrier TEXT NOT NULL DEFAULT '';
ALTER TABLE lane ADD COLUMN resent BIGINT NOT NULL DEFAULT 0;
UPDATE lane SET resent = k.n FROM (SELECT m.lane_id, COUNT(*) AS n FROM attempt a JOIN message m ON m.id = a.message_id
	WHERE a.outcome = 'resent_without_proof' GROUP BY m.lane_id) k WHERE k.lane_id = lane.id;
ALTER TABLE inflight ADD COLUMN http_status INTEGER NOT NULL DEFAULT 0;
ALTER TABLE inflight ADD COLUMN code INTEGER NOT NULL DEFAULT 0;
CREATE TABLE held (
	message_id BIGINT PRIMARY KEY,
	account_id BIGINT NOT NULL,
	campaign_id BIGINT NOT NULL,
	sender_id BIGINT NOT NULL,
	attempt SMALLINT NOT NULL,
	attempted_at BIGINT NOT NULL,
	held_at BIGINT NOT NULL,
	lookups SMALLINT NOT NULL,
	http_status INTEGER NOT NULL,
	code INTEGER NOT NULL
);
CREATE INDEX held_account_id_message_id ON held (account_id, message_id);
CREATE INDEX held_campaign_id_message_id ON held (campaign_id, message_id);
INSERT INTO held (message_id, account_id, campaign_id, sender_id, attempt, attempted_at, held_at, lookups, http_status, code)
	SELECT m.id, m.account_id, m.campaign_id, m.sender_id, m.attempts, COALESCE(a.started_at, m.updated_at), m.updated_at, 0, COALESCE(a.http_status, 0), COALESCE(a.code, 0)
	FROM message m LEFT JOIN attempt a ON a.message_id = m.id AND a.n = m.attempts WHERE m.state = 40;
CREATE TABLE held_order (
	id BIGINT PRIMARY KEY,
	account_id BIGINT NOT NULL,
	user_id BIGINT NOT NULL,
	key_id BIGINT NOT NULL,
	request_id TEXT NOT NULL,
	resolution TEXT NOT NULL,
	filter TEXT NOT NULL,
	through BIGINT NOT NULL,
	matched INTEGER NOT NULL,
	resolved INTEGER NOT NULL,
	left_held INTEGER NOT NULL,
	created_at BIGINT NOT NULL,
	finished_at BIGINT
);
CREATE INDEX held_order_account_id_id ON held_order (account_id, id);
CREATE INDEX held_order_open ON held_order (id) WHERE finished_at IS NULL;
CREATE TABLE account_spend (
	account_id BIGINT NOT NULL,
	day BIGINT NOT NULL,
	spent BIGINT NOT NULL,
	money BIGINT NOT NULL,
	PRIMARY KEY (account_id, day)
);
CREATE TABLE prefix_touch (
	account_id BIGINT NOT NULL,
	prefix TEXT NOT NULL,
	address TEXT NOT NULL,
	hour BIGINT NOT NULL,
	PRIMARY KEY (account_id, prefix, address, hour)
);
CREATE INDEX prefix_touch_hour ON prefix_touch (hour);
-- quarantine and what the installation knows of itself (adr/0014)
ALTER TABLE inflight ADD COLUMN since BIGINT NOT NULL DEFAULT 0;
CREATE TABLE quarantine (
	id BIGINT PRIMARY KEY,
	since BIGINT NOT NULL,
	until BIGINT NOT NULL,
	first_id BIGINT NOT NULL,
	reason TEXT NOT NULL,
	began_at BIGINT NOT NULL,
	released_at BIGINT,
	released_by TEXT NOT NULL
);
CREATE TABLE installation (
	name TEXT PRIMARY KEY NOT NULL,
	value TEXT NOT NULL
);
-- what decided about messages: frozen policy and time-zone data (adr/0011)
CREATE TABLE rules (
	id INTEGER PRIMARY KEY,
	account_id BIGINT NOT NULL,
	tzdata TEXT NOT NULL,
	policy TEXT NOT NULL,
	created_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX rules_account_id_tzdata_policy ON rules (account_id, tzdata, policy);
ALTER TABLE campaign ADD COLUMN rules_id INTEGER NOT NULL DEFAULT 0;
ALTER TABLE campaign ADD COLUMN replanning BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE message ADD COLUMN rules_id INTEGER NOT NULL DEFAULT 0;
-- what lookups and proofs of the send engine need (adr/0009)
ALTER TABLE inflight ADD COLUMN failed_for BIGINT NOT NULL DEFAULT 0;
CREATE INDEX message_direct ON message (address, sender_id) WHERE campaign_id = 0;
-- the search for lost receipts (adr/0013)
CREATE TABLE receipt_sweep (
	sender_id BIGINT PRIMARY KEY,
	owner TEXT NOT NULL,
	expires_at BIGINT NOT NULL,
	since BIGINT NOT NULL,
	until BIGINT NOT NULL,
	campaign_id BIGINT NOT NULL,
	recipient_id BIGINT NOT NULL,
	leg INTEGER NOT NULL,
	next_at BIGINT NOT NULL
) WITH (fillfactor = 80);

-- Sending rewrites all messages of a page within a moment: with room for all of them no index is touched (HOT).
ALTER TABLE message SET (fillfactor = 50);

ALTER TABLE receipt ADD COLUMN opt_out BOOLEAN NOT NULL DEFAULT FALSE;

-- +goose Down
ALTER TABLE receipt DROP COLUMN opt_out;
ALTER TABLE message SET (fillfactor = 80);
DROP TABLE receipt_sweep;
DROP INDEX message_direct;
ALTER TABLE inflight DROP COLUMN failed_for;
ALTER TABLE message DROP COLUMN rules_id;
ALTER TABLE campaign DROP COLUMN replanning;
ALTER TABLE campaign DROP COLUMN rules_id;
DROP TABLE rules;
DROP TABLE installation;
DROP TABLE quarantine;
ALTER TABLE inflight DROP COLUMN since;
DROP TABLE prefix_touch;
DROP TABLE account_spend;
DROP TABLE held_order;
DROP TABLE held;
ALTER TABLE inflight DROP COLUMN code;
ALTER TABLE inflight DROP COLUMN http_status;
ALTER TABLE lane DROP COLUMN resent;
ALTER TABLE lane DROP COLUMN barrier;
ALTER TABLE lane DROP COLUMN granted_money;
ALTER TABLE lane DROP COLUMN granted;
ALTER TABLE lane DROP COLUMN money;
ALTER TABLE lane DROP COLUMN budget;
ALTER TABLE lane DROP COLUMN allowance;
ALTER TABLE campaign DROP COLUMN watch;
ALTER TABLE campaign DROP COLUMN rails;
ALTER TABLE campaign DROP COLUMN undo_until;
ALTER TABLE campaign DROP COLUMN undo_seconds;
DROP TABLE emergency_stop;
ALTER TABLE account DROP COLUMN stopped_at;
ALTER TABLE account DROP COLUMN stop_reason;
ALTER TABLE account DROP COLUMN stopped;
DROP TABLE campaign_forecast;
ALTER TABLE campaign DROP COLUMN price_version;
DROP TABLE price_table;
