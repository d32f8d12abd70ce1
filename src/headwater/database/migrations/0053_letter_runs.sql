-- Many dead letters, sent again or discarded in the background. Progress is not kept: it is how many letters still wait.
CREATE TABLE letter_runs (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    action text NOT NULL CHECK (action IN ('replay', 'discard')),
    -- Which letters, as of the start: `up_to` is the newest id then.
    ids bigint[],
    pipeline_id text,
    integration_id text,
    reason text,
    up_to bigint NOT NULL,
    total bigint NOT NULL,
    started_at timestamptz NOT NULL DEFAULT now(),
    started_by text NOT NULL,
    -- The last sign of life of the process that works on it; an old one means that another may take over.
    beat_at timestamptz,
    finished_at timestamptz
);
CREATE INDEX letter_runs_open ON letter_runs (id) WHERE finished_at IS NULL;

-- What became of a message.
CREATE INDEX dead_letters_message ON dead_letters (message_id);
