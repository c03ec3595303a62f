-- What was found for a turn: the text itself, so that citations survive the document.
CREATE TABLE retrievals (
    turn_id uuid PRIMARY KEY REFERENCES turns (id),
    found jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- Documents a key may search: those that carry one of these tags. NULL: all.
ALTER TABLE api_keys ADD COLUMN audience text[];
