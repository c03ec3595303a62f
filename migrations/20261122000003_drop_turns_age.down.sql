CREATE INDEX turns_age ON turns (created_at) WHERE state = 'active';
