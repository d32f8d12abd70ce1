-- name: lock_counts
-- One process at a time rolls up, else two could each miss what the other one wrote.
SELECT pg_advisory_xact_lock(hashtext('headwater counts'));

-- name: write_minutes
-- Writes what one process counted in some minutes; again is harmless.
INSERT INTO counts_by_minute (minute, measure, subject, detail, process, value)
SELECT to_timestamp(minute * 60), measure, subject, detail, $1, value
FROM unnest($2::bigint[], $3::text[], $4::text[], $5::text[], $6::float8[]) AS given (minute, measure, subject, detail, value)
ON CONFLICT (minute, measure, subject, detail, process) DO UPDATE SET value = EXCLUDED.value;

-- name: roll_up_minutes
-- Computes the steps of these minutes anew from all their minutes, of all processes.
INSERT INTO counts_by_step (seconds, at, measure, subject, detail, value)
SELECT $2, touched.at, m.measure, m.subject, m.detail,
    CASE WHEN m.measure = ANY($3::text[]) THEN max(m.value) ELSE sum(m.value) END
FROM (
    SELECT DISTINCT date_bin(make_interval(secs => $2), to_timestamp(minute * 60), 'epoch') AS at
    FROM unnest($1::bigint[]) AS given (minute)
) touched
JOIN counts_by_minute m ON m.minute >= touched.at AND m.minute < touched.at + make_interval(secs => $2)
GROUP BY touched.at, m.measure, m.subject, m.detail
ON CONFLICT (seconds, measure, at, subject, detail) DO UPDATE SET value = EXCLUDED.value;

-- name: roll_up_steps
-- Computes the longer steps of these minutes anew from the shorter steps in them.
INSERT INTO counts_by_step (seconds, at, measure, subject, detail, value)
SELECT $3, touched.at, c.measure, c.subject, c.detail,
    CASE WHEN c.measure = ANY($4::text[]) THEN max(c.value) ELSE sum(c.value) END
FROM (
    SELECT DISTINCT date_bin(make_interval(secs => $3), to_timestamp(minute * 60), 'epoch') AS at
    FROM unnest($1::bigint[]) AS given (minute)
) touched
JOIN counts_by_step c ON c.seconds = $2 AND c.measure = ANY($5::text[])
    AND c.at >= touched.at AND c.at < touched.at + make_interval(secs => $3)
GROUP BY touched.at, c.measure, c.subject, c.detail
ON CONFLICT (seconds, measure, at, subject, detail) DO UPDATE SET value = EXCLUDED.value;

-- name: forget_minutes
-- Removes minutes that nobody asks for any more; their steps stay.
DELETE FROM counts_by_minute WHERE minute < now() - make_interval(hours => $1);

-- name: forget_steps
-- Removes steps of one length that nobody asks for any more.
DELETE FROM counts_by_step WHERE seconds = $1 AND measure = ANY($2::text[]) AND at < now() - make_interval(days => $3);

-- name: series_of_minutes
-- Values of some measures by minute: counts added up over processes, of levels the highest.
SELECT measure, subject, minute AS at,
    CASE WHEN measure = ANY($3::text[]) THEN max(value) ELSE sum(value) END AS value
FROM counts_by_minute WHERE measure = ANY($1::text[]) AND minute >= $2
GROUP BY measure, subject, minute;

-- name: series_of_steps
-- Values of some measures by longer steps.
SELECT measure, subject, at, CASE WHEN measure = ANY($3::text[]) THEN max(value) ELSE sum(value) END AS value
FROM counts_by_step WHERE measure = ANY($1::text[]) AND at >= $2 AND seconds = $4
GROUP BY measure, subject, at;

-- name: totals_of_minutes
-- Sums of some measures since a moment, with their details.
SELECT measure, subject, detail, sum(value) AS value
FROM counts_by_minute WHERE measure = ANY($1::text[]) AND minute >= $2 GROUP BY measure, subject, detail;

-- name: totals_of_steps
-- Sums of some measures since a moment, with their details.
SELECT measure, subject, detail, sum(value) AS value
FROM counts_by_step WHERE measure = ANY($1::text[]) AND at >= $2 AND seconds = $3 GROUP BY measure, subject, detail;

-- name: levels
-- The last known value of every level: of each process its newest, of several processes the highest.
SELECT measure, subject, max(value) AS value FROM (
    SELECT DISTINCT ON (measure, subject, process) measure, subject, value FROM counts_by_minute
    WHERE measure = ANY($1::text[]) AND minute > now() - interval '3 minutes'
    ORDER BY measure, subject, process, minute DESC
) newest GROUP BY measure, subject;
