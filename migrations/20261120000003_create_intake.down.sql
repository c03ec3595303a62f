DROP TABLE inbox;
DROP TABLE intake_keys;
