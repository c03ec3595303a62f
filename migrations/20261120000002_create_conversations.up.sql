-- A person on one channel.
CREATE TABLE contacts (
    id uuid PRIMARY KEY,
    channel text NOT NULL,
    address text NOT NULL,
    language text,
    gone_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    UNIQUE (channel, address)
);

-- What is answered in order. Its row lock is the lock of everything that opens or ends a turn,
-- or touches outbound rows.
CREATE TABLE conversations (
    id uuid PRIMARY KEY,
    channel text NOT NULL,
    address text,
    contact_id uuid REFERENCES contacts (id),
    owner_key uuid,
    handled_by text NOT NULL DEFAULT 'bot' CHECK (handled_by IN ('bot', 'operator')),
    handled_until timestamptz,
    next_seq integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CHECK ((channel = 'rest') = (address IS NULL)),
    CHECK ((handled_by = 'operator') = (handled_until IS NOT NULL))
) WITH (fillfactor = 80);

CREATE UNIQUE INDEX conversations_address ON conversations (channel, address) WHERE address IS NOT NULL;
-- The dispatcher returns takeovers nobody looked after.
CREATE INDEX conversations_held ON conversations (handled_until) WHERE handled_by = 'operator';
