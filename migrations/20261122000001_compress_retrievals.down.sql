DO $$
BEGIN
    EXECUTE 'ALTER TABLE retrievals ALTER COLUMN found SET COMPRESSION default';
EXCEPTION WHEN feature_not_supported OR syntax_error OR invalid_parameter_value THEN
    NULL;
END
$$;
