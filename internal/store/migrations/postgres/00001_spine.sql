-- +goose Up
CREATE TABLE account (
	id BIGINT PRIMARY KEY,
	name TEXT NOT NULL,
	enabled BOOLEAN NOT NULL,
	settings TEXT NOT NULL,
	created_at BIGINT NOT NULL
);
CREATE TABLE brand (
	id BIGINT PRIMARY KEY,
	account_id BIGINT NOT NULL,
	name TEXT NOT NULL,
	created_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX brand_account_id_name ON brand (account_id, name);
CREATE TABLE app_user (
	id BIGINT PRIMARY KEY,
	account_id BIGINT NOT NULL,
	email TEXT NOT NULL,
	name TEXT NOT NULL,
	role TEXT NOT NULL,
	password_hash TEXT NOT NULL,
	disabled BOOLEAN NOT NULL,
	session_version BIGINT NOT NULL,
	created_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX app_user_email ON app_user (email);
CREATE INDEX app_user_account_id_id ON app_user (account_id, id);
CREATE TABLE session (
	token_hash TEXT PRIMARY KEY NOT NULL,
	id BIGINT NOT NULL,
	user_id BIGINT NOT NULL,
	account_id BIGINT NOT NULL,
	session_version BIGINT NOT NULL,
	created_at BIGINT NOT NULL,
	expires_at BIGINT NOT NULL,
	last_seen_at BIGINT NOT NULL
);
CREATE INDEX session_user_id ON session (user_id);
CREATE TABLE api_key (
	id BIGINT PRIMARY KEY,
	account_id BIGINT NOT NULL,
	name TEXT NOT NULL,
	prefix TEXT NOT NULL,
	secret_hash TEXT NOT NULL,
	scopes TEXT NOT NULL,
	created_by BIGINT NOT NULL,
	created_at BIGINT NOT NULL,
	expires_at BIGINT,
	revoked_at BIGINT,
	last_used_at BIGINT
);
CREATE UNIQUE INDEX api_key_secret_hash ON api_key (secret_hash);
CREATE INDEX api_key_account_id_id ON api_key (account_id, id);
CREATE TABLE audit (
	id BIGINT PRIMARY KEY,
	account_id BIGINT NOT NULL,
	actor TEXT NOT NULL,
	action TEXT NOT NULL,
	subject TEXT NOT NULL,
	detail TEXT NOT NULL,
	request_id TEXT NOT NULL,
	at BIGINT NOT NULL
);
CREATE INDEX audit_account_id_id ON audit (account_id, id);
CREATE TABLE idempotency (
	account_id BIGINT NOT NULL,
	idem_key TEXT NOT NULL,
	route TEXT NOT NULL,
	body_hash TEXT NOT NULL,
	state TEXT NOT NULL,
	status BIGINT NOT NULL,
	content_type TEXT NOT NULL,
	response BYTEA,
	claim TEXT NOT NULL,
	lease_until BIGINT NOT NULL,
	created_at BIGINT NOT NULL,
	PRIMARY KEY (account_id, route, idem_key)
);
CREATE INDEX idempotency_created_at ON idempotency (created_at);
CREATE TABLE skill (
	id BIGINT PRIMARY KEY,
	account_id BIGINT NOT NULL,
	name TEXT NOT NULL
);
CREATE UNIQUE INDEX skill_account_id_name ON skill (account_id, name);
CREATE TABLE agent (
	user_id BIGINT PRIMARY KEY,
	account_id BIGINT NOT NULL,
	available BOOLEAN NOT NULL,
	capacity BIGINT NOT NULL,
	assigned_at BIGINT NOT NULL,
	updated_at BIGINT NOT NULL
);
CREATE INDEX agent_account_id ON agent (account_id);
CREATE TABLE agent_skill (
	user_id BIGINT NOT NULL,
	skill_id BIGINT NOT NULL,
	PRIMARY KEY (user_id, skill_id)
);
CREATE INDEX agent_skill_skill_id ON agent_skill (skill_id);
CREATE TABLE sender (
	id BIGINT PRIMARY KEY,
	account_id BIGINT NOT NULL,
	brand_id BIGINT NOT NULL,
	name TEXT NOT NULL,
	channel TEXT NOT NULL,
	provider TEXT NOT NULL,
	address TEXT NOT NULL,
	base_url TEXT NOT NULL,
	account_sid TEXT NOT NULL,
	sealed_credentials TEXT NOT NULL,
	messaging_service_sid TEXT NOT NULL,
	webhook_key TEXT NOT NULL,
	rate BIGINT NOT NULL,
	stopped BOOLEAN NOT NULL,
	stop_reason TEXT NOT NULL,
	created_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX sender_webhook_key ON sender (webhook_key);
CREATE UNIQUE INDEX sender_account_id_channel_address ON sender (account_id, channel, address);
CREATE TABLE campaign (
	id BIGINT PRIMARY KEY,
	account_id BIGINT NOT NULL,
	brand_id BIGINT NOT NULL,
	name TEXT NOT NULL,
	channel TEXT NOT NULL,
	sender_id BIGINT NOT NULL,
	skill_id BIGINT NOT NULL,
	text TEXT NOT NULL,
	opt_out_text TEXT NOT NULL,
	smart_encoding BOOLEAN NOT NULL,
	state TEXT NOT NULL,
	launch_at BIGINT,
	send_window TEXT NOT NULL,
	rate BIGINT NOT NULL,
	lookback BIGINT NOT NULL,
	expires_at BIGINT,
	policy TEXT NOT NULL,
	open_conversation TEXT NOT NULL,
	reason TEXT NOT NULL,
	recipient_count BIGINT NOT NULL,
	list_hash TEXT NOT NULL,
	content_hash TEXT NOT NULL,
	consent_by BIGINT,
	consent_at BIGINT,
	created_by BIGINT NOT NULL,
	created_at BIGINT NOT NULL,
	updated_at BIGINT NOT NULL,
	launched_at BIGINT,
	completed_at BIGINT,
	archived_at BIGINT,
	planned_through BIGINT NOT NULL,
	planning BOOLEAN NOT NULL
);
CREATE INDEX campaign_account_id_id ON campaign (account_id, id);
CREATE INDEX campaign_state ON campaign (state);
CREATE INDEX campaign_unfinished ON campaign (id) WHERE launched_at IS NOT NULL AND completed_at IS NULL;
CREATE TABLE list_import (
	id BIGINT PRIMARY KEY,
	account_id BIGINT NOT NULL,
	campaign_id BIGINT NOT NULL,
	state TEXT NOT NULL,
	source TEXT NOT NULL,
	file_name TEXT NOT NULL,
	encoding TEXT NOT NULL,
	delimiter TEXT NOT NULL,
	header TEXT NOT NULL,
	row_count BIGINT NOT NULL,
	valid BIGINT NOT NULL,
	rejected BIGINT NOT NULL,
	duplicates BIGINT NOT NULL,
	opted_out BIGINT NOT NULL,
	worst_row BIGINT NOT NULL,
	worst_segments BIGINT NOT NULL,
	segments BIGINT NOT NULL,
	list_hash TEXT NOT NULL,
	content_hash TEXT NOT NULL DEFAULT '',
	error TEXT NOT NULL,
	touched_at BIGINT NOT NULL DEFAULT 0,
	created_at BIGINT NOT NULL,
	finished_at BIGINT
);
CREATE INDEX list_import_campaign_id_id ON list_import (campaign_id, id);
CREATE TABLE recipient (
	id BIGINT PRIMARY KEY,
	account_id BIGINT NOT NULL,
	campaign_id BIGINT NOT NULL,
	import_id BIGINT NOT NULL,
	row_number BIGINT NOT NULL,
	address TEXT NOT NULL,
	zones TEXT NOT NULL,
	zone_source TEXT NOT NULL,
	text TEXT NOT NULL,
	vars TEXT NOT NULL,
	segments BIGINT NOT NULL
);
CREATE INDEX recipient_campaign_id_id ON recipient (campaign_id, id);
CREATE TABLE recipient_address (
	address TEXT NOT NULL,
	campaign_id BIGINT NOT NULL,
	recipient_id BIGINT NOT NULL,
	PRIMARY KEY (address, campaign_id)
);
CREATE TABLE problem (
	import_id BIGINT NOT NULL,
	row_number BIGINT NOT NULL,
	column_name TEXT NOT NULL,
	code TEXT NOT NULL,
	reason TEXT NOT NULL,
	raw TEXT NOT NULL,
	PRIMARY KEY (import_id, row_number)
);
CREATE INDEX problem_import_id_code_row_number ON problem (import_id, code, row_number);
CREATE TABLE lane (
	id BIGINT PRIMARY KEY,
	account_id BIGINT NOT NULL,
	sender_id BIGINT NOT NULL,
	campaign_id BIGINT NOT NULL,
	kind TEXT NOT NULL,
	state TEXT NOT NULL,
	rate BIGINT NOT NULL,
	weight BIGINT NOT NULL
);
CREATE UNIQUE INDEX lane_sender_id_campaign_id ON lane (sender_id, campaign_id);
CREATE TABLE message (
	id BIGINT PRIMARY KEY,
	account_id BIGINT NOT NULL,
	campaign_id BIGINT NOT NULL,
	recipient_id BIGINT NOT NULL,
	entry_id BIGINT NOT NULL,
	sender_id BIGINT NOT NULL,
	lane_id BIGINT NOT NULL,
	leg SMALLINT NOT NULL,
	address TEXT NOT NULL,
	body TEXT NOT NULL,
	state SMALLINT NOT NULL,
	attempts SMALLINT NOT NULL,
	segments SMALLINT NOT NULL,
	provider_id TEXT NOT NULL,
	code BIGINT NOT NULL,
	reason TEXT NOT NULL,
	accepted_at BIGINT,
	replied_at BIGINT,
	updated_at BIGINT NOT NULL
) WITH (fillfactor = 80);
CREATE UNIQUE INDEX message_campaign_id_recipient_id_leg ON message (campaign_id, recipient_id, leg) WHERE campaign_id > 0;
CREATE UNIQUE INDEX message_entry_id ON message (entry_id) WHERE entry_id > 0;
CREATE INDEX message_replied ON message (campaign_id) WHERE replied_at IS NOT NULL;
CREATE TABLE dispatch (
	lane_id BIGINT NOT NULL,
	due_at BIGINT NOT NULL,
	message_id BIGINT NOT NULL,
	not_after BIGINT NOT NULL,
	PRIMARY KEY (lane_id, due_at, message_id)
);
CREATE TABLE inflight (
	message_id BIGINT PRIMARY KEY,
	lane_id BIGINT NOT NULL,
	sender_id BIGINT NOT NULL,
	due_at BIGINT NOT NULL,
	not_after BIGINT NOT NULL,
	epoch BIGINT NOT NULL,
	attempt SMALLINT NOT NULL,
	token TEXT NOT NULL,
	started_at BIGINT NOT NULL,
	state TEXT NOT NULL,
	lookups SMALLINT NOT NULL,
	next_lookup_at BIGINT NOT NULL
);
CREATE INDEX inflight_sender_id_next_lookup_at ON inflight (sender_id, next_lookup_at);
CREATE TABLE sender_lease (
	sender_id BIGINT PRIMARY KEY,
	owner TEXT NOT NULL,
	epoch BIGINT NOT NULL,
	expires_at BIGINT NOT NULL
);
CREATE TABLE attempt (
	message_id BIGINT NOT NULL,
	n SMALLINT NOT NULL,
	token TEXT NOT NULL,
	epoch BIGINT NOT NULL,
	started_at BIGINT NOT NULL,
	ended_at BIGINT NOT NULL,
	outcome TEXT NOT NULL,
	http_status BIGINT NOT NULL,
	code BIGINT NOT NULL,
	provider_id TEXT NOT NULL,
	PRIMARY KEY (message_id, n)
);
CREATE TABLE campaign_count (
	campaign_id BIGINT NOT NULL,
	state SMALLINT NOT NULL,
	n BIGINT NOT NULL,
	PRIMARY KEY (campaign_id, state)
) WITH (fillfactor = 80);
CREATE TABLE receipt (
	message_id BIGINT NOT NULL,
	state SMALLINT NOT NULL,
	code BIGINT NOT NULL,
	provider_id TEXT NOT NULL,
	received_at BIGINT NOT NULL,
	PRIMARY KEY (message_id, provider_id, state)
);
CREATE TABLE orphan_receipt (
	id BIGINT PRIMARY KEY,
	provider TEXT NOT NULL,
	account_id BIGINT NOT NULL,
	sender_id BIGINT NOT NULL,
	message_id BIGINT NOT NULL,
	token TEXT NOT NULL,
	provider_id TEXT NOT NULL,
	state SMALLINT NOT NULL,
	code BIGINT NOT NULL,
	opt_out BOOLEAN NOT NULL,
	received_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX orphan_receipt_sender_id_provider_id_state ON orphan_receipt (sender_id, provider_id, state);
CREATE INDEX orphan_receipt_received_at ON orphan_receipt (received_at);
CREATE TABLE inbound (
	id BIGINT PRIMARY KEY,
	account_id BIGINT NOT NULL,
	sender_id BIGINT NOT NULL,
	provider TEXT NOT NULL,
	provider_id TEXT NOT NULL,
	from_address TEXT NOT NULL,
	to_address TEXT NOT NULL,
	body TEXT NOT NULL,
	media BIGINT NOT NULL,
	opt_out_type TEXT NOT NULL,
	city TEXT NOT NULL,
	country TEXT NOT NULL,
	wish TEXT NOT NULL,
	alone BOOLEAN NOT NULL,
	message_id BIGINT NOT NULL,
	received_at BIGINT NOT NULL,
	processed_at BIGINT
);
CREATE UNIQUE INDEX inbound_account_id_provider_provider_id ON inbound (account_id, provider, provider_id);
CREATE INDEX inbound_unprocessed ON inbound (id) WHERE processed_at IS NULL;
CREATE INDEX inbound_message_id ON inbound (message_id) WHERE message_id > 0;
CREATE TABLE opt_out (
	brand_id BIGINT NOT NULL,
	channel TEXT NOT NULL,
	address TEXT NOT NULL,
	account_id BIGINT NOT NULL,
	source TEXT NOT NULL,
	evidence TEXT NOT NULL,
	review BOOLEAN NOT NULL,
	created_at BIGINT NOT NULL,
	PRIMARY KEY (brand_id, channel, address)
);
CREATE INDEX opt_out_account_id_created_at ON opt_out (account_id, created_at);
CREATE TABLE consent_event (
	id BIGINT PRIMARY KEY,
	account_id BIGINT NOT NULL,
	brand_id BIGINT NOT NULL,
	channel TEXT NOT NULL,
	address TEXT NOT NULL,
	kind TEXT NOT NULL,
	source TEXT NOT NULL,
	evidence TEXT NOT NULL,
	review BOOLEAN NOT NULL,
	at BIGINT NOT NULL
);
CREATE INDEX consent_event_account_id_address ON consent_event (account_id, address);
CREATE TABLE conversation (
	id BIGINT PRIMARY KEY,
	account_id BIGINT NOT NULL,
	brand_id BIGINT NOT NULL,
	sender_id BIGINT NOT NULL,
	channel TEXT NOT NULL,
	address TEXT NOT NULL,
	skill_id BIGINT NOT NULL,
	agent_id BIGINT NOT NULL,
	campaign_id BIGINT NOT NULL,
	message_id BIGINT NOT NULL,
	source TEXT NOT NULL,
	state TEXT NOT NULL,
	city TEXT NOT NULL,
	country TEXT NOT NULL,
	unread BIGINT NOT NULL,
	started_at BIGINT NOT NULL,
	updated_at BIGINT NOT NULL,
	closed_at BIGINT
);
CREATE INDEX conversation_account_id_id ON conversation (account_id, id);
CREATE INDEX conversation_waiting ON conversation (account_id, id) WHERE state = 'waiting';
CREATE INDEX conversation_brand_id_address_state ON conversation (brand_id, address, state);
CREATE UNIQUE INDEX conversation_open ON conversation (brand_id, channel, address) WHERE state <> 'closed';
CREATE INDEX conversation_agent_id_state ON conversation (agent_id, state);
CREATE INDEX conversation_campaign_id ON conversation (campaign_id);
CREATE TABLE entry (
	id BIGINT PRIMARY KEY,
	conversation_id BIGINT NOT NULL,
	account_id BIGINT NOT NULL,
	author TEXT NOT NULL,
	user_id BIGINT NOT NULL,
	message_id BIGINT NOT NULL,
	inbound_id BIGINT NOT NULL,
	text TEXT NOT NULL,
	created_at BIGINT NOT NULL
);
CREATE INDEX entry_conversation_id_id ON entry (conversation_id, id);
CREATE TABLE job (
	id BIGINT PRIMARY KEY,
	account_id BIGINT NOT NULL,
	kind TEXT NOT NULL,
	unique_key TEXT NOT NULL,
	payload TEXT NOT NULL,
	state TEXT NOT NULL,
	progress TEXT NOT NULL,
	error TEXT NOT NULL,
	run_at BIGINT NOT NULL,
	attempt SMALLINT NOT NULL,
	owner TEXT NOT NULL,
	lease_until BIGINT NOT NULL,
	created_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX job_kind_unique_key ON job (kind, unique_key);
CREATE INDEX job_state_run_at ON job (state, run_at);
CREATE TABLE node (
	id BIGINT PRIMARY KEY,
	seen_at BIGINT NOT NULL
);

-- +goose Down
DROP TABLE node;
DROP TABLE job;
DROP TABLE entry;
DROP TABLE conversation;
DROP TABLE consent_event;
DROP TABLE opt_out;
DROP TABLE inbound;
DROP TABLE orphan_receipt;
DROP TABLE receipt;
DROP TABLE campaign_count;
DROP TABLE attempt;
DROP TABLE sender_lease;
DROP TABLE inflight;
DROP TABLE dispatch;
DROP TABLE message;
DROP TABLE lane;
DROP TABLE problem;
DROP TABLE recipient_address;
DROP TABLE recipient;
DROP TABLE list_import;
DROP TABLE campaign;
DROP TABLE sender;
DROP TABLE agent_skill;
DROP TABLE agent;
DROP TABLE skill;
DROP TABLE idempotency;
DROP TABLE audit;
DROP TABLE api_key;
DROP TABLE session;
DROP TABLE app_user;
DROP TABLE brand;
DROP TABLE account;
