-- Versions of the schema of profiles, the shared draft, named change sets, LQL statements, and what streams carry.

CREATE TABLE schema_versions (
    number integer PRIMARY KEY CHECK (number > 0),
    content jsonb NOT NULL,
    tag text NOT NULL,
    description text NOT NULL,
    author text NOT NULL,
    -- What it took to bring this version to profiles, seen from the one that was live when it was published.
    effect text NOT NULL CHECK (effect IN ('none', 'new events', 'identity', 'rebuild')),
    published_at timestamptz NOT NULL DEFAULT now()
);

CREATE TRIGGER schema_versions_never_change BEFORE UPDATE ON schema_versions
FOR EACH ROW EXECUTE FUNCTION refuse_update();

-- The version that profiles are built with.
CREATE TABLE schema_live (
    singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    number integer NOT NULL REFERENCES schema_versions,
    since timestamptz NOT NULL DEFAULT now()
);

-- What is being changed. No row: there is no difference from the newest version.
CREATE TABLE schema_draft (
    singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    content jsonb NOT NULL,
    revision bigint NOT NULL,
    authors text[] NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now()
);

-- Counts every edit of the draft for ever, so that a number never stands for two different drafts.
CREATE SEQUENCE schema_draft_revisions AS bigint;

CREATE TABLE schema_patches (
    id text PRIMARY KEY,
    description text NOT NULL,
    edit jsonb NOT NULL,
    author text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);

-- LQL texts as they were sent; the mappings that they make are in the versions.
CREATE TABLE schema_statements (
    alias text PRIMARY KEY,
    id text NOT NULL UNIQUE,
    text text NOT NULL,
    author text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);

-- Which keys the records of a stream have. Counts are estimates: records are sampled.
CREATE TABLE observed_fields (
    stream text NOT NULL,
    name text NOT NULL,
    count bigint NOT NULL,
    kinds jsonb NOT NULL,
    example text NOT NULL,
    first_seen timestamptz NOT NULL,
    last_seen timestamptz NOT NULL,
    PRIMARY KEY (stream, name)
);
