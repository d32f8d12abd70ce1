-- What the browser tag does on the pages of a pipeline, and the key of links that hand an id from one page to another.

ALTER TABLE pipelines ADD COLUMN tag jsonb NOT NULL DEFAULT '{}';

-- Signs for a minute at most, so a new install may simply have a new one. gen_random_uuid is cryptographically random.
ALTER TABLE installation ADD COLUMN link_key bytea NOT NULL
    DEFAULT sha256(convert_to(gen_random_uuid()::text || gen_random_uuid()::text, 'UTF8'));
