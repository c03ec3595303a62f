-- What a client already asked for under an Idempotency-Key, for 24 hours.
CREATE TABLE idempotency_keys (
    api_key_id uuid NOT NULL,
    route text NOT NULL,
    key text NOT NULL,
    fingerprint bytea NOT NULL,
    message_id uuid NOT NULL,
    conversation_id uuid NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (api_key_id, route, key)
);

CREATE INDEX idempotency_keys_age ON idempotency_keys (created_at);
