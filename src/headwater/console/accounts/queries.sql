-- name: people
-- Everybody, oldest first, with the time of their last request.
SELECT p.id, p.email, p.name, p.role, p.created_at, p.created_by, p.disabled_at,
    (SELECT max(s.seen_at) FROM sessions s WHERE s.person_id = p.id) AS seen_at
FROM people p ORDER BY p.created_at, p.email;

-- name: person
-- One person by id.
SELECT p.id, p.email, p.name, p.role, p.created_at, p.created_by, p.disabled_at,
    (SELECT max(s.seen_at) FROM sessions s WHERE s.person_id = p.id) AS seen_at
FROM people p WHERE p.id = $1;

-- name: person_by_email
-- Id and password of the person with this e-mail address, for signing in.
SELECT id, password_hash, disabled_at FROM people WHERE lower(email) = lower($1);

-- name: lock_people
-- Lets one change of people happen at a time, so that the last admin cannot be taken away twice at once.
LOCK TABLE people IN SHARE ROW EXCLUSIVE MODE;

-- name: insert_person
-- Adds somebody.
INSERT INTO people (id, email, name, role, password_hash, created_by) VALUES ($1, $2, $3, $4, $5, $6);

-- name: set_role
-- Changes what somebody may do.
UPDATE people SET role = $2 WHERE id = $1;

-- name: set_password
-- Replaces somebody's password.
UPDATE people SET password_hash = $2 WHERE id = $1;

-- name: set_disabled
-- Shuts somebody out, or lets them in again.
UPDATE people SET disabled_at = CASE WHEN $2 THEN now() END WHERE id = $1;

-- name: other_admins
-- How many admins could still sign in without this one.
SELECT count(*) FROM people WHERE role = 'admin' AND disabled_at IS NULL AND id <> $1;

-- name: anybody
-- Whether there is anybody at all.
SELECT EXISTS (SELECT FROM people);

-- name: insert_link
-- Keeps a one-time link.
INSERT INTO sign_in_links (id, hash, person_id, email, role, created_by, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, now() + make_interval(secs => $7));

-- name: end_links
-- Ends the unused links of one address: only the newest link works.
UPDATE sign_in_links SET used_at = now() WHERE lower(email) = lower($1) AND used_at IS NULL;

-- name: link
-- The link with this secret, while it can be used.
SELECT id, person_id, email, role, created_by, expires_at FROM sign_in_links
WHERE hash = $1 AND used_at IS NULL AND expires_at > now();

-- name: use_link
-- Uses a link up; returns nothing when somebody was faster.
UPDATE sign_in_links SET used_at = now() WHERE id = $1 AND used_at IS NULL RETURNING id;

-- name: open_links
-- Links that can still be used, newest first.
SELECT id, person_id, email, role, created_by, expires_at FROM sign_in_links
WHERE used_at IS NULL AND expires_at > now() ORDER BY created_at DESC;

-- name: end_link
-- Takes a link back.
UPDATE sign_in_links SET used_at = now() WHERE id = $1 AND used_at IS NULL RETURNING id, person_id, email, role, created_by, expires_at;

-- name: insert_session
-- Signs somebody in.
INSERT INTO sessions (hash, person_id, form_token, notice, address) VALUES ($1, $2, $3, $4, $5);

-- name: session
-- The session of a cookie with its person: not too old, not idle for too long, of somebody who may come in.
SELECT s.hash, s.form_token, s.notice, p.id, p.email, p.name, p.role,
    s.hash = $1 AND s.rotated_at < now() - make_interval(secs => $4) AS rotate,
    s.seen_at < now() - interval '1 minute' AS unseen
FROM sessions s JOIN people p ON p.id = s.person_id
WHERE (s.hash = $1 OR (s.previous_hash = $1 AND s.rotated_at > now() - interval '1 minute'))
    AND s.created_at > now() - make_interval(secs => $2) AND s.seen_at > now() - make_interval(secs => $3)
    AND p.disabled_at IS NULL;

-- name: see_session
-- Notes that a session is in use.
UPDATE sessions SET seen_at = now() WHERE hash = $1;

-- name: rotate_session
-- Gives a session a new secret; returns nothing when another request did so first.
UPDATE sessions SET hash = $2, previous_hash = hash, rotated_at = now(), seen_at = now() WHERE hash = $1 RETURNING hash;

-- name: set_notice
-- Leaves a word for the next page.
UPDATE sessions SET notice = $2 WHERE hash = $1;

-- name: clear_notice
-- Takes a word that a page has shown.
UPDATE sessions SET notice = NULL WHERE hash = $1 AND notice = $2;

-- name: end_session
-- Signs out.
DELETE FROM sessions WHERE hash = $1;

-- name: end_sessions
-- Signs somebody out everywhere.
DELETE FROM sessions WHERE person_id = $1;

-- name: end_old_sessions
-- Removes what cannot be used any more.
DELETE FROM sessions WHERE created_at < now() - make_interval(secs => $1) OR seen_at < now() - make_interval(secs => $2);
