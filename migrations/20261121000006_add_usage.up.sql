-- What writing the answer took. A turn may ask several models, and each several times.
ALTER TABLE answers
    -- prompts and rules it was written by; null: no model wrote it
    ADD COLUMN prompt_version text,
    ADD COLUMN prompt_tokens int,
    ADD COLUMN completion_tokens int,
    -- the provider did not say; we counted characters
    ADD COLUMN tokens_estimated boolean;

-- Tokens by day (UTC) and model, whatever became of the turn: what a budget is compared with.
CREATE TABLE model_usage (
    day date NOT NULL,
    provider text NOT NULL,
    model text NOT NULL,
    prompt_tokens bigint NOT NULL DEFAULT 0,
    completion_tokens bigint NOT NULL DEFAULT 0,
    calls bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (day, provider, model)
);
