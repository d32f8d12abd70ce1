-- Audiences, their versions, what is to be asked again, and sizes by the hour. Who is in which audience is kept with the profiles.

CREATE TABLE audience_state (
    singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    -- Raised by every change below; whoever writes memberships compares it with what it holds, in its own transaction.
    version bigint NOT NULL DEFAULT 0,
    -- Set once, when the audiences of a first start were created, so that a deleted one does not come back.
    defaults_created boolean NOT NULL DEFAULT false
);

INSERT INTO audience_state DEFAULT VALUES;

CREATE TABLE audiences (
    id text PRIMARY KEY,
    -- The short form of the id inside tables of memberships; never used again after a deletion.
    number integer GENERATED ALWAYS AS IDENTITY UNIQUE,
    slug text NOT NULL UNIQUE,
    name text NOT NULL,
    segment_ql text NOT NULL,
    version integer NOT NULL,
    table_name text NOT NULL,
    kind text NOT NULL,
    description text NOT NULL,
    tags text[] NOT NULL,
    groups text[] NOT NULL,
    is_public boolean NOT NULL,
    save_hist boolean NOT NULL,
    emit_trigger boolean NOT NULL,
    event_fields text[] NOT NULL,
    author text NOT NULL,
    created timestamptz NOT NULL,
    updated timestamptz NOT NULL
);

CREATE TABLE audience_versions (
    audience_id text NOT NULL REFERENCES audiences ON DELETE CASCADE,
    number integer NOT NULL CHECK (number > 0),
    segment_ql text NOT NULL,
    changed_at timestamptz NOT NULL,
    changed_by text NOT NULL,
    PRIMARY KEY (audience_id, number)
);

CREATE TRIGGER audience_versions_never_change BEFORE UPDATE ON audience_versions
FOR EACH ROW EXECUTE FUNCTION refuse_update();

-- All profiles are asked again about some audiences: they are new, changed or deleted. Resumed at `cursor` after a crash.
CREATE TABLE audience_fills (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    audiences integer[] NOT NULL,
    -- Of these numbers nothing is left but memberships to take away.
    deleted integer[] NOT NULL,
    with_events boolean NOT NULL,
    -- The generation of profiles that `cursor` and the counts are about; 0 before the first step.
    generation integer NOT NULL DEFAULT 0,
    cursor bytea NOT NULL DEFAULT '',
    total bigint NOT NULL DEFAULT 0,
    asked bigint NOT NULL DEFAULT 0,
    entered bigint NOT NULL DEFAULT 0,
    exited bigint NOT NULL DEFAULT 0,
    created timestamptz NOT NULL DEFAULT now(),
    finished timestamptz
);

CREATE INDEX audience_fills_open ON audience_fills (id) WHERE finished IS NULL;

-- Exact size of each audience at the end of each hour, and whenever it was asked within it.
CREATE TABLE audience_size_history (
    audience_id text NOT NULL REFERENCES audiences ON DELETE CASCADE,
    hour timestamptz NOT NULL,
    size bigint NOT NULL,
    PRIMARY KEY (audience_id, hour)
);

-- Whom to tell about entries and exits: an integration of the pipeline `audiences`, made for it.
CREATE TABLE audience_subscriptions (
    id text PRIMARY KEY,
    name text NOT NULL,
    description text NOT NULL,
    segment_ids text[] NOT NULL,
    segment_ql text NOT NULL,
    user_fields text[] NOT NULL,
    webhook_url text NOT NULL,
    -- Names alone; values may be secrets and are sealed in the integration.
    headers text[] NOT NULL,
    -- How far those who were in it from the start have been told about; nothing is to be told where it is null.
    told bytea,
    integration_id text NOT NULL REFERENCES integrations ON DELETE CASCADE,
    author text NOT NULL,
    created timestamptz NOT NULL,
    updated timestamptz NOT NULL
);

-- What a transaction that writes memberships must go by: the version of the audiences, the audiences that all profiles are being
-- asked about, and those of them that make no events meanwhile. Waits for a change that is being made and keeps the next one waiting: so nobody commits
-- memberships of filters that are no longer in force.
CREATE FUNCTION share_audiences(OUT version bigint, OUT filling integer[], OUT quiet integer[]) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(hashtextextended('headwater audiences', 0));
    -- Statements of their own: they see what was committed while the lock was waited for.
    SELECT s.version INTO version FROM audience_state s;
    SELECT coalesce(array_agg(number), '{}'), coalesce(array_agg(number) FILTER (WHERE NOT f.with_events), '{}')
    INTO filling, quiet FROM audience_fills f, unnest(f.audiences) AS number WHERE f.finished IS NULL;
END
$$;
