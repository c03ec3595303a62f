DROP TABLE ingestion_files;
DROP TABLE revision_bytes;
DROP TABLE revisions;
DROP TABLE ingestions;
DROP TABLE documents;
DROP TABLE sources;
