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

-- +goose Down
DROP TABLE sent_count;
ALTER TABLE message DROP COLUMN stopped_at;
ALTER TABLE skill DROP COLUMN archived_at;
