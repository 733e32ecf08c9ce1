"""The tables, as numbered migrations: entry N takes a database from version N to N + 1 (`PRAGMA user_version`).

A migration that has been released is never changed; the next one is added below it.
"""

from __future__ import annotations

_FIRST = """
-- One row a job, small because it is what changes: a stop rewrites this row alone.
CREATE TABLE jobs (
    id          INTEGER PRIMARY KEY,
    kind        TEXT NOT NULL,
    name        TEXT NOT NULL,
    phase       TEXT NOT NULL,
    cause       TEXT,
    attempt     INTEGER NOT NULL,
    fact        INTEGER NOT NULL,   -- number of the last journal fact that is part of this row
    created     INTEGER NOT NULL,   -- ns since 1970, as are the other times
    modified    INTEGER NOT NULL,
    started     INTEGER,
    ended       INTEGER,
    executed    INTEGER,            -- ns of CLOCK_MONOTONIC: MaxRuntimeInSeconds counts from here
    exit_code   INTEGER,
    exit_signal TEXT,
    failure     TEXT,
    parent      TEXT,               -- name of the tuning job that launched this training job
    grace       REAL NOT NULL,
    isolation   TEXT NOT NULL,
    killed      TEXT,               -- KillReason of an order to end the job without waiting for the deadline
    UNIQUE (kind, name)
);
-- Partial: what is read at every start, and what a tuning job asks, stay small however many jobs have ended.
CREATE INDEX jobs_unfinished ON jobs (id) WHERE phase NOT IN ('completed', 'failed', 'stopped');
CREATE INDEX jobs_children ON jobs (parent, id) WHERE parent IS NOT NULL;
CREATE INDEX jobs_created ON jobs (kind, created);

-- Environments are shared: many jobs are created from the same one.
CREATE TABLE environments (
    id     INTEGER PRIMARY KEY,
    digest BLOB NOT NULL UNIQUE,
    text   TEXT NOT NULL
);

CREATE TABLE documents (
    job         INTEGER PRIMARY KEY REFERENCES jobs ON DELETE CASCADE,
    request     TEXT NOT NULL,      -- the Create request as JSON
    cwd         TEXT NOT NULL,
    environment INTEGER NOT NULL REFERENCES environments
);

CREATE TABLE transitions (
    job   INTEGER NOT NULL REFERENCES jobs ON DELETE CASCADE,
    n     INTEGER NOT NULL,
    phase TEXT NOT NULL,
    cause TEXT,
    start INTEGER NOT NULL,
    PRIMARY KEY (job, n)
) WITHOUT ROWID;

CREATE TABLE results (
    job   INTEGER NOT NULL REFERENCES jobs ON DELETE CASCADE,
    name  TEXT NOT NULL,
    value TEXT NOT NULL,            -- JSON
    PRIMARY KEY (job, name)
) WITHOUT ROWID;

-- What one supervisor leaves to the next: its policy, and the boot that it ran in.
CREATE TABLE notes (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;
"""

_CHECKPOINTS = """
-- Folders that whoever asked for the job has named, as a JSON list of paths.
ALTER TABLE documents ADD COLUMN checkpoints TEXT NOT NULL DEFAULT '[]';
"""

_REGIONS_AND_TAGS = """
-- NULL: recorded before regions were, and so in that of the settings.
ALTER TABLE documents ADD COLUMN region TEXT;
-- Only of jobs whose tags were changed after their creation: without a row those of the request count.
CREATE TABLE tags (
    job  INTEGER PRIMARY KEY REFERENCES jobs ON DELETE CASCADE,
    tags TEXT NOT NULL              -- JSON object
);
-- Lists of one status. Partial: a stop that begins changes nothing here.
CREATE INDEX jobs_ended ON jobs (kind, phase, created) WHERE phase IN ('completed', 'failed', 'stopped');
"""

MIGRATIONS: tuple[str, ...] = (_FIRST, _CHECKPOINTS, _REGIONS_AND_TAGS)
