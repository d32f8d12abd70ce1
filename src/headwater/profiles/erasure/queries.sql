-- name: insert_erasure
-- Somebody asked for a deletion.
INSERT INTO erasures (records_too, until_sequence, requested_by) VALUES ($1, $2, $3) RETURNING id;

-- name: erase_identifiers
-- From now on the past of these identifiers is passed over. A deletion with records is never weakened by a later one without.
INSERT INTO erased_identifiers AS held (id, erasure, until_sequence, records_too)
SELECT id, $2, $3, $4 FROM unnest($1::bytea[]) AS erased (id)
ON CONFLICT (id) DO UPDATE SET erasure = excluded.erasure,
    until_sequence = greatest(held.until_sequence, excluded.until_sequence),
    records_too = held.records_too OR excluded.records_too;

-- name: erased_among
-- Identifiers whose past was deleted.
SELECT id, erasure, until_sequence, records_too FROM erased_identifiers WHERE id = ANY($1::bytea[]);

-- name: add_records
-- Records that an erasure concerns.
INSERT INTO erased_records (erasure, sequence) SELECT $1, * FROM unnest($2::bigint[]) ON CONFLICT DO NOTHING;

-- name: erasure
-- An erasure with the records that it concerns.
SELECT id, records_too, until_sequence, requested_by, requested_at, completed_at,
    ARRAY(SELECT sequence FROM erased_records WHERE erasure = id) AS sequences
FROM erasures WHERE id = $1;

-- name: complete
-- Everything that was asked for is gone.
UPDATE erasures SET completed_at = now() WHERE id = $1 AND completed_at IS NULL;

-- name: forget_decisions
-- Decisions name identifiers in words. That a value is blocked says nothing about a person, and stays.
DELETE FROM identity_decisions WHERE kind <> 'value blocked' AND EXISTS (
    SELECT FROM unnest($1::text[], $2::text[]) AS n (type, value)
    WHERE (n.type = left_type AND n.value = left_value) OR (n.type = right_type AND n.value = right_value)
);

-- name: place_of
-- The component that holds an identifier, and the id of its profile.
SELECT component, profile_id FROM {namespace}.identifiers WHERE id = $1;

-- name: records_of
-- The records that were applied to fragments.
SELECT DISTINCT sequence FROM {namespace}.messages WHERE fragment = ANY($1::bytea[]);

-- name: forget_messages
-- The messages stay counted, so that a repeated delivery brings nothing back; nothing tells whose they were.
UPDATE {namespace}.messages SET fragment = NULL, stream = '', name = '' WHERE fragment = ANY($1::bytea[]);

-- name: forget_taken
-- Messages that were taken as new and are the past of a deleted person.
UPDATE {namespace}.messages SET fragment = NULL, stream = '', name = '' WHERE key = ANY($1::uuid[]);

-- name: forget_fragments
-- What the events of these identifiers said.
DELETE FROM {namespace}.fragments WHERE id = ANY($1::bytea[]);

-- name: forget_identifiers
-- Identifiers, and with them the ids that their profiles ever had.
DELETE FROM {namespace}.identifiers WHERE id = ANY($1::bytea[]);

-- name: forget_borders
-- Links to identifiers under the alarm.
DELETE FROM {namespace}.borders WHERE neighbour = ANY($1::bytea[]);

-- name: forget_examples
-- Examples of dropped values that show one of these texts.
UPDATE {namespace}.drops SET example = '' WHERE example <> ''
    AND EXISTS (SELECT FROM unnest($1::text[]) AS shown (value) WHERE position(value IN example) > 0);

-- name: lowest_position
-- The last record that all partitions have in profiles.
SELECT coalesce(min(sequence), 0) FROM {namespace}.positions;
