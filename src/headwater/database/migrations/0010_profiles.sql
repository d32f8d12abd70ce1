-- Generations of profiles, what people decided about identity, and events that wait for the log.

-- One row. The secret makes ids of profiles out of identifiers: with another one all ids change.
CREATE TABLE profile_settings (
    singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    secret bytea NOT NULL DEFAULT sha256(convert_to(gen_random_uuid()::text || gen_random_uuid()::text, 'UTF8')),
    -- Raised by every decision; whoever builds profiles compares it with what it holds.
    decisions_version bigint NOT NULL DEFAULT 0
);

INSERT INTO profile_settings DEFAULT VALUES;

-- All profiles made under one schema and its rules of identity. Their tables are in the database schema `profiles_<number>`.
CREATE TABLE profile_generations (
    number integer PRIMARY KEY CHECK (number > 0),
    state text NOT NULL CHECK (state IN ('building', 'live', 'retired')),
    schema_version text NOT NULL,
    schema jsonb NOT NULL,
    -- Raised when `schema` is replaced by one that reads new events in another way.
    revision integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE UNIQUE INDEX profile_generations_one_live ON profile_generations (state) WHERE state = 'live';

-- What people decided. Decisions name identifiers, so they hold in every generation. One that was taken back stays on record.
CREATE TABLE identity_decisions (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('allowed', 'kept apart', 'value blocked')),
    left_type text NOT NULL,
    left_value text NOT NULL,
    right_type text,
    right_value text,
    decided_by text NOT NULL,
    decided_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    note text NOT NULL DEFAULT '',
    undone_by text,
    undone_at timestamptz,
    CHECK ((right_type IS NULL) = (right_value IS NULL)),
    CHECK ((right_type IS NULL) = (kind = 'value blocked'))
);

CREATE INDEX identity_decisions_in_force ON identity_decisions (id) WHERE undone_at IS NULL;

-- Events that were decided in a transaction and must get into the log exactly once; a relay sends and deletes them.
CREATE TABLE outbox (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    pipeline_id text NOT NULL,
    message_id text NOT NULL,
    user_key text NOT NULL,
    data jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    -- When it was first on its way: it may be in the log from then on.
    attempted_at timestamptz
);
