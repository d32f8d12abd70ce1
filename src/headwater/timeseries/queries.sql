-- name: lock_counts
-- One process at a time rolls up, else two could each miss what the other one wrote.
SELECT pg_advisory_xact_lock(hashtext('headwater counts'));

-- name: write_minutes
-- Writes what one process counted in some minutes; again is harmless.
INSERT INTO counts_by_minute (minute, measure, subject, detail, process, value)
SELECT to_timestamp(minute * 60), measure, subject, detail, $1, value
FROM unnest($2::bigint[], $3::text[], $4::text[], $5::text[], $6::float8[]) AS given (minute, measure, subject, detail, value)
ON CONFLICT (minute, measure, subject, detail, process) DO UPDATE SET value = EXCLUDED.value;

-- name: roll_up
-- Computes the hours of these minutes anew from all their minutes.
INSERT INTO counts_by_hour (hour, measure, subject, detail, value)
SELECT touched.hour, m.measure, m.subject, m.detail,
    CASE WHEN m.measure = ANY($2::text[]) THEN max(m.value) ELSE sum(m.value) END
FROM (SELECT DISTINCT date_trunc('hour', to_timestamp(minute * 60)) AS hour FROM unnest($1::bigint[]) AS given (minute)) touched
JOIN counts_by_minute m ON m.minute >= touched.hour AND m.minute < touched.hour + interval '1 hour'
GROUP BY touched.hour, m.measure, m.subject, m.detail
ON CONFLICT (hour, measure, subject, detail) DO UPDATE SET value = EXCLUDED.value;

-- name: forget_minutes
-- Removes minutes that nobody asks for any more; their hours stay.
DELETE FROM counts_by_minute WHERE minute < now() - make_interval(hours => $1);

-- name: forget_hours
-- Removes hours that nobody asks for any more.
DELETE FROM counts_by_hour WHERE hour < now() - make_interval(days => $1);

-- name: series_of_minutes
-- Values of some measures in steps of some minutes: counts added up, of levels the highest.
SELECT measure, subject, date_bin(make_interval(secs => $3), minute, 'epoch') AS step,
    CASE WHEN measure = ANY($4::text[]) THEN max(value) ELSE sum(value) END AS value
FROM counts_by_minute WHERE measure = ANY($1::text[]) AND minute >= $2
GROUP BY measure, subject, step;

-- name: series_of_hours
-- Values of some measures in steps of some hours.
SELECT measure, subject, date_bin(make_interval(secs => $3), hour, 'epoch') AS step,
    CASE WHEN measure = ANY($4::text[]) THEN max(value) ELSE sum(value) END AS value
FROM counts_by_hour WHERE measure = ANY($1::text[]) AND hour >= $2
GROUP BY measure, subject, step;

-- name: totals_of_minutes
-- Sums of some measures since a moment, with their details.
SELECT measure, subject, detail, sum(value) AS value
FROM counts_by_minute WHERE measure = ANY($1::text[]) AND minute >= $2 GROUP BY measure, subject, detail;

-- name: totals_of_hours
-- Sums of some measures since a moment, with their details.
SELECT measure, subject, detail, sum(value) AS value
FROM counts_by_hour WHERE measure = ANY($1::text[]) AND hour >= $2 GROUP BY measure, subject, detail;

-- name: levels
-- The last known value of every level: of each process its newest, of several processes the highest.
SELECT measure, subject, max(value) AS value FROM (
    SELECT DISTINCT ON (measure, subject, process) measure, subject, value FROM counts_by_minute
    WHERE measure = ANY($1::text[]) AND minute > now() - interval '3 minutes'
    ORDER BY measure, subject, process, minute DESC
) newest GROUP BY measure, subject;

-- name: last_hours
-- When something was counted last, by subject.
SELECT subject, max(hour) AS hour FROM counts_by_hour WHERE measure = $1 GROUP BY subject;
