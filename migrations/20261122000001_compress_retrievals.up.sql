-- What was found is some ten kilobytes a question, written once and read once: pglz took longer over it than the rest
-- of the statement. A server without lz4 (it is an option of the build) goes on as before.
DO $$
BEGIN
    EXECUTE 'ALTER TABLE retrievals ALTER COLUMN found SET COMPRESSION lz4';
EXCEPTION WHEN feature_not_supported OR syntax_error OR invalid_parameter_value THEN
    NULL;
END
$$;
