DROP TABLE model_usage;
ALTER TABLE answers
    DROP COLUMN prompt_version,
    DROP COLUMN prompt_tokens,
    DROP COLUMN completion_tokens,
    DROP COLUMN tokens_estimated;
