-- One row for every chat or conversation: the queue of its inbox rows. For REST its id is the
-- conversation's id, elsewhere the UUIDv5 of the source key, so that nobody needs to look it up.
CREATE TABLE intake_keys (
    id uuid PRIMARY KEY,
    channel text NOT NULL,
    -- conversation id for REST, the chat elsewhere
    address text NOT NULL,
    -- how many inbox rows wait
    pending integer NOT NULL CHECK (pending >= 0),
    -- the work columns, the same in every table of work
    stage text NOT NULL,
    state text NOT NULL CHECK (state IN ('ready', 'idle')),
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

CREATE INDEX intake_keys_open ON intake_keys (stage, issued_at) WHERE state = 'ready';

-- What came in, raw and in order, until intake has read it.
CREATE TABLE inbox (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- intake_keys.id; no foreign key: this row is written first, and decides whether that one is touched
    key_id uuid NOT NULL,
    -- what makes a repeated update recognisable: (source, external_id), for instance (tg:<bot>, update_id)
    source text NOT NULL,
    external_id text,
    -- the question's id, made by ingress
    message_id uuid NOT NULL UNIQUE,
    -- the REST key that asked: it may read what it asked, whoever owns the conversation
    asked_by uuid,
    payload jsonb NOT NULL,
    state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'done', 'passed', 'failed')),
    last_error text,
    received_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    UNIQUE (source, external_id)
) WITH (fillfactor = 80);

CREATE INDEX inbox_waiting ON inbox (key_id, id) WHERE state = 'waiting';
CREATE INDEX inbox_failed ON inbox (id) WHERE state = 'failed';
