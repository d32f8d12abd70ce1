-- name: own_audiences
-- One change at a time, and none while a transaction writes memberships by the filters as they were.
SELECT pg_advisory_xact_lock(hashtextextended('headwater audiences', 0));

-- name: raise_audiences
-- Marks the audiences as changed.
UPDATE audience_state SET version = version + 1;

-- name: share_audiences
-- The version to go by, and the audiences that are being filled, for the rest of the transaction.
SELECT version, filling, quiet FROM share_audiences();

-- name: audiences_version
-- What to compare before reading all audiences again.
SELECT version FROM audience_state;

-- name: audiences
-- All audiences, the oldest first.
SELECT id, number, slug, name, segment_ql, version, table_name AS "table", kind, description, tags, groups, is_public, save_hist,
    emit_trigger, event_fields, author, created, updated
FROM audiences ORDER BY number;

-- name: audience
-- One audience by id or slug; the slug wins.
SELECT id, number, slug, name, segment_ql, version, table_name AS "table", kind, description, tags, groups, is_public, save_hist,
    emit_trigger, event_fields, author, created, updated
FROM audiences WHERE id = $1 OR slug = $1 ORDER BY slug = $1 DESC LIMIT 1;

-- name: insert_audience
-- Creates an audience; the database gives it its number.
INSERT INTO audiences (id, slug, name, segment_ql, version, table_name, kind, description, tags, groups, is_public, save_hist,
    emit_trigger, event_fields, author, created, updated)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17);

-- name: update_audience
-- Replaces what may change of an audience.
UPDATE audiences SET slug = $2, name = $3, segment_ql = $4, version = $5, kind = $6, description = $7, tags = $8, groups = $9,
    is_public = $10, save_hist = $11, emit_trigger = $12, event_fields = $13, updated = $14
WHERE id = $1;

-- name: delete_audience
-- Removes an audience with its versions and sizes.
DELETE FROM audiences WHERE id = $1;

-- name: insert_audience_version
-- Keeps a text for ever.
INSERT INTO audience_versions (audience_id, number, segment_ql, changed_at, changed_by) VALUES ($1, $2, $3, $4, $5);

-- name: audience_versions
-- The texts of an audience, the newest first.
SELECT number, segment_ql, changed_at, changed_by FROM audience_versions WHERE audience_id = $1 ORDER BY number DESC;

-- name: subscribed_fields
-- What subscriptions want to know of those who enter or leave, by audience.
SELECT segment_id, array_agg(DISTINCT field) AS fields
FROM audience_subscriptions, unnest(segment_ids) AS segment_id, unnest(user_fields) AS field GROUP BY segment_id;

-- name: event_pipeline
-- The pipeline that entries and exits go to.
SELECT id FROM pipelines WHERE slug = $1;

-- name: identifier_fields
-- The fields of a generation that identify, strongest first.
SELECT ARRAY(SELECT jsonb_array_elements_text(schema->'ranks')) AS fields FROM profile_generations WHERE number = $1;

-- name: ask_everybody
-- All profiles are to be asked about these audiences.
INSERT INTO audience_fills (audiences, deleted, with_events) VALUES ($1, $2, $3) RETURNING id;

-- name: forget_fills
-- A deleted audience is no longer asked about.
UPDATE audience_fills SET audiences = array_remove(audiences, $1) WHERE finished IS NULL;

-- name: defaults_created
-- Whether the audiences of a first start were made; only the first to ask is told no.
UPDATE audience_state SET defaults_created = true WHERE NOT defaults_created RETURNING true;

-- name: own_filling
-- One process fills at a time; the others look again later.
SELECT pg_try_advisory_xact_lock(hashtextextended('headwater audience filling', 0));

-- name: open_fills
-- What is to be filled, those that lie behind first.
SELECT id, audiences, deleted, with_events, generation, cursor, asked
FROM audience_fills WHERE finished IS NULL ORDER BY generation = $1, cursor, id FOR UPDATE;

-- name: begin_fills
-- From the first profile of this generation on.
UPDATE audience_fills SET generation = $2, cursor = '', total = $3, asked = 0, entered = 0, exited = 0 WHERE id = ANY($1::bigint[]);

-- name: advance_fills
-- Another page is done. Entries and exits are those of all audiences that were asked about together.
UPDATE audience_fills SET cursor = $2, asked = asked + $3, entered = entered + $4, exited = exited + $5 WHERE id = ANY($1::bigint[]);

-- name: finish_fills
-- Nobody is left to ask.
UPDATE audience_fills SET finished = now(), total = asked WHERE id = ANY($1::bigint[]);

-- name: fills
-- How far audiences are filled, the newest first.
SELECT id, audiences, with_events, generation, total, asked, entered, exited, created, finished
FROM audience_fills WHERE $1::integer IS NULL OR $1 = ANY(audiences) ORDER BY id DESC LIMIT $2;

-- name: live_generation
-- The generation that people read.
SELECT number FROM profile_generations WHERE state = 'live';

-- name: keep_sizes
-- The size of each audience in this hour.
INSERT INTO audience_size_history (audience_id, hour, size)
SELECT a.id, date_trunc('hour', now()), coalesce(counted.size, 0)
FROM audiences AS a LEFT JOIN unnest($1::integer[], $2::bigint[]) AS counted (number, size) ON counted.number = a.number
WHERE a.save_hist
ON CONFLICT (audience_id, hour) DO UPDATE SET size = excluded.size;

-- name: size_history
-- Sizes by the hour, the newest first.
SELECT audience_id, hour, size FROM audience_size_history WHERE audience_id = ANY($1::text[]) AND hour > $2 ORDER BY hour DESC;

-- name: subscriptions
-- All subscriptions, the oldest first; to one audience if its id is given.
SELECT id, name, description, segment_ids, segment_ql, user_fields, webhook_url, headers, integration_id, author, created, updated,
    told IS NOT NULL AS telling
FROM audience_subscriptions WHERE $1::text IS NULL OR $1 = ANY(segment_ids) ORDER BY created, id;

-- name: subscription
-- One subscription by id.
SELECT id, name, description, segment_ids, segment_ql, user_fields, webhook_url, headers, integration_id, author, created, updated,
    told IS NOT NULL AS telling
FROM audience_subscriptions WHERE id = $1;

-- name: write_subscription
-- Creates a subscription or replaces what may change of it.
INSERT INTO audience_subscriptions (id, name, description, segment_ids, segment_ql, user_fields, webhook_url, headers,
    integration_id, author, created, updated, told)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, CASE WHEN $13::boolean THEN ''::bytea END)
ON CONFLICT (id) DO UPDATE SET name = excluded.name, description = excluded.description, segment_ids = excluded.segment_ids,
    segment_ql = excluded.segment_ql, user_fields = excluded.user_fields, webhook_url = excluded.webhook_url,
    headers = excluded.headers, updated = excluded.updated, told = coalesce(excluded.told, audience_subscriptions.told);

-- name: delete_subscription
-- Ends a subscription.
DELETE FROM audience_subscriptions WHERE id = $1;

-- name: untold
-- A subscription whose members of before are still to be told about, with the numbers of its audiences.
SELECT s.id, s.told, array(SELECT a.number FROM audiences a WHERE a.id = ANY(s.segment_ids)) AS audiences
FROM audience_subscriptions s WHERE s.told IS NOT NULL ORDER BY s.created LIMIT 1 FOR UPDATE;

-- name: advance_telling
-- Told about everybody up to this profile, or about all (null).
UPDATE audience_subscriptions SET told = $2 WHERE id = $1;
