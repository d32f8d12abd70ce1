-- name: lock_configuration
-- Lets one change of the configuration happen at a time, and reads the version before it.
SELECT configuration_version FROM installation FOR UPDATE;

-- name: raise_version
-- Marks the configuration as changed and tells every process that listens.
WITH raised AS (
    UPDATE installation SET configuration_version = configuration_version + 1 RETURNING configuration_version
)
SELECT configuration_version, pg_notify('headwater_configuration', configuration_version::text) FROM raised;

-- name: configuration_version
-- The newest version, read every second by every process.
SELECT configuration_version FROM installation;

-- name: installation
-- The account id for browser paths, the version, whether the first start is over, and the key of handed-over ids.
SELECT account_id, configuration_version, first_started_at, link_key FROM installation;

-- name: mark_first_start
-- Remembers that the first-start default was created.
UPDATE installation SET first_started_at = now();

-- name: insert_audit
-- Writes down one change.
INSERT INTO audit_log (actor, action, subject, before, after) VALUES ($1, $2, $3, $4, $5);

-- name: audit_entries
-- The newest changes, of one subject or all, older than a given entry.
SELECT id, at, actor, action, subject, before, after FROM audit_log
WHERE ($1::text IS NULL OR subject = $1) AND ($2::bigint IS NULL OR id < $2)
ORDER BY id DESC LIMIT $3;

-- name: pipelines
-- Every pipeline with its write keys, oldest first.
SELECT p.id, p.slug, p.name, p.enabled, p.allowed_origins, p.partial_batch_status, p.tag, p.created_at,
    coalesce(array_agg(k.key ORDER BY k.created_at, k.key) FILTER (WHERE k.key IS NOT NULL), '{}') AS write_keys
FROM pipelines p LEFT JOIN write_keys k ON k.pipeline_id = p.id
GROUP BY p.id ORDER BY p.created_at, p.slug;

-- name: pipeline
-- One pipeline by id or slug; the id wins.
SELECT p.id, p.slug, p.name, p.enabled, p.allowed_origins, p.partial_batch_status, p.tag, p.created_at,
    coalesce(array_agg(k.key ORDER BY k.created_at, k.key) FILTER (WHERE k.key IS NOT NULL), '{}') AS write_keys
FROM pipelines p LEFT JOIN write_keys k ON k.pipeline_id = p.id
WHERE p.id = $1 OR p.slug = $1
GROUP BY p.id ORDER BY p.id = $1 DESC LIMIT 1;

-- name: insert_pipeline
-- Creates a pipeline without write keys.
INSERT INTO pipelines (id, slug, name, enabled, allowed_origins, partial_batch_status, tag)
VALUES ($1, $2, $3, $4, $5, $6, $7);

-- name: update_pipeline
-- Replaces what people may change of a pipeline.
UPDATE pipelines SET slug = $2, name = $3, enabled = $4, allowed_origins = $5, partial_batch_status = $6, tag = $7
WHERE id = $1;

-- name: delete_pipeline
-- Removes a pipeline with its write keys, attachments and deployments.
DELETE FROM pipelines WHERE id = $1;

-- name: write_key_owner
-- The slug of the pipeline that has a write key.
SELECT p.slug FROM write_keys k JOIN pipelines p ON p.id = k.pipeline_id WHERE k.key = $1;

-- name: insert_write_key
-- Gives a pipeline one more write key; clock time keeps the order of several in one transaction.
INSERT INTO write_keys (key, pipeline_id, created_at) VALUES ($1, $2, clock_timestamp());

-- name: delete_write_key
-- Takes a write key from a pipeline.
DELETE FROM write_keys WHERE key = $1 AND pipeline_id = $2;

-- name: integrations
-- Every integration with the number of its newest revision, oldest first.
SELECT i.id, i.slug, i.name, i.created_at, coalesce(max(r.number), 0) AS latest_revision
FROM integrations i LEFT JOIN revisions r ON r.integration_id = i.id
GROUP BY i.id ORDER BY i.created_at, i.slug;

-- name: integration
-- One integration by id or slug; the id wins.
SELECT i.id, i.slug, i.name, i.created_at, coalesce(max(r.number), 0) AS latest_revision
FROM integrations i LEFT JOIN revisions r ON r.integration_id = i.id
WHERE i.id = $1 OR i.slug = $1
GROUP BY i.id ORDER BY i.id = $1 DESC LIMIT 1;

-- name: insert_integration
-- Creates an integration without a revision.
INSERT INTO integrations (id, slug, name) VALUES ($1, $2, $3);

-- name: rename_integration
-- Changes slug and name; revisions and attachments stay.
UPDATE integrations SET slug = $2, name = $3 WHERE id = $1;

-- name: delete_integration
-- Removes an integration that nothing uses, with its revisions and deployments.
DELETE FROM integrations WHERE id = $1;

-- name: users_of_integration
-- Slugs of the pipelines that an integration is attached to.
SELECT p.slug FROM attachments a JOIN pipelines p ON p.id = a.pipeline_id WHERE a.integration_id = $1 ORDER BY p.slug;

-- name: revision
-- One revision with its content, the newest when no number is given.
SELECT integration_id, number, content, note, created_at, created_by FROM revisions
WHERE integration_id = $1 AND ($2::integer IS NULL OR number = $2)
ORDER BY number DESC LIMIT 1;

-- name: revisions
-- The revisions of an integration without their kit files, newest first.
SELECT integration_id, number, jsonb_set(content, '{texts}', '{}') AS content, note, created_at, created_by
FROM revisions WHERE integration_id = $1 ORDER BY number DESC;

-- name: insert_revision
-- Saves a revision under the next number and returns it.
INSERT INTO revisions (integration_id, number, content, note, created_by)
SELECT $1, coalesce(max(number), 0) + 1, $2, $3, $4 FROM revisions WHERE integration_id = $1
RETURNING integration_id, number, content, note, created_at, created_by;

-- name: attachments
-- Every attachment with the slugs of both sides, of one pipeline or all, oldest first.
SELECT a.pipeline_id, p.slug AS pipeline, a.integration_id, i.slug AS integration, a.revision, a.enabled, a.attached_at,
    a.audiences
FROM attachments a JOIN pipelines p ON p.id = a.pipeline_id JOIN integrations i ON i.id = a.integration_id
WHERE $1::text IS NULL OR a.pipeline_id = $1
ORDER BY a.attached_at, p.slug, i.slug;

-- name: attachment
-- One attachment with the slugs of both sides.
SELECT a.pipeline_id, p.slug AS pipeline, a.integration_id, i.slug AS integration, a.revision, a.enabled, a.attached_at,
    a.audiences
FROM attachments a JOIN pipelines p ON p.id = a.pipeline_id JOIN integrations i ON i.id = a.integration_id
WHERE a.pipeline_id = $1 AND a.integration_id = $2;

-- name: insert_attachment
-- Lets a pipeline use a revision from now on.
INSERT INTO attachments (pipeline_id, integration_id, revision, enabled, audiences) VALUES ($1, $2, $3, $4, $5);

-- name: update_attachment
-- Changes which revision a pipeline uses and whether it delivers.
UPDATE attachments SET revision = $3, enabled = $4 WHERE pipeline_id = $1 AND integration_id = $2;

-- name: choose_audiences
-- Changes which audiences an attachment hears about.
UPDATE attachments SET audiences = $3 WHERE pipeline_id = $1 AND integration_id = $2;

-- name: forget_audience
-- Takes a deleted audience out of every choice; a choice of nothing else then lets nothing pass.
UPDATE attachments SET audiences = array_remove(audiences, $1) WHERE $1 = ANY (audiences);

-- name: audience_slugs
-- What people call each audience.
SELECT id, slug FROM audiences ORDER BY created, slug;

-- name: delete_attachment
-- Ends the use of an integration by a pipeline.
DELETE FROM attachments WHERE pipeline_id = $1 AND integration_id = $2;

-- name: insert_deployment
-- Remembers that a revision was put to use.
INSERT INTO deployments (pipeline_id, integration_id, revision, deployed_by) VALUES ($1, $2, $3, $4);

-- name: deployments
-- What was put to use on a pipeline, newest first.
SELECT d.id, i.slug AS integration, d.revision, d.deployed_at, d.deployed_by
FROM deployments d JOIN integrations i ON i.id = d.integration_id WHERE d.pipeline_id = $1 ORDER BY d.id DESC LIMIT $2;

-- name: revision_before
-- The newest revision below a given one that a pipeline ever used: where a roll back leads.
SELECT max(revision) FROM deployments WHERE pipeline_id = $1 AND integration_id = $2 AND revision < $3;

-- name: insert_token
-- Stores the hash of a new API token.
INSERT INTO api_tokens (id, name, hash, scopes, created_by) VALUES ($1, $2, $3, $4, $5)
RETURNING id, name, scopes, created_at, created_by, revoked_at;

-- name: tokens
-- Every API token, revoked ones too, oldest first; never the hash.
SELECT id, name, scopes, created_at, created_by, revoked_at FROM api_tokens ORDER BY created_at, id;

-- name: token
-- One API token by id; never the hash.
SELECT id, name, scopes, created_at, created_by, revoked_at FROM api_tokens WHERE id = $1;

-- name: revoke_token
-- Ends the use of an API token; the first time counts.
UPDATE api_tokens SET revoked_at = coalesce(revoked_at, now()) WHERE id = $1
RETURNING id, name, scopes, created_at, created_by, revoked_at;

-- name: snapshot_tokens
-- Hashes and scopes of the tokens that work.
SELECT id, name, hash, scopes FROM api_tokens WHERE revoked_at IS NULL;

-- name: snapshot_revisions
-- The attached revisions, apart from those that the caller already holds (given as "integration/number").
SELECT integration_id, number, content, note, created_at, created_by FROM revisions r
WHERE EXISTS (SELECT FROM attachments a WHERE a.integration_id = r.integration_id AND a.revision = r.number)
    AND NOT (integration_id || '/' || number::text) = ANY ($1::text[]);
