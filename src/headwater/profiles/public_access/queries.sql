-- name: public_access
-- The rules in force.
SELECT enabled, domains, fields, lookup_fields, timeout_milliseconds, requests_per_minute FROM public_access;

-- name: update_public_access
-- Replaces the rules.
UPDATE public_access SET enabled = $1, domains = $2, fields = $3, lookup_fields = $4, timeout_milliseconds = $5,
    requests_per_minute = $6;
