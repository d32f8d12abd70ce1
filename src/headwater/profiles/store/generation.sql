-- The tables of one generation; `{namespace}` is its database schema.
-- Rows that change all the time have room on their pages, so that indexes need not change with them.
CREATE SCHEMA {namespace};

CREATE SEQUENCE {namespace}.component_numbers INCREMENT BY 1000;

-- Every identifier that was ever seen. Its id is also the id that its profile may have had: any old id leads to `profile_id`.
CREATE TABLE {namespace}.identifiers (
    id bytea PRIMARY KEY,
    type text NOT NULL,
    value text NOT NULL,
    component bigint NOT NULL,
    profile_id bytea NOT NULL
) WITH (fillfactor = 90);
CREATE INDEX identifiers_value ON {namespace}.identifiers (value text_pattern_ops);

-- Identifiers that links connect, and all these links: what is decided about together, and what is locked.
CREATE TABLE {namespace}.components (
    id bigint PRIMARY KEY,
    body bytea NOT NULL
) WITH (fillfactor = 70);

-- An alarmed identifier is a component of its own; here is who has links to it.
CREATE TABLE {namespace}.borders (
    alarmed bytea NOT NULL,
    neighbour bytea NOT NULL,
    PRIMARY KEY (alarmed, neighbour)
);

-- Merge states by identifier; slot -1: no session slot.
CREATE TABLE {namespace}.fragments (
    id bytea NOT NULL,
    slot bigint NOT NULL,
    body bytea NOT NULL,
    PRIMARY KEY (id, slot)
) WITH (fillfactor = 70);

-- What people read: the fold of fragments. `modified` is epoch milliseconds of the latest event.
CREATE TABLE {namespace}.profiles (
    id bytea PRIMARY KEY,
    component bigint NOT NULL,
    fields jsonb NOT NULL,
    modified bigint NOT NULL,
    health text NOT NULL,
    reasons text[] NOT NULL
) WITH (fillfactor = 70);
CREATE INDEX profiles_unhealthy ON {namespace}.profiles (health) WHERE health <> 'healthy';

-- Every message that was applied: counts once for ever. Also the timeline; bodies are in the log and in the archive.
CREATE TABLE {namespace}.messages (
    key uuid PRIMARY KEY,
    fragment bytea,
    at bigint NOT NULL,
    sequence bigint NOT NULL,
    stream text NOT NULL,
    name text NOT NULL
);
CREATE INDEX messages_timeline ON {namespace}.messages (fragment, at DESC) WHERE fragment IS NOT NULL;

-- The last record of the log that is in these tables.
CREATE TABLE {namespace}.positions (
    partition integer PRIMARY KEY,
    sequence bigint NOT NULL
);

-- Which attachments of pipelines the positions allow for: a new one sets them back to its first record.
CREATE TABLE {namespace}.attachments (
    pipeline_id text NOT NULL,
    integration_id text NOT NULL,
    attached_at timestamptz NOT NULL,
    PRIMARY KEY (pipeline_id, integration_id, attached_at)
);

-- What did not go into profiles, and why.
CREATE TABLE {namespace}.drops (
    kind text NOT NULL,
    field text NOT NULL,
    reason text NOT NULL,
    count bigint NOT NULL,
    message_id text NOT NULL,
    example text NOT NULL,
    PRIMARY KEY (kind, field, reason)
);
