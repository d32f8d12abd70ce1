-- Deletion of persons reaches what was copied from records, and what profiles do not know.

-- What a deletion looks for as long as it is under way, in words; the rows go when it is complete.
CREATE TABLE erasure_traces (
    erasure uuid NOT NULL REFERENCES erasures,
    -- identifier: one of the person's, with its type; profile: an id that the profile had; message: an event of our own that was being
    -- sent at that moment.
    kind text NOT NULL CHECK (kind IN ('identifier', 'profile', 'message')),
    type text NOT NULL DEFAULT '',
    value text NOT NULL,
    PRIMARY KEY (erasure, kind, type, value)
);

-- Log and archive are looked through up to `sweep_until`, which is known when no event of our own is on its way any more; they have
-- been up to `swept_to`.
ALTER TABLE erasures ADD COLUMN sweep_until bigint, ADD COLUMN swept_to bigint NOT NULL DEFAULT 0;
CREATE INDEX erasures_open ON erasures (requested_at) WHERE completed_at IS NULL;

-- Which message the record was, as a digest: copies of it are known by that.
ALTER TABLE archive_forgotten ADD COLUMN message text;
CREATE INDEX archive_forgotten_message ON archive_forgotten (message) WHERE message IS NOT NULL;

-- The audit log names no identifiers of people: a decision in words is in identity_decisions, where a deletion reaches it.
ALTER TABLE audit_log DISABLE TRIGGER audit_log_never_changes;
UPDATE audit_log SET after = jsonb_build_object(
    'kind', after->'kind', 'left', after->'left'->0, 'right', after->'right'->0
) WHERE action IN ('identity decided', 'identity decision taken back') AND after IS NOT NULL;
ALTER TABLE audit_log ENABLE TRIGGER audit_log_never_changes;
