-- A named set of documents: a folder, usually.
CREATE TABLE sources (
    id uuid PRIMARY KEY,
    name text NOT NULL UNIQUE,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- A file of a source, through all its revisions. Its row lock is the lock of everything that makes one of its
-- revisions wanted, live or obsolete, and of what becomes of its chunks. `live_revision` is what search sees:
-- one UPDATE of it is how a document changes, whole.
CREATE TABLE documents (
    id uuid PRIMARY KEY,
    source_id uuid NOT NULL REFERENCES sources (id),
    path text NOT NULL,
    -- who may see it, with the tags of the live revision; given with the ingestion
    tags text[] NOT NULL DEFAULT '{}',
    wanted_revision uuid,
    live_revision uuid,
    revisions integer NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    deleted_at timestamptz,
    UNIQUE (source_id, path),
    CHECK (deleted_at IS NULL OR (live_revision IS NULL AND wanted_revision IS NULL))
) WITH (fillfactor = 80);

-- One loading of files. What becomes of them is counted from the revisions they led to.
CREATE TABLE ingestions (
    id uuid PRIMARY KEY,
    source_id uuid NOT NULL REFERENCES sources (id),
    created_by uuid,
    state text NOT NULL CHECK (state IN ('open', 'paused', 'cancelled')),
    tags text[] NOT NULL DEFAULT '{}',
    -- files that were live already with the same content
    unchanged integer NOT NULL DEFAULT 0,
    -- documents that were not listed and are no longer visible
    removed integer NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- One version of a document. The content is the extracted text with its structure; it stays, so that chunks can
-- be made anew without the file.
CREATE TABLE revisions (
    id uuid PRIMARY KEY,
    document_id uuid NOT NULL REFERENCES documents (id),
    -- whose turn it is: the dispatcher goes round the queues. The ingestion, or the re-chunking.
    queue uuid NOT NULL,
    number integer NOT NULL,
    hash bytea NOT NULL CHECK (octet_length(hash) = 32),
    size bigint NOT NULL,
    title text NOT NULL DEFAULT '',
    url text,
    tags text[] NOT NULL DEFAULT '{}',
    content jsonb,
    chunks integer NOT NULL DEFAULT 0,
    stage text NOT NULL,
    state text NOT NULL CHECK (state IN ('building', 'live', 'retired', 'superseded', 'failed')),
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
    UNIQUE (document_id, number)
) WITH (fillfactor = 70);

CREATE INDEX revisions_unissued ON revisions (stage, queue, size, id) WHERE state = 'building' AND issued_at IS NULL;
CREATE INDEX revisions_open ON revisions (stage, issued_at) WHERE state = 'building';
CREATE INDEX revisions_building ON revisions (document_id) WHERE state = 'building';
CREATE INDEX revisions_failed ON revisions (created_at) WHERE state = 'failed';

-- The file itself, in parts of 1 MiB, until its text has been extracted.
CREATE TABLE revision_bytes (
    revision_id uuid NOT NULL REFERENCES revisions (id),
    part integer NOT NULL,
    bytes bytea NOT NULL,
    PRIMARY KEY (revision_id, part)
);
ALTER TABLE revision_bytes ALTER COLUMN bytes SET STORAGE EXTERNAL;

-- The files of an ingestion that were not simply unchanged.
CREATE TABLE ingestion_files (
    ingestion_id uuid NOT NULL REFERENCES ingestions (id),
    path text NOT NULL,
    -- NULL until the client has sent it
    revision_id uuid REFERENCES revisions (id),
    PRIMARY KEY (ingestion_id, path)
);
CREATE INDEX ingestion_files_revision ON ingestion_files (revision_id);
