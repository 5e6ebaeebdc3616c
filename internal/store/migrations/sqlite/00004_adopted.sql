-- +goose Up
-- In doubt because its owner was gone: no word about the provider.
ALTER TABLE inflight ADD COLUMN adopted INTEGER NOT NULL DEFAULT FALSE;

-- +goose Down
ALTER TABLE inflight DROP COLUMN adopted;
