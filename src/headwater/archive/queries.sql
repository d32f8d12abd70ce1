-- name: position
-- Up to where the log is archived.
SELECT sequence FROM archive_position;

-- name: move_position
-- Claim a cut: nothing comes back when another process moved the position in between.
UPDATE archive_position SET sequence = $2 WHERE sequence = $1 RETURNING sequence;

-- name: insert_files
-- Take files into the manifest.
INSERT INTO archive_files (path, day, kind, source, first_sequence, last_sequence, first_stored_at, last_stored_at,
                           rows, bytes, sha256)
SELECT * FROM unnest($1::text[], $2::date[], $3::text[], $4::text[], $5::bigint[], $6::bigint[], $7::timestamptz[],
                     $8::timestamptz[], $9::bigint[], $10::bigint[], $11::text[]);

-- name: delete_files
-- Take files out of the manifest; as many rows as paths come back, or another process was here.
DELETE FROM archive_files WHERE path = ANY($1::text[]) RETURNING path;

-- name: files
-- The files that may hold what is asked for, in the order of their first record. A null leaves a condition out.
SELECT * FROM archive_files
WHERE last_sequence > $1
  AND ($2::bigint IS NULL OR first_sequence <= $2)
  AND ($3::text IS NULL OR kind = $3)
  AND ($4::text[] IS NULL OR source = ANY($4))
  AND ($5::timestamptz IS NULL OR last_stored_at >= $5)
  AND ($6::timestamptz IS NULL OR first_stored_at < $6)
ORDER BY first_sequence, path;

-- name: files_with
-- The files whose range holds one of the sequences.
SELECT * FROM archive_files
WHERE EXISTS (SELECT FROM unnest($1::bigint[]) AS wanted (sequence)
              WHERE wanted.sequence BETWEEN first_sequence AND last_sequence)
ORDER BY first_sequence, path;

-- name: small_files
-- Files that compaction may join: smaller than $1 bytes, by place, in order.
SELECT * FROM archive_files WHERE bytes < $1 ORDER BY day, kind, source, first_sequence;

-- name: insert_gaps
-- Say which sequences are in no file, and why.
INSERT INTO archive_gaps (first_sequence, last_sequence, reason)
SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[]);

-- name: gaps
-- Every gap, in order.
SELECT first_sequence, last_sequence, reason FROM archive_gaps ORDER BY first_sequence;

-- name: announce_files
-- Before they are put into the store: a crash leaves them in this list.
INSERT INTO archive_removals (path, state, due)
SELECT path, 'announced', now() FROM unnest($1::text[]) AS announced (path)
ON CONFLICT (path) DO UPDATE SET state = excluded.state, due = excluded.due;

-- name: confirm_files
-- Announced files stay. Fewer rows than paths come back when somebody else condemned one.
DELETE FROM archive_removals WHERE path = ANY($1::text[]) AND state = 'announced' RETURNING path;

-- name: condemn_announced
-- Whoever wrote these is gone, or will find that it is too late.
UPDATE archive_removals SET state = 'condemned' WHERE state = 'announced';

-- name: condemn_files
-- Let replaced files go after $2 seconds.
INSERT INTO archive_removals (path, state, due)
SELECT path, 'condemned', now() + make_interval(secs => $2) FROM unnest($1::text[]) AS replaced (path)
ON CONFLICT (path) DO UPDATE SET state = excluded.state, due = excluded.due;

-- name: hasten_removals
-- Condemned files go now.
UPDATE archive_removals SET due = now() WHERE state = 'condemned' AND due > now();

-- name: due_removals
-- What shall be gone by now.
SELECT path FROM archive_removals WHERE state = 'condemned' AND due <= now() ORDER BY path LIMIT 1000;

-- name: removed
-- These files are gone.
DELETE FROM archive_removals WHERE path = ANY($1::text[]) AND state = 'condemned';

-- name: ask_to_forget
-- Records that nothing may remember; asking twice is asking once.
INSERT INTO archive_forgotten (sequence)
SELECT DISTINCT sequence FROM unnest($1::bigint[]) AS asked (sequence) WHERE sequence > 0
ON CONFLICT (sequence) DO NOTHING;

-- name: forgotten_between
-- Which sequences of a range are not to be kept, forgotten already or not.
SELECT sequence FROM archive_forgotten WHERE sequence BETWEEN $1 AND $2 ORDER BY sequence;

-- name: unforgotten_among
-- How many of these are still in the log, in a file or on their way into one.
SELECT count(*) FROM archive_forgotten WHERE done_at IS NULL AND sequence = ANY($1::bigint[]);

-- name: still_in_log
-- The next records to take out of the log.
SELECT sequence FROM archive_forgotten WHERE done_at IS NULL AND left_log_at IS NULL ORDER BY sequence LIMIT $1;

-- name: left_log
-- These are gone from the log.
UPDATE archive_forgotten SET left_log_at = now() WHERE sequence = ANY($1::bigint[]);

-- name: note_messages
-- Which messages these records were.
UPDATE archive_forgotten AS held SET message = noted.message
FROM unnest($1::bigint[], $2::text[]) AS noted (sequence, message) WHERE held.sequence = noted.sequence;

-- name: forgotten_messages
-- Those of some messages that are forgotten.
SELECT message FROM archive_forgotten WHERE message = ANY($1::text[]);

-- name: still_in_files
-- The next records to take out of the files: those that the position has passed.
SELECT sequence FROM archive_forgotten
WHERE done_at IS NULL AND left_log_at IS NOT NULL AND sequence <= (SELECT sequence FROM archive_position)
ORDER BY sequence LIMIT $1;

-- name: forgotten_completely
-- These are gone from every file.
UPDATE archive_forgotten SET done_at = now() WHERE sequence = ANY($1::bigint[]);

-- name: overview
-- Days and sources, with what is in their files.
SELECT day, kind, source, count(*) AS files, sum(rows)::bigint AS rows, sum(bytes)::bigint AS bytes,
       min(first_sequence) AS first_sequence, max(last_sequence) AS last_sequence
FROM archive_files
WHERE ($1::date IS NULL OR day >= $1) AND ($2::date IS NULL OR day <= $2)
GROUP BY day, kind, source
ORDER BY day, kind, source;

-- name: kept_paths
-- Every path that may be in the store with good reason.
SELECT path FROM archive_files UNION ALL SELECT path FROM archive_removals;
