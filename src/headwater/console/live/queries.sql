-- name: examples
-- Kept examples of a pipeline, or of all, newest first.
SELECT e.id, e.pipeline_id, p.slug AS pipeline, e.title, e.event, e.created_at, e.created_by
FROM event_examples e JOIN pipelines p ON p.id = e.pipeline_id
WHERE $1::text IS NULL OR e.pipeline_id = $1
ORDER BY e.id DESC
LIMIT $2;

-- name: insert_example
-- Keeps an event as an example, unless an erasure concerns its record.
INSERT INTO event_examples (pipeline_id, title, event, sequence, created_by)
SELECT $1, $2, $3, $4, $5 WHERE NOT EXISTS (SELECT FROM erased_records WHERE sequence = $4)
RETURNING id;

-- name: delete_example
-- An example that nobody needs any more.
DELETE FROM event_examples WHERE id = $1 RETURNING title;
