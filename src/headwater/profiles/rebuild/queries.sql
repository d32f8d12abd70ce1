-- name: insert_rebuild
-- Somebody wants profiles built anew.
INSERT INTO profile_rebuilds (generation, schema_version, quiet, requested_by) VALUES ($1, $2, $3, $4);

-- name: latest
-- The rebuild that is under way, or else the last one; and how far the live generation is.
SELECT generation, schema_version, quiet, requested_by, requested_at, fault, position, outcome, finished_at
FROM profile_rebuilds ORDER BY outcome IS NULL DESC, generation DESC LIMIT 1;

-- name: reached
-- The last record that all partitions of a generation have; 0 before the first.
SELECT coalesce(min(sequence), 0) FROM {namespace}.positions;

-- name: furthest
-- The last record that any partition of a generation has.
SELECT coalesce(max(sequence), 0) FROM {namespace}.positions;

-- name: finish
-- It is over.
UPDATE profile_rebuilds SET outcome = $2, position = $3, fault = '', finished_at = now() WHERE generation = $1 AND outcome IS NULL;

-- name: note_fault
-- Says what is in the way, or that nothing is.
UPDATE profile_rebuilds SET fault = $2 WHERE generation = $1 AND outcome IS NULL AND fault <> $2;

-- name: left_over
-- Generations that were replaced long enough ago for nobody to read them any more.
SELECT number FROM profile_generations WHERE state = 'retired'
    AND NOT EXISTS (SELECT FROM profile_rebuilds WHERE finished_at > now() - make_interval(secs => $1));

-- name: lock_rebuilding
-- One process rebuilds; its connection holds the lock.
SELECT pg_try_advisory_lock(hashtextextended('headwater rebuild of profiles', 0));

-- name: wanted
-- The generation that a rebuild fills.
SELECT generation FROM profile_rebuilds WHERE outcome IS NULL;

-- name: analyze
-- Tells the server how large the tables have become.
ANALYZE {namespace}.identifiers, {namespace}.components, {namespace}.profiles, {namespace}.fragments, {namespace}.messages;
