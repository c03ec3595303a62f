DROP TABLE index_tombstones;
DROP TABLE embed_batches;
DROP TABLE revision_builds;
DROP TABLE index_generations;
DROP TABLE revision_chunks;
DROP TABLE chunks;
