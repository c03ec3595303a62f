-- A bot: what every process must know of it, and what they share.
CREATE TABLE bots (
    -- Telegram's id
    id bigint PRIMARY KEY,
    username text NOT NULL,
    name text NOT NULL,
    -- tags of documents its people may see; null: all
    audience text[],
    -- while set, no turn opens and people are told so
    paused_at timestamptz,
    pause_notice text,
    -- one process polls
    poller text,
    poller_until timestamptz,
    seen_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- Who may speak for us, beside those of the configuration.
CREATE TABLE operators (
    -- Telegram's id of the person
    telegram_id bigint PRIMARY KEY,
    name text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

ALTER TABLE contacts
    ADD COLUMN name text,
    -- the channel's opinion of their language; `language` is their own choice
    ADD COLUMN language_hint text,
    -- what the link said they came by
    ADD COLUMN came_by text,
    ADD COLUMN blocked_at timestamptz;

ALTER TABLE conversations
    -- somebody asked for a human when there was none
    ADD COLUMN human_wanted_at timestamptz,
    -- what was said before is no context any more
    ADD COLUMN cleared_at timestamptz;

ALTER TABLE messages
    ADD COLUMN contact_id uuid REFERENCES contacts (id),
    -- its id on the channel
    ADD COLUMN external_id text,
    ADD COLUMN attachment jsonb,
    DROP CONSTRAINT messages_state_check,
    -- dropped: nobody answers it (cleared, an album's further pictures)
    -- note: an operator's, for operators
    ADD CONSTRAINT messages_state_check CHECK (state IN ('waiting', 'taken', 'operator', 'dropped', 'note'));
CREATE INDEX messages_external ON messages (conversation_id, external_id) WHERE external_id IS NOT NULL;

ALTER TABLE outbound
    -- everything of the message but its text: formatting, buttons, what it answers
    ADD COLUMN content jsonb NOT NULL DEFAULT '{}',
    -- the message on the other side that this one repeats (operators and people read each other's)
    ADD COLUMN origin text,
    -- operators were told what became of it
    ADD COLUMN told_at timestamptz,
    DROP CONSTRAINT outbound_kind_check,
    ADD CONSTRAINT outbound_kind_check CHECK (kind IN
        ('placeholder', 'final', 'part', 'notice', 'operator', 'repeat', 'relay', 'edit', 'close', 'reopen'));
CREATE INDEX outbound_target ON outbound (conversation_id, target) WHERE origin IS NOT NULL;
CREATE INDEX outbound_origin ON outbound (conversation_id, origin) WHERE origin IS NOT NULL;
CREATE INDEX outbound_untold ON outbound (conversation_id)
    WHERE author = 'operator' AND state IN ('failed', 'held', 'unknown') AND told_at IS NULL;

-- Where operators read and answer a conversation: another conversation, whose address is a topic of their group, or
-- `desk:<conversation>` as long as it has none.
CREATE TABLE desks (
    conversation_id uuid PRIMARY KEY REFERENCES conversations (id),
    desk_id uuid NOT NULL UNIQUE REFERENCES conversations (id),
    -- the operators' group
    home text NOT NULL,
    -- what the topic is called
    name text NOT NULL,
    closed_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- What people thought of an answer; the last word counts.
CREATE TABLE feedback (
    turn_id uuid NOT NULL REFERENCES turns (id),
    contact_id uuid NOT NULL REFERENCES contacts (id),
    helped boolean NOT NULL,
    given_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (turn_id, contact_id)
);

-- "Not before" of the channel, whatever was reserved earlier.
ALTER TABLE limiters ADD COLUMN held_until timestamptz;

-- Erasing a person.
CREATE INDEX messages_contact ON messages (contact_id) WHERE contact_id IS NOT NULL;
CREATE INDEX conversations_contact ON conversations (contact_id) WHERE contact_id IS NOT NULL;
CREATE INDEX inbox_key ON inbox (key_id) WHERE external_id IS NOT NULL;

-- Raw updates are forgotten after a while.
CREATE INDEX inbox_forgettable ON inbox (received_at)
    WHERE external_id IS NOT NULL AND state IN ('done', 'passed');
