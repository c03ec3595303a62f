ALTER TABLE api_keys DROP COLUMN audience;
DROP TABLE retrievals;
