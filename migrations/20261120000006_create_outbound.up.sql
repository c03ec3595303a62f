-- What is to be sent to a person, in the order of seq within its conversation.
CREATE TABLE outbound (
    id uuid PRIMARY KEY,
    conversation_id uuid NOT NULL REFERENCES conversations (id),
    turn_id uuid REFERENCES turns (id),
    seq integer NOT NULL,
    kind text NOT NULL CHECK (kind IN ('placeholder', 'final', 'part', 'notice', 'operator', 'repeat')),
    -- rows of the bot are cancelled by a takeover, rows of an operator are not
    author text NOT NULL CHECK (author IN ('bot', 'operator')),
    text text NOT NULL,
    -- the message on the channel this row became, or the one it edits
    target text,
    -- how many sends of this row ended without anybody knowing whether they arrived
    unknowns integer NOT NULL DEFAULT 0,
    -- when the last call to the channel was begun
    called_at timestamptz,
    -- a slot of the limiter is drawn already: send without drawing again
    reserved boolean NOT NULL DEFAULT false,
    stage text NOT NULL,
    state text NOT NULL CHECK (state IN
        ('waiting', 'ready', 'sending', 'sent', 'unknown', 'failed', 'cancelled', 'held')),
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
    ended_at timestamptz,
    UNIQUE (conversation_id, seq)
) WITH (fillfactor = 70);

CREATE INDEX outbound_open ON outbound (stage, issued_at) WHERE state IN ('ready', 'sending');
CREATE INDEX outbound_age ON outbound (created_at) WHERE state IN ('waiting', 'ready', 'sending');
CREATE INDEX outbound_unfinished ON outbound (conversation_id, seq)
    WHERE state IN ('waiting', 'ready', 'sending');
CREATE INDEX outbound_turn ON outbound (turn_id) WHERE turn_id IS NOT NULL;
CREATE INDEX outbound_failed ON outbound (created_at) WHERE state IN ('failed', 'held', 'unknown');

-- GCRA: the theoretical arrival time of the next message, per bot and per chat. Shared by all senders.
CREATE TABLE limiters (
    bucket text PRIMARY KEY,
    tat timestamptz NOT NULL
) WITH (fillfactor = 50);
