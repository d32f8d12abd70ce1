-- name: share_decisions
-- Many builders at a time, but none while somebody decides about identities.
SELECT pg_advisory_xact_lock_shared(hashtextextended('headwater identity decisions', 0));

-- name: own_decisions
-- One who decides, while nobody builds.
SELECT pg_advisory_xact_lock(hashtextextended('headwater identity decisions', 0));

-- name: standing
-- What to compare before building: whether the generation is wanted, which schema it has, which decisions are in force, and up to
-- which record there may be the past of deleted persons.
SELECT g.state, g.revision, s.decisions_version,
    (SELECT coalesce(max(until_sequence), 0) FROM erased_identifiers) AS erased_until
FROM profile_settings s LEFT JOIN profile_generations g ON g.number = $1;

-- name: next_generation
-- A number that no generation ever had: processes remember what they know of one by its number.
SELECT coalesce(max(number), 0) + 1 FROM (
    SELECT number FROM profile_generations UNION ALL SELECT generation FROM profile_rebuilds
) AS used;

-- name: decisions
-- Everything that people decided and did not take back, the oldest first.
SELECT id, kind, left_type, left_value, right_type, right_value, decided_by, decided_at, note
FROM identity_decisions WHERE undone_at IS NULL ORDER BY id;

-- name: insert_decision
-- What somebody decided.
INSERT INTO identity_decisions (kind, left_type, left_value, right_type, right_value, decided_by, note)
VALUES ($1, $2, $3, $4, $5, $6, $7)
RETURNING id, kind, left_type, left_value, right_type, right_value, decided_by, decided_at, note;

-- name: undo_decision
-- Takes a decision back; it stays on record.
UPDATE identity_decisions SET undone_by = $2, undone_at = clock_timestamp() WHERE id = $1 AND undone_at IS NULL
RETURNING id, kind, left_type, left_value, right_type, right_value, decided_by, decided_at, note;

-- name: decisions_changed
-- Tells everybody who builds that decisions are others now.
UPDATE profile_settings SET decisions_version = decisions_version + 1;

-- name: decisions_about
-- The decisions that name one of some identifiers, those taken back too, the newest first.
SELECT d.id, kind, left_type, left_value, right_type, right_value, decided_by, decided_at, note, undone_by, undone_at
FROM identity_decisions d
WHERE EXISTS (
    SELECT FROM unnest($1::text[], $2::text[]) AS n (type, value)
    WHERE (n.type = d.left_type AND n.value = d.left_value) OR (n.type = d.right_type AND n.value = d.right_value)
)
ORDER BY d.id DESC;

-- name: positions
-- The last record of each partition that is in the tables.
SELECT partition, sequence FROM {namespace}.positions;

-- name: begin_positions
-- Partitions that nobody has worked on begin before the first record.
INSERT INTO {namespace}.positions (partition, sequence)
SELECT partition, 0 FROM unnest($1::integer[]) AS begun (partition) ON CONFLICT DO NOTHING;

-- name: set_back_positions
-- Begins again at a record; messages that count already stay counted once.
UPDATE {namespace}.positions SET sequence = least(sequence, $1);

-- name: attachments
-- The attachments that the positions allow for.
SELECT pipeline_id, integration_id, attached_at FROM {namespace}.attachments;

-- name: note_attachment
-- From now on the positions allow for an attachment.
INSERT INTO {namespace}.attachments (pipeline_id, integration_id, attached_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING;

-- name: move_positions
-- Moves positions on, only from where this worker believes them: who was replaced meanwhile changes fewer rows.
UPDATE {namespace}.positions AS held SET sequence = moved.after
FROM unnest($1::integer[], $2::bigint[], $3::bigint[]) AS moved (partition, before, after)
WHERE held.partition = moved.partition AND held.sequence = moved.before;

-- name: take_messages
-- Remembers messages and returns those that were not there.
INSERT INTO {namespace}.messages (key, fragment, at, sequence, stream, name)
SELECT * FROM unnest($1::uuid[], $2::bytea[], $3::bigint[], $4::bigint[], $5::text[], $6::text[])
ON CONFLICT (key) DO NOTHING RETURNING key;

-- name: components_of
-- The components that known identifiers are in.
SELECT id, component FROM {namespace}.identifiers WHERE id = ANY($1::bytea[]);

-- name: neighbours
-- Who has links to alarmed identifiers.
SELECT neighbour FROM {namespace}.borders WHERE alarmed = ANY($1::bytea[]);

-- name: count_neighbours
-- How many have links to an alarmed identifier.
SELECT count(*) FROM {namespace}.borders WHERE alarmed = $1;

-- name: first_neighbours
-- Some of those who have links to an alarmed identifier, with the components that keep these links.
SELECT i.type, i.value, i.component, c.body
FROM (SELECT neighbour FROM {namespace}.borders WHERE alarmed = $1 ORDER BY neighbour LIMIT $2) AS b
JOIN {namespace}.identifiers i ON i.id = b.neighbour JOIN {namespace}.components c ON c.id = i.component;

-- name: lock_components
-- Locks components in one order for all workers and reads them as they are then.
SELECT id, body FROM {namespace}.components WHERE id = ANY($1::bigint[]) ORDER BY id FOR UPDATE;

-- name: take_numbers
-- A thousand numbers for new components.
SELECT nextval('{namespace}.component_numbers');

-- name: fragments
-- The fragments of identifiers.
SELECT id, slot, body FROM {namespace}.fragments WHERE id = ANY($1::bytea[]);

-- name: fields_of
-- What profiles showed before.
SELECT id, fields FROM {namespace}.profiles WHERE id = ANY($1::bytea[]);

-- name: insert_identifiers
-- New identifiers; another worker may have been faster, then there are fewer rows.
INSERT INTO {namespace}.identifiers (id, type, value, component, profile_id)
SELECT * FROM unnest($1::bytea[], $2::text[], $3::text[], $4::bigint[], $5::bytea[]) ON CONFLICT (id) DO NOTHING;

-- name: move_identifiers
-- Identifiers that are in another component or profile now. A profile has the id of one of its identifiers: where that one goes, its
-- row goes along, also when nothing else of it changed and it is not written anew.
WITH moved AS (
    INSERT INTO {namespace}.identifiers (id, type, value, component, profile_id)
    SELECT * FROM unnest($1::bytea[], $2::text[], $3::text[], $4::bigint[], $5::bytea[])
    ON CONFLICT (id) DO UPDATE SET component = excluded.component, profile_id = excluded.profile_id
    RETURNING id, component
)
UPDATE {namespace}.profiles AS held SET component = moved.component
FROM moved WHERE held.id = moved.id AND held.component <> moved.component;

-- name: write_components
-- Components as they are now.
INSERT INTO {namespace}.components (id, body) SELECT * FROM unnest($1::bigint[], $2::bytea[])
ON CONFLICT (id) DO UPDATE SET body = excluded.body;

-- name: delete_components
-- Components that went into others.
DELETE FROM {namespace}.components WHERE id = ANY($1::bigint[]);

-- name: write_borders
-- Who has links to alarmed identifiers.
INSERT INTO {namespace}.borders (alarmed, neighbour) SELECT * FROM unnest($1::bytea[], $2::bytea[]) ON CONFLICT DO NOTHING;

-- name: write_fragments
-- Fragments as they are now.
INSERT INTO {namespace}.fragments (id, slot, body) SELECT * FROM unnest($1::bytea[], $2::bigint[], $3::bytea[])
ON CONFLICT (id, slot) DO UPDATE SET body = excluded.body;

-- name: write_profiles
-- Profiles as they are now.
INSERT INTO {namespace}.profiles (id, component, fields, modified, health, reasons)
SELECT id, component, fields::jsonb, modified, health, coalesce(string_to_array(nullif(reasons, ''), E'\n'), '{}')
FROM unnest($1::bytea[], $2::bigint[], $3::text[], $4::bigint[], $5::text[], $6::text[])
    AS written (id, component, fields, modified, health, reasons)
ON CONFLICT (id) DO UPDATE SET component = excluded.component, fields = excluded.fields, modified = excluded.modified,
    health = excluded.health, reasons = excluded.reasons;

-- name: delete_profiles
-- Profiles that went into others.
DELETE FROM {namespace}.profiles WHERE id = ANY($1::bytea[]);

-- name: count_drops
-- Adds to the counts of what did not go into profiles; the example is that of the smallest message id.
INSERT INTO {namespace}.drops AS held (kind, field, reason, count, message_id, example)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::text[], $6::text[])
ON CONFLICT (kind, field, reason) DO UPDATE SET
    count = held.count + excluded.count,
    example = CASE WHEN (excluded.message_id, excluded.example) < (held.message_id, held.example)
        THEN excluded.example ELSE held.example END,
    message_id = least(held.message_id, excluded.message_id);

-- name: profile
-- The profile that an identifier is in; any id that a profile ever had is that of an identifier.
SELECT p.id, p.component, p.fields, p.modified, p.health, p.reasons
FROM {namespace}.identifiers i JOIN {namespace}.profiles p ON p.id = i.profile_id WHERE i.id = $1;

-- name: evidence
-- An identifier with its component and its profile.
SELECT i.type, i.value, i.profile_id, c.body, p.fields
FROM {namespace}.identifiers i
JOIN {namespace}.components c ON c.id = i.component JOIN {namespace}.profiles p ON p.id = i.profile_id
WHERE i.id = $1;

-- name: component_of
-- An identifier with its component.
SELECT i.type, i.value, c.body FROM {namespace}.identifiers i JOIN {namespace}.components c ON c.id = i.component WHERE i.id = $1;

-- name: search
-- Identifiers that begin with a text, in the order of the index, so that a short beginning of many reads few.
SELECT type, value, profile_id FROM {namespace}.identifiers
WHERE value LIKE $1 AND ($2::text IS NULL OR type = $2) ORDER BY value USING ~<~, type LIMIT $3;

-- name: unhealthy
-- Profiles that are not healthy.
SELECT id, component, fields, modified, health, reasons FROM {namespace}.profiles
WHERE health = $1 AND health <> 'healthy' ORDER BY id LIMIT $2;

-- name: estimate
-- How many rows the server believes a table to have.
SELECT greatest(reltuples, 0)::bigint FROM pg_class WHERE oid = $1::regclass;

-- name: counts
-- How many profiles and messages there are.
SELECT (SELECT count(*) FROM {namespace}.profiles) AS profiles, (SELECT count(*) FROM {namespace}.messages) AS messages;

-- name: estimates
-- How many profiles and messages the server believes there are.
SELECT (SELECT greatest(reltuples, 0)::bigint FROM pg_class WHERE oid = '{namespace}.profiles'::regclass) AS profiles,
    (SELECT greatest(reltuples, 0)::bigint FROM pg_class WHERE oid = '{namespace}.messages'::regclass) AS messages;

-- name: identifiers_by_type
-- Identifiers by type, in a share of the table.
SELECT type, count(*) AS count FROM {namespace}.identifiers TABLESAMPLE SYSTEM ($1::real) GROUP BY type ORDER BY type;

-- name: health
-- How many profiles are not healthy.
SELECT health, count(*) AS count FROM {namespace}.profiles WHERE health <> 'healthy' GROUP BY health ORDER BY health;

-- name: drops
-- What did not go into profiles, the most frequent first.
SELECT kind, field, reason, count, example FROM {namespace}.drops ORDER BY count DESC, kind, field, reason;

-- name: timeline
-- The latest messages of fragments, those of each read from its own end of the index.
SELECT m.key, m.fragment, m.at, m.sequence, m.stream, m.name
FROM unnest($1::bytea[]) AS f (id)
CROSS JOIN LATERAL (
    SELECT * FROM {namespace}.messages
    WHERE fragment = f.id AND at <= $2 AND (at, key) < ($2, $3::uuid) ORDER BY at DESC, key DESC LIMIT $4
) AS m
ORDER BY m.at DESC, m.key DESC LIMIT $4;
