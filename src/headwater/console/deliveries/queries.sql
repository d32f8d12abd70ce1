-- name: insert_run
-- Somebody asked for many letters to be sent again or discarded.
INSERT INTO letter_runs (action, ids, pipeline_id, integration_id, reason, up_to, total, started_by)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
RETURNING id;

-- name: run
-- One run.
SELECT * FROM letter_runs WHERE id = $1;

-- name: runs
-- The newest runs.
SELECT * FROM letter_runs ORDER BY id DESC LIMIT $1;

-- name: claim_run
-- The oldest run that nobody works on: never begun, or its process was not heard of for so many seconds.
UPDATE letter_runs SET beat_at = now()
WHERE id = (
    SELECT id FROM letter_runs
    WHERE finished_at IS NULL AND (beat_at IS NULL OR beat_at < now() - make_interval(secs => $1))
    ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED
)
RETURNING *;

-- name: beat
-- A sign of life of the process that works on a run.
UPDATE letter_runs SET beat_at = now() WHERE id = $1;

-- name: release_run
-- The process ends or cannot go on; the next one may begin at once.
UPDATE letter_runs SET beat_at = NULL WHERE id = $1 AND finished_at IS NULL;

-- name: finish_run
-- No chosen letter waits any more.
UPDATE letter_runs SET finished_at = now() WHERE id = $1 AND finished_at IS NULL;
