-- What the processes counted, by minute and by hour.

-- A process writes its own value of a minute again and again until the minute is over: to write twice is harmless.
CREATE TABLE counts_by_minute (
    minute timestamptz NOT NULL,
    measure text NOT NULL,
    -- Pipeline id, or "pipeline/integration"; empty for what belongs to neither.
    subject text NOT NULL,
    -- A reason, an outcome, the bound of a histogram's bucket.
    detail text NOT NULL,
    process text NOT NULL,
    value double precision NOT NULL,
    PRIMARY KEY (minute, measure, subject, detail, process)
);

-- All processes together. Counts are added up, of levels the highest is kept.
CREATE TABLE counts_by_hour (
    hour timestamptz NOT NULL,
    measure text NOT NULL,
    subject text NOT NULL,
    detail text NOT NULL,
    value double precision NOT NULL,
    PRIMARY KEY (hour, measure, subject, detail)
);
