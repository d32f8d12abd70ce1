-- The whole schema after all migrations, for reading and for comparison. Written by
-- HEADWATER_WRITE_SCHEMA=1 pytest tests/database/test_database_schema.py
-- Do not edit: add a migration and write it anew.

COMMENT ON SCHEMA public IS 'standard public schema';

CREATE FUNCTION public.announce_outbox() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    PERFORM pg_notify('headwater_outbox', '');
    RETURN NULL;
END
$$;

CREATE FUNCTION public.forget_event_examples() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    DELETE FROM event_examples WHERE sequence IN (SELECT sequence FROM erased);
    RETURN NULL;
END
$$;

CREATE FUNCTION public.refuse_update() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    RAISE EXCEPTION 'rows of % never change', TG_TABLE_NAME;
END
$$;

CREATE FUNCTION public.share_audiences(OUT version bigint, OUT filling integer[], OUT quiet integer[]) RETURNS record
    LANGUAGE plpgsql
    AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(hashtextextended('headwater audiences', 0));
    -- Statements of their own: they see what was committed while the lock was waited for.
    SELECT s.version INTO version FROM audience_state s;
    SELECT coalesce(array_agg(number), '{}'), coalesce(array_agg(number) FILTER (WHERE NOT f.with_events), '{}')
    INTO filling, quiet FROM audience_fills f, unnest(f.audiences) AS number WHERE f.finished IS NULL;
END
$$;

CREATE TABLE public.api_tokens (
    id text NOT NULL,
    name text NOT NULL,
    hash bytea NOT NULL,
    scopes text[] NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    created_by text NOT NULL,
    revoked_at timestamp with time zone,
    CONSTRAINT api_tokens_hash_check CHECK ((octet_length(hash) = 32)),
    CONSTRAINT api_tokens_scopes_check CHECK ((cardinality(scopes) > 0))
);

CREATE TABLE public.archive_files (
    path text NOT NULL,
    day date NOT NULL,
    kind text NOT NULL,
    source text NOT NULL,
    first_sequence bigint NOT NULL,
    last_sequence bigint NOT NULL,
    first_stored_at timestamp with time zone NOT NULL,
    last_stored_at timestamp with time zone NOT NULL,
    rows bigint NOT NULL,
    bytes bigint NOT NULL,
    sha256 text NOT NULL,
    written_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT archive_files_check CHECK ((last_sequence >= first_sequence)),
    CONSTRAINT archive_files_kind_check CHECK ((kind = ANY (ARRAY['event'::text, 'stream'::text]))),
    CONSTRAINT archive_files_rows_check CHECK ((rows > 0))
);

CREATE TABLE public.archive_forgotten (
    sequence bigint NOT NULL,
    asked_at timestamp with time zone DEFAULT now() NOT NULL,
    left_log_at timestamp with time zone,
    done_at timestamp with time zone,
    message text
);

CREATE TABLE public.archive_gaps (
    first_sequence bigint NOT NULL,
    last_sequence bigint NOT NULL,
    reason text NOT NULL,
    noticed_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT archive_gaps_check CHECK ((last_sequence >= first_sequence)),
    CONSTRAINT archive_gaps_reason_check CHECK ((reason = ANY (ARRAY['expired'::text, 'deleted'::text, 'unreadable'::text])))
);

CREATE TABLE public.archive_position (
    one boolean DEFAULT true NOT NULL,
    sequence bigint NOT NULL,
    CONSTRAINT archive_position_one_check CHECK (one)
);

CREATE TABLE public.archive_removals (
    path text NOT NULL,
    state text NOT NULL,
    due timestamp with time zone NOT NULL,
    CONSTRAINT archive_removals_state_check CHECK ((state = ANY (ARRAY['announced'::text, 'condemned'::text])))
);

CREATE TABLE public.attachments (
    pipeline_id text NOT NULL,
    integration_id text NOT NULL,
    revision integer NOT NULL,
    enabled boolean NOT NULL,
    attached_at timestamp with time zone DEFAULT now() NOT NULL,
    audiences text[]
);

CREATE TABLE public.audience_fills (
    id bigint NOT NULL,
    audiences integer[] NOT NULL,
    deleted integer[] NOT NULL,
    with_events boolean NOT NULL,
    generation integer DEFAULT 0 NOT NULL,
    cursor bytea DEFAULT '\x'::bytea NOT NULL,
    total bigint DEFAULT 0 NOT NULL,
    asked bigint DEFAULT 0 NOT NULL,
    entered bigint DEFAULT 0 NOT NULL,
    exited bigint DEFAULT 0 NOT NULL,
    created timestamp with time zone DEFAULT now() NOT NULL,
    finished timestamp with time zone
);

ALTER TABLE public.audience_fills ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.audience_fills_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.audience_size_history (
    audience_id text NOT NULL,
    hour timestamp with time zone NOT NULL,
    size bigint NOT NULL
);

CREATE TABLE public.audience_state (
    singleton boolean DEFAULT true NOT NULL,
    version bigint DEFAULT 0 NOT NULL,
    defaults_created boolean DEFAULT false NOT NULL,
    CONSTRAINT audience_state_singleton_check CHECK (singleton)
);

CREATE TABLE public.audience_subscriptions (
    id text NOT NULL,
    name text NOT NULL,
    description text NOT NULL,
    segment_ids text[] NOT NULL,
    segment_ql text NOT NULL,
    user_fields text[] NOT NULL,
    webhook_url text NOT NULL,
    headers text[] NOT NULL,
    told bytea,
    integration_id text NOT NULL,
    author text NOT NULL,
    created timestamp with time zone NOT NULL,
    updated timestamp with time zone NOT NULL
);

CREATE TABLE public.audience_versions (
    audience_id text NOT NULL,
    number integer NOT NULL,
    segment_ql text NOT NULL,
    changed_at timestamp with time zone NOT NULL,
    changed_by text NOT NULL,
    CONSTRAINT audience_versions_number_check CHECK ((number > 0))
);

CREATE TABLE public.audiences (
    id text NOT NULL,
    number integer NOT NULL,
    slug text NOT NULL,
    name text NOT NULL,
    segment_ql text NOT NULL,
    version integer NOT NULL,
    table_name text NOT NULL,
    kind text NOT NULL,
    description text NOT NULL,
    tags text[] NOT NULL,
    groups text[] NOT NULL,
    is_public boolean NOT NULL,
    save_hist boolean NOT NULL,
    emit_trigger boolean NOT NULL,
    event_fields text[] NOT NULL,
    author text NOT NULL,
    created timestamp with time zone NOT NULL,
    updated timestamp with time zone NOT NULL
);

ALTER TABLE public.audiences ALTER COLUMN number ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.audiences_number_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.audit_log (
    id bigint NOT NULL,
    at timestamp with time zone DEFAULT now() NOT NULL,
    actor text NOT NULL,
    action text NOT NULL,
    subject text NOT NULL,
    before jsonb,
    after jsonb
);

ALTER TABLE public.audit_log ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.audit_log_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.counts_by_minute (
    minute timestamp with time zone NOT NULL,
    measure text NOT NULL,
    subject text NOT NULL,
    detail text NOT NULL,
    process text NOT NULL,
    value double precision NOT NULL
);

CREATE TABLE public.counts_by_step (
    seconds integer NOT NULL,
    at timestamp with time zone NOT NULL,
    measure text NOT NULL,
    subject text NOT NULL,
    detail text NOT NULL,
    value double precision NOT NULL
);

CREATE TABLE public.dead_letters (
    id bigint NOT NULL,
    pipeline_id text NOT NULL,
    integration_id text NOT NULL,
    revision integer NOT NULL,
    message_id text NOT NULL,
    piece integer NOT NULL,
    reason text NOT NULL,
    attempts integer NOT NULL,
    first_seen timestamp with time zone NOT NULL,
    failed_at timestamp with time zone NOT NULL,
    record bytea NOT NULL,
    request jsonb NOT NULL,
    reply jsonb,
    state text DEFAULT 'waiting'::text NOT NULL,
    state_changed_at timestamp with time zone,
    state_changed_by text,
    CONSTRAINT dead_letters_state_check CHECK ((state = ANY (ARRAY['waiting'::text, 'replayed'::text, 'discarded'::text])))
);

ALTER TABLE public.dead_letters ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.dead_letters_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.deployments (
    id bigint NOT NULL,
    pipeline_id text NOT NULL,
    integration_id text NOT NULL,
    revision integer NOT NULL,
    deployed_at timestamp with time zone DEFAULT now() NOT NULL,
    deployed_by text NOT NULL
);

ALTER TABLE public.deployments ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.deployments_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.erased_identifiers (
    id bytea NOT NULL,
    erasure uuid NOT NULL,
    until_sequence bigint NOT NULL,
    records_too boolean NOT NULL
);

CREATE TABLE public.erased_records (
    erasure uuid NOT NULL,
    sequence bigint NOT NULL
);

CREATE TABLE public.erasure_traces (
    erasure uuid NOT NULL,
    kind text NOT NULL,
    type text DEFAULT ''::text NOT NULL,
    value text NOT NULL,
    CONSTRAINT erasure_traces_kind_check CHECK ((kind = ANY (ARRAY['identifier'::text, 'profile'::text, 'message'::text])))
);

CREATE TABLE public.erasures (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    records_too boolean NOT NULL,
    until_sequence bigint NOT NULL,
    requested_by text NOT NULL,
    requested_at timestamp with time zone DEFAULT now() NOT NULL,
    completed_at timestamp with time zone,
    sweep_until bigint,
    swept_to bigint DEFAULT 0 NOT NULL
);

CREATE TABLE public.event_examples (
    id bigint NOT NULL,
    pipeline_id text NOT NULL,
    title text NOT NULL,
    event jsonb NOT NULL,
    sequence bigint NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    created_by text NOT NULL
);

ALTER TABLE public.event_examples ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.event_examples_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.identity_decisions (
    id bigint NOT NULL,
    kind text NOT NULL,
    left_type text NOT NULL,
    left_value text NOT NULL,
    right_type text,
    right_value text,
    decided_by text NOT NULL,
    decided_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    note text DEFAULT ''::text NOT NULL,
    undone_by text,
    undone_at timestamp with time zone,
    CONSTRAINT identity_decisions_check CHECK (((right_type IS NULL) = (right_value IS NULL))),
    CONSTRAINT identity_decisions_check1 CHECK (((right_type IS NULL) = (kind = 'value blocked'::text))),
    CONSTRAINT identity_decisions_kind_check CHECK ((kind = ANY (ARRAY['allowed'::text, 'kept apart'::text, 'value blocked'::text])))
);

ALTER TABLE public.identity_decisions ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.identity_decisions_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.installation (
    singleton boolean DEFAULT true NOT NULL,
    account_id text NOT NULL,
    configuration_version bigint DEFAULT 0 NOT NULL,
    first_started_at timestamp with time zone,
    link_key bytea DEFAULT sha256(convert_to(((gen_random_uuid())::text || (gen_random_uuid())::text), 'UTF8'::name)) NOT NULL,
    CONSTRAINT installation_singleton_check CHECK (singleton)
);

CREATE TABLE public.integrations (
    id text NOT NULL,
    slug text NOT NULL,
    name text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);

CREATE TABLE public.letter_runs (
    id bigint NOT NULL,
    action text NOT NULL,
    ids bigint[],
    pipeline_id text,
    integration_id text,
    reason text,
    up_to bigint NOT NULL,
    total bigint NOT NULL,
    started_at timestamp with time zone DEFAULT now() NOT NULL,
    started_by text NOT NULL,
    beat_at timestamp with time zone,
    finished_at timestamp with time zone,
    CONSTRAINT letter_runs_action_check CHECK ((action = ANY (ARRAY['replay'::text, 'discard'::text])))
);

ALTER TABLE public.letter_runs ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.letter_runs_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.observed_fields (
    stream text NOT NULL,
    name text NOT NULL,
    count bigint NOT NULL,
    kinds jsonb NOT NULL,
    example text NOT NULL,
    first_seen timestamp with time zone NOT NULL,
    last_seen timestamp with time zone NOT NULL
);

CREATE TABLE public.outbox (
    id bigint NOT NULL,
    pipeline_id text NOT NULL,
    message_id text NOT NULL,
    user_key text NOT NULL,
    data jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    attempted_at timestamp with time zone
);

ALTER TABLE public.outbox ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.outbox_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.people (
    id text NOT NULL,
    email text NOT NULL,
    name text NOT NULL,
    role text NOT NULL,
    password_hash text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    created_by text NOT NULL,
    disabled_at timestamp with time zone,
    CONSTRAINT people_role_check CHECK ((role = ANY (ARRAY['viewer'::text, 'editor'::text, 'admin'::text])))
);

CREATE TABLE public.pipelines (
    id text NOT NULL,
    slug text NOT NULL,
    name text NOT NULL,
    enabled boolean NOT NULL,
    allowed_origins text[] NOT NULL,
    partial_batch_status integer NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    tag jsonb DEFAULT '{}'::jsonb NOT NULL,
    CONSTRAINT pipelines_partial_batch_status_check CHECK ((partial_batch_status = ANY (ARRAY[200, 207])))
);

CREATE TABLE public.profile_generations (
    number integer NOT NULL,
    state text NOT NULL,
    schema_version text NOT NULL,
    schema jsonb NOT NULL,
    revision integer DEFAULT 1 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT profile_generations_number_check CHECK ((number > 0)),
    CONSTRAINT profile_generations_state_check CHECK ((state = ANY (ARRAY['building'::text, 'live'::text, 'retired'::text])))
);

CREATE TABLE public.profile_rebuilds (
    generation integer NOT NULL,
    schema_version text NOT NULL,
    quiet boolean NOT NULL,
    requested_by text NOT NULL,
    requested_at timestamp with time zone DEFAULT now() NOT NULL,
    fault text DEFAULT ''::text NOT NULL,
    "position" bigint DEFAULT 0 NOT NULL,
    outcome text,
    finished_at timestamp with time zone,
    CONSTRAINT profile_rebuilds_check CHECK (((outcome IS NULL) = (finished_at IS NULL))),
    CONSTRAINT profile_rebuilds_outcome_check CHECK ((outcome = ANY (ARRAY['live'::text, 'cancelled'::text])))
);

CREATE TABLE public.profile_settings (
    singleton boolean DEFAULT true NOT NULL,
    secret bytea DEFAULT sha256(convert_to(((gen_random_uuid())::text || (gen_random_uuid())::text), 'UTF8'::name)) NOT NULL,
    decisions_version bigint DEFAULT 0 NOT NULL,
    CONSTRAINT profile_settings_singleton_check CHECK (singleton)
);

CREATE TABLE public.public_access (
    singleton boolean DEFAULT true NOT NULL,
    enabled boolean NOT NULL,
    domains text[] NOT NULL,
    fields text[] NOT NULL,
    lookup_fields text[] NOT NULL,
    timeout_milliseconds integer NOT NULL,
    requests_per_minute integer NOT NULL,
    CONSTRAINT public_access_requests_per_minute_check CHECK ((requests_per_minute > 0)),
    CONSTRAINT public_access_singleton_check CHECK (singleton),
    CONSTRAINT public_access_timeout_milliseconds_check CHECK (((timeout_milliseconds >= 1) AND (timeout_milliseconds <= 60000)))
);

CREATE TABLE public.revisions (
    integration_id text NOT NULL,
    number integer NOT NULL,
    content jsonb NOT NULL,
    note text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    created_by text NOT NULL,
    CONSTRAINT revisions_number_check CHECK ((number > 0))
);

CREATE TABLE public.schema_draft (
    singleton boolean DEFAULT true NOT NULL,
    content jsonb NOT NULL,
    revision bigint NOT NULL,
    authors text[] NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT schema_draft_singleton_check CHECK (singleton)
);

CREATE SEQUENCE public.schema_draft_revisions
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

CREATE TABLE public.schema_live (
    singleton boolean DEFAULT true NOT NULL,
    number integer NOT NULL,
    since timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT schema_live_singleton_check CHECK (singleton)
);

CREATE TABLE public.schema_migrations (
    number integer NOT NULL,
    title text NOT NULL,
    checksum text NOT NULL,
    applied_at timestamp with time zone DEFAULT now() NOT NULL
);

CREATE TABLE public.schema_patches (
    id text NOT NULL,
    description text NOT NULL,
    edit jsonb NOT NULL,
    author text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL
);

CREATE TABLE public.schema_statements (
    alias text NOT NULL,
    id text NOT NULL,
    text text NOT NULL,
    author text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL
);

CREATE TABLE public.schema_versions (
    number integer NOT NULL,
    content jsonb NOT NULL,
    tag text NOT NULL,
    description text NOT NULL,
    author text NOT NULL,
    effect text NOT NULL,
    published_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT schema_versions_effect_check CHECK ((effect = ANY (ARRAY['none'::text, 'new events'::text, 'identity'::text, 'rebuild'::text]))),
    CONSTRAINT schema_versions_number_check CHECK ((number > 0))
);

CREATE TABLE public.sessions (
    hash bytea NOT NULL,
    previous_hash bytea,
    person_id text NOT NULL,
    form_token text NOT NULL,
    notice text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    rotated_at timestamp with time zone DEFAULT now() NOT NULL,
    seen_at timestamp with time zone DEFAULT now() NOT NULL,
    address text NOT NULL,
    CONSTRAINT sessions_hash_check CHECK ((octet_length(hash) = 32))
);

CREATE TABLE public.sign_in_links (
    id text NOT NULL,
    hash bytea NOT NULL,
    person_id text,
    email text NOT NULL,
    role text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    created_by text NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    used_at timestamp with time zone,
    CONSTRAINT sign_in_links_hash_check CHECK ((octet_length(hash) = 32)),
    CONSTRAINT sign_in_links_role_check CHECK ((role = ANY (ARRAY['viewer'::text, 'editor'::text, 'admin'::text])))
);

CREATE TABLE public.write_keys (
    key text NOT NULL,
    pipeline_id text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);

ALTER TABLE ONLY public.api_tokens
    ADD CONSTRAINT api_tokens_hash_key UNIQUE (hash);

ALTER TABLE ONLY public.api_tokens
    ADD CONSTRAINT api_tokens_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.archive_files
    ADD CONSTRAINT archive_files_pkey PRIMARY KEY (path);

ALTER TABLE ONLY public.archive_forgotten
    ADD CONSTRAINT archive_forgotten_pkey PRIMARY KEY (sequence);

ALTER TABLE ONLY public.archive_gaps
    ADD CONSTRAINT archive_gaps_pkey PRIMARY KEY (first_sequence);

ALTER TABLE ONLY public.archive_position
    ADD CONSTRAINT archive_position_pkey PRIMARY KEY (one);

ALTER TABLE ONLY public.archive_removals
    ADD CONSTRAINT archive_removals_pkey PRIMARY KEY (path);

ALTER TABLE ONLY public.attachments
    ADD CONSTRAINT attachments_pkey PRIMARY KEY (pipeline_id, integration_id);

ALTER TABLE ONLY public.audience_fills
    ADD CONSTRAINT audience_fills_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.audience_size_history
    ADD CONSTRAINT audience_size_history_pkey PRIMARY KEY (audience_id, hour);

ALTER TABLE ONLY public.audience_state
    ADD CONSTRAINT audience_state_pkey PRIMARY KEY (singleton);

ALTER TABLE ONLY public.audience_subscriptions
    ADD CONSTRAINT audience_subscriptions_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.audience_versions
    ADD CONSTRAINT audience_versions_pkey PRIMARY KEY (audience_id, number);

ALTER TABLE ONLY public.audiences
    ADD CONSTRAINT audiences_number_key UNIQUE (number);

ALTER TABLE ONLY public.audiences
    ADD CONSTRAINT audiences_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.audiences
    ADD CONSTRAINT audiences_slug_key UNIQUE (slug);

ALTER TABLE ONLY public.audit_log
    ADD CONSTRAINT audit_log_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.counts_by_minute
    ADD CONSTRAINT counts_by_minute_pkey PRIMARY KEY (measure, minute, subject, detail, process);

ALTER TABLE ONLY public.counts_by_step
    ADD CONSTRAINT counts_by_step_pkey PRIMARY KEY (seconds, measure, at, subject, detail);

ALTER TABLE ONLY public.dead_letters
    ADD CONSTRAINT dead_letters_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.deployments
    ADD CONSTRAINT deployments_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.erased_identifiers
    ADD CONSTRAINT erased_identifiers_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.erased_records
    ADD CONSTRAINT erased_records_pkey PRIMARY KEY (erasure, sequence);

ALTER TABLE ONLY public.erasure_traces
    ADD CONSTRAINT erasure_traces_pkey PRIMARY KEY (erasure, kind, type, value);

ALTER TABLE ONLY public.erasures
    ADD CONSTRAINT erasures_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.event_examples
    ADD CONSTRAINT event_examples_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.identity_decisions
    ADD CONSTRAINT identity_decisions_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.installation
    ADD CONSTRAINT installation_pkey PRIMARY KEY (singleton);

ALTER TABLE ONLY public.integrations
    ADD CONSTRAINT integrations_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.integrations
    ADD CONSTRAINT integrations_slug_key UNIQUE (slug);

ALTER TABLE ONLY public.letter_runs
    ADD CONSTRAINT letter_runs_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.observed_fields
    ADD CONSTRAINT observed_fields_pkey PRIMARY KEY (stream, name);

ALTER TABLE ONLY public.outbox
    ADD CONSTRAINT outbox_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.people
    ADD CONSTRAINT people_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.pipelines
    ADD CONSTRAINT pipelines_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.pipelines
    ADD CONSTRAINT pipelines_slug_key UNIQUE (slug);

ALTER TABLE ONLY public.profile_generations
    ADD CONSTRAINT profile_generations_pkey PRIMARY KEY (number);

ALTER TABLE ONLY public.profile_rebuilds
    ADD CONSTRAINT profile_rebuilds_pkey PRIMARY KEY (generation);

ALTER TABLE ONLY public.profile_settings
    ADD CONSTRAINT profile_settings_pkey PRIMARY KEY (singleton);

ALTER TABLE ONLY public.public_access
    ADD CONSTRAINT public_access_pkey PRIMARY KEY (singleton);

ALTER TABLE ONLY public.revisions
    ADD CONSTRAINT revisions_pkey PRIMARY KEY (integration_id, number);

ALTER TABLE ONLY public.schema_draft
    ADD CONSTRAINT schema_draft_pkey PRIMARY KEY (singleton);

ALTER TABLE ONLY public.schema_live
    ADD CONSTRAINT schema_live_pkey PRIMARY KEY (singleton);

ALTER TABLE ONLY public.schema_migrations
    ADD CONSTRAINT schema_migrations_pkey PRIMARY KEY (number);

ALTER TABLE ONLY public.schema_patches
    ADD CONSTRAINT schema_patches_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.schema_statements
    ADD CONSTRAINT schema_statements_id_key UNIQUE (id);

ALTER TABLE ONLY public.schema_statements
    ADD CONSTRAINT schema_statements_pkey PRIMARY KEY (alias);

ALTER TABLE ONLY public.schema_versions
    ADD CONSTRAINT schema_versions_pkey PRIMARY KEY (number);

ALTER TABLE ONLY public.sessions
    ADD CONSTRAINT sessions_pkey PRIMARY KEY (hash);

ALTER TABLE ONLY public.sessions
    ADD CONSTRAINT sessions_previous_hash_key UNIQUE (previous_hash);

ALTER TABLE ONLY public.sign_in_links
    ADD CONSTRAINT sign_in_links_hash_key UNIQUE (hash);

ALTER TABLE ONLY public.sign_in_links
    ADD CONSTRAINT sign_in_links_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.write_keys
    ADD CONSTRAINT write_keys_pkey PRIMARY KEY (key);

CREATE INDEX archive_files_place ON public.archive_files USING btree (day, kind, source);

CREATE INDEX archive_files_sequence ON public.archive_files USING btree (first_sequence, last_sequence);

CREATE INDEX archive_forgotten_message ON public.archive_forgotten USING btree (message) WHERE (message IS NOT NULL);

CREATE INDEX archive_forgotten_pending ON public.archive_forgotten USING btree (sequence) WHERE (done_at IS NULL);

CREATE INDEX attachments_revision ON public.attachments USING btree (integration_id, revision);

CREATE INDEX audience_fills_open ON public.audience_fills USING btree (id) WHERE (finished IS NULL);

CREATE INDEX audit_log_subject ON public.audit_log USING btree (subject, id);

CREATE INDEX counts_by_minute_time ON public.counts_by_minute USING btree (minute);

CREATE INDEX dead_letters_message ON public.dead_letters USING btree (message_id);

CREATE INDEX dead_letters_newest ON public.dead_letters USING btree (state, id DESC);

CREATE UNIQUE INDEX dead_letters_waiting_once ON public.dead_letters USING btree (pipeline_id, integration_id, message_id, piece) WHERE (state = 'waiting'::text);

CREATE INDEX deployments_pair ON public.deployments USING btree (pipeline_id, integration_id, revision);

CREATE INDEX erased_identifiers_until ON public.erased_identifiers USING btree (until_sequence);

CREATE INDEX erasures_open ON public.erasures USING btree (requested_at) WHERE (completed_at IS NULL);

CREATE INDEX event_examples_of_pipeline ON public.event_examples USING btree (pipeline_id, id DESC);

CREATE INDEX event_examples_sequence ON public.event_examples USING btree (sequence);

CREATE INDEX identity_decisions_in_force ON public.identity_decisions USING btree (id) WHERE (undone_at IS NULL);

CREATE INDEX letter_runs_open ON public.letter_runs USING btree (id) WHERE (finished_at IS NULL);

CREATE UNIQUE INDEX people_email ON public.people USING btree (lower(email));

CREATE UNIQUE INDEX profile_generations_one_live ON public.profile_generations USING btree (state) WHERE (state = 'live'::text);

CREATE UNIQUE INDEX profile_rebuilds_one_at_a_time ON public.profile_rebuilds USING btree ((true)) WHERE (outcome IS NULL);

CREATE INDEX sessions_person ON public.sessions USING btree (person_id);

CREATE INDEX write_keys_pipeline ON public.write_keys USING btree (pipeline_id);

CREATE TRIGGER audience_versions_never_change BEFORE UPDATE ON public.audience_versions FOR EACH ROW EXECUTE FUNCTION public.refuse_update();

CREATE TRIGGER audit_log_never_changes BEFORE UPDATE ON public.audit_log FOR EACH ROW EXECUTE FUNCTION public.refuse_update();

CREATE TRIGGER erased_records_are_no_examples AFTER INSERT ON public.erased_records REFERENCING NEW TABLE AS erased FOR EACH STATEMENT EXECUTE FUNCTION public.forget_event_examples();

CREATE TRIGGER outbox_wakes_its_relay AFTER INSERT ON public.outbox FOR EACH STATEMENT EXECUTE FUNCTION public.announce_outbox();

CREATE TRIGGER revisions_never_change BEFORE UPDATE ON public.revisions FOR EACH ROW EXECUTE FUNCTION public.refuse_update();

CREATE TRIGGER schema_versions_never_change BEFORE UPDATE ON public.schema_versions FOR EACH ROW EXECUTE FUNCTION public.refuse_update();

ALTER TABLE ONLY public.attachments
    ADD CONSTRAINT attachments_integration_id_revision_fkey FOREIGN KEY (integration_id, revision) REFERENCES public.revisions(integration_id, number);

ALTER TABLE ONLY public.attachments
    ADD CONSTRAINT attachments_pipeline_id_fkey FOREIGN KEY (pipeline_id) REFERENCES public.pipelines(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.audience_size_history
    ADD CONSTRAINT audience_size_history_audience_id_fkey FOREIGN KEY (audience_id) REFERENCES public.audiences(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.audience_subscriptions
    ADD CONSTRAINT audience_subscriptions_integration_id_fkey FOREIGN KEY (integration_id) REFERENCES public.integrations(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.audience_versions
    ADD CONSTRAINT audience_versions_audience_id_fkey FOREIGN KEY (audience_id) REFERENCES public.audiences(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.deployments
    ADD CONSTRAINT deployments_integration_id_fkey FOREIGN KEY (integration_id) REFERENCES public.integrations(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.deployments
    ADD CONSTRAINT deployments_pipeline_id_fkey FOREIGN KEY (pipeline_id) REFERENCES public.pipelines(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.erased_identifiers
    ADD CONSTRAINT erased_identifiers_erasure_fkey FOREIGN KEY (erasure) REFERENCES public.erasures(id);

ALTER TABLE ONLY public.erased_records
    ADD CONSTRAINT erased_records_erasure_fkey FOREIGN KEY (erasure) REFERENCES public.erasures(id);

ALTER TABLE ONLY public.erasure_traces
    ADD CONSTRAINT erasure_traces_erasure_fkey FOREIGN KEY (erasure) REFERENCES public.erasures(id);

ALTER TABLE ONLY public.event_examples
    ADD CONSTRAINT event_examples_pipeline_id_fkey FOREIGN KEY (pipeline_id) REFERENCES public.pipelines(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.revisions
    ADD CONSTRAINT revisions_integration_id_fkey FOREIGN KEY (integration_id) REFERENCES public.integrations(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.schema_live
    ADD CONSTRAINT schema_live_number_fkey FOREIGN KEY (number) REFERENCES public.schema_versions(number);

ALTER TABLE ONLY public.sessions
    ADD CONSTRAINT sessions_person_id_fkey FOREIGN KEY (person_id) REFERENCES public.people(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.sign_in_links
    ADD CONSTRAINT sign_in_links_person_id_fkey FOREIGN KEY (person_id) REFERENCES public.people(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.write_keys
    ADD CONSTRAINT write_keys_pipeline_id_fkey FOREIGN KEY (pipeline_id) REFERENCES public.pipelines(id) ON DELETE CASCADE;
