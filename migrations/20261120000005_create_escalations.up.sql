-- A hand-over to a human: work of its own, so that it never blocks the next question.
CREATE TABLE escalations (
    id uuid PRIMARY KEY,
    conversation_id uuid NOT NULL REFERENCES conversations (id),
    turn_id uuid REFERENCES turns (id),
    stage text NOT NULL,
    state text NOT NULL CHECK (state IN ('open', 'done', 'failed')),
    epoch bigint NOT NULL DEFAULT 0,
    claims integer NOT NULL DEFAULT 0,
    attempts integer NOT NULL DEFAULT 0,
    issues integer NOT NULL DEFAULT 0,
    not_before timestamptz NOT NULL DEFAULT clock_timestamp(),
    issued_at timestamptz,
    claimed_at timestamptz,
    owner text,
    lease_until timestamptz,
    last_error text,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    ended_at timestamptz
) WITH (fillfactor = 70);

CREATE INDEX escalations_open ON escalations (stage, issued_at) WHERE state = 'open';
CREATE INDEX escalations_failed ON escalations (created_at) WHERE state = 'failed';
