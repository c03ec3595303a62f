DROP INDEX inbox_forgettable, inbox_key, conversations_contact, messages_contact;
ALTER TABLE limiters DROP COLUMN held_until;
DROP TABLE feedback;
DROP TABLE desks;
DROP INDEX outbound_untold, outbound_origin, outbound_target;
DELETE FROM outbound WHERE kind IN ('relay', 'edit', 'close', 'reopen');
ALTER TABLE outbound
    DROP CONSTRAINT outbound_kind_check,
    ADD CONSTRAINT outbound_kind_check CHECK (kind IN
        ('placeholder', 'final', 'part', 'notice', 'operator', 'repeat')),
    DROP COLUMN told_at, DROP COLUMN origin, DROP COLUMN content;
DROP INDEX messages_external;
DELETE FROM messages WHERE state IN ('dropped', 'note');
ALTER TABLE messages
    DROP CONSTRAINT messages_state_check,
    ADD CONSTRAINT messages_state_check CHECK (state IN ('waiting', 'taken', 'operator')),
    DROP COLUMN attachment, DROP COLUMN external_id, DROP COLUMN contact_id;
ALTER TABLE conversations DROP COLUMN cleared_at, DROP COLUMN human_wanted_at;
ALTER TABLE contacts DROP COLUMN blocked_at, DROP COLUMN came_by, DROP COLUMN language_hint, DROP COLUMN name;
DROP TABLE operators;
DROP TABLE bots;
