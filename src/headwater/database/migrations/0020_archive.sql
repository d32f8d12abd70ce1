-- The archive's position in the log, and the manifest of its files.

CREATE TABLE archive_position (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    -- Every record up to this sequence of the log is in a file, forgotten, or named as a gap.
    sequence bigint NOT NULL
);

INSERT INTO archive_position (sequence) VALUES (0);

CREATE TABLE archive_files (
    path text PRIMARY KEY,
    -- Of received_at, UTC.
    day date NOT NULL,
    kind text NOT NULL CHECK (kind IN ('event', 'stream')),
    source text NOT NULL,
    first_sequence bigint NOT NULL,
    last_sequence bigint NOT NULL CHECK (last_sequence >= first_sequence),
    first_stored_at timestamptz NOT NULL,
    last_stored_at timestamptz NOT NULL,
    rows bigint NOT NULL CHECK (rows > 0),
    bytes bigint NOT NULL,
    -- Of the whole file, in hexadecimal.
    sha256 text NOT NULL,
    written_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX archive_files_sequence ON archive_files (first_sequence, last_sequence);
CREATE INDEX archive_files_place ON archive_files (day, kind, source);

-- Sequences that are in no file although nobody asked to forget them.
CREATE TABLE archive_gaps (
    first_sequence bigint PRIMARY KEY,
    last_sequence bigint NOT NULL CHECK (last_sequence >= first_sequence),
    -- expired: the log forgot them first; deleted: somebody took them out of the log; unreadable: they were no records.
    reason text NOT NULL CHECK (reason IN ('expired', 'deleted', 'unreadable')),
    noticed_at timestamptz NOT NULL DEFAULT now()
);

-- Files that are in the store, or may be, and shall not stay.
CREATE TABLE archive_removals (
    path text PRIMARY KEY,
    -- announced: somebody is writing it and will take it into the manifest; condemned: it goes when it is due.
    state text NOT NULL CHECK (state IN ('announced', 'condemned')),
    due timestamptz NOT NULL
);

-- Records that nothing may remember. Rows stay: they explain the holes.
CREATE TABLE archive_forgotten (
    sequence bigint PRIMARY KEY,
    asked_at timestamptz NOT NULL DEFAULT now(),
    -- When it was gone from the log, and from every file.
    left_log_at timestamptz,
    done_at timestamptz
);

CREATE INDEX archive_forgotten_pending ON archive_forgotten (sequence) WHERE done_at IS NULL;
