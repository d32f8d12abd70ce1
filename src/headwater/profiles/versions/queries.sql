-- name: live_number
-- The number of the version in use.
SELECT number FROM schema_live;

-- name: version
-- One version with its content and the number of the live one; the newest when no number is given.
SELECT v.number, v.content, v.tag, v.description, v.author, v.published_at, v.effect, l.number AS live
FROM schema_versions v CROSS JOIN schema_live l
WHERE $1::integer IS NULL OR v.number = $1
ORDER BY v.number DESC LIMIT 1;

-- name: live_version
-- The version in use with its content.
SELECT v.number, v.content, v.tag, v.description, v.author, v.published_at, v.effect, l.number AS live
FROM schema_versions v JOIN schema_live l ON l.number = v.number;

-- name: versions
-- Every version without its content, newest first.
SELECT v.number, v.tag, v.description, v.author, v.published_at, v.effect, l.number AS live
FROM schema_versions v CROSS JOIN schema_live l
WHERE $1::integer IS NULL OR v.number < $1
ORDER BY v.number DESC LIMIT $2;

-- name: insert_version
-- Publishes a version under the next number.
INSERT INTO schema_versions (number, content, tag, description, author, effect)
SELECT coalesce(max(number), 0) + 1, $1, $2, $3, $4, $5 FROM schema_versions
RETURNING number;

-- name: set_live
-- Puts a version to use.
INSERT INTO schema_live (number) VALUES ($1)
ON CONFLICT (singleton) DO UPDATE SET number = excluded.number, since = now();

-- name: draft
-- The draft, if it differs from the newest version.
SELECT content, revision, authors FROM schema_draft;

-- name: put_draft
-- Writes the draft and notes who edited it.
INSERT INTO schema_draft (content, revision, authors) VALUES ($1, nextval('schema_draft_revisions'), ARRAY[$2::text])
ON CONFLICT (singleton) DO UPDATE SET content = excluded.content, revision = excluded.revision, updated_at = now(),
    authors = (SELECT array_agg(DISTINCT each) FROM unnest(schema_draft.authors || excluded.authors) each)
RETURNING content, revision, authors;

-- name: delete_draft
-- Makes the draft equal to the newest version.
DELETE FROM schema_draft;

-- name: patches
-- Every patch, oldest first.
SELECT id, description, edit, author, created_at, updated_at FROM schema_patches ORDER BY created_at, id;

-- name: patch
-- One patch.
SELECT id, description, edit, author, created_at, updated_at FROM schema_patches WHERE id = $1;

-- name: put_patch
-- Creates or replaces a patch.
INSERT INTO schema_patches (id, description, edit, author) VALUES ($1, $2, $3, $4)
ON CONFLICT (id) DO UPDATE SET description = excluded.description, edit = excluded.edit, updated_at = now()
RETURNING id, description, edit, author, created_at, updated_at;

-- name: delete_patch
-- Removes a patch.
DELETE FROM schema_patches WHERE id = $1;

-- name: statements
-- Every LQL statement, oldest first.
SELECT alias, id, text, author, created_at, updated_at FROM schema_statements ORDER BY created_at, alias;

-- name: put_statement
-- Creates or replaces an LQL statement.
INSERT INTO schema_statements (alias, id, text, author) VALUES ($1, $2, $3, $4)
ON CONFLICT (alias) DO UPDATE SET text = excluded.text, updated_at = now()
RETURNING alias, id, text, author, created_at, updated_at;

-- name: delete_statement
-- Removes an LQL statement.
DELETE FROM schema_statements WHERE alias = $1;

-- name: add_observations
-- Adds what was seen of the keys of streams; an example stays once there is one.
INSERT INTO observed_fields AS o (stream, name, count, kinds, example, first_seen, last_seen)
SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[], $4::jsonb[], $5::text[], $6::timestamptz[], $7::timestamptz[])
ON CONFLICT (stream, name) DO UPDATE SET
    count = o.count + excluded.count,
    kinds = (
        SELECT jsonb_object_agg(kind, total)
        FROM (
            SELECT kind, sum(number::bigint) AS total
            FROM (SELECT * FROM jsonb_each_text(o.kinds) UNION ALL SELECT * FROM jsonb_each_text(excluded.kinds)) AS both_sides (kind, number)
            GROUP BY kind
        ) AS totals
    ),
    example = CASE WHEN o.example = '' THEN excluded.example ELSE o.example END,
    first_seen = least(o.first_seen, excluded.first_seen),
    last_seen = greatest(o.last_seen, excluded.last_seen);

-- name: observed_fields
-- What was seen of the keys of one stream, or of all, the most frequent first.
SELECT stream, name, count, kinds, example, first_seen, last_seen FROM observed_fields
WHERE $1::text IS NULL OR stream = $1 ORDER BY stream, count DESC, name;
