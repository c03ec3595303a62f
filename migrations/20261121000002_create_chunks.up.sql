-- A part of a document's text. Its id is its point in the index and never used again.
CREATE TABLE chunks (
    id uuid PRIMARY KEY,
    document_id uuid NOT NULL REFERENCES documents (id),
    hash bytea NOT NULL CHECK (octet_length(hash) = 32),
    title text NOT NULL,
    -- the headings above it, outermost first
    heading jsonb NOT NULL,
    text text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- no building or live revision contains it; its points have a tombstone
    retired_at timestamptz
);
CREATE INDEX chunks_kept ON chunks (document_id) WHERE retired_at IS NULL;

CREATE TABLE revision_chunks (
    revision_id uuid NOT NULL REFERENCES revisions (id),
    chunk_id uuid NOT NULL REFERENCES chunks (id),
    position integer NOT NULL,
    PRIMARY KEY (revision_id, chunk_id)
);
CREATE INDEX revision_chunks_chunk ON revision_chunks (chunk_id);

-- One state of the index. The live row is the switch: a query reads it, and searches its collection.
CREATE TABLE index_generations (
    id uuid PRIMARY KEY,
    analyser text NOT NULL,
    chunker text NOT NULL,
    embedder text,
    dims integer,
    collection text NOT NULL UNIQUE,
    state text NOT NULL CHECK (state IN ('building', 'live', 'retired')),
    -- below this coverage a question is refused; NULL: the default of the analyser
    threshold real,
    -- how it was fitted: the curve, and how much knowledge there was
    fit jsonb,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- its collection was made; one that is missing afterwards was lost
    prepared_at timestamptz,
    live_at timestamptz,
    retired_at timestamptz,
    dropped_at timestamptz
);
CREATE UNIQUE INDEX index_generations_live ON index_generations ((true)) WHERE state = 'live';
CREATE UNIQUE INDEX index_generations_building ON index_generations ((true)) WHERE state = 'building';

-- How far a revision is in a generation.
CREATE TABLE revision_builds (
    revision_id uuid NOT NULL REFERENCES revisions (id),
    generation_id uuid NOT NULL REFERENCES index_generations (id),
    open_batches integer NOT NULL CHECK (open_batches >= 0),
    PRIMARY KEY (revision_id, generation_id)
) WITH (fillfactor = 70);

-- Chunks of one revision on their way into one generation.
CREATE TABLE embed_batches (
    id uuid PRIMARY KEY,
    revision_id uuid NOT NULL REFERENCES revisions (id),
    generation_id uuid NOT NULL REFERENCES index_generations (id),
    queue uuid NOT NULL,
    chunk_ids uuid[] NOT NULL,
    stage text NOT NULL,
    state text NOT NULL CHECK (state IN ('open', 'done', 'failed', 'cancelled')),
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
CREATE INDEX embed_batches_unissued ON embed_batches (stage, queue, id) WHERE state = 'open' AND issued_at IS NULL;
CREATE INDEX embed_batches_open ON embed_batches (stage, issued_at) WHERE state = 'open';
CREATE INDEX embed_batches_revision ON embed_batches (revision_id) WHERE state = 'open';
CREATE INDEX embed_batches_generation ON embed_batches (generation_id) WHERE state = 'open';
CREATE INDEX embed_batches_failed ON embed_batches (created_at) WHERE state = 'failed';

-- Points to be deleted, twice: now, and when no late upsert can bring them back.
CREATE TABLE index_tombstones (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    generation_id uuid NOT NULL REFERENCES index_generations (id),
    point_id uuid NOT NULL,
    passes integer NOT NULL DEFAULT 0,
    due_at timestamptz NOT NULL DEFAULT clock_timestamp()
) WITH (fillfactor = 70);
CREATE INDEX index_tombstones_due ON index_tombstones (due_at);
CREATE INDEX index_tombstones_point ON index_tombstones (point_id);
