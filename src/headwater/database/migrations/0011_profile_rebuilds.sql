-- Profiles built anew beside the live ones: who asked for it, and what became of it.

CREATE TABLE profile_rebuilds (
    -- The generation that it fills. Numbers are never used again, so a rebuild outlives its generation here.
    generation integer PRIMARY KEY,
    schema_version text NOT NULL,
    -- People who are in other audiences afterwards are not announced.
    quiet boolean NOT NULL,
    requested_by text NOT NULL,
    requested_at timestamptz NOT NULL DEFAULT now(),
    -- What is in its way at this moment; empty when nothing is.
    fault text NOT NULL DEFAULT '',
    -- The last record of the log that was in it when it ended.
    position bigint NOT NULL DEFAULT 0,
    outcome text CHECK (outcome IN ('live', 'cancelled')),
    finished_at timestamptz,
    CHECK ((outcome IS NULL) = (finished_at IS NULL))
);

CREATE UNIQUE INDEX profile_rebuilds_one_at_a_time ON profile_rebuilds ((true)) WHERE outcome IS NULL;
