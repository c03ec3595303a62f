ALTER TABLE retrievals ALTER COLUMN found TYPE jsonb USING found::jsonb;
-- The type before, compressed as it was.
DO $$
BEGIN
    EXECUTE 'ALTER TABLE retrievals ALTER COLUMN found SET COMPRESSION lz4';
EXCEPTION WHEN feature_not_supported OR syntax_error OR invalid_parameter_value THEN
    NULL;
END
$$;
