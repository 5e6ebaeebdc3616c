-- +goose Up
CREATE TABLE account (
	id INTEGER PRIMARY KEY,
	name TEXT NOT NULL,
	enabled INTEGER NOT NULL,
	settings TEXT NOT NULL,
	created_at INTEGER NOT NULL
) STRICT;
CREATE TABLE brand (
	id INTEGER PRIMARY KEY,
	account_id INTEGER NOT NULL,
	name TEXT NOT NULL,
	created_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX brand_account_id_name ON brand (account_id, name);
CREATE TABLE app_user (
	id INTEGER PRIMARY KEY,
	account_id INTEGER NOT NULL,
	email TEXT NOT NULL,
	name TEXT NOT NULL,
	role TEXT NOT NULL,
	password_hash TEXT NOT NULL,
	disabled INTEGER NOT NULL,
	session_version INTEGER NOT NULL,
	created_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX app_user_email ON app_user (email);
CREATE INDEX app_user_account_id_id ON app_user (account_id, id);
CREATE TABLE session (
	token_hash TEXT PRIMARY KEY NOT NULL,
	id INTEGER NOT NULL,
	user_id INTEGER NOT NULL,
	account_id INTEGER NOT NULL,
	session_version INTEGER NOT NULL,
	created_at INTEGER NOT NULL,
	expires_at INTEGER NOT NULL,
	last_seen_at INTEGER NOT NULL
) STRICT;
CREATE INDEX session_user_id ON session (user_id);
CREATE TABLE api_key (
	id INTEGER PRIMARY KEY,
	account_id INTEGER NOT NULL,
	name TEXT NOT NULL,
	prefix TEXT NOT NULL,
	secret_hash TEXT NOT NULL,
	scopes TEXT NOT NULL,
	created_by INTEGER NOT NULL,
	created_at INTEGER NOT NULL,
	expires_at INTEGER,
	revoked_at INTEGER,
	last_used_at INTEGER
) STRICT;
CREATE UNIQUE INDEX api_key_secret_hash ON api_key (secret_hash);
CREATE INDEX api_key_account_id_id ON api_key (account_id, id);
CREATE TABLE audit (
	id INTEGER PRIMARY KEY,
	account_id INTEGER NOT NULL,
	actor TEXT NOT NULL,
	action TEXT NOT NULL,
	subject TEXT NOT NULL,
	detail TEXT NOT NULL,
	request_id TEXT NOT NULL,
	at INTEGER NOT NULL
) STRICT;
CREATE INDEX audit_account_id_id ON audit (account_id, id);
CREATE TABLE idempotency (
	account_id INTEGER NOT NULL,
	idem_key TEXT NOT NULL,
	route TEXT NOT NULL,
	body_hash TEXT NOT NULL,
	state TEXT NOT NULL,
	status INTEGER NOT NULL,
	content_type TEXT NOT NULL,
	response BLOB,
	claim TEXT NOT NULL,
	lease_until INTEGER NOT NULL,
	created_at INTEGER NOT NULL,
	PRIMARY KEY (account_id, route, idem_key)
) STRICT;
CREATE INDEX idempotency_created_at ON idempotency (created_at);
CREATE TABLE skill (
	id INTEGER PRIMARY KEY,
	account_id INTEGER NOT NULL,
	name TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX skill_account_id_name ON skill (account_id, name);
CREATE TABLE agent (
	user_id INTEGER PRIMARY KEY,
	account_id INTEGER NOT NULL,
	available INTEGER NOT NULL,
	capacity INTEGER NOT NULL,
	assigned_at INTEGER NOT NULL,
	updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX agent_account_id ON agent (account_id);
CREATE TABLE agent_skill (
	user_id INTEGER NOT NULL,
	skill_id INTEGER NOT NULL,
	PRIMARY KEY (user_id, skill_id)
) STRICT;
CREATE INDEX agent_skill_skill_id ON agent_skill (skill_id);
CREATE TABLE sender (
	id INTEGER PRIMARY KEY,
	account_id INTEGER NOT NULL,
	brand_id INTEGER NOT NULL,
	name TEXT NOT NULL,
	channel TEXT NOT NULL,
	provider TEXT NOT NULL,
	address TEXT NOT NULL,
	base_url TEXT NOT NULL,
	account_sid TEXT NOT NULL,
	sealed_credentials TEXT NOT NULL,
	messaging_service_sid TEXT NOT NULL,
	webhook_key TEXT NOT NULL,
	rate INTEGER NOT NULL,
	stopped INTEGER NOT NULL,
	stop_reason TEXT NOT NULL,
	created_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX sender_webhook_key ON sender (webhook_key);
CREATE UNIQUE INDEX sender_account_id_channel_address ON sender (account_id, channel, address);
CREATE TABLE campaign (
	id INTEGER PRIMARY KEY,
	account_id INTEGER NOT NULL,
	brand_id INTEGER NOT NULL,
	name TEXT NOT NULL,
	channel TEXT NOT NULL,
	sender_id INTEGER NOT NULL,
	skill_id INTEGER NOT NULL,
	text TEXT NOT NULL,
	opt_out_text TEXT NOT NULL,
	smart_encoding INTEGER NOT NULL,
	state TEXT NOT NULL,
	launch_at INTEGER,
	send_window TEXT NOT NULL,
	rate INTEGER NOT NULL,
	lookback INTEGER NOT NULL,
	expires_at INTEGER,
	policy TEXT NOT NULL,
	open_conversation TEXT NOT NULL,
	reason TEXT NOT NULL,
	recipient_count INTEGER NOT NULL,
	list_hash TEXT NOT NULL,
	content_hash TEXT NOT NULL,
	consent_by INTEGER,
	consent_at INTEGER,
	created_by INTEGER NOT NULL,
	created_at INTEGER NOT NULL,
	updated_at INTEGER NOT NULL,
	launched_at INTEGER,
	completed_at INTEGER,
	archived_at INTEGER,
	planned_through INTEGER NOT NULL,
	planning INTEGER NOT NULL
) STRICT;
CREATE INDEX campaign_account_id_id ON campaign (account_id, id);
CREATE INDEX campaign_state ON campaign (state);
CREATE INDEX campaign_unfinished ON campaign (id) WHERE launched_at IS NOT NULL AND completed_at IS NULL;
CREATE TABLE list_import (
	id INTEGER PRIMARY KEY,
	account_id INTEGER NOT NULL,
	campaign_id INTEGER NOT NULL,
	state TEXT NOT NULL,
	source TEXT NOT NULL,
	file_name TEXT NOT NULL,
	encoding TEXT NOT NULL,
	delimiter TEXT NOT NULL,
	header TEXT NOT NULL,
	row_count INTEGER NOT NULL,
	valid INTEGER NOT NULL,
	rejected INTEGER NOT NULL,
	duplicates INTEGER NOT NULL,
	opted_out INTEGER NOT NULL,
	worst_row INTEGER NOT NULL,
	worst_segments INTEGER NOT NULL,
	segments INTEGER NOT NULL,
	list_hash TEXT NOT NULL,
	content_hash TEXT NOT NULL DEFAULT '',
	error TEXT NOT NULL,
	touched_at INTEGER NOT NULL DEFAULT 0,
	created_at INTEGER NOT NULL,
	finished_at INTEGER
) STRICT;
CREATE INDEX list_import_campaign_id_id ON list_import (campaign_id, id);
CREATE TABLE recipient (
	id INTEGER PRIMARY KEY,
	account_id INTEGER NOT NULL,
	campaign_id INTEGER NOT NULL,
	import_id INTEGER NOT NULL,
	row_number INTEGER NOT NULL,
	address TEXT NOT NULL,
	zones TEXT NOT NULL,
	zone_source TEXT NOT NULL,
	text TEXT NOT NULL,
	vars TEXT NOT NULL,
	segments INTEGER NOT NULL
) STRICT;
CREATE INDEX recipient_campaign_id_id ON recipient (campaign_id, id);
CREATE TABLE recipient_address (
	address TEXT NOT NULL,
	campaign_id INTEGER NOT NULL,
	recipient_id INTEGER NOT NULL,
	PRIMARY KEY (address, campaign_id)
) STRICT, WITHOUT ROWID;
CREATE TABLE problem (
	import_id INTEGER NOT NULL,
	row_number INTEGER NOT NULL,
	column_name TEXT NOT NULL,
	code TEXT NOT NULL,
	reason TEXT NOT NULL,
	raw TEXT NOT NULL,
	PRIMARY KEY (import_id, row_number)
) STRICT;
CREATE INDEX problem_import_id_code_row_number ON problem (import_id, code, row_number);
CREATE TABLE lane (
	id INTEGER PRIMARY KEY,
	account_id INTEGER NOT NULL,
	sender_id INTEGER NOT NULL,
	campaign_id INTEGER NOT NULL,
	kind TEXT NOT NULL,
	state TEXT NOT NULL,
	rate INTEGER NOT NULL,
	weight INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX lane_sender_id_campaign_id ON lane (sender_id, campaign_id);
CREATE TABLE message (
	id INTEGER PRIMARY KEY,
	account_id INTEGER NOT NULL,
	campaign_id INTEGER NOT NULL,
	recipient_id INTEGER NOT NULL,
	entry_id INTEGER NOT NULL,
	sender_id INTEGER NOT NULL,
	lane_id INTEGER NOT NULL,
	leg INTEGER NOT NULL,
	address TEXT NOT NULL,
	body TEXT NOT NULL,
	state INTEGER NOT NULL,
	attempts INTEGER NOT NULL,
	segments INTEGER NOT NULL,
	provider_id TEXT NOT NULL,
	code INTEGER NOT NULL,
	reason TEXT NOT NULL,
	accepted_at INTEGER,
	replied_at INTEGER,
	updated_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX message_campaign_id_recipient_id_leg ON message (campaign_id, recipient_id, leg) WHERE campaign_id > 0;
CREATE UNIQUE INDEX message_entry_id ON message (entry_id) WHERE entry_id > 0;
CREATE INDEX message_replied ON message (campaign_id) WHERE replied_at IS NOT NULL;
CREATE TABLE dispatch (
	lane_id INTEGER NOT NULL,
	due_at INTEGER NOT NULL,
	message_id INTEGER NOT NULL,
	not_after INTEGER NOT NULL,
	PRIMARY KEY (lane_id, due_at, message_id)
) STRICT, WITHOUT ROWID;
CREATE TABLE inflight (
	message_id INTEGER PRIMARY KEY,
	lane_id INTEGER NOT NULL,
	sender_id INTEGER NOT NULL,
	due_at INTEGER NOT NULL,
	not_after INTEGER NOT NULL,
	epoch INTEGER NOT NULL,
	attempt INTEGER NOT NULL,
	token TEXT NOT NULL,
	started_at INTEGER NOT NULL,
	state TEXT NOT NULL,
	lookups INTEGER NOT NULL,
	next_lookup_at INTEGER NOT NULL
) STRICT;
CREATE INDEX inflight_sender_id_next_lookup_at ON inflight (sender_id, next_lookup_at);
CREATE TABLE sender_lease (
	sender_id INTEGER PRIMARY KEY,
	owner TEXT NOT NULL,
	epoch INTEGER NOT NULL,
	expires_at INTEGER NOT NULL
) STRICT;
CREATE TABLE attempt (
	message_id INTEGER NOT NULL,
	n INTEGER NOT NULL,
	token TEXT NOT NULL,
	epoch INTEGER NOT NULL,
	started_at INTEGER NOT NULL,
	ended_at INTEGER NOT NULL,
	outcome TEXT NOT NULL,
	http_status INTEGER NOT NULL,
	code INTEGER NOT NULL,
	provider_id TEXT NOT NULL,
	PRIMARY KEY (message_id, n)
) STRICT, WITHOUT ROWID;
CREATE TABLE campaign_count (
	campaign_id INTEGER NOT NULL,
	state INTEGER NOT NULL,
	n INTEGER NOT NULL,
	PRIMARY KEY (campaign_id, state)
) STRICT, WITHOUT ROWID;
CREATE TABLE receipt (
	message_id INTEGER NOT NULL,
	state INTEGER NOT NULL,
	code INTEGER NOT NULL,
	provider_id TEXT NOT NULL,
	received_at INTEGER NOT NULL,
	PRIMARY KEY (message_id, provider_id, state)
) STRICT, WITHOUT ROWID;
CREATE TABLE orphan_receipt (
	id INTEGER PRIMARY KEY,
	provider TEXT NOT NULL,
	account_id INTEGER NOT NULL,
	sender_id INTEGER NOT NULL,
	message_id INTEGER NOT NULL,
	token TEXT NOT NULL,
	provider_id TEXT NOT NULL,
	state INTEGER NOT NULL,
	code INTEGER NOT NULL,
	opt_out INTEGER NOT NULL,
	received_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX orphan_receipt_sender_id_provider_id_state ON orphan_receipt (sender_id, provider_id, state);
CREATE INDEX orphan_receipt_received_at ON orphan_receipt (received_at);
CREATE TABLE inbound (
	id INTEGER PRIMARY KEY,
	account_id INTEGER NOT NULL,
	sender_id INTEGER NOT NULL,
	provider TEXT NOT NULL,
	provider_id TEXT NOT NULL,
	from_address TEXT NOT NULL,
	to_address TEXT NOT NULL,
	body TEXT NOT NULL,
	media INTEGER NOT NULL,
	opt_out_type TEXT NOT NULL,
	city TEXT NOT NULL,
	country TEXT NOT NULL,
	wish TEXT NOT NULL,
	alone INTEGER NOT NULL,
	message_id INTEGER NOT NULL,
	received_at INTEGER NOT NULL,
	processed_at INTEGER
) STRICT;
CREATE UNIQUE INDEX inbound_account_id_provider_provider_id ON inbound (account_id, provider, provider_id);
CREATE INDEX inbound_unprocessed ON inbound (id) WHERE processed_at IS NULL;
CREATE INDEX inbound_message_id ON inbound (message_id) WHERE message_id > 0;
CREATE TABLE opt_out (
	brand_id INTEGER NOT NULL,
	channel TEXT NOT NULL,
	address TEXT NOT NULL,
	account_id INTEGER NOT NULL,
	source TEXT NOT NULL,
	evidence TEXT NOT NULL,
	review INTEGER NOT NULL,
	created_at INTEGER NOT NULL,
	PRIMARY KEY (brand_id, channel, address)
) STRICT;
CREATE INDEX opt_out_account_id_created_at ON opt_out (account_id, created_at);
CREATE TABLE consent_event (
	id INTEGER PRIMARY KEY,
	account_id INTEGER NOT NULL,
	brand_id INTEGER NOT NULL,
	channel TEXT NOT NULL,
	address TEXT NOT NULL,
	kind TEXT NOT NULL,
	source TEXT NOT NULL,
	evidence TEXT NOT NULL,
	review INTEGER NOT NULL,
	at INTEGER NOT NULL
) STRICT;
CREATE INDEX consent_event_account_id_address ON consent_event (account_id, address);
CREATE TABLE conversation (
	id INTEGER PRIMARY KEY,
	account_id INTEGER NOT NULL,
	brand_id INTEGER NOT NULL,
	sender_id INTEGER NOT NULL,
	channel TEXT NOT NULL,
	address TEXT NOT NULL,
	skill_id INTEGER NOT NULL,
	agent_id INTEGER NOT NULL,
	campaign_id INTEGER NOT NULL,
	message_id INTEGER NOT NULL,
	source TEXT NOT NULL,
	state TEXT NOT NULL,
	city TEXT NOT NULL,
	country TEXT NOT NULL,
	unread INTEGER NOT NULL,
	started_at INTEGER NOT NULL,
	updated_at INTEGER NOT NULL,
	closed_at INTEGER
) STRICT;
CREATE INDEX conversation_account_id_id ON conversation (account_id, id);
CREATE INDEX conversation_waiting ON conversation (account_id, id) WHERE state = 'waiting';
CREATE INDEX conversation_brand_id_address_state ON conversation (brand_id, address, state);
CREATE UNIQUE INDEX conversation_open ON conversation (brand_id, channel, address) WHERE state <> 'closed';
CREATE INDEX conversation_agent_id_state ON conversation (agent_id, state);
CREATE INDEX conversation_campaign_id ON conversation (campaign_id);
CREATE TABLE entry (
	id INTEGER PRIMARY KEY,
	conversation_id INTEGER NOT NULL,
	account_id INTEGER NOT NULL,
	author TEXT NOT NULL,
	user_id INTEGER NOT NULL,
	message_id INTEGER NOT NULL,
	inbound_id INTEGER NOT NULL,
	text TEXT NOT NULL,
	created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX entry_conversation_id_id ON entry (conversation_id, id);
CREATE TABLE job (
	id INTEGER PRIMARY KEY,
	account_id INTEGER NOT NULL,
	kind TEXT NOT NULL,
	unique_key TEXT NOT NULL,
	payload TEXT NOT NULL,
	state TEXT NOT NULL,
	progress TEXT NOT NULL,
	error TEXT NOT NULL,
	run_at INTEGER NOT NULL,
	attempt INTEGER NOT NULL,
	owner TEXT NOT NULL,
	lease_until INTEGER NOT NULL,
	created_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX job_kind_unique_key ON job (kind, unique_key);
CREATE INDEX job_state_run_at ON job (state, run_at);
CREATE TABLE node (
	id INTEGER PRIMARY KEY,
	seen_at INTEGER NOT NULL
) STRICT;

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
