-- Real events that somebody kept to try mappings on.
CREATE TABLE event_examples (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    pipeline_id text NOT NULL REFERENCES pipelines ON DELETE CASCADE,
    title text NOT NULL,
    event jsonb NOT NULL,
    -- Where the event was in the log: an erasure names records by their sequence.
    sequence bigint NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by text NOT NULL
);
CREATE INDEX event_examples_of_pipeline ON event_examples (pipeline_id, id DESC);
CREATE INDEX event_examples_sequence ON event_examples (sequence);

-- A record that an erasure concerns is no example any more, in the transaction that decides so.
CREATE FUNCTION forget_event_examples() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    DELETE FROM event_examples WHERE sequence IN (SELECT sequence FROM erased);
    RETURN NULL;
END
$$;
CREATE TRIGGER erased_records_are_no_examples AFTER INSERT ON erased_records
    REFERENCING NEW TABLE AS erased FOR EACH STATEMENT EXECUTE FUNCTION forget_event_examples();
