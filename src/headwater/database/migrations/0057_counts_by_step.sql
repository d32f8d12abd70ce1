-- One table of steps for all ranges of the charts: each range reads as many rows as it shows points.

DROP TABLE counts_by_hour;

-- All processes together, by steps of some seconds: quarters of an hour out of minutes, hours out of quarters, and so on.
CREATE TABLE counts_by_step (
    seconds integer NOT NULL,
    at timestamptz NOT NULL,
    measure text NOT NULL,
    subject text NOT NULL,
    detail text NOT NULL,
    value double precision NOT NULL,
    -- By measure first: a chart asks for few measures over a long time.
    PRIMARY KEY (seconds, measure, at, subject, detail)
);

ALTER TABLE counts_by_minute DROP CONSTRAINT counts_by_minute_pkey;
ALTER TABLE counts_by_minute ADD PRIMARY KEY (measure, minute, subject, detail, process);
CREATE INDEX counts_by_minute_time ON counts_by_minute (minute);
