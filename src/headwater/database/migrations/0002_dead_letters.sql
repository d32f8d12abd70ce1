-- What could not be delivered for good: the record, the request, the answer, and the reason.
CREATE TABLE dead_letters (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    pipeline_id text NOT NULL,
    integration_id text NOT NULL,
    revision integer NOT NULL,
    message_id text NOT NULL,
    piece integer NOT NULL,
    reason text NOT NULL,
    attempts integer NOT NULL,
    first_seen timestamptz NOT NULL,
    failed_at timestamptz NOT NULL,
    record bytea NOT NULL,
    request jsonb NOT NULL,
    reply jsonb,
    state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'replayed', 'discarded')),
    state_changed_at timestamptz,
    state_changed_by text
);

-- A delivery that was interrupted between storing and acknowledging stores the same letter again.
CREATE UNIQUE INDEX dead_letters_waiting_once
    ON dead_letters (pipeline_id, integration_id, message_id, piece) WHERE state = 'waiting';
CREATE INDEX dead_letters_newest ON dead_letters (state, id DESC);
