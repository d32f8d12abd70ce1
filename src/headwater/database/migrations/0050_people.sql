-- People who use the console, how they get in, and where they are signed in.

CREATE TABLE people (
    id text PRIMARY KEY,
    -- As it was typed; compared without regard to case.
    email text NOT NULL,
    name text NOT NULL,
    role text NOT NULL CHECK (role IN ('viewer', 'editor', 'admin')),
    password_hash text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by text NOT NULL,
    -- Somebody who left: cannot sign in, stays readable in the audit log.
    disabled_at timestamptz
);

CREATE UNIQUE INDEX people_email ON people (lower(email));

-- One-time links. A link without a person makes a new one with the role; with a person it sets a new password.
CREATE TABLE sign_in_links (
    id text PRIMARY KEY,
    -- SHA-256 of the secret in the link; the link itself is shown once and kept nowhere.
    hash bytea NOT NULL UNIQUE CHECK (octet_length(hash) = 32),
    person_id text REFERENCES people ON DELETE CASCADE,
    email text NOT NULL,
    role text NOT NULL CHECK (role IN ('viewer', 'editor', 'admin')),
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by text NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at timestamptz
);

CREATE TABLE sessions (
    -- SHA-256 of the cookie's value.
    hash bytea PRIMARY KEY CHECK (octet_length(hash) = 32),
    -- The value before the last rotation stays good for a moment, for requests that were under way.
    previous_hash bytea UNIQUE,
    person_id text NOT NULL REFERENCES people ON DELETE CASCADE,
    form_token text NOT NULL,
    -- What the next page tells the person, once.
    notice text,
    created_at timestamptz NOT NULL DEFAULT now(),
    rotated_at timestamptz NOT NULL DEFAULT now(),
    seen_at timestamptz NOT NULL DEFAULT now(),
    address text NOT NULL
);

CREATE INDEX sessions_person ON sessions (person_id);
