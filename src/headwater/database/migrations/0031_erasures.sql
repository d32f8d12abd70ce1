-- Deletion of persons: who asked, whose past must not come back, and which records must be gone.

CREATE TABLE erasures (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    -- False: the profile goes, and its records stay in log and archive.
    records_too boolean NOT NULL,
    -- The last record of the log when it was asked for. What came in until then is the past that is deleted.
    until_sequence bigint NOT NULL,
    requested_by text NOT NULL,
    requested_at timestamptz NOT NULL DEFAULT now(),
    completed_at timestamptz
);

-- Ids are keyed hashes of identifiers, as in the tables of profiles. Whoever builds profiles passes over their records up to
-- `until_sequence`: those that were still on their way, and those that a rebuild reads again.
CREATE TABLE erased_identifiers (
    id bytea PRIMARY KEY,
    erasure uuid NOT NULL REFERENCES erasures,
    until_sequence bigint NOT NULL,
    records_too boolean NOT NULL
);

CREATE INDEX erased_identifiers_until ON erased_identifiers (until_sequence);

CREATE TABLE erased_records (
    erasure uuid NOT NULL REFERENCES erasures,
    sequence bigint NOT NULL,
    PRIMARY KEY (erasure, sequence)
);
