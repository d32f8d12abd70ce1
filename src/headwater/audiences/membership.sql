-- name: is_made
-- Whether the tables of memberships of this generation are there. to_regclass would answer from a cache that a
-- transaction does not renew, and not see what was made while it waited for the lock below.
SELECT EXISTS (SELECT FROM pg_tables WHERE schemaname = '{namespace}' AND tablename = 'memberships');

-- name: own_tables
-- One process at a time makes tables.
SELECT pg_advisory_xact_lock(hashtextextended('headwater audience tables', 0));

-- name: make_memberships
-- One row for each profile that is in an audience or waits for a moment. `next_moment` may be too early, never too late.
CREATE TABLE {namespace}.memberships (
    profile_id bytea PRIMARY KEY,
    audiences integer[] NOT NULL,
    next_moment timestamptz
) WITH (fillfactor = 80);

-- name: index_moments
-- Whose moment comes first.
CREATE INDEX memberships_due ON {namespace}.memberships (next_moment) WHERE next_moment IS NOT NULL;

-- name: make_transitions
-- Every entry and exit with its reason. Rows follow their profile when it is joined to another.
CREATE TABLE {namespace}.transitions (
    profile_id bytea NOT NULL,
    audience integer NOT NULL,
    at timestamptz NOT NULL,
    entered boolean NOT NULL,
    reason jsonb NOT NULL
);

-- name: index_transitions
-- The history of one profile.
CREATE INDEX transitions_of_profile ON {namespace}.transitions (profile_id, audience, at);

-- name: index_transition_times
-- Who entered or left lately: a few pages to read, and next to nothing to write.
CREATE INDEX transitions_by_time ON {namespace}.transitions USING brin (at) WITH (pages_per_range = 16, autosummarize = on);

-- name: make_sizes
-- Members by audience, up to the changes that were added up.
CREATE TABLE {namespace}.audience_sizes (
    audience integer PRIMARY KEY,
    members bigint NOT NULL
);

-- name: make_size_changes
-- What transactions changed in sizes since: one row each, so that they never wait for one another.
CREATE TABLE {namespace}.audience_size_changes (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    audiences integer[] NOT NULL,
    changes integer[] NOT NULL
);

-- name: memberships
-- The audiences of profiles, and when time may change them.
SELECT profile_id, audiences, next_moment FROM {namespace}.memberships WHERE profile_id = ANY($1::bytea[]);

-- name: profile_with_audiences
-- The profile that an identifier is in with its audiences; the version of the audiences that these numbers are of, and the generation that is
-- live, to notice that another one should have been asked.
SELECT g.number AS generation, g.revision, s.version, p.id, p.component, p.fields, p.modified, p.health, p.reasons, m.audiences
FROM audience_state s
LEFT JOIN profile_generations g ON g.state = 'live'
LEFT JOIN {namespace}.identifiers i ON i.id = $1
LEFT JOIN {namespace}.profiles p ON p.id = i.profile_id
LEFT JOIN {namespace}.memberships m ON m.profile_id = p.id;

-- name: write
-- Everything that a batch decided, in one statement because each one is a journey: memberships as they are now, moments alone where
-- only these are others, profiles that are gone or in nothing, entries and exits, how sizes change, and what is announced.
WITH members AS (
    INSERT INTO {namespace}.memberships (profile_id, audiences, next_moment)
    SELECT profile_id, audiences::integer[], next_moment
    FROM unnest($1::bytea[], $2::text[], $3::timestamptz[]) AS written (profile_id, audiences, next_moment)
    ON CONFLICT (profile_id) DO UPDATE SET audiences = excluded.audiences, next_moment = excluded.next_moment
), moments AS (
    UPDATE {namespace}.memberships AS held SET next_moment = written.next_moment
    FROM unnest($4::bytea[], $5::timestamptz[]) AS written (profile_id, next_moment) WHERE held.profile_id = written.profile_id
), gone AS (
    DELETE FROM {namespace}.memberships WHERE profile_id = ANY($6::bytea[])
), history AS (
    INSERT INTO {namespace}.transitions (profile_id, audience, at, entered, reason)
    SELECT profile_id, audience, at, entered, reason::jsonb
    FROM unnest($7::bytea[], $8::integer[], $9::timestamptz[], $10::boolean[], $11::text[])
        AS added (profile_id, audience, at, entered, reason)
), sizes AS (
    INSERT INTO {namespace}.audience_size_changes (audiences, changes) SELECT $12, $13 WHERE cardinality($12::integer[]) > 0
)
INSERT INTO outbox (pipeline_id, message_id, user_key, data)
SELECT $14, message_id, user_key, data::jsonb
FROM unnest($15::text[], $16::text[], $17::text[]) AS announced (message_id, user_key, data);

-- name: move_transitions
-- The history of profiles that were joined to others.
UPDATE {namespace}.transitions AS held SET profile_id = moved.new_id
FROM unnest($1::bytea[], $2::bytea[]) AS moved (old_id, new_id) WHERE held.profile_id = moved.old_id;

-- name: copy_transitions
-- The history that a profile took along when it was taken out of another.
INSERT INTO {namespace}.transitions (profile_id, audience, at, entered, reason)
SELECT copied.new_id, held.audience, held.at, held.entered, held.reason
FROM unnest($1::bytea[], $2::bytea[]) AS copied (old_id, new_id)
JOIN {namespace}.transitions AS held ON held.profile_id = copied.old_id;

-- name: delete_transitions
-- The history of profiles that are to be forgotten.
DELETE FROM {namespace}.transitions WHERE profile_id = ANY($1::bytea[]);

-- name: transitions
-- The history of one profile, the oldest first.
SELECT audience, at, entered, reason FROM {namespace}.transitions WHERE profile_id = $1 ORDER BY at, entered;

-- name: latest_transitions
-- Entries and exits of one audience since a moment, the newest first, with the fields of whoever is still known.
SELECT t.profile_id, t.at, t.entered, t.reason, p.fields FROM (
    SELECT profile_id, at, entered, reason FROM {namespace}.transitions
    WHERE at >= $2 AND audience = $1 ORDER BY at DESC LIMIT $3
) AS t LEFT JOIN {namespace}.profiles AS p ON p.id = t.profile_id ORDER BY t.at DESC;

-- name: add_up_sizes
-- Adds changes to the sizes and forgets them; returns how many rows were taken.
WITH taken AS (
    DELETE FROM {namespace}.audience_size_changes
    WHERE id IN (SELECT id FROM {namespace}.audience_size_changes ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED)
    RETURNING audiences, changes
), summed AS (
    INSERT INTO {namespace}.audience_sizes AS held (audience, members)
    SELECT audience, sum(change) FROM taken, unnest(taken.audiences, taken.changes) AS each (audience, change)
    GROUP BY audience ORDER BY audience
    ON CONFLICT (audience) DO UPDATE SET members = held.members + excluded.members
)
SELECT count(*) FROM taken;

-- name: sizes
-- The exact number of members of each audience.
SELECT audience, sum(members)::bigint AS members FROM (
    SELECT audience, members FROM {namespace}.audience_sizes
    UNION ALL
    SELECT each.audience, each.change
    FROM {namespace}.audience_size_changes AS changed, unnest(changed.audiences, changed.changes) AS each (audience, change)
) AS every GROUP BY audience;

-- name: forget_sizes
-- A deleted audience has no size.
DELETE FROM {namespace}.audience_sizes WHERE audience = ANY($1::integer[]);

-- name: fields_of
-- Profiles by id, with the component that locks them: that of the identifier which founded them, whose id they have.
SELECT p.id, i.component, p.fields FROM {namespace}.profiles AS p
JOIN {namespace}.identifiers AS i ON i.id = p.id WHERE p.id = ANY($1::bytea[]);

-- name: due
-- Profiles whose moment has come, the earliest first; locks their components unless somebody else works on them.
SELECT m.profile_id, c.id AS component
FROM {namespace}.memberships AS m
JOIN {namespace}.identifiers AS i ON i.id = m.profile_id
JOIN {namespace}.components AS c ON c.id = i.component
WHERE m.next_moment <= $1 ORDER BY m.next_moment LIMIT $2
FOR UPDATE OF c SKIP LOCKED;

-- name: next_due
-- When the next moment comes.
SELECT next_moment FROM {namespace}.memberships WHERE next_moment IS NOT NULL ORDER BY next_moment LIMIT 1;

-- name: page_of_profiles
-- The next profiles after an id, with the components that lock them.
SELECT p.id, i.component FROM {namespace}.profiles AS p JOIN {namespace}.identifiers AS i ON i.id = p.id
WHERE p.id > $1 AND ($2::bytea IS NULL OR p.id <= $2) ORDER BY p.id LIMIT $3;

-- name: lock_components
-- Keeps builders from changing these profiles, in the order in which builders lock.
SELECT id FROM {namespace}.components WHERE id = ANY($1::bigint[]) ORDER BY id FOR UPDATE;

-- name: profiles_between
-- Profiles as they are now that their components are locked.
SELECT p.id, p.fields FROM {namespace}.profiles AS p JOIN {namespace}.identifiers AS i ON i.id = p.id
WHERE p.id > $1 AND p.id <= $2 AND i.component = ANY($3::bigint[]);

-- name: count_profiles
-- How many profiles there are.
SELECT count(*) FROM {namespace}.profiles;

-- name: members
-- Everybody who is in all of some audiences: reads all memberships, side by side where PostgreSQL has processes to spare.
SELECT profile_id FROM {namespace}.memberships WHERE audiences @> $1::integer[];

-- name: page_of_members
-- The next members of some audiences after an id, with the components that lock them.
SELECT m.profile_id AS id, i.component FROM {namespace}.memberships AS m
JOIN {namespace}.identifiers AS i ON i.id = m.profile_id
WHERE m.profile_id > $1 AND m.audiences && $2::integer[] ORDER BY m.profile_id LIMIT $3;
