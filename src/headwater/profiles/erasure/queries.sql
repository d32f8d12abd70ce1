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
-- An erasure and whether it is complete.
SELECT requested_at, completed_at FROM erasures WHERE id = $1;

-- name: insert_traces
-- What an erasure looks for until it is complete.
INSERT INTO erasure_traces (erasure, kind, type, value)
SELECT $1, kind, type, value FROM unnest($2::text[], $3::text[], $4::text[]) AS trace (kind, type, value)
ON CONFLICT DO NOTHING;

-- name: forget_outbox
-- Events of our own about profiles, which nobody has begun to send.
DELETE FROM outbox WHERE user_key = ANY($1::text[]) AND attempted_at IS NULL;

-- name: events_being_sent
-- Events of our own about profiles, which are being sent.
SELECT message_id FROM outbox WHERE user_key = ANY($1::text[]);

-- name: forget_observed
-- Examples of keys of streams that show one of these texts.
UPDATE observed_fields SET example = '' WHERE example <> ''
    AND EXISTS (SELECT FROM unnest($1::text[]) AS shown (value) WHERE position(value IN example) > 0);

-- name: open_erasures
-- Erasures that are not complete, the oldest first.
SELECT id, records_too, until_sequence, requested_at, sweep_until, swept_to
FROM erasures WHERE completed_at IS NULL ORDER BY requested_at, id;

-- name: traces_of
-- What erasures look for.
SELECT erasure, kind, type, value FROM erasure_traces WHERE erasure = ANY($1::uuid[]);

-- name: is_event_being_sent
-- Whether the outbox still has an event that was being sent when the erasure was asked for.
SELECT EXISTS (SELECT FROM erasure_traces t JOIN outbox o ON o.message_id = t.value WHERE t.erasure = $1 AND t.kind = 'message');

-- name: had_events_being_sent
-- Whether events of our own were being sent when the erasure was asked for.
SELECT EXISTS (SELECT FROM erasure_traces WHERE erasure = $1 AND kind = 'message');

-- name: sweep_until
-- From now on it is known how far log and archive are to be looked through.
UPDATE erasures SET sweep_until = $2 WHERE id = $1 AND sweep_until IS NULL;

-- name: swept_to
-- Log and archive were looked through so far.
UPDATE erasures SET swept_to = greatest(swept_to, $2) WHERE id = ANY($1::uuid[]);

-- name: is_replaced_kept
-- Whether there is a generation which was replaced, and which the erasure did not reach.
SELECT EXISTS (SELECT FROM profile_generations WHERE state = 'retired' AND created_at <= $1);

-- name: unforgotten
-- How many records of an erasure log or archive still have.
SELECT count(*) FROM erased_records r JOIN archive_forgotten f USING (sequence) WHERE r.erasure = $1 AND f.done_at IS NULL;

-- name: messages_of
-- Which messages the records of erasures were.
SELECT DISTINCT f.message FROM erased_records r JOIN archive_forgotten f USING (sequence)
WHERE r.erasure = ANY($1::uuid[]) AND f.message IS NOT NULL;

-- name: complete
-- Everything that was asked for is gone.
UPDATE erasures SET completed_at = now() WHERE id = ANY($1::uuid[]) AND completed_at IS NULL;

-- name: forget_traces
-- There is nothing left to look for.
DELETE FROM erasure_traces WHERE erasure = ANY($1::uuid[]);

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
