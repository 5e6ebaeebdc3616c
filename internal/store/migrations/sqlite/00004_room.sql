-- +goose Up
-- Room in a page of messages: PostgreSQL alone.

-- +goose Down
