-- +goose Up
-- In doubt because its owner was gone: no word about the provider.
ALTER TABLE inflight ADD COLUMN adopted BOOLEAN NOT NULL DEFAULT FALSE;

-- Sending rewrites all messages of a page within one transaction, and longer, because the provider's id is added: the new rows are half again as
-- long as the old. With less room one in five of them went to another page, with an entry in every index.
ALTER TABLE message SET (fillfactor = 40);

-- +goose Down
ALTER TABLE message SET (fillfactor = 50);
ALTER TABLE inflight DROP COLUMN adopted;
