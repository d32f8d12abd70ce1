-- What browsers may read of profiles without a token.

CREATE TABLE public_access (
    singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    enabled boolean NOT NULL,
    domains text[] NOT NULL,
    fields text[] NOT NULL,
    -- By which identifiers a visitor may ask: those that a browser holds.
    lookup_fields text[] NOT NULL,
    timeout_milliseconds integer NOT NULL CHECK (timeout_milliseconds BETWEEN 1 AND 60000),
    requests_per_minute integer NOT NULL CHECK (requests_per_minute > 0)
);

INSERT INTO public_access VALUES (true, false, '{}', '{}', '{_uids,anonymous_id}', 1000, 120);
