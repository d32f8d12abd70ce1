-- name: pair_profiles
-- Which profile of the new generation continues which of the old one: they have an identifier in common.
CREATE TEMPORARY TABLE succession ON COMMIT DROP AS
SELECT DISTINCT o.profile_id AS old_id, n.profile_id AS new_id
FROM {before}.identifiers AS o JOIN {after}.identifiers AS n ON n.id = o.id;

-- name: know_pairs
-- Tells the server how many there are.
ANALYZE succession;

-- name: carry_memberships
-- A profile is in every audience that one of those which it continues was in, until it is asked.
INSERT INTO {after}.memberships (profile_id, audiences, next_moment)
SELECT s.new_id, coalesce(array_agg(DISTINCT each.number ORDER BY each.number) FILTER (WHERE each.number IS NOT NULL), '{}'),
    min(m.next_moment)
FROM succession AS s
JOIN {before}.memberships AS m ON m.profile_id = s.old_id
LEFT JOIN LATERAL unnest(m.audiences) AS each (number) ON true
GROUP BY s.new_id;

-- name: carry_transitions
-- Entries and exits of the profiles that it continues are its own.
INSERT INTO {after}.transitions (profile_id, audience, at, entered, reason)
SELECT s.new_id, t.audience, t.at, t.entered, t.reason
FROM succession AS s JOIN {before}.transitions AS t ON t.profile_id = s.old_id;

-- name: count_members
-- Sizes of audiences as they are then.
INSERT INTO {after}.audience_sizes (audience, members)
SELECT each.number, count(*) FROM {after}.memberships AS m, unnest(m.audiences) AS each (number) GROUP BY each.number;

-- name: numbers
-- All audiences.
SELECT coalesce(array_agg(number ORDER BY number), '{}') FROM audiences;
