-- The answering of one or more messages.
CREATE TABLE turns (
    id uuid PRIMARY KEY,
    conversation_id uuid NOT NULL REFERENCES conversations (id),
    stage text NOT NULL,
    state text NOT NULL CHECK (state IN ('active', 'done', 'failed', 'superseded')),
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

-- One active turn per conversation; every terminal state frees it by construction.
CREATE UNIQUE INDEX turns_active ON turns (conversation_id) WHERE state = 'active';
CREATE INDEX turns_open ON turns (stage, issued_at) WHERE state = 'active';
CREATE INDEX turns_age ON turns (created_at) WHERE state = 'active';
CREATE INDEX turns_failed ON turns (created_at) WHERE state = 'failed';

-- What a person said. A question is a message; its id never changes.
CREATE TABLE messages (
    id uuid PRIMARY KEY,
    conversation_id uuid NOT NULL REFERENCES conversations (id),
    -- the inbox row's id: order within the conversation
    position bigint NOT NULL,
    text text NOT NULL,
    -- waiting for a turn, taken by one, or left to the operator who holds the conversation
    state text NOT NULL CHECK (state IN ('waiting', 'taken', 'operator')),
    turn_id uuid REFERENCES turns (id),
    received_at timestamptz NOT NULL,
    CHECK ((state = 'taken') = (turn_id IS NOT NULL))
) WITH (fillfactor = 80);

CREATE INDEX messages_waiting ON messages (conversation_id, position) WHERE state = 'waiting';
-- Whether a person has written since a send whose outcome is unknown.
CREATE INDEX messages_conversation ON messages (conversation_id, received_at);
CREATE INDEX messages_turn ON messages (turn_id) WHERE turn_id IS NOT NULL;

-- What the answer stage decided. The primary key is the promise: one answer a turn.
CREATE TABLE answers (
    turn_id uuid PRIMARY KEY REFERENCES turns (id),
    kind text NOT NULL CHECK (kind IN ('answered', 'refused', 'escalated')),
    text text NOT NULL,
    citations jsonb NOT NULL DEFAULT '[]',
    model text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
