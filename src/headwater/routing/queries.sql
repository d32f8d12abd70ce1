-- name: insert_dead_letters
-- Stores dead letters; one that waits already is brought up to date instead of being stored twice.
INSERT INTO dead_letters
    (pipeline_id, integration_id, revision, message_id, piece, reason, attempts, first_seen, failed_at, record, request, reply)
SELECT $1, $2, l.revision, l.message_id, l.piece, l.reason, l.attempts, to_timestamp(l.first_seen), to_timestamp(l.failed_at),
       l.record, l.request, l.reply
FROM unnest($3::text[], $4::integer[], $5::integer[], $6::text[], $7::integer[], $8::float8[], $9::float8[], $10::bytea[],
            $11::jsonb[], $12::jsonb[])
    AS l(message_id, piece, revision, reason, attempts, first_seen, failed_at, record, request, reply)
ON CONFLICT (pipeline_id, integration_id, message_id, piece) WHERE state = 'waiting'
DO UPDATE SET revision = excluded.revision, reason = excluded.reason, attempts = excluded.attempts,
    failed_at = excluded.failed_at, request = excluded.request, reply = excluded.reply;

-- name: dead_letters
-- Lists dead letters without their content, newest first, older than a given one.
SELECT id, pipeline_id, integration_id, revision, message_id, piece, reason, attempts, first_seen, failed_at, state,
       state_changed_at, state_changed_by
FROM dead_letters
WHERE state = $1
    AND ($2::text IS NULL OR pipeline_id = $2)
    AND ($3::text IS NULL OR integration_id = $3)
    AND ($4::text IS NULL OR reason = $4)
    AND ($5::bigint IS NULL OR id < $5)
ORDER BY id DESC
LIMIT $6;

-- name: dead_letter
-- One dead letter with its content.
SELECT * FROM dead_letters WHERE id = $1;

-- name: dead_letter_reasons
-- How many wait, by integration and reason, the most frequent first.
SELECT pipeline_id, integration_id, reason, count(*) AS letters, min(failed_at) AS oldest, max(failed_at) AS newest
FROM dead_letters WHERE state = 'waiting'
GROUP BY pipeline_id, integration_id, reason
ORDER BY count(*) DESC, pipeline_id, integration_id, reason;

-- name: waiting_records
-- The records to send again: chosen waiting letters, or all of one integration (and reason), in order.
SELECT id, pipeline_id, integration_id, message_id, record FROM dead_letters
WHERE state = 'waiting'
    AND ($1::bigint[] IS NULL OR id = ANY ($1))
    AND ($2::text IS NULL OR pipeline_id = $2)
    AND ($3::text IS NULL OR integration_id = $3)
    AND ($4::text IS NULL OR reason = $4)
    AND ($5::bigint IS NULL OR id <= $5)
    AND id > $6
ORDER BY id
LIMIT $7;

-- name: count_waiting
-- How many waiting letters are chosen.
SELECT count(*) FROM dead_letters
WHERE state = 'waiting'
    AND ($1::bigint[] IS NULL OR id = ANY ($1))
    AND ($2::text IS NULL OR pipeline_id = $2)
    AND ($3::text IS NULL OR integration_id = $3)
    AND ($4::text IS NULL OR reason = $4)
    AND ($5::bigint IS NULL OR id <= $5)
    AND id > $6;

-- name: chosen_letters
-- How many waiting letters are chosen, and the first of them, by pipeline and integration.
SELECT pipeline_id, integration_id, count(*) AS letters, (array_agg(id ORDER BY id))[:20] AS first_ids
FROM dead_letters
WHERE state = 'waiting'
    AND ($1::bigint[] IS NULL OR id = ANY ($1))
    AND ($2::text IS NULL OR pipeline_id = $2)
    AND ($3::text IS NULL OR integration_id = $3)
    AND ($4::text IS NULL OR reason = $4)
    AND ($5::bigint IS NULL OR id <= $5)
GROUP BY pipeline_id, integration_id ORDER BY pipeline_id, integration_id;

-- name: newest_dead_letter
-- The id of the newest letter.
SELECT coalesce(max(id), 0) FROM dead_letters;

-- name: dead_letters_of_message
-- What became of one message at the integrations that refused it, newest first.
SELECT id, pipeline_id, integration_id, revision, message_id, piece, reason, attempts, first_seen, failed_at, state,
       state_changed_at, state_changed_by
FROM dead_letters
WHERE pipeline_id = $1 AND message_id = $2
ORDER BY id DESC
LIMIT $3;

-- name: mark_dead_letters
-- Ends the waiting of letters: sent again, or given up by a person.
UPDATE dead_letters SET state = $2, state_changed_at = now(), state_changed_by = $3
WHERE id = ANY ($1) AND state = 'waiting';

-- name: all_letters
-- Letters in any state with their content, in order.
SELECT id, pipeline_id, message_id, record, request, reply FROM dead_letters WHERE id > $1 ORDER BY id LIMIT $2;

-- name: delete_letters
-- Letters of somebody who was deleted.
DELETE FROM dead_letters WHERE id = ANY($1::bigint[]);

-- name: forget_exchanges
-- Requests and answers that show somebody who was deleted.
UPDATE dead_letters SET request = '{}', reply = NULL WHERE id = ANY($1::bigint[]);
