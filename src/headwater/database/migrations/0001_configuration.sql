-- Pipelines, integrations with their revisions, API tokens, and who changed what.

CREATE TABLE installation (
    singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    -- Public: browsers carry it in the path of the pixel and of the Lytics tag.
    account_id text NOT NULL,
    -- Raised by every change of the tables below, in the same transaction; processes compare it with what they hold.
    configuration_version bigint NOT NULL DEFAULT 0,
    -- Set once, when the first-start default was created, so that a deleted default does not come back.
    first_started_at timestamptz
);

INSERT INTO installation (account_id) VALUES (replace(gen_random_uuid()::text, '-', ''));

CREATE TABLE pipelines (
    id text PRIMARY KEY,
    slug text NOT NULL UNIQUE,
    name text NOT NULL,
    enabled boolean NOT NULL,
    allowed_origins text[] NOT NULL,
    partial_batch_status integer NOT NULL CHECK (partial_batch_status IN (200, 207)),
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE write_keys (
    key text PRIMARY KEY,
    pipeline_id text NOT NULL REFERENCES pipelines ON DELETE CASCADE,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX write_keys_pipeline ON write_keys (pipeline_id);

CREATE TABLE integrations (
    id text PRIMARY KEY,
    slug text NOT NULL UNIQUE,
    name text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);

-- A revision is complete in itself: a later library cannot change what is delivered.
CREATE TABLE revisions (
    integration_id text NOT NULL REFERENCES integrations ON DELETE CASCADE,
    number integer NOT NULL CHECK (number > 0),
    content jsonb NOT NULL,
    note text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by text NOT NULL,
    PRIMARY KEY (integration_id, number)
);

CREATE FUNCTION refuse_update() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'rows of % never change', TG_TABLE_NAME;
END
$$;

CREATE TRIGGER revisions_never_change BEFORE UPDATE ON revisions
FOR EACH ROW EXECUTE FUNCTION refuse_update();

-- Which revision of an integration a pipeline uses.
CREATE TABLE attachments (
    pipeline_id text NOT NULL REFERENCES pipelines ON DELETE CASCADE,
    integration_id text NOT NULL,
    revision integer NOT NULL,
    enabled boolean NOT NULL,
    attached_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (pipeline_id, integration_id),
    FOREIGN KEY (integration_id, revision) REFERENCES revisions (integration_id, number)
);

CREATE INDEX attachments_revision ON attachments (integration_id, revision);

CREATE TABLE deployments (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    pipeline_id text NOT NULL REFERENCES pipelines ON DELETE CASCADE,
    integration_id text NOT NULL REFERENCES integrations ON DELETE CASCADE,
    revision integer NOT NULL,
    deployed_at timestamptz NOT NULL DEFAULT now(),
    deployed_by text NOT NULL
);

CREATE INDEX deployments_pair ON deployments (pipeline_id, integration_id, revision);

CREATE TABLE api_tokens (
    id text PRIMARY KEY,
    name text NOT NULL,
    -- SHA-256 of the token; the token itself is shown once and kept nowhere.
    hash bytea NOT NULL UNIQUE CHECK (octet_length(hash) = 32),
    scopes text[] NOT NULL CHECK (cardinality(scopes) > 0),
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by text NOT NULL,
    revoked_at timestamptz
);

CREATE TABLE audit_log (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT now(),
    actor text NOT NULL,
    action text NOT NULL,
    subject text NOT NULL,
    before jsonb,
    after jsonb
);

CREATE INDEX audit_log_subject ON audit_log (subject, id);

CREATE TRIGGER audit_log_never_changes BEFORE UPDATE ON audit_log
FOR EACH ROW EXECUTE FUNCTION refuse_update();
